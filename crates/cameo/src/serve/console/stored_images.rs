//! Images as the image listener would serve them, looked at in the store: a page of the console judges fifty entities,
//! and fetching each of their images over HTTP would make it slow. `cameo verify` fetches them for real.

use async_trait::async_trait;

use crate::{
    model::{error::Result, lang::Text},
    proof::verify::{Fetched, Served, ServedImage},
    store::{ObjectInfo, Store},
};

/// Looks at the image bucket in place of the public side.
#[derive(Debug)]
pub(super) struct StoredImages<'s> {
    pub(super) store: &'s dyn Store,
    pub(super) bucket: &'s str,
}

#[async_trait]
impl Served for StoredImages<'_> {
    async fn fetch(&self, key: &str) -> Result<Fetched> {
        let info = self.store.head(self.bucket, key).await?;
        Ok(info.map_or(Fetched::Absent(Text::new("there is no object", "객체가 없습니다")), |info| {
            let ObjectInfo { etag, content_type, .. } = info;
            Fetched::Image(ServedImage { etag: Some(etag.clone()), md5: etag, content_type, ..ServedImage::default() })
        }))
    }
}
