"""Every client that people use, with everything that it must be able to do: a named check each, in a bucket of its own."""

import itertools
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import places
from clients import checks, checks_boto3, checks_curl, checks_libraries, checks_mounts
from clients.tools import CLIENTS, TIMEOUT_S
from server import ACCESS_KEY, SECRET_KEY, Server

BUCKETS = (f"check-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """One server for all checks, with a bucket of many keys."""
    with Server(tmp_path_factory.mktemp("clients") / "data", "--no-worker") as server:
        s3 = server.s3()
        s3.create_bucket(Bucket=checks.PAGED_BUCKET)

        def put(number):
            s3.put_object(Bucket=checks.PAGED_BUCKET, Key=f"p/{number:04}", Body=b"")

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(put, range(checks.PAGED_KEYS)))
        yield server


@pytest.fixture
def bucket(serving):
    name = next(BUCKETS)
    serving.s3().create_bucket(Bucket=name)
    return name


def name_of(check):
    return check.__name__


@pytest.mark.parametrize("check", checks.EVERY_TOOL, ids=name_of)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client(serving, bucket, client, check, tmp_path):
    tool, program = CLIENTS[client]
    if program is None:
        pytest.skip(f"{client} IS NOT INSTALLED: run scripts/test")
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    cannot = check(checks.Case(tool(program, serving, home), folder, bucket, serving.s3()))
    if cannot:
        pytest.skip(cannot)


@pytest.mark.parametrize("check", checks_boto3.ALL, ids=name_of)
def test_boto3(serving, bucket, check):
    check(serving.s3(), bucket, serving)


@pytest.mark.parametrize("check", checks_libraries.ALL, ids=name_of)
def test_a_library(serving, bucket, check):
    package = check.__name__.split("_")[0]
    pytest.importorskip(package, reason=f"{package} IS NOT INSTALLED: run scripts/test")
    check(serving, bucket)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl IS NOT INSTALLED: run scripts/test")
@pytest.mark.parametrize("check", checks_curl.ALL, ids=name_of)
def test_curl(serving, bucket, check):
    check(serving, bucket)


@pytest.mark.parametrize("mount", checks_mounts.ALL)
def test_a_mount(serving, bucket, mount, tmp_path):
    missing = checks_mounts.missing(mount.split("-")[0])
    if missing:
        pytest.skip(missing)
    checks_mounts.works_as_a_folder(checks_mounts.ALL[mount], serving, bucket, tmp_path)


@pytest.mark.parametrize("check", ["keys", "large_within_s3", "presigned", "questions"])
@pytest.mark.parametrize("client", ["aws-sdk-js", "minio-js"])
def test_javascript(serving, bucket, client, check):
    node = shutil.which("node")
    if node is None or not places.NODE_MODULES.is_dir():
        pytest.skip(f"node, OR {places.NODE_MODULES}, IS MISSING: run scripts/test")
    given = {"S3_URL": serving.s3_url, "ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET_KEY, "BUCKET": bucket}
    script = places.REPOSITORY / "e2e" / "clients" / "checks_node.cjs"
    environment = {"PATH": os.environ["PATH"], "NODE_PATH": str(places.NODE_MODULES), **given}
    done = subprocess.run([node, script, client, check], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr[-2000:]
