//! Rows whose address is not the one that is configured now.

use std::collections::BTreeMap;

use crate::{
    catalog::RowPages,
    flow::Flow,
    ledger::{Scope, image_urls::ImageUrls},
    model::{error::Result, key::PhotoId},
};

/// How many rows of photos that the ledger serves have an address that is not under the configured base. Rows of other systems are not
/// counted.
pub async fn count_rows_elsewhere(flow: &Flow, urls: &ImageUrls) -> Result<u64> {
    let mut count = 0;
    let mut pages = RowPages::new(&*flow.catalog, &Scope::All);
    while let Some(page) = pages.next().await? {
        let moved = page.into_iter().filter(|row| row.image_url != urls.of(&row.photo, &row.image_size));
        let mut photos = BTreeMap::<PhotoId, u64>::new();
        for row in moved {
            *photos.entry(row.photo).or_default() += 1;
        }
        for (photo, rows) in photos {
            let entry = flow.catalog.entry(&photo.origin_key()).await?;
            count += if entry.is_some_and(|entry| entry.serving.is_some()) { rows } else { 0 };
        }
    }
    Ok(count)
}
