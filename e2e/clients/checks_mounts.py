"""Buckets mounted as folders: s3fs-fuse and `rclone mount`. They need /dev/fuse."""

import contextlib
import os
import shutil
import subprocess
import time

from clients.tools import TIMEOUT_S, Rclone
from server import ACCESS_KEY, SECRET_KEY

LOOK_EVERY_S = 0.05
NAME = "사진 😀.bin"


def missing(*programs):
    """What is not there of what a mount needs."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "NO /dev/fuse HERE"
    absent = [program for program in (*programs, "fusermount3") if shutil.which(program) is None]
    return f"{', '.join(absent)} NOT INSTALLED: run scripts/test" if absent else None


@contextlib.contextmanager
def mounted(command, environment, folder):
    """The folder while the command serves it."""
    folder.mkdir()
    log = (folder.parent / "mount.log").open("w+")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not os.path.ismount(folder):
            ended = process.poll() is not None
            assert not ended and time.monotonic() < deadline, log.seek(0) or log.read()
            time.sleep(LOOK_EVERY_S)
        yield folder
    finally:
        subprocess.run(["fusermount3", "-u", str(folder)], check=False, timeout=TIMEOUT_S)
        process.wait(TIMEOUT_S)
        log.close()


def s3fs(server, bucket, tmp_path):
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    passwords.write_text(f"{ACCESS_KEY}:{SECRET_KEY}")
    options = [f"url={server.s3_url}", f"passwd_file={passwords}", "use_path_request_style", "endpoint=us-east-1",
               "multipart_size=5", "retries=1", "sigv4"]
    flags = [word for option in options for word in ("-o", option)]
    return mounted(["s3fs", bucket, str(tmp_path / "mount"), "-f", *flags], {"PATH": os.environ["PATH"]}, tmp_path / "mount")


def rclone(server, bucket, tmp_path):
    tool = Rclone(shutil.which("rclone"), server, tmp_path)
    command = [tool.program, *tool.options(), "mount", f"c:{bucket}", str(tmp_path / "mount"), "--vfs-cache-mode", "writes",
               "--vfs-write-back", "0", "--dir-cache-time", "0", "--cache-dir", str(tmp_path / "cache")]
    return mounted(command, tool.environment(), tmp_path / "mount")


def written_by(s3, bucket, key, body):
    """Waits until the mount has written a file: some do so after it is closed."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
        if [item["Key"] for item in listed if item["Size"] == len(body)] == [key]:
            return s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
        assert time.monotonic() < deadline, listed
        time.sleep(LOOK_EVERY_S)


def works_as_a_folder(mount, server, bucket, tmp_path):
    s3, body = server.s3(), os.urandom(9 << 20)
    s3.put_object(Bucket=bucket, Key="before.txt", Body=b"there before")
    with mount(server, bucket, tmp_path) as folder:
        assert (folder / "before.txt").read_bytes() == b"there before"
        (folder / "a").mkdir()
        (folder / "a" / NAME).write_bytes(body)
        assert written_by(s3, bucket, f"a/{NAME}", body)
        assert (folder / "a" / NAME).read_bytes() == body
        shutil.copyfile(folder / "a" / NAME, folder / "copied.bin")
        assert written_by(s3, bucket, "copied.bin", body)
        (folder / "copied.bin").rename(folder / "a" / "moved.bin")
        assert written_by(s3, bucket, "a/moved.bin", body)
        shutil.copytree(folder / "a", folder / "synced", copy_function=shutil.copyfile)
        assert written_by(s3, bucket, f"synced/{NAME}", body) and written_by(s3, bucket, "synced/moved.bin", body)
        assert sorted(os.listdir(folder / "synced")) == sorted([NAME, "moved.bin"])
        (folder / "a" / NAME).unlink()
    left = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert "copied.bin" not in left and f"a/{NAME}" not in left, left
    assert {"before.txt", "a/moved.bin"} <= left, left


ALL = {"s3fs": s3fs, "rclone-mount": rclone}
