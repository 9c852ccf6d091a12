//! Accounts of people, their sessions, and the links by which they set a password: what the console's log-in works with.
//!
//! A secret is made here, given away once and never stored: what is kept of it is its SHA-256, and of a password its argon2id.
//! Whatever ends sessions raises the account's [`epoch`](Account::epoch): what was made before it no longer counts, in one statement.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use rand::Rng;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

mod look;

pub use look::{fold_new, shape};

use super::{
    lang::Lang,
    token::{RESERVED_NAMES, Role, SecretHash, Token, Verticals, new_id},
};

/// Characters of a name, at most.
pub const NAME_MAX_CHARS: usize = 64;
/// Characters of a password, at least (NIST SP 800-63B, 3.1.1.2: 8 beside another factor, 15 alone; 12 is what OWASP's ASVS 4 asks for).
pub const PASSWORD_MIN_CHARS: usize = 12;
/// Bytes of a password, at most: hashing them must cost what hashing any costs.
pub const PASSWORD_MAX_BYTES: usize = 1024;
/// Accounts, at most.
pub const ACCOUNTS_MAX: usize = 10_000;
/// Sessions of an account, at most: the one that was used longest ago ends for a new one.
pub const SESSIONS_MAX: usize = 20;
/// Links for the first administrator that hold at a time: each start makes one, and none that still counts.
pub const FIRST_LINKS_MAX: usize = 16;
/// How long a one-time link holds.
pub const LINK_HOLDS: SignedDuration = SignedDuration::from_hours(24);
/// The page of a one-time link.
pub const WELCOME_PAGE: &str = "/welcome";
/// How far in the future something may have been made: clocks of several servers differ. What lies further ahead was made before a
/// clock was set back, and would hold for nobody knows how long.
pub const CLOCKS_DIFFER_MAX: SignedDuration = SignedDuration::from_mins(5);
/// Bytes that are kept of what a browser calls itself.
pub const BROWSER_MAX_BYTES: usize = 200;

/// Random bytes of a secret: 256 bits.
const SECRET_BYTES: usize = 32;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, which no other ever has.
    pub id: String,
    /// Its name, as [`fold`] writes it.
    pub name: String,
    /// The language of the console.
    pub language: Lang,
    /// What it may be used for.
    pub role: Role,
    /// The verticals that it is limited to.
    pub verticals: Verticals,
    /// The password's hash; none until somebody set one.
    pub password: Option<PasswordHash>,
    /// Who it is at the `OpenID` provider: issuer and subject.
    pub subject: Option<String>,
    /// Sessions and links of an earlier one no longer count.
    pub epoch: u64,
    /// Rises with every change: one that was decided on an older one is not made.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Since when it is refused.
    pub disabled_at: Option<Timestamp>,
    /// When somebody logged in last.
    pub last_login: Option<Timestamp>,
}

impl Account {
    /// An account that is made now, which nobody can use yet. The name is one that [`fold`] returned.
    pub fn new(name: &str, role: Role, verticals: Verticals, created_by: &str, now: Timestamp) -> Self {
        Self {
            id: new_id(),
            name: name.to_owned(),
            language: Lang::Ko,
            role,
            verticals,
            password: None,
            subject: None,
            epoch: 0,
            version: 0,
            created_at: now,
            created_by: created_by.to_owned(),
            disabled_at: None,
            last_login: None,
        }
    }

    /// The account without its password: its sessions and links no longer count.
    #[must_use]
    pub fn reset(self) -> Self {
        Self { password: None, epoch: self.epoch + 1, ..self }
    }

    /// Whether it may do everything, and is not refused.
    pub fn is_chief(&self) -> bool {
        self.role == Role::Admin && self.verticals == Verticals::All && self.disabled_at.is_none()
    }

    /// The token that stands for it where keys are given to tokens: with its rights, until `expires`.
    pub fn as_token(&self, expires: Option<Timestamp>) -> Token {
        Token {
            expires,
            revoked_at: self.disabled_at,
            id: self.id.clone(),
            ..Token::new(&self.name, self.role, self.verticals.clone(), &self.created_by, self.created_at)
        }
    }
}

/// A name as it is stored and compared: NFC, without upper case. An error says what is wrong with it.
pub fn fold(name: &str) -> Result<String, String> {
    let shown: String = name.chars().take(NAME_MAX_CHARS).collect();
    let wrong = |what: &str| Err(format!("{shown:?} is not a name for an account: {what}"));
    if name.len() > NAME_MAX_CHARS * 4 {
        return wrong("it is too long");
    }
    let folded: String = name.trim().nfc().collect::<String>().to_lowercase().nfc().collect();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if RESERVED_NAMES.contains(&folded.as_str()) {
        return wrong("requests without a log-in are called so; choose another one");
    }
    if !folded.starts_with(char::is_alphanumeric)
        || folded.chars().count() > NAME_MAX_CHARS
        || !folded.chars().all(allowed)
    {
        return wrong("use 1 to 64 letters, digits and - _ . @, beginning with a letter or digit");
    }
    Ok(folded)
}

