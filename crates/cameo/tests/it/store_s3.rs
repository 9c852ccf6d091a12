//! S3 on an emulator: the one contract, and what is refused.

use cameo::{
    aws::{AccessKeys, AwsAccess},
    error::{Kind, Place},
    store::{
        Store, contract,
        s3::{S3Limits, S3Store},
    },
};
use http::Method;

use crate::emulators::Emulator;

const BUCKET: &str = "bucket";

fn store(access: &AwsAccess, buckets: &[&str]) -> S3Store {
    S3Store::new(access, buckets.iter().map(|bucket| (*bucket).to_owned()).collect(), S3Limits::default()).unwrap()
}

/// Makes a bucket on an emulator, which asks nobody for a signature.
async fn make_bucket(emulator: &Emulator, bucket: &str) {
    let url = format!("{}/{bucket}", emulator.access().endpoint.unwrap());
    let made = reqwest::Client::new().request(Method::PUT, url).send().await.unwrap();
    assert!(made.status().is_success(), "{made:?}");
}

#[tokio::test]
async fn moto_passes_the_contract() {
    let Some(emulator) = Emulator::moto() else { return };
    let store = store(&emulator.access(), &[BUCKET]);
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
    make_bucket(&emulator, BUCKET).await;
    contract::all(&store, BUCKET).await;
    assert!(store.has_conditional_writes(BUCKET).await.unwrap());
    let error = store.get("no-such-bucket", "key", 10).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Misconfigured, "{error}");
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable() {
    // Port 1 is nobody's.
    let access = AwsAccess::from_url(Place::Store, "s3://?endpoint=http://127.0.0.1:1").unwrap();
    let access = access.with_keys(Some(AccessKeys { id: "a".into(), secret: "b".into() }));
    let error = store(&access, &[BUCKET]).ping().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}
