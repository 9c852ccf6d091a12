//! Webhooks: where events are sent, what is sent, and what became of it.
//!
//! Signing needs the secret itself, so unlike that of a token it is stored as it is; it is shown once, and never printed by mistake.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{
    key::{DeliveryName, EntityId, Vertical},
    token::{Verticals, new_id},
};

pub mod failure;

pub use failure::failure_in_korean;

/// Endpoints, at most: each reads the history for itself.
pub const WEBHOOKS_MAX: usize = 50;
/// Characters of a description, at most.
pub const DESCRIPTION_MAX_CHARS: usize = 500;
/// Waits before each further attempt, where nobody sets others: with the first attempt ten in three days.
pub const RETRY: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(20),
];
/// How long the secret before a rotation signs too.
pub const OLD_SECRET_HOLDS: Duration = Duration::from_hours(24);
/// What the text of a secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// Random bytes of a secret; Standard Webhooks asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// What happened. The names are promises: one may be added, none is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub enum EventType {
    /// A delivery came to its end, and everything of it is live or dismissed.
    #[serde(rename = "delivery.completed")]
    DeliveryCompleted,
    /// A delivery came to its end, and something of it failed.
    #[serde(rename = "delivery.failed")]
    DeliveryFailed,
    /// An original was rejected.
    #[serde(rename = "original.rejected")]
    OriginalRejected,
    /// An entity has all its images.
    #[serde(rename = "entity.completed")]
    EntityCompleted,
    /// Other images are served in place of those before.
    #[serde(rename = "image.replaced")]
    ImageReplaced,
    /// Images were taken down.
    #[serde(rename = "image.removed")]
    ImageRemoved,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 6] = [
        Self::DeliveryCompleted,
        Self::DeliveryFailed,
        Self::OriginalRejected,
        Self::EntityCompleted,
        Self::ImageReplaced,
        Self::ImageRemoved,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeliveryCompleted => "delivery.completed",
            Self::DeliveryFailed => "delivery.failed",
            Self::OriginalRejected => "original.rejected",
            Self::EntityCompleted => "entity.completed",
            Self::ImageReplaced => "image.replaced",
            Self::ImageRemoved => "image.removed",
        }
    }
}

/// The type of the message that a test sends; nobody subscribes to it.
pub const TEST_TYPE: &str = "webhook.test";

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|event| event.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not a type of event: there are {known}"))
    }
}

/// The events that an endpoint gets. In JSON a list, and `null` for all of them; never an empty list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Option<BTreeSet<EventType>>", into = "Option<BTreeSet<EventType>>")]
pub enum Events {
    /// All, also those that a later version adds.
    #[default]
    All,
    /// These.
    Only(BTreeSet<EventType>),
}

impl Events {
    /// These, or all where there are none.
    pub fn only_or_all(events: impl IntoIterator<Item = EventType>) -> Self {
        let events: BTreeSet<_> = events.into_iter().collect();
        if events.is_empty() { Self::All } else { Self::Only(events) }
    }

    /// Whether one is among them.
    pub fn include(&self, event: EventType) -> bool {
        match self {
            Self::All => true,
            Self::Only(events) => events.contains(&event),
        }
    }

    /// As a column holds them: names with spaces between them, nothing for all.
    pub fn to_column(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Only(events) => Some(events.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(" ")),
        }
    }

    /// What a column holds. Names that this version does not know are left out.
    pub fn from_column(column: Option<&str>) -> Self {
        let Some(names) = column else { return Self::All };
        Self::Only(names.split(' ').filter_map(|name| name.parse().ok()).collect())
    }
}

impl TryFrom<Option<BTreeSet<EventType>>> for Events {
    type Error = String;

    fn try_from(listed: Option<BTreeSet<EventType>>) -> Result<Self, String> {
        match listed {
            None => Ok(Self::All),
            Some(events) if events.is_empty() => {
                Err("an empty list of events would send nothing: leave it out for all of them".to_owned())
            }
            Some(events) => Ok(Self::Only(events)),
        }
    }
}

impl From<Events> for Option<BTreeSet<EventType>> {
    fn from(events: Events) -> Self {
        match events {
            Events::All => None,
            Events::Only(events) => Some(events),
        }
    }
}

/// What messages are signed with: `whsec_` and the bytes of the key in base64, as Standard Webhooks writes it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecret({SECRET_PREFIX}…)")
    }
}

impl WebhookSecret {
    /// A new one.
    pub fn generate() -> Self {
        let random: [u8; SECRET_BYTES] = rand::rng().random();
        Self(format!("{SECRET_PREFIX}{}", STANDARD.encode(random)))
    }

