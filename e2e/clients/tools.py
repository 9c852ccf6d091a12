"""The clients, each as the commands that a person would type. Addresses are `bucket/key`."""

import os
import shutil
import subprocess

from places import AWS_CLI_2, AWS_CLIS, CACHE
from server import ACCESS_KEY, SECRET_KEY

TIMEOUT_S = 180
# In the oldest region aws-cli signs addresses with version 2, which is refused; in all later ones with version 4.
REGION = "ap-northeast-2"


class Tool:
    """A client with a home of its own, so that nobody's configuration is read."""

    # Keys that the tool itself changes or refuses, with the reason.
    cannot = {}
    # What not every tool can: to sync within S3, and to send a Content-Disposition.
    sync_within = None
    put_with_disposition = None

    def __init__(self, program, server, home):
        self.program, self.url, self.home = str(program), server.s3_url, str(home)
        self.host = self.url.removeprefix("http://")
        self.key, self.secret = ACCESS_KEY, SECRET_KEY

    def environment(self):
        kept = {"PATH": os.environ["PATH"], "HOME": self.home, "LC_ALL": "C.UTF-8"}
        return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **self.credentials()}

    def credentials(self):
        if self.key is None:
            return {}
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_DEFAULT_REGION": REGION}

    def run(self, *arguments, check=True):
        command = [self.program, *self.options(), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=TIMEOUT_S)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command[:6])} …: exit {done.returncode}: {done.stderr[-600:]}{done.stdout[-300:]}")
        return done

    def options(self):
        return []


class Aws(Tool):
    def options(self):
        return ["--endpoint-url", self.url, "s3"]

    def put(self, file, at): self.run("cp", file, f"s3://{at}")
    def get(self, at, file): self.run("cp", f"s3://{at}", file)
    def put_tree(self, folder, at): self.run("cp", folder, f"s3://{at}", "--recursive")
    def list(self, at): return [line.split(None, 3)[3] for line in self.run("ls", f"s3://{at}", "--recursive").stdout.splitlines()]
    def list_paged(self, at): return [line.split(None, 3)[3] for line in self.run("ls", f"s3://{at}", "--recursive", "--page-size", "100").stdout.splitlines()]
    def sync_up(self, folder, at): self.run("sync", folder, f"s3://{at}", "--delete")
    def sync_down(self, at, folder): self.run("sync", f"s3://{at}", folder, "--delete")
    def move(self, a, b): self.run("mv", f"s3://{a}", f"s3://{b}")
    def copy(self, a, b): self.run("cp", f"s3://{a}", f"s3://{b}")
    def remove_tree(self, at): self.run("rm", f"s3://{at}", "--recursive")
    def presign(self, at): return self.run("presign", f"s3://{at}").stdout.strip()
    def put_large(self, file, at): self.put(file, at)
    def put_with_metadata(self, file, at): self.run("cp", file, f"s3://{at}", "--metadata", "colour=green", "--content-type", "image/test")
    def sync_within(self, a, b): self.run("sync", f"s3://{a}", f"s3://{b}")
    def put_with_disposition(self, file, at, value): self.run("cp", file, f"s3://{at}", "--content-disposition", value)


class OldAws(Aws):
    put_with_disposition = None  # it sends headers in ISO 8859-1 alone


class S3cmd(Tool):
    def options(self):
        host = self.host
        return ["-c", "/dev/null", "--no-ssl", f"--host={host}", f"--host-bucket={host}", "--region=us-east-1",
                *([f"--access_key={self.key}", f"--secret_key={self.secret}"] if self.key else []), "--no-progress"]

    def credentials(self): return {}
    def put(self, file, at): self.run("put", file, f"s3://{at}")
    def get(self, at, file): self.run("get", "--force", f"s3://{at}", file)
    def put_tree(self, folder, at): self.run("put", "--recursive", f"{folder}/", f"s3://{at}/")
    def list(self, at): return [line.split(None, 3)[3].split("/", 3)[3] for line in self.run("ls", "--recursive", f"s3://{at}").stdout.splitlines()]
    list_paged = list
    def sync_up(self, folder, at): self.run("sync", "--delete-removed", f"{folder}/", f"s3://{at}/")
    def sync_down(self, at, folder): self.run("sync", "--delete-removed", f"s3://{at}/", f"{folder}/")
    def move(self, a, b): self.run("mv", f"s3://{a}", f"s3://{b}")
    def copy(self, a, b): self.run("cp", f"s3://{a}", f"s3://{b}")
    def remove_tree(self, at): self.run("rm", "--recursive", "--force", f"s3://{at}")
    presign = None  # it signs addresses with version 2
    def put_large(self, file, at): self.put(file, at)
    def put_with_metadata(self, file, at): self.run("put", file, f"s3://{at}", "--add-header=x-amz-meta-colour:green", "--mime-type=image/test")
    def sync_within(self, a, b): self.run("sync", f"s3://{a}/", f"s3://{b}/")
    def put_with_disposition(self, file, at, value): self.run("put", file, f"s3://{at}", f"--add-header=Content-Disposition:{value}")


