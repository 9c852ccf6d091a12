"""`cameo verify` proves: whatever is taken away or changed in one of the places, it says so, and ends with 7."""

import signal
import sqlite3
import subprocess
from datetime import datetime, timedelta, timezone

import photos
import pytest
from places import CAMEO
from server import IMAGE_BUCKET, UPLOAD_BUCKET, Server, cameo

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


def test_everything_is_read_where_it_is_asked_for(registered):
    """flow.md 20: a disk that rots is found by reading, not by looking."""
    place = registered.sqlite("SELECT file, file_offset, size FROM cameo_objects WHERE object_key = 'origin/ssgdfm_eye/7_1.jpg'")[0]
    (path,) = (registered.data / "objects").rglob(f"{place['file']:016x}")
    content = bytearray(path.read_bytes())
    content[place["file_offset"] + place["size"] // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    assert registered.cameo("verify", "--vertical", "ssgdfm_eye").returncode == 0
    answer = registered.cameo("verify", "--vertical", "ssgdfm_eye", "--deep")
    assert answer.returncode == 7
    assert {cell["sequence"] for cell in answer.lines[0]["cells"] if cell["original"] == "different"} == {1}


def test_an_address_of_a_dead_host_is_noticed_and_rewritten(registered):
    """flow.md 5, 20: the row's address is compared as a whole, and reconciling tells what it would write before it does."""
    tamper(registered, "UPDATE celeb_image_url SET image_url = replace(image_url, '127.0.0.1', '127.0.0.9') WHERE image_size = 'ho' AND sequence = 0")
    assert different_cells(registered) == {(0, "ho"): {"row": "different"}}
    would = registered.cameo("reconcile", "--vertical", "ssgdfm_eye").lines[0]
    assert (would["urls_to_rewrite"], would["keys"]) == (1, []) and "127.0.0.9" in would["url_example"]["from"]
    done = registered.cameo("reconcile", "--vertical", "ssgdfm_eye", "--apply")
    assert (done.returncode, done.lines[0]["rewritten_urls"]) == (0, 1)
    assert registered.cameo("verify").returncode == 0


def test_what_nobody_owns_is_named_and_taken_down(registered):
    """flow.md 8: a rendition of a photo that is gone must not stay public."""
    s3 = registered.s3()
    source = {"Bucket": IMAGE_BUCKET, "Key": IN_SHOP}
    s3.copy_object(Bucket=IMAGE_BUCKET, Key="ssgdfm_eye/sq/99_sq_0.jpg", CopySource=source)
    s3.put_object(Bucket=IMAGE_BUCKET, Key="ssgdfm_eye/sq/98_sq_0.jpg", Body=b"somebody's")
    answer = registered.cameo("verify", "--vertical", "ssgdfm_eye")
    unowned = {found["key"]: found["removable"] for found in answer.lines[-1]["summary"]["unowned"]}
    assert answer.returncode == 7
    assert unowned == {"ssgdfm_eye/sq/99_sq_0.jpg": True, "ssgdfm_eye/sq/98_sq_0.jpg": False}
    done = registered.cameo("reconcile", "--apply").lines[0]
    assert (done["taken_down"]["done"], done["left_total"]) == (1, 1)
    assert registered.cameo("verify").lines[-1]["summary"]["unowned_objects"] == 1


@pytest.mark.parametrize("command", ["verify", "status", "reconcile", "retry"])
def test_a_vertical_that_nobody_knows_ends_with_7_and_a_near_name(registered, command):
    """users.md 4."""
    answer = registered.cameo(command, "--vertical", "ssgdfm_eyee", json_lines=False)
    assert answer.returncode == 7
    assert 'no such vertical "ssgdfm_eyee"; did you mean ssgdfm_eye?' in answer.stdout + answer.stderr


@pytest.mark.parametrize("command", ["verify", "status", "reconcile", "retry"])
def test_an_id_that_nobody_knows_ends_with_7(registered, command):
    """users.md 4, 41."""
    assert registered.cameo(command, "--ids", "2042", json_lines=False).returncode == 7


def test_a_public_address_that_leads_nowhere_is_said_once_and_is_never_green(tmp_path):
    """users.md 9, 10."""
    (tmp_path / "cameo.toml").write_text('[images]\npublic_url = "http://127.0.0.1:1"\n')
    with Server(tmp_path / "data") as server:
        for name in ("7_0.jpg", "8_0.jpg"):
            server.put(name, photos.draw(name))
        server.wait_until_quiet()
        answer = server.cameo("verify", json_lines=False)
        assert answer.returncode == 5, answer
        assert answer.stdout.count("served images could not be looked at") == 1 and "2 pending" in answer.stdout
        listener = server.cameo("verify", "--images-url", server.images_url, json_lines=False)
        assert listener.returncode == 0, listener


def test_images_that_an_earlier_setting_kept_outlive_no_setting_that_takes_them_down(tmp_path):
    """Settings are changed between a deletion and the proof of it."""
    keeps = {"CAMEO_REGISTER_DELETE_UNPUBLISHES": "false"}
    with Server(tmp_path / "data", variables=keeps) as server:
        server.put("7_0.jpg", photos.draw("7_0.jpg"))
        server.wait_until_quiet()
        server.s3().delete_object(Bucket=UPLOAD_BUCKET, Key="origin/ssgdfm_eye/7_0.jpg")
        server.wait_until_quiet()
        assert server.cameo("verify", "--vertical", "ssgdfm_eye").returncode == 0
        server.stop()
        server.variables = {}
        server.start()
        answer = server.cameo("verify", "--vertical", "ssgdfm_eye")
        assert answer.returncode == 7 and "deleted" in answer.lines[0]["findings"][0], answer.stdout
        assert server.cameo("reconcile", "--vertical", "ssgdfm_eye", "--apply").returncode in (0, 5)
        server.wait_until_quiet()
        assert server.rows() == []
        left = server.s3().list_objects_v2(Bucket=IMAGE_BUCKET, Prefix="ssgdfm_eye/").get("Contents", [])
        assert left == []


def test_what_is_deleted_outside_of_the_window_is_not_said_to_be_live(tmp_path):
    """Registering waits for its window; the deletion is known at once."""
    with Server(tmp_path / "data") as server:
        token = server.cameo("token", "create", "--name", "kim", "--role", "admin", "--data", server.data).lines[0]["token"]
        folder = tmp_path / "photos"
        for name in ("7_0.jpg", "8_0.jpg"):
            photos.deliver_one(folder / name, name)
        variables = {"CAMEO_SERVER": server.console_url, "CAMEO_TOKEN": token}
        pushed = cameo("push", folder, "--vertical", "ssgdfm_eye", "--wait", cwd=tmp_path, env=server.environment() | variables)
        delivery = pushed.lines[-1]["summary"]["delivery"]
        server.stop()
        opens = closed(1)
        server.variables = {"CAMEO_REGISTER_WHEN": "window", "CAMEO_REGISTER_WINDOW_FROM": opens, "CAMEO_REGISTER_WINDOW_UNTIL": closed(2)}
        server.start()
        server.s3().delete_object(Bucket=UPLOAD_BUCKET, Key="origin/ssgdfm_eye/7_0.jpg")
        for words in (("report", delivery), ("status", delivery)):
            said = cameo(*words, cwd=tmp_path, env=server.environment() | variables | {"CAMEO_SERVER": server.console_url})
            assert said.returncode == 7 and said.lines[-1]["summary"]["live"] == 1, said.stdout
        photos.deliver_one(folder / "9_0.jpg", "9")
        push = [CAMEO, "push", folder, "--vertical", "ssgdfm_eye", "--wait"]
        environment = server.environment() | variables | {"CAMEO_SERVER": server.console_url}
        with subprocess.Popen(push, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as waiting:
            said = next(line for line in waiting.stderr if "window" in line)
            waiting.send_signal(signal.SIGINT)
            waiting.stderr.read()
        assert opens in said and waiting.returncode == 130, said


def closed(hours):
    """A time of Seoul that is so many hours from now, at which a window may begin or end."""
    return (datetime.now(timezone(timedelta(hours=9))) + timedelta(hours=hours)).strftime("%H:%M")
