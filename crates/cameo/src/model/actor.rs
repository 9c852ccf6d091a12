//! Who made a change: an access key id, the principal that S3 names, or the name of a token.
//!
//! It travels with the change, from the request to the event, the outcome and the history. It is never a secret, decides
//! nothing, and is cut to a bound wherever it comes from, since events and messages are others' texts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Largest length of an actor's name in bytes; what is longer is cut.
pub const ACTOR_MAX_BYTES: usize = 128;

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Actor(String);

impl Actor {
    /// The actor of this name; none where it is empty. Control characters are left out, and what is too long is cut.
    pub fn new(name: &str) -> Option<Self> {
        Some(Self::from(name.to_owned())).filter(|actor| !actor.0.is_empty())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Actor {
    fn from(name: String) -> Self {
        let mut kept: String = name.chars().filter(|c| !c.is_control()).take(ACTOR_MAX_BYTES).collect();
        while kept.len() > ACTOR_MAX_BYTES {
            kept.pop();
        }
        Self(kept)
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_and_holds_no_control_characters() {
        assert_eq!(Actor::new("AKIAIOSFODNN7EXAMPLE").unwrap().as_str(), "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(Actor::new("a\n\u{1b}b\0").unwrap().as_str(), "ab");
        assert_eq!((Actor::new(""), Actor::new("\n")), (None, None));
        let long = Actor::new(&"가".repeat(1000)).unwrap();
        assert_eq!((long.as_str().len(), long.as_str().chars().count()), (126, 42));
        let read: Actor = serde_json::from_str(&format!("{:?}", "x".repeat(1000))).unwrap();
        assert_eq!(read.as_str().len(), ACTOR_MAX_BYTES);
    }
}
