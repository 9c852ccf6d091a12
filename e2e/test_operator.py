"""The operator's day with the real aws-cli, as the how-to describes it."""

import filecmp
import hashlib

import http_get
import photos
from server import UPLOAD_BUCKET

ORIGINALS = 13
IMAGE_SIZES = ("ho", "or", "sq", "ve")
STRAYS = {
    ".DS_Store": ("ignored", None),
    "._351518_0.jpg": ("ignored", None),
    "8_0.jpg": ("rejected", "file.empty"),
    "9_0.jpg": ("rejected", "file.not_jpeg"),
    "notes.txt": ("rejected", "name.unparseable"),
}
# aws-cli stalls for 60 s where a server answers an empty upload without closing the connection.
STALL_S = 30


def md5(content):
    return hashlib.md5(content).hexdigest()


def ledger(server):
    """State and reason of every key under origin/ssgdfm_eye/, by file name."""
    lines = server.cameo("status", "--vertical", "ssgdfm_eye").lines
    originals = [line for line in lines if line["kind"] == "original"]
    return {line["key"].rsplit("/", 1)[1]: (line["state"], line.get("reason")) for line in originals}


def test_a_delivery_beside_strays_is_registered_and_every_stray_accounted_for(server, aws, tmp_path):
    folder = photos.deliver(tmp_path / "delivery")
    photos.add_strays(folder)
    took_s = aws.upload_folder(server, folder)
    assert took_s < STALL_S, f"the client took {took_s:.0f} s"
    server.wait_until_quiet()

    rows = server.rows()
    assert len(rows) == 4 * ORIGINALS
    assert {row["cd_idx"] for row in rows} == set(photos.DELIVERY)
    for row in rows:
        served = http_get.get(row["image_url"])
        name = f"{row['cd_idx']}_{row['image_size']}_{row['sequence']}.jpg"
        assert row["image_url"] == f"{server.images_url}/ssgdfm_eye/{row['image_size']}/{name}"
        assert (served.status, len(served.body), md5(served.body)) == (200, row["bytes"], row["etag"]), row
    of_strays = {name: fate for name, fate in ledger(server).items() if fate[0] != "serving"}
    assert of_strays == STRAYS

    verified = server.cameo("verify", "--vertical", "ssgdfm_eye", json_lines=False)
    assert verified.returncode == 4, verified
    for word in ("file.empty", "file.not_jpeg", "notes.txt", "name.unparseable", "2 ignored"):
        assert word in verified.stdout
    summary = server.cameo("verify", "--vertical", "ssgdfm_eye").lines[-1]["summary"]
    assert (summary["complete"], summary["different"], summary["pending"], summary["ignored"]) == (10, 0, 0, 2)


def test_a_delivery_without_strays_verifies_complete(server, aws, tmp_path):
    folder = photos.deliver(tmp_path / "delivery")
    aws.upload_folder(server, folder)
    server.wait_until_quiet()
    verified = server.cameo("verify", folder, "--vertical", "ssgdfm_eye")
    assert (verified.returncode, verified.lines[-1]["summary"]["rows"]) == (0, 4 * ORIGINALS), verified


def test_originals_are_listed_and_come_back_byte_by_byte(server, aws, tmp_path):
    folder, back = photos.deliver(tmp_path / "delivery"), tmp_path / "back"
    photos.add_strays(folder)
    aws.upload_folder(server, folder)
    there = f"s3://{UPLOAD_BUCKET}/origin/ssgdfm_eye/"
    listed, _ = aws.s3(server, "ls", there)
    names = sorted(path.name for path in folder.iterdir())
    assert sorted(line.split(maxsplit=3)[3] for line in listed.splitlines()) == names
    aws.s3(server, "cp", there, str(back), "--recursive")
    assert filecmp.cmpfiles(folder, back, names, shallow=False) == (names, [], [])
    assert sorted(path.name for path in back.iterdir()) == names
    server.wait_until_quiet()


def test_removing_an_original_removes_its_rows_and_renditions(server, aws, tmp_path):
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name in ("7_0.jpg", "7_1.jpg"):
        (folder / name).write_bytes(photos.draw(name))
    aws.upload_folder(server, folder)
    server.wait_until_quiet()
    alias = f"{server.images_url}/ssgdfm_eye/sq/7.jpg"
    first = http_get.get(alias).body

    aws.s3(server, "rm", f"s3://{UPLOAD_BUCKET}/origin/ssgdfm_eye/7_0.jpg")
    server.wait_until_quiet()
    assert [(row["sequence"], row["image_size"]) for row in server.rows()] == [(1, size) for size in IMAGE_SIZES]
    for size in IMAGE_SIZES:
        assert http_get.get(f"{server.images_url}/ssgdfm_eye/{size}/7_{size}_0.jpg").status == 404
    follows = http_get.get(alias)
    assert follows.status == 200 and follows.body != first, "the alias follows the lowest sequence"

    aws.s3(server, "rm", f"s3://{UPLOAD_BUCKET}/origin/ssgdfm_eye/7_1.jpg")
    server.wait_until_quiet()
    assert server.rows() == []
    assert http_get.get(alias).status == 404
    assert server.cameo("verify").returncode == 0


def test_replacing_an_original_replaces_all_sizes_and_a_bad_one_leaves_the_good_ones(server, aws, tmp_path):
    folder = tmp_path / "delivery"
    folder.mkdir()
    photo = folder / "7_0.jpg"
    seen = []
    for content in (photos.draw("first"), photos.draw("second", size=(600, 800))):
        photo.write_bytes(content)
        aws.upload_folder(server, folder)
        server.wait_until_quiet()
        seen.append(server.rows())
    first, second = seen
    assert [row["idx"] for row in first] == [row["idx"] for row in second], "the rows stay, their content changes"
    assert all(old["etag"] != new["etag"] for old, new in zip(first, second, strict=True))
    assert [row["regist_date"] for row in first] == [row["regist_date"] for row in second]
    assert server.cameo("verify", folder, "--vertical", "ssgdfm_eye").returncode == 0

    photo.write_bytes(photos.draw_png("7_0"))
    aws.upload_folder(server, folder)
    server.wait_until_quiet()
    assert server.rows() == second, "a bad replacement changes no row"
    for row in second:
        assert md5(http_get.get(row["image_url"]).body) == row["etag"]
    verified = server.cameo("verify", "--vertical", "ssgdfm_eye", json_lines=False)
    assert verified.returncode == 4
    assert "file.not_jpeg" in verified.stdout and "last good original is being served" in verified.stdout


def test_the_table_is_read_with_the_how_tos_query_while_the_server_runs(server):
    server.put("351518_0.jpg", photos.draw("351518_0"))
    server.wait_until_quiet()
    rows = server.sqlite("SELECT * FROM celeb_image_url WHERE cd_idx IN (351518, 351519)")
    columns = "idx vertical cd_idx image_size sequence image_url width height bytes etag regist_date update_date"
    assert list(rows[0]) == columns.split()
    assert {(row["image_size"], row["width"], row["height"]) for row in rows} == {
        ("sq", 320, 320),
        ("ve", 480, 640),
        ("ho", 640, 360),
        ("or", 800, 600),
    }
