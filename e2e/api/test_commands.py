"""Tokens and logins as people use them: made on the server's machine, used from anywhere, revoked at once."""

import json
import stat
import subprocess

import pytest

from http_get import get
from places import CAMEO
from server import bare_environment, cameo


def token(server, *words):
    """`cameo token …` beside the data folder."""
    return cameo("token", *words, "--data", server.data, cwd=server.data.parent)


def elsewhere(folder, *words, stdin=None, **variables):
    """A command in a folder that knows nothing of the server but what it is told."""
    return cameo(*words, cwd=folder, stdin=stdin, env=bare_environment(folder) | variables)


@pytest.fixture
def desk(tmp_path):
    """Somebody else's desk."""
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


def test_a_token_is_made_used_from_elsewhere_and_revoked(server, desk):
    made = token(server, "create", "--name", "kim", "--role", "admin", "--expires", "90d")
    assert made.returncode == 0, made.stderr
    secret = made.lines[0]["token"]
    assert secret.startswith("cameo_") and made.lines[0]["name"] == "kim" and made.lines[0]["verticals"] is None
    asked = elsewhere(desk, "token", "list", "--server", server.console_url, CAMEO_TOKEN=secret)
    assert asked.returncode == 0 and [line["name"] for line in asked.lines] == ["kim"]
    assert secret not in asked.stdout
    by_variable = elsewhere(desk, "token", "list", CAMEO_SERVER=server.console_url, CAMEO_TOKEN=secret)
    assert by_variable.stdout == asked.stdout
    limited = elsewhere(desk, "token", "create", "--name", "lee", "--role", "viewer", "--vertical", "ssgdfm_eye", "--vertical", "shop",
                        CAMEO_SERVER=server.console_url, CAMEO_TOKEN=secret)
    assert limited.lines[0]["verticals"] == ["shop", "ssgdfm_eye"] and limited.lines[0]["created_by"] == "kim"
    taken = token(server, "create", "--name", "lee", "--role", "viewer")
    assert taken.returncode == 5 and "already" in taken.stderr
    assert token(server, "revoke", "kim").returncode == 0
    refused = elsewhere(desk, "token", "list", "--server", server.console_url, CAMEO_TOKEN=secret)
    assert refused.returncode == 6 and "revoked" in refused.stderr
    none = elsewhere(desk, "token", "list", "--server", server.console_url)
    assert none.returncode == 6 and "cameo token create" in none.stderr
    gone = token(server, "revoke", "kim")
    assert gone.returncode == 2


def test_a_token_is_made_with_no_server_running(server, desk):
    server.stop()
    made = token(server, "create", "--name", "kim", "--role", "viewer")
    assert made.returncode == 0, made.stderr
    assert [line["name"] for line in token(server, "list").lines] == ["kim"]
    server.start()
    assert get(f"{server.console_url}/api/v1/whoami").status == 401
    asked = elsewhere(desk, "login", server.console_url, stdin=made.lines[0]["token"] + "\n")
    assert asked.returncode == 0 and asked.lines[0]["role"] == "viewer", asked.stderr


def test_a_login_is_checked_kept_for_its_owner_and_forgotten(server, desk):
    secret = token(server, "create", "--name", "kim", "--role", "admin").lines[0]["token"]
    mistyped = elsewhere(desk, "login", server.console_url, stdin=secret[:-1] + "\n")
    assert mistyped.returncode == 2 and "not all of it" in mistyped.stderr
    file = desk / ".config" / "cameo" / "login.json"
    assert not file.exists()
    assert elsewhere(desk, "login", server.console_url, stdin=secret).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and json.loads(file.read_text())["token"] == secret
    assert [line["name"] for line in elsewhere(desk, "token", "list").lines] == ["kim"]
    assert elsewhere(desk, "logout").lines == [{"logged_out": True}]
    assert not file.exists() and elsewhere(desk, "logout").lines == [{"logged_out": False}]


def test_nobody_answering_is_temporary_and_a_wrong_address_is_a_mistake(desk):
    away = elsewhere(desk, "token", "list", "--server", "http://127.0.0.1:1")
    assert away.returncode == 5 and "127.0.0.1:1" in away.stderr
    wrong = elsewhere(desk, "token", "list", "--server", "cameo.example.com")
    assert wrong.returncode == 2 and "https://" in wrong.stderr


def test_changes_go_through_the_socket_with_the_console_off(tmp_path):
    from server import Server

    with Server(tmp_path / "data", addresses={"console": "off"}) as server:
        server.put("1_0.jpg", b"no photo")
        server.wait_until_quiet()
        retried = server.cameo("retry", "--reason", "file.not_jpeg")
        assert retried.returncode in (0, 4, 5), retried.stderr
        assert "console" not in retried.stderr
        socket = server.data / "cameo.sock"
        answer = subprocess.run(
            ["curl", "--silent", "--unix-socket", socket, "http://localhost/api/v1/whoami"], capture_output=True, text=True, timeout=60
        )
        assert json.loads(answer.stdout)["name"] == "local", answer
    assert CAMEO and not socket.exists()
