"""PUTs per second of 300 KB objects at concurrency 32: Cameo, which syncs, beside s3s-fs, which never does.

    cargo build --release -p cameo --examples && S3S_FS=PATH-TO-S3S-FS python3 bench/put/run.py

Rounds alternate, in fresh folders on the same disk (BENCH_FOLDER), and the median of each is taken. Prints a line of JSON.
"""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "target" / "release" / "examples"
KEY, SECRET = "CAMEOTESTKEY00000000", "cameo-test-secret-0000000000000000000000"
ROUNDS, PUTS, CONCURRENCY, BYTES = 5, 1000, 32, 300_000


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def measure(command, bucket, port):
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        load = [EXAMPLES / "put_load", f"http://127.0.0.1:{port}", bucket, str(PUTS), str(CONCURRENCY), str(BYTES)]
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        return json.loads(subprocess.run(load, env=environment, check=True, capture_output=True).stdout)["puts_per_s"]
    finally:
        server.terminate()
        server.wait()


def cameo(folder):
    port = free_port()
    return measure([EXAMPLES / "s3_endpoint", folder, f"127.0.0.1:{port}"], "celebtide", port)


def s3s_fs(folder):
    port = free_port()
    (pathlib.Path(folder) / "celebtide").mkdir()
    command = [os.environ["S3S_FS"], "--host", "127.0.0.1", "--port", str(port), "--access-key", KEY, "--secret-key", SECRET, folder]
    return measure(command, "celebtide", port)


def main():
    if "S3S_FS" not in os.environ:
        print("SKIPPED: S3S_FS does not name an s3s-fs", file=sys.stderr)
        return
    rates = {"cameo": [], "s3s-fs": []}
    for _ in range(ROUNDS):
        for name, run in [("cameo", cameo), ("s3s-fs", s3s_fs)]:
            with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
                rates[name].append(run(folder))
    medians = {name: statistics.median(rate) for name, rate in rates.items()}
    print(json.dumps({"rates": rates, "medians": medians, "ratio": round(medians["cameo"] / medians["s3s-fs"], 3)}))


if __name__ == "__main__":
    main()
