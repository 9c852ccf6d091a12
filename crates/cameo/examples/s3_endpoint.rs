//! The S3 endpoint alone, for tests with real clients: serves a folder until it is killed.
//!
//! `s3_endpoint FOLDER [ADDR:PORT]` prints one line of JSON with its address and key pair. Where FOLDER holds a
//! `keys.toml`, its keys are let in instead.

use std::{path::PathBuf, sync::Arc};

use cameo::{
    clock::SystemClock,
    queue::sqlite::SqliteQueue,
    serve::s3_api::{AccessKey, KeyRing, S3Endpoint, S3Limits, serve},
    sqlite::Sqlite,
    store::embedded::{Embedded, EmbeddedOptions},
};

const KEY_ID: &str = "CAMEOTESTKEY00000000";
const SECRET: &str = "cameo-test-secret-0000000000000000000000";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = PathBuf::from(arguments.next().ok_or("s3_endpoint FOLDER [ADDR:PORT]")?);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    std::fs::create_dir_all(&data)?;
    let clock = Arc::new(SystemClock);
    let db = Sqlite::open(&data.join("cameo.db")).await?;
    let events = SqliteQueue::new(db.clone(), "mycelebs-image-upload-events", 5, clock.clone());
    let options = EmbeddedOptions::new("celebtide-image-upload", "celebtide", events);
    let store = Embedded::open(&data, db, clock, options).await?;
    let file = data.join("keys.toml");
    let keys =
        if file.exists() { KeyRing::from_file(&file)? } else { KeyRing::fixed(vec![AccessKey::all(KEY_ID, SECRET)]) };
    let listener = tokio::net::TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    println!(r#"{{"ready":true,"s3":"http://{address}","access_key_id":"{KEY_ID}","secret_access_key":"{SECRET}"}}"#);
    let endpoint = S3Endpoint { store, keys: Arc::new(keys), limits: S3Limits::default() };
    serve(listener, endpoint, async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}
