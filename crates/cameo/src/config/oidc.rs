//! `[console.oidc]`: logging in at the console through an `OpenID` provider.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::misconfigured;
use crate::{
    admission::{ClientSecret, GroupGrant, OidcAccess, fault_of_domain},
    model::{
        error::Result,
        token::{Role, Verticals},
    },
    private_file::{self, Holds, Links},
};

/// Bytes of the address of a provider, at most: with the name of somebody behind it, it must fit into a column of 512.
const ISSUER_MAX_BYTES: usize = 255;
/// Bytes of a file with a secret, at most.
const SECRET_MAX_BYTES: u64 = 4096;
/// How long a request to the provider may take at least and at most.
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_mins(1);

/// A provider, and what its groups may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oidc {
    /// Its address, as it names itself (`https://accounts.google.com`); empty for none.
    pub issuer: String,
    /// What it knows the console by.
    pub client_id: String,
    /// What the console proves that with; empty where a file has it, or the provider asks for none.
    pub client_secret: String,
    /// The file with it, which only its owner may read.
    pub client_secret_file: PathBuf,
    /// What is asked for; `openid` must be in it.
    pub scopes: Vec<String>,
    /// The claim that names an account when it is made.
    pub name_claim: String,
    /// The claim with the groups that somebody is in; `realm_access.roles` is the part `roles` of the claim `realm_access`.
    pub groups_claim: String,
    /// Domains of the verified addresses of those who may come in; empty for any.
    pub email_domains: Vec<String>,
    /// What groups may do; the first one counts that somebody is in. Who is in none may do nothing.
    pub grants: Vec<Grant>,
    /// What people call the provider.
    pub label: String,
    /// Whom those may ask who are let in and may do nothing.
    pub contact: String,
    /// How long one request to the provider may take.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

/// What those of a group may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The group; `*` for everybody whom the provider knows.
    pub group: String,
    /// What they may do.
    pub role: Role,
    /// The verticals that they are limited to; all of them where this is left out.
    #[serde(default)]
    pub verticals: Verticals,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret: String::new(),
            client_secret_file: PathBuf::new(),
            scopes: ["openid", "profile", "email"].map(str::to_owned).into(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            email_domains: Vec::new(),
            grants: Vec::new(),
            label: String::new(),
            contact: String::new(),
            timeout: Duration::from_secs(10),
        }
    }
}

impl Oidc {
    /// Whether there is a provider.
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// Refuses what nobody could log in by, or by which the wrong ones could. The file of the secret is not looked at.
    pub fn check(&self, public_url: &str) -> Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        let fault = |key: &str, why: &str| Err(misconfigured(format!("read console.oidc.{key}: {why}")));
        let is_plain =
            |url: &str| !url.contains(['?', '#', '@', ' ']) && url.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain(&self.issuer) || !is_private(&self.issuer) || self.issuer.len() > ISSUER_MAX_BYTES {
            return fault(
                "issuer",
                "it must begin with https:// (or be http:// on this machine), without a query, of 255 bytes at most",
            );
        }
        if self.client_id.is_empty() {
            return fault("client_id", "it is empty; it is what the provider knows the console by");
        }
        if !self.client_secret.is_empty() && !self.client_secret_file.as_os_str().is_empty() {
            return fault("client_secret", "client_secret_file is set too; set one of the two");
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return fault("scopes", "\"openid\" must be among them");
        }
        if let Some(domain) = self.email_domains.iter().find(|domain| fault_of_domain(domain).is_some()) {
            return fault("email_domains", &format!("{domain:?} is not a domain; write it such as \"example.com\""));
        }
        if self.grants.is_empty() {
            return fault(
                "grants",
                "it is empty, so nobody may do anything; write such as { group = \"photo-team\", role = \"operator\" }",
            );
        }
        if self.timeout < TIMEOUT_MIN || self.timeout > TIMEOUT_MAX {
            return fault("timeout", "it must be 100ms to 1m");
        }
        if public_url.is_empty() || !is_private(public_url) {
            return Err(misconfigured(format!(
                "read console.public_url = {public_url:?}: the provider (console.oidc) sends browsers back to it, so it must be the console's \
                 address for people and begin with https:// (or be http:// on this machine)"
            )));
        }
        Ok(())
    }

    /// What a server works with; none where there is no provider. The file of the secret is read.
    pub fn access(&self, public_url: &str) -> Result<Option<OidcAccess>> {
        self.check(public_url)?;
        if !self.is_on() {
            return Ok(None);
        }
        let grants = self.grants.iter().cloned();
        let grants = grants.map(|Grant { group, role, verticals }| GroupGrant { group, role, verticals });
        Ok(Some(OidcAccess {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.secret()?,
            scopes: self.scopes.clone(),
            public_url: public_url.to_ascii_lowercase(),
            name_claim: self.name_claim.clone(),
            groups_claim: self.groups_claim.clone(),
            email_domains: self.email_domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            grants: grants.collect(),
            label: self.label.clone(),
            contact: self.contact.clone(),
            timeout: self.timeout,
        }))
    }

    fn secret(&self) -> Result<Option<ClientSecret>> {
        if self.client_secret_file.as_os_str().is_empty() {
            return Ok((!self.client_secret.is_empty()).then(|| ClientSecret::new(&self.client_secret)));
        }
        let path = &self.client_secret_file;
        let fault =
            |why: &str| misconfigured(format!("read {} (console.oidc.client_secret_file): {why}", path.display()));
        let content = private_file::read(path, SECRET_MAX_BYTES, Holds::Secrets, Links::Followed)?;
        let text = String::from_utf8(content.ok_or_else(|| fault("it does not exist"))?)
            .map_err(|_| fault("it is not text"))?;
        match text.trim() {
            "" => Err(fault("it is empty")),
            secret => Ok(Some(ClientSecret::new(secret))),
        }
    }
}

