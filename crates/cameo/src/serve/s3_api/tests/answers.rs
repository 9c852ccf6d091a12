//! What is answered: the rows of s3-endpoint.md that can be seen in one answer.

use super::*;

fn query(query: &'static str, ask: Ask) -> Ask {
    Ask { query, ..ask }
}

async fn everything() -> Server {
    let server = server(S3Limits::default()).await;
    server.put("k", b"0123456789").await;
    server.put("empty", b"").await;
    server
}

/// s3-endpoint.md F04.
#[tokio::test]
async fn what_is_not_there_is_answered_as_s3_does_and_not_with_501() {
    let server = everything().await;
    let none = [
        ("tagging", "NoSuchTagSet"),
        ("cors", "NoSuchCORSConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("ownershipControls", "OwnershipControlsNotFoundError"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
    ];
    for (asked, code) in none {
        let answer = server.answer(query(asked, ask("GET", "/uploads"))).await;
        assert_eq!((answer.status(), answer.code()), (404, code), "{asked}: {}", answer.0);
        let absent = server.answer(query(asked, ask("GET", "/nowhere"))).await;
        assert_eq!((absent.status(), absent.code()), (404, "NoSuchBucket"), "{asked}");
    }
    let empty = [
        ("versioning", "VersioningConfiguration"),
        ("logging", "BucketLoggingStatus"),
        ("requestPayment", "<Payer>BucketOwner</Payer>"),
        ("accelerate", "AccelerateConfiguration"),
        ("notification", "NotificationConfiguration"),
        ("location", "LocationConstraint"),
        ("acl", "FULL_CONTROL"),
        ("versions", "<VersionId>null</VersionId>"),
        ("analytics", "<IsTruncated>false</IsTruncated>"),
        ("inventory", "<IsTruncated>false</IsTruncated>"),
        ("metrics", "<IsTruncated>false</IsTruncated>"),
        ("intelligent-tiering", "<IsTruncated>false</IsTruncated>"),
    ];
    for (asked, part) in empty {
        let answer = server.answer(query(asked, ask("GET", "/uploads"))).await;
        assert!(answer.status() == 200 && answer.body().contains(part), "{asked}: {}", answer.0);
    }
}

/// s3-endpoint.md F04.
#[tokio::test]
async fn objects_have_no_tags_and_no_locks() {
    let server = everything().await;
    let answer = server.answer(query("tagging", ask("GET", "/uploads/k"))).await;
    assert!(answer.status() == 200 && answer.body().contains("<TagSet>"), "{}", answer.0);
    for asked in ["retention", "legal-hold"] {
        let answer = server.answer(query(asked, ask("GET", "/uploads/k"))).await;
        assert_eq!((answer.status(), answer.code()), (400, "InvalidRequest"), "{asked}");
        assert!(answer.body().contains("Bucket is missing Object Lock Configuration"), "{asked}");
    }
    for asked in ["tagging", "retention", "legal-hold"] {
        let answer = server.answer(query(asked, ask("GET", "/uploads/absent"))).await;
        assert_eq!((answer.status(), answer.code()), (404, "NoSuchKey"), "{asked}");
    }
    let put = ask("PUT", "/uploads/k").body(b"<Tagging><TagSet></TagSet></Tagging>");
    let answer = server.answer(query("tagging", put)).await;
    assert_eq!((answer.status(), answer.code()), (501, "NotImplemented"), "writing stays refused");
}

#[tokio::test]
async fn who_may_not_read_may_not_ask_either() {
    let grants = vec![Grant { bucket: BUCKET.into(), prefix: "mine/".into(), rights: Rights::Upload }];
    let keys = vec![AccessKey::all("id", "secret-1"), AccessKey::with("uploader", "secret-1", grants)];
    let server = server_with(S3Limits::default(), keys).await;
    server.put("mine/k", b"x").await;
    let answer = server.answer(query("tagging", ask("GET", "/uploads/mine/k").by("uploader"))).await;
    assert_eq!(answer.code(), "AccessDenied");
}

/// s3-endpoint.md F12 and F13.
#[tokio::test]
async fn ranges_are_those_of_rfc_9110() {
    let server = everything().await;
    let get = |range: &'static str| ask("GET", "/uploads/k").header("range", range);
    for (range, content, told) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let answer = server.answer(get(range)).await;
        assert_eq!((answer.status(), answer.body()), (206, content), "{range}");
        assert_eq!(answer.header("content-range"), Some(told));
    }
    for range in ["bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "items=0-1", "nonsense"] {
        let answer = server.answer(get(range)).await;
        assert_eq!((answer.status(), answer.body()), (200, "0123456789"), "{range}");
    }
    for (path, range, told) in [
        ("/uploads/k", "bytes=10-", "bytes */10"),
        ("/uploads/k", "bytes=-0", "bytes */10"),
        ("/uploads/empty", "bytes=-5", "bytes */0"),
        ("/uploads/empty", "bytes=0-", "bytes */0"),
    ] {
        let answer = server.answer(ask("GET", path).header("range", range)).await;
        assert_eq!((answer.status(), answer.code(), answer.header("content-range")), (416, "InvalidRange", Some(told)));
    }
    let head = server.answer(ask("HEAD", "/uploads/k").header("range", "bytes=2-4")).await;
    assert_eq!(
        (head.status(), head.header("content-length"), head.header("content-range")),
        (206, Some("3"), Some("bytes 2-4/10"))
    );
    let etag = head.header("etag").unwrap().to_owned();
    let resumed = server.answer(get("bytes=2-4").header("if-range", &etag)).await;
    assert_eq!((resumed.status(), resumed.body()), (206, "234"));
    for stale in ["\"other\"", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let restarted = server.answer(get("bytes=2-4").header("if-range", stale)).await;
        assert_eq!((restarted.status(), restarted.body()), (200, "0123456789"), "{stale}");
    }
}

