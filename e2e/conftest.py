"""What the end-to-end tests share: a server that is started and ended as an operator would, its clients, and photos.

The tests look at Cameo from outside only: its commands, its addresses, the `sqlite3` command. They never sleep for luck;
where they must wait for the server, they ask it until it has answered or a deadline of minutes has passed.
"""

import pytest

import places
from aws_cli import AwsCli
from server import Server


def pytest_report_header():
    photos = "handed over" if places.PHOTOS.is_dir() else f"DRAWN, because {places.PHOTOS} is missing"
    return f"cameo: {places.CAMEO}; photos: {photos}"


@pytest.fixture
def server(tmp_path):
    """A running server with a data folder of its own; it must end cleanly after the test."""
    with Server(tmp_path / "data") as server:
        yield server


@pytest.fixture(params=places.AWS_CLIS)
def aws(request, tmp_path):
    """The real aws-cli, in each version that operators have."""
    command = places.AWS_CLIS[request.param]
    if not command.exists():
        pytest.skip(f"aws-cli {request.param} IS NOT INSTALLED at {command}: run scripts/test, with a Python it needs")
    return AwsCli(command, tmp_path)
