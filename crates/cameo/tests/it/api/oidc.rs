//! Logging in through an `OpenID` provider, against one of our own that says whatever a test wants: what counts, what does not, and that
//! nobody else is kept out for it. A real one is in `e2e/test_oidc.py`.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get as on_get, post as on_post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cameo::{
    admission::{ConsoleAccess, GroupGrant, OidcAccess},
    catalog::people::Added,
    model::account::Account,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::*;

const OIDC: &str = "/api/v1/session/oidc";
const CALLBACK: &str = "/api/v1/session/oidc/callback";
const PUBLIC: &str = "http://127.0.0.1:9002";

/// A key of the provider.
struct Key {
    pair: EcdsaKeyPair,
    kid: String,
}

impl Key {
    fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { pair, kid: kid.to_owned() }
    }

    fn published(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.kid, "x": b64(&point[1..33]), "y": b64(&point[33..])})
    }

    fn signed(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": self.kid, "typ": "JWT"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// How the provider answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Right,
    /// 500.
    Broken,
    /// Never.
    Silent,
    /// A page for people.
    Garbage,
    /// More than anybody reads.
    Endless,
    /// Somewhere else.
    Elsewhere,
    /// It does not take the code.
    InvalidGrant,
    /// It does not know the console.
    InvalidClient,
}

