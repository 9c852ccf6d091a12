//! What every [`Store`] does, as tests that each backend runs against itself.
//!
//! The bucket must exist and be empty; the tests leave objects behind. A backend without conditional writes does not
//! keep this contract, and is mended by `reconcile`.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{
    Attributes, Condition, ContentState, Copied, GENERATION_METADATA, NewKey, NewObject, ObjectInfo, Reading, Store,
    Written,
    memory::MemoryStore,
    quarantine::{self, KeptId, Removal, Why},
};
use crate::clock::SystemClock;

/// Keys that a store must tell apart and give back byte for byte.
pub const KEYS: [&str; 14] = [
    "a",
    "a/b",
    "a//b",
    "a/b/",
    "a+b",
    "a b",
    "a%20b",
    "a%2Fb",
    "가/나_0.jpg",
    "\u{1100}\u{1161}/1.jpg",
    "~tilde*'()!",
    "with\"quotes\" & <tags>",
    "line\nbreak",
    "a.",
];

/// Runs them all.
///
/// # Panics
/// When the store does not do what every store must.
pub async fn all(store: &dyn Store, bucket: &str) {
    what_is_put_is_got_and_headed(store, bucket).await;
    content_is_read_in_pieces_and_ranges(store, bucket).await;
    keys_are_kept_byte_for_byte(store, bucket).await;
    conditions_decide_over_writes(store, bucket).await;
    copies_have_attributes_of_their_own(store, bucket).await;
    what_is_written_together_is_as_if_written_apart(store, bucket).await;
    deletes_are_fenced_by_the_etag(store, bucket).await;
    content_is_looked_at_and_hashed(store, bucket).await;
    the_same_bytes_again_are_another_write(store, bucket).await;
    listings_are_in_order_and_resume(store, bucket).await;
    any_calls_do_what_they_do_in_memory(store, bucket).await;
    what_is_removed_is_kept_and_comes_back(store, bucket).await;
    store.ping().await.expect("an answer");
}

/// Quarantine: nothing is moved that was not seen, what comes back is what it was, and what expires is gone.
async fn what_is_removed_is_kept_and_comes_back(store: &dyn Store, bucket: &str) {
    let key = "kept/가 1_0.jpg";
    let attributes = Attributes {
        content_type: Some("image/jpeg".into()),
        cache_control: None,
        metadata: [("cameo-generation".to_owned(), "07".to_owned())].into(),
    };
    let put = async |body: &'static str| match store
        .put(bucket, key, Bytes::from(body), &attributes, Condition::Always)
        .await
        .expect("a write")
    {
        Written::Done(info) => info,
        Written::ConditionFailed => panic!("no condition"),
    };
    let all = async || quarantine::kept(store, bucket, "", 100).await.expect("what is kept");
    let before = all().await.len();
    let removal = |second, note: Option<&str>| Removal {
        at: Timestamp::from_second(second).expect("a time"),
        why: Why::Dismissed,
        note: note.map(str::to_owned),
    };
    let old = put("old").await;
    let new = put("new").await;
    assert!(!store.set_aside(bucket, key, &old.validator(), &removal(1, None)).await.expect("an answer"));
    assert!(
        store.head(bucket, key).await.expect("a look").is_some() && all().await.len() == before,
        "it is another one"
    );
    assert!(store.set_aside(bucket, key, &new.validator(), &removal(2, Some("끝"))).await.expect("an answer"));
    assert!(store.head(bucket, key).await.expect("a look").is_none());
    let mut kept = all().await;
    quarantine::add_notes(store, bucket, kept.iter_mut()).await.expect("the notes");
    let ours = kept.iter().find(|kept| kept.key == key).expect("what was removed");
    assert_eq!((ours.size, ours.why, ours.note.as_deref()), (3, Why::Dismissed, Some("끝")));
    assert_eq!(ours.etag, new.etag);
    assert_eq!(quarantine::kept(store, bucket, &ours.id, 100).await.expect("what is kept").len(), kept.len() - 1);
    let id: KeptId = ours.id.parse().expect("an id");
    put("other").await;
    let occupied = store.bring_back(bucket, &id, Condition::Absent).await.expect("an answer");
    assert_eq!(occupied, Some(Written::ConditionFailed));
    let other = store.head(bucket, key).await.expect("a look").expect("an object");
    let condition = Condition::Matches(other.validator());
    let Some(Written::Done(back)) = store.bring_back(bucket, &id, condition).await.expect("an answer") else {
        panic!("it comes back")
    };
    assert_eq!(
        (&back.etag, &back.metadata, &back.content_type),
        (&new.etag, &attributes.metadata, &attributes.content_type)
    );
    let object = store.get(bucket, key, 100).await.expect("a read").expect("an object");
    assert_eq!(object.body, "new");
    assert_eq!(all().await.len(), before, "it is there once");
    assert_eq!(store.bring_back(bucket, &id, Condition::Always).await.expect("an answer"), None);
    assert!(store.set_aside(bucket, key, &back.validator(), &removal(3, None)).await.expect("an answer"));
    let ids: Vec<_> = all().await.into_iter().filter(|kept| kept.key == key).map(|kept| kept.id).collect();
    assert_eq!((ids.len(), store.expire(bucket, &ids).await.expect("an answer")), (1, 1));
    assert_eq!(all().await.len(), before);
}

