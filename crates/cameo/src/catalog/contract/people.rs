//! What every keeper of accounts, sessions and links must do, whatever its backend.

use jiff::{SignedDuration, Timestamp};

use super::{Catalog, Fixture};
use crate::{
    catalog::people::Added,
    model::{
        account::{Account, Link, PasswordHash, Secret, Session},
        lang::Lang,
        token::{Role, Verticals},
    },
};

/// Runs every check.
pub(super) async fn check_all(fixture: &dyn Fixture) {
    an_account_comes_back_as_it_was_and_has_its_name_alone(fixture).await;
    accounts_are_listed_in_pages(fixture).await;
    a_change_is_made_once_and_never_over_another(fixture).await;
    of_several_first_accounts_one_is(fixture).await;
    sessions_are_found_by_their_secrets_until_they_end(fixture).await;
    links_come_back_until_they_are_forgotten(fixture).await;
    nothing_is_left_of_a_removed_account(fixture).await;
}

const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + second)
}

fn account(name: &str, role: Role) -> Account {
    Account::new(name, role, Verticals::All, "somebody 이름 \\'\"", at(0))
}

async fn add(catalog: &dyn Catalog, account: &Account) -> Added {
    catalog.add_account(account, false).await.expect("an answer")
}

async fn begin(catalog: &dyn Catalog, session: &Session) -> Secret {
    let secret = Secret::generate();
    catalog.add_session(session, &secret.hash()).await.expect("a session");
    secret
}

