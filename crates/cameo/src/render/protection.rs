//! What stands between a hostile original and the host, as far as the operating system has it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the guards around a render child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// What it is, for people.
    pub name: String,
    /// Why it is not there, or only in part; nothing where it stands as it should.
    pub missing: Option<String>,
}

impl Protection {
    /// A guard that stands if there is no error.
    pub(super) fn of<E: fmt::Display>(name: &str, result: Result<(), E>) -> Self {
        Self { name: name.to_owned(), missing: result.err().map(|error| error.to_string()) }
    }

    /// Whether it stands.
    pub fn stands(&self) -> bool {
        self.missing.is_none()
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.missing {
            None => write!(f, "{}: on", self.name),
            Some(why) => write!(f, "{}: missing ({why})", self.name),
        }
    }
}