/// Calls that are tried on a store and in memory.
const MODEL_CALLS: usize = 150;

/// The condition of a call on each of two stores: each names its own writes.
async fn conditions(random: &mut StdRng, stores: [&dyn Store; 2], bucket: &str, key: &str) -> [Condition; 2] {
    match random.random_range(0..4) {
        0 => [Condition::Always, Condition::Always],
        1 => [Condition::Absent, Condition::Absent],
        2 => [Condition::Matches("another".into()), Condition::Matches("another".into())],
        _ => {
            let mut named = Vec::new();
            for store in stores {
                let info = store.head(bucket, key).await.expect("a look");
                named.push(info.map_or(Condition::Absent, |info| Condition::Matches(info.validator())));
            }
            named.try_into().expect("two")
        }
    }
}

/// What was written, but for time and generation, which are the store's own.
fn said(written: Written) -> Option<(String, u64, String, BTreeMap<String, String>)> {
    match written {
        Written::Done(info) => Some((info.key, info.size, info.etag, info.metadata)),
        Written::ConditionFailed => None,
    }
}

/// A model: whatever is asked, in whatever order, a store has what `memory` has.
async fn any_calls_do_what_they_do_in_memory(store: &dyn Store, bucket: &str) {
    let model = MemoryStore::new(Arc::new(SystemClock));
    let mut random = StdRng::seed_from_u64(7);
    let keys = ["model/a", "model/b", "model/c/d", "model/가"];
    for call in 0..MODEL_CALLS {
        let (key, from) = (keys[random.random_range(0..keys.len())], keys[random.random_range(0..keys.len())]);
        let attributes = attributes(&random.random_range(0..9_u32).to_string());
        let [mine, models] = conditions(&mut random, [store, &model], bucket, key).await;
        let about = format!("call {call}: {key}, {from}, {mine:?}");
        match random.random_range(0..4) {
            0 | 1 => {
                let body = Bytes::from(vec![b'x'; random.random_range(0..40)]);
                let did = store.put(bucket, key, body.clone(), &attributes, mine).await.expect("a put");
                let should = model.put(bucket, key, body, &attributes, models).await.expect("a put");
                assert_eq!(said(did), said(should), "{about}");
            }
            2 if from != key => {
                let did = store.copy(bucket, from, key, &attributes, mine).await.expect("a copy");
                let should = model.copy(bucket, from, key, &attributes, models).await.expect("a copy");
                assert_eq!(did.map(said), should.map(said), "{about}");
            }
            _ => {
                let etag = |condition: &Condition| match condition {
                    Condition::Matches(etag) => etag.clone(),
                    _ => "none".to_owned(),
                };
                let did = store.delete(bucket, key, &etag(&mine)).await.expect("a deletion");
                let should = model.delete(bucket, key, &etag(&models)).await.expect("a deletion");
                assert_eq!(did, should, "{about}");
            }
        }
        for key in keys {
            let mut found = Vec::new();
            for store in [store, &model] {
                let object = store.get(bucket, key, 100).await.expect("a look");
                found.push(object.map(|object| (said(Written::Done(object.info)), object.body)));
            }
            assert_eq!(found[0], found[1], "{about}: {key}");
        }
        let mut listed = Vec::new();
        for store in [store, &model] {
            let infos = store.list(bucket, "model/", "", 100).await.expect("a list");
            listed.push(infos.into_iter().map(|info| (info.key, info.size, info.etag)).collect::<Vec<_>>());
        }
        assert_eq!(listed[0], listed[1], "{about}");
    }
}

fn attributes(generation: &str) -> Attributes {
    Attributes {
        content_type: Some("image/jpeg".into()),
        cache_control: Some("public, max-age=60".into()),
        metadata: BTreeMap::from([(GENERATION_METADATA.into(), generation.into())]),
    }
}

