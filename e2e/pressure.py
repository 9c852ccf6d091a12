"""Clients that press on a server, and normal uploads between them. Only what Python brings along: bench/pressure uses it too.

Idle connections ask for nothing, slow readers take an answer of megabytes a few bytes at a time, dribblers send a body so. Those of the last
two kinds that the server closes come again. Normal uploads are what is counted: how long they take, and every one that is refused.
"""

import contextlib
import datetime
import hashlib
import hmac
import itertools
import pathlib
import resource
import selectors
import socket
import threading
import time
from urllib.parse import urlsplit

UPLOAD_BUCKET, IMAGE_BUCKET = "celebtide-image-upload", "celebtide"
LARGE_BYTES = 16 << 20
LARGE_KEY = "ssgdfm_eye/or/pressure.jpg"
CONNECT_S, ANSWER_S = 60, 300
MOVE_EVERY_S = 0.5
MOVED_BYTES = 64
# A reader that takes little has little room for what it does not take.
READER_ROOM_BYTES = 4096


def raise_open_files():
    """As many sockets as this process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Signer:
    """Heads of requests for one endpoint, signed by its key pair; bodies are not."""

    def __init__(self, url, access_key, secret_key):
        self.netloc, self.access_key, self.secret_key = urlsplit(url).netloc, access_key, secret_key

    def head(self, method, path, length=None, close=True, **more):
        at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": self.netloc, "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": at}
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = f"{method}\n{path}\n\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
        scope = f"{at[:8]}/us-east-1/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        headers = signed | {
            "authorization": f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        }
        if length is not None:
            headers["content-length"] = length
        if close:
            headers["connection"] = "close"
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def connect(url, receive_bytes=None):
    address = urlsplit(url)
    connection = socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(CONNECT_S)
    connection.connect((address.hostname, address.port))
    return connection


def read_to_end(connection):
    """All that comes, until the other side ends or resets."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            answer += piece
    return answer


def ask(url, request, timeout_s=ANSWER_S):
    """Sends bytes as they are, and reads the answer to the end."""
    with connect(url) as connection:
        connection.settimeout(timeout_s)
        connection.sendall(request)
        return read_to_end(connection)


