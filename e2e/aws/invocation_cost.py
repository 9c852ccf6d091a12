"""What an original costs in CPU in the functions `resize` and `dataset`: what a bill of Lambda is computed from.

Run from e2e/: `../.cache/python/bin/python -m aws.invocation_cost RESIZE DATASET [ORIGINALS]`, with the `bootstrap` of each function.
The originals of about 6 megapixels among the how-to's photos are uploaded by turns, each for an entity of its own. The functions get
batches as large as the template's (4 and 100), from a Lambda that is played here; store and queues are the emulator's, the
database is MariaDB. CPU is that of the process and its children, by /proc; how long the emulator lets them wait says nothing
of AWS.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import places
from aws import databases, stack
from aws.emulator import Emulator
from aws.runtime_api import START_S, RuntimeApi
from server import UPLOAD_BUCKET, bare_environment

EVENTS, REGISTRATIONS = "mycelebs-image-upload-events", "mycelebs-image-upload"
BATCHES = {"resize": 4, "dataset": 100}
MEGAPIXELS = (5.5, 6.5)
# Not counted: the first invocations of a process start the child and open connections.
WARM_UP = 20
EMPTY_LOOKS = 20
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def megapixels(path):
    """Of a JPEG, from its frame header."""
    data, at = path.read_bytes(), 2
    while at + 9 < len(data) and data[at] == 0xFF:
        if data[at + 1] in (0xC0, 0xC1, 0xC2):
            return int.from_bytes(data[at + 5 : at + 7], "big") * int.from_bytes(data[at + 7 : at + 9], "big") / 1e6
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0


def upload(emulator, count):
    """Uploads so many originals, each under a key of its own."""
    low, high = MEGAPIXELS
    photos = [path.read_bytes() for path in sorted(places.PHOTOS.iterdir()) if low < megapixels(path) < high]
    s3 = emulator.client("s3")
    for n in range(count):
        s3.put_object(Bucket=UPLOAD_BUCKET, Key=f"origin/ssgdfm_eye/{n + 1}_0.jpg", Body=photos[n % len(photos)])


def waiting(emulator, name):
    """All messages of a queue, as Lambda hands them over, but for those that tell that a notification was set up."""
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    messages, empty = [], 0
    while empty < EMPTY_LOOKS:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
        empty = 0 if received else empty + 1
        messages += [message for message in received if "s3:TestEvent" not in message["Body"]]
        time.sleep(0 if received else 0.1)
    about = {"eventSource": "aws:sqs", "attributes": {}, "messageAttributes": {}}
    return [about | {"messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"]} for m in messages]


def cpu_s(pid):
    """Of a process and all that it started, ended or not."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return sum(map(int, fields[11:15])) * TICK_S + sum(map(cpu_s, children))


def measure(executable, handler, api, environment, messages):
    """CPU and wall milliseconds per message, without those of the warm-up, and the most MiB that the process held."""
    batch = BATCHES[handler]
    process = subprocess.Popen([executable], env=environment, stderr=subprocess.DEVNULL)
    try:
        assert api.asked.wait(START_S), "it never asked for work"

        def handle(some):
            for at in range(0, len(some), batch):
                answer = api.invoke({"Records": some[at : at + batch]})
                assert answer == {"batchItemFailures": []}, answer

        handle(messages[:WARM_UP])
        cpu, begin = cpu_s(process.pid), time.monotonic()
        handle(messages[WARM_UP:])
        counted = len(messages) - WARM_UP
        took = [total / counted * 1000 for total in (cpu_s(process.pid) - cpu, time.monotonic() - begin)]
        status = Path(f"/proc/{process.pid}/status").read_text()
        return *took, int(status.split("VmHWM:")[1].split()[0]) / 1024
    finally:
        process.kill()
        process.wait()


def main():
    executables = {"resize": Path(sys.argv[1]), "dataset": Path(sys.argv[2])}
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 420
    with tempfile.TemporaryDirectory() as folder, databases.MariaDb(Path(folder) / "db") as database, Emulator(Path(folder) / "aws") as emulator:
        stack.deploy(emulator, "workers")
        upload(emulator, count)
        addresses = {"CAMEO_CATALOG_URL": database.url, "CAMEO_IMAGES_PUBLIC_URL": stack.PUBLIC_URL}
        for handler, queue in (("resize", EVENTS), ("dataset", REGISTRATIONS)):
            messages = waiting(emulator, queue)
            assert len(messages) == count, f"{len(messages)} messages of {count} in {queue}"
            api = RuntimeApi()
            environment = bare_environment(folder) | emulator.environment() | addresses | api.environment(handler)
            cpu_ms, wall_ms, mib = measure(executables[handler], handler, api, environment, messages)
            batches = f"{count - WARM_UP} originals, batches of {BATCHES[handler]}"
            print(f"{handler}: {cpu_ms:.1f} ms of CPU an original, {wall_ms:.0f} ms in all, {mib:.0f} MiB without its child ({batches})")


if __name__ == "__main__":
    main()
