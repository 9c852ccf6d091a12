"""How long the functions take from their start until they ask for the first invocation, and how much memory they hold then.

Run from e2e/: `../.cache/python/bin/python -m aws.cold_start [EXECUTABLE]`. Store and queues are the emulator's, the database
is MariaDB; on AWS the way to them is longer, and Lambda's own start comes before it.
"""

import http.server
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import places
from aws import databases, stack
from aws.emulator import Emulator
from server import bare_environment

ROUNDS = 7
START_S = 30


class RuntimeApi:
    """Lambda's side: it notes when a function asks for work, and never has any."""

    def __init__(self):
        self.asked = threading.Event()
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.set()
                time.sleep(START_S)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def environment(self, handler):
        about = {"FUNCTION_NAME": handler, "FUNCTION_MEMORY_SIZE": "512", "FUNCTION_VERSION": "1", "LOG_STREAM_NAME": "l", "LOG_GROUP_NAME": "g"}
        named = {f"AWS_LAMBDA_{key}": value for key, value in about.items()}
        return named | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}", "_HANDLER": handler}


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
    executable = Path(sys.argv[1]) if len(sys.argv) > 1 else places.CAMEO_LAMBDA
    api = RuntimeApi()
    with tempfile.TemporaryDirectory() as folder, databases.MariaDb(Path(folder) / "db") as database, Emulator(Path(folder) / "aws") as emulator:
        stack.deploy(emulator, "workers")
        addresses = {"CAMEO_CATALOG_URL": database.url, "CAMEO_IMAGES_PUBLIC_URL": stack.PUBLIC_URL}
        for handler in ("resize", "dataset"):
            environment = bare_environment(folder) | emulator.environment() | addresses | api.environment(handler)
            starts = sorted(start(executable, api, environment) for _ in range(ROUNDS))
            took_ms, mib = starts[ROUNDS // 2]
            print(f"{handler}: {took_ms:.0f} ms (median of {ROUNDS}, {starts[0][0]:.0f} to {starts[-1][0]:.0f}), {mib:.0f} MiB")


if __name__ == "__main__":
    main()
