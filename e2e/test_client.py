"""The client's build of `cameo`, which has no server in it: all that an operator does from another computer, and what it refuses.

E2E_CLIENT names the command, such as that of `scripts/build-client`; `scripts/test` builds one for this machine.
"""

import os
import shlex
import subprocess

import photos
import places
import pytest
from server import bare_environment

VERTICAL = "ssgdfm_eye"
COMMANDS = {"push", "deliveries", "report", "status", "check", "verify", "reconcile", "retry", "dismiss", "restore", "move", "token", "webhook", "login", "logout", "explain", "help"}


@pytest.fixture(scope="module")
def client():
    named = os.environ.get("E2E_CLIENT")
    built = places.REPOSITORY / "target" / "debug" / "cameo-client"
    if not named and not built.exists():
        pytest.skip("no client is built: E2E_CLIENT names none, and scripts/test builds one")
    return shlex.split(named) if named else [str(built)]


@pytest.fixture
def desk(client, tmp_path):
    """An office computer: a home with a folder of photos, and the client."""
    home = tmp_path / "desk"
    home.mkdir()

    def run(*words, code=0, stdin=None, **variables):
        environment = bare_environment(home) | variables
        ended = subprocess.run([*client, *words], cwd=home, env=environment, capture_output=True, text=True, input=stdin, timeout=300)
        assert ended.returncode == code, f"{words}: {ended.returncode}: {ended.stdout}{ended.stderr}"
        return ended.stdout + ended.stderr

    run.home = home
    return run


def test_a_folder_is_checked_pushed_and_proved(server, desk):
    photos.deliver(desk.home / "photos")
    (desk.home / "photos" / "notes.txt").write_text("x")
    assert "name.unparseable" in desk("check", "photos", "--vertical", VERTICAL, code=3)
    (desk.home / "photos" / "notes.txt").unlink()
    desk("check", "photos", "--vertical", VERTICAL)
    words = ("token", "create", "--name", "kim", "--role", "admin", "--data", server.data)
    token = server.cameo(*words).lines[0]["token"]
    desk("login", server.console_url, stdin=f"{token}\n")
    pushed = desk("push", "photos", "--vertical", VERTICAL, "--wait")
    assert "13 sent" in pushed and "Live: 13; failed: 0" in pushed, pushed
    assert "13 were there already" in desk("push", "photos", "--vertical", VERTICAL, "--wait")
    assert "10 complete" in desk("verify", "photos", "--vertical", VERTICAL)
    delivery = desk("deliveries", "--limit", "1").split()[0]
    for words in (("report", delivery), ("status", delivery), ("verify", delivery), ("retry", delivery, "--dry-run")):
        desk(*words)
    desk("reconcile", "--vertical", VERTICAL)
    assert "kim" in desk("token", "list")
    assert "--limit" in desk("deliveries", "--limit", "1")
    desk("logout")


@pytest.fixture
def kim(server, desk):
    """Somebody who may push to every vertical, logged in with a token that a chat has put a newline behind."""
    token = server.cameo("token", "create", "--name", "kim", "--role", "operator", "--data", server.data).lines[0]["token"]
    return lambda *words, code=0, **more: desk(*words, code=code, CAMEO_SERVER=f"{server.console_url}/login?next=%2F", CAMEO_TOKEN=f" {token}\r\n", **more)


def test_the_same_folder_for_two_verticals_is_two_deliveries(desk, kim):
    photos.deliver(desk.home / "photos")
    for vertical in ("ssgdfm_ear", VERTICAL):
        assert "Live: 13; failed: 0" in kim("push", "photos", "--vertical", vertical, "--wait")
    listed = [line.split()[0] for line in kim("deliveries").splitlines() if "-day-" not in line]
    assert len(set(listed)) == 2, listed
    for delivery in listed:
        assert "Live: 13; failed: 0" in kim("report", delivery)


def test_the_second_photo_of_an_entity_is_sent_without_the_first(desk, kim):
    for number, name in enumerate(("351518_0.jpg", "351518_1.jpg", "351519_1.jpg")):
        photos.deliver_one(desk.home / f"folder{number}" / name, f"{name} of one folder")
    assert "name.sequence_gap" in kim("push", "folder1", "--vertical", VERTICAL, code=3)
    kim("push", "folder0", "--vertical", VERTICAL, "--wait")
    assert "Live: 1; failed: 0" in kim("push", "folder1", "--vertical", VERTICAL, "--wait")
    assert "name.sequence_gap" in kim("push", "folder2", "--vertical", VERTICAL, code=3)


def test_warnings_are_said_before_anything_is_sent(desk, kim):
    for name in ("1_0.jpg", "2_0.jpg"):
        photos.deliver_one(desk.home / "twice" / name, "the same picture")
    assert "file.duplicate_content" in kim("push", "twice", "--vertical", VERTICAL, "--wait")
    assert "file.duplicate_content" in kim("push", "twice", "--vertical", "ssgdfm_ear", "--wait", "--lang", "ko")


def test_it_has_the_commands_of_a_client_and_says_what_the_others_need(desk):
    listed = desk("--help").split("Commands:")[1].split("Options:")[0]
    assert {line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "} == COMMANDS
    assert "file.truncated" in desk("explain")
    assert "사용법" in desk("push", "--help", "--lang", "ko")
    assert "unrecognized subcommand" in desk("serve", code=2)
    (desk.home / "cameo-data").mkdir()
    for words in (("status",), ("verify", "--data", "cameo-data"), ("push", "cameo-data", "--vertical", "v"), ("token", "list"), ("deliveries",)):
        said = desk(*words, code=2)
        assert "cameo login" in said and "client" in said, said