/// What the provider says, and what it heard.
struct Says {
    metadata: Value,
    keys: Vec<Key>,
    /// Over the claims of a right token; null takes one out.
    claims: Value,
    userinfo: Value,
    /// By the endpoint.
    manners: Vec<(&'static str, Manner)>,
    heard: Vec<(&'static str, Value)>,
    nonce: String,
    now: i64,
}

#[derive(Clone)]
struct Provider(Arc<Mutex<Says>>, String);

impl Provider {
    async fn start(now: jiff::Timestamp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/auth?tenant=1"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "userinfo_endpoint": format!("{issuer}/me"),
            "code_challenge_methods_supported": ["S256"],
        });
        let says = Says {
            metadata,
            keys: vec![Key::new("one")],
            claims: json!({}),
            userinfo: json!({"sub": "42"}),
            manners: Vec::new(),
            heard: Vec::new(),
            nonce: String::new(),
            now: now.as_second(),
        };
        let provider = Self(Arc::new(Mutex::new(says)), issuer);
        let router = Router::new()
            .route("/.well-known/openid-configuration", on_get(metadata_of))
            .route("/keys", on_get(keys_of))
            .route("/me", on_get(me))
            .route("/token", on_post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn says(&self) -> std::sync::MutexGuard<'_, Says> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manner(&self, endpoint: &'static str, manner: Manner) {
        self.says().manners.push((endpoint, manner));
    }

    fn claims(&self, claims: Value) {
        self.says().claims = claims;
    }

    fn heard(&self, endpoint: &str) -> Vec<Value> {
        self.says().heard.iter().filter(|(at, _)| *at == endpoint).map(|(_, what)| what.clone()).collect()
    }

    async fn answer(&self, endpoint: &'static str, heard: Value, right: impl FnOnce(&mut Says) -> Value) -> Response {
        let manner = {
            let mut says = self.says();
            says.heard.push((endpoint, heard));
            let found = says.manners.iter().rev().find(|(at, _)| *at == endpoint).map(|(_, manner)| *manner);
            match found.unwrap_or(Manner::Right) {
                Manner::Right => return axum::Json(right(&mut says)).into_response(),
                manner => manner,
            }
        };
        match manner {
            Manner::Silent => std::future::pending().await,
            Manner::Garbage => "<html>hello</html>".into_response(),
            Manner::Endless => "x".repeat(2 << 20).into_response(),
            Manner::Elsewhere => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
            Manner::InvalidGrant => {
                (StatusCode::BAD_REQUEST, axum::Json(json!({"error": "invalid_grant"}))).into_response()
            }
            Manner::InvalidClient => {
                (StatusCode::UNAUTHORIZED, axum::Json(json!({"error": "invalid_client"}))).into_response()
            }
            Manner::Broken | Manner::Right => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn access(&self) -> OidcAccess {
        let grant = |group: &str, role, verticals: &[&str]| GroupGrant {
            group: group.to_owned(),
            role,
            verticals: Verticals::only_or_all(verticals.iter().map(|name| name.parse().unwrap())),
        };
        OidcAccess {
            issuer: self.1.clone(),
            client_id: "cameo".to_owned(),
            client_secret: Some(cameo::admission::ClientSecret::new("s:cret")),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            public_url: PUBLIC.to_owned(),
            name_claim: "preferred_username".to_owned(),
            groups_claim: "groups".to_owned(),
            email_domains: Vec::new(),
            grants: vec![grant("admins", Role::Admin, &[]), grant("photo", Role::Operator, &["eye"])],
            label: "Office".to_owned(),
            contact: "it@example.com".to_owned(),
            timeout: Duration::from_secs(30),
        }
    }
}

async fn metadata_of(State(provider): State<Provider>) -> Response {
    provider.answer("metadata", Value::Null, |says| says.metadata.clone()).await
}

async fn keys_of(State(provider): State<Provider>) -> Response {
    let keys = |says: &mut Says| json!({"keys": says.keys.iter().map(Key::published).collect::<Vec<_>>()});
    provider.answer("keys", Value::Null, keys).await
}

async fn me(State(provider): State<Provider>, headers: axum::http::HeaderMap) -> Response {
    let sent = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    provider.answer("me", json!(sent), |says| says.userinfo.clone()).await
}

async fn token(State(provider): State<Provider>, headers: axum::http::HeaderMap, body: Bytes) -> Response {
    let form = reqwest::Url::parse(&format!("http://form/?{}", String::from_utf8_lossy(&body))).unwrap();
    let form: std::collections::BTreeMap<String, String> = form.query_pairs().into_owned().collect();
    let sent = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let issuer = provider.1.clone();
    let heard = json!({"form": form, "authorization": sent});
    let right = |says: &mut Says| {
        let mut claims = json!({
            "iss": issuer, "aud": "cameo", "sub": "42", "iat": says.now, "exp": says.now + 300, "nonce": says.nonce,
            "preferred_username": "Kim", "groups": ["photo"],
        });
        for (name, value) in says.claims.as_object().unwrap() {
            let claims = claims.as_object_mut().unwrap();
            if value.is_null() {
                claims.remove(name)
            } else {
                claims.insert(name.clone(), value.clone())
            };
        }
        json!({"id_token": says.keys.last().unwrap().signed(&claims), "access_token": "at", "token_type": "Bearer"})
    };
    provider.answer("token", heard, right).await
}

/// An API with a provider, whose routes are made once: a test asks it many times.
struct Console {
    api: Api,
    router: Router,
}

impl std::ops::Deref for Console {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Console {
    fn router(&self) -> Router {
        self.router.clone()
    }
}

/// An API with this provider.
async fn api_with(change: impl FnOnce(OidcAccess) -> OidcAccess) -> (Console, Provider) {
    let api = Api::new().await;
    let provider = Provider::start(api.site.clock.now()).await;
    let access = ConsoleAccess { oidc: Some(change(provider.access())), ..ConsoleAccess::default() };
    let site = Site { door: Door::new(access), ..api.site.clone() };
    let router = router(site.clone());
    (Console { api: Api { site, ..api }, router }, provider)
}

async fn api() -> (Console, Provider) {
    api_with(|access| access).await
}

fn of_page(asked: Ask) -> Ask {
    asked.from(LOOPBACK).header("host", "127.0.0.1:9002").header("sec-fetch-site", "same-origin")
}

/// A log-in that a browser has begun.
struct Begun {
    cookie: String,
    query: std::collections::BTreeMap<String, String>,
}

async fn begin(api: &Console, provider: &Provider, next: &str) -> Begun {
    let mut answer = of_page(post(OIDC, &json!({"next": next}))).at(api.router()).await;
    // On a slow machine the provider may be late for a test that gives it little time.
    while answer.status == StatusCode::SERVICE_UNAVAILABLE {
        answer = of_page(post(OIDC, &json!({"next": next}))).at(api.router()).await;
    }
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let set = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.starts_with("cameo-oidc=") && set.contains("HttpOnly; SameSite=Lax; Max-Age=600"), "{set}");
    let location = answer.json()["location"].as_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{}/auth?tenant=1&", provider.1)), "{location}");
    let url = reqwest::Url::parse(&location).unwrap();
    let query: std::collections::BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    provider.says().nonce.clone_from(&query["nonce"]);
    Begun { cookie: set.split(';').next().unwrap().to_owned(), query }
}

impl Begun {
    /// The browser comes back, sent by a page of the provider's.
    fn returns(&self, more: Value) -> Ask {
        let mut body = json!({"code": "c0de", "state": self.query["state"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = body.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let body: serde_json::Map<_, _> = body.map(|(name, value)| (name.clone(), value.clone())).collect();
        let asked = post(CALLBACK, &Value::Object(body)).from(LOOPBACK).header("host", "127.0.0.1:9002");
        asked.header("sec-fetch-site", "cross-site").header("cookie", &self.cookie)
    }
}

fn cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// Logs in from the beginning; the answer to who comes back.
async fn logs_in(api: &Console, provider: &Provider) -> Answer {
    begin(api, provider, "/upload").await.returns(json!({})).at(api.router()).await
}

async fn account(api: &Api, name: &str) -> Account {
    api.site.flow.catalog.account_named(name).await.unwrap().unwrap()
}

#[tokio::test]
async fn somebody_logs_in_through_the_provider_and_gets_what_their_groups_may() {
    let (api, provider) = api().await;
    let shown = get(OIDC).from(LOOPBACK).at(api.router()).await.json();
    assert_eq!(shown, json!({"enabled": true, "label": "Office", "contact": "it@example.com"}));
    let begun = begin(&api, &provider, "/deliveries/1?a=b").await;
    let asked = |name: &str| begun.query[name].as_str();
    assert_eq!((asked("response_type"), asked("client_id"), asked("scope")), ("code", "cameo", "openid email"));
    assert_eq!(
        (asked("redirect_uri"), asked("code_challenge_method")),
        ("http://127.0.0.1:9002/login/oidc/callback", "S256")
    );
    let done = begun.returns(json!({"iss": provider.1})).at(api.router()).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.text);
    let body = done.json();
    assert_eq!((&body["next"], &body["session"]["name"]), (&json!("/deliveries/1?a=b"), &json!("kim")));
    assert_eq!((&body["session"]["role"], &body["session"]["verticals"]), (&json!("operator"), &json!(["eye"])));
    let set = cookies(&done);
    assert!(set[0].starts_with("cameo=") && set[1].starts_with("cameo-oidc=;"), "{set:?}");
    // What the provider heard: the code with the proof that only this log-in has.
    let heard = provider.heard("token").remove(0);
    let verifier = heard["form"]["code_verifier"].as_str().unwrap();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    assert_eq!((challenge.as_str(), &heard["form"]["code"]), (asked("code_challenge"), &json!("c0de")));
    let basic = base64::engine::general_purpose::STANDARD.encode("cameo:s%3Acret");
    assert_eq!(heard["authorization"], format!("Basic {basic}"));
    assert!(provider.heard("me").is_empty(), "nothing was missing");
    let made = account(&api, "kim").await;
    assert_eq!((made.subject.as_deref(), made.password.is_none()), (Some(format!("{} 42", provider.1).as_str()), true));
    // The same person again: the same account, with what their groups may now.
    provider.claims(json!({"groups": ["photo", "admins"], "preferred_username": "Someone.Else"}));
    let again = logs_in(&api, &provider).await.json();
    assert_eq!((&again["session"]["name"], &again["session"]["role"]), (&json!("kim"), &json!("admin")));
    assert_eq!(account(&api, "kim").await.id, made.id);
    assert_eq!(provider.heard("metadata").len() + provider.heard("keys").len(), 2, "it is remembered");
    drop(provider);
    let Console { api, router } = api;
    drop(router);
    let lines = api.trail();
    let named: Vec<_> = lines.iter().map(|line| (line["actor"].clone(), line["key"].clone())).collect();
    assert_eq!(named, vec![(json!("kim"), json!("account kim")); 2]);
}

#[tokio::test]
async fn disabling_the_account_ends_its_sessions_and_keeps_it_out() {
    let (api, provider) = api().await;
    let done = logs_in(&api, &provider).await;
    let cookie = cookies(&done)[0].split(';').next().unwrap().to_owned();
    let asks = || of_page(get("/api/v1/whoami")).header("cookie", &cookie);
    assert_eq!(asks().at(api.router()).await.json()["name"], "kim");
    cameo::server::people::disable_account(&*api.site.flow.catalog, "kim", true, api.site.clock.now()).await.unwrap();
    assert_eq!(asks().at(api.router()).await.problem(), (401, "auth.session".to_owned()));
    assert_eq!(logs_in(&api, &provider).await.problem(), (403, "oidc.disabled".to_owned()));
    cameo::server::people::disable_account(&*api.site.flow.catalog, "kim", false, api.site.clock.now()).await.unwrap();
    assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED);
    assert_eq!(
        asks().at(api.router()).await.problem(),
        (401, "auth.session".to_owned()),
        "the old session stays ended"
    );
}

#[tokio::test]
async fn who_is_in_no_group_is_told_whom_to_ask_and_has_no_account() {
    let (api, provider) = api().await;
    provider.claims(json!({"groups": ["others"]}));
    let refused = logs_in(&api, &provider).await;
    assert_eq!(refused.problem(), (403, "oidc.no_role".to_owned()));
    assert!(refused.text.contains("it@example.com") && cookies(&refused)[0].starts_with("cameo-oidc=;"));
    assert_eq!(api.site.flow.catalog.count_accounts().await.unwrap(), 0);
    // Who loses their last group loses their sessions, too.
    provider.claims(json!({}));
    let done = logs_in(&api, &provider).await;
    let cookie = cookies(&done)[0].split(';').next().unwrap().to_owned();
    provider.claims(json!({"groups": []}));
    assert_eq!(logs_in(&api, &provider).await.problem(), (403, "oidc.no_role".to_owned()));
    let asks = of_page(get("/api/v1/whoami")).header("cookie", &cookie);
    assert_eq!(asks.at(api.router()).await.problem(), (401, "auth.session".to_owned()));
}

/// A name or an address of e-mail is nobody's proof.
#[tokio::test]
async fn an_account_is_found_by_issuer_and_subject_alone() {
    let (api, provider) = api().await;
    let catalog = &api.site.flow.catalog;
    let local = Account::new("kim", Role::Admin, Verticals::All, "test", api.site.clock.now());
    let elsewhere = Account {
        subject: Some("https://other.example 42".to_owned()),
        ..Account::new("lee", Role::Admin, Verticals::All, "test", api.site.clock.now())
    };
    for account in [&local, &elsewhere] {
        assert_eq!(catalog.add_account(account, false).await.unwrap(), Added::Added);
    }
    provider.claims(json!({"email": "kim", "email_verified": true}));
    let session = logs_in(&api, &provider).await.json()["session"].clone();
    assert_eq!((&session["name"], &session["role"]), (&json!("kim-2"), &json!("operator")));
    assert_eq!(account(&api, "kim").await, local, "it is untouched");
    provider.claims(json!({"sub": "43", "preferred_username": "lee"}));
    assert_eq!(logs_in(&api, &provider).await.json()["session"]["name"], "lee-2");
    // Nor is a name that looks like another's, or one that no account may have.
    provider.claims(json!({"sub": "46", "preferred_username": "1ee"}));
    assert_eq!(
        logs_in(&api, &provider).await.json()["session"]["name"],
        "1ee-3",
        "1ee looks like lee, and 1ee-2 like lee-2"
    );
    provider.claims(json!({"sub": "47", "preferred_username": "k\u{456}m"}));
    let name = logs_in(&api, &provider).await.json()["session"]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("oidc-"), "{name}");
    // Two at once are one.
    provider.claims(json!({"sub": "44", "preferred_username": "park"}));
    let one = begin(&api, &provider, "/").await;
    let nonce = provider.says().nonce.clone();
    let done = one.returns(json!({})).at(api.router()).await;
    assert_eq!((done.status, nonce), (StatusCode::CREATED, one.query["nonce"].clone()));
    assert_eq!(catalog.count_accounts().await.unwrap(), 7);
}

#[tokio::test]
async fn domains_keep_out_whose_address_nobody_verified() {
    let (api, provider) =
        api_with(|access| OidcAccess { email_domains: vec!["example.com".to_owned()], ..access }).await;
    // It is asked for where the token is short.
    provider.says().userinfo = json!({"sub": "42", "email": "kim@example.com", "email_verified": true});
    assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED);
    assert_eq!(provider.heard("me"), [json!("Bearer at")]);
    for (userinfo, code) in [
        (json!({"sub": "42", "email": "kim@example.com", "email_verified": false}), (403, "oidc.domain")),
        (json!({"sub": "42", "email": "kim@evil.example", "email_verified": true}), (403, "oidc.domain")),
        (json!({"sub": "42"}), (403, "oidc.domain")),
        (json!({"sub": "43", "email": "kim@example.com", "email_verified": true}), (502, "oidc.invalid")),
        (json!({"email": "kim@example.com", "email_verified": true}), (502, "oidc.invalid")),
    ] {
        provider.says().userinfo = userinfo.clone();
        let (status, found) = logs_in(&api, &provider).await.problem();
        assert_eq!((status, found.as_str()), code, "{userinfo}");
    }
}

#[tokio::test]
async fn what_a_token_must_say_it_must_say_rightly() {
    let (api, provider) = api().await;
    let now = provider.says().now;
    for wrong in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": format!("{}/", provider.1)}),
        json!({"iss": null}),
        json!({"aud": "other"}),
        json!({"aud": ["other", "another"]}),
        json!({"aud": null}),
        json!({"aud": {"cameo": true}}),
        json!({"aud": ["cameo", "other"]}),
        json!({"aud": ["cameo", "other"], "azp": "other"}),
        json!({"azp": "other"}),
        json!({"exp": now - 60}),
        json!({"exp": null}),
        json!({"exp": (now + 300).to_string()}),
        json!({"exp": {}}),
        json!({"iat": now + 120}),
        json!({"iat": now - 700}),
        json!({"iat": null}),
        json!({"nbf": now + 120}),
        json!({"nbf": "soon"}),
        json!({"nonce": "other"}),
        json!({"nonce": null}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": 42}),
    ] {
        provider.claims(wrong.clone());
        let refused = logs_in(&api, &provider).await;
        assert_eq!(refused.problem(), (502, "oidc.invalid".to_owned()), "{wrong}");
        assert!(cookies(&refused).iter().all(|set| set.starts_with("cameo-oidc=;")), "{wrong}: no session");
    }
    assert_eq!(api.site.flow.catalog.count_accounts().await.unwrap(), 0);
    // Clocks differ a little.
    for right in [
        json!({"exp": now - 59}),
        json!({"iat": now + 60}),
        json!({"nbf": now}),
        json!({"exp": 1_700_000_300.5}),
        json!({"aud": ["cameo"]}),
        json!({"aud": ["other", "cameo"], "azp": "cameo"}),
    ] {
        provider.claims(right.clone());
        assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED, "{right}");
    }
}

#[tokio::test]
async fn keys_that_change_are_asked_for_again_and_others_do_not_count() {
    let (api, provider) = api().await;
    assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED);
    provider.says().keys = vec![Key::new("two")];
    assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED);
    assert_eq!(provider.heard("keys").len(), 2);
    // The same name, and another key: nobody published it.
    let published = std::mem::take(&mut provider.says().keys);
    provider.says().keys = vec![Key::new("two")];
    assert_eq!(logs_in(&api, &provider).await.problem(), (502, "oidc.invalid".to_owned()));
    drop(published);
}

