"""Buckets that `s3.public_read` opens to everybody's reading: what is open then, and what stays shut. [F08] What a client asks for by an access
control list is refused unless it is so."""

import http.client
import json
import subprocess
import time

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from places import CAMEO
from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET, Server

OPEN, SHUT, OPEN_BY_START = "pictures", "papers", "shared-2026"
OTHER = ("WRITERONLY", "writer-secret-1")
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    folder = tmp_path_factory.mktemp("public-read")
    (folder / "cameo.toml").write_text(f'[s3]\npublic_read = ["{OPEN}", "shared-*"]\n')
    keys = folder / "data" / "keys.toml"
    keys.parent.mkdir(mode=0o700)
    keys.touch(mode=0o600)
    keys.write_text(
        f'[[keys]]\naccess_key_id = "{OTHER[0]}"\nsecret_access_key = "{OTHER[1]}"\n'
        f'[[keys.grants]]\nbucket = "{SHUT}"\nprefix = "inbox/"\nrights = "upload"\n'
    )
    with Server(folder / "data", "--config", folder / "cameo.toml", "--no-worker") as server:
        for bucket in (OPEN, SHUT, OPEN_BY_START):
            server.s3().create_bucket(Bucket=bucket)
            server.s3().put_object(Bucket=bucket, Key="a/1.jpg", Body=b"photo", ContentType="image/jpeg")
        yield server


def unsigned(server):
    return boto3.client("s3", endpoint_url=server.s3_url, region_name="us-east-1",
                        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


@pytest.mark.parametrize("bucket", [OPEN, OPEN_BY_START])
def test_everybody_reads_and_lists_an_open_bucket(serving, bucket):
    s3 = unsigned(serving)
    assert s3.get_object(Bucket=bucket, Key="a/1.jpg")["Body"].read() == b"photo"
    assert s3.head_object(Bucket=bucket, Key="a/1.jpg")["ContentLength"] == 5
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/1.jpg"]
    assert refusal(s3.get_object, Bucket=bucket, Key="absent") == "NoSuchKey"


def test_nobody_else_is_let_in_without_a_signature(serving):
    s3 = unsigned(serving)
    for call, arguments in [
        (s3.get_object, {"Bucket": SHUT, "Key": "a/1.jpg"}),
        (s3.list_objects_v2, {"Bucket": SHUT}),
        (s3.get_object, {"Bucket": UPLOAD_BUCKET, "Key": "a"}),
        (s3.get_object, {"Bucket": "absent-bucket", "Key": "a"}),
        (s3.list_buckets, {}),
        (s3.put_object, {"Bucket": OPEN, "Key": "b", "Body": b"x"}),
        (s3.delete_object, {"Bucket": OPEN, "Key": "a/1.jpg"}),
        (s3.delete_objects, {"Bucket": OPEN, "Delete": {"Objects": [{"Key": "a/1.jpg"}]}}),
        (s3.copy_object, {"Bucket": OPEN, "Key": "b", "CopySource": f"{OPEN}/a/1.jpg"}),
        (s3.create_multipart_upload, {"Bucket": OPEN, "Key": "b"}),
        (s3.delete_bucket, {"Bucket": OPEN}),
        (s3.create_bucket, {"Bucket": "shared-new"}),
        (s3.put_object_acl, {"Bucket": OPEN, "Key": "a/1.jpg", "ACL": "public-read"}),
    ]:
        assert refusal(call, **arguments) == "AccessDenied", (call, arguments)
    assert serving.s3().get_object(Bucket=OPEN, Key="a/1.jpg")["Body"].read() == b"photo"


def raw(server, method, path, headers=()):
    connection = http.client.HTTPConnection(server.s3_url.removeprefix("http://"), timeout=TIMEOUT_S)
    connection.request(method, path, headers=dict(headers))
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


@pytest.mark.parametrize("path, headers", [
    (f"/{OPEN}/../{SHUT}/a/1.jpg", {}),
    (f"/{OPEN}%2F..%2F{SHUT}/a/1.jpg", {}),
    (f"/{SHUT}/a/1.jpg", {"Host": f"{OPEN}.localhost"}),
    (f"/{SHUT}/a/1.jpg", {"Authorization": "AWS4-HMAC-SHA256 Credential=anonymous/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"}),
    (f"/{OPEN}/a/1.jpg?response-content-type=text%2Fhtml", {}),
    (f"/{OPEN}/a/1.jpg?X-Amz-Credential=anonymous", {}),
    (f"/{SHUT}/a/1.jpg", {"x-amz-copy-source": f"{OPEN}/a/1.jpg"}),
])
def test_ways_around(serving, path, headers):
    status, body = raw(serving, "GET", path, headers)
    assert status in (400, 403, 404, 501) and b"photo" != body, (status, body)


def test_a_signature_of_nobody_is_not_anonymous(serving):
    """The id that unsigned requests have in the audit trail is no key that somebody could sign with."""
    for secret in ("", "x", "anonymous"):
        s3 = boto3.client("s3", endpoint_url=serving.s3_url, region_name="us-east-1", aws_access_key_id="anonymous",
                          aws_secret_access_key=secret or "\u200b", config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))
        assert refusal(s3.get_object, Bucket=OPEN, Key="a/1.jpg") == "InvalidAccessKeyId"


