"""A local AWS: ministack from pip, on a free port, with folders of its own. It runs the real Lambda executable."""

import os
import socket
import subprocess
import time
import urllib.request

import boto3
from botocore.config import Config

import places

REGION = "ap-northeast-2"
START_S = 60
# A live process looks at the signature, not at whose it is.
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    """As a context, it is started, and killed afterwards: what it holds is of no use to anybody."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "ministack.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = None

    def __enter__(self):
        self.folder.mkdir(parents=True)
        environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": self.url.rsplit(":", 1)[1],
            "MINISTACK_REGION": REGION,
            # Where its functions find it.
            "AWS_ENDPOINT_URL": self.url,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [places.MINISTACK], stdout=log, stderr=log, env=environment, cwd=self.folder, start_new_session=True
            )
        self._wait()
        return self

    def _wait(self):
        deadline = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, f"no answer within {START_S} s: {self.log.read_text()}"
                time.sleep(0.1)

    def __exit__(self, failure, *_):
        # The session holds the functions' processes too.
        os.killpg(self.process.pid, 9)
        self.process.wait()
        if failure:
            print(f"--- the end of {self.log}", *self.log.read_text(errors="replace").splitlines()[-60:], sep="\n")

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
            config=Config(s3={"addressing_style": "path"}),
        )

    def environment(self):
        """What a process of ours needs to work on it."""
        address = f"//?endpoint={self.url}&region={REGION}"
        return KEYS | {"CAMEO_STORE_URL": f"s3:{address}", "CAMEO_QUEUE_URL": f"sqs:{address}"}
