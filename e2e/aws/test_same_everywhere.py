"""One delivery, four ways: embedded, by functions, by workers beside MariaDB, by workers beside PostgreSQL.

However it is run, the rows are the same, but for `idx`, the dates and the host of `image_url`, and the bytes are the same.
The buckets, the queues and the functions are those of deploy/aws/template.yaml, on an emulator.
"""

import json
import shutil
import subprocess
from urllib.parse import urlsplit

import places
import pytest
from aws import databases, stack, workers
from aws.elsewhere import MESSAGES, VERTICAL, Elsewhere, installed, objects
from aws.emulator import Emulator
from aws_cli import GIVE_UP_S
from server import UPLOAD_BUCKET, Server, bare_environment


@pytest.fixture(scope="module")
def embedded(folder, delivery):
    """Rows and objects of an embedded run."""
    with Server(folder / "data") as server:
        for photo in sorted(delivery.iterdir()):
            server.put(photo.name, photo.read_bytes())
        server.wait_until_quiet()
        rows = [{column: row[column] for column in databases.ROW} for row in server.rows()]
        return rows, objects(server.s3())


def without_host(rows):
    return [row | {"image_url": urlsplit(row["image_url"]).path} for row in rows]


def test_functions(folder, delivery, embedded):
    installed(databases.MariaDb)
    here = folder / "functions"
    with databases.MariaDb(here / "db") as database, Emulator(here / "aws") as emulator:
        stack.deploy(emulator, "functions", database.url)
        system = Elsewhere(emulator, database, here)
        system.upload(delivery)
        assert_same(system, embedded, delivery)
        assert_events_of_others_are_taken(system)


def assert_same(system, embedded, delivery):
    summary = system.wait_until_complete(delivery)
    rows, images = embedded
    assert (summary["complete"], summary["rows"]) == (10, 52)
    registered = system.database.rows()
    assert {urlsplit(row["image_url"]).netloc for row in registered} == {urlsplit(stack.PUBLIC_URL).netloc}
    assert without_host(registered) == without_host(rows)
    assert objects(system.emulator.client("s3")) == images
    system.assert_nothing_waits()


def assert_events_of_others_are_taken(system):
    """S3 and EventBridge may invoke `resize` themselves, and a schedule `dataset`."""
    functions, s3 = system.emulator.client("lambda"), system.emulator.client("s3")

    def invoke(name, event):
        answer = functions.invoke(FunctionName=f"MycelebsImageUpload-prod-{name}", Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    key = f"origin/{VERTICAL}/351518_0.jpg"
    head = s3.head_object(Bucket=UPLOAD_BUCKET, Key=key)
    of = {"key": key, "size": head["ContentLength"], "sequencer": "0"}
    etag, bucket = head["ETag"].strip('"'), {"name": UPLOAD_BUCKET}
    direct = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": bucket, "object": of | {"eTag": etag}}}
    assert invoke("resize", {"Records": [direct]}) is None
    detail = {"bucket": bucket, "object": of | {"etag": etag}}
    assert invoke("resize", {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}) is None
    assert invoke("resize", {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": UPLOAD_BUCKET}) is None
    assert "registered" in invoke("dataset", {"drain": True})
    bad = {"messageId": "m1", "body": "no JSON", "eventSource": "aws:sqs", "receiptHandle": "r"}
    good = bad | {"messageId": "m2", "body": '{"Event":"s3:TestEvent"}'}
    # What nobody can read is dead-lettered by the function, with its cause, and does not come again.
    assert invoke("resize", {"Records": [bad, good]}) == {"batchItemFailures": []}
    assert invoke("dataset", {"Records": [bad]}) == {"batchItemFailures": []}
    for queue in MESSAGES:
        dead = system.emulator.client("sqs").get_queue_url(QueueName=f"{queue}-dead")["QueueUrl"]
        assert letters_in(system.emulator.client("sqs"), dead) == ["no JSON"], queue


def letters_in(sqs, url):
    """The bodies of the messages in a dead-letter queue."""
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
    return [message["Body"] for message in found]


@pytest.mark.parametrize("kind", [databases.MariaDb, databases.Postgres], ids=lambda kind: kind.__name__)
def test_three_workers(kind, folder, delivery, embedded):
    installed(kind)
    here = folder / f"workers-{kind.__name__}"
    with kind(here / "db") as database, Emulator(here / "aws") as emulator:
        stack.deploy(emulator, "workers")
        system = Elsewhere(emulator, database, here)
        with workers.started(3, here, system.environment()):
            system.upload(delivery)
            assert_same(system, embedded, delivery)


def test_a_poison_message_is_set_aside_and_its_neighbours_go_on(folder, delivery):
    installed(databases.MariaDb)
    here = folder / "poison"
    with databases.MariaDb(here / "db") as database, Emulator(here / "aws") as emulator:
        stack.deploy(emulator, "workers")
        system = Elsewhere(emulator, database, here)
        one = folder / "one"
        one.mkdir()
        shutil.copy(sorted(delivery.iterdir())[0], one)
        sqs = emulator.client("sqs")
        for queue in MESSAGES:
            sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody="poison")
        environment = system.environment()
        with workers.started(1, here, environment, "--only=resize"):
            with workers.started(1, here, environment, "--only=register"):
                system.upload(one)
                system.wait_until_complete(one)
                status = system.cameo("status")
        assert status.returncode == 4, status.stdout
        dead = {line["queue"]: line["dead_letters"] for line in status.lines if line["kind"] == "queue"}
        assert all(len(letters) == 1 and "poison" in letters[0] for letters in dead.values()), dead


def test_a_configuration_that_cannot_work_is_one_clear_line(folder):
    base = bare_environment(folder)
    distributed = {"CAMEO_STORE_URL": "s3://?endpoint=http://127.0.0.1:1", "CAMEO_QUEUE_URL": "sqs://?endpoint=http://127.0.0.1:1"}
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    for environment, code, word in [
        ({}, 2, "cameo serve"),
        ({"CAMEO_STORE_URL": "s3:"}, 2, "queue.url"),
        ({"CAMEO_QUEUE_URL": "sqs:"}, 2, "store.url"),
        (distributed | keys, 2, "images.public_url"),
        (distributed | keys | {"CAMEO_IMAGES_PUBLIC_URL": "https://i.example"}, 5, "celebtide-image-upload"),
        ({"CAMEO_REGISTER_WINDOW_TIME_ZONE": "Asia/Nowhere"}, 2, "Asia/Nowhere"),
    ]:
        ended = subprocess.run(
            [places.CAMEO, "worker"], env=base | environment, cwd=folder, capture_output=True, text=True, timeout=GIVE_UP_S
        )
        (line,) = [line for line in ended.stderr.splitlines() if line.startswith("cameo: ")]
        assert (ended.returncode, word in line) == (code, True), ended
