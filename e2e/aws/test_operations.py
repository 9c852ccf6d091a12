"""What operators do with a system beyond one machine: a database that goes away, a window, a console, tables and photos that
were there before. One emulator and one MariaDB for all of it; workers come and go."""

import re
import time
import urllib.request
from datetime import datetime, timedelta, timezone

import boto3
import photos
import places
import pytest
from aws import databases, stack, workers
from aws.elsewhere import COMPLETE_S, LOOK_EVERY_S, MESSAGES, VERTICAL, Elsewhere, installed, objects
from aws.emulator import Emulator
from aws_cli import AwsCli
from server import IMAGE_BUCKET, UPLOAD_BUCKET, Server, bare_environment, cameo

EVERYTHING = "SELECT * FROM celeb_image_url ORDER BY idx"


@pytest.fixture(scope="module")
def system(folder):
    installed(databases.MariaDb)
    with databases.MariaDb(folder / "db") as database, Emulator(folder / "aws") as emulator:
        stack.deploy(emulator, "workers")
        yield Elsewhere(emulator, database, folder)


@pytest.fixture(scope="module")
def registered(system, delivery):
    """The system with the delivery in it, after its database was away while the delivery came."""
    with workers.started(2, system.folder, system.environment()):
        system.database.stop()
        system.upload(delivery)
        wait_until(lambda: len(objects(system.emulator.client("s3"))) >= 52)
        system.database.start()
        system.wait_until_complete(delivery)
        system.assert_nothing_waits()
    return system


def wait_until(holds):
    deadline = time.monotonic() + COMPLETE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(LOOK_EVERY_S)


def test_a_database_that_was_away_rejects_nothing_and_burns_nothing(registered):
    status = registered.cameo("status")
    assert status.returncode == 0, status.stdout
    assert {line["state"] for line in status.lines if line["kind"] == "count"} == {"serving"}


def test_console_and_images_stand_beside_it_without_an_endpoint(registered, delivery):
    off = ("--images-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0", "--no-worker")
    with workers.Process(registered.folder / "serve.log", registered.environment(), "serve", *off) as server:
        assert server.ready["s3"] is None
        page = urllib.request.urlopen(f"{server.ready['console']}/verticals/{VERTICAL}?lang=en").read().decode()
        assert page.count('class="entity complete"') == 10 or page.count("complete") >= 10, page
        image = urllib.request.urlopen(f"{server.ready['images']}/{VERTICAL}/sq/351518_sq_0.jpg")
        stored = registered.emulator.client("s3").get_object(Bucket=IMAGE_BUCKET, Key=f"{VERTICAL}/sq/351518_sq_0.jpg")
        assert image.read() == stored["Body"].read()
        verified = registered.cameo("verify", delivery, "--vertical", VERTICAL, "--images-url", server.ready["images"])
        assert verified.returncode == 0, verified.stdout


def test_reconcile_mends_what_was_lost(registered, delivery):
    s3 = registered.emulator.client("s3")
    s3.delete_object(Bucket=IMAGE_BUCKET, Key=f"{VERTICAL}/sq/351519_sq_0.jpg")
    assert registered.verify(delivery).returncode == 7
    images = ("--images-url", f"{registered.emulator.url}/{IMAGE_BUCKET}")
    would = registered.cameo("reconcile", *images)
    assert (would.returncode, would.lines[0]["keys"]) == (5, [f"origin/{VERTICAL}/351519_0.jpg"])
    assert registered.cameo("reconcile", *images, "--apply").returncode == 5
    with workers.started(1, registered.folder, registered.environment()):
        registered.wait_until_complete(delivery)
        registered.assert_nothing_waits()
    assert registered.cameo("reconcile", *images).returncode == 0


def test_what_stands_is_adopted_and_not_one_row_or_object_changes(registered, delivery):
    rows, s3 = registered.database.sql(EVERYTHING), registered.emulator.client("s3")

    def written():
        return {found["Key"]: found["LastModified"] for found in s3.list_objects_v2(Bucket=IMAGE_BUCKET)["Contents"]}

    before = written()
    for table in ("cameo_originals", "cameo_entities"):
        registered.database.sql(f"DELETE FROM {table}")
    assert registered.verify(delivery).returncode == 5
    assert registered.cameo("adopt", "--dry-run").lines[-1]["summary"] == counted(adopted=13, dry_run=True)
    assert registered.verify(delivery).returncode == 5
    assert registered.cameo("adopt").lines[-1]["summary"] == counted(adopted=13)
    assert (registered.database.sql(EVERYTHING), written()) == (rows, before)
    assert registered.verify(delivery).returncode == 0
    assert registered.cameo("adopt").lines[-1]["summary"] == counted(known=13)


