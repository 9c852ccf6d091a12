"""`cameo verify` proves: whatever is taken away or changed in one of the places, it says so, and ends with 7."""

import sqlite3

import photos
import pytest
from server import IMAGE_BUCKET, UPLOAD_BUCKET, Server

IN_SHOP = "ssgdfm_eye/sq/7_sq_0.jpg"


@pytest.fixture
def registered(server):
    for name in ("7_0.jpg", "7_1.jpg"):
        server.put(name, photos.draw(name))
    server.wait_until_quiet()
    assert server.cameo("verify").returncode == 0
    return server


def different_cells(server):
    """Runs verify, which must find a difference; returns the cells that are not as they should be."""
    answer = server.cameo("verify", "--vertical", "ssgdfm_eye")
    assert answer.returncode == 7, answer.stdout
    (entity, last) = answer.lines
    assert entity["state"] == "different" and entity["findings"] and last["summary"]["different"] == 1
    places = ("original", "rendition", "row", "served")
    cells = {(cell["sequence"], cell["image_size"]): {p: cell[p] for p in places} for cell in entity["cells"]}
    return {at: {p: state for p, state in cell.items() if state != "present"} for at, cell in cells.items() if set(cell.values()) != {"present"}}


def tamper(server, sql):
    """Changes the database behind a stopped server's back."""
    server.stop()
    with sqlite3.connect(server.data / "cameo.db") as db:
        assert db.execute(sql).rowcount == 1
    db.close()
    server.start()


def test_a_rendition_that_was_deleted_is_missed(registered):
    registered.s3().delete_object(Bucket=IMAGE_BUCKET, Key=IN_SHOP)
    assert different_cells(registered) == {(0, "sq"): {"rendition": "missing", "served": "missing"}}


def test_a_rendition_that_was_overwritten_is_noticed(registered):
    registered.s3().put_object(Bucket=IMAGE_BUCKET, Key=IN_SHOP, Body=photos.draw("forged"), ContentType="image/jpeg")
    assert different_cells(registered) == {(0, "sq"): {"rendition": "different", "served": "different"}}


def test_a_row_that_was_deleted_is_missed(registered):
    tamper(registered, "DELETE FROM celeb_image_url WHERE image_size = 've' AND sequence = 1")
    assert different_cells(registered) == {(1, "ve"): {"row": "missing"}}


def test_a_row_that_was_changed_is_noticed(registered):
    tamper(registered, "UPDATE celeb_image_url SET bytes = bytes + 1 WHERE image_size = 've' AND sequence = 1")
    assert (1, "ve") in different_cells(registered)


def test_a_row_that_points_elsewhere_is_noticed(registered):
    tamper(registered, "UPDATE celeb_image_url SET image_url = 'http://elsewhere/x.jpg' WHERE image_size = 'ho' AND sequence = 0")
    assert different_cells(registered) == {(0, "ho"): {"row": "different"}}


def test_an_alias_that_was_deleted_is_missed(registered):
    registered.s3().delete_object(Bucket=IMAGE_BUCKET, Key="ssgdfm_eye/or/7.jpg")
    answer = registered.cameo("verify", "--vertical", "ssgdfm_eye")
    assert (answer.returncode, answer.lines[0]["alias"]) == (7, "missing")


def test_content_that_was_lost_or_damaged_on_disk_is_noticed(registered):
    index = "SELECT file, file_offset, size FROM cameo_objects WHERE bucket = 'celebtide' AND object_key = 'ssgdfm_eye/{}'"
    for key, damage in (("sq/7_sq_1.jpg", "lose"), ("ho/7_ho_0.jpg", "damage")):
        place = registered.sqlite(index.format(key))[0]
        (path,) = (registered.data / "objects").rglob(f"{place['file']:016x}")
        if damage == "lose":
            path.unlink()
        else:
            content = bytearray(path.read_bytes())
            content[place["file_offset"] + place["size"] // 2] ^= 1
            path.chmod(0o600)
            path.write_bytes(content)
    answer = registered.cameo("verify", "--vertical", "ssgdfm_eye", json_lines=False)
    assert answer.returncode in (5, 7), answer
    if answer.returncode == 7:
        # The renditions of an original share a file: all of them are lost with it, and one is damaged alone.
        lost = {(1, size) for size in ("sq", "ve", "ho", "or")}
        assert set(different_cells(registered)) == lost | {(0, "ho")}


def test_deleting_an_original_behind_a_server_without_workers_is_pending(tmp_path):
    with Server(tmp_path / "data") as server:
        server.put("7_0.jpg", photos.draw("7_0"))
        server.wait_until_quiet()
        server.stop()
        server.flags = ("--no-worker",)
        server.start()
        server.s3().delete_object(Bucket=UPLOAD_BUCKET, Key="origin/ssgdfm_eye/7_0.jpg")
        answer = server.cameo("verify", "--vertical", "ssgdfm_eye")
        assert answer.returncode in (5, 7), answer.stdout