fn done(written: Written) -> ObjectInfo {
    match written {
        Written::Done(info) => info,
        Written::ConditionFailed => panic!("the condition failed"),
    }
}

async fn put(store: &dyn Store, bucket: &str, key: &str, body: &'static [u8]) -> ObjectInfo {
    let body = Bytes::from_static(body);
    done(store.put(bucket, key, body, &attributes("7"), Condition::Always).await.expect("a put"))
}

async fn content_is_looked_at_and_hashed(store: &dyn Store, bucket: &str) {
    let info = put(store, bucket, "hashed", b"content").await;
    let states = store.check_content(bucket, &["hashed", "nothing"]).await.expect("an answer");
    assert_eq!(states, [ContentState::Present, ContentState::NoObject]);
    assert_eq!(store.hash(bucket, "nothing").await.expect("an answer"), None);
    let digest = store.hash(bucket, "hashed").await.expect("an answer").expect("an object");
    assert_eq!((digest.size_bytes, digest.md5.as_str()), (7, "9a0364b9e99bb480dd25e1f0284c8555"));
    assert_eq!(digest.agrees_with(&info), Some(true));
    assert_eq!(digest.agrees_with(&ObjectInfo { etag: "0".repeat(32), ..info }), Some(false));
}

async fn what_is_put_is_got_and_headed(store: &dyn Store, bucket: &str) {
    assert!(store.get(bucket, "first", 10).await.expect("an answer").is_none());
    assert!(store.head(bucket, "first").await.expect("an answer").is_none());
    let written = put(store, bucket, "first", b"content").await;
    let object = store.get(bucket, "first", 10).await.expect("an answer").expect("an object");
    assert_eq!(object.body, "content");
    assert_eq!((object.info.size, object.info.etag.as_str()), (7, "9a0364b9e99bb480dd25e1f0284c8555"));
    assert_eq!(object.info.content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(object.info.made_from().expect("a generation").as_str(), "7");
    assert_eq!(object.info.etag, written.etag);
    let head = store.head(bucket, "first").await.expect("an answer").expect("an object");
    assert_eq!(head, object.info);
    let large = store.get(bucket, "first", 6).await.expect("an answer").expect("an object");
    assert!(large.body.is_empty() && large.info.size == 7, "more than was asked for is not returned");
    put(store, bucket, "first", b"").await;
    assert_eq!(store.get(bucket, "first", 10).await.expect("an answer").expect("an object").body, "");
}

/// More than one piece of any store.
const LARGE_BYTES: usize = 1_300_001;

async fn read(store: &dyn Store, bucket: &str, key: &str, range: Option<Range<u64>>) -> (ObjectInfo, Vec<u8>) {
    let Reading { info, pieces } = store.read(bucket, key, range).await.expect("an answer").expect("an object");
    (info, pieces.try_collect::<Vec<Bytes>>().await.expect("content").concat())
}

async fn content_is_read_in_pieces_and_ranges(store: &dyn Store, bucket: &str) {
    assert!(store.read(bucket, "read", None).await.expect("an answer").is_none());
    let content: Vec<u8> = (0..=250).cycle().take(LARGE_BYTES).collect();
    let body = Bytes::from(content.clone());
    let written = done(store.put(bucket, "read", body, &attributes("7"), Condition::Always).await.expect("a put"));
    let (info, whole) = read(store, bucket, "read", None).await;
    assert_eq!((info.size, &info.etag), (LARGE_BYTES as u64, &written.etag));
    assert_eq!(info.content_type.as_deref(), Some("image/jpeg"));
    assert!(whole == content, "{} bytes", whole.len());
    for range in [0..1, 5..600_000, 700_000..LARGE_BYTES, LARGE_BYTES - 1..LARGE_BYTES] {
        let asked = range.start as u64..range.end as u64;
        let (info, part) = read(store, bucket, "read", Some(asked)).await;
        assert_eq!(info.size, LARGE_BYTES as u64, "of the whole object");
        assert!(part == content[range.clone()], "{range:?}: {} bytes", part.len());
    }
    put(store, bucket, "read", b"").await;
    let (info, nothing) = read(store, bucket, "read", None).await;
    assert_eq!((info.size, nothing.len()), (0, 0));
}

async fn keys_are_kept_byte_for_byte(store: &dyn Store, bucket: &str) {
    let long = "k".repeat(900);
    for key in KEYS.iter().copied().chain([long.as_str()]) {
        let body = Bytes::from(format!("content of {key}"));
        done(store.put(bucket, key, body, &attributes("1"), Condition::Always).await.expect("a put"));
    }
    for key in KEYS.iter().copied().chain([long.as_str()]) {
        let object = store.get(bucket, key, 2000).await.expect("an answer").expect("an object");
        assert_eq!(object.body, format!("content of {key}"));
        assert_eq!(object.info.key, key);
    }
}

async fn conditions_decide_over_writes(store: &dyn Store, bucket: &str) {
    let write = |body: &'static str, condition| async move {
        store.put(bucket, "conditional", Bytes::from(body), &attributes("1"), condition).await.expect("an answer")
    };
    assert_eq!(write("0", Condition::Matches("none".into())).await, Written::ConditionFailed);
    let first = done(write("1", Condition::Absent).await);
    assert_eq!(write("2", Condition::Absent).await, Written::ConditionFailed);
    let second = done(write("2", Condition::Matches(first.etag.clone())).await);
    assert_eq!(write("3", Condition::Matches(first.etag)).await, Written::ConditionFailed);
    let kept = store.get(bucket, "conditional", 10).await.expect("an answer").expect("an object");
    assert_eq!((kept.body.as_ref(), kept.info.etag), (b"2".as_ref(), second.etag));
}

