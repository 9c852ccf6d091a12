"""What a photo that fails leaves to see, in status and in the log.

One that the database refuses is shown with its cause, its neighbours go on, and it is sent again once the cause is fixed.
"""

import subprocess

import photos

TRIGGER = """CREATE TRIGGER unlucky BEFORE INSERT ON celeb_image_url WHEN NEW.cd_idx = 13
    BEGIN SELECT RAISE(ABORT, 'thirteen is unlucky'); END"""
KEY = "origin/ssgdfm_eye/13_0.jpg"


def change(server, sql):
    """Changes the database as an engineer would, beside the running server."""
    command = ["sqlite3", "-cmd", ".timeout 10000", server.data / "cameo.db", sql]
    subprocess.run(command, capture_output=True, check=True, timeout=60)


def dead_letters(status):
    return [line for line in status.lines if line["kind"] == "dead_letter"]


def test_a_photo_that_the_database_refuses_is_shown_and_sent_again(server):
    change(server, TRIGGER)
    for name in ("7_0.jpg", "13_0.jpg", "8_0.jpg"):
        server.put(name, photos.draw(name))
    server.wait_until_quiet()
    assert {row["cd_idx"] for row in server.rows()} == {7, 8}
    status = server.cameo("status")
    assert status.returncode == 4, status.stdout
    (letter,) = dead_letters(status)
    assert (letter["keys"], letter["reason"]) == ([KEY], "system.dead_letter")
    assert "thirteen is unlucky" in letter["detail"]
    assert dead_letters(server.cameo("status", "--ids", "7")) == []
    told = server.cameo("status", "--ids", "13", json_lines=False).stdout
    assert f"{KEY}: dead letter: system.dead_letter: " in told and "Whoever runs the server" in told

    change(server, "DROP TRIGGER unlucky")
    looked = server.cameo("retry", "--reason", "system.dead_letter", "--dry-run")
    assert looked.returncode == 0 and looked.lines[0]["dead_letters"][0]["keys"] == [KEY]
    assert server.cameo("retry", "--ids", "13").returncode == 5
    server.wait_until_quiet()
    assert {row["cd_idx"] for row in server.rows()} == {7, 8, 13}
    assert server.cameo("verify").returncode == 0
    assert dead_letters(server.cameo("status")) == []


def test_the_log_names_the_reason_of_a_rejection(server):
    """users.md 29: the log said "rejected" and no more."""
    server.put("9_0.jpg", b"GIF89a, whatever its name says")
    server.wait_until_quiet()
    lines = [line for line in server.log.read_text().splitlines() if "9_0.jpg" in line and "rejected" in line]
    assert any("file.not_jpeg" in line for line in lines), server.log.read_text()[-3000:]
