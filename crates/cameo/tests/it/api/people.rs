//! People: logging in and out, what a session must bring, what ends it, and whom guessing keeps out.

use std::time::Duration;

use cameo::{
    admission::ConsoleAccess,
    catalog::{Catalog, people::Added, unused::UnusedCatalog},
    model::account::{Account, Link, SESSIONS_MAX, Secret, Session},
    server::people::first_link,
};
use jiff::SignedDuration;

use super::*;

const PASSWORD: &str = "correct horse battery";
const SESSION: &str = "/api/v1/session";

/// Somebody's browser, as far as the API sees it.
#[derive(Debug, Clone, Default)]
struct Browser {
    cookie: Option<String>,
    csrf: Option<String>,
}

impl Browser {
    /// A request of a page, from this machine.
    fn asks(&self, asked: Ask) -> Ask {
        let mut asked = asked.from(LOOPBACK).header("sec-fetch-site", "same-origin");
        if let Some(cookie) = &self.cookie {
            asked = asked.header("cookie", &format!("cameo={cookie}"));
        }
        match &self.csrf {
            Some(csrf) => asked.header("x-cameo-csrf", csrf),
            None => asked,
        }
    }

    /// Takes the cookie and the token of an answer.
    fn takes(&mut self, answer: &Answer) {
        let set = answer.headers["set-cookie"].to_str().unwrap();
        let (name, rest) = set.split_once('=').unwrap();
        assert_eq!(name, "cameo");
        self.cookie = Some(rest.split(';').next().unwrap().to_owned());
        self.csrf = Some(answer.json()["csrf"].as_str().unwrap().to_owned());
    }
}

fn typed(name: &str, password: &str) -> Ask {
    post(SESSION, &json!({"name": name, "password": password}))
}

impl Api {
    fn people(&self) -> &dyn Catalog {
        &*self.site.flow.catalog
    }

    /// An account with [`PASSWORD`].
    async fn account(&self, name: &str, role: Role, verticals: &[&str]) -> Account {
        let verticals = Verticals::only_or_all(verticals.iter().map(|name| name.parse().unwrap()));
        let account = Account::new(name, role, verticals, "test", self.site.clock.now());
        assert_eq!(self.people().add_account(&account, false).await.unwrap(), Added::Added);
        let (secret, link) = (Secret::generate(), Link::new(Some(&account), self.site.clock.now()));
        self.people().add_link(&link, &secret.hash()).await.unwrap();
        let used = Browser::default().asks(link_use(&secret, json!({}))).of(self).await;
        assert_eq!(used.status, StatusCode::CREATED, "{}", used.text);
        for session in self.people().sessions_of(&account.id).await.unwrap() {
            self.people().end_session(&session.id).await.unwrap();
        }
        self.people().account(&account.id).await.unwrap().unwrap()
    }

    async fn logged_in(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        let answer = browser.asks(typed(name, PASSWORD)).of(self).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        browser.takes(&answer);
        browser
    }

    /// The lines of the trail, which ends with the site.
    pub(super) fn trail(self) -> Vec<Value> {
        let Self { site, audit, .. } = self;
        drop(site);
        std::iter::from_fn(|| audit.next()).map(|line| serde_json::from_str(&line.text).unwrap()).collect()
    }
}

fn link_use(secret: &Secret, more: Value) -> Ask {
    let mut body = json!({"link": secret.expose(), "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    post("/api/v1/session/link", &body)
}

async fn first(api: &Api) -> Secret {
    let made = first_link(api.people(), api.site.clock.now()).await.unwrap().unwrap();
    Secret::parse(made.link.strip_prefix("/welcome#").unwrap()).unwrap()
}

#[tokio::test]
async fn the_first_administrator_comes_by_the_link_and_closes_the_door() {
    let api = Api::new().await;
    assert_eq!(
        get("/api/v1/whoami").from(LOOPBACK).of(&api).await.status,
        StatusCode::OK,
        "nobody needs to log in yet"
    );
    let secret = first(&api).await;
    let mut browser = Browser::default();
    let check = browser.asks(post("/api/v1/session/link/check", &json!({"link": secret.expose()}))).of(&api).await;
    assert_eq!(check.json()["name"], Value::Null);
    let nameless = browser.asks(link_use(&secret, json!({}))).of(&api).await;
    assert_eq!(nameless.problem(), (422, "request.invalid".to_owned()));
    for weak in ["short", "kim-kim-kim-kim", "password1234"] {
        let weak = browser.asks(link_use(&secret, json!({"name": "Kim", "password": weak}))).of(&api).await;
        assert_eq!(weak.problem(), (422, "password.weak".to_owned()));
    }
    let used = browser.asks(link_use(&secret, json!({"name": "Kim", "language": "en"}))).of(&api).await;
    assert_eq!(used.status, StatusCode::CREATED, "{}", used.text);
    browser.takes(&used);
    let view = used.json();
    assert_eq!((&view["name"], &view["role"], &view["language"]), (&json!("kim"), &json!("admin"), &json!("en")));
    let again = Browser::default().asks(link_use(&secret, json!({"name": "lee"}))).of(&api).await;
    assert_eq!(again.problem(), (404, "session.link".to_owned()), "a link is used once");
    assert!(first_link(api.people(), api.site.clock.now()).await.unwrap().is_none());
    assert_eq!(get("/api/v1/whoami").from(LOOPBACK).of(&api).await.problem(), (401, "auth.required".to_owned()));
    assert_eq!(get("/api/v1/whoami").over_socket().of(&api).await.status, StatusCode::OK);
    assert_eq!(browser.asks(get("/api/v1/whoami")).of(&api).await.json()["name"], "kim");
}

#[tokio::test]
async fn of_two_first_links_used_at_once_one_makes_the_administrator() {
    let api = Api::new().await;
    let (one, other) = (first(&api).await, first(&api).await);
    let (kim, lee) = (Browser::default(), Browser::default());
    let both = futures::join!(
        kim.asks(link_use(&one, json!({"name": "kim"}))).of(&api),
        lee.asks(link_use(&other, json!({"name": "lee"}))).of(&api),
    );
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 404]);
    assert_eq!(api.people().count_accounts().await.unwrap(), 1);
}

