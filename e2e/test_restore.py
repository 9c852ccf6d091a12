"""What was removed comes back, what is settled is listed no more, and photos of the wrong vertical move: by commands beside a running server."""

import json

import photos
import pytest
from server import IMAGE_BUCKET, UPLOAD_BUCKET

KEY = "origin/ssgdfm_eye/7_0.jpg"


@pytest.fixture
def registered(server):
    for name in ("7_0.jpg", "8_0.jpg"):
        server.put(name, photos.draw(name))
    server.wait_until_quiet()
    return server


def test_a_deleted_photo_is_restored_by_its_id(registered):
    registered.s3().delete_object(Bucket=UPLOAD_BUCKET, Key=KEY)
    registered.wait_until_quiet()
    for command in ("status", "verify"):
        answer = registered.cameo(command, "--ids", "7 8")
        assert answer.returncode == 7, f"{command} of a deleted id: {answer.stdout}"
    dry = registered.cameo("restore", "--ids", "7", "--dry-run")
    assert (dry.returncode, dry.lines[0]["key"], dry.lines[0]["verdict"]) == (0, KEY, "restore")
    answer = registered.cameo("restore", "--ids", "7")
    assert (answer.returncode, answer.lines[-1]["summary"]["restored"]) == (5, 1)
    registered.wait_until_quiet()
    answer = registered.cameo("verify", "--ids", "7", "8")
    assert (answer.returncode, answer.lines[-1]["summary"]["complete"]) == (0, 2)
    assert registered.cameo("restore", "--ids", "7").returncode == 7


def test_a_replaced_photo_is_restored_by_its_generation(registered):
    before = registered.s3().get_object(Bucket=UPLOAD_BUCKET, Key=KEY)["ETag"]
    registered.put("7_0.jpg", photos.draw("another"))
    registered.wait_until_quiet()
    listed = registered.cameo("restore", KEY, "--list")
    assert [line["why"] for line in listed.lines[:-1]] == ["replaced"]
    assert registered.cameo("restore", KEY).returncode == 7
    answer = registered.cameo("restore", KEY, "--generation", listed.lines[0]["generation"])
    assert answer.returncode == 5
    assert registered.s3().get_object(Bucket=UPLOAD_BUCKET, Key=KEY)["ETag"] == before


def test_what_reconcile_takes_for_superfluous_comes_back(registered):
    source = {"Bucket": IMAGE_BUCKET, "Key": "ssgdfm_eye/sq/7_sq_0.jpg"}
    stray = "ssgdfm_eye/sq/99_sq_0.jpg"
    registered.s3().copy_object(Bucket=IMAGE_BUCKET, Key=stray, CopySource=source)
    assert registered.cameo("reconcile").returncode == 5
    answer = registered.cameo("reconcile", "--apply")
    assert (answer.returncode, answer.lines[-1]["taken_down"]["done"]) == (0, 1)
    assert registered.cameo("reconcile").returncode == 0
    assert registered.cameo("restore", stray).returncode == 0
    assert registered.s3().head_object(Bucket=IMAGE_BUCKET, Key=stray)["ContentLength"] > 0
    names = [bucket["Name"] for bucket in registered.s3().list_buckets()["Buckets"]]
    assert sorted(names) == [IMAGE_BUCKET, UPLOAD_BUCKET], "nobody sees where it was"


def test_rejected_files_are_dismissed_by_reason(registered):
    for name in ("1234 (1).jpg", "it's 9.jpg"):
        registered.put(name, photos.draw(name))
    registered.wait_until_quiet()
    assert registered.cameo("reconcile").returncode == 4, "only rejected files are left"
    answer = registered.cameo("dismiss", "--reason", "name.unparseable", "--note", "다시 받음")
    assert (answer.returncode, answer.lines[-1]["summary"]["dismissed"]) == (0, 2)
    registered.wait_until_quiet()
    assert registered.cameo("status").returncode == 0
    assert registered.cameo("verify").returncode == 0
    listed = registered.cameo("restore", "--list")
    assert {line.get("note") for line in listed.lines[:-1]} == {"다시 받음"}


def test_photos_move_to_another_vertical_and_back(registered, tmp_path):
    plan = registered.cameo("move", "--from", "ssgdfm_eye", "--to", "brand")
    assert (plan.returncode, plan.lines[-1]["summary"]) == (5, {"to_copy": 2})
    answer = registered.cameo("move", "--from", "ssgdfm_eye", "--to", "brand", "--apply")
    assert (answer.returncode, answer.lines[-1]["summary"]) == (0, {"moved": 2})
    registered.wait_until_quiet()
    answer = registered.cameo("verify")
    assert (answer.returncode, answer.lines[-1]["summary"]["complete"]) == (0, 2)
    assert {line["vertical"] for line in answer.lines[:-1]} == {"brand"}
    saved = registered.data.parent / "cameo-move-ssgdfm_eye-brand.jsonl"
    assert len([json.loads(line) for line in saved.read_text().splitlines()]) == 2
    assert registered.cameo("move", "--undo", saved, "--apply").returncode == 0
    registered.wait_until_quiet()
    answer = registered.cameo("verify", "--vertical", "ssgdfm_eye")
    assert (answer.returncode, answer.lines[-1]["summary"]["complete"]) == (0, 2)


def test_a_sample_and_its_progress(registered):
    answer = registered.cameo("verify", "--sample", "3", "--seed", "7", "--progress")
    assert answer.returncode == 0
    assert answer.lines[0] == {"progress": {"entities": 0, "seconds": 0}}
    assert answer.lines[-1]["summary"]["sampled"] == {"fetched": 3, "of": 8, "seed": 7}
