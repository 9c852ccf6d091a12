//! Deliveries: what was handed over together, how far it came, and what to say of it to whom.
//!
//! A [`mod@record`] is written once into the upload bucket ([`list`]); its [`state`] is computed each time it is asked for, never stored.
//! [`mod@standing`] puts the files, what a check refused and what was promised together; [`report`] says it by who must act, as
//! lines, `text` and `table`. What nobody recorded belongs to the implicit delivery of its [`day`].

use jiff::tz::TimeZone;

use self::places::Places;
use crate::model::{error::Result, key::DeliveryName};

pub mod acts;
pub mod came_with;
pub mod day;
pub mod dismissed;
pub mod dismissed_lines;
mod gaps;
mod history;
mod item;
pub mod later;
pub mod list;
mod places;
pub mod record;
pub mod report;
pub mod standing;
pub mod state;
pub mod table;
mod text;
pub mod verdict;

pub use came_with::KnownRecords;
pub use gaps::Gap;
pub use list::{Listed, create};
pub use record::{DeliveredFile, Expected, ExpectedFile, NewRecord, Record, SkippedFile};
pub use report::Report;
pub use standing::{Standing, Summary};

/// The record of a delivery by its name; none of an implicit one, and where there is none.
pub async fn record(places: Places<'_>, name: &DeliveryName) -> Result<Option<Record>> {
    let DeliveryName::Recorded { vertical, id } = name else { return Ok(None) };
    match list::find(places.store, places.upload_bucket, vertical.as_ref(), id).await? {
        Some(key) => list::read(places.store, places.upload_bucket, &key).await,
        None => Ok(None),
    }
}

/// All of a delivery at this moment, by its name; none where nothing is known of it.
pub async fn standing(places: Places<'_>, name: &DeliveryName, zone: &TimeZone) -> Result<Option<Standing>> {
    if let DeliveryName::Day { vertical, date } = name {
        let standing = Standing::of_day(places, vertical, *date, zone).await?;
        return Ok(Some(standing).filter(|standing| !standing.items.is_empty()));
    }
    match record(places, name).await? {
        Some(record) => Standing::of_record(places, &record).await.map(Some),
        None => Ok(None),
    }
}