/// Whether nobody on the way can read what is sent there.
fn is_private(url: &str) -> bool {
    let rest = url.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or(rest));
    let host = rest.map(|authority| match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    });
    let is_here = host.is_some_and(|host| {
        let name = host.trim_matches(['[', ']']);
        name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    is_here || url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> Oidc {
        let grants = vec![Grant { group: "photo-team".to_owned(), role: Role::Operator, verticals: Verticals::All }];
        let issuer = "https://id.example.com/realm".to_owned();
        Oidc { issuer, client_id: "cameo".to_owned(), grants, ..Oidc::default() }
    }

    #[test]
    fn a_provider_needs_what_a_log_in_needs() {
        let public = "https://cameo.example.com";
        assert_eq!(Oidc::default().access("").unwrap(), None);
        assert!(right().access(public).unwrap().unwrap().client_secret.is_none());
        let fault = |oidc: Oidc, public: &str| oidc.check(public).unwrap_err().to_string();
        for issuer in [
            "http://id.example.com",
            "https://",
            "https://id.example.com?x",
            "https://u@id.example.com",
            "id",
            &"https://".repeat(40),
        ] {
            assert!(
                fault(Oidc { issuer: issuer.to_owned(), ..right() }, public).contains("console.oidc.issuer"),
                "{issuer}"
            );
        }
        for issuer in ["http://127.0.0.1:8080", "http://localhost:8080/a", "http://[::1]:8080"] {
            assert!(Oidc { issuer: issuer.to_owned(), ..right() }.check("http://127.0.0.1:9002").is_ok(), "{issuer}");
        }
        for (oidc, key) in [
            (Oidc { client_id: String::new(), ..right() }, "client_id"),
            (Oidc { scopes: vec!["email".to_owned()], ..right() }, "scopes"),
            (Oidc { grants: Vec::new(), ..right() }, "grants"),
            (Oidc { email_domains: vec!["@example.com".to_owned()], ..right() }, "email_domains"),
            (Oidc { timeout: Duration::ZERO, ..right() }, "timeout"),
            (Oidc { client_secret: "s".to_owned(), client_secret_file: "f".into(), ..right() }, "client_secret"),
        ] {
            assert!(fault(oidc, public).contains(&format!("console.oidc.{key}")), "{key}");
        }
        for public in ["", "http://cameo.example.com"] {
            assert!(fault(right(), public).contains("console.public_url"), "{public}");
        }
    }

    #[test]
    fn a_secret_is_read_from_a_file_that_others_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let oidc = Oidc { client_secret_file: file.clone(), ..right() };
        let access = || oidc.access("https://cameo.example.com");
        assert!(access().unwrap_err().to_string().contains("does not exist"));
        private_file::replace(&file, b"hidden\n").unwrap();
        let found = access().unwrap().unwrap();
        assert_eq!(found.client_secret.as_ref().unwrap().expose(), "hidden");
        assert!(!format!("{found:?}").contains("hidden"));
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(access().unwrap_err().to_string().contains("chmod 600"));
    }
}