/// A password as it is hashed: NFKC, so that it is the same whatever keyboard it was typed on (NIST SP 800-63B, 3.1.1.2).
pub fn normalised(password: &str) -> String {
    password.nfkc().collect()
}

/// The page of a one-time link, from the host on. The secret is behind the `#`, which browsers send nowhere.
pub fn welcome_path(secret: &Secret) -> String {
    format!("{WELCOME_PAGE}#{}", secret.expose())
}

/// What is wrong with a password that somebody chose, if anything is. It never holds the password.
pub fn fault_of_password(password: &str, name: &str) -> Option<String> {
    if password.len() > PASSWORD_MAX_BYTES {
        return Some(format!("the password is longer than {PASSWORD_MAX_BYTES} bytes"));
    }
    let normalised = normalised(password);
    if normalised.chars().count() < PASSWORD_MIN_CHARS {
        return Some(format!(
            "the password has fewer than {PASSWORD_MIN_CHARS} characters: several words in a row are easy to remember"
        ));
    }
    let plain: String = normalised.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let name: String = name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    if !name.is_empty() && plain.replace(&name, "").is_empty() {
        return Some("the password is the account's name".to_owned());
    }
    is_usual(&plain).then(|| "the password is one of those that are tried first; choose another one".to_owned())
}

/// Whether a password is nothing but one of the most usual ones, once or repeated, with digits behind it: `Password1234!`.
fn is_usual(plain: &str) -> bool {
    let word = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    let repeats = |text: &str, part: &str| !text.is_empty() && text.replace(part, "").is_empty();
    let mut letters = plain.chars();
    let first = letters.next();
    letters.all(|c| Some(c) == first) || USUAL.iter().any(|usual| repeats(plain, usual) || repeats(word, usual))
}

/// Passwords of the usual lists, as far as they can be made twelve characters long by repeating them or by digits behind them.
const USUAL: &[&str] = &[
    "password",
    "passw0rd",
    "p4ssw0rd",
    "qwerty",
    "qwertyuiop",
    "qwertyuiopasdfghjkl",
    "asdfgh",
    "asdfghjkl",
    "zxcvbn",
    "zxcvbnm",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "qazwsx",
    "qazwsxedc",
    "qwer1234",
    "asdf1234",
    "abcd1234",
    "abc",
    "abcdef",
    "abcdefg",
    "abcdefgh",
    "abcdefghijkl",
    "0123456789",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "123456789012",
    "987654321",
    "0987654321",
    "9876543210",
    "112233",
    "123123",
    "123321",
    "admin",
    "administrator",
    "root",
    "welcome",
    "letmein",
    "iloveyou",
    "monkey",
    "dragon",
    "master",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "trustno1",
    "starwars",
    "whatever",
    "changeme",
    "changeit",
    "secret",
    "default",
    "temporary",
    "cameo",
    "cameoadmin",
    "mycelebs",
    "celebtide",
    "photo",
    "photos",
    "korea",
    "seoul",
    "samsung",
    "dkssud",
    "dkssudgktpdy",
    "qlalfqjsgh",
    "tkfkdgo",
    "비밀번호",
    "안녕하세요",
    "사랑해",
    "사랑해요",
    "대한민국",
];

/// The argon2id hash of a password, in PHC's form. It is never printed by mistake: only [`as_str`](Self::as_str) returns its text.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash as it is stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// The secret of a session or of a one-time link: 256 random bits. Only [`expose`](Self::expose) returns its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new one.
    pub fn generate() -> Self {
        let random: [u8; SECRET_BYTES] = rand::rng().random();
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Reads a text; nothing where it cannot be a secret of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == SECRET_BYTES).then(|| Self(text.to_owned()))
    }

    /// Its text, for whoever it is made for.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it, and looked up.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }

    /// What every change must bring beside the cookie: of this session, and of no use without it.
    pub fn csrf(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("cameo csrf {}", self.0)))
    }
}

/// A session of somebody who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which is no secret.
    pub id: String,
    /// The account's id.
    pub account: String,
    /// The account's epoch then.
    pub epoch: u64,
    /// When somebody logged in.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used: Timestamp,
    /// When it ends in any case.
    pub expires: Timestamp,
    /// The address that logged in.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub browser: Option<String>,
}

impl Session {
    /// A session that begins now.
    pub fn new(account: &Account, now: Timestamp, holds: SignedDuration) -> Self {
        Self {
            id: new_id(),
            account: account.id.clone(),
            epoch: account.epoch,
            created_at: now,
            last_used: now,
            expires: now.checked_add(holds).unwrap_or(Timestamp::MAX),
            address: None,
            browser: None,
        }
    }

    /// Whether it can be used for its account.
    pub fn holds(&self, account: &Account, now: Timestamp, idle: SignedDuration) -> bool {
        let is_of_account = self.account == account.id && self.epoch == account.epoch && account.disabled_at.is_none();
        let is_of_the_past = self.created_at.duration_since(now) <= CLOCKS_DIFFER_MAX;
        is_of_account && is_of_the_past && now < self.expires && now.duration_since(self.last_used) < idle
    }
}

