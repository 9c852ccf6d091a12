"""Attacks on the three listeners: connections that hold places, clients that stand still, types and hosts. Names in brackets are rows of the
findings (security.md).

No test here compares times but with limits of minutes: what is asserted is who is answered, what is held, and that a stop does not wait for
its own time-out.
"""

import contextlib
import pathlib
import subprocess
import time

import http_get
import photos
import pressure
import pytest
from places import CAMEO
from server import ACCESS_KEY, IMAGE_BUCKET, SECRET_KEY, UPLOAD_BUCKET, Server, bare_environment

OPEN_FILES = 1024
IDLE = 1100
MIB = 1 << 20
LISTENERS = ("s3", "images", "console")
IMAGE = "ssgdfm_eye/sq/7_sq_0.jpg"


@pytest.fixture(autouse=True)
def sockets():
    pressure.raise_open_files()


@pytest.fixture
def small(tmp_path):
    """A server that may have 1,024 files open and has one photo registered."""
    with Server(tmp_path / "data", open_files=OPEN_FILES) as server:
        server.put("7_0.jpg", photos.draw("7_0"))
        server.wait_until_quiet()
        yield server


def url_of(server, listener):
    return server.ready[listener]


def signer(server):
    return pressure.Signer(server.s3_url, ACCESS_KEY, SECRET_KEY)


def is_well(server):
    """Uploads, images, pages and the monitor are answered."""
    server.put("8_0.jpg", photos.draw("8_0"))
    assert http_get.get(f"{server.images_url}/{IMAGE}").status == 200
    assert http_get.get(f"{server.console_url}/").status == 200
    assert http_get.get(f"{server.console_url}/api/health").status == 200


@pytest.mark.parametrize("listener", [*LISTENERS, "all"])
def test_idle_connections_keep_nobody_out(small, listener):
    """[A4] 1,100 idle connections at `ulimit -n 1024`."""
    with contextlib.ExitStack() as stack:
        for name in LISTENERS if listener == "all" else [listener]:
            for connection in pressure.idle(url_of(small, name), IDLE):
                stack.enter_context(connection)
        is_well(small)


@pytest.mark.parametrize("listener", LISTENERS)
def test_bodies_that_do_not_come_keep_nobody_out(small, listener):
    """[A4] The head of a request is complete, and its body is not."""
    path = f"/{UPLOAD_BUCKET}/half"
    requests = {
        "s3": lambda: signer(small).head("PUT", path, MIB) + b"x",
        "images": lambda: b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nx",
        "console": lambda: b"POST /api/requeue HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Cameo-Client: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000000\r\n\r\n{",
    }
    moving = pressure.Moving()
    moving.add_dribblers(url_of(small, listener), requests[listener], 500)
    with moving:
        is_well(small)


def test_slow_readers_hold_no_megabytes(small):
    """[A4] 300 slow readers held 387 MiB, and 1.2 GB in the kernel."""
    before = pressure.kernel_bytes()
    with pressure.pressure(signer(small), small.s3_url, small.images_url, small.console_url, 0, 300, 0):
        is_well(small)
        held = pressure.kernel_bytes() - before
    assert pressure.peak_bytes(small.process.pid) <= 256 * MIB
    assert held <= 512 * MIB, f"{held / MIB:.0f} MiB in the kernel"


def test_normal_uploads_are_not_refused_under_pressure(small):
    """[A4] The short form of bench/pressure."""
    with pressure.pressure(signer(small), small.s3_url, small.images_url, small.console_url, IDLE, 300, 50):
        took, wrong = pressure.uploads(signer(small), small.s3_url, 600, 200, bytes(100_000), "normal")
        is_well(small)
    assert (len(took), wrong) == (600, [])
    assert pressure.peak_bytes(small.process.pid) <= 256 * MIB


def test_the_soft_limit_of_open_files_is_raised(tmp_path):
    """[A4] What a shell gives is not what the process may have."""
    with Server(tmp_path / "data") as server:
        limits = pathlib.Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
        soft, hard = next(line for line in limits if line.startswith("Max open files")).split()[3:5]
        assert soft == hard