def test_what_does_not_stand_whole_is_left_and_told(registered, delivery):
    of = "cd_idx = 351520 AND image_size = 've'"
    for table in ("cameo_originals", "cameo_entities"):
        registered.database.sql(f"DELETE FROM {table}")
    registered.database.sql(f"UPDATE celeb_image_url SET etag = 'other' WHERE {of}")
    answer = registered.cameo("adopt")
    assert (answer.returncode, answer.lines[-1]["summary"]) == (7, counted(adopted=12, left=1))
    (left,) = [line for line in answer.lines if line.get("state") == "left"]
    assert "351520" in left["photo"] and "ve" in left["detail"]
    assert registered.cameo("reconcile", "--images-url", f"{registered.emulator.url}/{IMAGE_BUCKET}", "--apply").returncode == 5
    with workers.started(1, registered.folder, registered.environment()):
        registered.wait_until_complete(delivery)


def counted(adopted=0, known=0, left=0, dry_run=False):
    return {"adopted": adopted, "known": known, "left": left, "dry_run": dry_run}


def test_outside_the_window_photos_wait_and_it_is_told(registered, folder):
    now = datetime.now(timezone.utc)
    window = {
        "CAMEO_REGISTER_WHEN": "window",
        "CAMEO_REGISTER_WINDOW_FROM": f"{now + timedelta(hours=2):%H:%M}",
        "CAMEO_REGISTER_WINDOW_UNTIL": f"{now + timedelta(hours=3):%H:%M}",
        "CAMEO_REGISTER_WINDOW_TIME_ZONE": "UTC",
    }
    late = folder / "late"
    late.mkdir()
    (late / "7_0.jpg").write_bytes(photos.draw("7_0"))
    environment = registered.environment() | window
    with workers.started(1, registered.folder, environment):
        registered.upload(late)
        wait_until(lambda: f"{VERTICAL}/or/7_or_0.jpg" in objects(registered.emulator.client("s3")))
        status = registered.cameo("status", environment=environment)
        (waiting,) = [line for line in status.lines if line.get("queue") == MESSAGES[1]]
    assert status.returncode == 5
    assert (waiting["visible"], waiting["waiting"]) == (1, "window.closed")
    assert waiting["registers_at"] == f"{window['CAMEO_REGISTER_WINDOW_FROM']} (UTC)"
    with workers.started(1, registered.folder, registered.environment()):
        registered.wait_until_complete(late)


OLD_TABLES = {
    databases.MariaDb: """CREATE TABLE old_images (no INT NOT NULL PRIMARY KEY AUTO_INCREMENT, section VARCHAR(20) NOT NULL,
        celeb_idx INT NOT NULL, image_size VARCHAR(16) NOT NULL, sequence SMALLINT NOT NULL, url VARCHAR(100) NOT NULL,
        owner VARCHAR(30) NOT NULL, regist_date DATETIME NOT NULL, update_date DATETIME NOT NULL)""",
    databases.Postgres: """CREATE TABLE old_images (no SERIAL PRIMARY KEY, section VARCHAR(20) NOT NULL,
        celeb_idx INT NOT NULL, image_size VARCHAR(16) NOT NULL, sequence SMALLINT NOT NULL, url VARCHAR(100) NOT NULL,
        owner VARCHAR(30) NOT NULL, regist_date TIMESTAMP NOT NULL, update_date TIMESTAMP NOT NULL)""",
}
MAPPED = """[catalog]
table = "old_images"
[catalog.columns]
idx = "no"
vertical = "section"
cd_idx = "celeb_idx"
image_url = "url"
"""


