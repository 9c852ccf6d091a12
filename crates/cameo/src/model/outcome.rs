//! Messages from `resize` to `register`: versioned JSON, one original each.
//!
//! A reader accepts every version up to its own and refuses newer ones as malformed, so that an old worker sets a new
//! message aside instead of misreading it. Fields may be added; a changed meaning is a new version.

use serde::{Deserialize, Serialize};

use crate::model::{
    actor::Actor,
    error::{Error, Kind, Place, Result},
    generation::Generation,
    reason::ReasonCode,
};

/// The version that is written.
pub const VERSION: u32 = 1;
/// Stands in the ledger for the engine that made what was adopted: nobody knows it.
pub const ADOPTED: &str = "adopted";

/// What became of one change of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Key of the original in the upload bucket.
    pub key: String,
    /// Which change of the key it is.
    pub generation: Generation,
    /// `ETag` of the original; empty for a removal.
    pub etag: String,
    /// Length of the original in bytes; none of a removal, and in messages of older workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Who made the change, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// The fate of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fate {
    /// All renditions stand in the image bucket.
    Rendered {
        /// Size set and its version, `default/1`.
        size_set: String,
        /// Digest of that size set, which tells it from one of the same name and version; older messages have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_set_digest: Option<String>,
        /// Version of the engine that made them.
        engine: String,
        /// What was published.
        renditions: Vec<PublishedRendition>,
        /// Further image sizes of which an earlier attempt, made into another size set, may have left renditions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        earlier_sizes: Vec<String>,
    },
    /// It can have no renditions.
    Rejected {
        /// Which code names the fault.
        reason: ReasonCode,
        /// What was found and where, in English.
        detail: String,
    },
    /// A file that operating systems leave in folders.
    Ignored,
    /// It was deleted.
    Removed,
}

impl Fate {
    /// The fate in a word, as it stands in the message.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rendered { .. } => "rendered",
            Self::Rejected { .. } => "rejected",
            Self::Ignored => "ignored",
            Self::Removed => "removed",
        }
    }
}

/// A rendition as it stands in the image bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedRendition {
    /// Name of the image size.
    pub image_size: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in bytes.
    pub bytes: u64,
    /// `ETag` without quotes.
    pub etag: String,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    version: u32,
    #[serde(flatten)]
    outcome: T,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl Outcome {
    /// The message.
    ///
    /// # Panics
    /// Never: a tree of strings and numbers is always JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Envelope { version: VERSION, outcome: self }).expect("a tree of strings and numbers")
    }

    /// Reads a message.
    pub fn from_json(body: &str) -> Result<Self> {
        let malformed = |error: serde_json::Error| {
            Error::new(Place::Queue, Kind::Malformed, "read a message of the registration queue").because(error)
        };
        let VersionOnly { version } = serde_json::from_str(body).map_err(malformed)?;
        if version > VERSION {
            let doing = format!("read a message of version {version}: this program knows versions up to {VERSION}");
            return Err(Error::new(Place::Queue, Kind::Malformed, doing));
        }
        serde_json::from_str::<Envelope<Self>>(body).map(|envelope| envelope.outcome).map_err(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered() -> Outcome {
        Outcome {
            key: "origin/ssgdfm_eye/351518_0.jpg".into(),
            generation: Generation::from_counter(1),
            etag: "d41d8".into(),
            size: Some(54_321),
            actor: Actor::new("AKIAEXAMPLE"),
            fate: Fate::Rendered {
                size_set: "default/1".into(),
                size_set_digest: Some("0123456789abcdef".into()),
                engine: "1".into(),
                renditions: vec![PublishedRendition {
                    image_size: "sq".into(),
                    width: 320,
                    height: 320,
                    bytes: 12_345,
                    etag: "abc".into(),
                }],
                earlier_sizes: vec![],
            },
        }
    }

    #[test]
    fn a_message_reads_back() {
        let outcome = rendered();
        assert_eq!(Outcome::from_json(&outcome.to_json()).unwrap(), outcome);
        insta::assert_snapshot!(outcome.to_json());
    }

    #[test]
    fn a_rejection_names_its_reason_code() {
        let fate = Fate::Rejected { reason: ReasonCode::FileEmpty, detail: "0 bytes".into() };
        let outcome = Outcome { fate, ..rendered() };
        assert_eq!(Outcome::from_json(&outcome.to_json()).unwrap(), outcome);
        insta::assert_snapshot!(outcome.to_json());
    }

    /// As workers before the digest sent it: it may still wait in a queue while they are replaced.
    #[test]
    fn a_message_of_an_older_worker_is_read() {
        let body = rendered().to_json().replace(r#""size_set_digest":"0123456789abcdef","#, "");
        let body = body.replace(r#""size":54321,"actor":"AKIAEXAMPLE","#, "");
        let outcome = Outcome::from_json(&body).unwrap();
        let Fate::Rendered { size_set_digest, earlier_sizes, .. } = outcome.fate else { panic!("rendered") };
        assert_eq!((size_set_digest, earlier_sizes, outcome.size, outcome.actor), (None, vec![], None, None));
    }

    #[test]
    fn newer_and_broken_messages_are_malformed() {
        let newer = rendered().to_json().replace("\"version\":1", "\"version\":2");
        for body in [newer.as_str(), "{}", "nonsense", r#"{"version":1,"key":"a"}"#] {
            assert_eq!(Outcome::from_json(body).unwrap_err().kind(), Kind::Malformed, "{body}");
        }
    }
}