def test_a_key_may_read_what_everybody_may(serving):
    """And copy it to where it may write."""
    s3 = boto3.client("s3", endpoint_url=serving.s3_url, region_name="us-east-1", aws_access_key_id=OTHER[0], aws_secret_access_key=OTHER[1],
                      config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))
    assert s3.get_object(Bucket=OPEN, Key="a/1.jpg")["Body"].read() == b"photo"
    s3.copy_object(Bucket=SHUT, Key="inbox/b", CopySource=f"{OPEN}/a/1.jpg")
    assert refusal(s3.copy_object, Bucket=SHUT, Key="inbox/b", CopySource=f"{SHUT}/a/1.jpg") == "AccessDenied"
    assert refusal(s3.put_object, Bucket=OPEN, Key="b", Body=b"x") == "AccessDenied"


def test_access_control_lists_say_what_is_so(serving):
    s3 = serving.s3()
    for bucket, is_public in ((OPEN, True), (SHUT, False)):
        so, not_so = ("public-read", "private") if is_public else ("private", "public-read")
        for get, put, names in (
            (s3.get_bucket_acl, s3.put_bucket_acl, {"Bucket": bucket}),
            (s3.get_object_acl, s3.put_object_acl, {"Bucket": bucket, "Key": "a/1.jpg"}),
        ):
            acl = get(**names)
            everybody = [grant["Permission"] for grant in acl["Grants"] if grant["Grantee"].get("URI") == ALL_USERS]
            assert everybody == (["READ"] if is_public else [])
            # As tools do after a copy: what was read is written back.
            policy = {"Grants": acl["Grants"], "Owner": acl["Owner"]}
            put(**names, AccessControlPolicy=policy)
            put(**names, ACL=so)
            assert refusal(put, **names, ACL=not_so) == "AccessControlListNotSupported"
            owner_alone = [grant for grant in acl["Grants"] if "URI" not in grant["Grantee"]]
            reading = {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"}
            writing = {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "WRITE"}
            for grants in (owner_alone if is_public else [*owner_alone, reading], [*acl["Grants"], writing]):
                assert refusal(put, **names, AccessControlPolicy={"Grants": grants, "Owner": acl["Owner"]}) == "AccessControlListNotSupported"
            # One list, in one place.
            assert refusal(put, **names, ACL=so, AccessControlPolicy=policy) == "UnexpectedContent"
            # Grants that are nearly so.
            user_as_group = {"Grantee": {"Type": "CanonicalUser", "URI": ALL_USERS}, "Permission": "READ"}
            both = {"Grantee": {"Type": "Group", "URI": ALL_USERS, "ID": "other"}, "Permission": "READ"}
            for grants in ([], [reading], [*owner_alone, user_as_group], [*owner_alone, both]):
                assert refusal(put, **names, AccessControlPolicy={"Grants": grants, "Owner": acl["Owner"]}) == "AccessControlListNotSupported"
        with pytest.raises(ClientError, match=f"the only access control list taken( here)? is {so}"):
            s3.put_object(Bucket=bucket, Key="d", Body=b"x", GrantRead=f'uri="{ALL_USERS}"')
        s3.put_object(Bucket=bucket, Key="c", Body=b"x", ACL=so)
        assert refusal(s3.put_object, Bucket=bucket, Key="d", Body=b"x", ACL=not_so) == "AccessControlListNotSupported"
        assert refusal(s3.get_object, Bucket=bucket, Key="d") == "NoSuchKey"
    s3.create_bucket(Bucket="shared-3", ACL="public-read")
    assert refusal(s3.create_bucket, Bucket="papers-3", ACL="public-read") == "AccessControlListNotSupported"


def test_refusals_without_a_signature_are_in_the_audit_trail(serving):
    raw(serving, "PUT", f"/{OPEN}/trail", {"x-amz-copy-source": f"/{SHUT}/a/%31.jpg"})
    wanted = {"operation": "CopyObject", "key": "trail", "source": f"{SHUT}/a/1.jpg", "status": 403, "signed": False}
    end = time.monotonic() + TIMEOUT_S
    lines = []
    while time.monotonic() < end and not any(wanted.items() <= line.items() for line in lines):
        lines = [json.loads(line) for line in (serving.data / "audit" / "refusals.jsonl").read_text().splitlines()]
    assert any(wanted.items() <= line.items() for line in lines), lines[-3:]


def test_nobody_learns_of_originals(serving):
    """Renditions carry the MD5 of their originals, for Cameo alone."""
    serving.s3().put_object(Bucket=OPEN, Key="rendition", Body=b"x", Metadata={"cameo-original": "c6028a6a80f7d2b8e3d7aa0d6ac82c60", "who": "me"})
    assert unsigned(serving).get_object(Bucket=OPEN, Key="rendition")["Metadata"] == {"who": "me"}
    assert unsigned(serving).head_object(Bucket=OPEN, Key="rendition")["Metadata"] == {"who": "me"}
    assert "cameo-original" in serving.s3().head_object(Bucket=OPEN, Key="rendition")["Metadata"]


@pytest.mark.parametrize("bucket", [UPLOAD_BUCKET, "*", "celebtide-*", "No_Bucket", ""])
def test_originals_are_never_open(tmp_path, bucket):
    (tmp_path / "cameo.toml").write_text(f'[s3]\npublic_read = ["{bucket}"]\n')
    environment = {"PATH": "/usr/bin:/bin", "CAMEO_ACCESS_KEY_ID": ACCESS_KEY, "CAMEO_SECRET_ACCESS_KEY": SECRET_KEY}
    done = subprocess.run([CAMEO, "serve", "--data", tmp_path / "data", "--config", tmp_path / "cameo.toml"], env=environment, cwd=tmp_path,
                          capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 2 and "s3.public_read" in done.stderr, done.stderr
