"""People at the console's door: the first administrator, log-ins and sessions, and what a guesser, another site's page or a thief of a cookie gets.

Each attack is made over HTTP against a server as an operator starts it; what must stay shut is looked at from outside, the log and the audit
trail included.
"""

import http.client
import json
import sqlite3
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from server import Server, cameo

PASSWORD = "correct horse battery"
TIMEOUT_S = 60
GUESSES = 40
LONG_WAIT_S = 8


class Browser:
    """A browser on one address of this machine: it keeps the cookie, and says what browsers say of where a request comes from."""

    def __init__(self, server, address="127.0.0.1"):
        self.server = server
        self.address = address
        self.cookie = None
        self.csrf = None

    def ask(self, method, path, body=None, **headers):
        base = urllib.parse.urlsplit(self.server.console_url)
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=TIMEOUT_S, source_address=(self.address, 0))
        sent = {"Sec-Fetch-Site": "same-origin"}
        if self.cookie:
            sent["Cookie"] = f"cameo={self.cookie}"
        if self.csrf:
            sent["X-Cameo-CSRF"] = self.csrf
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(body)
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value is not None}
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        answer = json.loads(content) if content.startswith(b"{") else {"text": content.decode("utf-8", "replace")}
        return response.status, response.headers, answer

    def takes(self, answered):
        status, headers, body = answered
        assert status in (200, 201), body
        self.cookie = headers["Set-Cookie"].split(";")[0].removeprefix("cameo=")
        self.csrf = body["csrf"]
        return self

    def log_in(self, name, password=PASSWORD, **headers):
        return self.ask("POST", "/api/v1/session", {"name": name, "password": password}, **headers)

    def who(self):
        status, _, body = self.ask("GET", "/api/v1/session")
        return body["name"] if status == 200 else status


def use_link(browser, link, name=None):
    body = {"link": link.split("#")[1], "password": PASSWORD} | ({"name": name} if name else {})
    return browser.ask("POST", "/api/v1/session/link", body)


@pytest.fixture
def chief(server):
    """The first administrator's browser."""
    return Browser(server).takes(use_link(Browser(server), server.ready["first_link"], "chief"))


def account(chief, name, role="viewer"):
    status, _, made = chief.ask("POST", "/api/v1/accounts", {"name": name, "role": role})
    assert status == 201, made
    return Browser(chief.server).takes(use_link(Browser(chief.server), made["link"]))


def test_the_first_link_works_once_and_a_new_start_makes_another_one(tmp_path):
    with Server(tmp_path / "data") as server:
        older = server.ready["first_link"]
        assert older.startswith(f"{server.console_url}/welcome#"), older
        assert Browser(server).who() == "loopback", "nobody needs to log in yet"
    with Server(tmp_path / "data") as server:
        link = server.ready["first_link"]
        assert link != older
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda n: use_link(Browser(server), link, f"chief{n}")[0], range(4)))
        assert sorted(together) == [201, 404, 404, 404], together
        assert use_link(Browser(server), older, "late")[0] == 404
        assert Browser(server).who() == 401, "and now everybody does"
        status, headers, _ = Browser(server).ask("GET", "/")
        assert status == 303 and headers["Location"].startswith("/login"), "pages too"
    with Server(tmp_path / "data") as server:
        assert "first_link" not in server.ready
    secrets = [text.split("#")[1] for text in (older, link)]
    assert not any(secret in server.log.read_text() for secret in secrets), "a secret in a fragment is in no log"
    stored = "".join(sqlite3.connect(tmp_path / "data" / "cameo.db").iterdump())
    assert not any(secret in stored for secret in [*secrets, PASSWORD])


