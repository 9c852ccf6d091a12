"""`cameo worker` as a service manager would run it: started, ready, ended by SIGTERM with exit code 0."""

import contextlib
import json
import selectors
import signal
import subprocess

from places import CAMEO
from server import START_S, STOP_S


class Worker:
    """One worker. As a context, it is started, and must end cleanly."""

    def __init__(self, log, environment, *flags):
        self.log = log
        self.environment = environment
        self.flags = flags
        self.process = None

    def __enter__(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [CAMEO, "worker", "--json", *self.flags],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd=self.log.parent,
            )
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(START_S), f"no line of output within {START_S} s"
        line = self.process.stdout.readline()
        assert line, f"the worker ended with {self.process.wait()}: {self.log.read_text()}"
        assert json.loads(line)["ready"] is True
        return self

    def __exit__(self, failure, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_S + 5)
        self.process.stdout.close()
        if failure:
            print(f"--- the end of {self.log}", *self.log.read_text().splitlines()[-30:], sep="\n")
        else:
            assert code == 0, f"SIGTERM ended the worker with {code}: {self.log.read_text()[-3000:]}"


@contextlib.contextmanager
def started(number, folder, environment, *flags):
    """So many workers."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Worker(folder / f"worker-{n}.log", environment, *flags)) for n in range(number)]