class Rclone(Tool):
    cannot = {"a//b": "rclone cleans paths"}

    def options(self):
        return ["--config", "/dev/null", "--retries", "1", "--low-level-retries", "1"]

    def credentials(self):
        settings = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": self.url, "REGION": "us-east-1"}
        if self.key:
            settings |= {"ACCESS_KEY_ID": self.key, "SECRET_ACCESS_KEY": self.secret}
        return {f"RCLONE_CONFIG_C_{name}": value for name, value in settings.items()}

    def put(self, file, at): self.run("copyto", file, f"c:{at}")
    def get(self, at, file): self.run("copyto", f"c:{at}", file)
    def put_tree(self, folder, at): self.run("copy", folder, f"c:{at}")
    def list(self, at): return [f"{at.split('/', 1)[1]}/{line}" if "/" in at else line for line in self.run("lsf", "-R", "--files-only", f"c:{at}").stdout.splitlines()]
    def list_paged(self, at): return [f"{at.split('/', 1)[1]}/{line}" for line in self.run("lsf", "-R", "--files-only", "--s3-list-chunk", "100", f"c:{at}").stdout.splitlines()]
    def sync_up(self, folder, at): self.run("sync", folder, f"c:{at}")
    def sync_down(self, at, folder): self.run("sync", f"c:{at}", folder)
    def move(self, a, b): self.run("moveto", f"c:{a}", f"c:{b}")
    def copy(self, a, b): self.run("copyto", f"c:{a}", f"c:{b}")
    def remove_tree(self, at): self.run("delete", f"c:{at}")
    def presign(self, at): return self.run("link", f"c:{at}").stdout.strip()
    def put_large(self, file, at): self.run("copyto", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "8M", file, f"c:{at}")
    def put_with_metadata(self, file, at): self.run("copyto", "--header-upload", "x-amz-meta-colour: green", "--header-upload", "Content-Type: image/test", file, f"c:{at}")
    def sync_within(self, a, b): self.run("sync", "--s3-copy-cutoff", "5M", f"c:{a}", f"c:{b}")
    def put_with_disposition(self, file, at, value): self.run("copyto", "--header-upload", f"Content-Disposition: {value}", file, f"c:{at}")


class S5cmd(Tool):
    cannot = {"a//b": "s5cmd cleans paths"}

    def options(self):
        return ["--endpoint-url", self.url, "--retry-count", "1"]

    def put(self, file, at): self.run("cp", file, f"s3://{at}")
    def get(self, at, file): self.run("cp", f"s3://{at}", file)
    def put_tree(self, folder, at): self.run("cp", f"{folder}/", f"s3://{at}/")
    def list(self, at): return [f"{at.split('/', 1)[1]}/{line.split(None, 3)[3]}" for line in self.run("ls", f"s3://{at}/*").stdout.splitlines()]
    list_paged = list
    def sync_up(self, folder, at): self.run("sync", "--delete", f"{folder}/", f"s3://{at}/")
    def sync_down(self, at, folder): self.run("sync", "--delete", f"s3://{at}/*", f"{folder}/")
    def move(self, a, b): self.run("mv", f"s3://{a}", f"s3://{b}")
    def copy(self, a, b): self.run("cp", f"s3://{a}", f"s3://{b}")
    def remove_tree(self, at): self.run("rm", f"s3://{at}/*")
    presign = None  # not in every version
    def put_large(self, file, at): self.run("cp", "-p", "10", file, f"s3://{at}")
    put_with_metadata = None
    def sync_within(self, a, b): self.run("sync", f"s3://{a}/*", f"s3://{b}/")
    def put_with_disposition(self, file, at, value): self.run("cp", "--content-disposition", value, file, f"s3://{at}")


def is_version_2(program):
    """Whether Debian's package is there, and is version 2: in older releases it was version 1."""
    if not program.exists():
        return False
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=TIMEOUT_S)
    return told.stdout.startswith("aws-cli/2")


# Every client, by the name that its tests carry: what it is, and where its program stands, if it does.
CLIENTS = {
    **{f"aws-cli-{version}": (Aws if version == "current" else OldAws, program if program.exists() else None)
       for version, program in AWS_CLIS.items()},
    "aws-cli-2": (Aws, AWS_CLI_2 if is_version_2(AWS_CLI_2) else None),
    "s3cmd": (S3cmd, shutil.which("s3cmd")),
    "rclone": (Rclone, shutil.which("rclone")),
    "s5cmd": (S5cmd, shutil.which("s5cmd", path=CACHE / "python" / "bin")),
}
