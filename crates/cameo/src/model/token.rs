//! Tokens of the API: who may ask for what, and the secret by which a request proves whose it is.
//!
//! A secret is made here, shown once and never stored: what is kept of it is its SHA-256. Its text begins with `cameo_` and
//! ends with a checksum, so that people, scanners of repositories and the server recognise one, or half of one, by itself.

use std::{collections::BTreeSet, fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use crc_fast::{CrcAlgorithm, checksum};
use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::Vertical;

/// What the text of every secret begins with.
pub const SECRET_PREFIX: &str = "cameo_";
/// Characters of a token's name, at most.
pub const NAME_MAX_CHARS: usize = 64;
/// Names of those who need no token: no token may have them.
pub const RESERVED_NAMES: [&str; 2] = ["local", "loopback"];
/// Verticals that a token may be limited to, at most.
pub const VERTICALS_MAX: usize = 100;

/// Random bytes of a secret: 256 bits.
const SECRET_BYTES: usize = 32;
/// Bytes of the checksum behind them.
const CHECKSUM_BYTES: usize = 4;
/// Characters of an id.
const ID_CHARS: usize = 12;
/// The characters of an id: none looks like another.
const ID_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What whoever has a token may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Also upload, deliver and retry.
    Operator,
    /// Also make tokens, take images down and reconcile.
    Admin,
}

impl Role {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The role as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || format!("{text:?} is not a role: write viewer, operator or admin");
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(known)
    }
}

/// The verticals that somebody may see and change. In JSON a list, and `null` for all of them; never an empty list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Option<BTreeSet<Vertical>>", into = "Option<BTreeSet<Vertical>>")]
pub enum Verticals {
    /// All, also those that are yet to come.
    #[default]
    All,
    /// These.
    Only(BTreeSet<Vertical>),
}

impl Verticals {
    /// These, or all where there are none.
    pub fn only_or_all(verticals: impl IntoIterator<Item = Vertical>) -> Self {
        let verticals: BTreeSet<_> = verticals.into_iter().collect();
        if verticals.is_empty() { Self::All } else { Self::Only(verticals) }
    }

    /// Whether a vertical is among them.
    pub fn include(&self, vertical: &Vertical) -> bool {
        match self {
            Self::All => true,
            Self::Only(verticals) => verticals.contains(vertical),
        }
    }

    /// Whether what belongs to this vertical, or to none, is among them: what belongs to none is only for those who may see all.
    pub fn include_of(&self, vertical: Option<&Vertical>) -> bool {
        *self == Self::All || vertical.is_some_and(|vertical| self.include(vertical))
    }

    /// As a column holds them: names with spaces between them, nothing for all.
    pub fn to_column(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Only(verticals) => Some(verticals.iter().map(Vertical::as_str).collect::<Vec<_>>().join(" ")),
        }
    }

    /// What a column holds. Names that are none of the grammar are left out, which gives nobody more.
    pub fn from_column(column: Option<&str>) -> Self {
        let Some(names) = column else { return Self::All };
        Self::Only(names.split(' ').filter_map(|name| name.parse().ok()).collect())
    }
}

impl TryFrom<Option<BTreeSet<Vertical>>> for Verticals {
    type Error = String;

    fn try_from(listed: Option<BTreeSet<Vertical>>) -> Result<Self, String> {
        match listed {
            None => Ok(Self::All),
            Some(verticals) if verticals.is_empty() => {
                Err("an empty list of verticals would allow nothing: leave it out for all of them".to_owned())
            }
            Some(verticals) if verticals.len() > VERTICALS_MAX => Err(format!("at most {VERTICALS_MAX} verticals")),
            Some(verticals) => Ok(Self::Only(verticals)),
        }
    }
}

