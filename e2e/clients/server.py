"""A server of its own for the checks, in a temporary folder, on a free port."""

import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Server:
    """The S3 endpoint. CAMEO_S3_ENDPOINT names the program; otherwise the newest one that was built is taken."""

    def __init__(self, keys=None):
        """`keys` is the text of a file of access keys; without it one key pair may do everything."""
        self.folder = tempfile.TemporaryDirectory(prefix="cameo-e2e-")
        if keys:
            path = pathlib.Path(self.folder.name) / "keys.toml"
            path.touch(mode=0o600)
            path.write_text(keys)
        self.process = subprocess.Popen([str(program()), self.folder.name], stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.key, self.secret = ready["s3"], ready["access_key_id"], ready["secret_access_key"]
        self.host = self.url.removeprefix("http://")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.folder.cleanup()


def program():
    named = os.environ.get("CAMEO_S3_ENDPOINT")
    if named:
        return pathlib.Path(named)
    built = [ROOT / "target" / profile / "examples" / "s3_endpoint" for profile in ("release", "debug")]
    built = [path for path in built if path.exists()]
    if not built:
        subprocess.run(["cargo", "build", "-q", "-p", "cameo", "--example", "s3_endpoint"], cwd=ROOT, check=True)
        built = [ROOT / "target" / "debug" / "examples" / "s3_endpoint"]
    return max(built, key=lambda path: path.stat().st_mtime)