/// s3-endpoint.md F14.
#[tokio::test]
async fn a_bulk_deletion_reads_all_of_xml() {
    let server = everything().await;
    for (key, form) in [
        ("%F0%9F%98%80", "&#x1F600;"),
        ("%F0%9F%98%81", "&#128513;"),
        ("%F0%9F%98%82", "<![CDATA[\u{1f602}]]>"),
        ("a%26b", "a<!-- nothing -->&amp;b"),
        ("c%0Dd", "c&#xD;d"),
    ] {
        server.put(key, b"x").await;
        let xml = format!(
            "<?xml version='1.0'?><s3:Delete xmlns:s3='urn:s3'><s3:Object><s3:Key>{form}</s3:Key></s3:Object></s3:Delete>"
        );
        let xml: &'static str = Box::leak(xml.into_boxed_str());
        let answer = server.answer(query("delete", ask("POST", "/uploads").body(xml.as_bytes()))).await;
        assert!(answer.status() == 200 && answer.body().contains("<Deleted>"), "{form}: {}", answer.0);
        assert_eq!(server.answer(ask("GET", &format!("/uploads/{key}"))).await.status(), 404, "{form}");
    }
    let entity = b"<!DOCTYPE d [<!ENTITY k 'k'>]><Delete><Object><Key>&k;</Key></Object></Delete>";
    let answer = server.answer(query("delete", ask("POST", "/uploads").body(entity))).await;
    assert_eq!((answer.status(), answer.code()), (400, "MalformedXML"));
    assert_eq!(server.content("k").await.unwrap(), b"0123456789");
    let sum = query("delete", ask("POST", "/uploads").body(b"<Delete><Object><Key>k</Key></Object></Delete>"));
    let answer = server.answer(sum.header("content-md5", "dV+FxXCkxBYYkrskZOZMpQ==")).await;
    assert_eq!((answer.status(), answer.code()), (400, "BadDigest"), "what is declared of a text is verified too");
    assert_eq!(server.content("k").await.unwrap(), b"0123456789");
}

