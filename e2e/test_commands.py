"""The commands that people script against: exit codes and the names of the JSON fields."""

import json
import os
import stat
import time

import photos
import pytest
from server import Server, bare_environment, cameo

CELL = {"sequence", "image_size", "original", "rendition", "row", "served", "reason"}
ENTITY = {"vertical", "cd_idx", "state", "cells"}
RENDERED = {"file", "state", "reason", "width", "height", "renditions"}
RENDITION = {"image_size", "width", "height", "bytes", "path"}


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A server with two complete entities, one of them with two photos."""
    with Server(tmp_path_factory.mktemp("commands") / "data") as server:
        for name in ("7_0.jpg", "7_1.jpg", "8_0.jpg"):
            server.put(name, photos.draw(name))
        server.wait_until_quiet()
        yield server


def folder_with(folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(photos.draw(name))
    return folder


def test_verify_answers_a_line_an_entity_and_then_the_summary(registered):
    answer = registered.cameo("verify", "--vertical", "ssgdfm_eye")
    assert answer.returncode == 0
    *entities, last = answer.lines
    assert [(entity["cd_idx"], entity["state"]) for entity in entities] == [(7, "complete"), (8, "complete")]
    assert list(last) == ["summary"]
    assert all(ENTITY <= set(entity) for entity in entities)
    cells = [cell for entity in entities for cell in entity["cells"]]
    assert len(cells) == 12 and all(set(cell) == CELL for cell in cells)
    assert all(cell[place] == "present" for cell in cells for place in ("original", "rendition", "row", "served"))


def test_verify_compares_a_folder_with_what_arrived(registered, tmp_path):
    complete = folder_with(tmp_path / "complete", "7_0.jpg", "7_1.jpg")
    assert registered.cameo("verify", complete, "--vertical", "ssgdfm_eye").returncode == 0
    lost = folder_with(tmp_path / "lost", "7_0.jpg", "7_1.jpg", "7_2.jpg")
    answer = registered.cameo("verify", lost, "--vertical", "ssgdfm_eye")
    assert answer.returncode == 7
    assert {cell["sequence"] for cell in answer.lines[0]["cells"] if cell["original"] == "missing"} == {2}
    other = folder_with(tmp_path / "other", "7_0.jpg", "7_1.jpg")
    (other / "7_1.jpg").write_bytes(photos.draw("another picture"))
    answer = registered.cameo("verify", other, "--vertical", "ssgdfm_eye")
    assert answer.returncode == 7
    assert {cell["sequence"] for cell in answer.lines[0]["cells"] if cell["original"] == "different"} == {1}


@pytest.mark.parametrize(("words", "stdin"), [(["--ids", "7,8"], None), (["--ids-from", "-"], "7\n 8\n")])
def test_verify_takes_ids_as_people_paste_them(registered, words, stdin):
    answer = registered.cameo("verify", *words, stdin=stdin)
    assert (answer.returncode, [line.get("cd_idx") for line in answer.lines[:-1]]) == (0, [7, 8])


def test_an_id_that_nobody_knows_is_a_difference(registered):
    answer = registered.cameo("verify", "--ids", "7,351518")
    assert answer.returncode == 7
    assert answer.lines[-1]["summary"]["unknown_ids"] == [351518]


def test_status_tells_counts_originals_and_queues(registered):
    everything = registered.cameo("status")
    assert everything.returncode == 0
    kinds = [line["kind"] for line in everything.lines]
    assert kinds == ["count", "queue", "queue"]
    assert everything.lines[0]["originals"] == 3
    some = registered.cameo("status", "--ids", "7")
    assert [line["key"] for line in some.lines if line["kind"] == "original"] == [
        "origin/ssgdfm_eye/7_0.jpg",
        "origin/ssgdfm_eye/7_1.jpg",
    ]
    assert {line["state"] for line in some.lines if line["kind"] == "original"} == {"serving"}


def test_a_photo_on_its_way_is_pending(tmp_path):
    with Server(tmp_path / "data", "--no-worker") as server:
        server.put("7_0.jpg", photos.draw("7_0"))
        answer = server.cameo("verify", "--vertical", "ssgdfm_eye")
        assert (answer.returncode, answer.lines[0]["state"]) == (5, "pending")
        assert server.cameo("status").returncode == 5
        server.stop()
        server.flags = ()
        server.start()
        server.wait_until_quiet()
        assert server.cameo("verify", "--vertical", "ssgdfm_eye").returncode == 0


def test_without_a_server_nobody_can_say_what_is_served(tmp_path):
    server = Server(tmp_path / "data").start()
    server.put("7_0.jpg", photos.draw("7_0"))
    server.wait_until_quiet()
    server.stop()
    answer = server.cameo("verify", "--vertical", "ssgdfm_eye")
    assert answer.returncode == 5
    assert "no server is running" in answer.stderr


def test_a_data_folder_that_is_not_there_is_a_usage_error_and_is_not_made(tmp_path):
    for command in ("verify", "status"):
        answer = cameo(command, "--data", tmp_path / "nowhere", cwd=tmp_path)
        assert answer.returncode == 2, answer
    assert not (tmp_path / "nowhere").exists()


def test_a_second_server_on_the_same_data_is_refused(registered):
    answer = registered.cameo("serve", "--data", registered.data, "--s3-listen", "127.0.0.1:0", json_lines=False)
    assert answer.returncode == 2
    assert "another server is running" in answer.stderr


def test_the_running_server_tells_where_it_is_to_its_owner_only(registered):
    announced = registered.data / "serve.json"
    running = json.loads(announced.read_text())
    assert running["pid"] == registered.process.pid
    assert [running[name] for name in ("s3", "images", "console")] == [
        registered.s3_url,
        registered.images_url,
        registered.console_url,
    ]
    assert stat.S_IMODE(os.stat(announced).st_mode) == 0o600


def test_a_start_reads_the_rows_again_only_under_another_address(tmp_path):
    """What a start notes, and what it says of rows that lead elsewhere."""
    here, there = "https://image.example", "https://elsewhere.example"

    def started(address):
        server = Server(tmp_path / "data", "--public-url", address)
        begin = server.log.stat().st_size if server.log.exists() else 0
        return server, lambda: server.log.read_bytes()[begin:].decode()

    def checked(server, base):
        deadline = time.monotonic() + 60
        while server.sqlite("SELECT base FROM cameo_checked_addresses") != [{"base": base}]:
            assert time.monotonic() < deadline, "the rows were not read"
            time.sleep(0.05)

    def warned(log):
        deadline = time.monotonic() + 60
        while '"rows":4' not in log():
            assert time.monotonic() < deadline, log()
            time.sleep(0.05)

    server, log = started(here)
    with server:
        checked(server, here)
        server.put("1_0.jpg", photos.draw("addresses"))
        server.wait_until_quiet()
        first = server.sqlite("SELECT checked_at FROM cameo_checked_addresses")
    server, log = started(here)
    with server:
        server.put("1_1.jpg", b"no photo")
        server.wait_until_quiet()
        assert server.sqlite("SELECT checked_at FROM cameo_checked_addresses") == first, "the rows were read again"
    for _ in range(2):
        server, log = started(there)
        with server:
            warned(log)
            assert server.sqlite("SELECT base FROM cameo_checked_addresses") == []
    with started(there)[0] as server:
        assert server.cameo("reconcile", "--apply").returncode == 0
    with started(there)[0] as server:
        checked(server, there)


def test_a_first_start_makes_a_key_pair_shows_it_once_and_keeps_it_for_the_owner(tmp_path):
    server = Server(tmp_path / "data")
    server.environment = lambda: bare_environment(tmp_path)
    with server:
        kept = server.data / "credentials.json"
        pair = json.loads(kept.read_text())
        assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(server.data).st_mode) == 0o700
    assert pair["secret_access_key"] not in server.log.read_text()
    with server:
        assert json.loads(kept.read_text()) == pair


@pytest.mark.parametrize("configuration", ["[server]\ndatta = 'x'\n", "[nonsense]\nkey = 1\n", "[limits]\noriginal = 'many'\n", "not toml"])
def test_a_configuration_that_is_not_understood_is_a_usage_error(tmp_path, configuration):
    (tmp_path / "cameo.toml").write_text(configuration)
    answer = cameo("serve", "--data", tmp_path / "data", json_lines=False, cwd=tmp_path)
    assert answer.returncode == 2
    assert "cameo.toml" in answer.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["explain", "file.nonsense"],
        ["verify", "--vertical", "a/b"],
        ["verify", "--ids", "seven"],
        ["verify", "--ids-from", "no-such-list.txt"],
        ["verify", "folder-without-vertical"],
        ["nonsense"],
        ["serve", "--s3-listen", "everywhere"],
        ["demo", "no-such-folder", "--vertical", "ssgdfm_eye"],
        ["render", "no-such-file.jpg", "--out", "out"],
        ["render"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(tmp_path, words):
    answer = cameo(*words, json_lines=False, cwd=tmp_path)
    assert answer.returncode == 2, answer
    assert any(word in answer.stderr for word in words) and not answer.stdout


def test_explain_tells_a_code_in_both_languages(tmp_path):
    (told,) = cameo("explain", "file.truncated", cwd=tmp_path).lines
    assert told["code"] == "file.truncated" and told["rejects"] is True
    assert set(told) == {"code", "rejects", "owner", "english", "action_english", "korean", "action_korean"}
    assert len(cameo("explain", cwd=tmp_path).lines) > 15


def test_render_answers_a_line_a_file_in_the_order_of_the_files(tmp_path):
    files = {"wide.jpg": photos.draw("wide", (800, 400)), "9_0.jpg": photos.draw_png("9_0"), "empty.jpg": b""}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    answer = cameo("render", *files, "--out", "renditions", cwd=tmp_path)
    assert answer.returncode == 4
    assert [line["file"] for line in answer.lines] == list(files)
    wide, png, empty = answer.lines
    assert set(wide) == RENDERED and set(png) == set(empty) == RENDERED | {"detail"}
    assert (wide["state"], wide["reason"], wide["width"], wide["height"]) == ("rendered", None, 800, 400)
    assert {tuple(rendition) for rendition in wide["renditions"]} and all(set(r) == RENDITION for r in wide["renditions"])
    sizes = {r["image_size"]: (r["width"], r["height"]) for r in wide["renditions"]}
    assert sizes == {"sq": (320, 320), "ve": (480, 640), "ho": (640, 360), "or": (800, 400)}
    for rendition in wide["renditions"]:
        written = (tmp_path / rendition["path"]).read_bytes()
        assert len(written) == rendition["bytes"] and written.startswith(b"\xff\xd8\xff")
    assert [(line["state"], line["reason"]) for line in (png, empty)] == [
        ("rejected", "file.not_jpeg"),
        ("rejected", "file.empty"),
    ]
    assert len(list((tmp_path / "renditions").iterdir())) == 4


def test_rendering_good_files_ends_with_0_and_a_dry_run_writes_nothing(tmp_path):
    (tmp_path / "1_0.jpg").write_bytes(photos.draw("1_0"))
    assert cameo("render", "1_0.jpg", "--out", "dry", "--dry-run", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "dry").exists()
    assert cameo("render", "1_0.jpg", "--out", "wet", cwd=tmp_path).returncode == 0


def test_the_demo_shows_the_whole_flow_and_leaves_nothing(tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = bare_environment(tmp_path) | {"TMPDIR": str(temporary)}
    shown = cameo("demo", json_lines=False, cwd=tmp_path, env=environment)
    assert shown.returncode == 0, shown
    assert "12 entities, 16 originals, 64 rows: 12 complete" in shown.stdout
    assert shown.stdout.count("/sample_shop/sq/") == 16
    assert list(temporary.iterdir()) == []


def test_the_demo_takes_a_persons_own_photos(tmp_path):
    folder = photos.deliver(tmp_path / "delivery")
    answer = cameo("demo", folder, "--vertical", "ssgdfm_eye", cwd=tmp_path)
    assert (answer.returncode, answer.lines[-1]["summary"]["rows"]) == (0, 52)