/// Login CSRF, replay and mix-up: a log-in is ended once, by the browser that began it, with what it was sent there with.
#[tokio::test]
async fn a_log_in_is_ended_once_by_the_browser_that_began_it() {
    let (api, provider) = api().await;
    let state = (403, "oidc.state".to_owned());
    let (kim, mallory) = (begin(&api, &provider, "/").await, begin(&api, &provider, "/").await);
    // Mallory's code and state in Kim's browser, and in one that began nothing.
    let foreign = kim.returns(json!({"state": mallory.query["state"]})).at(api.router()).await;
    assert_eq!(foreign.problem(), state);
    let stranger = Begun { cookie: "x=1".to_owned(), query: mallory.query.clone() };
    assert_eq!(stranger.returns(json!({})).at(api.router()).await.problem(), state);
    for wrong in [json!({"state": null}), json!({"state": ""}), json!({"code": null})] {
        let begun = begin(&api, &provider, "/").await;
        assert_eq!(begun.returns(wrong.clone()).at(api.router()).await.problem(), state, "{wrong}");
    }
    assert!(provider.heard("token").is_empty(), "the provider was not asked for any of them");
    // The cookie of two, or of another scheme, or changed.
    let begun = begin(&api, &provider, "/").await;
    for cookie in [
        format!("{}; {}", begun.cookie, kim.cookie),
        format!("__Host-{}", begun.cookie),
        begun.cookie.replace(".Lw", ".L2V2aWw"),
    ] {
        let changed = Begun { cookie: cookie.clone(), query: begun.query.clone() };
        assert_eq!(changed.returns(json!({})).at(api.router()).await.problem(), state, "{cookie}");
    }
    // Who sends the browser says another name than the provider's.
    let mixed = begun.returns(json!({"iss": "https://evil.example"})).at(api.router()).await;
    assert_eq!(mixed.problem(), (502, "oidc.invalid".to_owned()));
    assert!(provider.heard("token").is_empty(), "no code was given to anybody");
    // Once, also where the provider would take the code twice.
    let begun = begin(&api, &provider, "/").await;
    assert_eq!(begun.returns(json!({})).at(api.router()).await.status, StatusCode::CREATED);
    assert_eq!(begun.returns(json!({})).at(api.router()).await.problem(), state);
    // The provider says no.
    let begun = begin(&api, &provider, "/").await;
    let refused = begun.returns(json!({"code": null, "error": "access_denied\n<b>"})).at(api.router()).await;
    assert_eq!(refused.problem(), (403, "oidc.refused".to_owned()));
    // Ten minutes are over.
    let begun = begin(&api, &provider, "/").await;
    api.clock.advance(Duration::from_mins(10));
    assert_eq!(begun.returns(json!({})).at(api.router()).await.problem(), state);
}

