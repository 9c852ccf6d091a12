//! The queue of a name at an address. The embedded queue has none: it is a part of the data folder that a process owns.

use std::sync::Arc;

use super::Queue;
use crate::{
    address,
    aws::AccessKeys,
    model::error::{Place, Result},
};

const KEY: &str = "queue.url";
/// Queues that several processes can open.
const SHARED: &str = "sqs: (with ?endpoint=http://HOST:PORT&region=NAME where it is not Amazon's)";

/// Opens the queue `name` at `sqs:`. The keys are the environment's where there are none.
pub async fn open(url: &str, name: &str, keys: Option<AccessKeys>) -> Result<Arc<dyn Queue>> {
    match address::scheme(url).as_str() {
        "sqs" => sqs(url, name, keys).await,
        "sqlite" => Err(address::of_a_data_folder(Place::Queue, KEY, url, SHARED)),
        _ => Err(address::unknown_scheme(Place::Queue, KEY, url, &format!("sqlite: (embedded) and {SHARED}"))),
    }
}

#[cfg(feature = "sqs")]
async fn sqs(url: &str, name: &str, keys: Option<AccessKeys>) -> Result<Arc<dyn Queue>> {
    let access = crate::aws::AwsAccess::from_url(Place::Queue, url)?.with_keys(keys);
    Ok(Arc::new(super::sqs::Sqs::new(&access).await.queue(name).await?))
}

#[cfg(not(feature = "sqs"))]
#[expect(clippy::unused_async, reason = "called as the one that is built in is")]
async fn sqs(url: &str, _: &str, _: Option<AccessKeys>) -> Result<Arc<dyn Queue>> {
    Err(address::not_built_in(Place::Queue, KEY, url, "sqs"))
}
