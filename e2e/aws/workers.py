"""`cameo worker`, or `cameo serve`, as a service manager would run it: started, ready, ended by SIGTERM with exit code 0."""

import contextlib
import json
import selectors
import signal
import subprocess

from places import CAMEO
from server import START_S, STOP_S


class Process:
    """One process. As a context, it is started, and must end cleanly; `ready` is its first line."""

    def __init__(self, log, environment, *words):
        self.log = log
        self.environment = environment
        self.words = words
        self.process = None
        self.ready = None

    def __enter__(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [CAMEO, *self.words, "--json"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                cwd=self.log.parent,
            )
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(START_S), f"no line of output within {START_S} s"
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}: {self.log.read_text()}"
        self.ready = json.loads(line)
        assert self.ready["ready"] is True
        return self

    def __exit__(self, failure, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_S + 5)
        self.process.stdout.close()
        if failure:
            print(f"--- the end of {self.log}", *self.log.read_text().splitlines()[-30:], sep="\n")
        else:
            assert code == 0, f"SIGTERM ended it with {code}: {self.log.read_text()[-3000:]}"


@contextlib.contextmanager
def started(number, folder, environment, *flags):
    """So many workers."""
    with contextlib.ExitStack() as stack:
        logs = [folder / f"worker-{n}{''.join(flags)}.log" for n in range(number)]
        yield [stack.enter_context(Process(log, environment, "worker", *flags)) for log in logs]
