"""Logging in at the console through a real OpenID provider: the certified `oidc-provider`, which runs on this machine.

Log-ins are made over HTTP, as a browser makes them, and once in Chromium; and whoever must not come in does not.
"""

import json
import re
import shutil
import socket
import subprocess
from urllib.parse import parse_qs, urlsplit

import browser
import places
import pytest
import requests

from server import Server

PASSWORD = "correct horse battery"
TIMEOUT_S = 60
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
PEOPLE = {
    "4711": {"preferred_username": "Kim", "groups": ["photo-team"], "email": "kim@example.com", "email_verified": True},
    "4712": {"preferred_username": "lee", "groups": ["board", "photo-admins"], "email": "lee@example.com", "email_verified": True},
    "4713": {"preferred_username": "park", "groups": ["sales"], "email": "park@example.com", "email_verified": True},
    "4714": {"preferred_username": "kim", "groups": ["photo-admins"], "email": "kim@evil.example", "email_verified": True},
    "4715": {"preferred_username": "choi", "groups": ["photo-admins"], "email": "choi@example.com", "email_verified": False},
    "4716": {"preferred_username": "chief", "groups": ["photo-team"], "email": "chief@example.com", "email_verified": True},
}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Provider:
    """The provider on one port; started again, it has other keys."""

    def __init__(self, folder, redirect):
        self.node = shutil.which("node")
        if self.node is None or not places.OIDC_PROVIDER.is_file():
            pytest.skip(f"node, OR {places.OIDC_PROVIDER}, IS MISSING: run scripts/test")
        self.folder = folder
        self.redirect = redirect
        self.port = free_port()
        self.process = None
        self.started = 0
        (folder / "people.json").write_text(json.dumps(PEOPLE))

    @property
    def issuer(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.started += 1
        script = places.REPOSITORY / "e2e" / "oidc_provider.mjs"
        words = [self.node, script, places.OIDC_PROVIDER, str(self.port), self.redirect, "people.json", f"key-{self.started}"]
        log = (self.folder / "provider.log").open("ab")
        self.process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True)
        log.close()
        assert "listening" in self.process.stdout.readline(), (self.folder / "provider.log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        self.process = None


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A server whose console knows the provider, and the provider, which runs."""
    folder = tmp_path_factory.mktemp("oidc")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    provider = Provider(folder, f"{url}/login/oidc/callback")
    (folder / "secret").write_text("the secret of the console\n")
    (folder / "secret").chmod(0o600)
    (folder / "cameo.toml").write_text(
        f"""
        [console]
        public_url = "{url}"
        [console.oidc]
        issuer = "{provider.issuer}"
        client_id = "cameo"
        client_secret_file = "{folder}/secret"
        email_domains = ["example.com"]
        label = "Example"
        contact = "it@example.com"
        grants = [
            {{ group = "photo-admins", role = "admin" }},
            {{ group = "photo-team", role = "operator", verticals = ["ssgdfm_eye"] }},
        ]
        """
    )
    provider.start()
    try:
        with Server(folder / "data", addresses={"console": f"127.0.0.1:{port}"}) as server:
            assert server.console_url == url
            link = {"link": server.ready["first_link"].split("#")[1], "password": PASSWORD, "name": "chief"}
            made = requests.post(f"{url}/api/v1/session/link", json=link, headers=OWN_PAGE, timeout=TIMEOUT_S)
            assert made.status_code == 201, made.text
            server.provider = provider
            yield server
    finally:
        if provider.process:
            provider.stop()


class Person:
    """A browser of somebody, and the subject that they are at the provider."""

    def __init__(self, site, subject):
        self.site = site
        self.subject = subject
        self.session = requests.Session()

    def begin(self, path="/login/oidc?next=/upload", **headers):
        """On to the provider: where the console sends the browser."""
        return self.session.get(self.site.console_url + path, headers=OWN_PAGE | headers, allow_redirects=False, timeout=TIMEOUT_S)

    def at_the_provider(self, address):
        """Logs in and agrees; the address that the provider sends the browser back to."""
        answer = self.session.get(address, allow_redirects=False, timeout=TIMEOUT_S)
        for _ in range(10):
            while answer.is_redirect:
                address = requests.compat.urljoin(answer.url, answer.headers["Location"])
                if address.startswith(f"{self.site.console_url}/login/oidc/callback"):
                    return address
                answer = self.session.get(address, allow_redirects=False, timeout=TIMEOUT_S)
            action = re.search(r'action="([^"]+)"', answer.text)
            assert action, f"{answer.status_code} {answer.url}: {answer.text[:2000]}"
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
            form = {"prompt": prompt, "login": self.subject, "password": "any"}
            answer = self.session.post(requests.compat.urljoin(answer.url, action[1]), form, allow_redirects=False, timeout=TIMEOUT_S)
        raise AssertionError("the provider never sends the browser back")

    def comes_back(self, address):
        """What the console answers to who comes back."""
        return self.session.get(address, headers={"Sec-Fetch-Site": "cross-site", "Accept-Language": "en"}, allow_redirects=False, timeout=TIMEOUT_S)

    def log_in(self, path="/login/oidc?next=/upload"):
        begun = self.begin(path)
        assert begun.status_code == 303, begun.text
        return self.comes_back(self.at_the_provider(begun.headers["Location"]))

    def who(self):
        answer = self.session.get(f"{self.site.console_url}/api/v1/session", headers=OWN_PAGE, timeout=TIMEOUT_S)
        return answer.json() if answer.status_code == 200 else answer.json()["code"]


def test_somebody_logs_in_and_gets_what_their_groups_may(site):
    kim = Person(site, "4711")
    begun = kim.begin()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["Location"]).query).items()}
    assert begun.headers["Location"].startswith(site.provider.issuer)
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256"), asked
    back = kim.comes_back(kim.at_the_provider(begun.headers["Location"]))
    assert (back.status_code, back.headers["Location"]) == (303, "/upload"), back.text
    who = kim.who()
    assert (who["name"], who["role"], who["verticals"]) == ("kim", "operator", ["ssgdfm_eye"])
    lee = Person(site, "4712")
    assert lee.log_in("/login/oidc").headers["Location"] == "/"
    assert (lee.who()["name"], lee.who()["role"], lee.who()["verticals"]) == ("lee", "admin", None)
    # Somebody whose name another account has gets a name of their own, and nothing of the other's.
    other = Person(site, "4716")
    other.log_in()
    assert (other.who()["name"], other.who()["role"]) == ("chief-2", "operator")
    # An administrator switches the account off: its session ends, and the provider's word lets nobody in.
    csrf = {"X-Cameo-CSRF": lee.who()["csrf"]}
    off = lee.session.patch(f"{site.console_url}/api/v1/accounts/kim", json={"disabled": True}, headers=OWN_PAGE | csrf, timeout=TIMEOUT_S)
    assert off.status_code == 200, off.text
    assert kim.who() == "auth.session"
    refused = kim.log_in()
    assert refused.status_code == 403 and "switched off" in refused.text and "it@example.com" in refused.text
    on = lee.session.patch(f"{site.console_url}/api/v1/accounts/kim", json={"disabled": False}, headers=OWN_PAGE | csrf, timeout=TIMEOUT_S)
    assert on.status_code == 200 and kim.who() == "auth.required", "the cookie went with the session"
    activity = f"{site.console_url}/api/v1/activity?source=audit&limit=100"
    lines = lee.session.get(activity, headers=OWN_PAGE, timeout=TIMEOUT_S).json()["items"]
    log_ins = {(line["actor"], line["key"]) for line in lines if line["what"].endswith("/session/oidc/callback")}
    assert {("kim", "account kim"), ("lee", "account lee"), ("chief-2", "account chief-2")} <= log_ins, lines


def test_who_may_not_come_in_is_told_whom_to_ask(site):
    for subject, text in ("4713", "nobody has given you a role"), ("4714", "verified address"), ("4715", "verified address"):
        person = Person(site, subject)
        refused = person.log_in()
        assert refused.status_code == 403 and text in refused.text and "it@example.com" in refused.text, refused.text
        assert person.who() == "auth.required"
    accounts = site.sqlite("SELECT name FROM cameo_accounts ORDER BY name")
    assert not {"park", "choi"} & {account["name"] for account in accounts}, accounts


def test_a_log_in_is_of_the_browser_that_began_it_and_counts_once(site):
    """Login CSRF, replayed codes and states, open redirects, and pages of others."""
    kim, mallory = Person(site, "4712"), Person(site, "4712")
    back = kim.at_the_provider(kim.begin().headers["Location"])
    of_mallory = mallory.at_the_provider(mallory.begin().headers["Location"])
    # Mallory's code in a browser that began nothing, and in one that began its own log-in.
    for victim in (Person(site, "4711"), kim):
        refused = victim.comes_back(of_mallory)
        assert refused.status_code == 403 and "not begun in this browser" in refused.text
        assert victim.who() == "auth.required"
    # Kim's cookie went with the refusal, so that begins again; the code was never used.
    assert kim.comes_back(back).status_code == 403
    begun = kim.begin()
    back = kim.at_the_provider(begun.headers["Location"])
    kept = kim.session.cookies.get("cameo-oidc")
    assert kept and kim.comes_back(back).status_code == 303
    assert "cameo-oidc" not in kim.session.cookies
    for jar in ({}, {"cameo-oidc": kept}):
        again = requests.get(back, cookies=jar, headers={"Accept-Language": "ko"}, allow_redirects=False, timeout=TIMEOUT_S)
        assert again.status_code == 403 and "이미 끝났습니다" in again.text and "cameo=" not in str(again.headers)
    # A code that was made up, and another issuer's word.
    for change in (lambda url: re.sub(r"code=[^&]+", "code=made-up", url), lambda url: re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", url)):
        person = Person(site, "4712")
        back = person.at_the_provider(person.begin().headers["Location"])
        refused = person.comes_back(change(back))
        assert refused.status_code in (403, 502) and person.who() == "auth.required", refused.text
    for next_page in ("//evil.example", "https://evil.example", "/%5Cevil.example", "/..//evil.example", "javascript:alert(1)"):
        assert Person(site, "4712").log_in(f"/login/oidc?next={next_page}").headers["Location"] == "/"
    for elsewhere in ("cross-site", "same-site", "none"):
        refused = kim.begin(**{"Sec-Fetch-Site": elsewhere})
        assert refused.status_code == 403 and "Set-Cookie" not in refused.headers


def test_keys_change_and_a_provider_that_is_away_keeps_nobody_from_a_password(site):
    provider = site.provider
    provider.stop()
    away = Person(site, "4712").begin()
    # What the provider said of itself is remembered, so the way to it is still known; coming back is not possible.
    assert away.status_code in (303, 503)
    log_in = {"name": "chief", "password": PASSWORD}
    by_password = requests.post(f"{site.console_url}/api/v1/session", json=log_in, headers=OWN_PAGE, timeout=TIMEOUT_S)
    assert by_password.status_code == 201, by_password.text
    page = requests.get(f"{site.console_url}/login", headers=OWN_PAGE, timeout=TIMEOUT_S).text
    assert 'name="password"' in page and "Log in with Example" in page
    provider.start()
    person = Person(site, "4712")
    assert person.log_in().status_code == 303 and person.who()["name"] == "lee", "signed with a key that was not known before"
    back = Person(site, "4712")
    address = back.at_the_provider(back.begin().headers["Location"])
    provider.stop()
    refused = back.session.get(address, headers={"Accept-Language": "ko"}, allow_redirects=False, timeout=TIMEOUT_S)
    assert refused.status_code == 503 and "응답하지 않습니다" in refused.text, refused.text
    doctor = site.cameo("doctor")
    found = [line for line in doctor.lines if line["what"] == "log-in"]
    assert found[0]["health"] == "remark" and provider.issuer in found[0]["told"], found
    provider.start()
    doctor = site.cameo("doctor")
    assert [line["health"] for line in doctor.lines if line["what"] == "log-in"] == ["good"]


@pytest.mark.skipif(not browser.is_installed(), reason="chromium IS NOT INSTALLED: run scripts/test")
def test_chromium_goes_to_the_provider_and_comes_back(site, tmp_path):
    with browser.Browser(tmp_path / "profile", "ko") as page:
        page.open(f"{site.console_url}/attention")
        assert "/login?next=" in page.address()
        page.click("a[href^='/login/oidc']")
        assert page.address().startswith(site.provider.issuer), page.address()
        page.run("document.querySelector('[name=login]').value = '4712'; document.querySelector('[name=password]').value = 'any'")
        page.click("form button, form input[type=submit]")
        page.click("form button, form input[type=submit]")
        page.wait("return location.pathname === '/attention' && document.readyState === 'complete'")
        assert page.address() == f"{site.console_url}/attention"
        # The provider's own pages ask for fonts that are far away; ours have nothing to complain of.
        assert not [line for line in page.log() if site.console_url in line["message"]]