@pytest.mark.parametrize("kind", OLD_TABLES, ids=lambda kind: kind.__name__)
def test_the_doctor_says_what_makes_an_old_table_fit(kind, registered, folder, tmp_path_factory):
    installed(kind)
    home = tmp_path_factory.mktemp("old")
    with kind(home / "db") as database:
        database.sql(OLD_TABLES[kind])
        system = Elsewhere(registered.emulator, database, home)
        (home / "cameo.toml").write_text(MAPPED)
        answer = system.cameo("doctor")
        misfits = [line for line in answer.lines if line["what"] == "table"]
        assert answer.returncode == 2 and len(misfits) >= 7, answer.stdout
        for misfit in misfits:
            database.sql(misfit["ddl"])
        healthy = system.cameo("doctor")
        assert (healthy.returncode, [line for line in healthy.lines if line["health"] == "bad"]) == (0, [])
        one = home / "one"
        one.mkdir()
        (one / "8_0.jpg").write_bytes(photos.draw("8_0"))
        with workers.started(1, home, system.environment()):
            system.upload(one)
            system.wait_until_complete(one)
        assert re.search(r"\b8\b", database.sql("SELECT celeb_idx FROM old_images"))


def test_the_doctor_says_who_does_not_let_us_in(registered):
    wrong = {"CAMEO_CATALOG_URL": registered.database.url.replace("root@", "nobody:wrong@")}
    answer = registered.cameo("doctor", environment=registered.environment() | wrong)
    assert answer.returncode == 6 and "wrong" not in answer.stdout, answer.stdout


def test_an_embedded_server_may_have_its_rows_elsewhere(tmp_path):
    """Uploads, images and queues are those of one process; the table is in a server that an application reads."""
    installed(databases.MariaDb)
    delivery, keys = photos.deliver(tmp_path / "delivery"), {"CAMEO_ACCESS_KEY_ID": "key", "CAMEO_SECRET_ACCESS_KEY": "secret-of-key"}
    with databases.MariaDb(tmp_path / "db") as database:
        environment = bare_environment(tmp_path) | keys | {"CAMEO_CATALOG_URL": database.url}
        listen = [word for what in ("s3", "images", "console") for word in (f"--{what}-listen", "127.0.0.1:0")]
        with workers.Process(tmp_path / "serve.log", environment, "serve", *listen, "--data", tmp_path / "data") as server:
            s3 = boto3.client("s3", endpoint_url=server.ready["s3"], aws_access_key_id="key", aws_secret_access_key="secret-of-key", region_name="x")
            for photo in delivery.iterdir():
                s3.put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/{VERTICAL}/{photo.name}", Body=photo.read_bytes())
            about = ("--vertical", VERTICAL, "--data", tmp_path / "data")
            wait_until(lambda: cameo("verify", delivery, *about, cwd=tmp_path, env=environment).returncode == 0)
        assert len(database.rows()) == 52


def test_moving_there_and_back_gives_the_same_proof(registered, delivery, tmp_path):
    """As docs/aws.md tells it: copy the originals, let them be rendered, and verify on both sides."""
    aws, there = AwsCli(places.AWS_CLIS["current"], tmp_path), f"s3://{UPLOAD_BUCKET}/origin/moved"
    (tmp_path / "copy").mkdir()
    (tmp_path / "back").mkdir()
    with Server(tmp_path / "old") as old:
        for photo in delivery.iterdir():
            old.put(photo.name, photo.read_bytes(), vertical="moved")
        old.wait_until_quiet()
        before = proven(old.cameo("verify", delivery, "--vertical", "moved"))
        rows = told(old.rows("vertical = 'moved'"))
        aws.s3(old, "sync", there, ".", cwd=tmp_path / "copy")
    with workers.started(1, registered.folder, registered.environment()):
        aws.s3(registered, "sync", ".", there, cwd=tmp_path / "copy")
        assert registered.wait_until_complete(tmp_path / "copy", "moved") == before
        assert told(row for row in registered.database.rows() if row["vertical"] == "moved") == rows
        aws.s3(registered, "sync", there, ".", cwd=tmp_path / "back")
    with Server(tmp_path / "new") as new:
        aws.s3(new, "sync", ".", there, cwd=tmp_path / "back")
        new.wait_until_quiet()
        assert proven(new.cameo("verify", tmp_path / "back", "--vertical", "moved")) == before
        assert told(new.rows("vertical = 'moved'")) == rows


def proven(answer):
    assert answer.returncode == 0, answer.stdout
    return answer.lines[-1]["summary"]


def told(rows):
    """Rows without what differs between any two systems."""
    host = ("image_url",)
    return [{column: row[column] for column in databases.ROW if column not in host} for row in rows]