#[tokio::test]
async fn a_link_ends_after_a_day_and_where_the_account_was_reset_again() {
    let api = Api::new().await;
    let kim = api.account("kim", Role::Operator, &[]).await;
    let link_for = async |account: &Account| {
        let (secret, link) = (Secret::generate(), Link::new(Some(account), api.site.clock.now()));
        api.people().add_link(&link, &secret.hash()).await.unwrap();
        secret
    };
    let use_of =
        async |secret: &Secret| Browser::default().asks(link_use(secret, json!({}))).of(&api).await.status.as_u16();
    let (older, twin) = (link_for(&kim).await, link_for(&kim).await);
    let both = futures::join!(use_of(&older), use_of(&twin));
    assert!(both == (201, 404) || both == (404, 201), "two links of one reset are one: {both:?}");
    let kim = api.people().account(&kim.id).await.unwrap().unwrap();
    let late = link_for(&kim).await;
    api.clock.advance(Duration::from_hours(24));
    assert_eq!(use_of(&late).await, 404);
    for wrong in ["", "x", Secret::generate().expose()] {
        let answer =
            Browser::default().asks(post("/api/v1/session/link", &json!({"link": wrong, "password": PASSWORD})));
        assert_eq!(answer.of(&api).await.problem(), (404, "session.link".to_owned()));
    }
}

