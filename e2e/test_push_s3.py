"""`cameo push --s3`: an operator on another computer with AWS keys of their own, and a token for all that is not sending."""

import json

import photos
import pytest
from server import ACCESS_KEY, SECRET_KEY, bare_environment, cameo
from test_clock import library

VERTICAL = "ssgdfm_eye"


@pytest.fixture
def operator(server, tmp_path):
    """Another computer with a folder, an address and a token: what a command there is run with."""
    words = ("token", "create", "--name", "kim", "--role", "operator", "--vertical", VERTICAL, "--data", server.data)
    token = server.cameo(*words).lines[0]["token"]
    home = tmp_path / "operator"
    home.mkdir()
    photos.deliver(home / "photos")

    def push(keys, *words, **variables):
        named = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), keys, strict=False))
        known = {"CAMEO_SERVER": server.console_url, "CAMEO_TOKEN": token}
        environment = bare_environment(home) | known | named | variables
        return cameo("push", "photos", "--vertical", VERTICAL, "--s3", *words, cwd=home, env=environment)

    push.home = home
    return push


def key_for(server, place):
    """A key pair that may upload there."""
    made = server.cameo("keys", "add", "--upload", place, "--data", server.data).lines[0]
    return made["access_key_id"], made["secret_access_key"]


def uploads_of(server):
    """The audit trail's lines about originals."""
    lines = [json.loads(line) for line in (server.data / "audit" / "audit.jsonl").read_text().splitlines()]
    return [line for line in lines if (line["key"] or "").startswith("origin/")]


def summary(ended):
    assert ended.lines, ended.stderr
    return ended.lines[-1]["summary"]


def test_a_folder_is_handed_over_with_keys_of_the_operators_own(server, operator):
    keys = key_for(server, f"origin/{VERTICAL}/")
    pushed = operator(keys, "--wait")
    assert pushed.returncode == 0, pushed.stderr
    counted = summary(pushed)
    assert counted["live"] == counted["photos"] > 0 and counted["failed"] == 0
    puts = uploads_of(server)
    assert {line["access_key"] for line in puts} == {keys[0]}, "sent with these keys, and not by addresses of the token's"
    again = operator(keys, "--wait")
    assert again.returncode == 0 and summary(again) == counted
    assert len(uploads_of(server)) == len(puts) == counted["photos"], "nothing is sent twice"


def test_keys_come_from_a_profile_too(server, operator):
    key, secret = key_for(server, f"origin/{VERTICAL}/")
    (operator.home / ".aws").mkdir()
    file = operator.home / ".aws" / "credentials"
    file.write_text(f"[default]\naws_access_key_id = NOBODY\n[photos]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    ended = operator((), "--wait", AWS_PROFILE="photos")
    assert ended.returncode == 0, ended.stderr


def test_each_refusal_says_what_to_do_and_the_next_run_goes_on(server, operator):
    without = operator(())
    assert without.returncode == 6 and "AWS_ACCESS_KEY_ID" in without.stderr and "--s3" in without.stderr
    listed = server.cameo("deliveries", "--data", server.data)
    assert listed.lines == [], "nothing was begun"
    for keys, code, why in [
        (("NOBODY", SECRET_KEY), 6, "the access key id is not known there"),
        ((ACCESS_KEY, "wrong-secret-0123456789"), 6, "the secret does not belong to the access key id"),
        (key_for(server, "origin/another/"), 6, "may not upload originals there"),
    ]:
        ended = operator(keys)
        assert (ended.returncode, ended.stdout) == (code, "") and why in ended.stderr, ended.stderr
        assert keys[1] not in ended.stderr
    off = {"LD_PRELOAD": library(), "FAKETIME": "+40m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    ended = operator((ACCESS_KEY, SECRET_KEY), **off)
    assert ended.returncode == 2 and "minutes ahead of" in ended.stderr, ended.stderr
    away = operator((ACCESS_KEY, SECRET_KEY), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert away.returncode == 5 and "http://127.0.0.1:9" in away.stderr, away.stderr
    ended = operator((ACCESS_KEY, SECRET_KEY), "--wait")
    assert ended.returncode == 0, ended.stderr
    assert len(server.cameo("deliveries", "--data", server.data).lines) >= 1
