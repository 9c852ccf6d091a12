"""TLS on Cameo's own listeners, as real clients meet it: curl, Python, boto3, the aws-cli, the `cameo` of another computer and a browser."""

import http.client
import json
import socket
import ssl
import subprocess
import time
import urllib.parse

import boto3
import browser
import places
import pytest
import requests
from botocore.config import Config

import photos
from certificates import Authority
from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET, Server, bare_environment, cameo

PASSWORD = "correct horse battery"
# The server looks every two seconds whether its files changed.
NOTICED_S = 60


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """A folder with an authority, a certificate of it, and a configuration by which every listener speaks TLS."""
    folder = tmp_path_factory.mktemp("office")
    authority = Authority(folder / "authority")
    authority.issue(folder / "chain.pem", folder / "key.pem")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        images = free.getsockname()[1]
    (folder / "cameo.toml").write_text(
        f"""
        [server.tls]
        cert = "{folder}/chain.pem"
        key = "{folder}/key.pem"
        listeners = ["console", "s3", "images"]
        [console]
        hosts = ["cameo.test"]
        [images]
        public_url = "https://localhost:{images}"
        """
    )
    authority.images = f"127.0.0.1:{images}"
    return authority


@pytest.fixture(scope="module")
def tls(office):
    """A server that speaks TLS everywhere, and trusts the office's authority where it looks at its own images."""
    folder = office.folder.parent
    variables = {"CAMEO_CA": str(office.ca)}
    with Server(folder / "data", variables=variables, addresses={"images": office.images}) as server:
        yield server


def curl(*words, code=0):
    ended = subprocess.run(["curl", "--silent", "--show-error", *words], capture_output=True, text=True, timeout=60)
    assert ended.returncode == code, f"{ended.returncode}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def port_of(url):
    return urllib.parse.urlsplit(url).port


def test_curl_and_python_speak_it_and_trust_the_authority_alone(office, tls):
    addresses = [tls.console_url, tls.s3_url, tls.images_url]
    assert all(url.startswith("https://127.0.0.1:") for url in addresses), addresses
    for url in addresses:
        for more in (["--tls-max", "1.2"], ["--tlsv1.3"], ["--http2"]):
            shown = curl("--cacert", str(office.ca), "--output", "/dev/null", "--write-out", "%{http_version} %{ssl_verify_result}", *more, url)
            assert shown == "1.1 0", f"{url} {more}: {shown}"
        curl(url, code=60)
        curl("--cacert", str(office.ca), "--resolve", f"other.test:{port_of(url)}:127.0.0.1", f"https://other.test:{port_of(url)}", code=60)
        curl("--cacert", str(office.ca), "--tlsv1.0", "--tls-max", "1.1", url, code=35)
        # In the clear: an answer, and no hang.
        told = curl("--include", url.replace("https://", "http://"))
        assert told.startswith("HTTP/1.1 400") and "https://" in told and "주소를" in told, told
    health = requests.get(f"https://localhost:{port_of(tls.console_url)}/api/health", verify=office.ca, timeout=60)
    assert health.json()["status"] == "ok" and "strict-transport-security" not in health.headers
    assert any(check["what"] == "certificate" and check["ok"] for check in health.json()["checks"])


