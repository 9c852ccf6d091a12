//! Names and keys of deliveries: `deliveries/{vertical}/{yyyymmdd}-{4 characters}.json` in the upload bucket.
//!
//! What nobody recorded belongs to the implicit delivery of its day, `{yyyymmdd}-day-{vertical}`: no record's id has a second
//! hyphen, so the two never collide.

use std::{fmt, str::FromStr};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{NameError, Vertical};
use crate::model::lang::Lang;

/// The folder of the upload bucket that holds the records of deliveries.
pub const DELIVERIES_PREFIX: &str = "deliveries/";
/// Characters of an id behind its date: none that is taken for another (0 and o; 1, i and l).
pub const DELIVERY_ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// How many of them an id has.
pub const DELIVERY_SUFFIX_CHARS: usize = 4;

const DATE_FORMAT: &str = "%Y%m%d";
const DATE_CHARS: usize = 8;
const DAY: &str = "day-";

/// The id of a recorded delivery, `20261126-k3f9`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeliveryId(String);

impl DeliveryId {
    /// The id of a date, with a number drawn by lot; what is beyond the ids of a day begins again.
    pub fn new(date: Date, mut lot: u32) -> Self {
        let mut id = format!("{}-", date.strftime(DATE_FORMAT));
        let letters = DELIVERY_ALPHABET.len();
        for _ in 0..DELIVERY_SUFFIX_CHARS {
            id.push(char::from(DELIVERY_ALPHABET[lot as usize % letters]));
            lot /= u32::try_from(letters).unwrap_or(1);
        }
        Self(id)
    }

    /// The id as people write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its date; that of the first day there is where it is none, which parsing refuses.
    pub fn date(&self) -> Date {
        parse_date(&self.0).map_or(Date::MIN, |(date, _)| date)
    }
}

/// The date that a name begins with, and what follows its hyphen.
fn parse_date(name: &str) -> Option<(Date, &str)> {
    let (date, rest) = name.split_once('-')?;
    let is_plain = date.len() == DATE_CHARS && date.bytes().all(|byte| byte.is_ascii_digit());
    Some((is_plain.then(|| Date::strptime(DATE_FORMAT, date).ok()).flatten()?, rest))
}

impl FromStr for DeliveryId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_suffix = |rest: &str| {
            rest.len() == DELIVERY_SUFFIX_CHARS && rest.bytes().all(|byte| DELIVERY_ALPHABET.contains(&byte))
        };
        match parse_date(text) {
            Some((_, rest)) if is_suffix(rest) => Ok(Self(text.to_owned())),
            _ => Err(NameError(format!("{text:?} is not the id of a delivery, such as 20261126-k3f9"))),
        }
    }
}

impl TryFrom<String> for DeliveryId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<DeliveryId> for String {
    fn from(id: DeliveryId) -> Self {
        id.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What people call a delivery by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DeliveryName {
    /// One with a record: its id, and its vertical where that was named too (`ssgdfm_eye/20261126-k3f9`).
    Recorded {
        /// The vertical; any where it was not named.
        vertical: Option<Vertical>,
        /// The id.
        id: DeliveryId,
    },
    /// The implicit one of a vertical and day, `20261126-day-ssgdfm_eye`.
    Day {
        /// The vertical.
        vertical: Vertical,
        /// The day.
        date: Date,
    },
}

impl DeliveryName {
    /// Of the implicit one of a day, for people: which day, and that nobody recorded a delivery. Nothing of a recorded one.
    pub fn without_record(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Recorded { .. }, _) => String::new(),
            (Self::Day { date, .. }, Lang::En) => format!("{date}, uploaded without a delivery"),
            (Self::Day { date, .. }, Lang::Ko) => format!("{date}, 전달 기록 없이 올림"),
        }
    }
}

impl FromStr for DeliveryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some((vertical, id)) = text.split_once('/') {
            return Ok(Self::Recorded { vertical: Some(vertical.parse()?), id: id.parse()? });
        }
        match parse_date(text).and_then(|(date, rest)| Some((date, rest.strip_prefix(DAY)?))) {
            Some((date, vertical)) => Ok(Self::Day { vertical: vertical.parse()?, date }),
            None => Ok(Self::Recorded { vertical: None, id: text.parse()? }),
        }
    }
}