async fn copies_have_attributes_of_their_own(store: &dyn Store, bucket: &str) {
    let copy = |from: &'static str, to: &'static str, condition| async move {
        store.copy(bucket, from, to, &attributes("9"), condition).await.expect("an answer")
    };
    assert_eq!(copy("copy-source-that-is-not", "copy", Condition::Always).await, None);
    let source = put(store, bucket, "copy-source", b"shared").await;
    let copied = done(copy("copy-source", "copy", Condition::Absent).await.expect("a source"));
    assert_eq!((copied.size, &copied.etag), (6, &source.etag));
    assert_eq!(copied.made_from().expect("a generation").as_str(), "9");
    assert_eq!(copy("copy-source", "copy", Condition::Absent).await, Some(Written::ConditionFailed));
    put(store, bucket, "copy-source", b"replaced").await;
    let object = store.get(bucket, "copy", 10).await.expect("an answer").expect("an object");
    assert_eq!(object.body, "shared", "the copy keeps its content when the source changes");
}

async fn what_is_written_together_is_as_if_written_apart(store: &dyn Store, bucket: &str) {
    let standing = put(store, bucket, "together-2", b"standing").await;
    let object = |n: u32, body: &'static str, condition| NewObject {
        key: format!("together-{n}"),
        body: Bytes::from(body),
        attributes: attributes(&n.to_string()),
        condition,
    };
    let objects = vec![
        object(1, "first", Condition::Absent),
        object(2, "refused", Condition::Absent),
        object(3, "", Condition::Always),
        object(4, "the last one", Condition::Absent),
    ];
    let written = store.put_all(bucket, objects).await.expect("an answer");
    let etags = written.iter().map(|written| match written {
        Written::Done(info) => Some(info.etag.clone()),
        Written::ConditionFailed => None,
    });
    assert!(etags.clone().map(|etag| etag.is_some()).eq([true, false, true, true]));
    for (n, body) in [(1, "first"), (2, "standing"), (3, ""), (4, "the last one")] {
        let key = format!("together-{n}");
        let object = store.get(bucket, &key, 100).await.expect("an answer").expect("an object");
        assert_eq!((object.body.as_ref(), object.info.size), (body.as_bytes(), body.len() as u64), "{key}");
        let opened = store.open(bucket, &key, 100).await.expect("an answer").expect("an object");
        assert_eq!(opened.info, object.info);
        assert_eq!(opened.content.into_bytes().expect("content"), body, "{key}");
    }
    let replaced = vec![object(2, "replaced", Condition::Matches(standing.validator()))];
    assert!(matches!(store.put_all(bucket, replaced).await.expect("an answer")[..], [Written::Done(_)]));

    let copy = |from: &str, to: &str, condition| NewKey {
        from: from.into(),
        etag: String::new(),
        to: to.into(),
        attributes: attributes("9"),
        condition,
    };
    let copies = vec![
        copy("together-4", "together-copy-4", Condition::Absent),
        copy("together-that-is-not", "together-copy-5", Condition::Absent),
        copy("together-1", "together-2", Condition::Absent),
    ];
    let copied = store.copy_all(bucket, copies).await.expect("an answer");
    assert_eq!(copied, [Copied::Done, Copied::NoSource, Copied::ConditionFailed]);
    let copy = store.get(bucket, "together-copy-4", 100).await.expect("an answer").expect("an object");
    assert_eq!(
        (copy.body.as_ref(), copy.info.made_from().expect("a generation").as_str()),
        (&b"the last one"[..], "9")
    );
    assert!(store.put_all(bucket, Vec::new()).await.expect("an answer").is_empty());
    assert!(store.copy_all(bucket, Vec::new()).await.expect("an answer").is_empty());
    copies_are_fenced_by_what_was_seen(store, bucket).await;
}

