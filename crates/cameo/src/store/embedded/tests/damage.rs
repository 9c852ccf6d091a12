//! Content that is missing or damaged is the failure of one object, and is seen before a byte of it is used.

use super::*;

fn path_of(house: &House, bucket: &str, key: &str) -> std::path::PathBuf {
    let object = house.store.look_up(bucket, key).expect("an object");
    house.store.inner.files.object_path(object.position.file)
}

async fn assert_corrupt(house: &House, key: &str, what: &str) {
    let error = Store::get(&house.store, "images", key, 100).await.expect_err("an error");
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert!(error.to_string().contains(what) && error.to_string().contains(key), "{error}");
    let opened = Store::open(&house.store, "images", key, 100).await.expect_err("an error");
    assert_eq!(opened.kind(), Kind::Corrupt, "{opened}");
}

/// flow.md, "From reading": one missing or damaged content file stops the embedded server at every start.
#[tokio::test]
async fn content_that_is_gone_or_short_is_the_failure_of_its_object_alone() {
    let house = house().await;
    for key in ["gone", "short", "whole"] {
        house.put("images", key, "content").await;
    }
    std::fs::remove_file(path_of(&house, "images", "gone")).expect("removed");
    let short = std::fs::OpenOptions::new().write(true).open(path_of(&house, "images", "short")).expect("a file");
    short.set_len(3).expect("cut");
    assert_corrupt(&house, "gone", "is missing").await;
    assert_corrupt(&house, "short", "has 3 bytes").await;
    let states = house.store.check_content("images", &["gone", "short", "whole", "never"]).await.expect("states");
    let cut = ContentState::Short { expected_bytes: 7, found_bytes: 3 };
    assert_eq!(states, [ContentState::Missing, cut, ContentState::Present, ContentState::NoObject]);
    assert_eq!(house.store.hash("images", "short").await.expect_err("an error").kind(), Kind::Corrupt);
    assert_eq!(house.store.get("images", "whole", 10).await.expect("an answer").expect("an object").body, "content");
}

/// flow.md 20: an original whose content is not what it was. Also of an upload in parts, whose ETag is no MD5 of its content (flow.md 17).
#[tokio::test]
async fn content_that_changed_has_another_digest() {
    let house = house().await;
    house.put("images", "photo", "content").await;
    let info = house.store.head("images", "photo").await.expect("an answer").expect("an object");
    let digest = || async { house.store.hash("images", "photo").await.expect("an answer").expect("an object") };
    assert_eq!(digest().await.agrees_with(&info), Some(true));
    let mut content = std::fs::read(path_of(&house, "images", "photo")).expect("a file");
    content[0] ^= 1;
    std::fs::write(path_of(&house, "images", "photo"), content).expect("written");
    assert_eq!(digest().await.agrees_with(&info), Some(false));

    let etag = house.upload_in_parts("whole", &["one", "three"]).await;
    let digest = house.store.hash("images", "whole").await.expect("an answer").expect("an object");
    assert_eq!((digest.size_bytes, digest.etag.as_deref()), (8, Some(etag.as_str())));
    assert!(etag.ends_with("-2"), "{etag}");
}
