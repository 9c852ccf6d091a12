"""Webhooks as whoever receives them meets them: every event, signatures verified by the library of the convention, receivers that fail in
every way, servers that are killed, and addresses that must not be reached."""

import hashlib
import json
import time
import urllib.error
import urllib.request

import pytest

import photos
from server import UPLOAD_BUCKET, Server
from webhook_receiver import Receiver

QUICK = """
[webhooks]
allow_private = {private}
poll = "50ms"
settle = "200ms"
delivery_quiet = "1s"
timeout = "700ms"
retry = ["100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms"]
"""


def configure(tmp_path, private=True):
    (tmp_path / "cameo.toml").write_text(QUICK.format(private=str(private).lower()))


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def quick(tmp_path):
    """A server that may reach this machine and waits for nothing long."""
    configure(tmp_path)
    with Server(tmp_path / "data") as server:
        yield server


def webhook(server, *words, code=0):
    """The JSON of `cameo webhook`."""
    ended = server.cameo("webhook", *words, "--data", server.data)
    assert ended.returncode == code, ended
    return ended.lines


def create(server, url, *flags):
    made = webhook(server, "create", url, *flags)[0]
    assert made["secret"].startswith("whsec_")
    return made


def api(server, method, path, body=None):
    """What the API answers to somebody on this machine who needs no token yet."""
    headers = {"content-type": "application/json", "x-cameo-client": "e2e"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.console_url + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def record(server, files):
    """Records a delivery of these files, as push does before it sends them."""
    named = [
        {"name": name, "size": len(data), "md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    ]
    return api(server, "POST", "/api/v1/deliveries", {"vertical": "ssgdfm_eye", "files": named})["delivery"]


def types(received):
    return [json.loads(each.body)["type"] for each in received]


def has(*wanted):
    """Whether at least these types came."""
    return lambda received: all(types(received).count(one) >= wanted.count(one) for one in wanted)


def test_each_of_the_six_events_comes_signed(quick, receiver):
    secret = create(quick, receiver.url(), "--description", "everything")["secret"]
    quick.put("1_0.jpg", photos.draw("1_0"))
    receiver.wait(has("entity.completed"))
    quick.put("1_0.jpg", photos.draw("1_0 again"))
    receiver.wait(has("image.replaced"))
    quick.put("9_0.jpg", photos.draw_png("9_0"))
    receiver.wait(has("original.rejected"))
    quick.s3().delete_object(Bucket=UPLOAD_BUCKET, Key="origin/ssgdfm_eye/1_0.jpg")
    receiver.wait(has("image.removed"))
    good = {f"{n}_0.jpg": photos.draw(f"{n}_0") for n in (21, 22)}
    delivered = record(quick, good)
    for name, data in good.items():
        quick.put(name, data)
    receiver.wait(has("delivery.completed"))
    mixed = {"31_0.jpg": photos.draw("31_0"), "32_0.jpg": photos.draw_png("32_0"), "33_0.jpg": photos.draw("33_0")}
    half = record(quick, mixed)
    # One of them never comes.
    for name in ("31_0.jpg", "32_0.jpg"):
        quick.put(name, mixed[name])
    received = receiver.wait(has("delivery.failed"))

    messages = [each.verified(secret) for each in received]
    assert all(set(message) == {"type", "timestamp", "data"} for message in messages)
    assert len({each.id for each in received}) == len(received), "nothing was sent twice"
    of = {kind: [message["data"] for message in messages if message["type"] == kind] for kind in set(types(received))}
    completed = of["entity.completed"]
    assert [entity["cd_idx"] for entity in completed].count(1) == 1, "a photo that is replaced completes nothing again"
    assert {(1, (0,)), (21, (0,)), (22, (0,)), (31, (0,))} <= {(e["cd_idx"], tuple(e["sequences"])) for e in completed}
    assert sorted(completed[0]["image_sizes"]) == ["ho", "or", "sq", "ve"]
    assert [(change["key"], change["reason"]) for change in of["original.rejected"]] == [
        ("origin/ssgdfm_eye/9_0.jpg", "file.not_jpeg"),
        ("origin/ssgdfm_eye/32_0.jpg", "file.not_jpeg"),
    ]
    assert [change["cd_idx"] for change in of["image.replaced"] + of["image.removed"]] == [1, 1]
    assert [(d["delivery"], d["live"], d["failed"]) for d in of["delivery.completed"]] == [(delivered, 2, 0)]
    assert [(d["delivery"], d["photos"], d["live"], d["failed"]) for d in of["delivery.failed"]] == [(half, 3, 1, 2)]
    # The feed of changes says the same in the same words.
    changes = {change["position"]: change for change in api(quick, "GET", "/api/v1/changes")["items"]}
    for kind in ("original.rejected", "image.replaced", "image.removed"):
        assert all(changes[data["position"]] == data for data in of[kind])

    # What was missing comes later: the delivery ends again, otherwise. Nobody else is told what they did not ask for.
    quick.put("32_0.jpg", mixed["31_0.jpg"])
    quick.put("33_0.jpg", mixed["33_0.jpg"])
    receiver.wait(has("delivery.failed", "delivery.failed"))
    attempts = webhook(quick, "attempts", webhook(quick, "list")[0]["id"], "--limit", "1000")
    assert all(attempt["ok"] and attempt["status"] == 204 for attempt in attempts)
    assert {attempt["message"] for attempt in attempts} <= {each.id for each in receiver.at()}


def test_only_what_was_asked_for_comes(quick, receiver):
    create(quick, receiver.url("/eye"), "--event", "original.rejected", "--vertical", "ssgdfm_eye")
    create(quick, receiver.url("/all"))
    create(quick, receiver.url("/none"), "--disabled")
    quick.put("9_0.jpg", photos.draw_png("9_0"))
    quick.put("8_0.jpg", photos.draw_png("8_0"), vertical="ssgdfm_ear")
    quick.put("7_0.jpg", photos.draw("7_0"))
    receiver.wait(has("original.rejected", "original.rejected", "entity.completed"), "/all")
    assert [json.loads(each.body)["data"]["key"] for each in receiver.wait(lambda at: at, "/eye")] == ["origin/ssgdfm_eye/9_0.jpg"]
    assert receiver.at("/none") == []


def test_receivers_that_fail_in_any_way_get_it_in_the_end(quick, receiver):
    ways = {
        "/broken": (500, 502, 204),
        "/busy": ((429, {"Retry-After": "0"}), (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 204),
        "/hangs": ("hang", 204),
        "/moved": ((302, {"Location": receiver.url("/elsewhere")}), (307, {"Location": receiver.url("/elsewhere")}), 204),
        "/picky": (400, 404, 204),
    }
    secrets = {}
    for path, script in ways.items():
        receiver.answer(path, *script)
        secrets[path] = create(quick, receiver.url(path), "--event", "original.rejected")
    receiver.answer("/gone", 410)
    gone = create(quick, receiver.url("/gone"), "--event", "original.rejected")
    with Receiver() as closed:
        port = closed.port
    refused = create(quick, f"http://127.0.0.1:{port}/in", "--event", "original.rejected")
    quick.put("9_0.jpg", photos.draw_png("9_0"))
    for path, script in ways.items():
        received = receiver.wait(lambda at, wanted=len(script): len(at) == wanted, path)
        assert len({each.id for each in received}) == 1, "however often it is sent, it is the same message"
        assert len({each.body for each in received}) == 1
        assert all(each.is_signed_with(secrets[path]["secret"]) for each in received)
        assert not received[0].is_signed_with(secrets["/picky" if path != "/picky" else "/moved"]["secret"])
    assert receiver.at("/elsewhere") == [], "a redirect was followed"
    # Somebody starts it at last.
    with Receiver(port) as opened:
        opened.wait(lambda at: len(at) == 1)
    attempts = webhook(quick, "attempts", refused["id"])
    assert "refused" in attempts[-1]["error"] and attempts[-1]["status"] is None, attempts[-1]
    attempts = webhook(quick, "attempts", secrets["/broken"]["id"])
    assert [attempt["status"] for attempt in reversed(attempts)] == [500, 502, 204]
    assert attempts[-1]["answer"] == "says the receiver" and attempts[-1]["next"] is not None
    deadline = time.monotonic() + 30
    while webhook(quick, "list")[[w["id"] for w in webhook(quick, "list")].index(gone["id"])]["disabled_because"] != "gone":
        assert time.monotonic() < deadline
    assert len(receiver.at("/gone")) == 1
    # Enabled again, it gets what it missed.
    receiver.answer("/gone", 204)
    quick.put("8_0.jpg", photos.draw_png("8_0"))
    receiver.wait(lambda at: len(at) == len(ways["/broken"]) + 1, "/broken")
    assert len(receiver.at("/gone")) == 1
    webhook(quick, "enable", gone["id"])
    received = receiver.wait(lambda at: len({each.id for each in at}) == 2, "/gone")
    assert received[0].id in [each.id for each in received[1:]], "the message that was answered 410 waits, too"


def test_nothing_is_lost_where_the_server_is_killed(quick, receiver):
    quick.expect_clean_end = False
    receiver.answer("/in", "hang", 204)
    secret = create(quick, receiver.url())["secret"]
    quick.put("9_0.jpg", photos.draw_png("9_0"))
    receiver.wait(lambda at: at)
    quick.kill()
    receiver.held.set()
    quick.start()
    first, second = receiver.wait(lambda at: len(at) >= 2)[:2]
    assert first.id == second.id and first.body == second.body, "it is the same message again"
    # Killed right behind an upload, several times: whatever was acknowledged is heard of.
    for n in range(3):
        quick.put(f"{40 + n}_0.jpg", photos.draw_png(f"{n}"))
        quick.kill()
        quick.start()
    received = receiver.wait(has(*["original.rejected"] * 5))
    keys = {each.verified(secret)["data"]["key"] for each in received}
    assert keys == {f"origin/ssgdfm_eye/{name}_0.jpg" for name in (9, 40, 41, 42)}


def test_messages_are_replayed_and_secrets_replaced(quick, receiver):
    made = create(quick, receiver.url(), "--event", "original.rejected")
    for n in (8, 9):
        quick.put(f"{n}_0.jpg", photos.draw_png(f"{n}"))
    first = receiver.wait(lambda at: len(at) == 2)
    webhook(quick, "replay", made["id"], "--message", first[0].id)
    again = receiver.wait(lambda at: len(at) == 3)[-1]
    assert (again.id, again.body) == (first[0].id, first[0].body)
    assert webhook(quick, "replay", made["id"], "--since", "2020-01-01T00:00Z")[0] == {"messages": 2}
    receiver.wait(lambda at: len(at) == 5)
    assert {each.id for each in receiver.at()} == {each.id for each in first}
    webhook(quick, "replay", made["id"], "--message", "msg_unknown", code=2)

    # Both secrets count until the receiver has the new one.
    rotated = webhook(quick, "rotate", made["id"])[0]
    assert rotated["old_secret_until"] is not None and rotated["secret"] != made["secret"]
    tested = webhook(quick, "test", made["id"])[0]
    assert tested["ok"] and tested["type"] == "webhook.test"
    both = receiver.wait(lambda at: len(at) == 6)[-1]
    assert both.is_signed_with(made["secret"]) and both.is_signed_with(rotated["secret"])
    only = webhook(quick, "rotate", made["id"], "--at-once")[0]
    webhook(quick, "test", made["id"])
    last = receiver.wait(lambda at: len(at) == 7)[-1]
    assert last.is_signed_with(only["secret"])
    assert not last.is_signed_with(made["secret"]) and not last.is_signed_with(rotated["secret"])
    # Nothing that is shown afterwards has a secret in it.
    shown = json.dumps([webhook(quick, "list"), webhook(quick, "attempts", made["id"]), api(quick, "GET", "/api/v1/webhooks")])
    assert "whsec_" not in shown
    receiver.answer("/in", 500)
    failed = webhook(quick, "test", made["id"], code=5)[0]
    assert (failed["ok"], failed["status"], failed["answer"]) == (False, 500, "says the receiver")
    webhook(quick, "remove", made["id"])
    assert webhook(quick, "list") == []
    trail = (quick.data / "audit" / "audit.jsonl").read_text()
    assert f"webhook {made['id']}" in trail and "whsec_" not in trail


# The ways into somebody's network that were tried elsewhere.
PRIVATE = [
    "http://127.0.0.1:{port}/in",
    "https://127.0.0.1:{port}/in",
    "https://0.0.0.0:{port}/in",
    "https://127.1:{port}/in",
    "https://2130706433:{port}/in",
    "https://0x7f000001:{port}/in",
    "https://0177.0.0.1:{port}/in",
    "https://[::1]:{port}/in",
    "https://[::]:{port}/in",
    "https://[::ffff:127.0.0.1]:{port}/in",
    "https://[::ffff:7f00:1]:{port}/in",
    "https://[64:ff9b::127.0.0.1]:{port}/in",
    "https://[2002:7f00:1::]:{port}/in",
    "https://[::127.0.0.1]:{port}/in",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/latest/meta-data/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[ff02::1]/",
    "http://receiver.example/in",
    "https://user:password@receiver.example/in",
    "ftp://127.0.0.1:{port}/in",
    "file:///etc/passwd",
]


def test_no_private_address_is_reached(tmp_path, receiver):
    configure(tmp_path)
    server = Server(tmp_path / "data")
    with server:
        allowed = create(server, receiver.url(), "--event", "original.rejected")
        named = create(server, f"http://localhost:{receiver.port}/in", "--event", "original.rejected")
    # From now on nothing here may be reached, whatever was allowed before.
    configure(tmp_path, private=False)
    succeeded = []
    with server:
        refused = server.cameo("webhook", "create", receiver.url(), "--data", server.data)
        assert refused.returncode == 2, refused
        for url in PRIVATE:
            try:
                api(server, "POST", "/api/v1/webhooks", {"url": url.format(port=receiver.port)})
                succeeded.append(url)
            except urllib.error.HTTPError as refusal:
                assert (refusal.code, json.load(refusal)["code"]) == (422, "webhook.invalid"), url
        # A name says nothing: what it leads to is looked at when it is connected to.
        made = create(server, f"https://localhost:{receiver.port}/in", "--disabled")
        tested = webhook(server, "test", made["id"], code=5)[0]
        assert tested["status"] is None and "private address" in tested["error"], tested
        for made in (allowed, named):
            assert webhook(server, "test", made["id"], code=5)[0]["status"] is None
        server.put("9_0.jpg", photos.draw_png("9_0"))
        deadline = time.monotonic() + 30
        while not all(webhook(server, "attempts", made["id"])[0]["type"] == "original.rejected" for made in (allowed, named)):
            assert time.monotonic() < deadline
    assert (succeeded, receiver.received) == ([], [])
