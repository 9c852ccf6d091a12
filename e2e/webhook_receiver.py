"""A receiver of webhooks, as an engineer elsewhere writes one: it verifies signatures with the library of the convention, not with ours."""

import http.server
import threading
import time

from standardwebhooks import Webhook, WebhookVerificationError

WAIT_S = 30
LOOK_EVERY_S = 0.02


class Received:
    """A request that came."""

    def __init__(self, path, headers, body):
        self.path = path
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        self.id = self.headers["webhook-id"]

    def verified(self, secret):
        """The message, whose signature must be right."""
        return Webhook(secret).verify(self.body, self.headers)

    def is_signed_with(self, secret):
        try:
            self.verified(secret)
        except WebhookVerificationError:
            return False
        return True


class Receiver:
    """Answers each path as it was told to, and remembers what came."""

    def __init__(self, port=0):
        self.received = []
        self.answers = {}
        self.lock = threading.Lock()
        self.held = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.lock:
                    receiver.received.append(Received(self.path, self.headers, body))
                    script = receiver.answers.get(self.path, [])
                    status, headers = script.pop(0) if len(script) > 1 else (script or [(204, {})])[0]
                if status == "hang":
                    receiver.held.wait(WAIT_S)
                    status = 204
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    text = b"" if status == 204 else b"says the receiver\n"
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def do_GET(self):
                with receiver.lock:
                    receiver.received.append(Received(self.path, {"webhook-id": "followed"}, b""))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self):
        return self.server.server_address[1]

    def url(self, path="/in"):
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, path, *script):
        """The answers to a path in their order, the last one from then on: a status, or a status with headers."""
        self.answers[path] = [step if isinstance(step, tuple) else (step, {}) for step in script]

    def at(self, path="/in"):
        with self.lock:
            return [received for received in self.received if received.path == path]

    def wait(self, enough, path="/in"):
        """What came to a path, as soon as it is enough."""
        deadline = time.monotonic() + WAIT_S
        while not enough(self.at(path)):
            types = [received.body[:120] for received in self.at(path)]
            assert time.monotonic() < deadline, f"not enough came to {path} within {WAIT_S} s: {types}"
            time.sleep(LOOK_EVERY_S)
        return self.at(path)
