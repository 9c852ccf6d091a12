"""A Cameo server as its operator meets it: started and ended by commands and signals, looked at from outside."""

import json
import os
import resource
import selectors
import signal
import subprocess
import time

import boto3
from botocore.config import Config

from places import CAMEO

ACCESS_KEY = "E2EACCESSKEY"
SECRET_KEY = "e2e-secret-key-0123456789"
UPLOAD_BUCKET = "celebtide-image-upload"
IMAGE_BUCKET = "celebtide"
TABLE = "celeb_image_url"

START_S = 60
STOP_S = 20
COMMAND_S = 300
QUIET_S = 300
LOOK_EVERY_S = 0.05


class Server:
    """`cameo serve` on free ports. As a context, it is started, and must end with exit code 0 and leave nothing behind."""

    def __init__(self, data, *flags, expect_clean_end=True, open_files=None, variables=None, addresses=None):
        self.data = data
        self.flags = flags
        self.expect_clean_end = expect_clean_end
        self.open_files = open_files
        self.variables = variables or {}
        self.addresses = addresses or {}
        self.log = data.parent / f"{data.name}.log"
        self.process = None
        self.ready = None

    def __enter__(self):
        return self.start()

    def __exit__(self, failure, *_):
        if self.process is None:
            return
        if failure:
            self.kill()
            print(f"--- the end of {self.log}", *self.log.read_text().splitlines()[-30:], sep="\n")
        else:
            self.stop()

    def environment(self):
        """What the server and the commands about it are run with."""
        keys = {"CAMEO_ACCESS_KEY_ID": ACCESS_KEY, "CAMEO_SECRET_ACCESS_KEY": SECRET_KEY}
        return bare_environment(self.data.parent) | keys | self.variables

    def _limit(self):
        """What a shell does for `ulimit -n`: the hard limit too."""
        if self.open_files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files, self.open_files))

    def start(self):
        # Rows hold the address of the images: a server that is started again keeps it, as one in earnest does.
        images = self.images_url.removeprefix("http://") if self.ready else "127.0.0.1:0"
        addresses = {"s3": "127.0.0.1:0", "images": images, "console": "127.0.0.1:0"} | self.addresses
        listen = [word for name, address in addresses.items() for word in (f"--{name}-listen", address)]
        command = [CAMEO, "serve", "--json", "--data", self.data, *listen, *self.flags]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, env=self.environment(), cwd=self.data.parent, preexec_fn=self._limit
            )
        self.ready = json.loads(self._first_line())
        assert self.ready["ready"] is True, self.ready
        return self

    def _first_line(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(START_S), f"no line of output within {START_S} s"
        line = self.process.stdout.readline()
        assert line, f"the server ended with {self.process.wait()}: {self.log.read_text()}"
        return line

    def stop(self):
        """Ends as a service manager would; returns how long it took, in seconds."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_S + 5)
        took_s = time.monotonic() - begin
        self._forget()
        assert code == 0, f"SIGTERM ended the server with {code}: {self.log.read_text()[-3000:]}"
        assert took_s < STOP_S, f"SIGTERM took {took_s:.1f} s"
        assert self.temporary_files() == []
        return took_s

    def kill(self):
        """Ends as a power cut would, as far as a process sees it."""
        self.process.kill()
        self.process.wait()
        self._forget()

    def _forget(self):
        self.process.stdout.close()
        self.process = None

    def temporary_files(self):
        """What a write that was cut off leaves."""
        unfinished = [*(self.data / "tmp").rglob("*"), *(self.data / "parts").rglob("*"), *self.data.rglob("*.new")]
        return [path for path in unfinished if path.is_file()]

    @property
    def s3_url(self):
        return self.ready["s3"]

    @property
    def images_url(self):
        return self.ready["images"]

    @property
    def console_url(self):
        return self.ready["console"]

    def s3(self):
        """A boto3 client of the endpoint."""
        return boto3.client(
            "s3",
            endpoint_url=self.s3_url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, max_pool_connections=32),
        )

    def put(self, name, content, vertical="ssgdfm_eye"):
        """Uploads one original."""
        self.s3().put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/{vertical}/{name}", Body=content)

    def cameo(self, *words, json_lines=True, stdin=None):
        """Runs a command of Cameo against the data folder; `lines` holds its JSON lines."""
        about = ["--data", self.data] if words[0] in ("status", "verify", "reconcile", "retry", "recover", "restore", "dismiss", "move") else []
        return cameo(*words, *about, json_lines=json_lines, stdin=stdin, env=self.environment(), cwd=self.data.parent)

    def wait_until_quiet(self):
        """Waits until no queue holds a message."""
        deadline = time.monotonic() + QUIET_S
        while True:
            waiting = self.sqlite("SELECT count(*) AS n FROM cameo_messages")[0]["n"]
            if waiting == 0:
                return
            assert time.monotonic() < deadline, f"{waiting} messages still wait after {QUIET_S} s"
            time.sleep(LOOK_EVERY_S)

    def rows(self, where="1"):
        """The rows of the public table, in the order of their keys."""
        return self.sqlite(f"SELECT * FROM {TABLE} WHERE {where} ORDER BY vertical, cd_idx, sequence, image_size")

    def sqlite(self, sql):
        """What the `sqlite3` command answers, while the server runs."""
        command = ["sqlite3", "-readonly", "-json", "-cmd", ".timeout 10000", self.data / "cameo.db", sql]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=True).stdout
        return json.loads(answer or "[]")


def bare_environment(home):
    """An environment in which nothing changes how Cameo behaves: neither variables nor a user's configuration."""
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(home)}


def cameo(*words, cwd, json_lines=True, stdin=None, env=None):
    """Runs a command; its answer has `lines`, the JSON lines of standard output, where those were asked for."""
    command = [CAMEO, *words] + (["--json"] if json_lines else [])
    env = env or bare_environment(cwd)
    ended = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=COMMAND_S, input=stdin)
    if json_lines:
        ended.lines = [json.loads(line) for line in ended.stdout.splitlines()]
    return ended
