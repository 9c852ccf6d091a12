"""Attacks on the front of the S3 endpoint: signatures, names of queries, hosts, headers, and bodies that nobody signed.

Each test names the finding that it keeps from coming back. Requests are signed by botocore, and then sent by hand.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import re
import socket
import threading
import time
import urllib.parse
import zlib

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET, Server

KEY = f"/{UPLOAD_BUCKET}/origin/ssgdfm_eye/1_0.jpg"
SECRET = f"/{UPLOAD_BUCKET}/origin/private/2_0.jpg"
PHOTO, HIDDEN = b"a photo", b"nobody's business"
TIMEOUT_S = 60
MIB = 1024 * 1024


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        found = re.search(rb"<Code>(.*?)</Code>", self.body)
        self.code = found[1].decode() if found else ""

    def __repr__(self):
        return f"{self.status} {self.code} {self.body[:200]}"


def host(server):
    return server.s3_url.removeprefix("http://")


def send(server, method, target, headers=(), body=b""):
    """Sends exactly this; headers are pairs, and may come twice."""
    connection = http.client.HTTPConnection(host(server), timeout=TIMEOUT_S)
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    names = {name.lower() for name, _ in pairs}
    if not names & {"content-length", "transfer-encoding"} and (body or method in ("PUT", "POST")):
        pairs.append(("Content-Length", str(len(body))))
    for name, value in pairs:
        connection.putheader(name, value)
    connection.endheaders(body or None)
    try:
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Signer(S3SigV4Auth):
    """Signs the payload that x-amz-content-sha256 names, where a test names one."""

    declared = None

    def payload(self, request):
        return self.declared or super().payload(request)


def signed(server, method, target, headers=(), body=b"", key=(ACCESS_KEY, SECRET_KEY), name=None):
    """The headers of a request that botocore signed."""
    headers = {"Host": name or host(server), **dict(headers)}
    request = AWSRequest(method, f"http://{headers['Host']}{target}", headers, body)
    signer = Signer(Credentials(*key), "s3", "us-east-1")
    signer.declared = headers.get("x-amz-content-sha256")
    signer.add_auth(request)
    return dict(request.headers.items())


def ask(server, method, target, headers=(), body=b"", **signing):
    return send(server, method, target, signed(server, method, target, headers, body, **signing), body)


def presigned(server, method, target, headers=(), expires=60):
    """The target of a presigned address."""
    request = AWSRequest(method, f"{server.s3_url}{target}", dict(headers))
    S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1", expires=expires).add_auth(request)
    return request.url.removeprefix(server.s3_url)


def content(server, key=KEY):
    answer = ask(server, "GET", key)
    return answer.body if answer.status == 200 else None


@pytest.fixture
def photos(server):
    """A server with a photo, and one that is nobody's business."""
    for key, body in ((KEY, PHOTO), (SECRET, HIDDEN)):
        assert ask(server, "PUT", key, body=body).status == 200
    return server


COPY = {"x-amz-copy-source": SECRET, "x-amz-meta-evil": "1"}


def test_a_decoy_beside_a_presigned_address_is_refused(photos):
    """security.md A1, first route."""
    target = presigned(photos, "PUT", KEY)
    decoy = {"Authorization": "x SignedHeaders=host;x-amz-copy-source;x-amz-meta-evil,", "Host": host(photos), **COPY}
    assert send(photos, "PUT", target, decoy).status in (400, 403)
    assert content(photos) == PHOTO


@pytest.mark.parametrize("encode", ["X-Amz-%53ignedHeaders", "X%2DAmz-SignedHeaders", "%58-Amz-SignedHeaders"])
def test_an_encoded_name_hides_no_list_of_signed_headers(photos, encode):
    """security.md A1, second route."""
    target = presigned(photos, "PUT", KEY).replace("X-Amz-SignedHeaders", encode)
    for extra in ({}, {"Authorization": "x"}):
        answer = send(photos, "PUT", target, {"Host": host(photos), **COPY, **extra})
        assert answer.status in (400, 403), answer
    doubled = f"{target}&X-Amz-SignedHeaders=host;x-amz-copy-source;x-amz-meta-evil"
    assert send(photos, "PUT", doubled, {"Host": host(photos), **COPY}).status in (400, 403)
    assert content(photos) == PHOTO


