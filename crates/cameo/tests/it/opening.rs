//! An address chooses the backend, or is refused with one line that says what is known.

use std::sync::Arc;

use cameo::{
    catalog::{self, CatalogSettings, contract::rules, limits::ServerLimits, table::Table},
    clock::SystemClock,
    model::error::Kind,
    queue, store,
};

use cameo_testbed::{SqlServer, emulators::Emulator, postgres::Postgres};

use crate::emulators::access;

fn settings() -> CatalogSettings {
    CatalogSettings { table: Table::default(), rules: rules(), limits: ServerLimits::default() }
}

#[tokio::test]
async fn unknown_schemes_are_told_what_is_known() {
    let catalog = catalog::open("oracle://scott:tiger@db/celeb", settings(), Arc::new(SystemClock)).await.unwrap_err();
    let queue = queue::open("rabbit:", "q", None).await.unwrap_err();
    let store = store::open("ftp://host", Vec::new(), None, None).await.unwrap_err();
    for error in [&catalog, &queue, &store] {
        assert_eq!(error.kind(), Kind::Misconfigured);
        assert!(error.to_string().contains("supported: "), "{error}");
    }
    assert!(!catalog.to_string().contains("tiger"), "{catalog}");
}

/// A function of Lambda whose addresses nobody set has those of a data folder.
#[tokio::test]
async fn what_is_in_a_data_folder_is_not_opened_by_its_address() {
    let queue = queue::open("sqlite:", "q", None).await.unwrap_err();
    let store = store::open("embedded:", Vec::new(), None, None).await.unwrap_err();
    for (error, way_out) in [(&queue, "set it to sqs:"), (&store, "set it to s3:")] {
        assert_eq!(error.kind(), Kind::Misconfigured);
        assert!(error.to_string().contains(way_out), "{error}");
    }
}

#[tokio::test]
async fn addresses_open_what_they_name() {
    let (Some(server), Some(emulator)) = (Postgres::install(), Emulator::ministack()) else { return };
    let catalog = catalog::open(&server.url("root", ""), settings(), Arc::new(SystemClock)).await.unwrap();
    catalog.ping().await.unwrap();
    let access = access(&emulator);
    let query = format!("?endpoint={}&region=us-east-1", access.endpoint.unwrap());
    crate::store_s3::make_bucket(&emulator, "bucket").await;
    let buckets = vec!["bucket".to_owned()];
    let store = store::open(&format!("s3://{query}"), buckets, Some("bucket"), access.keys.clone()).await.unwrap();
    store.ping().await.unwrap();
    let missing = queue::open(&format!("sqs://{query}"), "q", access.keys).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::Misconfigured, "{missing}");
}