#[tokio::test]
async fn whoever_logs_in_has_the_rights_of_the_account() {
    let api = Api::new().await;
    api.account("김철수", Role::Operator, &["eye"]).await;
    let mut browser = Browser::default();
    let answer = browser.asks(typed(" 김철수 ", PASSWORD)).of(&api).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    browser.takes(&answer);
    let view = browser.asks(get(SESSION)).of(&api).await.json();
    assert_eq!(
        (&view["name"], &view["role"], &view["verticals"]),
        (&json!("김철수"), &json!("operator"), &json!(["eye"]))
    );
    assert_eq!(view["csrf"].as_str(), browser.csrf.as_deref());
    assert_eq!(browser.asks(get("/api/v1/verticals/eye/entities/1")).of(&api).await.status, StatusCode::OK);
    let nose = browser.asks(get("/api/v1/verticals/nose/entities/1")).of(&api).await;
    assert_eq!(nose.problem(), (404, "not_found".to_owned()));
    assert!(nose.text.contains("account 김철수"), "{}", nose.text);
    let admins = browser.asks(get("/api/v1/accounts")).of(&api).await;
    assert_eq!(admins.problem(), (403, "auth.role".to_owned()));
    let out = browser.asks(ask(Method::DELETE, SESSION)).of(&api).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    let ended = browser.asks(get(SESSION)).of(&api).await;
    assert_eq!(ended.problem(), (401, "auth.session".to_owned()));
    assert!(ended.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn every_wrong_log_in_is_answered_alike() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let refused = api.account("lee", Role::Viewer, &[]).await;
    let disabled = Account { disabled_at: Some(api.site.clock.now()), ..refused };
    assert!(api.people().change_account(&disabled).await.unwrap());
    api.people()
        .add_account(&Account::new("new", Role::Viewer, Verticals::All, "test", api.site.clock.now()), false)
        .await
        .unwrap();
    let mut texts = std::collections::BTreeSet::new();
    for (name, password) in [
        ("kim", "correct horse batterx"),
        ("kim", ""),
        ("nobody", PASSWORD),
        ("no such name at all!", PASSWORD),
        ("", PASSWORD),
        ("lee", PASSWORD),
        ("new", PASSWORD),
        ("new", ""),
    ] {
        let answer = Browser::default().asks(typed(name, password)).header("x-request-id", "same").of(&api).await;
        assert_eq!(answer.problem(), (401, "auth.login".to_owned()), "{name}");
        assert!(!answer.headers.contains_key("set-cookie"));
        texts.insert(answer.text);
    }
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn a_change_needs_the_sessions_token_and_a_page_of_ours() {
    let api = Api::new().await;
    api.account("kim", Role::Admin, &[]).await;
    let (kim, other) = (api.logged_in("kim").await, api.logged_in("kim").await);
    let change = || ask(Method::PATCH, SESSION).header("content-type", "application/json");
    let change = || Ask { body: Some(json!({"language": "en"}).to_string()), ..change() };
    assert_eq!(kim.asks(change()).of(&api).await.json()["language"], "en");
    let csrf = (403, "request.csrf".to_owned());
    let missing = Browser { csrf: None, ..kim.clone() };
    assert_eq!(missing.asks(change()).of(&api).await.problem(), csrf);
    for wrong in ["", "x", kim.cookie.as_deref().unwrap(), other.csrf.as_deref().unwrap()] {
        assert_eq!(kim.asks(change()).header("x-cameo-csrf", wrong).of(&api).await.problem(), csrf, "{wrong}");
    }
    let right = kim.csrf.clone().unwrap();
    let mut twice = kim.asks(change());
    twice.headers.push(("x-cameo-csrf".to_owned(), right));
    assert_eq!(twice.of(&api).await.problem(), csrf, "twice");
    let origin = (403, "request.origin".to_owned());
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:9001"),
        ("origin", "https://127.0.0.1:9002"),
    ] {
        assert_eq!(kim.asks(change()).header(name, value).of(&api).await.problem(), origin, "{name}: {value}");
    }
    let without = |asked: Ask| {
        let headers = asked.headers.into_iter().filter(|(name, _)| name != "sec-fetch-site").collect();
        Ask { headers, ..asked }
    };
    assert_eq!(without(kim.asks(change())).of(&api).await.problem(), origin, "nobody says where it comes from");
    assert_eq!(without(kim.asks(change())).header("origin", "null").of(&api).await.problem(), origin);
    let named = without(kim.asks(change())).header("origin", "http://127.0.0.1:9002").of(&api).await;
    assert_eq!(named.status, StatusCode::OK);
    let form = kim.asks(change()).header("origin", "null").of(&api).await;
    assert_eq!(form.status, StatusCode::OK, "a form under no-referrer, of which the browser says that it is ours");
    let read = without(Browser { csrf: None, ..kim }.asks(get(SESSION))).of(&api).await;
    assert_eq!(read.status, StatusCode::OK, "reading needs neither");
}

#[tokio::test]
async fn nobody_is_logged_in_by_somebody_elses_page() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let origin = (403, "request.origin".to_owned());
    let foreign = typed("kim", PASSWORD).from(LOOPBACK).header("origin", "https://evil.example").of(&api).await;
    assert_eq!(foreign.problem(), origin);
    let silent = typed("kim", PASSWORD).from(LOOPBACK).of(&api).await;
    assert_eq!(silent.problem(), origin, "an old browser's form");
    let program = typed("kim", PASSWORD).from(LOOPBACK).header("x-cameo-client", "test").of(&api).await;
    assert_eq!(program.status, StatusCode::CREATED);
    let rebound = Browser::default().asks(typed("kim", PASSWORD)).header("host", "evil.example").of(&api).await;
    assert_eq!(rebound.problem(), (421, "request.host".to_owned()));
    let rebound = Browser::default().asks(typed("kim", PASSWORD)).header("host", "evil.example");
    let rebound = rebound.header("origin", "http://evil.example").header("authorization", "Bearer x").of(&api).await;
    assert_eq!(rebound.problem(), origin, "what brings a token may name any host, but not here");
}

#[tokio::test]
async fn two_cookies_or_a_cookie_and_a_token_are_refused() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let (_, token) = api.token("ci", Role::Admin, &[]).await;
    let (one, other) = (api.logged_in("kim").await, api.logged_in("kim").await);
    let ambiguous = (400, "auth.ambiguous".to_owned());
    let (a, b) = (one.cookie.clone().unwrap(), other.cookie.unwrap());
    for cookies in [format!("cameo={a}; cameo={b}"), format!("cameo={a}; cameo={a}")] {
        assert_eq!(one.asks(get(SESSION)).header("cookie", &cookies).of(&api).await.problem(), ambiguous);
    }
    let mut twice = one.asks(get(SESSION));
    twice.headers.push(("cookie".to_owned(), format!("cameo={b}")));
    assert_eq!(twice.of(&api).await.problem(), ambiguous);
    assert_eq!(one.asks(get(SESSION)).with(&token).of(&api).await.problem(), ambiguous);
    let beside = one.asks(get(SESSION)).header("cookie", &format!("other=1; cameo={a}")).of(&api).await;
    assert_eq!(beside.status, StatusCode::OK);
}

