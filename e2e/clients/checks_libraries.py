"""What libraries must be able to do that are no tools: minio-py, and DuckDB with its own reader of S3."""

import io
import os
import urllib.request
from pathlib import Path

from server import ACCESS_KEY, SECRET_KEY

LARGE_BYTES = 9 << 20
KEYS = ["가나다/사진 1.jpg", "😀 이모지+%&.jpg", "a b+c"]
DISPOSITION = 'attachment; filename="사진 1.jpg"'


def place_of(server):
    return server.s3_url.removeprefix("http://")


def minio_py_keys_and_metadata(server, bucket):
    from minio import Minio
    from minio.deleteobjects import DeleteObject

    client = Minio(place_of(server), access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False)
    for key in KEYS:
        client.put_object(bucket, key, io.BytesIO(b"x"), 1, metadata={"colour": "green"})
        assert client.get_object(bucket, key).read() == b"x"
        assert client.stat_object(bucket, key).metadata["x-amz-meta-colour"] == "green"
    assert sorted(item.object_name for item in client.list_objects(bucket, recursive=True)) == sorted(KEYS)
    assert client.get_object_tags(bucket, KEYS[0]) is None and client.get_bucket_tags(bucket) is None
    assert list(client.remove_objects(bucket, [DeleteObject(key) for key in KEYS])) == []
    assert list(client.list_objects(bucket, recursive=True)) == []


def minio_py_large_within_s3(server, bucket):
    from minio import Minio
    from minio.commonconfig import ComposeSource, CopySource

    client = Minio(place_of(server), access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False)
    body = os.urandom(LARGE_BYTES)
    client.put_object(bucket, "a/큰 😀.bin", io.BytesIO(body), -1, part_size=5 << 20)
    client.copy_object(bucket, "b/copied.bin", CopySource(bucket, "a/큰 😀.bin"))
    client.copy_object(bucket, "c/moved.bin", CopySource(bucket, "b/copied.bin"))
    client.remove_object(bucket, "b/copied.bin")
    assert client.get_object(bucket, "c/moved.bin").read() == body
    client.compose_object(bucket, "d/합.bin", [ComposeSource(bucket, "c/moved.bin"), ComposeSource(bucket, "a/큰 😀.bin")])
    assert client.get_object(bucket, "d/합.bin").read() == body * 2


def minio_py_presigned(server, bucket):
    from minio import Minio

    client = Minio(place_of(server), access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False, region="us-east-1")
    url = client.presigned_put_object(bucket, "서명 😀.txt")
    urllib.request.urlopen(urllib.request.Request(url, data=b"presigned", method="PUT"), timeout=20)
    asked = {"response-content-disposition": DISPOSITION}
    with urllib.request.urlopen(client.presigned_get_object(bucket, "서명 😀.txt", response_headers=asked), timeout=20) as answer:
        assert answer.read() == b"presigned"
        assert answer.headers["content-disposition"].encode("latin-1").decode() == DISPOSITION


def duckdb_reads_and_writes(server, bucket):
    import duckdb
    import duckdb_ext

    # The reader of S3 comes as a package of its own; DuckDB would fetch it from the network.
    extensions = Path(next(iter(duckdb_ext.__path__))) / "extensions"
    database = duckdb.connect()
    database.execute(f"LOAD '{next(extensions.rglob('httpfs.duckdb_extension'))}'")
    database.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID '{ACCESS_KEY}', SECRET '{SECRET_KEY}', REGION 'us-east-1', "
        f"ENDPOINT '{place_of(server)}', URL_STYLE 'path', USE_SSL false)"
    )
    rows = 700_000
    target = f"s3://{bucket}/표 😀/a.parquet"
    numbers = f"SELECT i, md5(i::VARCHAR) AS text FROM range({rows}) t(i)"
    database.execute(f"COPY ({numbers}) TO '{target}' (FORMAT parquet)")
    assert server.s3().head_object(Bucket=bucket, Key="표 😀/a.parquet")["ContentLength"] > LARGE_BYTES
    assert database.execute(f"SELECT count(*), max(i) FROM read_parquet('{target}')").fetchone() == (rows, rows - 1)
    database.execute(f"COPY (FROM '{target}') TO 's3://{bucket}/copy.csv'")
    assert database.execute(f"SELECT sum(i) FROM 's3://{bucket}/*.csv'").fetchone() == (rows * (rows - 1) // 2,)


ALL = [minio_py_keys_and_metadata, minio_py_large_within_s3, minio_py_presigned, duckdb_reads_and_writes]