impl From<Verticals> for Option<BTreeSet<Vertical>> {
    fn from(verticals: Verticals) -> Self {
        match verticals {
            Verticals::All => None,
            Verticals::Only(verticals) => Some(verticals),
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub struct Token {
    /// Its id, which no other ever has.
    pub id: String,
    /// Its name, which no other has that can be used.
    pub name: String,
    /// What may be done with it.
    pub role: Role,
    /// The verticals that it is limited to; null where it is not.
    #[cfg_attr(feature = "client", schema(value_type = Option<BTreeSet<String>>))]
    pub verticals: Verticals,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// From when on it is refused; null where it never ends by itself.
    pub expires: Option<Timestamp>,
    /// Since when it is refused for good.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used: Option<Timestamp>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// Somebody revoked it.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Token {
    /// A token that is made now.
    pub fn new(name: &str, role: Role, verticals: Verticals, created_by: &str, now: Timestamp) -> Self {
        Self {
            id: new_id(),
            name: name.to_owned(),
            role,
            verticals,
            created_at: now,
            created_by: created_by.to_owned(),
            expires: None,
            revoked_at: None,
            last_used: None,
        }
    }

    /// Why it is refused at this time, if it is.
    pub fn fault(&self, now: Timestamp) -> Option<TokenFault> {
        if self.revoked_at.is_some() {
            return Some(TokenFault::Revoked);
        }
        self.expires.is_some_and(|expires| expires <= now).then_some(TokenFault::Expired)
    }
}

/// A new id.
pub(super) fn new_id() -> String {
    let mut random = rand::rng();
    (0..ID_CHARS).map(|_| char::from(ID_ALPHABET[random.random_range(0..ID_ALPHABET.len())])).collect()
}

/// What is wrong with the name of a token, if anything is. It is part of access key ids and of log lines.
pub fn fault_of_name(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if RESERVED_NAMES.contains(&name) {
        return Some(format!(
            "{name:?} is what requests without a token are called; choose another name for the token"
        ));
    }
    (!begins_well || name.chars().count() > NAME_MAX_CHARS || !name.chars().all(allowed)).then(|| {
        format!(
            "{name:?} is not a name for a token: use 1 to {NAME_MAX_CHARS} ASCII letters, digits and - _ . @, beginning with a letter or digit"
        )
    })
}

/// The secret of a token. It is never printed by mistake: only [`expose`](Self::expose) returns its text.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSecret({SECRET_PREFIX}…)")
    }
}

impl TokenSecret {
    /// A new one.
    pub fn generate() -> Self {
        let random: [u8; SECRET_BYTES] = rand::rng().random();
        let bytes = [&random[..], &checksum_of(&random)].concat();
        Self(format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a text; nothing where it cannot be a secret of ours, such as where a character of it is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(SECRET_PREFIX)?).ok()?;
        let (random, sum) = bytes.split_at_checked(SECRET_BYTES)?;
        (sum == checksum_of(random)).then(|| Self(text.to_owned()))
    }

    /// Its text, for whoever it is made for.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it, and looked up: 64 hexadecimal digits.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

fn checksum_of(random: &[u8]) -> [u8; CHECKSUM_BYTES] {
    // The algorithm has 32 bits.
    u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, random)).unwrap_or_default().to_be_bytes()
}

/// The SHA-256 of a secret, hexadecimal. The secret has 256 random bits, so that nothing slower is needed, and no time that a look-up
/// takes says anything about another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretHash(String);

impl SecretHash {
    /// That of a secret's text.
    pub(super) fn of(secret: &str) -> Self {
        Self(hex::encode(Sha256::digest(secret.as_bytes())))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_and_a_mistyped_one_is_not() {
        let secret = TokenSecret::generate();
        let text = secret.expose().to_owned();
        assert!(text.starts_with("cameo_") && text.len() == SECRET_PREFIX.len() + 48, "{text}");
        assert_eq!(TokenSecret::parse(&text), Some(secret.clone()));
        assert_ne!(TokenSecret::generate(), secret);
        assert_eq!(secret.hash().as_str().len(), 64);
        let last = if text.ends_with('A') { 'B' } else { 'A' };
        let mistyped = format!("{}{last}", &text[..text.len() - 1]);
        for wrong in [mistyped.as_str(), &text[..text.len() - 4], &text[6..], "cameo_", "", "cameo_ü"] {
            assert_eq!(TokenSecret::parse(wrong), None, "{wrong}");
        }
        assert!(!format!("{secret:?}").contains(&text[6..]));
    }

    #[test]
    fn a_token_is_refused_from_its_end_on() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut token = Token::new("ci", Role::Viewer, Verticals::All, "local", at(0));
        assert_eq!(token.fault(at(i64::from(u32::MAX))), None);
        token.expires = Some(at(10));
        assert_eq!((token.fault(at(9)), token.fault(at(10))), (None, Some(TokenFault::Expired)));
        token.revoked_at = Some(at(1));
        assert_eq!(token.fault(at(0)), Some(TokenFault::Revoked));
    }

    #[test]
    fn roles_are_in_order_and_verticals_are_kept() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
        assert!("root".parse::<Role>().unwrap_err().contains("operator"));
        let (eye, nose): (Vertical, Vertical) = ("eye".parse().unwrap(), "가나".parse().unwrap());
        let only = Verticals::only_or_all([eye.clone(), nose.clone()]);
        assert!(only.include(&eye) && !only.include(&"shop".parse().unwrap()) && !only.include_of(None));
        assert!(Verticals::All.include_of(None));
        for verticals in [only, Verticals::All] {
            assert_eq!(Verticals::from_column(verticals.to_column().as_deref()), verticals);
            let json = serde_json::to_string(&verticals).unwrap();
            assert_eq!(serde_json::from_str::<Verticals>(&json).unwrap(), verticals);
        }
        assert_eq!(Verticals::from_column(Some("")), Verticals::Only(BTreeSet::new()), "damage gives nobody more");
        assert!(serde_json::from_str::<Verticals>("[]").is_err());
    }

    #[test]
    fn names_are_plain() {
        for good in ["ci", "kim.cs@example.com", "0-a_b"] {
            assert_eq!(fault_of_name(good), None, "{good}");
        }
        for bad in ["", " ", "a b", "-a", "a/b", "김", "a\n", "local", &"x".repeat(65)] {
            assert!(fault_of_name(bad).is_some(), "{bad:?}");
        }
    }
}
