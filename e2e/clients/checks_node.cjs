// What the clients for JavaScript must be able to do. `node checks_node.cjs CLIENT CHECK` ends with 0 where it can.
//
// The server, the keys and a bucket of its own come from the environment. Modules are found by NODE_PATH.
"use strict";

const assert = require("node:assert/strict");
const { randomBytes } = require("node:crypto");

const { S3_URL, ACCESS_KEY, SECRET_KEY, BUCKET } = process.env;
const REGION = "us-east-1";
const LARGE = randomBytes(9 << 20);
const KEYS = ["가나다/사진 1.jpg", "😀 이모지+%&.jpg", "a b+c"];
const PART = 5 << 20;

async function bytesOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function fetched(url, options) {
  const answer = await fetch(url, options);
  assert.ok(answer.ok, `${answer.status}: ${await answer.clone().text()}`);
  return answer;
}

function sdk() {
  const s3 = require("@aws-sdk/client-s3");
  const { Upload } = require("@aws-sdk/lib-storage");
  const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };
  const client = new s3.S3Client({ endpoint: S3_URL, region: REGION, forcePathStyle: true, credentials });
  const send = (name, input) => client.send(new s3[`${name}Command`]({ Bucket: BUCKET, ...input }));
  const get = async (Key) => bytesOf((await send("GetObject", { Key })).Body);
  const source = (key) => `${BUCKET}/${encodeURIComponent(key)}`;

  // As tools built on the SDK do it: what is larger than a part is copied in parts.
  async function copyInParts(from, to) {
    const { UploadId } = await send("CreateMultipartUpload", { Key: to });
    const Parts = [];
    for (let start = 0; start < LARGE.length; start += PART) {
      const CopySourceRange = `bytes=${start}-${Math.min(start + PART, LARGE.length) - 1}`;
      const PartNumber = Parts.length + 1;
      const part = { Key: to, UploadId, PartNumber, CopySource: source(from), CopySourceRange };
      Parts.push({ PartNumber, ETag: (await send("UploadPartCopy", part)).CopyPartResult.ETag });
    }
    return send("CompleteMultipartUpload", { Key: to, UploadId, MultipartUpload: { Parts } });
  }

  return {
    async keys() {
      for (const [number, Key] of KEYS.entries()) {
        await send("PutObject", { Key, Body: `content ${number}`, Metadata: { colour: "green" } });
        assert.equal(String(await get(Key)), `content ${number}`);
        assert.equal((await send("HeadObject", { Key })).Metadata.colour, "green");
      }
      const listed = (await send("ListObjectsV2", {})).Contents.map((item) => item.Key);
      assert.deepEqual([...listed].sort(), [...KEYS].sort());
      const Delete = { Objects: KEYS.map((Key) => ({ Key })) };
      assert.equal((await send("DeleteObjects", { Delete })).Deleted.length, KEYS.length);
      assert.equal((await send("ListObjectsV2", {})).KeyCount, 0);
    },
    async large_within_s3() {
      await new Upload({ client, params: { Bucket: BUCKET, Key: "a/큰 😀.bin", Body: LARGE }, partSize: PART }).done();
      assert.deepEqual((await send("GetObjectTagging", { Key: "a/큰 😀.bin" })).TagSet, []);
      await copyInParts("a/큰 😀.bin", "b/copied.bin");
      await send("CopyObject", { Key: "c/moved.bin", CopySource: source("b/copied.bin") });
      await send("DeleteObject", { Key: "b/copied.bin" });
      assert.ok(LARGE.equals(await get("c/moved.bin")));
      for (const { Key } of (await send("ListObjectsV2", { Prefix: "a/" })).Contents) {
        const copied = await copyInParts(Key, Key.replace("a/", "d/"));
        assert.equal(new URL(copied.Location).pathname, `/${BUCKET}/d/${encodeURIComponent("큰 😀.bin")}`);
      }
      assert.ok(LARGE.equals(await get("d/큰 😀.bin")));
    },
    async presigned() {
      const Key = "서명 😀.txt";
      const put = new s3.PutObjectCommand({ Bucket: BUCKET, Key, Metadata: { colour: "green" }, ContentType: "text/plain" });
      const hoisted = new Set(["x-amz-meta-colour"]);
      const url = await getSignedUrl(client, put, { expiresIn: 60, unhoistableHeaders: hoisted });
      const headers = { "x-amz-meta-colour": "green", "content-type": "text/plain" };
      await fetched(url, { method: "PUT", body: "presigned", headers });
      const head = await send("HeadObject", { Key });
      assert.deepEqual([head.Metadata, head.ContentType], [{ colour: "green" }, "text/plain"]);
      const get = new s3.GetObjectCommand({
        Bucket: BUCKET, Key, ResponseContentDisposition: 'attachment; filename="사진.jpg"', Range: "bytes=0-2",
      });
      const answer = await fetched(await getSignedUrl(client, get, { expiresIn: 60 }), { headers: { range: "bytes=0-2" } });
      const disposition = Buffer.from(answer.headers.get("content-disposition"), "latin1").toString();
      assert.equal(disposition, 'attachment; filename="사진.jpg"');
      assert.deepEqual([answer.status, await answer.text()], [206, "pre"]);
    },
    async questions() {
      const none = {
        GetBucketCors: "NoSuchCORSConfiguration", GetBucketLifecycleConfiguration: "NoSuchLifecycleConfiguration",
        GetBucketPolicy: "NoSuchBucketPolicy", GetBucketTagging: "NoSuchTagSet",
        GetObjectLockConfiguration: "ObjectLockConfigurationNotFoundError",
      };
      for (const [name, code] of Object.entries(none)) {
        await assert.rejects(send(name, {}), (error) => error.name === code && error.message.length > 10, name);
      }
      assert.equal((await send("GetBucketVersioning", {})).Status, undefined);
    },
  };
}

