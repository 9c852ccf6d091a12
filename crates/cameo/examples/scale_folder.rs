//! A data folder of many entities, to see what commands and pages cost on it: `scale_folder FOLDER ENTITIES [REJECTED]`. The first so many
//! entities have a second photo then, which was rejected.
//!
//! One photo is written and registered by the store and the catalog themselves; the others are rows like its own, which share its content.
//! So the folder is complete in the eyes of `cameo verify`, and a million entities take minutes and some gigabytes of database, no photos.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use cameo::{
    catalog::{Registry, sqlite::SqliteCatalog, table::Table},
    clock::{Clock, SystemClock},
    db::Sqlite,
    ledger::{decide::RegisterRules, image_urls::ImageUrls},
    model::outcome::{Fate, Outcome, PublishedRendition},
    queue::sqlite::SqliteQueue,
    store::{
        Attributes, Condition, GENERATION_METADATA, Store, Written,
        embedded::{Embedded, EmbeddedOptions},
    },
};

const UPLOADS: &str = "celebtide-image-upload";
const IMAGES: &str = "celebtide";
/// The default size set.
const SIZES: [(&str, u32, u32); 4] = [("sq", 320, 320), ("ve", 480, 640), ("ho", 640, 360), ("or", 1280, 853)];
/// Entities that are written in a transaction.
const AT_ONCE: u64 = 100_000;

/// The rows of the first entity under another number.
const COPIES: [&str; 4] = [
    "INSERT INTO cameo_objects SELECT bucket, replace(replace(object_key, '/1_', '/' || i || '_'), '/1.', '/' || i || '.'),
        generation, file, size, etag, modified_at, content_type, headers, metadata, checksums, parts, file_offset
        FROM numbers, cameo_objects WHERE object_key LIKE '%/1\\_%' ESCAPE '\\' OR object_key LIKE '%/1.jpg'",
    "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, serving_generation, size_set, engine,
        updated_at, published) SELECT replace(object_key, '/1_', '/' || i || '_'), vertical, i, sequence, generation, etag, state,
        serving_generation, size_set, engine, updated_at, published FROM numbers, cameo_originals WHERE cd_idx = 1",
    "INSERT INTO cameo_entities SELECT vertical, i, version FROM numbers, cameo_entities WHERE cd_idx = 1",
    "INSERT INTO celeb_image_url (vertical, cd_idx, image_size, sequence, image_url, width, height, bytes, etag, regist_date, update_date)
        SELECT vertical, i, image_size, sequence, replace(image_url, '/1_', '/' || i || '_'), width, height, bytes, etag, regist_date,
        update_date FROM numbers, celeb_image_url WHERE cd_idx = 1",
];

/// A rejected second photo of the first entities, a part of them under names that are none.
const REJECTED: &str =
    "INSERT INTO cameo_originals (object_key, vertical, cd_idx, sequence, generation, etag, state, reason, detail, updated_at)
        SELECT 'origin/scale/' || i || iif(i % 10 = 0, '.jpg', '_1.jpg'), 'scale', iif(i % 10 = 0, NULL, i), iif(i % 10 = 0, NULL, 1),
        printf('%016x', i), 'e' || i, 'rejected',
        CASE WHEN i % 10 = 0 THEN 'name.unparseable' WHEN i % 3 = 0 THEN 'render.timeout' ELSE 'file.truncated' END, 'made by scale_folder',
        1700000000000 + i
        FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT i FROM n)";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, entities, rejected) = match &arguments[..] {
        [folder, entities] => (folder, entities, "0"),
        [folder, entities, rejected] => (folder, entities, rejected.as_str()),
        _ => return Err("scale_folder FOLDER ENTITIES [REJECTED]".into()),
    };
    let (folder, entities, rejected): (&Path, u64, i64) = (folder.as_ref(), entities.parse()?, rejected.parse()?);
    std::fs::create_dir_all(folder)?;
    let database = folder.join("cameo.db");
    first(folder, &database).await?;
    let mut connection = rusqlite::Connection::open(&database)?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF")?;
    let mut from = 2;
    while from <= entities {
        let until = entities.min(from + AT_ONCE - 1);
        let transaction = connection.transaction()?;
        transaction
            .execute_batch("DROP TABLE IF EXISTS temp.numbers; CREATE TEMP TABLE numbers (i INTEGER PRIMARY KEY)")?;
        transaction.execute(
            "INSERT INTO temp.numbers WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) SELECT i FROM n",
            [i64::try_from(from)?, i64::try_from(until)?],
        )?;
        for copy in COPIES {
            transaction.execute(copy, ())?;
        }
        transaction.commit()?;
        from = until + 1;
    }
    if rejected > 0 {
        connection.execute(REJECTED, [rejected])?;
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Writes and registers the photo that the others are like.
async fn first(folder: &Path, database: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = Sqlite::open(database).await?;
    let events = SqliteQueue::new(db.clone(), "mycelebs-image-upload-events", 5, clock.clone());
    let store =
        Embedded::open(folder, db.clone(), clock.clone(), EmbeddedOptions::new(UPLOADS, IMAGES, events)).await?;
    let rules = RegisterRules { urls: ImageUrls::new("http://127.0.0.1:9001"), delete_unpublishes: true };
    let catalog = SqliteCatalog::open(db.clone(), &Table::default(), rules, clock).await?;
    let (key, none) = ("origin/scale/1_0.jpg", Attributes::default());
    let put = Store::put(&store, UPLOADS, key, Bytes::from_static(b"an original"), &none, Condition::Always);
    let Written::Done(original) = put.await? else { return Err("the original was not written".into()) };
    let generation = original.write_generation.clone().ok_or("the store has no generations")?;
    let mut renditions = Vec::new();
    for (name, width, height) in SIZES {
        let metadata: BTreeMap<String, String> = [
            (GENERATION_METADATA.to_owned(), generation.as_str().to_owned()),
            ("cameo-original".to_owned(), original.etag.clone()),
            ("cameo-size".to_owned(), format!("{width}x{height}")),
        ]
        .into();
        let attributes = Attributes { content_type: Some("image/jpeg".into()), cache_control: None, metadata };
        let body = Bytes::from(format!("a rendition {name}"));
        for key in [format!("scale/{name}/1_{name}_0.jpg"), format!("scale/{name}/1.jpg")] {
            let put = Store::put(&store, IMAGES, &key, body.clone(), &attributes, Condition::Always);
            let Written::Done(info) = put.await? else { return Err("a rendition was not written".into()) };
            if key.contains('_') {
                renditions.push(PublishedRendition {
                    image_size: name.into(),
                    width,
                    height,
                    bytes: info.size,
                    etag: info.etag,
                });
            }
        }
    }
    let fate = Fate::Rendered {
        size_set: "default/1".into(),
        size_set_digest: None,
        engine: cameo_image::ENGINE_VERSION.to_owned(),
        renditions,
        earlier_sizes: Vec::new(),
    };
    catalog
        .register(&[Outcome { key: key.into(), generation, etag: original.etag, size: None, actor: None, fate }])
        .await?;
    // The event of the upload is done with.
    rusqlite::Connection::open(database)?.execute("DELETE FROM cameo_messages", ())?;
    store.changes_ended().await;
    db.fold_log().await?;
    Ok(())
}