#[tokio::test]
async fn logging_in_makes_a_new_session_and_ends_the_one_before() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let planted = Secret::generate();
    let attacker = Browser { cookie: Some(planted.expose().to_owned()), csrf: Some(planted.csrf()) };
    let mut victim = attacker.clone();
    let answer = victim.asks(typed("kim", PASSWORD)).of(&api).await;
    victim.takes(&answer);
    assert_ne!(victim.cookie, attacker.cookie);
    assert_eq!(attacker.asks(get(SESSION)).of(&api).await.problem(), (401, "auth.session".to_owned()));
    let before = victim.clone();
    let answer = victim.asks(typed("kim", PASSWORD)).of(&api).await;
    victim.takes(&answer);
    assert_eq!(before.asks(get(SESSION)).of(&api).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(victim.asks(get(SESSION)).of(&api).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_ends_with_disuse_with_time_and_with_the_account() {
    let api = Api::new().await;
    let chief = api.account("chief", Role::Admin, &[]).await;
    let kim = api.account("kim", Role::Operator, &[]).await;
    let status = async |browser: &Browser| browser.asks(get(SESSION)).of(&api).await.status.as_u16();
    let idle = api.logged_in("kim").await;
    api.clock.advance(Duration::from_hours(12));
    assert_eq!(status(&idle).await, 401, "nobody used it");
    let busy = api.logged_in("kim").await;
    for _ in 0..15 {
        assert_eq!(status(&busy).await, 200);
        api.clock.advance(Duration::from_hours(11));
    }
    api.clock.advance(Duration::from_hours(3));
    assert_eq!(status(&busy).await, 401, "a week is over");
    let before = api.site.clock.now();
    let early = api.logged_in("kim").await;
    api.clock.set(before - SignedDuration::from_hours(1));
    assert_eq!(status(&early).await, 401, "it was made after now: a clock went back");
    api.clock.set(before);
    let (admin, living) = (api.logged_in("chief").await, api.logged_in("kim").await);
    let path = format!("/api/v1/accounts/{}", kim.id);
    let patch = |body: Value| Ask {
        body: Some(body.to_string()),
        ..ask(Method::PATCH, &path).header("content-type", "application/json")
    };
    assert_eq!(admin.asks(patch(json!({"disabled": true}))).of(&api).await.status, StatusCode::OK);
    assert_eq!(status(&living).await, 401, "the account is refused");
    assert_eq!(admin.asks(patch(json!({"disabled": false}))).of(&api).await.status, StatusCode::OK);
    assert_eq!(status(&living).await, 401, "and what ended stays ended");
    let living = api.logged_in("kim").await;
    let reset = admin.asks(ask(Method::POST, &format!("{path}/reset"))).of(&api).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.text);
    assert_eq!(status(&living).await, 401, "a reset ends them");
    let old = Browser::default().asks(typed("kim", PASSWORD)).of(&api).await;
    assert_eq!(old.problem(), (401, "auth.login".to_owned()), "and the password");
    let reset = reset.json();
    let secret = Secret::parse(reset["link"].as_str().unwrap().strip_prefix("/welcome#").unwrap()).unwrap();
    assert_eq!(Browser::default().asks(link_use(&secret, json!({}))).of(&api).await.status, StatusCode::CREATED);
    let living = api.logged_in("kim").await;
    let sessions = admin.asks(get(&format!("{path}/sessions"))).of(&api).await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2, "{sessions}");
    let id = living.asks(get(SESSION)).of(&api).await.json()["session"].as_str().unwrap().to_owned();
    let others = format!("/api/v1/accounts/{}/sessions/{id}", chief.id);
    assert_eq!(admin.asks(ask(Method::DELETE, &others)).of(&api).await.status, StatusCode::NOT_FOUND);
    let own = format!("{path}/sessions/{id}");
    assert_eq!(admin.asks(ask(Method::DELETE, &own)).of(&api).await.json()["ended"], 1);
    assert_eq!(status(&living).await, 401, "revoked at once");
    let living = api.logged_in("kim").await;
    assert_eq!(admin.asks(ask(Method::DELETE, &path)).of(&api).await.status, StatusCode::OK);
    assert_eq!(status(&living).await, 401, "the account is gone");
    assert_eq!(status(&admin).await, 200);
}

