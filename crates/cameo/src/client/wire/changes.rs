//! Changes that the server of a data folder makes for commands beside it.

use serde::{Deserialize, Serialize};

use crate::proof::{
    deliveries::dismissed_lines::DismissedLine,
    relocate::{Relocation, Staged},
    restore::Restore,
};

/// Originals to send through the flow again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Their keys in the upload bucket.
    pub keys: Vec<String>,
}

/// Dead letters to send again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letters {
    /// The queue that they failed in.
    pub queue: String,
    /// Their ids.
    pub ids: Vec<String>,
}

/// How many dead letters were sent again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Redriven {
    /// How many.
    pub redriven: u64,
}

/// How many rows were rewritten.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rewritten {
    /// How many.
    pub rewritten: u64,
}

/// Things to bring back from quarantine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restores {
    /// Which.
    pub restores: Vec<Restore>,
}

/// Rejected files that are settled.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dismissals {
    /// Their keys in the upload bucket.
    pub keys: Vec<String>,
    /// Why, for whoever looks later.
    #[serde(default)]
    pub note: Option<String>,
}

/// Lines of the report of a delivery that are settled.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DismissedLines {
    /// The delivery, with its vertical.
    pub delivery: String,
    /// Which.
    pub lines: Vec<DismissedLine>,
    /// Why, for whoever looks later.
    #[serde(default)]
    pub note: Option<String>,
}

/// Photos that move to another vertical.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relocations {
    /// Which, and where to.
    pub photos: Vec<Relocation>,
}

/// How far each photo is that moves.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stages {
    /// In the order of the request.
    pub photos: Vec<Staged>,
}
