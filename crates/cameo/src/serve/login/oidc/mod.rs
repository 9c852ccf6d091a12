//! Logging in through an `OpenID` provider: the authorization code flow with PKCE (`OpenID` Connect Core 1.0, 3.1; RFC 7636; RFC 9700).
//!
//! What the provider says is read strictly, within a time and a size, and checked as if somebody stood between: where it is found must name
//! itself as it is configured, a token must be signed by one of its keys, be for this console, hold now, and be of the very log-in that this
//! browser began. A provider that is away, late or wrong is an error of its own, and touches nobody who logs in with a password.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{RequestBuilder, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{
    sync::{Mutex, Semaphore},
    time::Instant,
};

use crate::{
    admission::{EVERYBODY, OidcAccess},
    client::wire::OIDC_CALLBACK_PAGE,
};

mod jwt;
mod pending;
mod person;

pub(in crate::serve) use pending::{PENDING_HOLDS, Pending};
pub(in crate::serve) use person::{KeptOut, Person};

use jwt::{Claims, Keys};
use person::{claim, subject_of};

/// Where a provider says what it can do (`OpenID` Connect Discovery 1.0, section 4).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";
/// Bytes of an answer of the provider, at most.
const ANSWER_MAX_BYTES: usize = 1 << 20;
/// How long is remembered what the provider said of itself, and its keys: what it withdraws counts no longer than that.
const REMEMBERED_FOR: Duration = Duration::from_hours(1);
/// Log-ins that ask the provider side by side; more are refused.
const SIDE_BY_SIDE_MAX: usize = 8;
/// How far the clocks of provider and server may differ.
const CLOCKS_DIFFER_MAX: SignedDuration = SignedDuration::from_secs(60);
/// How old a token may be that was asked for a moment ago.
const TOKEN_AGE_MAX: SignedDuration = SignedDuration::from_mins(10);
/// What stays as it is in a query, and in what is authenticated with.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why nobody is logged in through the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::serve) enum Failed {
    /// It does not answer, or not in time.
    Away(String),
    /// It answers what does not count.
    Wrong(String),
    /// It does not take the code (any more).
    Code(String),
    /// Too many are logging in.
    Busy,
}

type Asked<T> = Result<T, Failed>;

/// A provider. Clones share what is known of it.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Oidc {
    pub(in crate::serve) access: Arc<OidcAccess>,
    /// Or why HTTP cannot be spoken at all.
    http: Result<reqwest::Client, String>,
    known: Arc<Mutex<Known>>,
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Known {
    metadata: Option<(Instant, Arc<Metadata>)>,
    keys: Option<(Instant, Arc<Keys>)>,
}

/// What a provider says of itself.
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// What a browser came back with.
#[derive(Debug, Clone, Copy)]
pub(in crate::serve) struct Returned<'r> {
    /// The code.
    pub(in crate::serve) code: &'r str,
    /// Who says that it sends the browser (RFC 9207).
    pub(in crate::serve) issuer: Option<&'r str>,
}

fn wrong(why: impl Into<String>) -> Failed {
    Failed::Wrong(why.into())
}

