//! Who somebody is by the word of the provider, and what that lets them do here.
//!
//! A person is the issuer's name for them (`iss` and `sub`) and nothing else: names and addresses of e-mail change hands.

use serde_json::Value;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::jwt::Claims;
use crate::{
    admission::{EVERYBODY, GroupGrant, OidcAccess},
    model::account::{NAME_MAX_CHARS, fold_new},
};

/// Groups of somebody that are looked at, at most.
const GROUPS_MAX: usize = 1000;
/// Bytes of a subject, at most (`OpenID` Connect Core 1.0, section 2).
const SUBJECT_MAX_BYTES: usize = 255;
/// Names that are tried before an account is named by its subject.
const NAMES_TRIED: usize = 20;

/// Somebody whom the provider knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) struct Person {
    /// What their account is found by.
    pub(in crate::serve) subject: String,
    name: String,
    email: Option<Email>,
    groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Email {
    address: String,
    is_verified: bool,
}

/// What keeps somebody out whom the provider knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) enum KeptOut {
    /// No group of theirs may do anything here.
    NoRole,
    /// Their address is not of one of the domains, or nobody verified it.
    Domain,
}

/// The subject of a token's claims, where it is one.
pub(super) fn subject_of(claims: &Claims) -> Option<&str> {
    let subject = claims.get("sub")?.as_str()?;
    (!subject.is_empty()
        && subject.len() <= SUBJECT_MAX_BYTES
        && subject.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '))
    .then_some(subject)
}

/// The claim of this name: that itself, or along its parts.
pub(super) fn claim<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let mut parts = name.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

impl Person {
    /// Whom these claims are about; none where they name nobody.
    pub(super) fn of(claims: &Claims, access: &OidcAccess) -> Option<Self> {
        let subject = subject_of(claims)?;
        let text = |name: &str| claim(claims, name).and_then(Value::as_str).map(str::to_owned);
        let groups = match claim(claims, &access.groups_claim) {
            Some(Value::String(group)) => vec![group.clone()],
            Some(Value::Array(groups)) => {
                groups.iter().take(GROUPS_MAX).filter_map(|group| group.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        };
        // Some write it as a text; what is neither is no.
        let is_verified = match claims.get("email_verified") {
            Some(Value::Bool(is_verified)) => *is_verified,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let email = text("email").map(|address| Email { address, is_verified });
        let name = text(&access.name_claim).or_else(|| email.as_ref().map(|email| email.address.clone()));
        Some(Self { subject: format!("{} {subject}", access.issuer), name: name.unwrap_or_default(), email, groups })
    }

    /// What they may do here.
    pub(in crate::serve) fn grant<'a>(&self, access: &'a OidcAccess) -> Result<&'a GroupGrant, KeptOut> {
        if !access.email_domains.is_empty() && !self.is_of(&access.email_domains) {
            return Err(KeptOut::Domain);
        }
        let is_in = |grant: &&GroupGrant| grant.group == EVERYBODY || self.groups.contains(&grant.group);
        access.grants.iter().find(is_in).ok_or(KeptOut::NoRole)
    }

    fn is_of(&self, domains: &[String]) -> bool {
        let Some(Email { address, is_verified: true }) = &self.email else { return false };
        let mut parts = address.split('@');
        let (Some(user), Some(domain), None) = (parts.next(), parts.next(), parts.next()) else { return false };
        !user.is_empty() && domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))
    }

    /// Names for an account of theirs, the best first: none of them is who they are, and each is one that a new account may have.
    pub(in crate::serve) fn names(&self) -> Vec<String> {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        let plain: String = self.name.trim().nfkc().map(|c| if is_plain(c) { c } else { '.' }).collect();
        let plain = plain.trim_start_matches(|c: char| !c.is_alphanumeric());
        let numbered = (1..=NAMES_TRIED).map(|number| {
            let ending = if number == 1 { String::new() } else { format!("-{number}") };
            let room = NAME_MAX_CHARS - ending.len();
            fold_new(&format!("{}{ending}", plain.chars().take(room).collect::<String>()))
        });
        let digest = hex::encode(Sha256::digest(&self.subject));
        numbered.filter_map(Result::ok).chain([format!("oidc-{}", &digest[..16])]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::model::token::{Role, Verticals};

    fn access(domains: &[&str], groups: &[&str]) -> OidcAccess {
        let grants = groups.iter().map(|group| GroupGrant {
            group: (*group).to_owned(),
            role: if *group == "admins" { Role::Admin } else { Role::Viewer },
            verticals: Verticals::All,
        });
        OidcAccess {
            issuer: "https://id.example".to_owned(),
            client_id: "cameo".to_owned(),
            client_secret: None,
            scopes: vec!["openid".to_owned()],
            public_url: "https://cameo.example".to_owned(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "realm.groups".to_owned(),
            email_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            grants: grants.collect(),
            label: String::new(),
            contact: String::new(),
            timeout: Duration::from_secs(1),
        }
    }

    fn person(claims: &Value, access: &OidcAccess) -> Option<Person> {
        Person::of(claims.as_object().unwrap(), access)
    }

    #[test]
    fn the_first_group_that_somebody_is_in_counts() {
        let access = access(&[], &["admins", "photo"]);
        let grant = |groups: Value| {
            let person = person(&json!({"sub": "1", "realm": {"groups": groups}}), &access).unwrap();
            person.grant(&access).map(|grant| grant.role)
        };
        assert_eq!(grant(json!(["photo", "admins"])), Ok(Role::Admin));
        assert_eq!(grant(json!(["photo"])), Ok(Role::Viewer));
        assert_eq!(grant(json!("photo")), Ok(Role::Viewer));
        for nobody in [
            json!([]),
            json!(["Admins"]),
            json!("*"),
            json!(["*"]),
            json!(null),
            json!({"admins": true}),
            json!(["adminsx", 3]),
        ] {
            assert_eq!(grant(nobody.clone()), Err(KeptOut::NoRole), "{nobody}");
        }
        let everybody = super::tests::access(&[], &["*"]);
        assert!(person(&json!({"sub": "1"}), &everybody).unwrap().grant(&everybody).is_ok());
    }

    #[test]
    fn a_domain_counts_with_an_address_that_somebody_verified() {
        let access = access(&["example.com"], &["*"]);
        let grant = |email: Value, verified: Value| {
            let claims = json!({"sub": "1", "email": email, "email_verified": verified});
            person(&claims, &access).unwrap().grant(&access).map(drop)
        };
        assert_eq!(grant(json!("kim@Example.com"), json!(true)), Ok(()));
        assert_eq!(grant(json!("kim@example.com"), json!("true")), Ok(()));
        for (email, verified) in [
            (json!("kim@example.com"), json!(false)),
            (json!("kim@example.com"), json!(null)),
            (json!("kim@example.com"), json!(1)),
            (json!("kim@example.com.evil.example"), json!(true)),
            (json!("kim@sub.example.com"), json!(true)),
            (json!("kim@evil.example@example.com"), json!(true)),
            (json!("@example.com"), json!(true)),
            (json!("example.com"), json!(true)),
            (json!(["kim@example.com"]), json!(true)),
            (json!(null), json!(true)),
        ] {
            assert_eq!(grant(email.clone(), verified.clone()), Err(KeptOut::Domain), "{email} {verified}");
        }
    }

    #[test]
    fn somebody_is_their_issuer_and_subject_and_a_name_is_only_a_name() {
        let access = access(&[], &["*"]);
        let names = |name: &str| person(&json!({"sub": "42", "preferred_username": name}), &access).unwrap().names();
        assert_eq!(person(&json!({"sub": "42"}), &access).unwrap().subject, "https://id.example 42");
        assert_eq!(names("Kim")[..2], ["kim", "kim-2"]);
        assert_eq!(names("김 철수")[0], "김.철수");
        assert_eq!(names("<script>")[0], "script.");
        assert_eq!(names("local")[0], "local-2", "requests without a log-in are called so");
        assert_eq!(names("\u{ff2b}im")[0], "kim", "a wide letter is the letter");
        for mistaken in ["\u{430}dmin", "ad\u{43c}in", "kim\u{663}"] {
            assert!(names(mistaken).iter().all(|name| name.starts_with("oidc-")), "{mistaken}: {:?}", names(mistaken));
        }
        let long = "x".repeat(100);
        for name in names(&long) {
            assert!(fold_new(&name).is_ok_and(|folded| folded == name), "{name}");
        }
        let unnamed = names("");
        assert!(
            unnamed.last().unwrap().starts_with("oidc-") && unnamed.iter().all(|name| fold_new(name).is_ok()),
            "{unnamed:?}"
        );
        for nobody in
            [json!({}), json!({"sub": ""}), json!({"sub": 42}), json!({"sub": "x".repeat(256)}), json!({"sub": "a\nb"})]
        {
            assert_eq!(person(&nobody, &access), None, "{nobody}");
        }
    }
}