def test_commands_on_the_machine_make_reset_and_disable_accounts(server, tmp_path):
    def run(*words):
        ended = cameo("account", *words, "--data", server.data, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        return ended.lines

    assert run("link")[0]["link"].startswith(f"{server.console_url}/welcome#")
    made = run("create", "Kim", "--role", "operator", "--vertical", "ssgdfm_eye")[0]
    kim = Browser(server).takes(use_link(Browser(server), made["link"]))
    assert (kim.who(), run("list")[0]["name"], run("list")[0]["has_password"]) == ("kim", "kim", True)
    link = run("reset", "kim")[0]["link"]
    assert (kim.who(), kim.log_in("kim")[0]) == (401, 401), "a reset ends sessions and the password"
    kim.takes(use_link(kim, link))
    assert kim.who() == "kim"
    run("disable", "KIM")
    assert (kim.who(), kim.log_in("kim")[0]) == (401, 401)
    run("enable", "kim")
    assert kim.log_in("kim")[0] == 201
    run("remove", "kim")
    assert run("list") == []


def test_changes_of_other_sites_pages_are_refused(chief):
    new = {"name": "evil", "role": "admin"}
    attacks = {
        "no token": {"X_Cameo_CSRF": None},
        "a wrong token": {"X_Cameo_CSRF": "x"},
        "the cookie as the token": {"X_Cameo_CSRF": chief.cookie},
        "another session's token": {"X_Cameo_CSRF": Browser(chief.server).takes(chief.log_in("chief", Cookie=None)).csrf},
        "another site": {"Sec_Fetch_Site": "cross-site"},
        "a neighbour": {"Sec_Fetch_Site": "same-site"},
        "a foreign origin": {"Origin": "https://evil.example"},
        "an origin of another port": {"Origin": "http://127.0.0.1:1"},
        "a sandbox": {"Sec_Fetch_Site": None, "Origin": "null"},
        "nobody says": {"Sec_Fetch_Site": None},
        "a form": {"Content_Type": "text/plain"},
        "a name that leads here": {"Host": "evil.example"},
    }
    for attack, headers in attacks.items():
        status = chief.ask("POST", "/api/v1/accounts", new, **headers)[0]
        assert status in (403, 415, 421), (attack, status)
    assert [item["name"] for item in chief.ask("GET", "/api/v1/accounts")[2]["items"]] == ["chief"]
    assert chief.ask("POST", "/api/v1/accounts", new)[0] == 201, "the same from a page of ours"
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": None}, {"Origin": "https://evil.example"}):
        assert chief.log_in("chief", **headers)[0] == 403, "nobody is logged in by another site's page"


def test_a_planted_or_stolen_cookie_is_worth_nothing_after_the_log_in(chief):
    victim = account(chief, "kim")
    planted, before = "A" * 43, victim.cookie
    victim.cookie = planted
    victim.takes(victim.log_in("kim"))
    assert victim.cookie not in (planted, before)
    thief = Browser(chief.server)
    thief.cookie = planted
    assert thief.who() == 401
    first = victim.cookie
    victim.takes(victim.log_in("kim"))
    thief.cookie = first
    assert thief.who() == 401, "the session before the log-in has ended"
    thief.cookie = f"{victim.cookie}; cameo={planted}"
    assert thief.who() == 400, "two of them are nobody's"
    thief.cookie = victim.cookie
    assert thief.who() == "kim"
    assert victim.ask("DELETE", "/api/v1/session")[0] == 204
    assert thief.who() == 401, "logged out everywhere that it was copied to"


def test_brute_force_gets_nowhere_and_keeps_nobody_out(chief):
    account(chief, "kim")
    guesser, owner = Browser(chief.server, "127.0.0.9"), Browser(chief.server, "127.0.0.8")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: guesser.log_in("kim", f"guess number {n:06}")[0], range(GUESSES)))
    answered = [status for status in statuses if status == 401]
    assert set(statuses) <= {401, 429, 503} and len(answered) <= 10, statuses
    # The wait doubles with each failure: until it is one that a slow machine does not outlast.
    while (wait := int(guesser.log_in("kim", "one more guess")[1].get("Retry-After", 0))) < LONG_WAIT_S:
        time.sleep(wait)
    status, headers, _ = guesser.log_in("kim")
    assert status == 429 and int(headers["Retry-After"]) >= 1, "not even the right one is answered"
    assert owner.log_in("kim")[0] == 201, "from another address it is"
    assert chief.who() == "chief"


def test_names_that_nobody_has_are_answered_like_wrong_passwords(chief):
    account(chief, "kim")
    answers = []
    for n, name in enumerate(["kim", "nobody", "no name at all", "", "chief"]):
        status, headers, body = Browser(chief.server, f"127.0.1.{n + 1}").log_in(name, "wrong horse battery", X_Request_Id="same")
        answers.append((status, sorted(headers.keys()), json.dumps(body)))
    assert all(answer == answers[0] for answer in answers) and answers[0][0] == 401, answers