@pytest.mark.parametrize("word", ["x", "AWS4-HMAC-SHA257", "aws4-hmac-sha256", "AWS4-ECDSA-P256-SHA256", "Bearer"])
def test_another_word_for_the_algorithm_is_refused(photos, word):
    """security.md A1, third route: a captured request."""
    captured = signed(photos, "PUT", KEY, body=b"")
    captured["Authorization"] = captured["Authorization"].replace("AWS4-HMAC-SHA256", word)
    for extra in ({}, COPY):
        assert send(photos, "PUT", KEY, {**captured, **extra}).status in (400, 403)
    assert content(photos) == PHOTO


@pytest.mark.parametrize("change", ["none", "empty", "host only", "no host", "upper case", "absent", "doubled field"])
def test_a_request_without_its_list_of_signed_headers_is_refused(photos, change):
    """security.md A1: every x-amz-* header and Content-MD5 is signed."""
    headers = signed(photos, "PUT", KEY, body=b"")
    listed = re.search(r"SignedHeaders=([^,]*), ", headers["Authorization"])
    new = {
        "none": "", "empty": "SignedHeaders=, ", "host only": "SignedHeaders=host, ", "no host": "SignedHeaders=x-amz-date, ",
        "upper case": listed[0].replace("host", "HOST"), "absent": listed[0].replace("host", "host;x-absent"),
        "doubled field": listed[0] * 2,
    }[change]
    headers["Authorization"] = headers["Authorization"].replace(listed[0], new)
    assert send(photos, "PUT", KEY, headers).status in (400, 403)
    assert content(photos) == PHOTO


@pytest.mark.parametrize("header", ["x-amz-copy-source", "x-amz-meta-evil", "x-amz-acl", "Content-MD5", "x-amz-checksum-crc32"])
@pytest.mark.parametrize("way", ["header", "presigned"])
def test_an_unsigned_header_is_refused(photos, header, way):
    """security.md A1."""
    extra = {header: SECRET}
    if way == "header":
        answer = send(photos, "PUT", KEY, {**signed(photos, "PUT", KEY, body=b""), **extra})
    else:
        answer = send(photos, "PUT", presigned(photos, "PUT", KEY), {"Host": host(photos), **extra})
    assert (answer.status, answer.code) == (403, "AccessDenied"), answer
    assert content(photos) == PHOTO


@pytest.mark.parametrize("name", ["Host", "x-amz-date", "x-amz-content-sha256", "Content-Type", "x-amz-copy-source", "Range"])
def test_a_doubled_header_is_refused(photos, name):
    """security.md A1, A17: twice has two meanings."""
    headers = signed(photos, "GET", KEY, {"Content-Type": "a/b", "x-amz-copy-source": SECRET, "Range": "bytes=0-1"})
    value = next(value for key, value in headers.items() if key.lower() == name.lower())
    answer = send(photos, "GET", KEY, [*headers.items(), (name, value)])
    assert answer.status == 400, answer


def test_long_presigns_and_version_2_are_refused_however_they_are_written(photos):
    """security.md A8."""
    year = presigned(photos, "GET", KEY, expires=31_536_000)
    for spelled in ("X-Amz-Expires", "X-Amz-%45xpires", "%58-Amz-Expires"):
        assert send(photos, "GET", year.replace("X-Amz-Expires", spelled), {"Host": host(photos)}).status == 403
    later = str(int(time.time()) + 600)
    text = f"GET\n\n\n{later}\n{KEY}".encode()
    signature = urllib.parse.quote(base64.b64encode(hmac.new(SECRET_KEY.encode(), text, hashlib.sha1).digest()), safe="")
    for names in (("AWSAccessKeyId", "Signature"), ("%41WSAccessKeyId", "%53ignature"), ("AWSAccessKeyI%64", "Signatur%65")):
        target = f"{KEY}?{names[0]}={ACCESS_KEY}&Expires={later}&{names[1]}={signature}"
        answer = send(photos, "GET", target, {"Host": host(photos)})
        assert answer.status == 400 and HIDDEN not in answer.body and PHOTO not in answer.body, answer
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    text = f"GET\n\n\n{date}\n{KEY}".encode()
    value = base64.b64encode(hmac.new(SECRET_KEY.encode(), text, hashlib.sha1).digest()).decode()
    headers = {"Host": host(photos), "Date": date, "Authorization": f"AWS {ACCESS_KEY}:{value}"}
    assert send(photos, "GET", KEY, headers).status == 400


