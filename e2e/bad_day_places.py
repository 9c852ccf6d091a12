"""Where a bad day is played: one process and one folder, or S3, SQS and MariaDB with workers beside a server."""

import contextlib
import json
import sqlite3
import subprocess
import time

from aws import databases, stack
from aws.emulator import Emulator
from aws.workers import Process, started
from handed_over import photo
from server import ACCESS_KEY, CAMEO, IMAGE_BUCKET, SECRET_KEY, TABLE, UPLOAD_BUCKET, Server, bare_environment

GIVE_UP_S = 300
LOOK_EVERY_S = 0.1


def half(number):
    """A photo of which half is left."""
    content = photo(number)
    return content[: len(content) // 2]


def made_token(command, environment, cwd, name, role, vertical):
    words = ["token", "create", "--name", name, "--role", role, *(["--vertical", vertical] if vertical else []), "--json"]
    made = subprocess.run([CAMEO, *words, *command], capture_output=True, text=True, env=environment, cwd=cwd)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)["token"]


class Embedded:
    """`cameo serve` over a folder."""

    NAME = "embedded"
    STATE_OF_A_LOST_EVENT = "different"

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.server = Server(folder / "data")

    def __enter__(self):
        self.server.start()
        # A server that is started again must be found where it was.
        self.server.addresses = {"console": self.url.removeprefix("http://"), "s3": self.server.s3_url.removeprefix("http://")}
        return self

    def __exit__(self, *failure):
        return self.server.__exit__(*failure)

    @property
    def url(self):
        return self.server.console_url

    def token(self, name, role, vertical):
        about = ["--data", self.server.data]
        return made_token(about, self.server.environment(), self.server.data.parent, name, role, vertical)

    def originals(self):
        return self.server.sqlite(f"SELECT count(*) AS n FROM cameo_objects WHERE bucket = '{UPLOAD_BUCKET}' AND object_key LIKE 'origin/%'")[0]["n"]

    def damage(self, vertical, *, original, rendition, row, alias, event, truncated):
        self.server.put(f"{truncated}_0.jpg", half(truncated), vertical)
        self.server.wait_until_quiet()
        self.server.stop()
        flags, self.server.flags = self.server.flags, (*self.server.flags, "--no-worker")
        self.server.start()
        # Changed while nobody works, and then the message is gone.
        self.server.put(f"{event}_0.jpg", photo(event + 5000), vertical)
        self.server.stop()
        self.server.flags = flags
        with contextlib.closing(sqlite3.connect(self.server.data / "cameo.db")) as database, database:
            gone = lambda bucket, key: database.execute("DELETE FROM cameo_objects WHERE bucket = ? AND object_key = ?", (bucket, key)).rowcount
            assert gone(UPLOAD_BUCKET, f"origin/{vertical}/{original}_0.jpg") == 1
            assert gone(IMAGE_BUCKET, f"{vertical}/ve/{rendition}_ve_0.jpg") == 1
            assert gone(IMAGE_BUCKET, f"{vertical}/sq/{alias}.jpg") == 1
            assert database.execute(f"DELETE FROM {TABLE} WHERE cd_idx = ? AND image_size = 'ho'", (row,)).rowcount == 1
            assert database.execute("DELETE FROM cameo_messages").rowcount == 1
        self.server.start()


class Distributed:
    """The same on S3, SQS and MariaDB: `cameo serve` for console and API, `cameo worker` for the work."""

    NAME = "distributed"
    # Nobody can see what is in a queue of SQS, so an event that was lost may also be on its way.
    STATE_OF_A_LOST_EVENT = "pending"

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.folder = folder
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.database = self.stack.enter_context(databases.MariaDb(self.folder / "db"))
        self.emulator = self.stack.enter_context(Emulator(self.folder / "aws"))
        stack.deploy(self.emulator, "workers")
        self.environment = bare_environment(self.folder) | self.emulator.environment() | {
            "CAMEO_CATALOG_URL": self.database.url,
            "CAMEO_IMAGES_PUBLIC_URL": f"{self.emulator.url}/{IMAGE_BUCKET}",
        }
        self.workers = self.stack.enter_context(contextlib.ExitStack())
        self.workers.enter_context(started(1, self.folder, self.environment))
        words = ("serve", "--no-worker", "--images-listen", "off", "--console-listen", "127.0.0.1:0")
        self.server = self.stack.enter_context(Process(self.folder / "serve.log", self.environment, *words))
        return self

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)

    @property
    def url(self):
        return self.server.ready["console"]

    def token(self, name, role, vertical):
        return made_token([], self.environment, self.folder, name, role, vertical)

    @property
    def s3(self):
        return self.emulator.client("s3")

    def originals(self):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=UPLOAD_BUCKET, Prefix="origin/")
        return sum(len(page.get("Contents", [])) for page in pages)

    def wait_until_quiet(self):
        deadline = time.monotonic() + GIVE_UP_S
        sqs = self.emulator.client("sqs")
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        while True:
            urls = [url for url in sqs.list_queues()["QueueUrls"] if "dead" not in url]
            waiting = sum(int(n) for url in urls for n in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())
            if waiting == 0:
                return
            assert time.monotonic() < deadline, f"{waiting} messages still wait"
            time.sleep(LOOK_EVERY_S)

    def damage(self, vertical, *, original, rendition, row, alias, event, truncated):
        s3 = self.s3
        s3.put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/{vertical}/{truncated}_0.jpg", Body=half(truncated))
        self.wait_until_quiet()
        # Without its notifications the store says nothing of what happens to it.
        told = s3.get_bucket_notification_configuration(Bucket=UPLOAD_BUCKET)
        told.pop("ResponseMetadata", None)
        s3.put_bucket_notification_configuration(Bucket=UPLOAD_BUCKET, NotificationConfiguration={})
        s3.put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/{vertical}/{event}_0.jpg", Body=photo(event + 5000))
        s3.delete_object(Bucket=UPLOAD_BUCKET, Key=f"origin/{vertical}/{original}_0.jpg")
        s3.put_bucket_notification_configuration(Bucket=UPLOAD_BUCKET, NotificationConfiguration=told)
        s3.delete_object(Bucket=IMAGE_BUCKET, Key=f"{vertical}/ve/{rendition}_ve_0.jpg")
        s3.delete_object(Bucket=IMAGE_BUCKET, Key=f"{vertical}/sq/{alias}.jpg")
        self.database.sql(f"DELETE FROM {TABLE} WHERE cd_idx = {row} AND image_size = 'ho'")


KINDS = (Embedded, Distributed)
