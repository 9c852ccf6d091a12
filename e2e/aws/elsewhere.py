"""A system on the emulator, as an operator meets it: uploads by aws-cli, commands of Cameo by addresses."""

import hashlib
import subprocess
import time

import places
import pytest
from aws import databases, stack
from aws_cli import GIVE_UP_S
from server import IMAGE_BUCKET, UPLOAD_BUCKET, bare_environment, cameo

COMPLETE_S = 300
LOOK_EVERY_S = 0.5
VERTICAL = "ssgdfm_eye"
MESSAGES = ("mycelebs-image-upload-events", "mycelebs-image-upload")


def objects(s3):
    """MD5 of every object of the image bucket, by key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=IMAGE_BUCKET)
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    read = {key: s3.get_object(Bucket=IMAGE_BUCKET, Key=key)["Body"].read() for key in keys}
    return {key: hashlib.md5(body).hexdigest() for key, body in read.items()}


def installed(kind):
    missing = [name for name in kind.PROGRAMS if not databases.program(name)]
    if missing:
        pytest.skip(f"NOT INSTALLED: {missing} (apt)")
    if not places.MINISTACK.exists():
        pytest.skip(f"ministack IS NOT INSTALLED at {places.MINISTACK}: run scripts/test")


class Elsewhere:
    """A system on an emulator, as an operator meets it."""

    def __init__(self, emulator, database, folder):
        self.emulator = emulator
        self.database = database
        self.folder = folder

    def environment(self):
        addresses = {"CAMEO_CATALOG_URL": self.database.url, "CAMEO_IMAGES_PUBLIC_URL": stack.PUBLIC_URL}
        return bare_environment(self.folder) | self.emulator.environment() | addresses

    def upload(self, delivery):
        """The operator's command, with the address of the emulator."""
        there = f"s3://{UPLOAD_BUCKET}/origin/{VERTICAL}"
        words = ("s3", "cp", ".", there, "--recursive", "--include=*.jpg", "--endpoint-url", self.emulator.url)
        environment = self.environment() | {"AWS_DEFAULT_REGION": "ap-northeast-2"}
        aws = places.AWS_CLIS["current"]
        subprocess.run([aws, *words], cwd=delivery, env=environment, check=True, capture_output=True, timeout=GIVE_UP_S)

    def cameo(self, *words, environment=None):
        return cameo(*words, cwd=self.folder, env=environment or self.environment())

    @property
    def s3_url(self):
        return self.emulator.url

    def verify(self, delivery, vertical=VERTICAL):
        # The emulator serves the bucket under its own address.
        images = f"{self.emulator.url}/{IMAGE_BUCKET}"
        return self.cameo("verify", delivery, "--vertical", vertical, "--images-url", images)

    def wait_until_complete(self, delivery, vertical=VERTICAL):
        deadline = time.monotonic() + COMPLETE_S
        while (answer := self.verify(delivery, vertical)).returncode != 0:
            # 5: on its way; 2: no database yet, since whoever registers makes its tables.
            assert answer.returncode in (2, 5, 7), answer
            assert time.monotonic() < deadline, f"not complete after {COMPLETE_S} s: {answer.stdout[-2000:]}{answer.stderr}"
            time.sleep(LOOK_EVERY_S)
        return answer.lines[-1]["summary"]

    def assert_nothing_waits(self):
        deadline = time.monotonic() + COMPLETE_S
        while (answer := self.cameo("status")).returncode == 5:
            assert time.monotonic() < deadline, answer.stdout
            time.sleep(LOOK_EVERY_S)
        queues = {line["queue"]: line["dead"] for line in answer.lines if line["kind"] == "queue"}
        assert queues == dict.fromkeys(MESSAGES, 0)