impl Oidc {
    /// A provider; nothing is asked of it yet.
    pub(in crate::serve) fn new(access: OidcAccess) -> Self {
        let mut http = crate::tls::client().redirect(reqwest::redirect::Policy::none());
        http = http.timeout(access.timeout).connect_timeout(access.timeout);
        if access.issuer.starts_with("http://") {
            // On this machine: nobody in between is asked.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| error.to_string());
        let places = Arc::new(Semaphore::new(SIDE_BY_SIDE_MAX));
        Self { access: Arc::new(access), http, known: Arc::default(), places }
    }

    fn http(&self) -> Asked<&reqwest::Client> {
        self.http.as_ref().map_err(|why| wrong(why.clone()))
    }

    /// Where a browser goes to log in.
    pub(in crate::serve) async fn authorization(&self, pending: &Pending) -> Asked<String> {
        let _place = self.places.try_acquire().map_err(|_| Failed::Busy)?;
        let metadata = self.metadata().await?;
        let mut url = Url::parse(&metadata.authorization_endpoint)
            .map_err(|_| wrong("its authorization_endpoint is not a URL"))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.access.client_id)
            .append_pair("redirect_uri", &self.redirect_uri())
            .append_pair("scope", &self.access.scopes.join(" "))
            .append_pair("state", &pending.state())
            .append_pair("nonce", &pending.nonce())
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Who came back with a code: whom the provider's token is about, once all of it was checked.
    pub(in crate::serve) async fn person(
        &self,
        pending: &Pending,
        returned: Returned<'_>,
        now: Timestamp,
    ) -> Asked<Person> {
        let _place = self.places.try_acquire().map_err(|_| Failed::Busy)?;
        let metadata = self.metadata().await?;
        match returned.issuer {
            Some(issuer) if issuer != self.access.issuer => {
                return Err(wrong("another issuer sends the browser (mix-up)"));
            }
            None if metadata.authorization_response_iss_parameter_supported => {
                return Err(wrong("it says with every answer that it comes from it, and not with this one (mix-up)"));
            }
            _ => {}
        }
        let tokens = self.exchange(&metadata, pending, returned.code).await?;
        let mut claims = self.verified(&metadata, &tokens.id_token).await?;
        check_claims(&claims, &self.access, &pending.nonce(), now).map_err(wrong)?;
        self.complete(&metadata, tokens.access_token.as_deref(), &mut claims).await?;
        Person::of(&claims, &self.access).ok_or_else(|| wrong("its token names nobody (sub)"))
    }

    /// Asks what the provider says of itself: whether it could be logged in through now.
    pub(in crate::serve) async fn probe(&self) -> Asked<()> {
        let metadata = self.metadata().await?;
        self.keys(&metadata, false).await.map(drop)
    }

    fn redirect_uri(&self) -> String {
        format!("{}{OIDC_CALLBACK_PAGE}", self.access.public_url)
    }

    /// What the provider says of itself, as of an hour ago at most.
    async fn metadata(&self) -> Asked<Arc<Metadata>> {
        let mut known = self.known.lock().await;
        if let Some((at, metadata)) = &known.metadata
            && at.elapsed() < REMEMBERED_FOR
        {
            return Ok(metadata.clone());
        }
        let url = format!("{}{WELL_KNOWN}", self.access.issuer.trim_end_matches('/'));
        let metadata: Metadata = self.get(&url, None).await?;
        self.check_metadata(&metadata)?;
        let metadata = Arc::new(metadata);
        known.metadata = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    fn check_metadata(&self, metadata: &Metadata) -> Asked<()> {
        if metadata.issuer != self.access.issuer {
            return Err(wrong(format!(
                "it names itself {:?}, and is configured as {:?}",
                metadata.issuer, self.access.issuer
            )));
        }
        let is_in_the_clear = self.access.issuer.starts_with("http://");
        let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        for endpoint in endpoints.into_iter().chain(&metadata.userinfo_endpoint) {
            if !(endpoint.starts_with("https://") || is_in_the_clear && endpoint.starts_with("http://")) {
                return Err(wrong(format!("{endpoint:?} does not begin with https://")));
            }
        }
        let methods = metadata.code_challenge_methods_supported.as_ref();
        if methods.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err(wrong("it does not know PKCE with S256"));
        }
        Ok(())
    }

    /// The keys of the provider, as of an hour ago at most, or as of now.
    async fn keys(&self, metadata: &Metadata, anew: bool) -> Asked<Arc<Keys>> {
        let mut known = self.known.lock().await;
        if let Some((at, keys)) = &known.keys
            && !anew
            && at.elapsed() < REMEMBERED_FOR
        {
            return Ok(keys.clone());
        }
        let keys: Arc<Keys> = Arc::new(self.get(&metadata.jwks_uri, None).await?);
        known.keys = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }

    /// The claims of a token; where none of the known keys is the one that it names, they are asked for once more: keys are changed.
    async fn verified(&self, metadata: &Metadata, token: &str) -> Asked<Claims> {
        let known = self.keys(metadata, false).await?;
        let verified = match jwt::verified(token, &known) {
            Err(jwt::Fault::UnknownKey) => jwt::verified(token, &*self.keys(metadata, true).await?),
            verified => verified,
        };
        verified.map_err(|fault| match fault {
            jwt::Fault::UnknownKey => wrong("its token is signed with a key that it does not publish"),
            jwt::Fault::Wrong(why) => wrong(format!("its token does not count: {why}")),
        })
    }

    async fn exchange(&self, metadata: &Metadata, pending: &Pending, code: &str) -> Asked<Tokens> {
        let (redirect_uri, verifier, client_id) =
            (self.redirect_uri(), pending.verifier(), self.access.client_id.as_str());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", &verifier),
        ];
        let mut request = self.http()?.post(&metadata.token_endpoint);
        match &self.access.client_secret {
            None => form.push(("client_id", client_id)),
            Some(secret) if metadata.takes_secret_in_the_form() => {
                form.extend([("client_id", client_id), ("client_secret", secret.expose())]);
            }
            Some(secret) => {
                // Encoded first (RFC 6749, 2.3.1).
                let part = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
                let pair = STANDARD.encode(format!("{}:{}", part(client_id), part(secret.expose())));
                request = request.header("authorization", format!("Basic {pair}"));
            }
        }
        let form: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN))).collect();
        request = request.header("content-type", "application/x-www-form-urlencoded").body(form.join("&"));
        let (status, body) = self.answer(&metadata.token_endpoint, request).await?;
        if status.is_client_error() {
            let error =
                serde_json::from_slice::<Refusal>(&body).map_or_else(|_| status.to_string(), |refusal| refusal.error);
            let error: String = error.chars().filter(char::is_ascii_graphic).take(64).collect();
            return Err(match error.as_str() {
                "invalid_grant" => Failed::Code(error),
                _ => wrong(format!("it refuses the console at its token_endpoint: {error}")),
            });
        }
        read(&metadata.token_endpoint, status, &body)
    }

    /// Asks for claims that are needed and not in the token: many providers keep it short.
    async fn complete(&self, metadata: &Metadata, access_token: Option<&str>, claims: &mut Claims) -> Asked<()> {
        let access = &self.access;
        let asks_for_groups = access.grants.iter().any(|grant| grant.group != EVERYBODY);
        let needed = [
            (asks_for_groups, access.groups_claim.as_str()),
            (true, access.name_claim.as_str()),
            (!access.email_domains.is_empty(), "email"),
        ];
        let is_whole = needed.iter().all(|(is_needed, name)| !is_needed || claim(claims, name).is_some());
        let (Some(url), Some(token), false) = (&metadata.userinfo_endpoint, access_token, is_whole) else {
            return Ok(());
        };
        let more: Claims = self.get(url, Some(token)).await?;
        // Section 5.3.2: else it may be about somebody else.
        if subject_of(&more).is_none() || subject_of(&more) != subject_of(claims) {
            return Err(wrong("its userinfo_endpoint answers about somebody else"));
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, url: &str, token: Option<&str>) -> Asked<T> {
        let request = self.http()?.get(url).header("accept", "application/json");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let (status, body) = self.answer(url, request).await?;
        read(url, status, &body)
    }

    async fn answer(&self, url: &str, request: RequestBuilder) -> Asked<(reqwest::StatusCode, Vec<u8>)> {
        let away = |error: reqwest::Error| Failed::Away(format!("{url}: {}", with_causes(&error.without_url())));
        let mut response = request.send().await.map_err(away)?;
        let status = response.status();
        if status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            return Err(Failed::Away(format!("{url}: the answer is {status}")));
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(away)? {
            if body.len() + piece.len() > ANSWER_MAX_BYTES {
                return Err(wrong(format!("{url}: the answer is longer than {ANSWER_MAX_BYTES} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok((status, body))
    }
}

impl Metadata {
    /// Whether the secret goes into the form: where that is all that it takes. Left out means the other way (Discovery 1.0, section 3).
    fn takes_secret_in_the_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        let takes = |name: &str| methods.is_some_and(|methods| methods.iter().any(|method| method == name));
        takes("client_secret_post") && !takes("client_secret_basic")
    }
}

fn read<T: DeserializeOwned>(url: &str, status: reqwest::StatusCode, body: &[u8]) -> Asked<T> {
    if !status.is_success() {
        return Err(wrong(format!("{url}: the answer is {status}")));
    }
    // The parser's message names a place in the text, and never quotes it.
    serde_json::from_slice(body).map_err(|error| wrong(format!("{url}: the answer cannot be read: {error}")))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What is wrong with a token that the provider has signed, if anything is (`OpenID` Connect Core 1.0, 3.1.3.7).
fn check_claims(claims: &Claims, access: &OidcAccess, nonce: &str, now: Timestamp) -> Result<(), String> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let is_us = |value: &Value| value.as_str() == Some(access.client_id.as_str());
    if text("iss") != Some(access.issuer.as_str()) {
        return Err("its token is another issuer's (iss)".to_owned());
    }
    let audience = match claims.get("aud") {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    if !audience.iter().any(is_us) {
        return Err("its token is for somebody else (aud)".to_owned());
    }
    match claims.get("azp") {
        Some(party) if !is_us(party) => return Err("its token was given to somebody else (azp)".to_owned()),
        None if audience.len() > 1 => {
            return Err("its token is for several and does not say to whom it was given (azp)".to_owned());
        }
        _ => {}
    }
    // A time is a number: a text that looks like one is none.
    let at = |name: &str| -> Result<Option<Timestamp>, String> {
        let unreadable = || format!("its token has a time that cannot be read ({name})");
        let Some(value) = claims.get(name) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "it saturates, and is refused then")]
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64)).ok_or_else(unreadable)?;
        Timestamp::from_second(seconds).map(Some).map_err(|_| unreadable())
    };
    let (expires, issued) = (at("exp")?, at("iat")?);
    let (Some(expires), Some(issued)) = (expires, issued) else {
        return Err("its token does not say until when it holds, or when it was made (exp, iat)".to_owned());
    };
    if now.duration_since(expires) >= CLOCKS_DIFFER_MAX {
        return Err("its token has expired (exp), or the clocks differ".to_owned());
    }
    let not_before = at("nbf")?.unwrap_or(issued).max(issued);
    if not_before.duration_since(now) > CLOCKS_DIFFER_MAX {
        return Err("its token does not hold yet (iat, nbf), or the clocks differ".to_owned());
    }
    if now.duration_since(issued) > TOKEN_AGE_MAX {
        return Err("its token was made long ago (iat), or the clocks differ".to_owned());
    }
    if text("nonce") != Some(nonce) {
        return Err("its token is of another log-in (nonce)".to_owned());
    }
    Ok(())
}