def form(size):
    """The head of an upload form that declares `size` bytes."""
    return {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(size)}


def test_upload_forms_are_refused_before_they_are_read(photos):
    """security.md A2, A3; s3-endpoint.md F05 to F07: 501 at once, although nothing of the form came."""
    for kind in ("multipart/form-data; boundary=b", "Multipart/Form-Data; boundary=b", " multipart/form-data;boundary=\"b\""):
        headers = {"Host": host(photos), "Content-Type": kind, "Content-Length": str(192 * MIB), "Expect": "100-continue"}
        for target in (f"/{UPLOAD_BUCKET}", f"/{UPLOAD_BUCKET}/", KEY):
            answer = send(photos, "POST", target, headers)
            assert (answer.status, answer.code) == (501, "NotImplemented"), answer
            assert b"PUT" in answer.body, "it says what to do"


def dribble(server, method, target, headers):
    """A connection that sends a head, and one byte of its body."""
    stream = socket.create_connection(host(server).rsplit(":", 1), timeout=TIMEOUT_S)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    stream.sendall(f"{method} {target} HTTP/1.1\r\nHost: {host(server)}\r\n{lines}\r\n".encode() + b"1")
    return stream


def test_unsigned_requests_take_no_room_from_uploads(photos):
    """security.md A3; s3-endpoint.md F03: 60 connections that declare gigabytes, chunks, forms and XML."""
    declared = [
        ("PUT", KEY, {"Content-Length": str(1024 * MIB)}),
        ("PUT", KEY, {"Transfer-Encoding": "chunked"}),
        ("POST", f"/{UPLOAD_BUCKET}", form(192 * MIB)),
        ("POST", f"/{UPLOAD_BUCKET}?delete", {"Content-Length": str(2 * MIB)}),
    ]
    open_ones = [dribble(photos, *declared[number % 4]) for number in range(60)]
    try:
        for _ in range(5):
            assert ask(photos, "PUT", KEY, body=PHOTO * 100_000).status == 200
    finally:
        for stream in open_ones:
            stream.close()