def test_what_cannot_be_read_is_answered_with_a_page_inside_of_it(office, tls):
    context = ssl.create_default_context(cafile=office.ca)
    for request, status in (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400), (b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n", 421):
        with socket.create_connection(("127.0.0.1", port_of(tls.console_url)), timeout=60) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as stream:
                stream.sendall(request)
                answer = b"".join(iter(lambda: stream.recv(65536), b"")).decode()
        assert answer.startswith(f"HTTP/1.1 {status} ") and '<html lang="ko">' in answer and 'lang="en"' in answer, answer
        assert "x-frame-options: DENY" in answer.split("\r\n\r\n")[0], answer


def test_clients_of_s3_upload_over_it_and_the_proof_holds(office, tls, tmp_path):
    client = boto3.client(
        "s3",
        endpoint_url=tls.s3_url,
        verify=str(office.ca),
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    content = photos.draw("1_0", (640, 480))
    key = "origin/ssgdfm_eye/1_0.jpg"
    client.put_object(Bucket=UPLOAD_BUCKET, Key=key, Body=content)
    assert client.get_object(Bucket=UPLOAD_BUCKET, Key=key)["Body"].read() == content
    signed = client.generate_presigned_url("put_object", Params={"Bucket": UPLOAD_BUCKET, "Key": "origin/ssgdfm_eye/2_0.jpg"})
    assert requests.put(signed, data=content, verify=office.ca, timeout=60).status_code == 200
    (tmp_path / "3_0.jpg").write_bytes(content)
    words = [places.AWS_CLIS["current"], "s3", "cp", "3_0.jpg", f"s3://{UPLOAD_BUCKET}/origin/ssgdfm_eye/", "--endpoint-url", tls.s3_url]
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": "us-east-1"}
    # A certificate that is not trusted is not tried again.
    environment = bare_environment(tmp_path) | keys | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}
    for more, code in (["--ca-bundle", str(office.ca)], 0), ([], 1):
        ended = subprocess.run([*words, *more], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert ended.returncode == code, ended.stdout + ended.stderr
    tls.wait_until_quiet()
    # Rows lead to the name of the certificate, and images are fetched from there.
    urls = {row["image_url"] for row in tls.rows("image_size = 'sq'")}
    assert len(urls) == 3 and all(url.startswith("https://localhost:") for url in urls), urls
    proved = tls.cameo("verify", "--vertical", "ssgdfm_eye")
    assert proved.returncode == 0, proved.stdout + proved.stderr


def test_another_computer_logs_in_with_the_authority_and_not_without(office, tls, tmp_path):
    """`cameo login`, and every command after it; the addresses for uploads that the server signs begin with https:// too."""
    made = tls.cameo("token", "create", "--name", "desk", "--role", "operator", "--data", str(tls.data))
    token = made.lines[0]["token"]
    url = f"https://localhost:{port_of(tls.console_url)}"
    environment = bare_environment(tmp_path)

    def run(*words, code=0, json_lines=False, **variables):
        ended = cameo(*words, cwd=tmp_path, json_lines=json_lines, stdin=token, env=environment | variables)
        assert ended.returncode == code, f"{words}: {ended.returncode}: {ended.stdout}{ended.stderr}"
        return ended.stdout + ended.stderr

    refused = run("login", url, code=2)
    assert "--ca FILE" in refused and "CAMEO_CA" in refused and "UnknownIssuer" in refused, refused
    assert "--ca" in (korean := run("login", url, "--lang", "ko", code=2)) and "인증서" in korean, korean
    assert "CAMEO_CA" in run("login", url, code=2, CAMEO_CA=str(tmp_path / "missing.pem"))
    (tmp_path / "empty.pem").write_text("")
    assert "no certificate" in run("login", url, "--ca", "empty.pem", code=2)
    plain = run("login", url.replace("https://", "http://"), "--ca", str(office.ca), code=2)
    assert "https://" in plain, plain
    assert "logged in" in run("login", url, CAMEO_CA=str(office.ca))
    # The authority is remembered with the login.
    run("status")
    (tmp_path / "9_0.jpg").write_bytes(photos.draw("9_0", (640, 480)))
    (tmp_path / "photos").mkdir()
    (tmp_path / "9_0.jpg").rename(tmp_path / "photos" / "9_0.jpg")
    run("push", "photos", "--vertical", "ssgdfm_ear", "--wait")
    assert {row["cd_idx"] for row in tls.rows("vertical = 'ssgdfm_ear'")} == {9}
    body = {"vertical": "ssgdfm_eye", "files": [{"name": "8_0.jpg", "size": 3, "md5": "900150983cd24fb0d6963f7d28e17f72"}]}
    bearer = {"Authorization": f"Bearer {token}"}
    asked = requests.post(f"{url}/api/v1/uploads", json=body, headers=bearer, verify=office.ca, timeout=60)
    assert asked.status_code == 200 and "https://localhost" in asked.text and "http://" not in asked.text, asked.text


def log_in(server, office, name):
    """A log-in over TLS; the headers of the answer."""
    context = ssl.create_default_context(cafile=office.ca)
    connection = http.client.HTTPSConnection("localhost", port_of(server.console_url), timeout=60, context=context)
    link = server.ready["first_link"].split("#")[1]
    body = json.dumps({"link": link, "password": PASSWORD, "name": name})
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    connection.request("POST", "/api/v1/session/link", body, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    assert response.status == 201
    return response.headers


def certificate_of(server, office):
    context = ssl.create_default_context(cafile=office.ca)
    with socket.create_connection(("127.0.0.1", port_of(server.console_url)), timeout=60) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as stream:
            return stream.getpeercert()


def wait_for(look):
    deadline = time.monotonic() + NOTICED_S
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {NOTICED_S} s"
        time.sleep(0.2)
    return found


def test_a_browser_logs_in_with_a_cookie_that_never_leaves_tls_and_a_certificate_is_renewed_under_it(office, tls, tmp_path):
    assert tls.ready["first_link"].startswith(f"https://cameo.test:{port_of(tls.console_url)}/welcome#")
    if browser.is_installed():
        address = f"https://localhost:{port_of(tls.console_url)}"
        with browser.Browser(tmp_path / "profile", "en", "--ignore-certificate-errors") as page:
            page.open(f"{address}/welcome#{tls.ready['first_link'].split('#')[1]}")
            page.run(
                "const form = document.querySelector('form'); form.name.value = 'chief';"
                "form.password.value = form.again.value = arguments[0]; form.name.closest('label').hidden = false",
                PASSWORD,
            )
            page.click("form button")
            assert page.address() == f"{address}/", page.address()
            cookies = page.cdp("Network.getCookies")["cookies"]
            assert [(cookie["name"], cookie["secure"], cookie["httpOnly"]) for cookie in cookies] == [("__Host-cameo", True, True)]
            assert page.log() == []
    else:
        set_cookie = log_in(tls, office, "chief")["Set-Cookie"]
        assert set_cookie.startswith("__Host-cameo=") and set_cookie.endswith("; Secure"), set_cookie
    before = certificate_of(tls, office)["serialNumber"]
    folder = office.folder.parent
    office.issue(folder / "chain.pem", folder / "key.pem", days="10")
    wait_for(lambda: certificate_of(tls, office)["serialNumber"] != before)
    health = requests.get(f"{tls.console_url}/api/health", verify=office.ca, timeout=60).json()
    assert health["status"] == "ok" and "expires in" in health["warnings"][0], health
    # A broken one keeps the one before, and everybody who should know hears of it.
    now = certificate_of(tls, office)["serialNumber"]
    (folder / "key.pem").write_text("not a key")
    warned = wait_for(lambda: requests.get(f"{tls.console_url}/api/health", verify=office.ca, timeout=60).json()["warnings"][0].count("kept"))
    assert warned and certificate_of(tls, office)["serialNumber"] == now
    assert "the one before it is kept" in tls.log.read_text()
    doctor = cameo("doctor", cwd=folder, json_lines=True, env=tls.environment())
    found = [line for line in doctor.lines if line["what"] == "certificate"]
    assert found[0]["health"] == "bad" and "server.tls.key" in found[0]["told"] and doctor.returncode == 2, found
    office.issue(folder / "chain.pem", folder / "key.pem")
    wait_for(lambda: requests.get(f"{tls.console_url}/api/health", verify=office.ca, timeout=60).json()["warnings"] == [])


def test_a_pair_that_does_not_fit_is_refused_at_the_start(office, tmp_path):
    one, other = [tmp_path / name for name in ("one", "other")]
    for name in (one, other):
        office.issue(name.with_suffix(".pem"), name.with_suffix(".key"))
    words = ["serve", "--data", str(tmp_path / "data"), "--s3-listen", "off", "--images-listen", "off", "--console-listen", "127.0.0.1:0"]
    for chain, key, told in [
        (one.with_suffix(".pem"), other.with_suffix(".key"), "the key is not that of the first certificate"),
        (one.with_suffix(".pem"), tmp_path / "missing", "does not exist"),
        (one.with_suffix(".key"), one.with_suffix(".key"), "server.tls.cert"),
        (one.with_suffix(".pem"), "", "set together"),
    ]:
        variables = {"CAMEO_SERVER_TLS_CERT": str(chain), "CAMEO_SERVER_TLS_KEY": str(key)}
        ended = cameo(*words, cwd=tmp_path, json_lines=False, env=bare_environment(tmp_path) | variables)
        assert ended.returncode == 2 and told in ended.stderr, f"{told}: {ended.returncode} {ended.stderr}"
        assert not (tmp_path / "data").exists(), "a start that ends leaves nothing behind"
    # What is only remarkable does not keep a server from starting.
    one.with_suffix(".key").chmod(0o644)
    variables = {"CAMEO_SERVER_TLS_CERT": str(one.with_suffix(".pem")), "CAMEO_SERVER_TLS_KEY": str(one.with_suffix(".key"))}
    doctor = cameo("doctor", cwd=tmp_path, json_lines=True, env=bare_environment(tmp_path) | variables)
    found = [line for line in doctor.lines if line["what"] == "certificate"]
    assert found[0]["health"] == "remark" and "chmod 600" in found[0]["told"], found
