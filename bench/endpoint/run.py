"""Measures the S3 endpoint from outside: what durability costs, what slow clients do to others, how much memory many uploads take.

    bench/endpoint/run [put] [slow] [many]

- `put`: PUTs per second of 300 KB objects at concurrency 32, `cameo serve` beside s3s-fs, which never syncs; rounds alternate, in
  fresh folders on the same disk (BENCH_FOLDER), the median of each is taken.
- `slow`: p99 of one client's PUTs of 300 KB with 1,000 connections open that send a byte of their body now and then, beside
  p99 without them, rounds alternating.
- `many`: 10,000 originals at concurrency 256 to a server with its workers; all must end up registered.

Prints a line of JSON each.
"""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "target" / "release"
CAMEO, PUT_LOAD = RELEASE / "cameo", RELEASE / "examples" / "put_load"
KEY, SECRET, BUCKET = "CAMEOTESTKEY00000000", "cameo-test-secret-0000000000000000000000", "celebtide-image-upload"
MIB = 1 << 20

PUT_ROUNDS, PUTS, PUT_CONCURRENCY, PUT_BYTES = 7, 1000, 32, 300_000
SLOW_ROUNDS, SLOW_CONNECTIONS, SLOW_PUTS, SLOW_BYTE_EVERY_S = 5, 1000, 300, 5
MANY_UPLOADS, MANY_CONCURRENCY, MANY_TIMEOUT_S = 10_000, 256, 1800


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER"), prefix="cameo-bench-") as path:
        yield pathlib.Path(path)


@contextlib.contextmanager
def cameo(data, *flags):
    """A running server: its address and process."""
    listen = [word for flag in ("s3", "images", "console") for word in (f"--{flag}-listen", "127.0.0.1:0")]
    environment = {"PATH": os.environ["PATH"], "CAMEO_ACCESS_KEY_ID": KEY, "CAMEO_SECRET_ACCESS_KEY": SECRET, "CAMEO_LOG_LEVEL": "warn"}
    command = [CAMEO, "serve", "--json", "--data", data, *listen, *flags]
    process = subprocess.Popen(command, env=environment, cwd=data.parent, stdout=subprocess.PIPE)
    try:
        yield json.loads(process.stdout.readline())["s3"], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextlib.contextmanager
def s3s_fs(data):
    (data / BUCKET).mkdir(parents=True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    program = os.environ.get("S3S_FS", ROOT / ".cache" / "s3s-fs" / "bin" / "s3s-fs")
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--access-key", KEY, "--secret-key", SECRET, data]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if process.poll() is not None:
                raise SystemExit("s3s-fs did not start")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait()


def load(url, count, concurrency, content):
    command = [PUT_LOAD, url, BUCKET, str(count), str(concurrency), str(content)]
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def put():
    servers = {"cameo": lambda data: cameo(data, "--no-worker"), "s3s-fs": s3s_fs}
    rates = {name: [] for name in servers}
    for _ in range(PUT_ROUNDS):
        for name, server in servers.items():
            with folder() as path, server(path / "data") as (url, _):
                rates[name].append(load(url, PUTS, PUT_CONCURRENCY, PUT_BYTES)["puts_per_s"])
    medians = {name: statistics.median(rate) for name, rate in rates.items()}
    return {"puts_per_s": rates, "medians": medians, "ratio": round(medians["cameo"] / medians["s3s-fs"], 3)}


def presigned(url, key):
    """Path and query of a PUT, signed for an hour."""
    request = AWSRequest("PUT", f"{url}/{BUCKET}/{key}")
    S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", "us-east-1", expires=3600).add_auth(request)
    return request.url.removeprefix(url)


class SlowClients:
    """Connections that have told of a body and send it a byte at a time."""

    def __init__(self, url, count):
        address = url.removeprefix("http://")
        host, port = address.rsplit(":", 1)
        self.stop = threading.Event()
        self.sockets = []
        for number in range(count):
            connection = socket.create_connection((host, int(port)))
            head = f"PUT {presigned(url, f'slow/{number}')} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {PUT_BYTES}\r\n\r\n"
            connection.sendall(head.encode() + b"x")
            self.sockets.append(connection)
        self.thread = threading.Thread(target=self.drip)
        self.thread.start()

    def drip(self):
        while not self.stop.wait(SLOW_BYTE_EVERY_S):
            for connection in self.sockets:
                # The server closes those that fall too far behind its minimum rate.
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")

    def close(self):
        self.stop.set()
        self.thread.join()
        for connection in self.sockets:
            connection.close()


def latencies(url):
    """How long PUTs of one client take, one after the other, on a connection kept alive; milliseconds."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    body, took = b"\0" * PUT_BYTES, []
    for number in range(SLOW_PUTS):
        path = presigned(url, f"normal/{number}")
        began = time.perf_counter()
        connection.request("PUT", path, body)
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise SystemExit(f"a PUT was answered with {answer.status}")
    connection.close()
    return took


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


def slow():
    without, beside = [], []
    with folder() as path, cameo(path / "data", "--no-worker") as (url, _):
        latencies(url)
        for _ in range(SLOW_ROUNDS):
            without.append(p99(latencies(url)))
            clients = SlowClients(url, SLOW_CONNECTIONS)
            beside.append(p99(latencies(url)))
            clients.close()
    alone, crowded = statistics.median(without), statistics.median(beside)
    figures = {"connections": SLOW_CONNECTIONS, "p99_ms": {"alone": without, "beside": beside}}
    return {**figures, "medians_ms": {"alone": alone, "beside": crowded}, "ratio": round(crowded / alone, 2)}


def peak_bytes(process):
    """The most memory that a process ever held."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def children(process):
    return [int(child) for child in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()] + [
        int(child)
        for thread in pathlib.Path(f"/proc/{process}/task").iterdir()
        if thread.name != str(process)
        for child in (thread / "children").read_text().split()
    ]


def many():
    photo = os.environ.get("BENCH_PHOTO", ROOT.parent / "shared" / "photos" / "ssgdfm_eye" / "351518_0.jpg")
    with folder() as path, cameo(path / "data") as (url, process):
        began = time.monotonic()
        uploaded = load(url, MANY_UPLOADS, MANY_CONCURRENCY, photo)
        database = sqlite3.connect(f"file:{path}/data/cameo.db?mode=ro", uri=True)
        entities, deadline = 0, time.monotonic() + MANY_TIMEOUT_S
        while entities < MANY_UPLOADS and time.monotonic() < deadline:
            time.sleep(0.2)
            query = "SELECT count(*) FROM (SELECT cd_idx FROM celeb_image_url GROUP BY cd_idx HAVING count(*) = 4)"
            entities = database.execute(query).fetchone()[0]
        rows = database.execute("SELECT count(*) FROM celeb_image_url").fetchone()[0]
        took = time.monotonic() - began
        peaks = [round(peak_bytes(child) / MIB) for child in children(process.pid)]
        server = round(peak_bytes(process.pid) / MIB)
    photo_bytes = pathlib.Path(photo).stat().st_size
    return {
        "uploads": MANY_UPLOADS, "concurrency": MANY_CONCURRENCY, "photo_bytes": photo_bytes, "upload_seconds": uploaded["seconds"],
        "registered": entities, "rows": rows, "registered_after_s": round(took, 1), "peak_mib": {"server": server, "children": peaks},
    }


MEASURES = {"put": put, "slow": slow, "many": many}

if __name__ == "__main__":
    for name in sys.argv[1:] or MEASURES:
        print(json.dumps({name: MEASURES[name]()}), flush=True)
