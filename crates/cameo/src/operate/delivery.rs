//! A delivery as what a command is about: found by its name, within the verticals that whoever asks may see.

use serde::Serialize;

use super::{Output, System};
use crate::{
    model::{
        error::Result,
        key::{DeliveryName, Vertical},
        lang::Lang,
        token::Verticals,
    },
    proof::deliveries::{
        Record, Standing,
        day::{Uploaded, uploaded},
        record,
        state::{Item, Wanted, items},
    },
};

/// A delivery.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// One with a record.
    Recorded(Record),
    /// What was uploaded without a record on a day.
    Day {
        /// The vertical.
        vertical: Vertical,
        /// Its name.
        name: DeliveryName,
        /// Its files; there is one at least.
        files: Vec<Uploaded>,
    },
}

/// A delivery that nothing is known of.
#[derive(Debug, Serialize)]
struct Unknown {
    unknown_delivery: String,
}

impl Delivery {
    /// The vertical.
    pub fn vertical(&self) -> &Vertical {
        match self {
            Self::Recorded(Record { vertical, .. }) | Self::Day { vertical, .. } => vertical,
        }
    }

    /// Its files.
    pub fn files(&self) -> Vec<Wanted> {
        match self {
            Self::Recorded(record) => record.wanted(),
            Self::Day { files, .. } => files.iter().map(|file| file.wanted.clone()).collect(),
        }
    }

    /// Its files, and how far each came.
    pub(super) async fn items(&self, system: &System<'_>) -> Result<(Vec<Wanted>, Vec<Item>)> {
        let wanted = self.files();
        let items = items(system.deliveries(), self.vertical(), &wanted).await?;
        Ok((wanted, items))
    }

    /// All of it at this moment.
    pub(super) async fn standing(&self, system: &System<'_>) -> Result<Standing> {
        match self {
            Self::Recorded(record) => Standing::of_record(system.deliveries(), record).await,
            Self::Day { name, vertical, files } => {
                Standing::of_uploads(system.deliveries(), vertical, name, files).await
            }
        }
    }
}

/// The delivery of this name; where there is none, that is said.
pub async fn find(system: &System<'_>, name: &DeliveryName, output: &mut impl Output) -> Result<Option<Delivery>> {
    let found = match name {
        DeliveryName::Day { vertical, .. } if !system.verticals.include(vertical) => None,
        DeliveryName::Day { vertical, date } => {
            let files = uploaded(system.deliveries(), vertical, *date, system.zone).await?;
            let day = Delivery::Day { vertical: vertical.clone(), name: name.clone(), files };
            Some(day).filter(|day| !day.files().is_empty())
        }
        DeliveryName::Recorded { .. } => recorded(system, name).await?.map(Delivery::Recorded),
    };
    if found.is_none() {
        output.note(&match output.lang() {
            Lang::En => format!("no such delivery \"{name}\": `cameo status` of the vertical shows what is there"),
            Lang::Ko => {
                format!("\"{name}\"라는 전달이 없습니다. `cameo deliveries` 로 전달 번호를 확인해 주세요")
            }
        });
        output.item(Some(&Unknown { unknown_delivery: name.to_string() }), Vec::new);
        output.ready().await;
    }
    Ok(found)
}

/// The record of a delivery. Whoever is limited to verticals has it looked for in those alone.
async fn recorded(system: &System<'_>, name: &DeliveryName) -> Result<Option<Record>> {
    let DeliveryName::Recorded { vertical, id } = name else { return Ok(None) };
    let places = system.deliveries();
    let Verticals::Only(verticals) = system.verticals else {
        return crate::proof::deliveries::record(places, name).await;
    };
    for own in verticals.iter().filter(|own| vertical.as_ref().is_none_or(|vertical| vertical == *own)) {
        let named = DeliveryName::Recorded { vertical: Some(own.clone()), id: id.clone() };
        let found: Option<record::Record> = crate::proof::deliveries::record(places, &named).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
