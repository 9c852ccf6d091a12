"""Access keys with rights of their own, from a file that is rotated while the server runs."""

import os
import time

import boto3
import photos
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from server import UPLOAD_BUCKET, Server

GRANTS = {
    "UPLOADER": ("origin/ssgdfm_eye/", "upload"),
    "READER": ("", "read"),
    "EVERYTHING": ("origin/shop/", "all"),
}
KEY = "origin/ssgdfm_eye/1_0.jpg"


def key_file(path, secrets):
    """Writes a file of keys, by their secrets, and puts it in place in one step, as an operator should."""
    text = "".join(
        f'[[keys]]\naccess_key_id = "{name}"\nsecret_access_key = "{secret}"\n'
        f'[[keys.grants]]\nbucket = "{UPLOAD_BUCKET}"\nprefix = "{GRANTS[name][0]}"\nrights = "{GRANTS[name][1]}"\n'
        for name, secret in secrets.items()
    )
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(text)
    os.replace(new, path)


@pytest.fixture
def keyed(tmp_path):
    """A server with a file of keys; the file is beside its data."""
    path = tmp_path / "keys.toml"
    key_file(path, {name: f"secret of {name}" for name in GRANTS})
    config = tmp_path / "cameo.toml"
    config.write_text(f'[s3]\nkey_file = "{path}"\n')
    with Server(tmp_path / "data", "--config", config) as server:
        yield server, path


def client(server, name, secret=None):
    return boto3.client(
        "s3",
        endpoint_url=server.s3_url,
        aws_access_key_id=name,
        aws_secret_access_key=secret or f"secret of {name}",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def refusal(call, **arguments):
    """The error code with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(Bucket=UPLOAD_BUCKET, **arguments)
    error = refused.value.response
    return error["Error"]["Code"] if error["Error"]["Code"].isalpha() else error["ResponseMetadata"]["HTTPStatusCode"]


def test_a_key_may_do_what_its_grants_say_and_nothing_else(keyed):
    server, _ = keyed
    photo = photos.draw("1_0")
    uploader, reader, everything = (client(server, name) for name in GRANTS)
    uploader.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo)
    assert refusal(uploader.put_object, Key="origin/shop/1_0.jpg", Body=photo) == "AccessDenied"
    assert refusal(uploader.get_object, Key=KEY) == "AccessDenied"
    assert refusal(uploader.delete_object, Key=KEY) == "AccessDenied"
    assert refusal(uploader.list_objects_v2) == "AccessDenied"
    assert reader.get_object(Bucket=UPLOAD_BUCKET, Key=KEY)["Body"].read() == photo
    assert [found["Key"] for found in reader.list_objects_v2(Bucket=UPLOAD_BUCKET)["Contents"]] == [KEY]
    assert refusal(reader.put_object, Key=KEY, Body=b"") == "AccessDenied"
    everything.put_object(Bucket=UPLOAD_BUCKET, Key="origin/shop/1_0.jpg", Body=photo)
    everything.delete_object(Bucket=UPLOAD_BUCKET, Key="origin/shop/1_0.jpg")
    assert refusal(everything.delete_object, Key=KEY) == "AccessDenied"


def test_keys_are_rotated_while_the_server_runs(keyed):
    server, path = keyed
    old = client(server, "UPLOADER")
    old.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"1")
    key_file(path, {"UPLOADER": "a new secret", "READER": "secret of READER"})
    assert refusal(old.put_object, Key=KEY, Body=b"2") == "SignatureDoesNotMatch"
    client(server, "UPLOADER", "a new secret").put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"3")
    assert refusal(client(server, "EVERYTHING").put_object, Key="origin/shop/1_0.jpg", Body=b"4") == "InvalidAccessKeyId"
    assert client(server, "READER").get_object(Bucket=UPLOAD_BUCKET, Key=KEY)["Body"].read() == b"3"
    server.put("2_0.jpg", photos.draw("2_0"))


def test_a_broken_file_changes_nothing_and_no_secret_is_logged(keyed):
    server, path = keyed
    path.write_text('[[keys]]\naccess_key_id = "UPLOADER"\nsecret_access_key = "spilt milk\n')
    client(server, "UPLOADER").put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"1")
    deadline = time.monotonic() + 60
    while "the access keys stay as they were" not in server.log.read_text():
        assert time.monotonic() < deadline, "the log does not say so"
        time.sleep(0.05)
    log = server.log.read_text()
    assert "spilt milk" not in log and "secret of" not in log