/// A second key changes only from what was seen at it, however the store copies; and a source that is gone is told from a condition that
/// does not hold.
async fn copies_are_fenced_by_what_was_seen(store: &dyn Store, bucket: &str) {
    let source = put(store, bucket, "fenced-source", b"new").await;
    let seen = put(store, bucket, "fenced-copy", b"old").await;
    let copy = async |from: &str, etag: &str, condition| {
        let (from, to) = (from.to_owned(), "fenced-copy".to_owned());
        let new = NewKey { from, etag: etag.to_owned(), to, attributes: attributes("9"), condition };
        store.copy_all(bucket, vec![new]).await.expect("an answer")[0]
    };
    let (matches, other) = (Condition::Matches(seen.validator()), Condition::Matches("0".repeat(32)));
    assert_eq!(copy("fenced-source", &source.etag, other.clone()).await, Copied::ConditionFailed);
    assert_eq!(copy("fenced-that-is-not", "", matches.clone()).await, Copied::NoSource);
    assert_eq!(copy("fenced-source", &source.etag, matches.clone()).await, Copied::Done);
    assert_eq!(
        copy("fenced-source", &source.etag, matches.clone()).await,
        Copied::ConditionFailed,
        "it was written since"
    );
    let object = store.get(bucket, "fenced-copy", 10).await.expect("an answer").expect("an object");
    assert_eq!((object.body.as_ref(), &object.info.etag), (&b"new"[..], &source.etag));
    assert!(store.delete(bucket, "fenced-copy", &object.info.validator()).await.expect("an answer"));
    assert_eq!(copy("fenced-source", &source.etag, matches).await, Copied::ConditionFailed, "it is gone");
    assert_eq!(copy("fenced-source", &source.etag, Condition::Absent).await, Copied::Done);
}

async fn deletes_are_fenced_by_the_etag(store: &dyn Store, bucket: &str) {
    assert!(store.delete(bucket, "deleted", "any").await.expect("an answer"), "gone before is gone afterwards");
    let info = put(store, bucket, "deleted", b"content").await;
    assert!(!store.delete(bucket, "deleted", "another").await.expect("an answer"));
    assert!(store.head(bucket, "deleted").await.expect("an answer").is_some());
    assert!(store.delete(bucket, "deleted", &info.etag).await.expect("an answer"));
    assert!(store.head(bucket, "deleted").await.expect("an answer").is_none());
}

/// Where the store has generations: what was decided on one write must not hit the next of the same bytes.
async fn the_same_bytes_again_are_another_write(store: &dyn Store, bucket: &str) {
    let first = put(store, bucket, "twice", b"content").await;
    if first.write_generation.is_none() {
        return;
    }
    let second = put(store, bucket, "twice", b"content").await;
    assert_eq!(first.etag, second.etag);
    assert!(!store.delete(bucket, "twice", &first.validator()).await.expect("an answer"));
    let body = Bytes::from_static(b"late");
    let late = Condition::Matches(first.validator());
    let written = store.put(bucket, "twice", body, &attributes("1"), late).await.expect("an answer");
    assert_eq!(written, Written::ConditionFailed);
    assert!(store.delete(bucket, "twice", &second.validator()).await.expect("an answer"));
}

async fn listings_are_in_order_and_resume(store: &dyn Store, bucket: &str) {
    let mut keys = ["list/", "list/A", "list/a", "list/a/b", "list/a0", "list/z", "list/가"];
    for key in keys.iter().rev() {
        put(store, bucket, key, b"x").await;
    }
    put(store, bucket, "lisu", b"x").await;
    keys.sort_unstable();
    let list = |after: String, max| async move {
        let page = store.list(bucket, "list/", &after, max).await.expect("a listing");
        page.into_iter().map(|info| info.key).collect::<Vec<_>>()
    };
    assert_eq!(list(String::new(), 100).await, keys);
    let mut paged = Vec::new();
    while let page = list(paged.last().cloned().unwrap_or_default(), 2).await
        && !page.is_empty()
    {
        assert!(page.len() <= 2);
        paged.extend(page);
    }
    assert_eq!(paged, keys);
    assert_eq!(list("list/zz".into(), 100).await, ["list/가"]);
}
