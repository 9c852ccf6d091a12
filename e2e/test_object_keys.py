"""Object keys that are odd, hostile or ambiguous: each is answered as the list beside the project says."""

import csv
import http.client
import re
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import photos
import places
from server import ACCESS_KEY, SECRET_KEY, UPLOAD_BUCKET

LIST = places.CORPUS / "keys.tsv"
TIMEOUT_S = 60
ESCAPES = {"n": "\n", "r": "\r", "\\": "\\"}


def unescape(field):
    """The key that a field of the list stands for."""

    def plain(escape):
        kind, digits = escape[1][0], escape[1][1:]
        return chr(int(digits, 16)) if digits else ESCAPES[kind]

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nr\\])", plain, field)


def listed_keys():
    lines = LIST.read_text().splitlines()[1:]
    fields = (next(csv.reader([line], delimiter="\t")) for line in lines)
    return [(unescape(key), expected) for key, expected, _ in fields]


def put(server, key, content):
    """Signs and sends a PUT without any of a client's own ideas about keys; returns the status."""
    path = f"/{UPLOAD_BUCKET}/{quote(key, safe='/~')}"
    request = AWSRequest("PUT", server.s3_url + path, data=content)
    S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(server.s3_url.removeprefix("http://"), timeout=TIMEOUT_S)
    connection.request("PUT", path, content, dict(request.headers.items()))
    status = connection.getresponse().status
    connection.close()
    return status


def fates(server):
    """What became of every original, as the list writes it; what is no original is in nobody's ledger."""
    rows = server.sqlite("SELECT object_key, state, reason FROM cameo_originals")
    told = {"serving": "process", "ignored": "ignore"}
    return {row["object_key"]: told.get(row["state"], f"reject:{row['reason']}") for row in rows}


def beside_the_data(server):
    """Everything around the data folder; the log grows, so only names are of interest."""
    return sorted(path for path in server.data.parent.rglob("*") if not path.is_relative_to(server.data))


@pytest.mark.skipif(not LIST.exists(), reason=f"THE LIST OF KEYS IS MISSING: {LIST}")
def test_every_listed_key_is_answered_as_listed_and_nothing_outside_is_touched(server):
    keys, before = listed_keys(), beside_the_data(server)
    assert len(keys) == 79
    refused = []
    for number, (key, expected) in enumerate(keys):
        content = photos.draw(f"key {number}", size=(80, 60))
        status = put(server, key, content)
        assert (status == 400) if expected == "http:400" else (status == 200), f"{key[:60]!r}: {status}, not {expected}"
        if status == 400:
            refused.append(key)
            continue
        assert server.s3().get_object(Bucket=UPLOAD_BUCKET, Key=key)["Body"].read() == content, key
    server.wait_until_quiet()
    decided = fates(server)
    assert {key: decided.get(key, "plain") for key, _ in keys if key not in refused} == {
        key: expected for key, expected in keys if key not in refused
    }
    assert beside_the_data(server) == before
    named = [path.name for path in (server.data / "objects").rglob("*") if path.is_file()]
    named.remove("highest")
    assert named and all(re.fullmatch("[0-9a-f]{16}", name) for name in named), "keys never become file names"