async fn an_account_comes_back_as_it_was_and_has_its_name_alone(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    assert_eq!(catalog.count_accounts().await.expect("a count"), 0);
    let only = Verticals::only_or_all(["가나", "eye-2"].map(|name| name.parse().expect("a vertical")));
    let full = Account {
        language: Lang::En,
        password: Some(PasswordHash::stored("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned())),
        subject: Some("https://issuer.example 42".to_owned()),
        disabled_at: Some(at(7)),
        last_login: Some(at(6)),
        epoch: 3,
        verticals: only,
        ..account("김철수", Role::Operator)
    };
    for made in [full.clone(), account("kim", Role::Admin), account("kim.", Role::Viewer)] {
        assert_eq!(add(&*catalog, &made).await, Added::Added);
        assert_eq!(catalog.account(&made.id).await.expect("a look"), Some(made.clone()));
        assert_eq!(catalog.account_named(&made.name).await.expect("a look"), Some(made.clone()));
        let again = Account { name: made.name, ..account("other", Role::Viewer) };
        assert_eq!(add(&*catalog, &again).await, Added::NameTaken);
        assert_eq!(catalog.account(&again.id).await.expect("a look"), None);
    }
    let subject = full.subject.as_deref().expect("a subject");
    assert_eq!(catalog.account_of_subject(subject).await.expect("a look"), Some(full));
    assert_eq!(catalog.account_of_subject("https://issuer.example 4").await.expect("a look"), None);
    assert_eq!(catalog.account_named("김").await.expect("a look"), None);
    assert_eq!(catalog.count_accounts().await.expect("a count"), 3);
}

async fn accounts_are_listed_in_pages(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let mut made: Vec<Account> = (0..5).map(|n| account(&format!("a{n}"), Role::Viewer)).collect();
    for account in &made {
        assert_eq!(add(&*catalog, account).await, Added::Added);
    }
    made.sort_by(|a, b| a.id.cmp(&b.id));
    let mut seen: Vec<Account> = Vec::new();
    loop {
        let after = seen.last().map_or("", |account| &account.id).to_owned();
        let page = catalog.accounts(&after, 2).await.expect("accounts");
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, made);
}

async fn a_change_is_made_once_and_never_over_another(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let made = account("kim", Role::Viewer);
    add(&*catalog, &made).await;
    catalog.note_login(&made.id, at(5)).await.expect("a note");
    let changed = Account {
        role: Role::Admin,
        epoch: 1,
        language: Lang::En,
        disabled_at: Some(at(9)),
        verticals: Verticals::only_or_all(["eye".parse().expect("a vertical")]),
        password: Some(PasswordHash::stored("$argon2id$x".to_owned())),
        subject: Some("issuer subject".to_owned()),
        ..made.clone()
    };
    assert!(catalog.change_account(&changed).await.expect("a change"), "noting a log-in is no change");
    assert!(!catalog.change_account(&changed).await.expect("an answer"), "it was read before the change");
    let expected = Account { version: 1, last_login: Some(at(5)), ..changed };
    assert_eq!(catalog.account(&made.id).await.expect("a look"), Some(expected.clone()));
    let back = Account { version: 1, ..made };
    assert!(catalog.change_account(&back).await.expect("a change"));
    let expected = Account { version: 2, last_login: Some(at(5)), ..back };
    assert_eq!(catalog.account_named("kim").await.expect("a look"), Some(expected));
    assert!(!catalog.change_account(&account("nobody", Role::Viewer)).await.expect("an answer"));
}

async fn of_several_first_accounts_one_is(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let names: Vec<Account> = (0..4).map(|n| account(&format!("first{n}"), Role::Admin)).collect();
    let added = futures::future::join_all(names.iter().map(|account| catalog.add_account(account, true))).await;
    let added: Vec<Added> = added.into_iter().map(|added| added.expect("an answer")).collect();
    assert_eq!(added.iter().filter(|added| **added == Added::Added).count(), 1, "{added:?}");
    assert_eq!(added.iter().filter(|added| **added == Added::NotFirst).count(), 3, "{added:?}");
    assert_eq!(catalog.count_accounts().await.expect("a count"), 1);
    assert_eq!(add(&*catalog, &account("second", Role::Viewer)).await, Added::Added);
}

async fn sessions_are_found_by_their_secrets_until_they_end(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let (kim, lee) = (account("kim", Role::Viewer), account("lee", Role::Viewer));
    for account in [&kim, &lee] {
        add(&*catalog, account).await;
    }
    let older = Session { address: Some("2001:db8::1".to_owned()), ..Session::new(&kim, at(0), A_WEEK) };
    let newer =
        Session { browser: Some("Mozilla/5.0 가 \\'\"".to_owned()), epoch: 2, ..Session::new(&kim, at(1), A_WEEK) };
    let of_lee = Session::new(&lee, at(2), A_WEEK);
    let secret = begin(&*catalog, &older).await;
    begin(&*catalog, &newer).await;
    let lees = begin(&*catalog, &of_lee).await;
    assert_eq!(catalog.session_of(&secret.hash()).await.expect("a look"), Some((older.clone(), kim.clone())));
    assert_eq!(catalog.session_of(&lees.hash()).await.expect("a look"), Some((of_lee, lee)));
    assert_eq!(catalog.session_of(&Secret::generate().hash()).await.expect("a look"), None);
    assert_eq!(catalog.sessions_of(&kim.id).await.expect("sessions"), [newer.clone(), older.clone()]);
    for (noted, then) in [(9, 9), (4, 9)] {
        catalog.note_session_use(&older.id, at(noted)).await.expect("a note");
        let used = catalog.session_of(&secret.hash()).await.expect("a look").expect("a session").0;
        assert_eq!(used.last_used, at(then), "a clock that goes back prolongs nothing");
    }
    assert!(catalog.end_session(&older.id).await.expect("an end"));
    assert!(!catalog.end_session(&older.id).await.expect("an answer"));
    assert_eq!(catalog.session_of(&secret.hash()).await.expect("a look"), None);
    assert_eq!(catalog.sessions_of(&kim.id).await.expect("sessions"), [newer]);
}

async fn links_come_back_until_they_are_forgotten(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let kim = Account { epoch: 4, ..account("kim", Role::Viewer) };
    let (first, of_kim) = (Link::new(None, at(0)), Link::new(Some(&kim), at(1)));
    let (secret, kims) = (Secret::generate(), Secret::generate());
    catalog.add_link(&first, &secret.hash()).await.expect("a link");
    catalog.add_link(&of_kim, &kims.hash()).await.expect("a link");
    assert_eq!(catalog.link_of(&secret.hash()).await.expect("a look"), Some(first.clone()));
    assert_eq!(catalog.link_of(&kims.hash()).await.expect("a look"), Some(of_kim.clone()));
    assert_eq!(catalog.link_of(&Secret::generate().hash()).await.expect("a look"), None);
    assert_eq!(catalog.count_links(None).await.expect("a count"), 1);
    catalog.remove_links(Some(&kim.id)).await.expect("a change");
    assert_eq!(catalog.link_of(&kims.hash()).await.expect("a look"), None);
    let later = Link::new(None, first.expires);
    catalog.add_link(&later, &kims.hash()).await.expect("a link");
    assert_eq!(catalog.link_of(&secret.hash()).await.expect("a look"), None, "it ended before the new one");
    assert_eq!(catalog.count_links(None).await.expect("a count"), 1);
    catalog.remove_links(None).await.expect("a change");
    assert_eq!(catalog.count_links(None).await.expect("a count"), 0);
}

async fn nothing_is_left_of_a_removed_account(fixture: &dyn Fixture) {
    let catalog = fixture.empty_catalog().await;
    let (kim, lee) = (account("kim", Role::Admin), account("lee", Role::Viewer));
    assert_eq!(catalog.add_account(&kim, true).await.expect("an answer"), Added::Added);
    add(&*catalog, &lee).await;
    let secret = begin(&*catalog, &Session::new(&kim, at(0), A_WEEK)).await;
    let lees = begin(&*catalog, &Session::new(&lee, at(0), A_WEEK)).await;
    let link = Secret::generate();
    catalog.add_link(&Link::new(Some(&kim), at(0)), &link.hash()).await.expect("a link");
    assert!(catalog.remove_account(&kim.id).await.expect("a change"));
    assert!(!catalog.remove_account(&kim.id).await.expect("an answer"));
    assert_eq!(catalog.session_of(&secret.hash()).await.expect("a look"), None);
    assert_eq!(catalog.sessions_of(&kim.id).await.expect("sessions"), []);
    assert_eq!(catalog.link_of(&link.hash()).await.expect("a look"), None);
    assert!(catalog.session_of(&lees.hash()).await.expect("a look").is_some());
    assert_eq!(add(&*catalog, &account("kim", Role::Viewer)).await, Added::Added, "the name is free");
}
