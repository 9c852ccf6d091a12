"""A database that was lost or put back from a copy: the start stops, nothing is deleted, and `cameo recover` is the way on."""

import shutil
import subprocess

import pytest

import photos
from places import CAMEO
from server import UPLOAD_BUCKET, Server

KEYS = [f"origin/ssgdfm_eye/{number}_0.jpg" for number in range(1, 6)]


def originals(server):
    listed = server.s3().list_objects_v2(Bucket=UPLOAD_BUCKET).get("Contents", [])
    return {found["Key"]: found["ETag"] for found in listed}


def put_back(server, copy):
    for name in ("cameo.db", "cameo.db-wal", "cameo.db-shm"):
        (server.data / name).unlink(missing_ok=True)
    if copy:
        shutil.copy(copy, server.data / "cameo.db")


def start_fails(server):
    listen = [word for flag in ("s3", "images", "console") for word in (f"--{flag}-listen", "127.0.0.1:0")]
    command = [CAMEO, "serve", "--data", server.data, *listen]
    return subprocess.run(command, env=server.environment(), capture_output=True, text=True, timeout=60)


def configuration_of(server):
    file = server.data.parent / "doctor.toml"
    listen = "\n".join(f'{name}_listen = "127.0.0.1:0"' for name in ("s3", "images", "console"))
    file.write_text(f"[server]\ndata = '{server.data}'\n{listen}\n")
    return file


@pytest.fixture
def worked(tmp_path):
    """A server that was copied, went on with two more photos and a deletion, and has ended."""
    with Server(tmp_path / "data") as server:
        for number in range(1, 4):
            server.put(f"{number}_0.jpg", photos.draw(f"{number}_0"))
        server.wait_until_quiet()
        server.stop()
        shutil.copy(server.data / "cameo.db", tmp_path / "copy.db")
        server.start()
        for number in range(4, 6):
            server.put(f"{number}_0.jpg", photos.draw(f"{number}_0"))
        server.s3().delete_object(Bucket=UPLOAD_BUCKET, Key=KEYS[0])
        server.wait_until_quiet()
        server.before = originals(server)
        server.stop()
        yield server


@pytest.mark.parametrize("database", ["lost", "older"])
def test_the_index_is_written_again_from_the_content(worked, tmp_path, database):
    """flow.md 1, users.md 16: 10 of 10 and 22 of 32 originals went at the next start."""
    put_back(worked, tmp_path / "copy.db" if database == "older" else None)
    refused = start_fails(worked)
    assert refused.returncode == 2 and "cameo recover --data" in refused.stderr, refused
    doctor = worked.cameo("doctor", "--config", configuration_of(worked), json_lines=False)
    assert doctor.returncode == 2 and "cameo recover --data" in doctor.stdout, f"users.md 21: {doctor}"
    answer = worked.cameo("recover", "--rebuild-index")
    assert answer.returncode == 0, answer
    worked.start()
    worked.wait_until_quiet()
    assert originals(worked) == worked.before
    assert set(worked.before) == set(KEYS[1:])
    verified = worked.cameo("verify", "--vertical", "ssgdfm_eye")
    assert verified.returncode == 0, verified


def test_a_database_with_damaged_pages_stops_the_start_with_a_way_on(worked):
    """flow.md 1: it opens, and what the start reads later is malformed: an exit code of "try again" would be a loop."""
    database = worked.data / "cameo.db"
    content = bytearray(database.read_bytes())
    for page in range(5, len(content) // 4096):
        content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    database.write_bytes(content)
    refused = start_fails(worked)
    assert refused.returncode == 2 and "cameo recover --data" in refused.stderr, refused
    answer = worked.cameo("recover", "--rebuild-index")
    assert answer.returncode == 0, answer
    worked.start()
    worked.wait_until_quiet()
    assert originals(worked) == worked.before


def test_a_restored_database_is_taken_as_it_is(worked, tmp_path):
    put_back(worked, tmp_path / "copy.db")
    answer = worked.cameo("recover", "--accept-restored")
    assert answer.returncode in (0, 7), answer
    worked.start()
    worked.wait_until_quiet()
    assert set(originals(worked)) == set(KEYS[:3])
    assert worked.cameo("recover", "--accept-restored").returncode == 2, "beside a running server"
    worked.stop()
    answer = worked.cameo("recover", "--rebuild-index", "--with-quarantine")
    assert answer.returncode in (0, 7), answer
    assert answer.lines[0]["taken_back"] > 0, answer
    worked.start()
    worked.wait_until_quiet()
    assert set(originals(worked)) == set(worked.before), "it was a mistake, and what was moved aside is there again"


def test_one_damaged_file_does_not_stop_the_server(tmp_path):
    """flow.md, "From reading": seven starts, seven stops."""
    with Server(tmp_path / "data") as server:
        server.put("1_0.jpg", photos.draw("1_0"))
        server.wait_until_quiet()
        index = f"SELECT file FROM cameo_objects WHERE bucket = '{UPLOAD_BUCKET}'"
        (path,) = (server.data / "objects").rglob(f"{server.sqlite(index)[0]['file']:016x}")
        path.unlink()
        with pytest.raises(Exception, match="500|InternalError"):
            server.s3().get_object(Bucket=UPLOAD_BUCKET, Key=KEYS[0])
        server.put("2_0.jpg", photos.draw("2_0"))
        server.wait_until_quiet()
        server.stop()
        server.start()
        assert server.cameo("verify", "--vertical", "ssgdfm_eye", "--ids", "2").returncode == 0
