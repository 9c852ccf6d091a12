"""What the S3 endpoint answers, row by row of the findings: looked at from outside, by hand where clients are too polite."""

import http.client
import re
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import photos
from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET, Server

TIMEOUT_S = 60
BUCKET = "answers"
PAGE = "https://photos.example.com"
DISPOSITION = 'attachment; filename="사진 1.jpg"'


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    (folder / "cameo.toml").write_text(f'[s3]\ncors_origins = ["{PAGE}"]\n')
    with Server(folder / "data", "--config", folder / "cameo.toml") as server:
        server.s3().create_bucket(Bucket=BUCKET)
        yield server


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        self.text = self.body.decode(errors="replace")

    def find(self, element):
        found = re.search(f"<{element}>(.*?)</{element}>", self.text, re.S)
        return found and found[1]


def sent(server, method, path, headers, body=None):
    connection = http.client.HTTPConnection(server.s3_url.removeprefix("http://"), timeout=TIMEOUT_S)
    connection.putrequest(method, path, skip_accept_encoding=True, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value if isinstance(value, bytes) else str(value).encode())
    if body is not None and "Content-Length" not in headers:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def ask(server, method, path, body=None, secret=SECRET_KEY, **headers):
    """Signs a request in its headers and sends it. Header names have underscores."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, server.s3_url + path, data=body, headers=headers)
    S3SigV4Auth(Credentials(ACCESS_KEY, secret), "s3", "us-east-1").add_auth(request)
    return sent(server, method, path, dict(request.headers.items()), body)


def put(server, key, body=b"0123456789", **headers):
    answer = ask(server, "PUT", f"/{BUCKET}/{quote(key)}", body, **headers)
    assert answer.status == 200, answer.text
    return f"/{BUCKET}/{quote(key)}"


NONE = {
    "tagging": "NoSuchTagSet",
    "cors": None,
    "lifecycle": "NoSuchLifecycleConfiguration",
    "policy": "NoSuchBucketPolicy",
    "policyStatus": "NoSuchBucketPolicy",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "object-lock": "ObjectLockConfigurationNotFoundError",
    "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "ownershipControls": "OwnershipControlsNotFoundError",
    "website": "NoSuchWebsiteConfiguration",
    "replication": "ReplicationConfigurationNotFoundError",
    "versioning": None,
    "logging": None,
    "requestPayment": None,
    "accelerate": None,
    "notification": None,
    "location": None,
    "acl": None,
    "versions": None,
    "analytics": None,
    "inventory": None,
    "metrics": None,
    "intelligent-tiering": None,
}


@pytest.mark.parametrize("asked", NONE)
def test_f04_what_a_bucket_does_not_have_is_answered_as_s3_does(serving, asked):
    answer = ask(serving, "GET", f"/{BUCKET}?{asked}")
    assert answer.find("Code") == NONE[asked] and answer.status == (404 if NONE[asked] else 200), answer.text
    xml.etree.ElementTree.fromstring(answer.body)
    assert ask(serving, "GET", f"/nowhere-at-all?{asked}").find("Code") == "NoSuchBucket"


def test_f04_what_an_object_does_not_have_is_answered_as_s3_does(serving):
    s3, path = serving.s3(), put(serving, "f04")
    assert s3.get_object_tagging(Bucket=BUCKET, Key="f04")["TagSet"] == []
    for asked in ["retention", "legal-hold"]:
        answer = ask(serving, "GET", f"{path}?{asked}")
        assert (answer.status, answer.find("Message")) == (400, "Bucket is missing Object Lock Configuration.")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object_tagging(Bucket=BUCKET, Key="absent")
    with pytest.raises(ClientError, match="NotImplemented"):
        s3.put_object_tagging(Bucket=BUCKET, Key="f04", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert s3.get_object(Bucket=BUCKET, Key="f04")["Body"].read() == b"0123456789"


def test_f11_a_completion_that_is_repeated_while_the_first_runs_gets_its_answer(serving):
    s3, key = serving.s3(), "f11"
    for _ in range(3):
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        parts = []
        for number in [1, 2, 3]:
            part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=b"p" * (5 << 20))
            parts.append({"PartNumber": number, "ETag": part["ETag"]})

        def complete(_, upload=upload, parts=parts):
            done = serving.s3().complete_multipart_upload(
                Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
            return done["ETag"], done["ResponseMetadata"]["RetryAttempts"]

        with ThreadPoolExecutor(4) as pool:
            answers = set(pool.map(complete, range(4)))
        assert len(answers) == 1 and answers.pop()[1] == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_f12_f13_ranges_are_those_of_rfc_9110(serving, method):
    path, empty = put(serving, "f12"), put(serving, "f12-empty", b"")
    etag = ask(serving, "HEAD", path).headers["ETag"]

    def of(at, asked, **headers):
        answer = ask(serving, method, at, Range=asked, **headers)
        assert method == "HEAD" or answer.status == 416 or len(answer.body) == int(answer.headers["Content-Length"])
        return answer.status, answer.headers["Content-Range"]

    assert of(path, "bytes=2-4") == (206, "bytes 2-4/10")
    assert of(path, "bytes=-99") == (206, "bytes 0-9/10")
    for ignored in ["bytes=5-2", "bytes=x-y", "bytes=0-1,5-6", "lines=1-2", "bytes"]:
        assert of(path, ignored) == (200, None), ignored
    for at, beyond in [(path, "bytes=10-"), (path, "bytes=-0"), (empty, "bytes=-5"), (empty, "bytes=0-")]:
        assert of(at, beyond) == (416, "bytes */0" if at == empty else "bytes */10"), beyond
    assert of(path, "bytes=2-4", If_Range=etag) == (206, "bytes 2-4/10")
    for stale in ['"other"', f"W/{etag}", "Thu, 01 Jan 1970 00:00:00 GMT"]:
        assert of(path, "bytes=2-4", If_Range=stale) == (200, None), stale


@pytest.mark.parametrize(
    "form",
    ["&#x1F600;", "&#128512;", "<![CDATA[😀]]>", "<!-- a comment -->😀", "<![CDATA[]]>&#x1f600;<?and an instruction?>"],
)
def test_f14_every_form_of_xml_is_read(serving, form):
    path = put(serving, "😀")
    body = f"<?xml version='1.0'?><a:Delete xmlns:a='urn:x'><a:Object><a:Key>{form}</a:Key></a:Object></a:Delete>".encode()
    answer = ask(serving, "POST", f"/{BUCKET}?delete", body)
    assert (answer.status, answer.find("Key")) == (200, "😀"), answer.text
    assert ask(serving, "GET", path).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE a [<!ENTITY k 'f14'>]><Delete><Object><Key>&k;</Key></Object></Delete>",
        b"<Delete><Object><Key>f14</Key></Object>",
        b"<Delete><Object><Key>&unknown;</Key></Object></Delete>",
        b"<Delete><Object><Key>\xff</Key></Object></Delete>",
        b"<Delete>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</Delete>",
    ],
)
def test_f14_what_is_not_xml_is_refused_and_changes_nothing(serving, body):
    path = put(serving, "f14")
    answer = ask(serving, "POST", f"/{BUCKET}?delete", body)
    assert (answer.status, answer.find("Code")) == (400, "MalformedXML") and len(answer.find("Message")) > 20
    assert ask(serving, "GET", path).status == 200


def test_f15_descriptions_may_be_korean(serving):
    path = put(serving, "f15", Content_Disposition=DISPOSITION, Content_Type="text/plain; name=사진")
    for method in ["GET", "HEAD"]:
        headers = ask(serving, method, path).headers
        assert headers["Content-Disposition"].encode("latin-1").decode() == DISPOSITION
        assert headers["Content-Type"].encode("latin-1").decode() == "text/plain; name=사진"
    asked = f"{path}?response-content-disposition={quote(DISPOSITION)}"
    request = AWSRequest("GET", serving.s3_url + asked)
    S3SigV4QueryAuth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1", expires=60).add_auth(request)
    answer = sent(serving, "GET", request.url.removeprefix(serving.s3_url), {})
    assert answer.headers["Content-Disposition"].encode("latin-1").decode() == DISPOSITION


def test_f16_the_location_of_an_object_is_a_uri(serving):
    s3, key = serving.s3(), "f16/사진 +&#%.jpg"
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload=parts)
    assert done["Location"] == f"{serving.s3_url}/{BUCKET}/{quote(key)}"
    assert ask(serving, "GET", done["Location"].removeprefix(serving.s3_url)).body == b"x"


ERRORS = {
    "a wrong secret": lambda s: ask(s, "GET", f"/{BUCKET}", secret="wrong"),
    "no signature": lambda s: sent(s, "GET", f"/{BUCKET}", {}),
    "a bad bucket name": lambda s: ask(s, "PUT", "/A_bucket!"),
    "a long key": lambda s: ask(s, "PUT", f"/{BUCKET}/{'k' * 1025}", b"x"),
    "malformed XML": lambda s: ask(s, "POST", f"/{BUCKET}?delete", b"<Delete><Object>"),
    "XML of something else": lambda s: ask(s, "POST", f"/{BUCKET}?delete", b"<Something/>"),
    "no XML": lambda s: ask(s, "POST", f"/{BUCKET}?delete", b""),
    "a number that is none": lambda s: ask(s, "GET", f"/{BUCKET}?max-keys=many"),
    "a wrong checksum": lambda s: ask(s, "PUT", f"/{BUCKET}/k", b"x", Content_MD5="dV+FxXCkxBYYkrskZOZMpQ=="),
    "an absent key": lambda s: ask(s, "GET", f"/{BUCKET}/absent"),
    "an absent upload": lambda s: ask(s, "GET", f"/{BUCKET}/k?uploadId=absent"),
    "a condition": lambda s: ask(s, "PUT", f"/{BUCKET}/k", b"x", If_Match='"other"'),
    "an unknown method": lambda s: ask(s, "PATCH", f"/{BUCKET}/k"),
    "encryption": lambda s: ask(s, "PUT", f"/{BUCKET}/k", b"x", x_amz_server_side_encryption="AES256"),
    "a preflight": lambda s: sent(s, "OPTIONS", f"/{BUCKET}/k", {"Origin": "https://evil.example.com"}),
}


@pytest.mark.parametrize("case", ERRORS)
def test_f17_every_error_has_a_message(serving, case):
    answer = ERRORS[case](serving)
    assert answer.status >= 400
    message = answer.find("Message")
    assert message and len(message) > 20 and message[-1] in ".)", answer.text


def test_f19_a_deleted_bucket_takes_its_parts_along(serving):
    s3 = serving.s3()
    s3.create_bucket(Bucket="f19-parts")
    upload = s3.create_multipart_upload(Bucket="f19-parts", Key="k")["UploadId"]
    s3.upload_part(Bucket="f19-parts", Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    folder = serving.data / "parts" / upload
    assert folder.exists()
    s3.delete_bucket(Bucket="f19-parts")
    assert not folder.exists()


def test_a17_every_listing_can_be_read_by_every_reader_of_xml(serving):
    key = "a17/\x01\x1f\ufffe/x"
    put(serving, key)
    for asked in ["prefix=a17", "list-type=2&prefix=a17", "prefix=a17&versions", "delimiter=%2F&list-type=2&prefix=a17%2F",
                  "list-type=2&start-after=a17", "prefix=a17&uploads"]:
        answer = ask(serving, "GET", f"/{BUCKET}?{asked}")
        xml.etree.ElementTree.fromstring(answer.body)
    listed = serving.s3().list_objects_v2(Bucket=BUCKET, Prefix="a17")["Contents"]
    assert [item["Key"] for item in listed] == [key]
    answer = ask(serving, "POST", f"/{BUCKET}?delete", f"<Delete><Object><Key>{key}</Key></Object></Delete>".encode())
    xml.etree.ElementTree.fromstring(answer.body)
    assert "Contents" not in serving.s3().list_objects_v2(Bucket=BUCKET, Prefix="a17")


def test_a17_one_key_is_requeued_once_however_often_it_is_named(serving):
    key = "origin/ssgdfm_eye/1_0.jpg"
    serving.put("1_0.jpg", photos.draw("a17", size=(80, 60)))
    serving.wait_until_quiet()
    connection = http.client.HTTPConnection(serving.console_url.removeprefix("http://"), timeout=TIMEOUT_S)
    body = f'{{"keys": [{", ".join([f"{chr(34)}{key}{chr(34)}"] * 1000)}]}}'
    connection.request("POST", "/api/requeue", body, {"content-type": "application/json", "x-cameo-client": "e2e"})
    answer = Answer(connection.getresponse())
    assert answer.status == 200 and '"requeued":1,' in answer.text.replace(" ", ""), answer.text
    serving.wait_until_quiet()
    assert serving.s3().head_object(Bucket=UPLOAD_BUCKET, Key=key)["ContentLength"] > 0


def test_q01_web_pages_of_configured_origins_can_use_the_endpoint(serving):
    path = put(serving, "q01")
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization, x-amz-date"}
    answer = sent(serving, "OPTIONS", path, {"Origin": PAGE, **asked})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert answer.headers["Access-Control-Allow-Headers"] == asked["Access-Control-Request-Headers"]
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    for other in ["https://evil.example.com", "null", f"{PAGE}.evil.example.com"]:
        assert sent(serving, "OPTIONS", path, {"Origin": other, **asked}).status == 403
        assert ask(serving, "GET", path, Origin=other).headers["Access-Control-Allow-Origin"] is None
    for at, status in [(path, 200), (f"/{BUCKET}/absent", 404)]:
        answer = ask(serving, "GET", at, Origin=PAGE)
        assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, PAGE)
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"] and "Origin" in answer.headers["Vary"]


def test_browsers_run_nothing_of_what_is_stored(serving):
    path = put(serving, "page.html", b"<script>1</script>", Content_Type="text/html")
    for method in ["GET", "HEAD"]:
        headers = ask(serving, method, path).headers
        assert (headers["X-Content-Type-Options"], headers["Content-Security-Policy"]) == ("nosniff", "sandbox; default-src 'none'")
