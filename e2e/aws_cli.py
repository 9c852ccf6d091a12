"""The operator's aws-cli: the real command, from pip."""

import os
import subprocess
import time

from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET

# A client that met a stall of one retry (60 s) has failed its test long before this.
GIVE_UP_S = 120


class AwsCli:
    """One installed version, with no configuration but the key pair."""

    def __init__(self, command, home):
        self.command = command
        self.environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def s3(self, server, *words, cwd=None):
        """Runs `aws s3 …` against the server; returns its output and how many seconds it took."""
        begin = time.monotonic()
        ended = subprocess.run(
            [self.command, "s3", *words, "--endpoint-url", server.s3_url],
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GIVE_UP_S,
        )
        assert ended.returncode == 0, f"aws s3 {words} ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
        return ended.stdout, time.monotonic() - begin

    def upload_folder(self, server, folder, vertical="ssgdfm_eye"):
        """The operator's command, word for word, from inside the folder; returns how many seconds it took."""
        there = f"s3://{UPLOAD_BUCKET}/origin/{vertical}"
        return self.s3(server, "cp", ".", there, "--recursive", "--include=*.jpg", cwd=folder)[1]