def test_a_signed_head_alone_takes_no_room_from_uploads(photos):
    """s3-endpoint.md F03: what is reserved is what has arrived, of XML too."""
    headers = signed(photos, "POST", f"/{UPLOAD_BUCKET}?delete=", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    headers |= {"Content-Length": str(2 * MIB)}
    del headers["Host"]
    open_ones = [dribble(photos, "POST", f"/{UPLOAD_BUCKET}?delete=", headers) for _ in range(120)]
    try:
        assert ask(photos, "PUT", KEY, body=PHOTO * 100_000).status == 200
    finally:
        for stream in open_ones:
            stream.close()


def resident_bytes(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return max(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def test_a_chunk_of_any_size_is_not_held_in_memory(photos):
    """security.md A5: 300 MiB in one chunk, as some SDKs send it, is stored and streamed."""
    size = 300 * MIB
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": str(size),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    target = f"/{UPLOAD_BUCKET}/large"
    headers = signed(photos, "PUT", target, headers)
    before, block, crc = resident_bytes(photos), bytes(MIB), 0
    for _ in range(300):
        crc = zlib.crc32(block, crc)
    end = f"\r\n0\r\nx-amz-checksum-crc32:{base64.b64encode(crc.to_bytes(4, 'big')).decode()}\r\n\r\n".encode()
    start = f"{size:x}\r\n".encode()
    connection = http.client.HTTPConnection(host(photos), timeout=TIMEOUT_S)
    connection.putrequest("PUT", target, skip_host=True, skip_accept_encoding=True)
    for name, value in {**headers, "Content-Length": str(len(start) + size + len(end))}.items():
        connection.putheader(name, value)
    connection.endheaders(start)
    for _ in range(300):
        connection.send(block)
    connection.send(end)
    answer = Answer(connection.getresponse())
    assert answer.status == 200, answer
    grown = resident_bytes(photos) - before
    assert grown < 100 * MIB, f"{grown // MIB} MiB more were resident"


def test_what_is_refused_is_not_read_for_long(photos):
    """security.md A6: a byte a second of a refused body does not hold a connection for minutes."""
    stream = dribble(photos, "PUT", KEY, {"Content-Length": str(16 * MIB)})
    stop = threading.Event()

    def feed():
        while not stop.wait(0.5):
            try:
                stream.sendall(b"1")
            except OSError:
                return

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        got = b""
        while more := stream.recv(65536):
            got += more
    except ConnectionResetError:
        pass
    finally:
        stop.set()
        feeder.join()
        stream.close()
    assert got.startswith(b"HTTP/1.1 403"), got[:200]


@pytest.fixture
def prefixed(tmp_path):
    """A server with a key that may do everything below a prefix, and upload below another."""
    keys = tmp_path / "keys.toml"
    keys.touch(mode=0o600)
    keys.write_text(
        '[[keys]]\naccess_key_id = "MINE"\nsecret_access_key = "mine-secret-0123456789"\n'
        '[[keys.grants]]\nbucket = "team-*"\nprefix = "mine/"\nrights = "all"\n'
    )
    config = tmp_path / "cameo.toml"
    config.write_text(f'[s3]\nkey_file = "{keys}"\ndomains = ["s3.example.com"]\n')
    with Server(tmp_path / "data", "--config", config) as server:
        yield server


MINE = ("MINE", "mine-secret-0123456789")


@pytest.mark.parametrize("prefix", ["?prefix=mine/", "?prefix=mine%2F", "?prefix=mine/&x-id=DeleteBucket", "?%70refix=mine/", ""])
def test_a_right_on_a_prefix_is_none_on_the_bucket(prefixed, prefix):
    """security.md A9."""
    assert ask(prefixed, "PUT", "/team-a").status == 200
    for method, bucket in (("DELETE", "team-a"), ("PUT", "team-b")):
        for slash in ("", "/"):
            assert ask(prefixed, method, f"/{bucket}{slash}{prefix}", key=MINE).status in (403, 501)
    assert ask(prefixed, "HEAD", "/team-a").status == 200
    assert ask(prefixed, "HEAD", "/team-b").status == 404
    assert ask(prefixed, "GET", "/team-a?list-type=2&prefix=mine%2F", key=MINE).status == 200
    assert ask(prefixed, "GET", "/team-a?list-type=2&prefix=m", key=MINE).status == 403


UNKNOWN = [
    "annotation", "encryption", "renameObject", "torrent", "append", "legal-hold", "retention", "tagging", "restore", "select",
    "metadataConfiguration", "metadataTable", "session", "website", "invented-tomorrow", "annotation=1", "%61nnotation", "acl&annotation",
    "policy", "lifecycle", "cors", "versioning", "partNumber=1", "list-type=2", "position=1", "X-Amz-Invented=1", "uploadId&annotation",
]


@pytest.mark.parametrize("query", UNKNOWN)
def test_an_unknown_query_name_runs_nothing(photos, query):
    """s3-endpoint.md F01."""
    assert ask(photos, "PUT", "/sandbox").status == 200
    tries = [("PUT", KEY), ("DELETE", KEY), ("POST", KEY), ("PUT", "/sandbox"), ("DELETE", "/sandbox"), ("POST", "/sandbox")]
    for method, at in tries:
        answer = ask(photos, method, f"{at}?{query}", body=b"<X/>" if method != "DELETE" else b"")
        assert (answer.status, answer.code) == (501, "NotImplemented"), f"{method} {at}?{query}: {answer}"
    assert content(photos) == PHOTO
    assert ask(photos, "HEAD", "/sandbox").status == 200


@pytest.mark.parametrize("name", [
    f"{UPLOAD_BUCKET}.localhost", "sandbox.s3.amazonaws.com", "sandbox.nobody.example", "nobody.example", "127.0.0.1.nip.io",
    "sandbox.127.0.0.1", "u@127.0.0.1", "127.0.0.1:x",
])
def test_a_host_that_nobody_configured_is_refused(photos, name):
    """s3-endpoint.md F02: nothing is listed and nothing made for a bucket that stands in a name."""
    buckets = ask(photos, "GET", "/").body.count(b"<Bucket>")
    for method, target in (("GET", "/"), ("PUT", "/invented"), ("GET", KEY)):
        answer = ask(photos, method, target, name=name)
        assert (answer.status, answer.code) == (400, "InvalidRequest"), answer
    assert "domains" in answer.body.decode() or "Host" in answer.body.decode()
    assert ask(photos, "GET", "/").body.count(b"<Bucket>") == buckets


def test_missing_and_doubled_hosts_are_refused(photos):
    """security.md A17."""
    headers = signed(photos, "GET", KEY)
    bare = {name: value for name, value in headers.items() if name != "Host"}
    assert send(photos, "GET", KEY, bare).status == 400
    assert send(photos, "GET", KEY, [*headers.items(), ("Host", "127.0.0.1")]).status == 400


def test_names_of_one_label_and_addresses_are_path_style(photos):
    """s3-endpoint.md F02: how containers and machines of a local network are reached."""
    port = host(photos).rsplit(":", 1)[1]
    for name in ("localhost", f"localhost:{port}", "cameo:9000", "127.0.0.1", "[::1]", f"[::1]:{port}", "192.168.0.7"):
        assert ask(photos, "GET", KEY, name=name).body == PHOTO, name


def test_buckets_stand_before_a_configured_domain(prefixed):
    """s3-endpoint.md F02."""
    assert ask(prefixed, "PUT", "/", name="team-c.s3.example.com").status == 200
    assert ask(prefixed, "PUT", "/mine/k", body=PHOTO, name="team-c.s3.example.com", key=MINE).status == 200
    assert ask(prefixed, "GET", "/team-c/mine/k", name="s3.example.com:9000").body == PHOTO
    listed = ask(prefixed, "GET", "/?list-type=2", name="team-c.s3.example.com")
    assert b"<Key>mine/k</Key>" in listed.body and b"<Bucket>" not in listed.body
    assert ask(prefixed, "GET", "/mine/k", name="evil.team-c.other.example").status == 400


NOT_DONE = [
    ("x-amz-acl", "public-read"), ("x-amz-grant-read", "uri=all"), ("x-amz-grant-full-control", "id=1"),
    ("x-amz-object-lock-mode", "COMPLIANCE"), ("x-amz-object-lock-legal-hold", "ON"),
    ("x-amz-object-lock-retain-until-date", "2099-01-01T00:00:00Z"), ("x-amz-tagging", "a=b"),
    ("x-amz-website-redirect-location", "/x"), ("x-amz-server-side-encryption", "aws:kms"),
    ("x-amz-server-side-encryption-aws-kms-key-id", "k"), ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
    ("x-amz-server-side-encryption-customer-key", "k"), ("x-amz-server-side-encryption-context", "c"),
    ("x-amz-server-side-encryption-bucket-key-enabled", "true"), ("x-amz-storage-class", "GLACIER"),
    ("x-amz-expected-bucket-owner", "111122223333"), ("x-amz-write-offset-bytes", "7"), ("x-amz-mfa", "1 2"),
    ("x-amz-invented-tomorrow", "1"), ("x-amz-copy-source-server-side-encryption-customer-key", "k"),
]


@pytest.mark.parametrize(("name", "value"), NOT_DONE)
def test_a_header_that_asks_for_what_is_not_done_is_refused_everywhere(photos, name, value):
    """s3-endpoint.md F08."""
    begun = ask(photos, "POST", f"{KEY}?uploads=")
    upload = re.search(rb"<UploadId>(.*?)</UploadId>", begun.body)[1].decode()
    copy = {"x-amz-copy-source": SECRET}
    tries = [
        ("PUT", KEY, {}, b"new"), ("PUT", KEY, copy, b""), ("POST", f"{KEY}?uploads=", {}, b""),
        ("PUT", f"{KEY}?partNumber=1&uploadId={upload}", {}, b"new"), ("PUT", f"{KEY}?partNumber=1&uploadId={upload}", copy, b""),
        ("POST", f"{KEY}?uploadId={upload}", {}, b"<CompleteMultipartUpload/>"), ("DELETE", KEY, {}, b""), ("GET", KEY, {}, b""),
        ("PUT", "/sandbox", {}, b""), ("POST", f"/{UPLOAD_BUCKET}?delete=", {}, b"<Delete/>"),
    ]
    for method, target, headers, body in tries:
        answer = ask(photos, method, target, {**headers, name: value}, body)
        assert answer.status in (400, 403, 501) and name.encode() in answer.body, f"{method} {target}: {answer}"
    assert content(photos) == PHOTO


@pytest.mark.parametrize(("method", "headers", "status"), [
    ("DELETE", {"If-None-Match": "*"}, 501), ("DELETE", {"If-Unmodified-Since": "Tue, 01 Dec 1998 00:00:00 GMT"}, 501),
    ("PUT", {"If-Unmodified-Since": "Tue, 01 Dec 1998 00:00:00 GMT"}, 501), ("PUT", {"If-Modified-Since": "Tue, 01 Dec 1998 00:00:00 GMT"}, 501),
    ("PUT", {"Content-Range": "bytes 0-3/10"}, 400), ("PUT", {"x-amz-checksum-type": "COMPOSITE"}, 501),
    ("PUT", {"x-amz-meta-snowball-auto-extract": "true"}, 501), ("PUT", {"If-Match": 'W/"x"'}, 412),
])
def test_a_condition_that_would_be_passed_over_is_refused(photos, method, headers, status):
    """s3-endpoint.md F08."""
    answer = ask(photos, method, KEY, headers, b"new" if method == "PUT" else b"")
    assert answer.status == status, answer
    assert content(photos) == PHOTO


def test_a_weak_tag_of_the_photo_itself_matches_nothing(photos):
    """s3-endpoint.md F08; RFC 9110, section 13.1.1."""
    tag = ask(photos, "HEAD", KEY).headers["etag"]
    assert ask(photos, "PUT", KEY, {"If-Match": f"W/{tag}"}, b"new").status == 412
    assert ask(photos, "GET", KEY, {"If-Match": f"W/{tag}"}).status == 412
    assert ask(photos, "GET", KEY, {"If-Match": f'"a", {tag}'}).body == PHOTO
    assert ask(photos, "GET", KEY, {"If-None-Match": f'"a", {tag}'}).status == 304
    assert ask(photos, "GET", KEY, {"If-Modified-Since": "yesterday"}).body == PHOTO


def test_elements_that_nobody_reads_are_refused(photos):
    """s3-endpoint.md F08."""
    for inner in ("<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>", "<Bucket><Type>Directory</Type></Bucket>", "<Foo/>"):
        text = f"<CreateBucketConfiguration>{inner}</CreateBucketConfiguration>".encode()
        assert ask(photos, "PUT", "/sandbox", body=text).status == 400
    assert ask(photos, "HEAD", "/sandbox").status == 404
    owner = b"<AccessControlPolicy><Owner><ID>evil</ID></Owner><AccessControlList/></AccessControlPolicy>"
    for target in (f"/{UPLOAD_BUCKET}?acl=", f"{KEY}?acl="):
        assert ask(photos, "PUT", target, body=owner).status in (400, 501)


@pytest.mark.parametrize("sent", ["  ", "\u3000", " \u3000"])
def test_white_space_that_a_signature_leaves_open_names_no_source(photos, sent):
    """security.md A1: signers take a run of spaces for one, and it may be another key."""
    names = {" ": b"public", sent: HIDDEN}
    for space, body in names.items():
        assert ask(photos, "PUT", urllib.parse.quote(f"/{UPLOAD_BUCKET}/my{space}photo"), body=body).status == 200
    captured = signed(photos, "PUT", KEY, {"x-amz-copy-source": f"/{UPLOAD_BUCKET}/my photo"})
    captured["x-amz-copy-source"] = f"/{UPLOAD_BUCKET}/my{sent}photo".encode()
    assert send(photos, "PUT", KEY, captured).status in (400, 403)
    assert content(photos) == PHOTO
    encoded = {"x-amz-copy-source": urllib.parse.quote(f"/{UPLOAD_BUCKET}/my{sent}photo")}
    assert ask(photos, "PUT", KEY, encoded).status == 200


def test_a_key_without_the_right_holds_no_room(tmp_path):
    """security.md A3: bodies of unknown length are held whole, so who may not write is refused before."""
    keys = tmp_path / "keys.toml"
    keys.write_text('[[keys]]\naccess_key_id = "READER"\nsecret_access_key = "reader-secret-0123"\n'
                    f'[[keys.grants]]\nbucket = "{UPLOAD_BUCKET}"\nprefix = "elsewhere/"\nrights = "read"\n')
    keys.chmod(0o600)
    config = tmp_path / "cameo.toml"
    config.write_text(f'[s3]\nkey_file = "{keys}"\n')
    with Server(tmp_path / "data", "--config", config) as server:
        held = []
        address = urllib.parse.urlsplit(server.s3_url)
        extra = {"Transfer-Encoding": "chunked"}
        for _ in range(30):
            headers = signed(server, "PUT", KEY, {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}, key=("READER", "reader-secret-0123"))
            head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **extra}.items())
            connection = socket.create_connection((address.hostname, address.port))
            connection.sendall(f"PUT {KEY} HTTP/1.1\r\n{head}\r\n".encode())
            with contextlib.suppress(OSError):
                connection.sendall(b"700000\r\n" + bytes(64 << 10))
            held.append(connection)
        for _ in range(5):
            assert ask(server, "PUT", KEY, body=PHOTO).status == 200
        assert all(connection.recv(12) == b"HTTP/1.1 403" for connection in held)
        for connection in held:
            connection.close()


def test_what_clients_send_and_rarely_is_not_refused(photos):
    """Shapes of SDKs: a description in two fields, a type that only begins like a form's, much metadata, a signed Date."""
    encoding = [("Content-Encoding", "gzip"), ("Content-Encoding", "aws-chunked")]
    body = b"3\r\nnew\r\n0\r\nx-amz-checksum-crc32:9mzDfQ==\r\n\r\n"
    streamed = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "3",
                "x-amz-trailer": "x-amz-checksum-crc32"}
    crc = base64.b64encode(zlib.crc32(b"new").to_bytes(4, "big"))
    body = body.replace(b"9mzDfQ==", crc)
    headers = signed(photos, "PUT", KEY, {**streamed, "Content-Length": str(len(body))}, body)
    assert send(photos, "PUT", KEY, [*headers.items(), *encoding], body).status == 200
    assert ask(photos, "HEAD", KEY).headers["content-encoding"] == "gzip"
    related = {"Content-Type": "multipart/related; boundary=abc"}
    assert ask(photos, "POST", f"{KEY}?uploads=", related).status == 200
    metadata = {f"x-amz-meta-m{n}": "v" for n in range(110)}
    assert ask(photos, "PUT", KEY, metadata, PHOTO).status == 200
    assert ask(photos, "GET", f"/{UPLOAD_BUCKET}?list-type=2&metadata=true").status == 200
    assert ask(photos, "GET", "/?bucket-region=us-east-1").status == 200
    assert ask(photos, "PUT", KEY, body=PHOTO).status == 200
    dated = signed(photos, "GET", KEY, {"Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())})
    assert not any(name.lower() == "x-amz-date" for name in dated)
    assert send(photos, "GET", KEY, dated).body == PHOTO
    dated["Authorization"] = dated["Authorization"].replace("date;", "")
    assert send(photos, "GET", KEY, dated).status == 403


@pytest.mark.parametrize(("name", "value"), [
    ("x-amz-acl", "public-read"), ("x-amz-tagging", "a=b"), ("X-Amz-Storage-Class", "GLACIER"),
    ("x-amz-server-side-encryption", "AES256"), ("x-amz-checksum-sha512", "x"), ("x-amz-checksum-crc32", "AAAAAQ=="),
    ("x-amz-object-lock-mode", "COMPLIANCE"),
])
def test_a_presigned_parameter_counts_as_a_header(photos, name, value):
    """s3-endpoint.md F09: SDKs move what they sign into the query."""
    target = presigned(photos, "PUT", f"{KEY}?{name}={urllib.parse.quote(value, safe='')}")
    answer = send(photos, "PUT", target, {"Host": host(photos)}, b"new")
    assert answer.status in (400, 501), answer
    assert content(photos) == PHOTO


@pytest.mark.parametrize("kind", ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"])
def test_a_presigned_checksum_of_nothing_is_passed_over(photos, kind):
    """Whoever signs an address for an upload has no body: the SDK for JavaScript signs the checksum of an empty one."""
    sums = {"crc32": bytes(4), "crc32c": bytes(4), "crc64nvme": bytes(8), "sha1": hashlib.sha1().digest(), "sha256": hashlib.sha256().digest()}
    value = urllib.parse.quote(base64.b64encode(sums[kind]), safe="")
    target = presigned(photos, "PUT", f"{KEY}?x-amz-checksum-{kind}={value}&x-amz-sdk-checksum-algorithm={kind.upper()}")
    for body in (b"new", b"", PHOTO):
        assert send(photos, "PUT", target, {"Host": host(photos)}, body).status == 200
        assert content(photos) == body
    wrong = {"Host": host(photos), f"x-amz-checksum-{kind}": base64.b64encode(sums[kind]).decode()}
    assert send(photos, "PUT", target, wrong, b"new").status == 403, "a header that is not signed"


def test_presigned_metadata_is_kept(photos):
    """s3-endpoint.md F09."""
    target = presigned(photos, "PUT", f"{KEY}?x-amz-meta-colour=green&X-Amz-Meta-Size=big&x-amz-storage-class=STANDARD")
    assert send(photos, "PUT", target, {"Host": host(photos)}, b"new").status == 200
    got = ask(photos, "HEAD", KEY).headers
    assert (got["x-amz-meta-colour"], got["x-amz-meta-size"]) == ("green", "big")
    twice = send(photos, "PUT", target, {"Host": host(photos), "x-amz-meta-colour": "red"}, b"evil")
    assert twice.status in (400, 403) and content(photos) == b"new"


@pytest.mark.parametrize("kind", ["sha512", "md5", "xxhash64", "xxhash3", "xxhash128", "invented"])
@pytest.mark.parametrize("way", ["header", "sdk algorithm", "algorithm", "trailer", "unannounced trailer"])
def test_a_checksum_that_nobody_verifies_is_refused(photos, kind, way):
    """s3-endpoint.md F10."""
    name = f"x-amz-checksum-{kind}"
    body, headers = b"new", {}
    if way == "header":
        headers = {name: "AAAA"}
    elif way == "sdk algorithm":
        headers = {"x-amz-sdk-checksum-algorithm": kind.upper()}
    elif way == "algorithm":
        headers = {"x-amz-checksum-algorithm": kind.upper()}
    else:
        announced = name if way == "trailer" else "x-amz-checksum-crc32"
        headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "3", "x-amz-trailer": announced}
        body = f"3\r\nnew\r\n0\r\n{name}:AAAA\r\n\r\n".encode()
    answer = ask(photos, "PUT", KEY, headers, body)
    assert answer.status in (400, 501), answer
    assert content(photos) == PHOTO


def test_what_is_declared_of_a_text_is_verified(photos):
    """s3-endpoint.md F10: hash, MD5 and checksum of a bulk delete."""
    text = f"<Delete><Object><Key>{KEY.split('/', 2)[2]}</Key></Object></Delete>".encode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    target = f"/{UPLOAD_BUCKET}?delete="
    for headers in ({"Content-MD5": wrong}, {"x-amz-checksum-crc32": "AAAAAA=="}, {"x-amz-checksum-sha512": "AAAA"}):
        assert ask(photos, "POST", target, headers, text).status in (400, 501), headers
    headers = signed(photos, "POST", target, body=text)
    assert send(photos, "POST", target, headers, text.replace(b"1_0", b"1_1")).status == 400
    assert content(photos) == PHOTO
    right = base64.b64encode(hashlib.md5(text).digest()).decode()
    assert ask(photos, "POST", target, {"Content-MD5": right}, text).status == 200
    assert content(photos) is None


@pytest.mark.parametrize("declared", ["2", "4", "-1", "x", ""])
def test_a_length_that_is_not_that_of_the_content_is_refused(photos, declared):
    """s3-endpoint.md F10: x-amz-decoded-content-length."""
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": declared, "x-amz-trailer": "x-amz-checksum-crc32"}
    body = b"3\r\nnew\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    assert ask(photos, "PUT", KEY, headers, body).status in (400, 411)
    assert content(photos) == PHOTO


@pytest.mark.parametrize("target", [f"{KEY}%", f"{KEY}%2", f"{KEY}%zz", f"{KEY}%ff", f"{KEY}?acl&acl", f"{KEY}?versionId=%ff"])
def test_what_could_be_read_in_two_ways_is_refused(photos, target):
    """The root of security.md A1, A8 and A9."""
    assert send(photos, "PUT", target, signed(photos, "PUT", KEY, body=b"x"), b"x").status in (400, 501)
    assert send(photos, "PUT", f"http://127.0.0.1{KEY}", signed(photos, "PUT", KEY, body=b"x"), b"x").status == 400
    assert content(photos) == PHOTO
