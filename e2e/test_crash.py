"""What survives: kill -9 in the middle of an upload, SIGTERM in the middle of the work."""

import resource
import time
from concurrent.futures import ThreadPoolExecutor

import photos
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from server import UPLOAD_BUCKET, Server

PHOTOS = 300
ENTITIES = 150
KILL_AFTER_UPLOADS = 120
UPLOADS_AT_A_TIME = 8
TERM_PHOTOS = 60


@pytest.fixture(scope="module")
def delivery():
    """300 photos of 150 entities, of 100 kB or so, by file name."""
    # Drawing is slow; four pictures with grain, each told apart by a comment of its own, do as well.
    pictures = [photos.draw(f"picture {n}", grain=90) for n in range(4)]
    names = [f"{1000 + n // 2}_{n % 2}.jpg" for n in range(PHOTOS)]
    return {name: with_comment(pictures[n % 4], name) for n, name in enumerate(names)}


def with_comment(jpeg, text):
    """The JPEG with a comment segment after its start."""
    comment = text.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def upload_all(server, delivery, after_each=lambda: None):
    """Uploads side by side, as clients do; returns the names that were acknowledged."""
    s3 = server.s3()

    def upload(item):
        name, content = item
        try:
            s3.put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/ssgdfm_eye/{name}", Body=content)
        except (BotoCoreError, ClientError):
            return None
        after_each()
        return name

    with ThreadPoolExecutor(UPLOADS_AT_A_TIME) as pool:
        return {name for name in pool.map(upload, delivery.items()) if name}


def upload_until_killed(server, delivery):
    """Uploads, and kills the server when some have been acknowledged; returns those that were."""
    acknowledged = iter(range(PHOTOS))

    def kill_in_the_middle():
        if next(acknowledged, None) == KILL_AFTER_UPLOADS:
            server.process.kill()

    return upload_all(without_retries(server), delivery, kill_in_the_middle)


def without_retries(server):
    """The server through a client that gives up at once, so that a dead server costs no minutes."""

    class Impatient:
        @staticmethod
        def s3():
            client = server.s3()
            client.meta.config.retries = {"total_max_attempts": 1}
            client.meta.events.register("needs-retry.s3", lambda **_: None)
            return client

    return Impatient


def names_of_rows(server):
    rows = server.sqlite("SELECT cd_idx, sequence, image_size FROM celeb_image_url")
    return [(row["cd_idx"], row["sequence"], row["image_size"]) for row in rows]


def test_a_kill_in_the_middle_of_an_upload_loses_and_doubles_nothing(tmp_path, delivery):
    with Server(tmp_path / "data") as server:
        acknowledged = upload_until_killed(server, delivery)
        server.kill()
        assert KILL_AFTER_UPLOADS <= len(acknowledged) < PHOTOS, "the kill must hit the middle"

        server.start()
        assert server.temporary_files() == [], "the start removes what the kill left"
        listed = server.s3().get_paginator("list_objects_v2").paginate(Bucket=UPLOAD_BUCKET)
        stored = {content["Key"].rsplit("/", 1)[1] for page in listed for content in page.get("Contents", [])}
        assert acknowledged <= stored, f"acknowledged and lost: {acknowledged - stored}"

        assert upload_all(server, delivery) == set(delivery)
        server.wait_until_quiet()
        rows = names_of_rows(server)
        assert len(rows) == 4 * PHOTOS
        assert len(set(rows)) == 4 * PHOTOS
        verified = server.cameo("verify", "--vertical", "ssgdfm_eye")
        summary = verified.lines[-1]["summary"]
        assert (verified.returncode, summary["complete"], summary["rows"]) == (0, ENTITIES, 4 * PHOTOS), summary
        assert server.temporary_files() == []


def test_what_was_acknowledged_before_a_kill_is_registered_after_it(tmp_path, delivery):
    some = dict(list(delivery.items())[:40])
    with Server(tmp_path / "data") as server:
        assert upload_all(server, some) == set(some)
        server.kill()
        server.start()
        server.wait_until_quiet()
        assert len(set(names_of_rows(server))) == len(names_of_rows(server)) == 4 * len(some)
        assert server.cameo("verify").returncode == 0


def test_sigterm_during_work_ends_in_time_and_a_restart_finishes_the_rest(tmp_path, delivery):
    some = dict(list(delivery.items())[:TERM_PHOTOS])
    with Server(tmp_path / "data") as server:
        upload_all(server, some)
        took_s = server.stop()
        left = server.sqlite("SELECT count(*) AS n FROM cameo_messages")[0]["n"]
        print(f"SIGTERM took {took_s:.2f} s and left {left} messages")
        server.start()
        server.wait_until_quiet()
        assert server.cameo("verify").returncode == 0
        assert len(names_of_rows(server)) == 4 * TERM_PHOTOS


def test_one_photo_is_registered_soon(server, capsys):
    """Under 2 s on an idle machine; measured and told, not asserted: a busy machine proves nothing."""
    content = photos.draw("1_0", size=(2000, 1500))
    begin = time.monotonic()
    server.put("1_0.jpg", content)
    uploaded_s = time.monotonic() - begin
    while len(server.rows()) < 4:
        assert time.monotonic() - begin < 300
    with capsys.disabled():
        print(f"\none photo: uploaded in {uploaded_s:.2f} s, registered {time.monotonic() - begin - uploaded_s:.2f} s later")


def test_a_limit_on_file_sizes_refuses_like_a_full_disk_and_heals(tmp_path):
    """`ulimit -f`: the signal that comes with it ends who does not listen."""
    with Server(tmp_path / "data") as server:
        put = lambda number, content: without_retries(server).s3().put_object(
            Bucket=UPLOAD_BUCKET, Key=f"origin/ssgdfm_eye/{number}_0.jpg", Body=content
        )
        limit = 8 * 1024 * 1024
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(ClientError) as refused:
            put(1, bytes(limit + 1))
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (503, 507), refused.value
        assert "full" in refused.value.response["Error"]["Message"], refused.value
        put(2, photos.draw("2_0"))
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        put(1, photos.draw("1_0"))
        server.wait_until_quiet()
        assert len(server.rows()) == 8