#[tokio::test]
async fn a_provider_that_promises_its_name_with_every_answer_is_held_to_it() {
    let (api, provider) = api().await;
    provider.says().metadata["authorization_response_iss_parameter_supported"] = json!(true);
    assert_eq!(logs_in(&api, &provider).await.problem(), (502, "oidc.invalid".to_owned()));
    let begun = begin(&api, &provider, "/").await;
    assert_eq!(begun.returns(json!({"iss": provider.1})).at(api.router()).await.status, StatusCode::CREATED);
}

/// A page of somebody else's begins nothing, and nothing begins where the cookie would not come back.
#[tokio::test]
async fn only_a_page_of_ours_begins_and_at_the_address_that_the_browser_comes_back_to() {
    let (api, provider) = api().await;
    let body = json!({"next": "/"});
    for site in ["cross-site", "same-site", "none"] {
        let asked = post(OIDC, &body).from(LOOPBACK).header("host", "127.0.0.1:9002").header("sec-fetch-site", site);
        assert_eq!(asked.at(api.router()).await.problem(), (403, "request.origin".to_owned()), "{site}");
    }
    let elsewhere =
        post(OIDC, &body).from(LOOPBACK).header("host", "localhost:9002").header("sec-fetch-site", "same-origin");
    let answer = elsewhere.at(api.router()).await;
    assert_eq!(answer.json()["location"], format!("{PUBLIC}/login"));
    assert!(cookies(&answer).is_empty() && provider.heard("metadata").is_empty());
    let without = Api::new().await;
    assert_eq!(of_page(post(OIDC, &body)).of(&without).await.problem(), (404, "oidc.off".to_owned()));
    assert_eq!(get(OIDC).from(LOOPBACK).of(&without).await.json()["enabled"], false);
}

