"""The machine's clock is set, forwards and back, while the server works and while it is away: nothing waits for it, nothing is lost."""

import glob
import os
import subprocess
import sys

import pytest

import photos
from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET, Server

HOUR_S = 3600
YEAR_S = 365 * 24 * HOUR_S
UPLOAD = """
import sys, boto3
from botocore.config import Config
url, bucket, access, secret, key, path = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=url, aws_access_key_id=access, aws_secret_access_key=secret, region_name="us-east-1",
                  config=Config(retries={"max_attempts": 1}))
s3.put_object(Bucket=bucket, Key=key, Body=open(path, "rb").read())
"""


def library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        pytest.skip("libfaketime is not installed")
    return found[0]


class ClockedServer(Server):
    """A server whose wall clock is off by what a file says. Its monotonic clock is the machine's, as after a clock was set."""

    def environment(self):
        file = self.data.parent / "clock"
        return super().environment() | {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set_clock(self, off_s):
        file = self.data.parent / "clock"
        file.with_suffix(".new").write_text(f"{off_s:+d}")
        file.with_suffix(".new").replace(file)

    def upload(self, number):
        """From a client whose clock is the server's, as signatures need it."""
        photo = self.data.parent / f"{number}_0.jpg"
        photo.write_bytes(photos.draw(f"{number}_0"))
        words = [self.s3_url, UPLOAD_BUCKET, ACCESS_KEY, SECRET_KEY, f"origin/ssgdfm_eye/{number}_0.jpg", photo]
        clock = {name: value for name, value in self.environment().items() if name.startswith(("LD_", "FAKETIME_"))}
        subprocess.run([sys.executable, "-c", UPLOAD, *words], env=os.environ | clock, check=True, timeout=60)


def test_a_clock_that_is_set_holds_nothing_up(tmp_path):
    """Rule 6 of the promise: waiting uses a monotonic clock; generations never go back, with a clock set back neither."""
    server = ClockedServer(tmp_path / "data")
    server.set_clock(0)
    with server:
        number = 0
        for off_s in (0, HOUR_S, -24 * HOUR_S, 10 * YEAR_S, -YEAR_S, 0):
            server.set_clock(off_s)
            for restart in (False, True):
                if restart:
                    server.stop()
                    server.start()
                number += 1
                server.upload(number)
                server.wait_until_quiet()
                assert len(server.rows(f"cd_idx = {number}")) == 4, f"{off_s} s off, {restart=}"
        generations = server.sqlite("SELECT generation FROM cameo_originals ORDER BY cd_idx")
        assert [row["generation"] for row in generations] == sorted(row["generation"] for row in generations)
        verified = server.cameo("verify")
        assert verified.returncode == 0, verified
