"""README.ko.md, followed by somebody who has it alone: two commands, and the samples are what is really printed."""

import re
import subprocess

import photos
import places
import pytest
from server import CAMEO, bare_environment

PAGE = places.REPOSITORY / "README.ko.md"
SAMPLE = re.compile(r"<!-- sample -->\n```console\n\$ (.*?)\n(.*?)```", re.S)
KOREAN = {"LANG": "ko_KR.UTF-8", "LC_ALL": "C.UTF-8", "LC_MESSAGES": "ko_KR.UTF-8"}


@pytest.fixture
def operator(server, tmp_path):
    """Another computer: an address, a token, the folder of the page, and nothing else."""
    words = ("token", "create", "--name", "kim", "--role", "operator", "--vertical", "ssgdfm_eye", "--data", server.data)
    token = server.cameo(*words).lines[0]["token"]
    home = tmp_path / "operator"
    home.mkdir()
    folder = photos.deliver(home / "사진폴더")
    photos.add_strays(folder)
    (folder / "351530_0.JPG").write_bytes(photos.draw("351530_0"))
    return home, token


def run(home, *words, stdin=None):
    environment = {key: value for key, value in (bare_environment(home) | KOREAN).items() if key != "LC_ALL"}
    return subprocess.run([CAMEO, *words], cwd=home, env=environment, capture_output=True, text=True, input=stdin, timeout=300)


def without_what_differs(text):
    """Ids of deliveries and times differ from run to run."""
    text = re.sub(r"\d{8}-[a-z0-9]{4}\b", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d KST", "TIME", text)


def test_the_samples_are_what_is_printed(server, operator):
    home, token = operator
    assert run(home, "login", server.console_url, stdin=f"{token}\n").returncode == 0
    samples = SAMPLE.findall(PAGE.read_text())
    assert [command.split()[1] for command, _ in samples] == ["push", "check", "deliveries", "verify"]
    for command, shown in samples:
        if command.startswith("cameo verify"):
            whole = photos.draw("351531_0")
            server.put("351531_0.jpg", whole[: len(whole) // 2])
            server.wait_until_quiet()
        ended = run(home, *command.split()[1:])
        # On a terminal a bar is there in its place, and gone at the end.
        printed = ended.stdout + ended.stderr.replace("cameo: 확인 중 …\n", "")
        assert without_what_differs(printed) == without_what_differs(shown), command


def test_two_commands_are_enough(server, operator):
    home, token = operator
    folder = home / "사진폴더"
    for name in ("8_0.jpg", "9_0.jpg", "351530_0.JPG", "notes.txt"):
        (folder / name).unlink()
    assert run(home, "login", server.console_url, stdin=f"{token}\n").returncode == 0
    ended = run(home, "push", "사진폴더", "--vertical", "ssgdfm_eye", "--wait")
    assert ended.returncode == 0, ended.stderr
    assert "정상 13장, 실패 0장" in ended.stdout and not (home / "failed.csv").exists()
    begun = re.search(r"전달 (\S+):", ended.stdout).group(1)
    again = run(home, "push", "사진폴더", "--vertical", "ssgdfm_eye", "--wait")
    assert again.returncode == 0 and f"전달 {begun}:" in again.stdout and "0개 전송, 13개는 이미" in again.stdout