#[tokio::test]
async fn a_provider_that_is_away_or_wrong_is_said_to_be_and_passwords_still_count() {
    let (away, invalid) = ((503, "oidc.unavailable".to_owned()), (502, "oidc.invalid".to_owned()));
    for (manner, expected) in [
        (Manner::Broken, &away),
        (Manner::Silent, &away),
        (Manner::Garbage, &invalid),
        (Manner::Endless, &invalid),
        (Manner::Elsewhere, &invalid),
        (Manner::InvalidClient, &invalid),
    ] {
        for endpoint in ["metadata", "keys", "token", "me"] {
            let timeout = if manner == Manner::Silent { Duration::from_millis(100) } else { Duration::from_secs(30) };
            let (api, provider) = api_with(|access| OidcAccess { timeout, ..access }).await;
            provider.manner(endpoint, manner);
            provider.claims(json!({"groups": null}));
            let begun = of_page(post(OIDC, &json!({}))).at(api.router()).await;
            let answer = if endpoint == "metadata" { begun } else { logs_in(&api, &provider).await };
            let (status, code) = answer.problem();
            // A slow machine may be late at an endpoint before this one.
            assert_eq!((status, code), *expected, "{manner:?} at {endpoint}");
            assert!(!answer.text.contains("hello"), "{}", answer.text);
            let wrong = of_page(post("/api/v1/session", &json!({"name": "kim", "password": "not the right one"})));
            assert_eq!(
                wrong.at(api.router()).await.problem(),
                (401, "auth.login".to_owned()),
                "the log-in by password answers"
            );
        }
    }
    let (api, provider) = api().await;
    provider.manner("token", Manner::InvalidGrant);
    assert_eq!(logs_in(&api, &provider).await.problem(), (403, "oidc.state".to_owned()));
    // It is asked again as soon as it answers.
    provider.manner("token", Manner::Right);
    assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_provider_that_names_itself_otherwise_is_not_asked() {
    for (name, value) in [
        ("issuer", json!("https://evil.example")),
        ("token_endpoint", json!("ftp://evil.example")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("userinfo_endpoint", json!("//evil.example")),
        ("code_challenge_methods_supported", json!(["plain"])),
        ("token_endpoint", json!(null)),
    ] {
        let (api, provider) = api().await;
        provider.says().metadata[name] = value.clone();
        let refused = of_page(post(OIDC, &json!({}))).at(api.router()).await;
        assert_eq!(refused.problem(), (502, "oidc.invalid".to_owned()), "{name} {value}");
    }
}

#[tokio::test]
async fn the_secret_goes_where_the_provider_takes_it() {
    let (api, provider) = api().await;
    provider.says().metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED);
    let heard = provider.heard("token").remove(0);
    assert_eq!((&heard["form"]["client_secret"], &heard["authorization"]), (&json!("s:cret"), &json!("")));
    let (api, provider) = api_with(|access| OidcAccess { client_secret: None, ..access }).await;
    assert_eq!(logs_in(&api, &provider).await.status, StatusCode::CREATED);
    let heard = provider.heard("token").remove(0);
    assert_eq!((&heard["form"]["client_id"], &heard["form"]["client_secret"]), (&json!("cameo"), &Value::Null));
}
