//! Waiting until nothing of a delivery moves any more.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::delivery::encoded;
use crate::{
    client::{Client, wire::DeliveryState},
    model::error::{Kind, Result},
};

/// The first look, and the longest wait between two.
const FIRST_LOOK_AFTER: Duration = Duration::from_millis(200);
const LOOK_EVERY_MAX: Duration = Duration::from_secs(5);
/// Of so many looks one finds dead letters too, which are pending for the others.
const CLOSE_LOOK_EVERY: u32 = 4;
/// Looks that may fail one after the other before it is given up: about a minute and a half.
const FAILED_IN_A_ROW_MAX: u32 = 20;

/// Looks until nothing is pending; `heard` is told of each look. None where it was stopped.
///
/// Longer deliveries are looked at less often: a look costs the server a pass over the delivery.
pub async fn until_final(
    client: &Client,
    delivery: &str,
    stop: &AtomicBool,
    heard: impl Fn(&DeliveryState),
) -> Result<Option<DeliveryState>> {
    let path = format!("/api/v1/deliveries/{}", encoded(delivery));
    let quick = format!("{path}?quick=true");
    let (mut wait, mut failed, mut looks) = (FIRST_LOOK_AFTER, 0, 0_u32);
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        looks += 1;
        let path = if looks.is_multiple_of(CLOSE_LOOK_EVERY) { &path } else { &quick };
        match client.get::<DeliveryState>(path).await {
            Ok(state) => {
                failed = 0;
                heard(&state);
                if state.summary.is_final() {
                    return Ok(Some(state));
                }
            }
            // A server that is started again is a matter of seconds.
            Err(error) if error.kind() == Kind::Unavailable && failed < FAILED_IN_A_ROW_MAX => failed += 1,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 3 / 2).min(LOOK_EVERY_MAX);
    }
}
