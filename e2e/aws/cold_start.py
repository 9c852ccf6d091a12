"""How long the functions take from their start until they ask for the first invocation, and how much memory they hold then.

Run from e2e/: `../.cache/python/bin/python -m aws.cold_start [RESIZE DATASET]`, with the `bootstrap` of each function. Store and queues are the emulator's, the database
is MariaDB; on AWS the way to them is longer, and Lambda's own start comes before it.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import places
from aws import databases, stack
from aws.emulator import Emulator
from aws.runtime_api import START_S, RuntimeApi
from server import bare_environment

ROUNDS = 7


def start(executable, api, environment):
    """Milliseconds and MiB of one start."""
    api.asked.clear()
    begin = time.monotonic()
    process = subprocess.Popen([executable], env=environment, stderr=subprocess.DEVNULL)
    assert api.asked.wait(START_S), "it never asked"
    took_ms = (time.monotonic() - begin) * 1000
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.kill()
    process.wait()
    return took_ms, int(status.split("VmHWM:")[1].split()[0]) / 1024


def main():
    paths = map(Path, sys.argv[1:3]) if len(sys.argv) > 2 else (places.CAMEO_LAMBDA, places.CAMEO_LAMBDA)
    executables = dict(zip(("resize", "dataset"), paths))
    # It never has any work to give.
    api = RuntimeApi()
    with tempfile.TemporaryDirectory() as folder, databases.MariaDb(Path(folder) / "db") as database, Emulator(Path(folder) / "aws") as emulator:
        stack.deploy(emulator, "workers")
        addresses = {"CAMEO_CATALOG_URL": database.url, "CAMEO_IMAGES_PUBLIC_URL": stack.PUBLIC_URL}
        for handler, executable in executables.items():
            environment = bare_environment(folder) | emulator.environment() | addresses | api.environment(handler)
            starts = sorted(start(executable, api, environment) for _ in range(ROUNDS))
            took_ms, mib = starts[ROUNDS // 2]
            print(f"{handler}: {took_ms:.0f} ms (median of {ROUNDS}, {starts[0][0]:.0f} to {starts[-1][0]:.0f}), {mib:.0f} MiB")


if __name__ == "__main__":
    main()
