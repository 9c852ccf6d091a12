"""A certificate authority of an office, and certificates of servers that come from it, made with the `openssl` command."""

import subprocess


def openssl(*words, cwd):
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True, timeout=60)


class Authority:
    """One authority in a folder of its own; `ca` is what clients are given."""

    def __init__(self, folder, name="office"):
        folder.mkdir()
        self.folder = folder
        self.ca = folder / "ca.pem"
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", f"/CN={name}", cwd=folder)

    def issue(self, chain, key, names="DNS:localhost,DNS:cameo.test,IP:127.0.0.1", days="20"):
        """Puts a new key and its certificate into two files, as a tool that renews does: each in one step."""
        new = ["-newkey", "rsa:2048", "-nodes"]
        openssl("req", *new, "-keyout", "new.key", "-out", "new.csr", "-subj", "/CN=cameo", cwd=self.folder)
        (self.folder / "names").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", days, "-extfile", "names"]
        openssl("x509", "-req", "-in", "new.csr", *by, "-out", "new.pem", cwd=self.folder)
        (self.folder / "new.key").chmod(0o600)
        (self.folder / "new.pem").rename(chain)
        (self.folder / "new.key").rename(key)
