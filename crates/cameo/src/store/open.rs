//! The store at an address. The embedded store has none: it is the data folder that a process owns.

use std::sync::Arc;

use super::Store;
use crate::{
    address,
    aws::AccessKeys,
    model::error::{Place, Result},
};

const KEY: &str = "store.url";
/// Stores that several processes can open.
const SHARED: &str = "s3: (with ?endpoint=http://HOST:PORT&region=NAME where it is not Amazon's)";

/// Opens the store at `s3:` and looks whether its buckets are there. The keys are the environment's where there are none.
///
/// `written` is the bucket that this process writes to, if any: there it tries whether the store has conditional writes
/// and warns where it has not.
pub async fn open(
    url: &str,
    buckets: Vec<String>,
    written: Option<&str>,
    keys: Option<AccessKeys>,
) -> Result<Arc<dyn Store>> {
    match address::scheme(url).as_str() {
        "s3" => s3(url, buckets, written, keys).await,
        "embedded" => Err(address::of_a_data_folder(Place::Store, KEY, url, SHARED)),
        _ => Err(address::unknown_scheme(Place::Store, KEY, url, &format!("embedded: and {SHARED}"))),
    }
}

#[cfg(feature = "s3")]
async fn s3(
    url: &str,
    buckets: Vec<String>,
    written: Option<&str>,
    keys: Option<AccessKeys>,
) -> Result<Arc<dyn Store>> {
    let access = crate::aws::AwsAccess::from_url(Place::Store, url)?.with_keys(keys);
    let mut store = super::s3::S3Store::new(&access, buckets, super::s3::S3Limits::default())?;
    store.ping().await?;
    if let Some(bucket) = written
        && !store.learn_conditions(bucket).await?.writes
    {
        tracing::warn!(
            bucket,
            "the store has no conditional writes: two workers may overwrite each other, and reconcile repairs it"
        );
    }
    Ok(Arc::new(store))
}

#[cfg(not(feature = "s3"))]
#[expect(clippy::unused_async, reason = "called as the one that is built in is")]
async fn s3(url: &str, _: Vec<String>, _: Option<&str>, _: Option<AccessKeys>) -> Result<Arc<dyn Store>> {
    Err(address::not_built_in(Place::Store, KEY, url, "s3"))
}
