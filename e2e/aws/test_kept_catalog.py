"""A data folder is replaced while the database of the rows is kept: by an empty one, by an older copy, and back. Whatever is
accepted is registered, and nothing is dropped in silence (flow.md 4)."""

import shutil
import urllib.request

import photos
import pytest
from aws import databases
from aws.elsewhere import installed
from botocore.exceptions import ClientError
from server import UPLOAD_BUCKET, Server

VERTICAL = "kept"
SIZES = 4


class Kept(Server):
    """A server whose rows stand in a database that outlives its data folder; images keep their address."""

    def __init__(self, data, database, before=None):
        super().__init__(data)
        self.database = database
        self.ready = before and before.ready

    def environment(self):
        return super().environment() | {"CAMEO_CATALOG_URL": self.database.url}

    def delete(self, name):
        self.s3().delete_object(Bucket=UPLOAD_BUCKET, Key=f"origin/{VERTICAL}/{name}.jpg")

    def upload(self, name, look):
        """Uploads a photo of some look; returns the `ETag` of the original."""
        key = f"origin/{VERTICAL}/{name}.jpg"
        return self.s3().put_object(Bucket=UPLOAD_BUCKET, Key=key, Body=photos.draw(look))["ETag"].strip('"')


@pytest.fixture(params=[databases.MariaDb, databases.Postgres], ids=lambda kind: kind.__name__)
def database(request, tmp_path):
    installed(request.param)
    with request.param(tmp_path / "db") as database:
        yield database


def assert_served(server, expected):
    """`expected` is the `ETag` of each original; none where it was deleted."""
    server.wait_until_quiet()
    status = server.cameo("status")
    assert status.returncode == 0, status.stdout
    rows = server.database.rows()
    for name, etag in expected.items():
        known = server.database.sql(f"SELECT state, etag FROM cameo_originals WHERE object_key = 'origin/{VERTICAL}/{name}.jpg'")
        cd_idx, sequence = map(int, name.split("_"))
        found = [row for row in rows if (row["cd_idx"], row["sequence"]) == (cd_idx, sequence)]
        if etag is None:
            assert found == [] and "removed" in known, (name, known, found)
            continue
        assert "serving" in known and etag in known, (name, etag, known)
        assert len(found) == SIZES, (name, found)
        for row in found:
            with urllib.request.urlopen(row["image_url"], timeout=30) as image:
                assert image.headers["ETag"].strip('"') == row["etag"], row
                assert len(image.read()) == row["bytes"], row


def assert_no_original(server, name):
    with pytest.raises(ClientError):
        server.s3().head_object(Bucket=UPLOAD_BUCKET, Key=f"origin/{VERTICAL}/{name}.jpg")


def test_a_new_and_an_older_data_folder_register_what_they_accept(database, tmp_path):
    with Kept(tmp_path / "first", database) as first:
        there = {name: first.upload(name, name) for name in ("1_0", "1_1", "2_0", "3_0", "4_0", "5_0")}
        assert_served(first, there)
    shutil.copytree(tmp_path / "first", tmp_path / "older")
    with Kept(tmp_path / "first", database, first) as first:
        for look in ("a", "b", "c"):
            there["1_0"] = first.upload("1_0", look)
        first.delete("2_0")
        first.delete("5_0")
        assert_served(first, there | {"2_0": None, "5_0": None})
    # What is only in the first folder is no concern of the others.
    others = {}
    with Kept(tmp_path / "empty", database, first) as empty:
        others["1_0"] = empty.upload("1_0", "c")
        others["2_0"] = empty.upload("2_0", "2_0")
        others["3_0"] = empty.upload("3_0", "other")
        others["7_0"] = empty.upload("7_0", "7_0")
        assert_served(empty, others)
        others["3_0"] = empty.upload("3_0", "3_0")
        empty.delete("1_0")
        empty.delete("7_0")
        others |= {"1_0": None, "7_0": None}
        assert_served(empty, others)
        others["7_0"] = empty.upload("7_0", "again")
        assert_served(empty, others)
    with Kept(tmp_path / "older", database, first) as older:
        assert_no_original(older, "7_0")
        others = {name: older.upload(name, f"older {name}") for name in ("1_0", "2_0", "3_0", "4_0", "7_0")}
        older.delete("5_0")
        others["5_0"] = None
        assert_served(older, others)
        older.delete("4_0")
        assert_served(older, others | {"4_0": None})
    with Kept(tmp_path / "first", database, first) as back:
        assert_no_original(back, "2_0")
        others = {name: back.upload(name, f"back {name}") for name in ("1_0", "1_1", "2_0", "4_0", "5_0")}
        # The same bytes as before, after another folder registered others in their place.
        others["3_0"] = back.upload("3_0", "3_0")
        back.delete("1_1")
        assert_served(back, others | {"1_1": None})
