"""What the tests beyond one machine share."""

import photos
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("aws")


@pytest.fixture(scope="module")
def delivery(folder):
    """A folder of photos, as it is handed over."""
    return photos.deliver(folder / "delivery")
