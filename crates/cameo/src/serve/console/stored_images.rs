//! Images as the image listener would serve them, looked at in the store: a page of the console judges fifty entities,
//! and fetching each of their images over HTTP would make it slow. `cameo verify` fetches them for real.

use async_trait::async_trait;

use crate::{
    error::Result,
    flow::verify::{Served, ServedImage},
    store::Store,
};

/// Looks at the image bucket in place of the public side.
#[derive(Debug)]
pub(super) struct StoredImages<'s> {
    pub(super) store: &'s dyn Store,
    pub(super) bucket: &'s str,
}

#[async_trait]
impl Served for StoredImages<'_> {
    async fn fetch(&self, key: &str) -> Result<Option<ServedImage>> {
        let info = self.store.head(self.bucket, key).await?;
        Ok(info.map(|info| ServedImage { etag: Some(info.etag.clone()), md5: info.etag }))
    }
}