def test_log_and_trail_name_people_and_hold_no_secret(server, chief):
    kim = account(chief, "kim", "operator")
    kim.log_in("kim", "hunter2 hunter2 hunter2")
    kim.log_in("my password by mistake", "hunter2 hunter2 hunter2")
    chief.ask("PATCH", "/api/v1/accounts/kim", {"role": "viewer"})
    chief_secrets = [chief.cookie, chief.csrf, kim.cookie, kim.csrf]
    server.stop()
    server.start()
    audit = server.data / "audit"
    changes = [json.loads(line) for line in (audit / "audit.jsonl").read_text().splitlines()]
    refusals = [json.loads(line) for line in (audit / "refusals.jsonl").read_text().splitlines()]
    by = {(line.get("actor"), line["key"]) for line in changes}
    assert {("chief", "account chief"), ("chief", "account kim"), ("kim", "account kim")} <= by, changes
    assert {line["key"] for line in refusals if line["operation"] == "/api/v1/session"} == {"account kim", "unknown account my p…"}
    text = (audit / "audit.jsonl").read_text() + (audit / "refusals.jsonl").read_text() + server.log.read_text()
    for secret in [*chief_secrets, PASSWORD, "hunter2", "password by mistake"]:
        assert secret not in text, secret


def test_an_account_sees_and_changes_nothing_beyond_its_rights(server, chief):
    server.put("1_0.jpg", b"not a photo", vertical="ssgdfm_eye")
    server.put("1_0.jpg", b"<script>alert(1)</script>", vertical="ssgdfm_nose")
    status, _, made = chief.ask("POST", "/api/v1/accounts", {"name": "eyes", "role": "operator", "verticals": ["ssgdfm_eye"]})
    assert status == 201, made
    eyes = Browser(server).takes(use_link(Browser(server), made["link"]))
    original = "/api/v1/verticals/{}/entities/1/photos/0/original"
    assert eyes.ask("GET", original.format("ssgdfm_eye"))[0] == 200
    assert eyes.ask("GET", original.format("ssgdfm_nose"))[0] == 404
    for method, path in [("GET", "/api/v1/accounts"), ("GET", "/api/v1/tokens"), ("DELETE", "/api/v1/accounts/chief"), ("POST", "/api/v1/first-link")]:
        assert eyes.ask(method, path)[0] == 403, path
    status, headers, _ = chief.ask("GET", original.format("ssgdfm_nose"))
    assert status == 200 and headers["Content-Disposition"].startswith("attachment"), headers
    assert "sandbox" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
    assert Browser(server).ask("GET", original.format("ssgdfm_eye"))[0] == 401
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"):
        assert name in chief.ask("GET", "/")[1], name


def test_a_proxy_that_is_not_named_is_not_believed(tmp_path):
    (tmp_path / "cameo.toml").write_text('[console]\nhosts = ["cameo.example"]\ntrusted_proxies = ["127.0.0.7"]\n')
    with Server(tmp_path / "data", "--config", tmp_path / "cameo.toml") as server:
        assert server.ready["first_link"].startswith("https://cameo.example/welcome#")
        chief = Browser(server).takes(use_link(Browser(server), server.ready["first_link"], "chief"))
        forwarded = {"Host": "cameo.example", "X_Forwarded_Proto": "https", "X_Forwarded_For": "192.0.2.9", "Origin": "https://cameo.example"}
        through, past = Browser(server, "127.0.0.7"), Browser(server, "127.0.0.6")
        status, headers, body = through.log_in("chief", **forwarded)
        cookie = headers["Set-Cookie"]
        assert status == 201 and cookie.startswith("__Host-cameo=") and "; Secure" in cookie and "; HttpOnly" in cookie, body
        assert past.log_in("chief", **forwarded)[0] == 403, "its https is a claim"
        sessions = chief.ask("GET", "/api/v1/accounts/chief/sessions")[2]["items"]
        assert {session["address"] for session in sessions} == {"127.0.0.1", "192.0.2.9"}
        assert through.ask("GET", "/api/v1/session", **forwarded | {"Cookie": cookie.split(";")[0]})[0] == 200
        assert past.ask("GET", "/api/v1/session", **forwarded | {"Cookie": cookie.split(";")[0]})[0] == 401
