//! Liars: in each place and each column one thing is made wrong behind the system's back. Verifying must name exactly it, and
//! what can be repaired is complete again after reconciling.

use std::{collections::BTreeSet, sync::Arc};

use cameo::{
    ledger::image_urls::ImageUrls,
    model::generation::Generation,
    proof::verify::{EntityState, Look},
    serve::images::client::HttpImages,
    store::{Attributes, GENERATION_METADATA},
};
use futures::{
    StreamExt,
    future::{self, BoxFuture},
    stream,
};

use crate::whole_system::{IMAGES, System, UPLOADS, size_set};

/// Systems that are tried side by side.
const AT_ONCE: usize = 4;

/// Who repairs a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// `cameo reconcile --apply`.
    Reconcile,
    /// Somebody else: Cameo names it, and leaves it.
    Person,
}

type Tell = Box<dyn for<'s> Fn(&'s System) -> BoxFuture<'s, ()> + Send + Sync>;

/// One thing that is made wrong, the words of what verifying must name, and who repairs it.
struct Lie {
    name: &'static str,
    tell: Tell,
    /// One list of words a finding.
    finds: &'static [&'static [&'static str]],
    by: By,
    look: Look,
}

fn lie(name: &'static str, finds: &'static [&'static [&'static str]], by: By, tell: Tell) -> Lie {
    Lie { name, tell, finds, by, look: Look::Everything }
}

fn deep(lie: Lie) -> Lie {
    Lie { look: Look::Deep, ..lie }
}

