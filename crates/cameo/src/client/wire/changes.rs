//! Changes that the server of a data folder makes for commands beside it.

use serde::{Deserialize, Serialize};

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