    /// One as it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its text, for whoever it is made for, and for storing it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The key that signs; none where what is stored is no secret.
    pub fn key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.0.strip_prefix(SECRET_PREFIX)?).ok().filter(|key| !key.is_empty())
    }
}

/// Why an endpoint gets nothing. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Somebody disabled it.
    Person,
    /// It answered 410 Gone.
    Gone,
    /// It failed for as long as `webhooks.give_up` says.
    Failing,
}

impl Because {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// That of this name; what nobody can read is a person's doing.
    pub fn from_code(code: &str) -> Self {
        [Self::Gone, Self::Failing].into_iter().find(|because| because.as_str() == code).unwrap_or(Self::Person)
    }
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id, which no other ever has.
    pub id: String,
    /// Where messages are sent.
    pub url: String,
    /// What people wrote about it.
    pub description: String,
    /// What it gets.
    pub events: Events,
    /// Of which verticals.
    pub verticals: Verticals,
    /// What signs.
    pub secret: WebhookSecret,
    /// What signed before, and until when it signs too.
    pub old_secret: Option<(WebhookSecret, Timestamp)>,
    /// Rises with every change of the settings.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Since when, and why, it gets nothing.
    pub disabled: Option<(Timestamp, Because)>,
    /// The last position of the history that was looked at for it.
    pub position: u64,
    /// How it answers.
    pub health: WebhookHealth,
}

/// How an endpoint answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookHealth {
    /// Since when every attempt failed.
    pub failing_since: Option<Timestamp>,
    /// When an attempt succeeded last.
    pub last_success: Option<Timestamp>,
    /// What the last failure was; none once an attempt succeeded.
    pub last_error: Option<String>,
}

impl Webhook {
    /// An endpoint that is made now, and gets what happens after this position of the history.
    pub fn new(url: &str, created_by: &str, position: u64, now: Timestamp) -> Self {
        Self {
            id: format!("wh_{}", new_id()),
            url: url.to_owned(),
            description: String::new(),
            events: Events::All,
            verticals: Verticals::All,
            secret: WebhookSecret::generate(),
            old_secret: None,
            version: 0,
            created_at: now,
            created_by: created_by.to_owned(),
            disabled: None,
            position,
            health: WebhookHealth::default(),
        }
    }

    /// Whether it gets messages.
    pub fn is_enabled(&self) -> bool {
        self.disabled.is_none()
    }

    /// The secrets that sign at this time, the newest first.
    pub fn secrets(&self, now: Timestamp) -> Vec<&WebhookSecret> {
        let old = self.old_secret.as_ref().filter(|(_, until)| *until > now).map(|(secret, _)| secret);
        std::iter::once(&self.secret).chain(old).collect()
    }
}

/// How far a message came. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is to be sent, or to be sent again.
    Pending,
    /// The endpoint answered with 2xx.
    Delivered,
    /// Nobody tries it any more.
    Failed,
}

impl MessageState {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// That of this name; what nobody can read is not tried.
    pub fn from_code(code: &str) -> Self {
        [Self::Pending, Self::Delivered].into_iter().find(|state| state.as_str() == code).unwrap_or(Self::Failed)
    }
}

/// A message to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The endpoint's id.
    pub webhook: String,
    /// Its id: the same however often it is sent.
    pub id: String,
    /// The type of the event.
    pub kind: String,
    /// The body, as it is signed and sent.
    pub payload: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How far it came.
    pub state: MessageState,
    /// How often it was tried since it was made or replayed.
    pub tries: u32,
    /// When it was tried first since then.
    pub first_try: Option<Timestamp>,
    /// When it is to be tried next.
    pub next: Option<Timestamp>,
    /// When it was delivered or given up.
    pub ended: Option<Timestamp>,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: String,
    /// The endpoint's id.
    pub webhook: String,
    /// The message's id.
    pub message: String,
    /// The type of the event.
    pub kind: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// The HTTP status of the answer; none where there was no answer.
    pub status: Option<u16>,
    /// Why it failed; none where it succeeded.
    pub error: Option<String>,
    /// The beginning of an answer that is not 2xx.
    pub answer: Option<String>,
    /// When the message is tried again.
    pub next: Option<Timestamp>,
}

impl Attempt {
    /// An attempt that begins now.
    pub fn begin(message: &Message, now: Timestamp) -> Self {
        Self {
            id: new_id(),
            webhook: message.webhook.clone(),
            message: message.id.clone(),
            kind: message.kind.clone(),
            at: now,
            duration_ms: 0,
            status: None,
            error: None,
            answer: None,
            next: None,
        }
    }
}