function minio() {
  const { Client, CopyConditions, CopySourceOptions, CopyDestinationOptions } = require("minio");
  const { hostname, port } = new URL(S3_URL);
  const client = new Client({
    endPoint: hostname, port: Number(port), useSSL: false, accessKey: ACCESS_KEY, secretKey: SECRET_KEY, region: REGION,
  });
  const get = async (key) => bytesOf(await client.getObject(BUCKET, key));
  // It is encoded by the client.
  const source = (key) => `/${BUCKET}/${key}`;
  const listed = (prefix) => bytesOfObjects(client.listObjectsV2(BUCKET, prefix, true));

  async function bytesOfObjects(stream) {
    const names = [];
    for await (const item of stream) names.push(item.name);
    return names.sort();
  }

  return {
    async keys() {
      for (const [number, key] of KEYS.entries()) {
        await client.putObject(BUCKET, key, `content ${number}`, undefined, { "x-amz-meta-colour": "green" });
        assert.equal(String(await get(key)), `content ${number}`);
        assert.equal((await client.statObject(BUCKET, key)).metaData.colour, "green");
      }
      assert.deepEqual(await listed(""), [...KEYS].sort());
      await client.removeObjects(BUCKET, KEYS);
      assert.deepEqual(await listed(""), []);
    },
    async large_within_s3() {
      await client.putObject(BUCKET, "a/큰 😀.bin", LARGE);
      await client.copyObject(BUCKET, "b/copied.bin", source("a/큰 😀.bin"), new CopyConditions());
      await client.copyObject(BUCKET, "c/moved.bin", source("b/copied.bin"), new CopyConditions());
      await client.removeObject(BUCKET, "b/copied.bin");
      const sources = [1, 2].map(() => new CopySourceOptions({ Bucket: BUCKET, Object: "c/moved.bin" }));
      await client.composeObject(new CopyDestinationOptions({ Bucket: BUCKET, Object: "d/합.bin" }), sources);
      assert.ok(Buffer.concat([LARGE, LARGE]).equals(await get("d/합.bin")));
      assert.deepEqual(await listed("b/"), []);
    },
    async presigned() {
      const key = "서명 😀.txt";
      await fetched(await client.presignedPutObject(BUCKET, key, 60), { method: "PUT", body: "presigned" });
      const asked = { "response-content-disposition": 'attachment; filename="사진.jpg"' };
      const answer = await fetched(await client.presignedGetObject(BUCKET, key, 60, asked));
      const disposition = Buffer.from(answer.headers.get("content-disposition"), "latin1").toString();
      assert.deepEqual([await answer.text(), disposition], ["presigned", asked["response-content-disposition"]]);
    },
    async questions() {
      await client.putObject(BUCKET, "k", "x");
      assert.deepEqual(await client.getObjectTagging(BUCKET, "k"), []);
      await assert.rejects(client.getBucketLifecycle(BUCKET), { code: "NoSuchLifecycleConfiguration" });
      await assert.rejects(client.getBucketPolicy(BUCKET), { code: "NoSuchBucketPolicy" });
      await assert.rejects(client.getObjectLockConfig(BUCKET), { code: "ObjectLockConfigurationNotFoundError" });
    },
  };
}

const [client, check] = process.argv.slice(2);
const checks = { "aws-sdk-js": sdk, "minio-js": minio }[client]();
checks[check]().catch((error) => {
  console.error(error);
  process.exit(1);
});
