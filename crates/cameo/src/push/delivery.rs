//! The record of what is handed over, made once: a push that is run again goes on with the record that it made before.

use crate::{
    client::{
        Client,
        wire::{DeliveryView, NewDelivery, Page},
    },
    model::{error::Result, key::Vertical},
    proof::deliveries::NewRecord,
};

/// Records that are looked through for the one of an earlier run.
const LOOKED_AT_MAX: usize = 100;

/// The delivery of this content: the one that an earlier run recorded, or a new one.
pub async fn record(client: &Client, vertical: &Vertical, content: NewRecord) -> Result<DeliveryView> {
    let path = format!("/api/v1/deliveries?vertical={}&limit={LOOKED_AT_MAX}", encoded(vertical.as_str()));
    let recorded: Page<DeliveryView> = client.get(&path).await?;
    let digest = content.digest();
    if let Some(same) = recorded.items.into_iter().find(|delivery| delivery.digest == digest) {
        return Ok(same);
    }
    client.post("/api/v1/deliveries", &NewDelivery { vertical: vertical.to_string(), content }).await
}

/// A text as a part of a query.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