/// A lie in SQL.
fn sql(name: &'static str, statement: &'static str, finds: &'static [&'static [&'static str]], by: By) -> Lie {
    let tell = move |system: &System| {
        system.sql(statement);
    };
    lie(name, finds, by, Box::new(move |system| Box::pin(async move { tell(system) })))
}

macro_rules! tell {
    ($system:ident => $body:expr) => {
        Box::new(|$system: &System| Box::pin(async move { $body }))
    };
}

/// Two photos of an entity, one of another, one in another vertical, a rejected one, and one that was deleted.
async fn system() -> System {
    let system = System::start().await;
    for (key, body) in
        [("v/1_0", "a"), ("v/1_1", "b"), ("v/2_0", "c"), ("v/3_0", "bad"), ("v/4_0", "deleted"), ("w/1_0", "d")]
    {
        system.put(UPLOADS, &format!("origin/{key}.jpg"), body).await;
    }
    system.drain().await;
    system.delete(UPLOADS, "origin/v/4_0.jpg").await;
    system.drain().await;
    system
}

const ROW: &str = "v/1_0 sq: the row has the";

fn lies_in_rows() -> Vec<Lie> {
    macro_rules! set {
        ($name:literal, $change:literal, $($word:literal),*) => {
            sql(
                $name,
                concat!("UPDATE celeb_image_url SET ", $change,
                    " WHERE vertical = 'v' AND cd_idx = 1 AND sequence = 0 AND image_size = 'sq'"),
                &[&[ROW, $($word),*]],
                By::Reconcile,
            )
        };
    }
    vec![
        set!("flow.md 20: width", "width = 9", "width \"9\"", "\"8\""),
        set!("flow.md 20: height", "height = 9", "height \"9\"", "\"8\""),
        set!("bytes", "bytes = bytes + 1", "bytes"),
        set!("etag", "etag = 'other'", "etag \"other\""),
        set!("flow.md 20: a dead host", "image_url = replace(image_url, '127.0.0.1', '127.0.0.2')", "image_url", "127.0.0.2"),
        set!("flow.md 20: garbage before the path", "image_url = 'x' || image_url", "image_url \"xhttp"),
        set!("flow.md 20: another port", "image_url = 'http://127.0.0.1:1/v/sq/1_sq_0.jpg'", "127.0.0.1:1/"),
        set!("another scheme", "image_url = replace(image_url, 'http:', 'https:')", "https://"),
        set!("an address of another photo", "image_url = replace(image_url, '1_sq_0', '1_sq_1')", "1_sq_1"),
        set!("an address with more behind it", "image_url = image_url || '?x'", "?x"),
        set!("no address", "image_url = ''", "image_url \"\""),
        sql(
            "a row that is gone",
            "DELETE FROM celeb_image_url WHERE vertical = 'v' AND cd_idx = 1 AND sequence = 1 AND image_size = 've'",
            &[&["v/1_1 ve: the row is not found"]],
            By::Reconcile,
        ),
        sql(
            "all rows of a photo are gone",
            "DELETE FROM celeb_image_url WHERE vertical = 'v' AND cd_idx = 2",
            &[&["v/2_0 sq: the row is not found"], &["v/2_0 ve: the row is not found"]],
            By::Reconcile,
        ),
        sql(
            "the ledger's vertical of a photo is another",
            "UPDATE cameo_originals SET vertical = 'w' WHERE object_key = 'origin/v/2_0.jpg'",
            &[&["v/2_0: the original is not processed"]],
            By::Reconcile,
        ),
        sql(
            "the ledger's cd_idx of a photo is gone",
            "UPDATE cameo_originals SET cd_idx = NULL WHERE object_key = 'origin/v/2_0.jpg'",
            &[&["v/2_0: the original is not processed"]],
            By::Reconcile,
        ),
        sql(
            "the ledger's sequence of a photo is another",
            "UPDATE cameo_originals SET sequence = 7 WHERE object_key = 'origin/v/1_1.jpg'",
            &[&["v/1_1: vertical, cd_idx or sequence of its ledger entry"]],
            By::Reconcile,
        ),
        sql(
            "the ledger's reason is none that this version knows",
            "UPDATE cameo_originals SET reason = 'file.of_tomorrow' WHERE object_key = 'origin/v/3_0.jpg'",
            &[&["v/3_0: system.unknown_reason", "file.of_tomorrow"]],
            By::Person,
        ),
        sql(
            "a row of a size of nobody",
            "UPDATE celeb_image_url SET image_size = 'xx' WHERE vertical = 'v' AND cd_idx = 2 AND image_size = 've'",
            &[&["v/2_0 ve: the row is not found"], &["v/2_0: size xx is no longer in the size set"]],
            By::Reconcile,
        ),
        sql(
            "flow.md 14: rows of a deleted photo are back",
            "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag, regist_date, update_date)
             SELECT vertical, 4, image_size, 0, replace(image_url, '/2_', '/4_'), width, height, bytes, etag, regist_date, update_date
             FROM celeb_image_url WHERE vertical = 'v' AND cd_idx = 2",
            &[&["v/4_0: rows of a deleted photo"]],
            By::Reconcile,
        ),
        sql(
            "rows of nobody, with our addresses",
            "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag, regist_date, update_date)
             SELECT vertical, 77, image_size, 0, replace(image_url, '/2_', '/77_'), width, height, bytes, etag, regist_date, update_date
             FROM celeb_image_url WHERE vertical = 'v' AND cd_idx = 2",
            &[&["v/77_0: rows without an original and without a ledger entry"]],
            By::Reconcile,
        ),
        sql(
            "flow.md 5: rows of another system are named and left alone",
            "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag, regist_date, update_date)
             SELECT 'other', 9, image_size, 0, 'https://old.example/9.jpg', width, height, bytes, etag, regist_date, update_date
             FROM celeb_image_url WHERE vertical = 'v' AND cd_idx = 2",
            &[&["other/9_0: rows without an original"]],
            By::Person,
        ),
        sql(
            "rows of a rejected photo",
            "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag, regist_date, update_date)
             SELECT vertical, 3, image_size, 0, replace(image_url, '/2_', '/3_'), width, height, bytes, etag, regist_date, update_date
             FROM celeb_image_url WHERE vertical = 'v' AND cd_idx = 2",
            &[&["v/3_0: rows of a rejected photo (sq, ve)"]],
            By::Person,
        ),
    ]
}

fn lies_in_the_ledger() -> Vec<Lie> {
    macro_rules! entry {
        ($name:literal, $change:literal, $finds:expr) => {
            sql(
                $name,
                concat!("UPDATE cameo_originals SET ", $change, " WHERE object_key = 'origin/v/2_0.jpg'"),
                $finds,
                By::Reconcile,
            )
        };
    }
    vec![
        sql(
            "an entry that is gone",
            "DELETE FROM cameo_originals WHERE object_key = 'origin/v/2_0.jpg'",
            &[&["v/2_0: the original is not processed, and no event of it is in the queue"]],
            By::Reconcile,
        ),
        entry!("another content", "etag = 'other'", &[&["v/2_0: the ledger knows another content"]]),
        entry!(
            "removed although it is there",
            "state = 'removed', serving_generation = NULL",
            &[&["v/2_0: the original exists, and the ledger says removed"]]
        ),
        entry!(
            "serving another generation",
            "serving_generation = '0000000000000001'",
            &[&["v/2_0 sq: the rendition was made from"], &["v/2_0 ve: the rendition was made from"]]
        ),
        entry!(
            "users.md 19: made by an older version of the size set",
            "size_set = 'small/0'",
            &[&["v/2_0: made by the size set small/0, and the current one is small/1"]]
        ),
    ]
}

/// Overwrites a rendition as one that was made from a newer generation than the ledger's: of the same original, or of another.
async fn overwrite_newer(system: &System, other: Option<&'static str>) {
    const KEY: &str = "v/sq/1_sq_1.jpg";
    let object = system.store.get(IMAGES, KEY, 1 << 20).await.unwrap().expect("a rendition");
    let mut metadata = object.info.metadata;
    metadata.insert(GENERATION_METADATA.to_owned(), Generation::from_counter(0xf_ffff).to_string());
    if let Some(other) = other {
        metadata.insert("cameo-original".to_owned(), other.to_owned());
    }
    let attributes = Attributes { content_type: object.info.content_type, cache_control: None, metadata };
    let body = other.map_or(object.body, |other| other.as_bytes().into());
    system.put_with(IMAGES, KEY, body, &attributes).await;
}

fn lies_in_renditions() -> Vec<Lie> {
    vec![
        lie(
            "users.md 12: a rendition that is gone",
            &[&["v/1_0 sq: the rendition is not found"]],
            By::Reconcile,
            tell!(system => system.delete(IMAGES, "v/sq/1_sq_0.jpg").await),
        ),
        lie(
            "a rendition that somebody overwrote",
            &[&["v/1_0 sq: the rendition was not written by Cameo"]],
            By::Reconcile,
            tell!(system => system.put(IMAGES, "v/sq/1_sq_0.jpg", "forged").await),
        ),
        lie(
            "a rendition that was overwritten with its metadata kept",
            &[&["v/1_0 sq: the row has the etag"], &["v/1_0 sq: the row has the bytes"]],
            By::Reconcile,
            tell!(system => {
                let info = system.store.head(IMAGES, "v/sq/1_sq_0.jpg").await.unwrap().unwrap();
                let attributes = Attributes { content_type: info.content_type, cache_control: None, metadata: info.metadata };
                system.put_with(IMAGES, "v/sq/1_sq_0.jpg", "forged", &attributes).await;
            }),
        ),
        lie(
            "the rendition of another photo",
            &[&["v/1_1 sq: the rendition was made from generation"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/1_sq_0.jpg", "v/sq/1_sq_1.jpg").await),
        ),
        lie(
            "the ledger is older than a rendition of the same original: a restored database",
            &[&["v/1_1 sq: the rendition was made from generation 00000000000fffff"]],
            By::Reconcile,
            tell!(system => overwrite_newer(system, None).await),
        ),
        lie(
            "the ledger is older than a rendition of another original: a restored database",
            &[&["v/1_1 sq: the rendition was made from generation 00000000000fffff"]],
            By::Reconcile,
            tell!(system => overwrite_newer(system, Some("of another original")).await),
        ),
        lie(
            "a rendition of another media type",
            &[&["v/1_0 sq: the rendition has the media type \"text/html\""]],
            By::Reconcile,
            tell!(system => { system.sql("UPDATE cameo_objects SET content_type = 'text/html' WHERE object_key = 'v/sq/1_sq_0.jpg'"); }),
        ),
        sql(
            "a rendition without a media type",
            "UPDATE cameo_objects SET content_type = NULL WHERE object_key = 'v/sq/1_sq_0.jpg'",
            &[&["v/1_0 sq: the rendition has no media type"]],
            By::Reconcile,
        ),
        sql(
            "flow.md 11: columns of one object are damaged",
            "UPDATE cameo_objects SET metadata = 'x', headers = '', checksums = '[]', parts = '[1]'
             WHERE object_key = 'v/sq/1_sq_0.jpg'",
            &[&["v/1_0 sq: the rendition was not written by Cameo"]],
            By::Reconcile,
        ),
        lie(
            "users.md 12: a rotted rendition is not the fault of the address that serves it",
            &[&["v/2_0 ve: the rendition is damaged: its content"], &["v/ve/2.jpg: the alias is damaged"]],
            By::Reconcile,
            tell!(system => system.rot(IMAGES, "v/ve/2_ve_0.jpg").await),
        ),
        lie(
            "users.md 12: the file of renditions and aliases is gone",
            &[
                &["w/1_0 sq: the rendition has lost its content"],
                &["w/1_0 ve: the rendition has lost its content"],
                &["w/sq/1.jpg: the alias has lost its content"],
                &["w/ve/1.jpg: the alias has lost its content"],
            ],
            By::Reconcile,
            tell!(system => std::fs::remove_file(system.file_of(IMAGES, "w/sq/1_sq_0.jpg").0).unwrap()),
        ),
        deep(lie(
            "a disk that rots under a rendition and its alias",
            &[&["v/2_0 ve: the rendition is damaged: its content"], &["v/ve/2.jpg: the alias is damaged"]],
            By::Reconcile,
            tell!(system => system.rot(IMAGES, "v/ve/2_ve_0.jpg").await),
        )),
        deep(lie(
            "a disk that rots under a rendition without an alias",
            &[&["v/1_1 ve: the rendition is damaged: its content"]],
            By::Reconcile,
            tell!(system => system.rot(IMAGES, "v/ve/1_ve_1.jpg").await),
        )),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table, a lie an entry")]
fn lies_in_what_is_published() -> Vec<Lie> {
    vec![
        lie(
            "an alias that is gone",
            &[&["v/sq/1.jpg: the alias is not found"]],
            By::Reconcile,
            tell!(system => system.delete(IMAGES, "v/sq/1.jpg").await),
        ),
        lie(
            "an alias of the last good original, beside a rejected one",
            &[
                &[
                    "v/2_0: file.corrupt: the description of the picture at the beginning of the file is damaged (the last good original is being served) (bad)",
                ],
                &["v/sq/2.jpg: the alias is not found"],
            ],
            By::Reconcile,
            tell!(system => {
                system.put(UPLOADS, "origin/v/2_0.jpg", "bad").await;
                system.drain().await;
                system.delete(IMAGES, "v/sq/2.jpg").await;
            }),
        ),
        sql(
            "an alias of another length",
            "UPDATE cameo_objects SET size = 0 WHERE object_key = 'v/sq/1.jpg'",
            &[&["v/sq/1.jpg: the alias has 0 bytes"]],
            By::Reconcile,
        ),
        sql(
            "an alias of another media type",
            "UPDATE cameo_objects SET content_type = 'text/html' WHERE object_key = 'v/sq/1.jpg'",
            &[&["v/sq/1.jpg: the alias has the media type \"text/html\""]],
            By::Reconcile,
        ),
        lie(
            "an alias of another sequence",
            &[&["v/sq/1.jpg: the alias does not show the photo of the lowest sequence"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/1_sq_1.jpg", "v/sq/1.jpg").await),
        ),
        lie(
            "an alias that somebody overwrote",
            &[&["v/ve/1.jpg: the alias does not show"]],
            By::Reconcile,
            tell!(system => system.put(IMAGES, "v/ve/1.jpg", "forged").await),
        ),
        lie(
            "flow.md 8: the rendition of a deleted photo is public",
            &[&["v/sq/4_sq_0.jpg", "its original is deleted"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/2_sq_0.jpg", "v/sq/4_sq_0.jpg").await),
        ),
        lie(
            "flow.md 8: the alias of a deleted photo is public",
            &[&["v/sq/4.jpg", "no photo of v/4 is served"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/2.jpg", "v/sq/4.jpg").await),
        ),
        lie(
            "the rendition of a size of nobody",
            &[&["v/xx/2_xx_0.jpg", "size xx is no longer in the size set"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/2_sq_0.jpg", "v/xx/2_xx_0.jpg").await),
        ),
        lie(
            "the alias of a size of nobody",
            &[&["v/xx/2.jpg", "size xx is no longer in the size set"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/2.jpg", "v/xx/2.jpg").await),
        ),
        lie(
            "the rendition of a photo of nobody",
            &[&["v/sq/88_sq_0.jpg", "neither the upload bucket nor the ledger knows its original"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/2_sq_0.jpg", "v/sq/88_sq_0.jpg").await),
        ),
        lie(
            "the rendition of a rejected photo",
            &[&["v/sq/3_sq_0.jpg", "its original is rejected: file.corrupt"]],
            By::Reconcile,
            tell!(system => system.copy("v/sq/2_sq_0.jpg", "v/sq/3_sq_0.jpg").await),
        ),
        lie(
            "an object that Cameo did not write is named, and left",
            &[&["v/sq/99_sq_0.jpg", "neither the upload bucket nor the ledger"]],
            By::Person,
            tell!(system => system.put(IMAGES, "v/sq/99_sq_0.jpg", "somebody's").await),
        ),
        lie(
            "an object outside of the grammar",
            &[&["v/sq/logo.png", "not of the grammar"]],
            By::Person,
            tell!(system => system.put(IMAGES, "v/sq/logo.png", "logo").await),
        ),
        lie(
            "flow.md 8: aliases although they are off",
            &[
                &["v/sq/1.jpg", "images.alias is off"],
                &["v/sq/2.jpg", "images.alias is off"],
                &["v/ve/1.jpg", "images.alias is off"],
                &["v/ve/2.jpg", "images.alias is off"],
                &["w/sq/1.jpg", "images.alias is off"],
                &["w/ve/1.jpg", "images.alias is off"],
            ],
            By::Reconcile,
            tell!(system => system.reconfigure(|settings| settings.publish_alias = false)),
        ),
    ]
}

fn lies_in_originals() -> Vec<Lie> {
    const GONE: &str = "the original is not found in the upload bucket, and no event says that it was deleted";
    vec![
        lie(
            "an original that is gone without an event",
            &[&["v/2_0", GONE]],
            By::Reconcile,
            tell!(system => { system.sql("DELETE FROM cameo_objects WHERE object_key = 'origin/v/2_0.jpg'"); }),
        ),
        lie(
            "a rejected original that is gone without an event",
            &[&["v/3_0", GONE]],
            By::Reconcile,
            tell!(system => { system.sql("DELETE FROM cameo_objects WHERE object_key = 'origin/v/3_0.jpg'"); }),
        ),
        lie(
            "flow.md 9: the event of a replacement is lost",
            &[&["v/2_0: the original is not processed, and no event of it is in the queue"]],
            By::Reconcile,
            tell!(system => {
                system.put(UPLOADS, "origin/v/2_0.jpg", "newer").await;
                system.sql("DELETE FROM cameo_messages");
            }),
        ),
        lie(
            "the event of a new photo is lost",
            &[&["v/6_0: the original is not processed, and no event of it is in the queue"]],
            By::Reconcile,
            tell!(system => {
                system.put(UPLOADS, "origin/v/6_0.jpg", "new").await;
                system.sql("DELETE FROM cameo_messages");
            }),
        ),
        lie(
            "the event of a deletion is lost",
            &[&["v/2_0", GONE]],
            By::Reconcile,
            tell!(system => {
                system.delete(UPLOADS, "origin/v/2_0.jpg").await;
                system.sql("DELETE FROM cameo_messages");
            }),
        ),
        lie(
            "flow.md 22: the message of a photo is dead",
            &[&["v/6_0: system.dead_letter: its message is a dead letter: nobody can handle it"]],
            By::Person,
            tell!(system => {
                system.put(UPLOADS, "origin/v/6_0.jpg", "new").await;
                system.kill_message("nobody can handle it").await;
            }),
        ),
        lie(
            "flow.md 9: what the last good original is served with is not sent in circles, since its content is replaced",
            &[
                &[
                    "v/2_0: file.corrupt: the description of the picture at the beginning of the file is damaged (the last good original is being served) (bad)",
                ],
                &["v/2_0 sq: the row is not found"],
            ],
            By::Person,
            tell!(system => {
                system.put(UPLOADS, "origin/v/2_0.jpg", "bad").await;
                system.drain().await;
                system.sql("DELETE FROM celeb_image_url WHERE cd_idx = 2 AND image_size = 'sq'");
            }),
        ),
        lie(
            "users.md 11: the content of an original is gone",
            &[&["v/2_0: the original has lost its content"]],
            By::Person,
            tell!(system => std::fs::remove_file(system.file_of(UPLOADS, "origin/v/2_0.jpg").0).unwrap()),
        ),
        lie(
            "flow.md 20: the content of an original is cut",
            &[&["v/1_1: the original is damaged: 0 of 1 bytes are left"]],
            By::Person,
            tell!(system => std::fs::write(system.file_of(UPLOADS, "origin/v/1_1.jpg").0, "").unwrap()),
        ),
        deep(lie(
            "a disk that rots under an original",
            &[&["v/1_0: the original is damaged: its content"]],
            By::Person,
            tell!(system => system.rot(UPLOADS, "origin/v/1_0.jpg").await),
        )),
        lie(
            "users.md 5: a photo outside of origin/",
            &[&["Origin/v/5_0.jpg", "upload it as origin/v/5_0.jpg"]],
            By::Person,
            tell!(system => system.put(UPLOADS, "Origin/v/5_0.jpg", "x").await),
        ),
        lie(
            "users.md 3: a photo in a folder within",
            &[&["origin/v/sub/5_0.jpg", "a folder inside the vertical"]],
            By::Person,
            tell!(system => {
                system.put(UPLOADS, "origin/v/sub/5_0.jpg", "x").await;
                system.drain().await;
            }),
        ),
    ]
}

fn lies_of_settings() -> Vec<Lie> {
    vec![
        lie(
            "users.md 20: a size was added",
            &[
                &["v/1_0: made by the size set small/1, and the current one is small/2"],
                &["v/1_1: made by the size set small/1"],
                &["v/2_0: made by the size set small/1"],
                &["w/1_0: made by the size set small/1"],
            ],
            By::Reconcile,
            tell!(system => system.reconfigure(|settings| {
                settings.size_sets = size_set("small/2", &[("sq", 8, 8), ("ve", 8, 16), ("ho", 16, 8)]);
            })),
        ),
        lie(
            "flow.md, questionable: dimensions were changed, and the version was not",
            &[
                &["v/1_0: made by the size set small/1 as it was before, and the current one is small/1"],
                &["v/1_1: made by the size set small/1 as it was before"],
                &["v/2_0: made by the size set small/1 as it was before"],
                &["w/1_0: made by the size set small/1 as it was before"],
            ],
            By::Reconcile,
            tell!(system => system.reconfigure(|settings| {
                settings.size_sets = size_set("small/1", &[("sq", 16, 16), ("ve", 8, 16)]);
            })),
        ),
        lie(
            "the public address changed",
            &[
                &["v/1_0 sq: the row has the image_url"],
                &["v/1_0 ve: the row has the image_url"],
                &["v/1_1 sq: the row has the image_url"],
                &["v/1_1 ve: the row has the image_url"],
                &["v/2_0 sq: the row has the image_url"],
                &["v/2_0 ve: the row has the image_url"],
                &["w/1_0 sq: the row has the image_url"],
                &["w/1_0 ve: the row has the image_url"],
            ],
            By::Reconcile,
            tell!(system => *system.urls.lock().unwrap() = ImageUrls::new("https://image.example")),
        ),
        lie(
            "users.md 10: nobody answers at the public address",
            &[&["http://127.0.0.1:1/"]],
            By::Person,
            tell!(system => *system.served.lock().unwrap() = Arc::new(HttpImages::new("http://127.0.0.1:1").unwrap())),
        ),
    ]
}

fn lies() -> Vec<Lie> {
    let all = [
        lies_in_rows(),
        lies_in_the_ledger(),
        lies_in_renditions(),
        lies_in_what_is_published(),
        lies_in_originals(),
        lies_of_settings(),
    ];
    all.into_iter().flatten().collect()
}

/// users.md 11 and 12: where original and renditions are lost together only a person can help. The aliases go, and nothing is sent:
/// neither to become a dead letter nor, beside a rejected original, to write aliases of lost content again.
#[tokio::test]
async fn what_lost_every_content_is_not_sent_in_circles() {
    for replaced in [false, true] {
        let system = system().await;
        if replaced {
            system.put(UPLOADS, "origin/w/1_0.jpg", "bad").await;
            system.drain().await;
        } else {
            std::fs::remove_file(system.file_of(UPLOADS, "origin/w/1_0.jpg").0).unwrap();
        }
        std::fs::remove_file(system.file_of(IMAGES, "w/sq/1_sq_0.jpg").0).unwrap();
        let found = system.verify(Look::Everything).await;
        assert!(found.plan.render.is_empty(), "{:?}", found.plan);
        assert_eq!(found.plan.take_down.len(), 2, "{:?}", found.plan);
        system.reconcile(&found.plan).await;
        system.drain().await;
        let after = system.verify(Look::Everything).await;
        assert!(after.plan.is_empty() && after.plan.left_total > 0, "{:?}", after.plan);
        assert_eq!(after.state(), EntityState::Different);
    }
}

/// What is named on a system without lies.
const HONEST: &str =
    "v/3_0: file.corrupt: the description of the picture at the beginning of the file is damaged (bad)";

/// What a lie was answered with, where it is not what it should be.
async fn answer(system: &System, lie: &Lie) -> Result<(), String> {
    let Lie { name, tell, finds, by, look } = lie;
    tell(system).await;
    let found = system.verify(*look).await;
    let mut named: Vec<String> = found.lines().into_iter().filter(|line| line != HONEST).collect();
    for words in *finds {
        let Some(n) = named.iter().position(|line| words.iter().all(|word| line.contains(word))) else {
            return Err(format!("{name}: not named: {words:?} in {:?}", found.lines()));
        };
        named.remove(n);
    }
    if !named.is_empty() {
        return Err(format!("{name}: named besides: {named:#?}"));
    }
    if *by == By::Person {
        // Of what needs a person, Cameo does nothing by itself.
        let acts = found.plan.is_empty();
        return if acts { Ok(()) } else { Err(format!("{name}: would be done: {:?}", found.plan)) };
    }
    if found.state() != EntityState::Different {
        return Err(format!("{name}: is {:?}", found.state()));
    }
    system.reconcile(&found.plan).await;
    system.drain().await;
    let after = system.verify(*look).await;
    // What is rejected stays so, whatever else is repaired.
    let left: Vec<String> = after
        .lines()
        .into_iter()
        .filter(|line| {
            !(line.contains(": file.corrupt: the description of the picture at ") && line.ends_with("(bad)"))
        })
        .collect();
    if left.is_empty() { Ok(()) } else { Err(format!("{name}: reconciling leaves {left:#?}")) }
}

/// flow.md 20 and all of the kind.
#[tokio::test]
async fn every_lie_is_named_exactly_and_what_can_be_repaired_is() {
    let lies = lies();
    assert!(lies.len() >= 50, "{}", lies.len());
    let names: BTreeSet<&str> = lies.iter().map(|lie| lie.name).collect();
    assert_eq!(names.len(), lies.len());
    // Each on a system of its own; they mostly wait for disks.
    let answers = stream::iter(&lies).map(|lie| async move { answer(&system().await, lie).await.err() });
    let wrong: Vec<String> = answers.buffer_unordered(AT_ONCE).filter_map(future::ready).collect().await;
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lies.len(), wrong.join("\n"));
}

#[tokio::test]
async fn an_honest_system_is_complete_but_for_what_is_rejected() {
    let system = system().await;
    for look in [Look::Entities, Look::Everything, Look::Deep] {
        let found = system.verify(look).await;
        assert_eq!((found.lines(), found.state()), (vec![HONEST.to_owned()], EntityState::Rejected), "{look:?}");
        assert_eq!((found.summary.entities, found.summary.photos, found.summary.rows), (4, 5, 8));
        assert!(found.plan.is_empty(), "{:?}", found.plan);
    }
}
