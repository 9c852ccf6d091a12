//! What every keeper of tokens must do, whatever its backend.

use jiff::{SignedDuration, Timestamp};

use super::{Catalog, Fixture};
use crate::model::token::{Role, Token, TokenSecret, Verticals};

/// Runs every check.
pub(super) async fn check_all(fixture: &dyn Fixture) {
    a_token_is_found_by_its_secret_and_comes_back_as_it_was(fixture).await;
    a_name_is_free_again_once_its_token_cannot_be_used(fixture).await;
    tokens_are_listed_in_pages(fixture).await;
    what_is_revoked_stays_revoked(fixture).await;
}

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + second)
}

fn token(name: &str, role: Role) -> Token {
    Token::new(name, role, Verticals::All, "somebody 이름 \\'\"", at(0))
}

async fn add(catalog: &dyn Catalog, token: &Token) -> Option<TokenSecret> {
    let secret = TokenSecret::generate();
    catalog.add_token(token, &secret.hash()).await.expect("an answer").then_some(secret)
}

async fn a_token_is_found_by_its_secret_and_comes_back_as_it_was(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    assert_eq!(catalog.tokens("", 10).await.expect("tokens"), []);
    let only = Verticals::only_or_all(["가나", "eye-2"].map(|name| name.parse().expect("a vertical")));
    let limited = Token { verticals: only, expires: Some(at(60)), ..token("limited", Role::Operator) };
    for made in [limited, token("chief", Role::Admin), token("reader", Role::Viewer)] {
        let secret = add(&*catalog, &made).await.expect("a token");
        assert_eq!(catalog.token_of(&secret.hash()).await.expect("a look"), Some(made.clone()));
        for named in [&made.id, &made.name] {
            assert_eq!(catalog.find_token(named).await.expect("a look"), Some(made.clone()));
        }
        assert_eq!(catalog.token_of(&TokenSecret::generate().hash()).await.expect("a look"), None);
        catalog.note_token_use(&made.id, at(9)).await.expect("a note");
        let used = Token { last_used: Some(at(9)), ..made };
        assert_eq!(catalog.token_of(&secret.hash()).await.expect("a look"), Some(used));
    }
    assert_eq!(catalog.find_token("nobody").await.expect("a look"), None);
}

async fn a_name_is_free_again_once_its_token_cannot_be_used(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let first = Token { expires: Some(at(60)), ..token("ci", Role::Viewer) };
    let first_secret = add(&*catalog, &first).await.expect("a token");
    assert!(add(&*catalog, &token("ci", Role::Admin)).await.is_none(), "the name is taken");
    assert!(add(&*catalog, &token("CI", Role::Admin)).await.is_some(), "names differ by case");
    let second = Token { created_at: at(60), ..token("ci", Role::Viewer) };
    let second_secret = add(&*catalog, &second).await.expect("the first has expired");
    assert_eq!(catalog.find_token("ci").await.expect("a look"), Some(second.clone()));
    assert!(catalog.revoke_token(&second.id, at(61)).await.expect("a change"));
    let third = Token { created_at: at(62), ..token("ci", Role::Viewer) };
    add(&*catalog, &third).await.expect("the second was revoked");
    for (secret, id) in [(first_secret, first.id), (second_secret, second.id)] {
        assert_eq!(catalog.token_of(&secret.hash()).await.expect("a look").map(|token| token.id), Some(id));
    }
}

async fn tokens_are_listed_in_pages(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let mut made: Vec<Token> = (0..5).map(|n| token(&format!("t{n}"), Role::Viewer)).collect();
    for token in &made {
        add(&*catalog, token).await.expect("a token");
    }
    made.sort_by(|a, b| a.id.cmp(&b.id));
    let mut seen: Vec<Token> = Vec::new();
    loop {
        let after = seen.last().map_or("", |token| &token.id).to_owned();
        let page = catalog.tokens(&after, 2).await.expect("tokens");
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, made);
}

async fn what_is_revoked_stays_revoked(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let made = token("ci", Role::Viewer);
    add(&*catalog, &made).await.expect("a token");
    assert!(!catalog.revoke_token("ci", at(5)).await.expect("a change"), "it is named by its id");
    assert!(catalog.revoke_token(&made.id, at(5)).await.expect("a change"));
    assert!(!catalog.revoke_token(&made.id, at(6)).await.expect("a change"));
    let revoked = Token { revoked_at: Some(at(5)), ..made.clone() };
    assert_eq!(catalog.find_token(&made.id).await.expect("a look"), Some(revoked));
    assert_eq!(catalog.find_token("ci").await.expect("a look"), None);
}
