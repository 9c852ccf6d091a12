//! Errors that answer one question: whose failure is it?
//!
//! An [`Error`] says which place failed, what was being done, and by its [`Subject`] what the caller does about it. A rejected original is
//! not an error: it is a result, with a [reason code](crate::model::reason).

use std::fmt;

use crate::model::{cause, lang::Lang, reason::ReasonCode};

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
    /// The message or stored value can never be understood.
    Malformed,
    /// The component works, and refuses this one message, row or object: a constraint, a value that does not fit.
    Refused,
    /// The component answered with an error that nobody has listed: a message is at fault only if it fails where its
    /// neighbours, tried one by one, succeed.
    Unlisted,
    /// One stored object is missing or damaged.
    Corrupt,
    /// A configuration or schema that does not fit. Only a start ends for it; for a running loop it is an outage.
    Misconfigured,
    /// An acknowledged write may not have reached the disk: the process ends at once and never tries again.
    Fatal,
}

impl Kind {
    /// What whoever asked does next, in Korean.
    pub const fn korean(self) -> &'static str {
        match self {
            Self::Unavailable => "지금은 할 수 없습니다. 잠시 후 다시 실행해 주세요",
            Self::Denied => "권한이 없습니다. 토큰이나 키를 확인해 주세요",
            Self::Conflict => "동시에 다른 변경이 있었습니다. 다시 실행해 주세요",
            Self::Misconfigured => "명령이나 설정을 확인해 주세요",
            Self::Corrupt => "없거나 손상된 것이 있습니다",
            Self::Malformed | Self::Refused | Self::Unlisted | Self::Fatal => {
                "실행하지 못했습니다. 엔지니어에게 알려 주세요"
            }
        }
    }
}

/// Whose failure it is, which decides what a loop does. A running loop never ends for any of them but [`Durability`](Self::Durability).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A component cannot work for anybody: messages are held, and the operation that failed is tried until it succeeds.
    Outage,
    /// Somebody else wrote at the same time: try again at once, a bounded number of times.
    Contention,
    /// This message or row alone: it is dead-lettered with the cause, and its neighbours go on.
    Message,
    /// One stored object: the message that needs it is dead-lettered with the cause.
    Corruption,
    /// The configuration or the schema. A start ends; a running loop waits as in an outage.
    Deployment,
    /// Nobody knows what the disk holds: the process ends.
    Durability,
}

/// A failed step.
#[derive(Debug)]
pub struct Error {
    place: Place,
    kind: Kind,
    doing: String,
    korean: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a place, while `doing` something ("failed to …" is put before it).
    pub fn new(place: Place, kind: Kind, doing: impl Into<String>) -> Self {
        Self { place, kind, doing: doing.into(), korean: None, source: None }
    }

    /// The same error, because of `source`.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, with what people read of it in Korean: what failed and what to do, in whole sentences.
    #[must_use]
    pub fn in_korean(mut self, text: impl Into<String>) -> Self {
        self.korean = Some(text.into());
        self
    }

    /// For people, with what caused it: in Korean where the cause is a usual one. What nobody put into Korean has a sentence about what to do,
    /// and its English in brackets behind it, which an engineer needs.
    pub fn text(&self, lang: Lang) -> String {
        match (lang, &self.korean) {
            (Lang::En, _) => self.to_string(),
            (Lang::Ko, Some(korean)) => match &self.source {
                Some(source) => match cause::in_korean(&**source) {
                    // What is said already needs no cause.
                    cause if cause.is_empty() => korean.clone(),
                    cause => format!("{korean} ({cause})"),
                },
                None => korean.clone(),
            },
            (Lang::Ko, None) => {
                let cause = self.source.as_deref().map(|source| format!(" ({})", cause::in_korean(source)));
                let cause = cause.unwrap_or_default();
                match cause::of_file(&self.doing) {
                    Some(korean) => format!("{korean}{cause}"),
                    None => format!("{}{cause} [{}]", self.kind.korean(), self.doing),
                }
            }
        }
    }

    /// Where it failed.
    pub fn place(&self) -> Place {
        self.place
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whose failure it is.
    pub fn subject(&self) -> Subject {
        match self.kind {
            Kind::Unavailable | Kind::Denied => Subject::Outage,
            Kind::Conflict => Subject::Contention,
            Kind::Malformed | Kind::Refused | Kind::Unlisted => Subject::Message,
            Kind::Corrupt => Subject::Corruption,
            Kind::Misconfigured => Subject::Deployment,
            Kind::Fatal => Subject::Durability,
        }
    }

    /// Whether nothing is wrong with the message or object: what failed is to be tried until it succeeds.
    pub fn is_to_be_waited_for(&self) -> bool {
        matches!(self.subject(), Subject::Outage | Subject::Contention | Subject::Deployment)
    }

    /// Whether the disk has no more space, or the quota is used up: whoever asked must be told so, for repeating does not help.
    pub fn is_disk_full(&self) -> bool {
        let mut source = self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static));
        while let Some(error) = source {
            if says_disk_full(error) {
                return true;
            }
            source = error.source();
        }
        false
    }

    /// The same error for another caller who met it too; what caused it is kept as text.
    #[must_use]
    pub fn for_another(&self) -> Self {
        let source = self.source.as_ref().map(|source| source.to_string().into());
        Self { place: self.place, kind: self.kind, doing: self.doing.clone(), korean: self.korean.clone(), source }
    }

    /// The reason code for waiting, where waiting helps.
    pub fn waiting_reason(&self) -> Option<ReasonCode> {
        match (self.place, self.kind) {
            (Place::Catalog, Kind::Conflict) => Some(ReasonCode::CatalogConflict),
            (Place::Catalog, Kind::Unavailable | Kind::Denied) => Some(ReasonCode::CatalogUnavailable),
            (Place::Store, Kind::Denied) => Some(ReasonCode::StoreDenied),
            (Place::Store | Place::Queue, Kind::Unavailable | Kind::Denied | Kind::Conflict) => {
                Some(ReasonCode::StoreUnavailable)
            }
            _ => None,
        }
    }
}

fn says_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind;
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        return matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    }
    // The text of SQLITE_FULL, which SQLite never changes. The type of its error is that of one backend, which nobody here knows, and
    // what a second caller gets keeps only the text.
    error.to_string().contains("database or disk is full")
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