def stalled(server):
    """Connections of every kind that nobody needs to wait for."""
    with_body = signer(server).head("PUT", f"/{UPLOAD_BUCKET}/half", MIB, close=False) + b"half of"
    large = signer(server).head("GET", f"/{UPLOAD_BUCKET}/pressure/large", close=False)
    image = f"GET /{pressure.LARGE_KEY} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    change = b"POST /api/requeue HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Cameo-Client: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    own = {"s3": [with_body, large], "images": [image], "console": [change]}
    return {listener: [*pressure.IDLE_KINDS, *own[listener]] for listener in LISTENERS}


@pytest.mark.parametrize("listener", LISTENERS)
def test_nobody_who_stands_still_delays_a_stop(tmp_path, listener):
    """[A4] Half a request delayed a stop to the whole of `server.shutdown_timeout`."""
    with Server(tmp_path / "data", variables={"CAMEO_SERVER_SHUTDOWN_TIMEOUT": "10m"}) as server:
        pressure.put_large(signer(server), server.s3_url)
        open_connections = []
        for request in stalled(server)[listener]:
            connection = pressure.connect(url_of(server, listener), pressure.READER_ROOM_BYTES)
            connection.sendall(request)
            open_connections.append(connection)
        is_answered = http_get.get(f"{server.console_url}/api/health").status == 200
        assert is_answered
        # It fails where the stop takes STOP_S, of the ten minutes that it might.
        server.stop()
        for connection in open_connections:
            connection.close()


def test_an_upload_under_way_is_finished_at_a_stop(tmp_path):
    with Server(tmp_path / "data") as server:
        with pressure.connect(server.s3_url) as connection:
            connection.sendall(signer(server).head("PUT", f"/{UPLOAD_BUCKET}/under-way", 10, expect="100-continue"))
            assert connection.recv(100).startswith(b"HTTP/1.1 100")
            server.process.terminate()
            connection.sendall(b"0123456789")
            assert pressure.status(pressure.read_to_end(connection)) == 200
        server.stop()


@pytest.mark.parametrize("kind", ["signed", "unsigned"])
def test_a_dribbled_body_is_given_up(tmp_path, kind):
    """[A6] Refused requests held their place for as long as a byte came now and then."""
    with Server(tmp_path / "data", "--config", config(tmp_path, '[s3]\nidle_timeout = "2s"\n')) as server:
        signed = signer(server).head("PUT", f"/{UPLOAD_BUCKET}/dribbled", 10 * MIB, close=False)
        unsigned = b"PUT /celebtide-image-upload/k HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n"
        with pressure.connect(server.s3_url) as connection:
            connection.sendall(signed if kind == "signed" else unsigned)
            deadline = time.monotonic() + 60
            with contextlib.suppress(ConnectionError):
                while time.monotonic() < deadline:
                    connection.sendall(b"x")
                    time.sleep(0.1)
                pytest.fail("a connection that dribbles was kept for a minute, at a time-out of two seconds")


def config(folder, text):
    path = folder / "cameo.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("content_type", "expected"), [
    ("image/jpeg", 200), ("image/jpeg; charset=binary", 200), ("text/html", 404), ("image/svg+xml", 404), ("application/xhtml+xml", 404),
    ("text/xml", 404), ("image/jpegx", 404), ("text/html, image/jpeg", 404), ("application/javascript", 404), (None, 404),
])
def test_only_images_that_cameo_makes_are_served(server, content_type, expected):
    """The images host served whatever was in the bucket."""
    kind = {"ContentType": content_type} if content_type else {}
    server.s3().put_object(Bucket=IMAGE_BUCKET, Key="any/thing", Body=b"<script>alert(1)</script>", **kind)
    for method, headers in (("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=0-3"}), ("GET", {"If_None_Match": '"other"'})):
        answer = http_get.get(f"{server.images_url}/any/thing", method, **headers)
        wanted = 206 if expected == 200 and "Range" in headers else expected
        assert answer.status == wanted, (method, headers)
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert b"script" not in answer.body or expected == 200
    if expected == 404:
        assert "is not served" in server.log.read_text()


