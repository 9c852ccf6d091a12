"""curl signs by itself (`--aws-sigv4`): what a person types without any client for S3."""

import subprocess
from urllib.parse import quote

from clients.tools import TIMEOUT_S
from server import ACCESS_KEY, SECRET_KEY

DISPOSITION = 'attachment; filename="사진 1.jpg"'


def curl(server, path, *options, stdin=None):
    """Runs curl; returns status and body."""
    # Older versions of curl leave out this header, which S3 demands.
    unhashed = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    signed = [*unhashed, "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{ACCESS_KEY}:{SECRET_KEY}"]
    command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", *signed, *options, server.s3_url + path]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=TIMEOUT_S, check=True)
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def puts_and_gets(server, bucket):
    path = f"/{bucket}/" + quote("가나다/😀.bin")
    sent = ["--upload-file", "-", "-H", f"Content-Disposition: {DISPOSITION}"]
    assert curl(server, path, *sent, "-H", "x-amz-meta-colour: green", stdin=b"sent by curl") == (200, b"")
    assert curl(server, path) == (200, b"sent by curl")
    status, head = curl(server, path, "--head")
    assert status == 200 and b"x-amz-meta-colour: green" in head
    assert f"content-disposition: {DISPOSITION}" in head.decode(), head.decode()
    assert curl(server, path, "--range", "0-3") == (206, b"sent")
    assert curl(server, path, "--range", "0-1,3-4")[0] == 200


def copies_and_moves_within_s3(server, bucket):
    server.s3().put_object(Bucket=bucket, Key="큰 😀.bin", Body=b"9" * (9 << 20))
    source = "x-amz-copy-source: /" + quote(f"{bucket}/큰 😀.bin")
    assert curl(server, f"/{bucket}/copied.bin", "--request", "PUT", "-H", source)[0] == 200
    assert curl(server, f"/{bucket}/" + quote("큰 😀.bin"), "--request", "DELETE")[0] == 204
    listed = [item["Key"] for item in server.s3().list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == ["copied.bin"]
    assert server.s3().head_object(Bucket=bucket, Key="copied.bin")["ContentLength"] == 9 << 20


ALL = [puts_and_gets, copies_and_moves_within_s3]
