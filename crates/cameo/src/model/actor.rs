//! Who made a change: an access key id, the principal that S3 names, or the name of a person or token.
//!
//! It travels with the change, from the request to the event, the outcome and the history. It is never a secret, decides
//! nothing, and is cut to a bound wherever it comes from, since events and messages are others' texts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::token::fault_of_name;

/// What the ids of access keys begin with that a server makes for tokens and accounts. Nobody else's begin so.
pub const OWN_KEY_PREFIX: &str = "token.";
/// What a name begins with in such an id where it has letters that no id has: its bytes in hexadecimal follow.
const ENCODED: char = '~';
/// Bytes of a name that are encoded, at most: an access key id has 128 characters.
const ENCODED_MAX_BYTES: usize = 48;

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

/// The id of the access key that a server makes for the token or account of a name. The name is in it, so that changes made with the key
/// name who made them.
pub fn own_key_id(name: &str, id: &str) -> String {
    if fault_of_name(name).is_none() {
        return format!("{OWN_KEY_PREFIX}{name}.{id}");
    }
    let end = (0..=ENCODED_MAX_BYTES.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    format!("{OWN_KEY_PREFIX}{ENCODED}{}.{id}", hex::encode(&name[..end.unwrap_or(0)]))
}

/// Whose key it is, where it is one that a server made: for people, who never saw such an id.
fn owner_of_key(id: &str) -> Option<String> {
    let (name, _) = id.strip_prefix(OWN_KEY_PREFIX)?.rsplit_once('.')?;
    match name.strip_prefix(ENCODED) {
        Some(encoded) => String::from_utf8(hex::decode(encoded).ok()?).ok(),
        None => Some(name.to_owned()),
    }
}

impl From<String> for Actor {
    fn from(name: String) -> Self {
        let name = owner_of_key(&name).unwrap_or(name);
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
    fn who_made_a_change_with_a_key_of_the_server_s_is_called_by_name() {
        let long = "가".repeat(64);
        for name in ["kim", "kim@example.com", "김민지", "a.b-c_d", "local"] {
            assert_eq!(Actor::new(&own_key_id(name, "4f7xk2")).unwrap().as_str(), name);
        }
        let cut = own_key_id(&long, "4f7xk2");
        assert!(cut.is_ascii() && cut.len() <= 128 && long.starts_with(Actor::new(&cut).unwrap().as_str()), "{cut}");
        // Neither is such a key: nobody's name is made up.
        for other in ["token.local", "token.~zz.4f7xk2", "AKIAIOSFODNN7EXAMPLE", "tokens.kim.4f7xk2"] {
            assert_eq!(Actor::new(other).unwrap().as_str(), other);
        }
    }

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
