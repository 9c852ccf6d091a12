//! Errors that answer one question: retry, dead-letter or stop?
//!
//! An [`Error`] says which place failed, what was being done, and what the caller does about it. A rejected original is
//! not an error: it is a result, with a [reason code](crate::reason).

use std::fmt;

use crate::reason::ReasonCode;

/// The result of a step.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The buckets.
    Store,
    /// A queue.
    Queue,
    /// The SQL side: ledger and rows.
    Catalog,
    /// The rendition engine's host (not the original: a bad original is a result).
    Engine,
    /// Configuration, start-up and everything else.
    System,
}

/// What went wrong, by what the caller does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The place cannot be reached or is overloaded: retry later, receive nothing meanwhile.
    Unavailable,
    /// The place refuses us: retry later, after somebody mended the rights.
    Denied,
    /// Somebody else wrote at the same time: look again at once.
    Conflict,
    /// The message or stored value can never be understood: dead-letter it.
    Malformed,
    /// A configuration or schema that must be mended first: stop.
    Misconfigured,
    /// An acknowledged write may not have reached the disk, or an invariant is broken: stop, never retry.
    Fatal,
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Give the message back and try again once the place answers.
    Retry,
    /// Set the message aside for a person.
    DeadLetter,
    /// End the process.
    Stop,
}

/// A failed step.
#[derive(Debug)]
pub struct Error {
    place: Place,
    kind: Kind,
    doing: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a place, while `doing` something ("failed to …" is put before it).
    pub fn new(place: Place, kind: Kind, doing: impl Into<String>) -> Self {
        Self { place, kind, doing: doing.into(), source: None }
    }

    /// The same error, because of `source`.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Where it failed.
    pub fn place(&self) -> Place {
        self.place
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What to do about it.
    pub fn remedy(&self) -> Remedy {
        match self.kind {
            Kind::Unavailable | Kind::Denied | Kind::Conflict => Remedy::Retry,
            Kind::Malformed => Remedy::DeadLetter,
            Kind::Misconfigured | Kind::Fatal => Remedy::Stop,
        }
    }

    /// Whether the buckets, the queue or the database are away, rather than this one message being at fault.
    pub fn is_of_a_place_away(&self) -> bool {
        matches!(self.place, Place::Store | Place::Queue | Place::Catalog)
            && matches!(self.kind, Kind::Unavailable | Kind::Denied)
    }

    /// The reason code for waiting, where waiting helps.
    pub fn waiting_reason(&self) -> Option<ReasonCode> {
        match (self.place, self.kind) {
            (Place::Catalog, Kind::Conflict) => Some(ReasonCode::CatalogConflict),
            (Place::Catalog, Kind::Unavailable | Kind::Denied) => Some(ReasonCode::CatalogUnavailable),
            (Place::Store, Kind::Denied) => Some(ReasonCode::StoreDenied),
            (_, Kind::Unavailable | Kind::Denied | Kind::Conflict) => Some(ReasonCode::StoreUnavailable),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.doing)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
