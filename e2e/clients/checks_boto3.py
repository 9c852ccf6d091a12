"""What only a library can ask: ranges, conditions, checksums, bulk deletes, presigned addresses; and odd requests by hand."""

import http.client
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from server import ACCESS_KEY, SECRET_KEY

DISPOSITION = 'attachment; filename="사진 1.jpg"'
ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        got = (error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
        assert str(code) in map(str, got), f"{got} instead of {code}"
        return
    raise AssertionError(f"not refused with {code}")


def ranges(s3, bucket, server):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for asked, got in [("bytes=2-4", b"234"), ("bytes=-3", b"789"), ("bytes=7-", b"789"), ("bytes=8-99", b"89")]:
        answer = s3.get_object(Bucket=bucket, Key="k", Range=asked)
        assert answer["Body"].read() == got and answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    refused(416, s3.get_object, Bucket=bucket, Key="k", Range="bytes=10-")


def conditions(s3, bucket, server):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    refused(412, s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    refused(412, s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfMatch='"other"')
    refused(304, s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag)
    refused(412, s3.head_object, Bucket=bucket, Key="k", IfMatch='"other"')
    refused(412, s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k", CopySourceIfMatch='"other"')
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)


def checksums_are_verified(s3, bucket, server):
    s3.put_object(Bucket=bucket, Key="k", Body=b"good")
    for algorithm in ALGORITHMS:
        answer = s3.put_object(Bucket=bucket, Key="k", Body=b"good", ChecksumAlgorithm=algorithm)
        sent = answer[f"Checksum{algorithm}"]
        refused(400, s3.put_object, Bucket=bucket, Key="k", Body=b"bad", **{f"Checksum{algorithm}": sent})
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"bad", ContentMD5="dV+FxXCkxBYYkrskZOZMpQ==")
    refused("InvalidDigest", s3.put_object, Bucket=bucket, Key="k", Body=b"bad", ContentMD5="nonsense")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"good", "a refused upload changed something"


def bulk_delete(s3, bucket, server):
    keys = ["a", "a/b", "가", "x<y>&z", "50%", "😀", "]]>", "line\nfeed\r"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in [*keys, "absent"]]})
    assert len(answer["Deleted"]) == 9 and "Errors" not in answer
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def presigned_put_and_no_form(s3, bucket, server):
    address = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "put"}, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(address, data=b"body", method="PUT"), timeout=20)
    assert s3.get_object(Bucket=bucket, Key="put")["Body"].read() == b"body"
    form = s3.generate_presigned_post(bucket, "form", ExpiresIn=60)
    headers = {"Content-Type": "multipart/form-data; boundary=cameo-boundary"}
    try:
        urllib.request.urlopen(urllib.request.Request(form["url"], data=b"--cameo-boundary--", headers=headers), timeout=20)
        raise AssertionError("an upload form was accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 501 and b"presigned URL" in error.read()


def presigned_with_metadata_and_korean_names(s3, bucket, server):
    told = {"Bucket": bucket, "Key": "서명 😀.txt", "Metadata": {"colour": "green"}, "ContentDisposition": "inline"}
    address = s3.generate_presigned_url("put_object", Params=told, ExpiresIn=60)
    headers = {"x-amz-meta-colour": "green", "content-disposition": "inline"}
    urllib.request.urlopen(urllib.request.Request(address, data=b"body", method="PUT", headers=headers), timeout=20)
    assert s3.head_object(Bucket=bucket, Key="서명 😀.txt")["Metadata"] == {"colour": "green"}
    wanted = {"Bucket": bucket, "Key": "서명 😀.txt", "ResponseContentDisposition": DISPOSITION}
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=60), timeout=20) as answer:
        assert answer.read() == b"body"
        assert answer.headers["content-disposition"].encode("latin-1").decode() == DISPOSITION


def korean_disposition(s3, bucket, server):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentDisposition=DISPOSITION)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    for key in ["k", "copy"]:
        told = s3.head_object(Bucket=bucket, Key=key)["ContentDisposition"]
        assert told.encode("latin-1").decode() == DISPOSITION, told


def signatures_of_version_2_and_long_ones_are_refused(s3, bucket, server):
    old = boto3.client("s3", endpoint_url=server.s3_url, region_name="us-east-1", config=Config(signature_version="s3"),
                       aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY)
    refused(400, old.list_objects_v2, Bucket=bucket)
    address = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket}, ExpiresIn=604801)
    try:
        urllib.request.urlopen(address, timeout=20)
        raise AssertionError("8 days were accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 403


def expectations_are_answered(s3, bucket, server):
    """A request that is refused before its body is wanted closes the connection, so that nobody waits."""
    connection = http.client.HTTPConnection(server.s3_url.removeprefix("http://"), timeout=20)
    connection.putrequest("PUT", f"/{bucket}/k")
    connection.putheader("Content-Length", "10")
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (403, "close"), answer.status
    assert answer.getheader("x-amz-request-id") in answer.read().decode()


ALL = [ranges, conditions, checksums_are_verified, bulk_delete, presigned_put_and_no_form,
       presigned_with_metadata_and_korean_names, korean_disposition,
       signatures_of_version_2_and_long_ones_are_refused, expectations_are_answered]
