"""Around the doors: key files, the data folder, quotas, the audit trail, logging, and what people read.

Each check names its row of the findings (A7, A10, A11, A14, A16, A17) where it has one, and failed on the version that they were found in.
"""

import contextlib
import json
import os
import selectors
import signal
import stat
import subprocess
import time
import unicodedata
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
import photos
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from http_get import get
from places import CAMEO
from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET, Server, bare_environment, cameo

KEY = "origin/ssgdfm_eye/1_0.jpg"
PORTS = ["--s3-listen", "127.0.0.1:0", "--images-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"]
START_S = 60
# How long a server may take to end that has nothing to finish: far below `server.shutdown_timeout`.
END_S = 10


def client(server, key_id, secret, **config):
    return boto3.client(
        "s3",
        endpoint_url=server.s3_url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config),
    )


def refusal(call, **arguments):
    """Code and status with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def key_text(key_id, secret, more="", grants=f'[[keys.grants]]\nbucket = "{UPLOAD_BUCKET}"\nprefix = ""\nrights = "all"\n'):
    return f'[[keys]]\naccess_key_id = "{key_id}"\nsecret_access_key = "{secret}"\n{more}\n{grants}'


def write_private(path, text):
    """Puts a file in place in one step, for its owner alone."""
    new = path.with_name(path.name + ".tmp")
    new.touch(mode=0o600)
    new.write_text(text)
    os.replace(new, path)


def config_with(folder, text):
    path = folder / "cameo.toml"
    path.write_text(text)
    return path


def start_refused(tmp_path, *words, env=None):
    """How `cameo serve` ends that must not start: its exit code and what it says. It must not hang either."""
    command = [CAMEO, "serve", "--data", tmp_path / "data", *PORTS, *words]
    environment = bare_environment(tmp_path) | (env or {})
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=START_S)
    return ended.returncode, ended.stderr


@pytest.fixture
def keyed(tmp_path):
    """A server with a file of keys that has one key, `UPLOADER`; and the file."""
    path = tmp_path / "keys.toml"
    write_private(path, key_text("UPLOADER", "first secret"))
    with Server(tmp_path / "data", "--config", config_with(tmp_path, f'[s3]\nkey_file = "{path}"\n')) as server:
        yield server, path


# A10: the key file fails closed.


def test_a10_a_key_without_grants_has_no_right_at_all(keyed):
    server, path = keyed
    write_private(path, key_text("NOBODY", "a secret", grants="") + key_text("CHIEF", "b secret", "administrator = true", ""))
    nobody, chief = client(server, "NOBODY", "a secret"), client(server, "CHIEF", "b secret")
    photo = photos.draw("1_0")
    for call, arguments in [
        (nobody.put_object, {"Bucket": UPLOAD_BUCKET, "Key": KEY, "Body": photo}),
        (nobody.list_objects_v2, {"Bucket": UPLOAD_BUCKET}),
        (nobody.delete_object, {"Bucket": UPLOAD_BUCKET, "Key": KEY}),
        (nobody.create_bucket, {"Bucket": "another"}),
    ]:
        assert refusal(call, **arguments) == ("AccessDenied", 403)
    chief.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo)
    until(lambda: "has no grants" in server.log.read_text(), "the log says nothing of it")


@pytest.mark.parametrize(
    "text",
    [
        key_text("", "spilt milk"),
        key_text(" ", "spilt milk"),
        key_text("UPLOADER", ""),
        key_text("UPLOADER", " \\t"),
        key_text("UPLOADER", "spilt milk", 'grant = "all"'),
        key_text("UPLOADER", "spilt milk", "admin = true"),
        key_text("UPLOADER", "spilt milk", 'administrator = "yes"'),
        key_text("UPLOADER", "spilt milk", grants='[[keys.grants]]\nbucket = "x"\nrigths = "all"\n'),
        key_text("UPLOADER", "spilt milk") + key_text("UPLOADER", "spilt milk too"),
        '[[key]]\naccess_key_id = "UPLOADER"\nsecret_access_key = "spilt milk"\n',
        '[[keys]]\naccess_key_id = "UPLOADER"\nsecret_access_key = "spilt milk\n',
    ],
)
def test_a10_a_file_that_is_not_understood_as_a_whole_counts_for_nothing(tmp_path, text):
    path = tmp_path / "keys.toml"
    write_private(path, text)
    code, told = start_refused(tmp_path, "--config", config_with(tmp_path, f'[s3]\nkey_file = "{path}"\n'))
    assert code == 2 and "keys.toml" in told and "spilt milk" not in told, told


def test_a10_the_same_in_the_environment_and_in_the_data_folder(tmp_path):
    pair = {"CAMEO_ACCESS_KEY_ID": "id", "CAMEO_SECRET_ACCESS_KEY": " "}
    assert start_refused(tmp_path, env=pair)[0] == 2
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    write_private(tmp_path / "data" / "credentials.json", '{"access_key_id": "id", "secret_access_key": ""}')
    assert start_refused(tmp_path)[0] == 2


def test_a10_a_fifo_hangs_neither_the_start_nor_a_request(tmp_path):
    path = tmp_path / "keys.toml"
    os.mkfifo(path, 0o600)
    config = config_with(tmp_path, f'[s3]\nkey_file = "{path}"\n')
    code, told = start_refused(tmp_path, "--config", config)
    assert code == 2 and "regular file" in told, told
    os.unlink(path)
    write_private(path, key_text("UPLOADER", "first secret"))
    with Server(tmp_path / "data", "--config", config) as server:
        os.unlink(path)
        os.mkfifo(path, 0o600)
        client(server, "UPLOADER", "first secret", read_timeout=START_S).list_objects_v2(Bucket=UPLOAD_BUCKET)


def test_a10_a_change_that_keeps_size_inode_and_times_is_seen(keyed):
    server, path = keyed
    client(server, "UPLOADER", "first secret").list_objects_v2(Bucket=UPLOAD_BUCKET)
    before = path.stat()
    with path.open("r+") as file:
        file.write(path.read_text().replace("first secret", "other secret"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)
    old = client(server, "UPLOADER", "first secret")
    assert refusal(old.list_objects_v2, Bucket=UPLOAD_BUCKET) == ("SignatureDoesNotMatch", 403)
    client(server, "UPLOADER", "other secret").list_objects_v2(Bucket=UPLOAD_BUCKET)


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o644, 0o640])
def test_a10_a_file_that_others_may_touch_is_refused_with_the_command_to_run(tmp_path, mode):
    path = tmp_path / "keys.toml"
    write_private(path, key_text("UPLOADER", "first secret"))
    path.chmod(mode)
    code, told = start_refused(tmp_path, "--config", config_with(tmp_path, f'[s3]\nkey_file = "{path}"\n'))
    assert code == 2 and "chmod 600" in told, told


def test_a10_a_file_that_others_may_replace_is_refused(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    path = folder / "keys.toml"
    write_private(path, key_text("UPLOADER", "first secret"))
    code, told = start_refused(tmp_path, "--config", config_with(tmp_path, f'[s3]\nkey_file = "{path}"\n'))
    assert code == 2 and "chmod go-w" in told, told


def test_a10_a_file_without_a_bound_is_not_read(tmp_path):
    path = tmp_path / "keys.toml"
    write_private(path, key_text("UPLOADER", "first secret") + "#" * (2 << 20))
    code, told = start_refused(tmp_path, "--config", config_with(tmp_path, f'[s3]\nkey_file = "{path}"\n'))
    assert code == 2 and "bytes" in told, told


def test_a17_a_fault_of_the_key_file_is_logged_when_it_begins_and_when_it_ends(keyed):
    server, path = keyed
    uploader = client(server, "UPLOADER", "first secret")
    path.chmod(0o644)
    for _ in range(30):
        uploader.list_objects_v2(Bucket=UPLOAD_BUCKET)
    path.chmod(0o600)
    for _ in range(3):
        uploader.list_objects_v2(Bucket=UPLOAD_BUCKET)
    until(lambda: "can be used again" in server.log.read_text(), "the log does not say that it ended")
    about_keys = [line for line in server.log.read_text().splitlines() if "access keys" in line]
    assert sum("stay as they were" in line for line in about_keys) == 1, about_keys
    assert sum("can be used again" in line for line in about_keys) == 1, about_keys


# A11: the data folder and its files.


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o757])
def test_a11_a_data_folder_that_others_may_write_to_is_refused(tmp_path, mode):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(mode)
    code, told = start_refused(tmp_path)
    assert code == 2 and "chmod go-w" in told, told
    assert list(data.iterdir()) == []


@pytest.mark.parametrize("name", ["credentials.json", "cameo.db", "objects", "keys.toml"])
def test_a11_a_file_in_it_that_others_may_write_is_refused(tmp_path, name):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / name).mkdir() if name == "objects" else (data / name).touch()
    (data / name).chmod(0o777)
    code, told = start_refused(tmp_path)
    assert code == 2 and name in told and "go-w" in told, told


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT ROOT: nothing can be given to another user")
def test_a11_what_belongs_to_somebody_else_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 12345, 12345)
    code, told = start_refused(tmp_path)
    assert code == 2 and "12345" in told, told


@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_a11_a_key_pair_that_others_can_read_is_refused(tmp_path, mode):
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    write_private(data / "credentials.json", '{"access_key_id": "KNOWN", "secret_access_key": "known to others"}')
    (data / "credentials.json").chmod(mode)
    code, told = start_refused(tmp_path)
    assert code == 2 and "chmod 600" in told and "known to others" not in told, told


def test_a11_what_was_planted_is_neither_written_nor_read_through(tmp_path):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir(mode=0o700)
    elsewhere.touch()
    for name in ("credentials.new", "serve.new"):
        (data / name).symlink_to(elsewhere)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with Serving(tmp_path, env=environment, stderr=subprocess.DEVNULL) as serving:
        serving.first_line()
        assert elsewhere.read_bytes() == b""
        made = data / "credentials.json"
        assert not made.is_symlink() and stat.S_IMODE(made.stat().st_mode) == 0o600
    made.rename(tmp_path / "theirs")
    made.symlink_to(tmp_path / "theirs")
    code, told = start_refused(tmp_path)
    assert code == 2 and "symbolic link" in told, told


def test_a11_everything_that_a_server_makes_is_its_owners_alone(tmp_path):
    before = os.umask(0)
    try:
        with Server(tmp_path / "data") as server:
            server.put("1_0.jpg", photos.draw("1_0"))
            server.wait_until_quiet()
            open_to_others = [path for path in server.data.rglob("*") if path.stat().st_mode & 0o077 and not path.is_socket()]
            assert open_to_others == []
    finally:
        os.umask(before)


# Keys for operators.


def test_a_key_for_an_operator_works_at_once_and_its_secret_is_shown_once(server):
    data = ["--data", server.data]
    added = server.cameo("keys", "add", "--upload", "origin/ssgdfm_eye/", *data)
    assert added.returncode == 0, added.stderr
    key_id, secret = added.lines[0]["access_key_id"], added.lines[0]["secret_access_key"]
    operator, photo = client(server, key_id, secret), photos.draw("1_0")
    operator.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo)
    for call, arguments in [
        (operator.put_object, {"Key": "origin/ssgdfm_eye2/1_0.jpg", "Body": photo}),
        (operator.get_object, {"Key": KEY}),
        (operator.delete_object, {"Key": KEY}),
        (operator.list_objects_v2, {}),
    ]:
        assert refusal(call, Bucket=UPLOAD_BUCKET, **arguments)[1] == 403
    listed = server.cameo("keys", "list", *data)
    assert listed.lines[0]["access_key_id"] == key_id and secret not in listed.stdout
    assert secret not in server.cameo("keys", "list", *data, json_lines=False).stdout
    assert stat.S_IMODE((server.data / "keys.toml").stat().st_mode) == 0o600
    assert server.cameo("keys", "add", "--id", key_id, "--read", "", *data).returncode == 2
    assert server.cameo("keys", "add", "--upload", "origin/ssgdfm_eye", *data).returncode == 2
    assert server.cameo("keys", "add", *data).returncode == 2
    assert server.cameo("keys", "remove", key_id, *data).returncode == 0
    assert refusal(operator.put_object, Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo) == ("InvalidAccessKeyId", 403)
    assert server.cameo("keys", "remove", key_id, *data).returncode == 2
    server.put("2_0.jpg", photo)
    assert secret not in server.log.read_text()


def test_many_who_add_keys_at_once_all_get_theirs(server):
    add = ["keys", "add", "--upload", "origin/ssgdfm_eye/", "--data", server.data]
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda _: server.cameo(*add).lines[0]["access_key_id"], range(16)))
    listed = server.cameo("keys", "list", "--data", server.data).lines
    assert sorted(added) == sorted(line["access_key_id"] for line in listed)


def test_a_quota_counts_what_is_overwritten_and_outlives_a_restart(tmp_path):
    photo = b"x" * 60_000
    with Server(tmp_path / "data") as server:
        flags = ["--bytes-per-day", "200kB", "--objects-per-day", "50", "--data", server.data]
        added = server.cameo("keys", "add", "--upload", "origin/ssgdfm_eye/", *flags).lines[0]
        pair = added["access_key_id"], added["secret_access_key"]
        operator = client(server, *pair)
        for _ in range(3):
            operator.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo)
        assert refusal(operator.put_object, Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo) == ("QuotaExceeded", 403)
        upload = operator.create_multipart_upload(Bucket=UPLOAD_BUCKET, Key=KEY)["UploadId"]
        part = {"Bucket": UPLOAD_BUCKET, "Key": KEY, "UploadId": upload, "PartNumber": 1, "Body": photo}
        assert refusal(operator.upload_part, **part) == ("QuotaExceeded", 403)
        with pytest.raises(ClientError, match="in 24 hours.*Try again after"):
            operator.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo)
        # Nobody else is held up, and what failed is not counted.
        server.put("9_0.jpg", photo)
        operator.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"y" * 15_000)
        for _ in range(3):
            condition = {"IfNoneMatch": "*"}
            assert refusal(operator.put_object, Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"z" * 4000, **condition)[1] == 412
        server.stop()
        server.start()
        operator = client(server, *pair)
        assert refusal(operator.put_object, Bucket=UPLOAD_BUCKET, Key=KEY, Body=photo) == ("QuotaExceeded", 403)
        # With the upload that was begun, five objects are counted.
        for _ in range(45):
            operator.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"")
        assert refusal(operator.put_object, Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"") == ("QuotaExceeded", 403)


def test_a_quota_counts_copied_parts_metadata_and_uploads_that_are_only_begun(server):
    chief = server.s3()
    chief.put_object(Bucket=UPLOAD_BUCKET, Key="source", Body=bytes(5 << 20))
    quotas = {"COPIER": 'bytes_per_day = "12MB"', "BEGINNER": "objects_per_day = 3", "WRITER": 'bytes_per_day = "10kB"'}
    texts = [key_text(name, f"{name}-secret-0123", f"[keys.quota]\n{quota}\n") for name, quota in quotas.items()]
    write_private(server.data / "keys.toml", "\n".join(texts))
    copier, beginner, writer = (client(server, name, f"{name}-secret-0123") for name in quotas)
    at = {"Bucket": UPLOAD_BUCKET, "Key": "copied"}
    upload = copier.create_multipart_upload(**at)["UploadId"]
    part = {**at, "UploadId": upload, "CopySource": {"Bucket": UPLOAD_BUCKET, "Key": "source"}}
    for number in (1, 2):
        copier.upload_part_copy(**part, PartNumber=number)
    assert refusal(copier.upload_part_copy, **part, PartNumber=3) == ("QuotaExceeded", 403)
    copier.abort_multipart_upload(**at, UploadId=upload)
    for _ in range(3):
        beginner.create_multipart_upload(**at)
    assert refusal(beginner.create_multipart_upload, **at) == ("QuotaExceeded", 403)
    described = {**at, "Body": b"", "Metadata": {"text": "x" * 1900}}
    for _ in range(5):
        writer.put_object(**described)
    assert refusal(writer.put_object, **described) == ("QuotaExceeded", 403)


def test_many_uploads_at_once_do_not_pass_a_quota_together(server):
    flags = ["--bytes-per-day", "1MB", "--data", server.data]
    added = server.cameo("keys", "add", "--upload", "origin/ssgdfm_eye/", *flags).lines[0]
    operator = client(server, added["access_key_id"], added["secret_access_key"], max_pool_connections=32)

    def upload(n):
        try:
            operator.put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/ssgdfm_eye/{n}_0.jpg", Body=b"x" * 100_000)
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(upload, range(1, 41)))
    assert answers.count(None) == 10 and answers.count("QuotaExceeded") == 30, answers


def test_an_address_that_has_expired_is_no_guess(server):
    server.s3().put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"x")
    url = server.s3().generate_presigned_url("get_object", Params={"Bucket": UPLOAD_BUCKET, "Key": KEY}, ExpiresIn=1)
    time.sleep(2.5)
    assert {get(url).status for _ in range(60)} == {403}


def test_wrong_signatures_are_slowed_down_and_right_ones_of_the_same_address_are_not(server):
    guesser, honest = client(server, ACCESS_KEY, "guessed"), client(server, ACCESS_KEY, SECRET_KEY)
    answers = [refusal(guesser.list_objects_v2, Bucket=UPLOAD_BUCKET) for _ in range(53)]
    assert answers[:50] == [("SignatureDoesNotMatch", 403)] * 50
    assert answers[50:] == [("SlowDown", 503)] * 3
    assert refusal(client(server, "UNKNOWN", "guessed").list_buckets) == ("SlowDown", 503)
    for _ in range(5):
        honest.list_objects_v2(Bucket=UPLOAD_BUCKET)


# The audit trail.


def trail(server, folder=None):
    """Its lines, of changes and of refusals, the oldest first."""
    folder = folder or server.data / "audit"
    lines = [json.loads(line) for path in folder.iterdir() for line in path.read_text().splitlines()]
    return sorted(lines, key=lambda line: (line["time"], line["event"] == "change", line.get("key") or ""))


def until(condition, what):
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_the_trail_says_who_changed_what_and_who_was_refused(server):
    added = server.cameo("keys", "add", "--upload", "origin/ssgdfm_eye/", "--data", server.data).lines[0]
    operator, chief = client(server, added["access_key_id"], added["secret_access_key"]), server.s3()
    odd = "origin/ssgdfm_eye/\x1b[2J\u202e\u2028서울.jpg"
    put = operator.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"x")
    refusal(operator.delete_object, Bucket=UPLOAD_BUCKET, Key=KEY)
    refusal(client(server, ACCESS_KEY, "guessed").put_object, Bucket=UPLOAD_BUCKET, Key=odd, Body=b"x")
    chief.get_object(Bucket=UPLOAD_BUCKET, Key=KEY)
    chief.put_object(Bucket=UPLOAD_BUCKET, Key="two", Body=b"x")
    chief.delete_objects(Bucket=UPLOAD_BUCKET, Delete={"Objects": [{"Key": KEY}, {"Key": "two"}]})
    assert get(f"{server.s3_url}/{UPLOAD_BUCKET}/nothing").status == 403
    until(lambda: len(trail(server)) >= 7, "the audit log lacks lines")
    seen = [
        (line["event"], line["access_key"], line["signed"], line["operation"], line.get("key"), line["status"])
        for line in trail(server)
    ]
    assert seen == [
        ("change", added["access_key_id"], True, "PutObject", KEY, 200),
        ("refusal", added["access_key_id"], True, "DeleteObject", KEY, 403),
        ("refusal", ACCESS_KEY, False, "PutObject", odd, 403),
        ("change", ACCESS_KEY, True, "PutObject", "two", 200),
        ("change", ACCESS_KEY, True, "DeleteObjects", KEY, 200),
        ("change", ACCESS_KEY, True, "DeleteObjects", "two", 200),
        ("refusal", None, False, "GetObject", "nothing", 403),
    ]
    first = trail(server)[0]
    assert first["request_id"] == put["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    assert first["client"] == "127.0.0.1" and first["bucket"] == UPLOAD_BUCKET and first["time"].endswith("Z")
    text = (server.data / "audit" / "audit.jsonl").read_text()
    assert added["secret_access_key"] not in text and SECRET_KEY not in text and "Signature=" not in text
    assert not active(text), "people read it on terminals"
    assert stat.S_IMODE((server.data / "audit" / "audit.jsonl").stat().st_mode) == 0o600


def test_the_trail_says_what_was_changed_through_the_console(server):
    server.s3().put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"x")
    until(lambda: len(trail(server)) == 1, "the audit log lacks the upload")
    headers = {"Content-Type": "application/json", "X-Cameo-Client": "test"}

    def change(**headers):
        body = json.dumps({"keys": [KEY, "origin/ssgdfm_eye/none_0.jpg"]}).encode()
        request = urllib.request.Request(f"{server.console_url}/api/requeue", body, headers, method="POST")
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request) as answer:
            return answer.status

    assert change(**headers) == 200
    assert change(**headers | {"Host": "evil.example"}) is None
    del headers["X-Cameo-Client"]
    assert change(**headers) is None
    assert get(f"{server.console_url}/").status == 200
    until(lambda: len(trail(server)) >= 5, "the audit log lacks lines")
    assert [(line["event"], line["operation"], line["key"], line["status"], line["client"]) for line in trail(server)[1:]] == [
        ("change", "/api/requeue", KEY, 200, "127.0.0.1"),
        ("change", "/api/requeue", "origin/ssgdfm_eye/none_0.jpg", 200, "127.0.0.1"),
        ("refusal", "/api/requeue", None, 421, "127.0.0.1"),
        ("refusal", "/api/requeue", None, 403, "127.0.0.1"),
    ]


def test_the_trail_says_what_was_copied_and_what_became_of_each_key(server):
    chief = server.s3()
    for key in ("private/secret", "two"):
        chief.put_object(Bucket=UPLOAD_BUCKET, Key=key, Body=b"x")
    chief.copy_object(Bucket=UPLOAD_BUCKET, Key="leak", CopySource={"Bucket": UPLOAD_BUCKET, "Key": "private/secret"})
    added = server.cameo("keys", "add", "--upload", "q/", "--data", server.data).lines[0]
    operator = client(server, added["access_key_id"], added["secret_access_key"])
    refusal(operator.copy_object, Bucket=UPLOAD_BUCKET, Key="q/leak", CopySource={"Bucket": UPLOAD_BUCKET, "Key": "private/secret"})
    objects = [{"Key": "private/secret", "ETag": '"nope"'}, {"Key": "two"}, {"Key": "../bad"}]
    chief.delete_objects(Bucket=UPLOAD_BUCKET, Delete={"Objects": objects})
    until(lambda: len(trail(server)) >= 7, "the audit log lacks lines")
    copies = [(line["event"], line["key"], line["source"]) for line in trail(server) if line["operation"] == "CopyObject"]
    source = f"{UPLOAD_BUCKET}/private/secret"
    assert copies == [("change", "leak", source), ("refusal", "q/leak", source)]
    deleted = [(line["key"], line["event"], line.get("error")) for line in trail(server) if line["operation"] == "DeleteObjects"]
    assert sorted(deleted)[1:] == [("private/secret", "refusal", "PreconditionFailed"), ("two", "change", None)]
    assert sorted(deleted)[0][:2] == ("../bad", "refusal")


def test_no_number_of_refusals_pushes_a_change_out_of_the_trail(tmp_path):
    config = config_with(tmp_path, '[audit]\nfile_max = "64KiB"\nfiles_max = 2\n')
    with Server(tmp_path / "data", "--config", config) as server:
        server.s3().put_object(Bucket=UPLOAD_BUCKET, Key="evidence", Body=b"x")
        added = server.cameo("keys", "add", "--upload", "q/", "--data", server.data).lines[0]
        operator = client(server, added["access_key_id"], added["secret_access_key"])
        many = {"Objects": [{"Key": f"{n}{'k' * 900}"} for n in range(1000)]}
        before = sum(path.stat().st_size for path in (tmp_path / "data" / "audit").iterdir())
        answer = operator.delete_objects(Bucket=UPLOAD_BUCKET, Delete=many)
        assert len(answer["Errors"]) == 1000
        until(lambda: any(line.get("more") for line in trail(server)), "the audit log lacks how many were refused")
        assert [line["more"] for line in trail(server) if line.get("more")] == [990]
        grown = sum(path.stat().st_size for path in (tmp_path / "data" / "audit").iterdir()) - before
        assert grown < 32 << 10, "a request makes lines without a bound"
        for _ in range(20):
            operator.delete_objects(Bucket=UPLOAD_BUCKET, Delete=many)
    assert any(line["key"] == "evidence" for line in trail(server, tmp_path / "data" / "audit"))


def test_a_secret_in_the_place_of_an_id_is_not_in_the_trail(server):
    refusal(client(server, SECRET_KEY, ACCESS_KEY).list_buckets)
    until(lambda: trail(server), "the audit log lacks the refusal")
    assert trail(server)[0]["access_key"] == f"{SECRET_KEY[:4]}…"
    assert SECRET_KEY not in server.log.read_text()


def test_a_trail_that_was_removed_is_begun_again(server):
    chief = server.s3()
    chief.put_object(Bucket=UPLOAD_BUCKET, Key="one", Body=b"x")
    until(lambda: len(trail(server)) == 1, "the audit log lacks the upload")
    (server.data / "audit" / "audit.jsonl").unlink()
    chief.put_object(Bucket=UPLOAD_BUCKET, Key="two", Body=b"x")
    until(lambda: [line["key"] for line in trail(server)] == ["two"], "the audit log was not begun again")


def test_the_trail_is_rotated_and_bounded(tmp_path):
    config = config_with(tmp_path, '[audit]\nfile_max = "64KiB"\nfiles_max = 3\n')
    with Server(tmp_path / "data", "--config", config) as server:
        chief, key = server.s3(), "x" * 900
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: chief.put_object(Bucket=UPLOAD_BUCKET, Key=f"{n}{key}", Body=b""), range(300)))
    files = sorted(path.name for path in (tmp_path / "data" / "audit").iterdir())
    assert [name for name in files if name.startswith("audit")] == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert all(path.stat().st_size <= 64 << 10 for path in (tmp_path / "data" / "audit").iterdir())
    assert trail(server)[-1]["key"].endswith(key)


def test_a_flood_of_strangers_does_not_push_everything_else_out_of_the_trail(server):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: get(f"{server.s3_url}/{UPLOAD_BUCKET}/{n}"), range(600)))
    server.put("1_0.jpg", b"x")
    until(lambda: any(line.get("operation") == "PutObject" for line in trail(server)), "the last change is not there")
    lines = trail(server)
    written = sum(line["event"] == "refusal" for line in lines)
    lost = sum(line["lines"] for line in lines if line["event"] == "lost")
    assert written + lost == 600, (written, lost)


def test_the_trail_can_be_turned_off(tmp_path):
    with Server(tmp_path / "data", "--config", config_with(tmp_path, "[audit]\nenabled = false\n")) as server:
        server.put("1_0.jpg", b"x")
        assert not (server.data / "audit").exists()


# A14: no secret at any level of any target.


@pytest.mark.parametrize("level", ["trace", "info,s3s=trace,s3s::service=trace,s3s::ops=trace,hyper=trace,hyper_util=trace"])
def test_a14_no_level_of_any_target_logs_a_signature(tmp_path, level):
    server = Server(tmp_path / "data")
    plain = server.environment
    server.environment = lambda: plain() | {"CAMEO_LOG": level}
    with server:
        chief = server.s3()
        chief.put_object(Bucket=UPLOAD_BUCKET, Key=KEY, Body=b"x")
        url = chief.generate_presigned_url("get_object", Params={"Bucket": UPLOAD_BUCKET, "Key": KEY})
        assert get(url).status == 200
        refusal(client(server, ACCESS_KEY, "guessed").get_object, Bucket=UPLOAD_BUCKET, Key=KEY)
        server.wait_until_quiet()
    log = server.log.read_text()
    signature = url.split("X-Amz-Signature=")[1].split("&")[0]
    for secret in (SECRET_KEY, signature, "X-Amz-Signature", "AWS4-HMAC-SHA256", "Signature="):
        assert secret not in log, secret


# A16: logging never blocks or ends the server.


class Serving:
    """`cameo serve` with streams of its own."""

    def __init__(self, folder, *words, env=None, **streams):
        keys = {"CAMEO_ACCESS_KEY_ID": ACCESS_KEY, "CAMEO_SECRET_ACCESS_KEY": SECRET_KEY}
        env = env or bare_environment(folder) | keys | {"CAMEO_LOG": "trace"}
        command = [CAMEO, "serve", "--json", "--data", folder / "data", *PORTS, *words]
        streams = {"stdout": subprocess.PIPE} | streams
        self.data = folder / "data"
        self.process = subprocess.Popen(command, cwd=folder, env=env, **streams)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def first_line(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(START_S), "no line of output"
        self.s3_url = json.loads(self.process.stdout.readline())["s3"]

    def running(self):
        """Waits for `serve.json`, where nobody reads the first line."""
        file = self.data / "serve.json"
        until(file.exists, "the server does not start")
        self.s3_url = json.loads(file.read_text())["s3"]

    def serves(self, requests=400):
        """Does more than any buffer of log lines holds."""
        chief = client(self, ACCESS_KEY, SECRET_KEY, read_timeout=START_S, max_pool_connections=8)

        def use(n):
            chief.put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/ssgdfm_eye/{n}_0.jpg", Body=b"no photo")
            chief.list_objects_v2(Bucket=UPLOAD_BUCKET, MaxKeys=1)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(1, requests + 1)))
        assert self.process.poll() is None, "the server has ended"

    def ends(self):
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0
        assert time.monotonic() - begin < END_S, "SIGTERM took long"


def test_a16_a_reader_of_the_log_that_stands_still_blocks_nothing(tmp_path):
    with Serving(tmp_path, stderr=subprocess.PIPE) as serving:
        serving.first_line()
        serving.serves()
        serving.ends()


def test_a16_a_reader_of_the_log_that_is_gone_ends_nothing(tmp_path):
    read, write = os.pipe()
    with Serving(tmp_path, stderr=write) as serving:
        os.close(write)
        serving.first_line()
        os.close(read)
        serving.serves(50)
        serving.ends()


def test_a16_a_full_disk_ends_nothing(tmp_path):
    with open("/dev/full", "wb") as full, Serving(tmp_path, stderr=full) as serving:
        serving.first_line()
        serving.serves(50)
        serving.ends()


def test_a16_closed_streams_end_nothing(tmp_path):
    close = lambda: [os.close(stream) for stream in (1, 2)]
    with Serving(tmp_path, stdout=None, stderr=None, preexec_fn=close) as serving:
        serving.running()
        serving.serves(50)
        serving.ends()


def test_a16_nobody_has_to_read_the_first_line(tmp_path):
    read, write = os.pipe()
    os.close(read)
    with Serving(tmp_path, stdout=write, stderr=subprocess.DEVNULL) as serving:
        os.close(write)
        serving.running()
        serving.serves(20)
        serving.ends()


def test_a16_lines_that_were_lost_are_counted_in_the_log(tmp_path):
    with Serving(tmp_path, stderr=subprocess.PIPE) as serving:
        serving.first_line()
        serving.serves(1500)
        with ThreadPoolExecutor(1) as pool:
            log = pool.submit(serving.process.stderr.read)
            serving.serves(20)
            serving.ends()
            lines = log.result(START_S).decode().splitlines()
    assert all(json.loads(line) for line in lines), "a line is torn"
    assert any("log lines were lost" in line for line in lines)


@pytest.mark.parametrize("closing", ["2>&-", ">&- 2>&-", "2>/dev/full", ">/dev/full 2>/dev/full"])
@pytest.mark.parametrize("words", ["status --data nowhere", "doctor", "explain no.such", "keys list --data nowhere"])
def test_a16_no_command_panics_where_nobody_listens(tmp_path, closing, words):
    ended = subprocess.run(["sh", "-c", f'"$0" {words} {closing}', CAMEO], cwd=tmp_path, env=bare_environment(tmp_path))
    # 101 is a panic, 134 an abort.
    assert ended.returncode in (0, 1, 2, 5), ended.returncode


# A7: control characters are written out wherever people read them.

ODD_NAMES = [
    "1\x1b[2J\x1b]0;owned\x07_0.jpg",
    "2_0.jpg\nssgdfm_eye/2: complete",
    "3\r_0.jpg",
    "gpj.\u202e4_0\u2066.jpg",
    "5\u2028_0\u2029.jpg",
    "6\x7f_0.jpg",
]


def active(text):
    """Characters that a terminal would obey, or that change what is seen."""
    seen = {c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(c) in BIDI}
    return seen - {"\n"}


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A server that was sent files with odd names, and the files."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "photos").mkdir()
    with Server(folder / "data") as server:
        taken = []
        for name in ODD_NAMES:
            (folder / "photos" / name.replace("/", ":")).write_bytes(b"no photo")
            try:
                server.s3().put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/ssgdfm_eye/{name}", Body=b"no photo")
                taken.append(name)
            except ClientError:
                pass
        assert taken, "no odd name at all is taken"
        (folder / "photos" / "7_0.jpg").write_bytes(photos.draw("7_0"))
        server.put("7_0.jpg", photos.draw("7_0"))
        server.wait_until_quiet()
        yield server, folder


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "--vertical", "ssgdfm_eye"],
        ["verify", "--all"],
        ["verify", "--vertical", "ssgdfm_eye"],
        ["verify", "photos", "--vertical", "ssgdfm_eye"],
        ["reconcile"],
        ["retry", "--reason", "name.unparseable", "--dry-run"],
        ["retry", "--reason", "name.unparseable"],
    ],
)
def test_a7_no_answer_holds_what_a_terminal_obeys(odd, words):
    server, folder = odd
    words = [str(folder / "photos") if word == "photos" else word for word in words]
    text = server.cameo(*words, json_lines=False)
    assert not active(text.stdout + text.stderr), text.stdout
    assert "ssgdfm_eye/2: complete" not in text.stdout.splitlines(), "a forged line"
    server.wait_until_quiet()
    as_json = server.cameo(*words)
    assert not active(as_json.stdout), as_json.stdout


def test_a7_a_json_answer_keeps_the_names_as_they_are(odd):
    server, _ = odd
    keys = {line.get("key") for line in server.cameo("status").lines}
    listed = server.s3().list_objects_v2(Bucket=UPLOAD_BUCKET, Prefix="origin/ssgdfm_eye/", EncodingType="url")
    assert any(key and set(key) & set("\x1b\u202e\u2028") for key in keys), listed


def test_a7_local_names_and_errors_are_written_out_too(odd):
    server, folder = odd
    files = sorted(str(path) for path in (folder / "photos").iterdir())
    rendered = cameo("render", *files, "--out", "out", "--dry-run", cwd=folder, json_lines=False)
    assert not active(rendered.stdout + rendered.stderr)
    for words in (["render", "no\x1b[2J\nsuch", "--out", "out"], ["explain", "no\x1b]0;x\x07"], ["doctor", "--config", "\x1b[2J"]):
        failed = cameo(*words, cwd=folder, json_lines=False)
        assert failed.returncode != 0 and not active(failed.stderr), failed.stderr
        assert len(failed.stderr.splitlines()) == 1, failed.stderr


def test_a7_log_lines_are_lines(odd):
    server, folder = odd
    data = folder / "text-log"
    with Server(data, "--config", config_with(folder, '[log]\nlevel = "trace"\nformat = "text"\n')) as other:
        for name in ODD_NAMES:
            try:
                other.s3().put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/ssgdfm_eye/{name}", Body=b"no photo")
            except ClientError:
                pass
        other.wait_until_quiet()
    assert not active(other.log.read_text())
    assert not active(server.log.read_text())


# A17: what `doctor` calls good, `serve` takes.


@pytest.mark.parametrize("url", ["sqlite:other.db", "sqlite://other.db", "SQLITE:", "mysqll://app:hidden@db/celeb", "oracle:x"])
def test_a17_doctor_refuses_a_catalog_that_serve_refuses(tmp_path, url):
    (tmp_path / "other.db").touch()
    environment = {"CAMEO_CATALOG_URL": url}
    code, told = start_refused(tmp_path, env=environment)
    assert code == 2, told
    doctor = cameo("doctor", cwd=tmp_path, env=bare_environment(tmp_path) | environment)
    assert doctor.returncode == 2, doctor.stdout
    assert any(finding["health"] == "bad" and finding["what"] == "database" for finding in doctor.lines), doctor.stdout
    assert "hidden" not in told + doctor.stdout


SETTINGS = [
    '[store]\nimage_bucket = "aaa"\nupload_bucket = "aaa"\n', '[store]\nupload_bucket = "../x"\n', "[limits]\npixels = 0\n",
    '[s3]\nidle_timeout = "0s"\n', '[images]\ncache_control = "public\\r\\nx: y"\n',
]


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_under_which_nothing_could_work_or_originals_be_public_are_refused(tmp_path, text):
    """A17, and what a setting makes public."""
    code, told = start_refused(tmp_path, "--config", config_with(tmp_path, text))
    assert code == 2 and text.split(" = ")[0].split("\n")[1] in told, told
    doctor = cameo("doctor", "--config", tmp_path / "cameo.toml", cwd=tmp_path, env=bare_environment(tmp_path))
    assert doctor.returncode == 2, doctor.stdout


def test_a_settings_file_is_a_file_that_not_everybody_may_write(tmp_path):
    """A10, A11: a FIFO hung the start, and whoever may write the settings says whom to let in."""
    path = tmp_path / "cameo.toml"
    os.mkfifo(path)
    assert start_refused(tmp_path, "--config", path)[0] == 2
    path.unlink()
    path.write_text("")
    path.chmod(0o666)
    code, told = start_refused(tmp_path, "--config", path)
    assert code == 2 and "chmod o-w" in told, told


@pytest.mark.parametrize("kind", ["fifo", "folder is a file"])
def test_a17_doctor_refuses_an_audit_folder_that_serve_refuses(tmp_path, kind):
    folder = tmp_path / "trail"
    if kind == "fifo":
        folder.mkdir(mode=0o700)
        os.mkfifo(folder / "audit.jsonl")
    else:
        folder.write_text("")
    config = config_with(tmp_path, f'[audit]\nfolder = "{folder}"\n')
    assert start_refused(tmp_path, "--config", config)[0] == 2
    doctor = cameo("doctor", "--config", config, cwd=tmp_path, env=bare_environment(tmp_path))
    assert doctor.returncode == 2, doctor.stdout
