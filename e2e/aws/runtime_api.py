"""Lambda's side of a function: it hands over invocations and takes the answers, and knows when work was first asked for."""

import http.server
import json
import queue
import threading
import time

START_S = 30
ANSWER_S = 60


class RuntimeApi:
    def __init__(self):
        self.asked = threading.Event()
        self.events = queue.Queue()
        self.answers = queue.Queue()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api.asked.set()
                content = json.dumps(api.events.get()).encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "request")
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:ap-northeast-2:000000000000:function:f")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + ANSWER_S) * 1000)))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self):
                answer = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                api.answers.put(json.loads(answer))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # A function that is killed takes its connection with it.
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def invoke(self, event):
        """The function's answer."""
        self.events.put(event)
        return self.answers.get(timeout=ANSWER_S)

    def environment(self, handler):
        about = {"FUNCTION_NAME": handler, "FUNCTION_MEMORY_SIZE": "512", "FUNCTION_VERSION": "1", "LOG_STREAM_NAME": "l", "LOG_GROUP_NAME": "g"}
        named = {f"AWS_LAMBDA_{key}": value for key, value in about.items()}
        return named | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}", "_HANDLER": handler}