impl fmt::Display for DeliveryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded { vertical: Some(vertical), id } => write!(f, "{vertical}/{id}"),
            Self::Recorded { vertical: None, id } => write!(f, "{id}"),
            Self::Day { vertical, date } => write!(f, "{}-{DAY}{vertical}", date.strftime(DATE_FORMAT)),
        }
    }
}

/// Where the record of a delivery is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// The vertical.
    pub vertical: Vertical,
    /// The id.
    pub id: DeliveryId,
}

impl DeliveryKey {
    /// The key in the upload bucket.
    pub fn key(&self) -> String {
        format!("{}{}.json", Self::prefix(&self.vertical), self.id)
    }

    /// What the keys of a vertical's records begin with.
    pub fn prefix(vertical: &Vertical) -> String {
        format!("{DELIVERIES_PREFIX}{vertical}/")
    }

    /// What comes before the keys of a vertical's records of a day, and after those of the days before it.
    pub fn before_day(vertical: &Vertical, date: Date) -> String {
        format!("{}{}", Self::prefix(vertical), date.strftime(DATE_FORMAT))
    }

    /// Reads a key of the upload bucket; none where it is not that of a record.
    pub fn parse(key: &str) -> Option<Self> {
        let (vertical, file) = key.strip_prefix(DELIVERIES_PREFIX)?.split_once('/')?;
        Some(Self { vertical: vertical.parse().ok()?, id: file.strip_suffix(".json")?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{super::UploadKey, *};

    #[test]
    fn ids_are_a_date_and_four_characters_that_cannot_be_mistaken() {
        let day = date(2026, 11, 26);
        assert_eq!(DeliveryId::new(day, 0).as_str(), "20261126-aaaa");
        for lot in [1, 31, 923_520, 923_521, u32::MAX] {
            let id = DeliveryId::new(day, lot);
            assert_eq!((id.as_str().parse(), id.date()), (Ok(id.clone()), day), "{lot}");
        }
        for wrong in [
            "",
            "20261126",
            "20261126-k3f",
            "20261126-k3f99",
            "20261126-k3o9",
            "20261126-K3F9",
            "20261326-k3f9",
            "2026112-k3f9",
            "+2026112-k3f9",
            "20261126-day-v",
            "20261126 -k3f9",
        ] {
            assert!(wrong.parse::<DeliveryId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written_and_never_collide() {
        for name in [
            "20261126-k3f9",
            "ssgdfm_eye/20261126-k3f9",
            "20261126-day-ssgdfm_eye",
            "20261126-day-가나",
            "20261126-day-k3f9",
        ] {
            assert_eq!(name.parse::<DeliveryName>().unwrap().to_string(), name);
        }
        assert!(matches!("20261126-day-k3f9".parse(), Ok(DeliveryName::Day { .. })));
        for wrong in ["20261126-day-", "20261126-day-a b", "a b/20261126-k3f9", "v/20261126-day-v", "latest"] {
            assert!(wrong.parse::<DeliveryName>().is_err(), "{wrong}");
        }
    }

    /// A record causes no event, is no photo, and is never rejected.
    #[test]
    fn records_are_plain_objects_of_the_upload_bucket() {
        let key = DeliveryKey { vertical: "ssgdfm_eye".parse().unwrap(), id: "20261126-k3f9".parse().unwrap() };
        assert_eq!(key.key(), "deliveries/ssgdfm_eye/20261126-k3f9.json");
        assert_eq!(DeliveryKey::parse(&key.key()), Some(key.clone()));
        assert_eq!(UploadKey::parse(&key.key()), UploadKey::Plain);
        assert_eq!(super::super::Misplaced::parse(&key.key()), None);
        for other in [
            "deliveries/v/x.json",
            "deliveries/20261126-k3f9.json",
            "origin/v/20261126-k3f9.json",
            "deliveries/v/20261126-k3f9",
        ] {
            assert_eq!(DeliveryKey::parse(other), None, "{other}");
        }
    }
}