/// s3-endpoint.md F15.
#[tokio::test]
async fn descriptions_may_be_korean() {
    let server = everything().await;
    let text = "attachment; filename=\"사진 1.jpg\"";
    let put = ask("PUT", "/uploads/k").body(b"x").header("content-disposition", text).header("content-language", "ko");
    assert_eq!(server.answer(put).await.status(), 200);
    for method in ["GET", "HEAD"] {
        let answer = server.answer(ask(method, "/uploads/k")).await;
        assert_eq!(answer.header("content-disposition"), Some(text), "{}", answer.0);
        assert_eq!(answer.header("content-language"), Some("ko"));
    }
    let asked = "response-content-disposition=attachment%3B%20filename%3D%EC%82%AC%EC%A7%84.jpg";
    let answer = server.answer(query(asked, ask("GET", "/uploads/k"))).await;
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=사진.jpg"), "{}", answer.0);
    let copy = ask("PUT", "/uploads/copy").header("x-amz-copy-source", "uploads/k");
    assert_eq!(server.answer(copy).await.status(), 200);
    assert_eq!(server.answer(ask("GET", "/uploads/copy")).await.header("content-disposition"), Some(text));
}

/// s3-endpoint.md F17.
#[tokio::test]
async fn every_error_says_what_to_do() {
    let server = everything().await;
    let long = format!("/uploads/{}", "k".repeat(1025));
    let signed = |id, secret| Ask { key: (id, secret), ..ask("GET", "/uploads/k") };
    let asks = [
        (signed("id", "wrong"), "SignatureDoesNotMatch", "secret access key"),
        (signed("other", "secret-1"), "InvalidAccessKeyId", "does not exist"),
        (Ask { age: Duration::from_mins(30), ..ask("GET", "/uploads/k") }, "RequestTimeTooSkewed", "clocks"),
        (ask("PUT", "/A"), "InvalidBucketName", "3 to 63"),
        (ask("PUT", &long).body(b"x"), "KeyTooLongError", "1024"),
        (query("delete", ask("POST", "/uploads").body(b"<Delete>")), "MalformedXML", "ends too early"),
        (
            query("delete", ask("POST", "/uploads").body(b"<Other></Other>")),
            "MalformedXML",
            "documents for this operation",
        ),
        (query("delete", ask("POST", "/uploads")), "MissingRequestBodyError", "Send the XML"),
        (query("max-keys=many", ask("GET", "/uploads")), "InvalidArgument", "Send a value"),
        (ask("GET", "/uploads/k").header("if-match", "\"unfinished"), "PreconditionFailed", "did not hold"),
        (ask("PATCH", "/uploads/k"), "NotImplemented", "is not supported"),
        (
            query("uploadId=none", ask("POST", "/uploads/k").body(b"<CompleteMultipartUpload/>")),
            "NoSuchUpload",
            "aborted or completed",
        ),
    ];
    for (ask, code, part) in asks {
        let what = format!("{} {} {}", ask.method, ask.path, ask.query);
        let answer = server.answer(ask).await;
        let message =
            answer.0.split("<Message>").nth(1).and_then(|rest| rest.split("</Message>").next()).unwrap_or_default();
        assert!(answer.code() == code && message.contains(part), "{what}: {}", answer.0);
    }
}