/// A one-time link: for the first administrator, or for the password of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The account's id; none for the first administrator.
    pub account: Option<String>,
    /// The account's epoch: setting the password raises it, so that no link does it twice.
    pub epoch: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl Link {
    /// A link that is made now.
    pub fn new(account: Option<&Account>, now: Timestamp) -> Self {
        Self {
            account: account.map(|account| account.id.clone()),
            epoch: account.map_or(0, |account| account.epoch),
            created_at: now,
            expires: now.checked_add(LINK_HOLDS).unwrap_or(Timestamp::MAX),
        }
    }

    /// Whether its time is.
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.expires && self.created_at.duration_since(now) <= CLOCKS_DIFFER_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    #[test]
    fn a_name_is_the_same_however_it_is_typed() {
        for (typed, folded) in [
            ("Kim", "kim"),
            (" kim ", "kim"),
            ("김철수", "김철수"),
            ("\u{1100}\u{1175}\u{11b7}", "김"),
            ("JOSE\u{301}", "josé"),
            ("kim.cs@Example.com", "kim.cs@example.com"),
        ] {
            assert_eq!(fold(typed).as_deref(), Ok(folded), "{typed}");
        }
        for bad in ["", " ", "a b", "-a", "a/b", "a\nb", "<b>", "Local", "loopback", &"x".repeat(65), &"가".repeat(65)]
        {
            assert!(fold(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_are_long_and_not_the_usual_ones() {
        for good in ["correct horse battery", "사과 바나나 포도 수박 딸기", "x9 k2 m4 p7 q1", "kim is not alone here"]
        {
            assert_eq!(fault_of_password(good, "kim"), None, "{good}");
        }
        for bad in [
            "short",
            "elevenchars",
            "passwordpassword",
            "Password1234!",
            "123456789012",
            "000000000000",
            "qwertyqwerty",
            "kim-kim-kim-kim",
            "KIMKIMKIMKIM",
            "비밀번호비밀번호비밀번호",
        ] {
            let fault = fault_of_password(bad, "kim").unwrap_or_else(|| panic!("{bad} was taken"));
            assert!(!fault.contains(bad), "{fault}");
        }
        assert!(fault_of_password(&"x".repeat(PASSWORD_MAX_BYTES + 1), "kim").is_some());
        assert_eq!(normalised("\u{1100}\u{1161}Å"), normalised("가\u{212b}"));
    }

    #[test]
    fn a_session_ends_with_time_with_the_account_and_where_a_clock_went_back() {
        let idle = SignedDuration::from_hours(12);
        let account = Account::new("kim", Role::Viewer, Verticals::All, "test", at(0));
        let session = Session::new(&account, at(0), SignedDuration::from_hours(24 * 7));
        assert!(session.holds(&account, at(0), idle) && session.holds(&account, at(12 * 60 - 1), idle));
        assert!(!session.holds(&account, at(12 * 60), idle), "it was not used");
        let used = Session { last_used: at(7 * 24 * 60 - 1), ..session.clone() };
        assert!(used.holds(&account, at(7 * 24 * 60 - 1), idle) && !used.holds(&account, at(7 * 24 * 60), idle));
        assert!(session.holds(&account, at(-5), idle) && !session.holds(&account, at(-6), idle));
        let disabled = Account { disabled_at: Some(at(1)), ..account.clone() };
        let reset = Account { epoch: 1, ..account.clone() };
        let other = Account::new("lee", Role::Viewer, Verticals::All, "test", at(0));
        for ended in [disabled, reset, other] {
            assert!(!session.holds(&ended, at(1), idle));
        }
    }

    #[test]
    fn a_link_holds_for_a_day() {
        let link = Link::new(None, at(0));
        assert!(link.holds(at(24 * 60 - 1)) && !link.holds(at(24 * 60)) && !link.holds(at(-6)));
    }

    #[test]
    fn secrets_are_not_printed_and_their_csrf_tokens_differ() {
        let (secret, other) = (Secret::generate(), Secret::generate());
        assert_eq!(Secret::parse(secret.expose()), Some(secret.clone()));
        for wrong in ["", "x", &secret.expose()[1..], &format!("{}A", secret.expose())] {
            assert_eq!(Secret::parse(wrong), None, "{wrong}");
        }
        assert!(!format!("{secret:?}").contains(secret.expose()));
        assert_ne!(secret.csrf(), other.csrf());
        assert!(!secret.csrf().contains(secret.hash().as_str()));
        assert!(!format!("{:?}", PasswordHash::stored("$argon2id$x".to_owned())).contains("argon2id$"));
    }

    #[test]
    fn the_token_of_an_account_has_its_rights_and_its_name() {
        let account = Account::new("김철수", Role::Operator, Verticals::All, "test", at(0));
        let token = account.as_token(Some(at(9)));
        assert_eq!((token.id, token.name.as_str(), token.role), (account.id, "김철수", Role::Operator));
    }
}