def status(answer):
    """The status of an answer as bytes; 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


# What the last one asks for is not there: a page of the console would be work, and nobody would be idle.
IDLE_KINDS = (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"GET /absent HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


def idle(url, count):
    """Connections that ask for nothing: some say nothing, some half of a head, some have been answered before."""
    connections = []
    for number in range(count):
        connection = connect(url)
        # One that was closed for a later one already is as idle as any.
        with contextlib.suppress(ConnectionError):
            connection.sendall(IDLE_KINDS[number % len(IDLE_KINDS)])
        connections.append(connection)
    return connections


class Moving:
    """Connections that move a few bytes now and then, and come again when they are closed; as a context."""

    def __init__(self):
        self.stop = threading.Event()
        self.wanted, self.open, self.closed = [], [], 0
        self.thread = threading.Thread(target=self._move, daemon=True)

    def add_readers(self, url, request, count):
        """`request` makes the bytes of a request for something large."""
        self.wanted += [("read", url, request)] * count

    def add_dribblers(self, url, request, count):
        """`request` makes the head of a request with a body of megabytes."""
        self.wanted += [("write", url, request)] * count

    def __enter__(self):
        self._open()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        for _, connection in self.open:
            connection.close()

    def _open(self):
        for what in self.wanted[:]:
            kind, url, request = what
            with contextlib.suppress(OSError):
                connection = connect(url, READER_ROOM_BYTES if kind == "read" else None)
                connection.sendall(request())
                connection.setblocking(False)
                self.wanted.remove(what)
                self.open.append((what, connection))

    def _move(self):
        while not self.stop.wait(MOVE_EVERY_S):
            for what, connection in self.open[:]:
                try:
                    ended = connection.recv(MOVED_BYTES) == b"" if what[0] == "read" else connection.send(b"x" * MOVED_BYTES) == 0
                except BlockingIOError:
                    continue
                except OSError:
                    ended = True
                if ended:
                    connection.close()
                    self.open.remove((what, connection))
                    self.wanted.append(what)
                    self.closed += 1
            self._open()


def uploads(signer, url, count, at_a_time, content, vertical):
    """Normal uploads to a vertical, each on a connection of its own and `at_a_time` side by side: seconds of each, and what went wrong."""
    took, wrong, numbers = [], [], itertools.count()
    address = urlsplit(url)

    class Upload:
        def __init__(self, number):
            self.began, self.answer = time.monotonic(), b""
            head = signer.head("PUT", f"/{UPLOAD_BUCKET}/origin/{vertical}/{number}_0.jpg", len(content))
            self.left = memoryview(head + content)
            self.socket = socket.socket()
            self.socket.setblocking(False)
            self.socket.connect_ex((address.hostname, address.port))

        def go_on(self):
            """Sends or receives what it can; true at the end."""
            try:
                while self.left:
                    self.left = self.left[self.socket.send(self.left):]
                while piece := self.socket.recv(1 << 16):
                    self.answer += piece
                return True
            except BlockingIOError:
                return False
            except OSError as error:
                self.answer += f" {error!r}".encode()
                return True

    with selectors.DefaultSelector() as selector:
        def begin():
            if (number := next(numbers)) < count:
                upload = Upload(number)
                selector.register(upload.socket, selectors.EVENT_WRITE, upload)

        for _ in range(at_a_time):
            begin()
        while selector.get_map():
            ready = selector.select(ANSWER_S)
            if not ready:
                raise TimeoutError(f"{len(selector.get_map())} uploads were not answered within {ANSWER_S} s")
            for key, _ in ready:
                upload = key.data
                if upload.go_on():
                    selector.unregister(upload.socket)
                    upload.socket.close()
                    took.append(time.monotonic() - upload.began)
                    if status(upload.answer) != 200:
                        wrong.append(upload.answer[:300].decode(errors="replace") or "closed without an answer")
                    begin()
                elif not upload.left and key.events != selectors.EVENT_READ:
                    selector.modify(upload.socket, selectors.EVENT_READ, upload)
    return took, wrong


def put_large(signer, url):
    """An image and an original that are large enough to be read slowly."""
    content = b"\xff\xd8\xff" + b"\x00" * (LARGE_BYTES - 3)
    for path in (f"/{IMAGE_BUCKET}/{LARGE_KEY}", f"/{UPLOAD_BUCKET}/pressure/large"):
        answer = ask(url, signer.head("PUT", path, len(content), content_type="image/jpeg") + content)
        assert status(answer) == 200, answer


@contextlib.contextmanager
def pressure(signer, s3_url, images_url, console_url, idle_each, readers, dribblers):
    """All of it at once: idle connections on each listener, readers on S3 and images, dribblers on S3."""
    put_large(signer, s3_url)
    held = [connection for url in (s3_url, images_url, console_url) for connection in idle(url, idle_each)]
    moving = Moving()
    image = f"GET /{LARGE_KEY} HTTP/1.1\r\nHost: {urlsplit(images_url).netloc}\r\n\r\n".encode()
    moving.add_readers(images_url, lambda: image, readers // 2)
    moving.add_readers(s3_url, lambda: signer.head("GET", f"/{UPLOAD_BUCKET}/pressure/large"), readers - readers // 2)
    moving.add_dribblers(s3_url, lambda: signer.head("PUT", f"/{UPLOAD_BUCKET}/pressure/dribble", LARGE_BYTES), dribblers)
    try:
        with moving:
            yield moving
    finally:
        for connection in held:
            connection.close()


def peak_bytes(pid):
    """The most memory that a process ever held."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def kernel_bytes():
    """What the kernel holds for TCP, of all processes."""
    words = next(line for line in pathlib.Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:")).split()
    return int(words[words.index("mem") + 1]) * resource.getpagesize()