/// s3-endpoint.md F16.
#[tokio::test]
async fn the_location_of_an_object_is_a_uri() {
    let server = server(S3Limits { part_min_bytes: 1, ..S3Limits::default() }).await;
    let path = "/uploads/%EC%82%AC%EC%A7%84%20%2B%26.jpg";
    let begun = server.answer(query("uploads", ask("POST", path))).await;
    let id = begun.body().split("<UploadId>").nth(1).unwrap().split('<').next().unwrap();
    let part: &'static str = Box::leak(format!("partNumber=1&uploadId={id}").into_boxed_str());
    let answer = server.answer(query(part, ask("PUT", path).body(b"content"))).await;
    let etag = answer.header("etag").unwrap().trim_matches('"');
    let xml = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag><![CDATA[\"{etag}\"]]></ETag></Part></CompleteMultipartUpload>"
    );
    let (xml, of): (&'static str, &'static str) =
        (Box::leak(xml.into_boxed_str()), Box::leak(format!("uploadId={id}").into_boxed_str()));
    for _ in 0..2 {
        let answer = server.answer(query(of, ask("POST", path).body(xml.as_bytes()))).await;
        let location = format!("<Location>http://{}{path}</Location>", server.address);
        assert!(answer.status() == 200 && answer.body().contains(&location), "{}", answer.0);
    }
}

/// security.md A17.
#[tokio::test]
async fn every_listing_can_be_read_by_every_reader_of_xml() {
    let server = everything().await;
    server.put("%01%1F/%EF%BF%BF", b"x").await;
    let lists = [
        "",
        "list-type=2",
        "versions",
        "delimiter=%2F&list-type=2",
        "list-type=2&prefix=%01",
        "list-type=2&start-after=%01",
    ];
    for asked in lists {
        let answer = server.answer(query(asked, ask("GET", "/uploads"))).await;
        let body = answer.body();
        let is_xml = body.chars().all(xml::is_in_xml) && !body.contains("&#");
        assert!(answer.status() == 200 && is_xml && body.contains("%01"), "{asked}: {body:?}");
        assert!(body.contains("<EncodingType>url</EncodingType>"), "{asked}: {body}");
    }
    assert!(
        !server.answer(query("list-type=2&prefix=k", ask("GET", "/uploads"))).await.body().contains("EncodingType")
    );
    let delete = query(
        "delete",
        ask("POST", "/uploads").body("<Delete><Object><Key>\u{1}\u{1f}/\u{ffff}</Key></Object></Delete>".as_bytes()),
    );
    let answer = server.answer(delete).await;
    assert!(answer.body().contains("<Key>%01%1F/%EF%BF%BF</Key>"), "{:?}", answer.0);
    assert_eq!(server.answer(ask("GET", "/uploads/%01%1F/%EF%BF%BF")).await.status(), 404);
}

/// s3-endpoint.md Q01.
#[tokio::test]
async fn web_pages_of_configured_origins_can_use_the_endpoint() {
    let cors = Cors::new(&["https://photos.example.com".to_owned()]).unwrap();
    let server = server_of(S3Limits::default(), vec![AccessKey::all("id", "secret-1")], cors).await;
    server.put("k", b"x").await;
    let preflight = async |origin: &str| {
        let mut stream = server.connect().await;
        let text = format!(
            "OPTIONS /uploads/k HTTP/1.1\r\nhost: {}\r\norigin: {origin}\r\naccess-control-request-method: PUT\r\n\
             access-control-request-headers: authorization,x-amz-date\r\nconnection: close\r\n\r\n",
            server.address
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        read_to_end(stream).await
    };
    let allowed = preflight("https://photos.example.com").await;
    assert_eq!(allowed.status(), 200, "{}", allowed.0);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://photos.example.com"));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("authorization,x-amz-date"));
    assert_eq!(preflight("https://evil.example.com").await.code(), "AccessForbidden");
    for (path, status) in [("/uploads/k", 200), ("/uploads/absent", 404)] {
        let from = |origin: &'static str| server.answer(ask("GET", path).header("origin", origin));
        let answer = from("https://photos.example.com").await;
        assert_eq!(
            (answer.status(), answer.header("access-control-allow-origin")),
            (status, Some("https://photos.example.com"))
        );
        assert!(answer.header("access-control-expose-headers").unwrap().contains("ETag"));
        assert_eq!(from("https://evil.example.com").await.header("access-control-allow-origin"), None);
    }
    let rules = server.answer(query("cors", ask("GET", "/uploads"))).await;
    assert!(rules.body().contains("<AllowedOrigin>https://photos.example.com</AllowedOrigin>"), "{}", rules.0);
}

#[tokio::test]
async fn browsers_run_nothing_of_what_is_stored() {
    let server = everything().await;
    let put = ask("PUT", "/uploads/page").body(b"<script>1</script>").header("content-type", "text/html");
    assert_eq!(server.answer(put).await.status(), 200);
    let answer = server.answer(ask("GET", "/uploads/page")).await;
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"));
}
