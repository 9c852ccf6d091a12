"""What every client must be able to do, by name. Each check has a bucket of its own."""

import os
import time
import urllib.error
import urllib.request

LARGE_BYTES = 9 << 20
DISPOSITION = 'attachment; filename="사진 1.jpg"'
# An empty file that is answered wrongly makes aws-cli wait for a minute.
STALL_S = 30
# A bucket with more keys than one page of a listing holds.
PAGED_BUCKET, PAGED_KEYS = "paged", 1100
KEYS = ["가나다/사진_0.jpg", "😀/이모지 👨‍👩‍👧.jpg", "a+b.jpg", "50%.jpg", "a%20b.jpg", "with space.jpg", "k" * 900, "a", "a/b", "a//b"]


def content(number):
    return f"content {number}\n".encode() * (number + 1)


def tree(folder, names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(number))


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Case:
    """What a check works with: the client, a folder, a bucket, and boto3 as a second opinion."""

    def __init__(self, tool, folder, bucket, s3):
        self.tool, self.folder, self.bucket, self.s3 = tool, folder, bucket, s3

    def body(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def file(self, name, body):
        path = self.folder / name
        path.write_bytes(body)
        return path


def cp(case):
    case.tool.put(case.file("one.bin", b"one"), f"{case.bucket}/folder/one.bin")
    assert case.body("folder/one.bin") == b"one"
    case.tool.get(f"{case.bucket}/folder/one.bin", case.folder / "back.bin")
    assert (case.folder / "back.bin").read_bytes() == b"one"


def cp_recursive(case):
    names = ["1_0.jpg", "1_1.jpg", "deep/er/2_0.jpg"]
    tree(case.folder / "tree", names)
    case.tool.put_tree(case.folder / "tree", f"{case.bucket}/origin/v")
    listed = [item["Key"] for item in case.s3.list_objects_v2(Bucket=case.bucket)["Contents"]]
    assert sorted(listed) == sorted(f"origin/v/{name}" for name in names), listed


def sync_both_ways_with_delete(case):
    local, other = case.folder / "local", case.folder / "other"
    tree(local, ["a.txt", "b/c.txt", "d.txt"])
    case.tool.sync_up(local, f"{case.bucket}/p")
    (local / "d.txt").unlink()
    (local / "a.txt").write_bytes(b"changed, and longer than before")
    case.tool.sync_up(local, f"{case.bucket}/p")
    other.mkdir()
    (other / "stray.txt").write_bytes(b"stray")
    case.tool.sync_down(f"{case.bucket}/p", other)
    assert files_of(other) == files_of(local), (files_of(other).keys(), files_of(local).keys())


def ls_with_paging(case):
    # The bucket of many keys is shared: it is only read.
    listed = case.tool.list_paged(f"{PAGED_BUCKET}/p")
    assert sorted(listed) == [f"p/{number:04}" for number in range(PAGED_KEYS)], len(listed)


def mv(case):
    case.s3.put_object(Bucket=case.bucket, Key="from", Body=b"moved")
    case.tool.move(f"{case.bucket}/from", f"{case.bucket}/to")
    assert case.body("to") == b"moved"
    assert [item["Key"] for item in case.s3.list_objects_v2(Bucket=case.bucket)["Contents"]] == ["to"]


def rm_recursive(case):
    for key in ["p/1", "p/2/3", "p/4", "q"]:
        case.s3.put_object(Bucket=case.bucket, Key=key, Body=b"x")
    case.tool.remove_tree(f"{case.bucket}/p")
    assert [item["Key"] for item in case.s3.list_objects_v2(Bucket=case.bucket)["Contents"]] == ["q"]


def presign(case):
    if case.tool.presign is None:
        return "this client signs no addresses with version 4"
    case.s3.put_object(Bucket=case.bucket, Key="secret file", Body=b"presigned")
    address = case.tool.presign(f"{case.bucket}/secret file")
    with urllib.request.urlopen(address, timeout=20) as answer:
        assert answer.read() == b"presigned"
    try:
        urllib.request.urlopen(address.replace("secret", "Secret"), timeout=20)
        raise AssertionError("the address of one key opened another")
    except urllib.error.HTTPError as error:
        assert error.code == 403


def multipart_50mb(case):
    body = os.urandom(1 << 20) * 50
    case.tool.put_large(case.file("large.bin", body), f"{case.bucket}/large.bin")
    assert "-" in case.s3.head_object(Bucket=case.bucket, Key="large.bin")["ETag"]
    case.tool.get(f"{case.bucket}/large.bin", case.folder / "back.bin")
    assert (case.folder / "back.bin").read_bytes() == body
    assert "Uploads" not in case.s3.list_multipart_uploads(Bucket=case.bucket)


def server_side_copy(case):
    case.s3.put_object(Bucket=case.bucket, Key="from 가+%", Body=b"copied")
    case.tool.copy(f"{case.bucket}/from 가+%", f"{case.bucket}/copies/to")
    assert case.body("copies/to") == b"copied" and case.body("from 가+%") == b"copied"


def metadata(case):
    if case.tool.put_with_metadata is None:
        return "this client sends no metadata"
    case.tool.put_with_metadata(case.file("one.bin", b"one"), f"{case.bucket}/one.bin")
    head = case.s3.head_object(Bucket=case.bucket, Key="one.bin")
    # Some clients add names of their own.
    assert (head["Metadata"].get("colour"), head["ContentType"]) == ("green", "image/test"), head


def wrong_and_missing_credentials(case):
    key, secret = case.tool.key, case.tool.secret
    path = case.file("one.bin", b"one")
    try:
        for wrong in [(key, "wrong"), ("AKIDWRONG00000000000", secret), (None, None)]:
            case.tool.key, case.tool.secret = wrong
            try:
                case.tool.put(path, f"{case.bucket}/one.bin")
            except AssertionError:
                continue
            raise AssertionError(f"{wrong[0]} was let in")
    finally:
        case.tool.key, case.tool.secret = key, secret
    assert "Contents" not in case.s3.list_objects_v2(Bucket=case.bucket)


def odd_keys(case):
    kept = [key for key in KEYS if key not in case.tool.cannot]
    for number, key in enumerate(kept):
        case.tool.put(case.file("odd.bin", content(number)), f"{case.bucket}/{key}")
        assert case.body(key) == content(number), key
        back = case.folder / f"back-{number}"
        case.tool.get(f"{case.bucket}/{key}", back)
        assert back.read_bytes() == content(number), key
    listed = [item["Key"] for item in case.s3.list_objects_v2(Bucket=case.bucket)["Contents"]]
    assert sorted(listed) == sorted(kept), listed


def empty_files(case):
    tree(case.folder / "tree", [])
    for name in ["1.empty", "2.empty", "3.full"]:
        (case.folder / "tree").mkdir(exist_ok=True)
        (case.folder / "tree" / name).write_bytes(b"" if name.endswith("empty") else b"full")
    began = time.monotonic()
    case.tool.put_tree(case.folder / "tree", f"{case.bucket}/p")
    took = time.monotonic() - began
    assert took < STALL_S, f"the client stalled: {took:.0f} s"
    case.tool.get(f"{case.bucket}/p/1.empty", case.folder / "back")
    assert (case.folder / "back").read_bytes() == b"" and case.body("p/3.full") == b"full"


def large_within_s3(case):
    """Copied, moved and synced within S3, of a size that tools copy in parts: aws-cli 2 asks for tags then."""
    body = os.urandom(LARGE_BYTES)
    case.s3.put_object(Bucket=case.bucket, Key="a/큰 😀.bin", Body=body, Metadata={"colour": "green"})
    case.tool.copy(f"{case.bucket}/a/큰 😀.bin", f"{case.bucket}/b/copied.bin")
    case.tool.move(f"{case.bucket}/b/copied.bin", f"{case.bucket}/c/moved.bin")
    keys = ["a/큰 😀.bin", "c/moved.bin"]
    if case.tool.sync_within:
        case.tool.sync_within(f"{case.bucket}/a", f"{case.bucket}/d")
        keys.append("d/큰 😀.bin")
    assert [item["Key"] for item in case.s3.list_objects_v2(Bucket=case.bucket)["Contents"]] == keys
    assert all(case.body(key) == body for key in keys)
    assert "Uploads" not in case.s3.list_multipart_uploads(Bucket=case.bucket)


def korean_disposition(case):
    if case.tool.put_with_disposition is None:
        return "this client sends no Content-Disposition in Korean"
    case.tool.put_with_disposition(case.file("one.bin", b"one"), f"{case.bucket}/one.bin", DISPOSITION)
    told = case.s3.head_object(Bucket=case.bucket, Key="one.bin")["ContentDisposition"]
    assert told.encode("latin-1").decode() == DISPOSITION, told


EVERY_TOOL = [cp, cp_recursive, sync_both_ways_with_delete, ls_with_paging, mv, rm_recursive, presign, multipart_50mb,
              server_side_copy, metadata, wrong_and_missing_credentials, odd_keys, empty_files,
              large_within_s3, korean_disposition]