#[tokio::test]
async fn an_account_has_so_many_sessions_and_the_oldest_goes() {
    let api = Api::new().await;
    let kim = api.account("kim", Role::Viewer, &[]).await;
    for n in 0..SESSIONS_MAX + 5 {
        let session = Session::new(&kim, api.site.clock.now(), SignedDuration::from_hours(24));
        let session = Session { id: format!("s{n:03}"), ..session };
        api.people().add_session(&session, &Secret::generate().hash()).await.unwrap();
        api.clock.advance(Duration::from_secs(1));
    }
    let browser = api.logged_in("kim").await;
    let sessions = api.people().sessions_of(&kim.id).await.unwrap();
    assert_eq!(sessions.len(), SESSIONS_MAX);
    assert!(
        !sessions.iter().any(|session| session.id == "s005") && sessions.iter().any(|session| session.id == "s006")
    );
    assert_eq!(browser.asks(get(SESSION)).of(&api).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_of_ones_own_is_changed_and_other_sessions_end() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let (mut kim, other) = (api.logged_in("kim").await, api.logged_in("kim").await);
    let change = |current: &str, password: &str| {
        post("/api/v1/session/password", &json!({"current": current, "password": password}))
    };
    let next = "another horse battery";
    assert_eq!(
        kim.asks(change("wrong horse battery", next)).of(&api).await.problem(),
        (403, "password.wrong".to_owned())
    );
    assert_eq!(kim.asks(change(PASSWORD, "short")).of(&api).await.problem(), (422, "password.weak".to_owned()));
    let before = kim.clone();
    let changed = kim.asks(change(PASSWORD, next)).of(&api).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    kim.takes(&changed);
    assert_eq!(kim.asks(get(SESSION)).of(&api).await.status, StatusCode::OK);
    for ended in [before, other] {
        assert_eq!(ended.asks(get(SESSION)).of(&api).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(Browser::default().asks(typed("kim", PASSWORD)).of(&api).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(Browser::default().asks(typed("kim", next)).of(&api).await.status, StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn guessing_slows_the_guesser_and_keeps_nobody_else_out() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let guess = |from: &str| typed("kim", "wrong horse battery").from(from).header("sec-fetch-site", "same-origin");
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(guess(LOOPBACK).of(&api).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[4], statuses[11]), (401, 401, 429), "{statuses:?}");
    let refused = guess(LOOPBACK).of(&api).await;
    assert_eq!(refused.problem(), (429, "auth.throttled".to_owned()));
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    let right = Browser::default().asks(typed("kim", PASSWORD)).of(&api).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "a right guess of the guesser is not answered");
    let elsewhere = Browser::default().asks(typed("kim", PASSWORD)).from("127.0.0.2:7").of(&api).await;
    assert_eq!(elsewhere.status, StatusCode::CREATED);
    tokio::time::advance(Duration::from_mins(15)).await;
    let later = Browser::default().asks(typed("kim", PASSWORD)).of(&api).await;
    assert_eq!(later.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_catalog_that_is_away_is_no_wrong_password() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let kim = api.logged_in("kim").await;
    let site = Site { flow: Flow { catalog: Arc::new(UnusedCatalog), ..api.site.flow.clone() }, ..api.site.clone() };
    for _ in 0..20 {
        let answer = Browser::default().asks(typed("kim", PASSWORD)).at(router(site.clone())).await;
        assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    }
    assert_eq!(kim.asks(get(SESSION)).at(router(site.clone())).await.problem(), (503, "unavailable".to_owned()));
    assert_eq!(get("/api/v1/whoami").from(LOOPBACK).at(router(site)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        Browser::default().asks(typed("kim", PASSWORD)).of(&api).await.status,
        StatusCode::CREATED,
        "none of it counted"
    );
}

#[tokio::test]
async fn passwords_are_taken_over_tls_or_on_this_machine() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &[]).await;
    let insecure = Browser::default().asks(typed("kim", PASSWORD)).from(REMOTE).of(&api).await;
    assert_eq!(insecure.problem(), (403, "session.insecure".to_owned()));
    let access = ConsoleAccess {
        hosts: vec!["cameo.example".to_owned()],
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        ..ConsoleAccess::default()
    };
    let behind = Site { door: Door::new(access.clone()), ..api.site.clone() };
    let proxied = |asked: Ask, from: &str| {
        let asked = asked.from(from).header("host", "cameo.example").header("x-forwarded-proto", "https");
        asked.header("x-forwarded-for", "192.0.2.33").header("origin", "https://cameo.example")
    };
    let answer = proxied(typed("kim", PASSWORD), "10.0.0.1:9").at(router(behind.clone())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-cameo=") && cookie.contains("; Secure") && !cookie.contains("Domain"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();
    let seen = proxied(get(SESSION), "10.0.0.1:9").header("cookie", pair).at(router(behind.clone())).await;
    assert_eq!(seen.status, StatusCode::OK);
    let kim = api.people().account_named("kim").await.unwrap().unwrap();
    let address = api.people().sessions_of(&kim.id).await.unwrap()[0].address.clone();
    assert_eq!(address.as_deref(), Some("192.0.2.33"));
    let liar = proxied(typed("kim", PASSWORD), REMOTE).at(router(behind.clone())).await;
    assert_eq!(liar.problem().1, "request.origin", "somebody who is no proxy of ours speaks HTTP");
    let in_the_clear = proxied(get(SESSION), REMOTE).header("cookie", pair).at(router(behind)).await;
    assert_eq!(in_the_clear.status, StatusCode::UNAUTHORIZED);
    let plain = Site { door: Door::new(ConsoleAccess { plain_login: true, ..access }), ..api.site.clone() };
    let allowed = Browser::default().asks(typed("kim", PASSWORD)).from(REMOTE).at(router(plain)).await;
    assert_eq!(allowed.status, StatusCode::CREATED);
}

#[tokio::test]
async fn administrators_make_accounts_within_their_own_rights_and_one_is_left() {
    let api = Api::new().await;
    let chief = api.account("chief", Role::Admin, &[]).await;
    api.account("eyes", Role::Admin, &["eye"]).await;
    let (chief_browser, eyes) = (api.logged_in("chief").await, api.logged_in("eyes").await);
    let new = |name: &str, verticals: Value| {
        post("/api/v1/accounts", &json!({"name": name, "role": "viewer", "verticals": verticals}))
    };
    let made = eyes.asks(new("Park", json!(["eye"]))).of(&api).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(
        (&made.json()["account"]["name"], &made.json()["account"]["created_by"]),
        (&json!("park"), &json!("eyes"))
    );
    assert!(made.json()["link"].as_str().unwrap().starts_with("/welcome#"));
    assert_eq!(eyes.asks(new("choi", json!(null))).of(&api).await.problem(), (403, "auth.vertical".to_owned()));
    assert_eq!(
        chief_browser.asks(new("PARK", json!(null))).of(&api).await.problem(),
        (409, "account.name_taken".to_owned())
    );
    assert_eq!(
        chief_browser.asks(new("a b", json!(null))).of(&api).await.problem(),
        (422, "request.invalid".to_owned())
    );
    let seen = eyes.asks(get("/api/v1/accounts")).of(&api).await.json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 2, "{seen}");
    let hidden = eyes.asks(get("/api/v1/accounts/chief")).of(&api).await;
    assert_eq!(hidden.problem(), (404, "not_found".to_owned()));
    assert_eq!(
        eyes.asks(ask(Method::POST, "/api/v1/accounts/chief/reset")).of(&api).await.status,
        StatusCode::NOT_FOUND
    );
    let patch = |name: &str, body: Value| {
        let asked = ask(Method::PATCH, &format!("/api/v1/accounts/{name}")).header("content-type", "application/json");
        Ask { body: Some(body.to_string()), ..asked }
    };
    assert_eq!(
        eyes.asks(patch("park", json!({"verticals": null}))).of(&api).await.problem(),
        (403, "auth.vertical".to_owned())
    );
    let last = (409, "account.last_admin".to_owned());
    for body in [json!({"disabled": true}), json!({"role": "operator"}), json!({"verticals": ["eye"]})] {
        assert_eq!(chief_browser.asks(patch("chief", body)).of(&api).await.problem(), last);
    }
    assert_eq!(chief_browser.asks(ask(Method::DELETE, "/api/v1/accounts/chief")).of(&api).await.problem(), last);
    api.account("second", Role::Admin, &[]).await;
    let changed = chief_browser.asks(patch("chief", json!({"role": "operator"}))).of(&api).await;
    assert_eq!(changed.json()["role"], "operator");
    assert_eq!(
        chief_browser.asks(get("/api/v1/accounts")).of(&api).await.problem(),
        (403, "auth.role".to_owned()),
        "at once"
    );
    assert!(!api.people().account(&chief.id).await.unwrap().unwrap().is_chief());
}

#[tokio::test]
async fn the_audit_trail_names_people_and_no_password() {
    let api = Api::new().await;
    api.account("kim", Role::Admin, &[]).await;
    let kim = api.logged_in("kim").await;
    kim.asks(post("/api/v1/accounts", &json!({"name": "lee", "role": "viewer"}))).of(&api).await;
    Browser::default().asks(typed("kim", "hunter2hunter2")).of(&api).await;
    Browser::default().asks(typed("my secret password", "hunter2hunter2")).of(&api).await;
    let lines = api.trail();
    let about = |key: &str| lines.iter().filter(|line| line["key"] == key).cloned().collect::<Vec<_>>();
    let logged_in =
        about("account kim").into_iter().find(|line| line["event"] == "change" && line["operation"] == SESSION);
    assert_eq!(logged_in.unwrap()["actor"], "kim");
    assert_eq!(about("account lee")[0]["actor"], "kim");
    let failed = about("account kim").into_iter().find(|line| line["event"] == "refusal").unwrap();
    assert_eq!((&failed["status"], &failed["actor"]), (&json!(401), &Value::Null));
    assert_eq!(about("unknown account my s…").len(), 1, "{lines:?}");
    let text = format!("{lines:?}");
    for secret in ["hunter2", PASSWORD, kim.cookie.as_deref().unwrap(), kim.csrf.as_deref().unwrap(), "secret password"]
    {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn answers_of_the_console_carry_its_policy() {
    let api = Api::new().await;
    for path in ["/", "/none", "/api/v1/whoami", "/api/health"] {
        let answer = get(path).from(LOOPBACK).of(&api).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn an_original_is_for_those_who_are_let_in_and_runs_nothing() {
    let api = Api::new().await;
    api.account("kim", Role::Viewer, &["eye"]).await;
    let kim = api.logged_in("kim").await;
    let path = "/api/v1/verticals/eye/entities/1/photos/0/original";
    assert_eq!(get(path).of(&api).await.problem(), (401, "auth.required".to_owned()));
    let answer = kim.asks(get(path)).of(&api).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "x"));
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"1_0.jpg\"");
    assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert_eq!(
        kim.asks(get("/api/v1/verticals/eye/entities/9/photos/0/original")).of(&api).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        kim.asks(get("/api/v1/verticals/nose/entities/1/photos/0/original")).of(&api).await.status,
        StatusCode::NOT_FOUND
    );
}

/// Everybody lists and ends their own, and nobody who is no administrator those of others.
#[tokio::test]
async fn everybody_ends_their_own_sessions() {
    let api = Api::new().await;
    let lee = api.account("lee", Role::Admin, &[]).await;
    for role in [Role::Viewer, Role::Operator] {
        let name = role.as_str();
        let account = api.account(name, role, &["eye"]).await;
        let (here, there) = (api.logged_in(name).await, api.logged_in(name).await);
        for named_by in [account.id.as_str(), name] {
            let seen = here.asks(get(&format!("/api/v1/accounts/{named_by}/sessions"))).of(&api).await.json();
            assert_eq!(seen["items"].as_array().unwrap().len(), 2, "{name}: {seen}");
        }
        let other = api.people().sessions_of(&account.id).await.unwrap();
        let current = here.asks(get(SESSION)).of(&api).await.json()["session"].as_str().unwrap().to_owned();
        let other = other.into_iter().find(|session| session.id != current).unwrap();
        let end = |id: &str| ask(Method::DELETE, &format!("/api/v1/accounts/{}/sessions/{id}", account.id));
        assert_eq!(here.asks(end(&other.id)).of(&api).await.json(), json!({"ended": 1}));
        assert_eq!(there.asks(get(SESSION)).of(&api).await.problem().0, 401);
        assert_eq!(here.asks(get(SESSION)).of(&api).await.status, StatusCode::OK);
        api.logged_in("lee").await;
        let of_lee = api.people().sessions_of(&lee.id).await.unwrap();
        for (method, path) in [
            (Method::GET, format!("/api/v1/accounts/{}/sessions", lee.id)),
            (Method::GET, "/api/v1/accounts/lee/sessions".to_owned()),
            (Method::DELETE, "/api/v1/accounts/lee/sessions".to_owned()),
            (Method::DELETE, format!("/api/v1/accounts/{}/sessions/{}", account.id, of_lee[0].id)),
            (Method::DELETE, format!("/api/v1/accounts/lee/sessions/{}", of_lee[0].id)),
        ] {
            let refused = here.asks(ask(method.clone(), &path)).of(&api).await;
            assert_eq!(refused.problem().0, 404, "{method} {path}: whether there is one is not said");
        }
        assert_eq!(api.people().sessions_of(&lee.id).await.unwrap(), of_lee);
        let all = ask(Method::DELETE, &format!("/api/v1/accounts/{name}/sessions"));
        assert_eq!(here.asks(all).of(&api).await.json(), json!({"ended": 1}));
        assert_eq!(here.asks(get(SESSION)).of(&api).await.problem().0, 401);
    }
}

#[tokio::test]
async fn no_name_is_taken_for_another() {
    let api = Api::new().await;
    api.account("kim1", Role::Admin, &[]).await;
    api.account("chief", Role::Admin, &[]).await;
    let chief = api.logged_in("chief").await;
    let made = async |name: &str| {
        let asked = post("/api/v1/accounts", &json!({"name": name, "role": "viewer", "verticals": null}));
        let answer = chief.asks(asked).of(&api).await;
        if answer.status == StatusCode::CREATED { (201, String::new()) } else { answer.problem() }
    };
    assert_eq!(made("kiml").await, (409, "account.name_confusable".to_owned()));
    assert_eq!(made("KIM1").await, (409, "account.name_taken".to_owned()));
    for confusable in ["\u{441}hief", "\u{ff43}hief", "chi\u{115f}ef", "chief\u{3164}", "ch\u{200b}ief", "chief\u{663}"]
    {
        assert_eq!(made(confusable).await, (422, "request.invalid".to_owned()), "{confusable:?}");
    }
    assert_eq!(made("\u{43a}\u{438}\u{43c}").await.0, 201, "of one script, and like nobody's");
    assert_eq!(made("김철수").await.0, 201);
    let api = Api::new().await;
    let first = Browser::default().asks(link_use(&first(&api).await, json!({"name": "chi\u{435}f"}))).of(&api).await;
    assert_eq!(first.problem(), (422, "request.invalid".to_owned()));
}

/// The text that a stream of events sends until it ends, or until the test has waited a minute.
async fn stream_until(api: &mut Api, asked: Ask, during: impl AsyncFnOnce(&Api)) -> String {
    let ending = CancellationToken::new();
    api.site.ending = ending.clone();
    let api = &*api;
    let doing = async {
        // By the clock of the test: the first look is taken when the stream begins.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        during(api).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Nobody hears of this any more.
        api.site.flow.catalog.register(&[rendered("origin/eye/8_0.jpg", 9, &["sq"])]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        ending.cancel();
    };
    tokio::join!(async { asked.of(api).await.text }, doing).0
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_ends_with_what_let_its_listener_in() {
    for what in ["nothing", "log-out", "reset", "disabled", "removed", "idle"] {
        let mut api = Api::new().await;
        let kim = api.account("kim", Role::Viewer, &[]).await;
        let browser = api.logged_in("kim").await;
        let asked = browser.asks(get("/api/v1/events"));
        let text = stream_until(&mut api, asked, async |api: &Api| {
            let kim = api.people().account(&kim.id).await.unwrap().unwrap();
            match what {
                "log-out" => drop(browser.asks(ask(Method::DELETE, SESSION)).of(api).await),
                "reset" => assert!(api.people().change_account(&kim.reset()).await.unwrap()),
                "disabled" => {
                    let disabled = Account { disabled_at: Some(api.site.clock.now()), ..kim };
                    assert!(api.people().change_account(&disabled).await.unwrap());
                }
                "removed" => assert!(api.people().remove_account(&kim.id).await.unwrap()),
                "idle" => api.clock.advance(Duration::from_hours(13)),
                _ => {}
            }
        })
        .await;
        assert_eq!(text.contains("event: changed"), what == "nothing", "{what}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_ends_with_its_token_and_when_a_log_in_is_needed() {
    let mut api = Api::new().await;
    let (token, secret) = api.token("ci", Role::Viewer, &[]).await;
    let text = stream_until(&mut api, get("/api/v1/events").with(&secret), async |api: &Api| {
        assert!(api.people().revoke_token(&token.id, api.site.clock.now()).await.unwrap());
    })
    .await;
    assert!(text.contains("event: hello") && !text.contains("event: changed"), "{text}");
    let mut api = Api::new().await;
    let text = stream_until(&mut api, get("/api/v1/events").from(LOOPBACK), async |api: &Api| {
        api.account("kim", Role::Viewer, &[]).await;
    })
    .await;
    assert!(text.contains("event: hello") && !text.contains("event: changed"), "{text}");
    let mut api = Api::new().await;
    let text = stream_until(&mut api, get("/api/v1/events").over_socket(), async |api: &Api| {
        api.account("kim", Role::Viewer, &[]).await;
    })
    .await;
    assert!(text.contains("event: changed"), "the owner of the data folder stays: {text}");
}

/// Whoever loses a vertical while they listen hears no more of it.
#[tokio::test(start_paused = true)]
async fn a_stream_of_events_follows_the_rights_of_its_listener() {
    let mut api = Api::new().await;
    let kim = api.account("kim", Role::Viewer, &["eye"]).await;
    let browser = api.logged_in("kim").await;
    let asked = browser.asks(get("/api/v1/events"));
    let text = stream_until(&mut api, asked, async |api: &Api| {
        let kim = api.people().account(&kim.id).await.unwrap().unwrap();
        let verticals = Verticals::only_or_all(["nose".parse().unwrap()]);
        assert!(api.people().change_account(&Account { verticals, ..kim }).await.unwrap());
        // One event tells of the change itself.
        tokio::time::sleep(Duration::from_secs(2)).await;
    })
    .await;
    assert!(text.matches("event: changed").count() <= 1, "{text}");
}