def test_objects_are_not_run_by_a_browser_that_opens_them(server):
    """nosniff and a sandbox on S3 GET."""
    server.s3().put_object(Bucket=UPLOAD_BUCKET, Key="page.html", Body=b"<script>", ContentType="text/html")
    answer = pressure.ask(server.s3_url, signer(server).head("GET", f"/{UPLOAD_BUCKET}/page.html"))
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert pressure.status(answer) == 200
    assert b"x-content-type-options: nosniff" in head and b"content-security-policy: sandbox" in head


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: b\r\n", "Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n", "Host:\r\n", "Host: a@b\r\n", "Host: a:b\r\n"])
def test_a_request_has_exactly_one_host(server, listener, hosts):
    """[A17] A missing or doubled Host was accepted."""
    answer = pressure.ask(url_of(server, listener), f"GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
    assert pressure.status(answer) == 400, answer


@pytest.mark.parametrize(("host", "expected"), [
    ("[::1]", 200), ("[::1]:9002", 200), ("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1", 200),
    ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.nip.io", 421), ("[::1].evil.example", 400),
])
def test_the_console_answers_at_addresses_and_localhost(server, host, expected):
    """[A17] `[::1]` without a port was refused."""
    answer = pressure.ask(server.console_url, f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert pressure.status(answer) == expected, answer[:300]


def read_bytes(server):
    """What the server's read calls returned so far, sockets included."""
    lines = pathlib.Path(f"/proc/{server.process.pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


@pytest.mark.parametrize("kind", ["head", "not modified", "range", "unsatisfiable", "condition"])
def test_no_more_of_an_image_is_read_than_is_sent(tmp_path, kind):
    """[A15] HEAD, 304 and ranges read the whole object."""
    # Nothing else reads meanwhile: no worker.
    with Server(tmp_path / "data", "--no-worker") as server:
        pressure.put_large(signer(server), server.s3_url)
        url = f"{server.images_url}/{pressure.LARGE_KEY}"
        etag = http_get.get(url, "HEAD").headers["ETag"]
        method, headers, status = {
            "head": ("HEAD", {}, 200),
            "not modified": ("GET", {"If_None_Match": etag}, 304),
            "range": ("GET", {"Range": f"bytes={10 * MIB}-{10 * MIB + 99}"}, 206),
            "unsatisfiable": ("GET", {"Range": f"bytes={pressure.LARGE_BYTES}-"}, 416),
            "condition": ("GET", {"If_Match": '"other"'}, 412),
        }[kind]
        before = read_bytes(server)
        for _ in range(10):
            answer = http_get.get(url, method, **headers)
            assert answer.status == status
            assert len(answer.body) == (100 if kind == "range" else 0)
        read = read_bytes(server) - before
        assert read < pressure.LARGE_BYTES, f"{read} bytes were read for ten answers without the image"


def serve(folder, *flags, **variables):
    environment = bare_environment(folder) | {"CAMEO_ACCESS_KEY_ID": ACCESS_KEY, "CAMEO_SECRET_ACCESS_KEY": SECRET_KEY} | variables
    return subprocess.run([CAMEO, "serve", "--data", folder / "data", *flags], env=environment, cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_console_that_others_can_reach_is_refused(tmp_path, address):
    """It has no log-in, and deploy/Dockerfile opened it to everybody."""
    ended = serve(tmp_path, "--s3-listen", "127.0.0.1:0", "--images-listen", "127.0.0.1:0", "--console-listen", address)
    assert ended.returncode == 2
    assert "console.allow_public" in ended.stderr and "127.0.0.1" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_listeners_that_others_can_reach_are_warned_of(tmp_path):
    public = {listener: "0.0.0.0:0" for listener in LISTENERS}
    with Server(tmp_path / "data", addresses=public, variables={"CAMEO_CONSOLE_ALLOW_PUBLIC": "true"}) as server:
        log = server.log.read_text()
    for name in LISTENERS:
        lines = [line for line in log.splitlines() if f"server.{name}_listen = 0.0.0.0:0" in line]
        assert len(lines) == 1 and "WARN" in lines[0], log
        assert "without TLS" in lines[0]


def test_the_image_of_the_container_keeps_the_console_to_itself():
    """deploy/Dockerfile started a console without a log-in on 0.0.0.0."""
    text = (pathlib.Path(__file__).parents[2] / "deploy" / "Dockerfile").read_text()
    command = next(line for line in text.splitlines() if line.startswith("CMD"))
    assert "0.0.0.0:9002" not in command and "127.0.0.1:9002" in command
