"""Every client that people use, with everything that it must be able to do: a named check each, in a bucket of its own."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from clients import checks, checks_boto3
from clients.tools import CLIENTS
from server import Server

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