/// What is watched until it is settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatchedSubject {
    /// Whether an entity has all its images.
    Entity(EntityId),
    /// Whether a delivery came to its end: its vertical, and its name.
    Delivery(Vertical, String),
}

impl WatchedSubject {
    /// What a delivery is called where it is looked for.
    pub fn delivery(vertical: &Vertical, name: &str) -> Option<DeliveryName> {
        match name.parse().ok()? {
            DeliveryName::Recorded { id, .. } => Some(DeliveryName::Recorded { vertical: Some(vertical.clone()), id }),
            day @ DeliveryName::Day { .. } => Some(day),
        }
    }
}

impl fmt::Display for WatchedSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entity(EntityId { vertical, cd_idx }) => write!(f, "entity {vertical} {cd_idx}"),
            Self::Delivery(vertical, name) => write!(f, "delivery {vertical} {name}"),
        }
    }
}

impl FromStr for WatchedSubject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is nothing that is watched");
        let mut words = text.splitn(3, ' ');
        let (Some(kind), Some(vertical), Some(rest)) = (words.next(), words.next(), words.next()) else {
            return Err(wrong());
        };
        let vertical: Vertical = vertical.parse().map_err(|_| wrong())?;
        match kind {
            "entity" => Ok(Self::Entity(EntityId { vertical, cd_idx: rest.parse().map_err(|_| wrong())? })),
            "delivery" => Ok(Self::Delivery(vertical, rest.to_owned())),
            _ => Err(wrong()),
        }
    }
}

/// Something that is watched for an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The endpoint's id.
    pub webhook: String,
    /// What is watched, as [`WatchedSubject`] writes it.
    pub subject: String,
    /// The last position of the history that is about it; 0 where none is.
    pub position: u64,
    /// When something of it happened last.
    pub touched: Timestamp,
    /// When it is to be looked at; not before something happens where there is none.
    pub due: Option<Timestamp>,
    /// What was found last.
    pub outcome: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_events_are_read_as_they_are_written() {
        for event in EventType::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
        assert!("image.lost".parse::<EventType>().unwrap_err().contains("image.replaced"));
        let only = Events::only_or_all([EventType::ImageRemoved, EventType::DeliveryFailed]);
        for events in [only, Events::All] {
            assert_eq!(Events::from_column(events.to_column().as_deref()), events);
            let json = serde_json::to_string(&events).unwrap();
            assert_eq!(serde_json::from_str::<Events>(&json).unwrap(), events);
        }
        assert!(serde_json::from_str::<Events>("[]").is_err());
        let none = Events::from_column(Some("of.a.later.version"));
        assert!(EventType::ALL.iter().all(|event| !none.include(*event)), "what is not known gives nobody more");
    }

    #[test]
    fn a_secret_is_as_the_convention_has_it_and_is_not_printed() {
        let secret = WebhookSecret::generate();
        assert!(secret.expose().starts_with("whsec_"));
        assert_eq!(secret.key().unwrap().len(), 32);
        assert_ne!(WebhookSecret::generate(), secret);
        assert!(!format!("{secret:?}").contains(&secret.expose()[6..]));
        for broken in ["", "whsec_", "whsec_%", "AAAA"] {
            assert_eq!(WebhookSecret::stored(broken.to_owned()).key(), None, "{broken}");
        }
    }

    #[test]
    fn two_secrets_sign_until_the_old_one_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let old = WebhookSecret::generate();
        let webhook = Webhook { old_secret: Some((old.clone(), at(10))), ..Webhook::new("https://h", "kim", 0, at(0)) };
        assert_eq!(webhook.secrets(at(9)), [&webhook.secret, &old]);
        assert_eq!(webhook.secrets(at(10)), [&webhook.secret]);
    }

    #[test]
    fn what_is_watched_is_read_as_it_is_written() {
        let vertical: Vertical = "ssgdfm_eye".parse().unwrap();
        for subject in [
            WatchedSubject::Entity(EntityId { vertical: vertical.clone(), cd_idx: 351_518 }),
            WatchedSubject::Delivery(vertical.clone(), "20261126-k3f9".to_owned()),
            WatchedSubject::Delivery(vertical.clone(), "20261126-day-ssgdfm_eye".to_owned()),
        ] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        for wrong in ["", "entity eye", "entity eye x", "shop eye 1"] {
            assert!(wrong.parse::<WatchedSubject>().is_err(), "{wrong}");
        }
        let named = WatchedSubject::delivery(&vertical, "20261126-k3f9").unwrap();
        assert!(matches!(named, DeliveryName::Recorded { vertical: Some(of), .. } if of == vertical));
    }
}
