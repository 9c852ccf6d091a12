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
    built = places.REPOSITORY / "target" / "client" / "debug" / "cameo"
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
    desk("logout")


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
