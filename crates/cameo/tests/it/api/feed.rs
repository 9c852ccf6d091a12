//! The feed of changes and the history of an entity: positions that a client comes back with, and the delivery of each upload.

use cameo::{
    catalog::contract::removed,
    proof::deliveries::{DeliveredFile, NewRecord, create},
};
use jiff::tz::TimeZone;

use super::*;

async fn feed(api: &Api, query: &str) -> Answer {
    get(&format!("/api/v1/changes{query}")).over_socket().of(api).await
}

/// Registers photos of `eye` with these numbers.
async fn registered(api: &Api, ids: std::ops::RangeInclusive<u64>) {
    for id in ids {
        let outcome = rendered(&format!("origin/eye/{id}_0.jpg"), 1, &["sq"]);
        api.site.flow.catalog.register(&[outcome]).await.unwrap();
    }
}

fn positions(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|item| item["position"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_position_that_this_history_never_gave_out_is_told() {
    let api = Api::new().await;
    registered(&api, 50..=54).await;
    let all = feed(&api, "").await.json();
    let (next, mark) = (all["next"].as_u64().unwrap(), all["mark"].as_str().unwrap().to_owned());
    assert_eq!(positions(&all).last(), Some(&next));
    // At the end nothing is new, and that is no fault.
    let end = feed(&api, &format!("?since={next}&mark={mark}")).await.json();
    assert_eq!((&end["items"], &end["next"], &end["mark"]), (&json!([]), &json!(next), &json!(mark)));
    for beyond in [next + 1, u64::MAX] {
        let refused = feed(&api, &format!("?since={beyond}")).await;
        assert_eq!(refused.problem(), (409, "changes.unknown_position".to_owned()));
        assert!(refused.text.contains("read everything again") && refused.text.contains("since=0"), "{}", refused.text);
    }
    // The database is put back, and goes on: the number is one of its positions again, the change another.
    let other = Api::new().await;
    registered(&other, 50..=53).await;
    let behind = feed(&other, &format!("?since={next}&mark={mark}")).await;
    assert_eq!(behind.problem(), (409, "changes.unknown_position".to_owned()), "it ends before");
    registered(&other, 70..=75).await;
    let grown = feed(&other, &format!("?since={next}&mark={mark}")).await;
    assert_eq!(grown.problem(), (409, "changes.unknown_position".to_owned()), "the mark is of another change");
    assert_eq!(feed(&other, &format!("?since={next}")).await.status, StatusCode::OK, "without a mark nobody knows");
    assert!(feed(&api, "?since=-1").await.status.is_client_error());
}

#[tokio::test]
async fn a_position_after_which_lines_were_forgotten_is_told() {
    let api = Api::new().await;
    registered(&api, 50..=54).await;
    let all = positions(&feed(&api, "").await.json());
    let [.., third, second, last] = all[..] else { panic!("{all:?}") };
    let catalog = api.site.flow.catalog.clone();
    catalog.forget_changes(second).await.unwrap();
    let refused = feed(&api, &format!("?since={third}")).await;
    assert_eq!(refused.problem(), (410, "changes.forgotten".to_owned()));
    assert!(refused.text.contains("read everything again"), "{}", refused.text);
    // Whoever has seen the last forgotten line has missed none, and the beginning is that of what is kept.
    for since in [second, 0] {
        assert_eq!(positions(&feed(&api, &format!("?since={since}")).await.json()), [last], "{since}");
    }
    catalog.forget_changes(last).await.unwrap();
    assert_eq!(feed(&api, &format!("?since={second}")).await.problem().0, 410);
    assert_eq!(positions(&feed(&api, &format!("?since={last}")).await.json()), [0_u64; 0]);
}

/// Whoever follows a vertical in which nothing happens gets on, so that what is forgotten is never what they have not seen.
#[tokio::test]
async fn a_quiet_vertical_gets_on_with_the_others() {
    let api = Api::new().await;
    registered(&api, 50..=54).await;
    let last = *positions(&feed(&api, "").await.json()).last().unwrap();
    let quiet = feed(&api, "?vertical=quiet").await.json();
    assert_eq!((&quiet["items"], &quiet["next"], &quiet["more"]), (&json!([]), &json!(last), &json!(false)));
    let part = feed(&api, "?vertical=eye&limit=2").await.json();
    let seen = *positions(&part).last().unwrap();
    assert_eq!((part["next"].as_u64(), &part["more"]), (Some(seen), &json!(true)), "a full page goes on behind itself");
    let again = feed(&api, &format!("?since={seen}&mark={}", part["mark"].as_str().unwrap())).await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn a_change_names_the_delivery_that_it_came_with() {
    let api = Api::new().await;
    let (store, bucket) = (&*api.site.flow.store, &api.site.flow.settings.upload_bucket);
    let zone = TimeZone::UTC;
    let outcome = rendered("origin/eye/90_0.jpg", 1, &["sq"]);
    let (md5, sha256) = ("a".repeat(32), "b".repeat(64));
    let file = DeliveredFile { name: "90_0.jpg".into(), size: 1, md5: md5.clone(), sha256 };
    let content = NewRecord { files: vec![file], ..NewRecord::default() };
    let now = api.site.clock.now();
    let record = create(store, bucket, &"eye".parse().unwrap(), content, (now, &zone)).await.unwrap();
    let catalog = &api.site.flow.catalog;
    catalog.register(&[Outcome { etag: md5, ..outcome }]).await.unwrap();
    catalog.register(&[rendered("origin/eye/90_0.jpg", 2, &["sq"]), removed("origin/eye/90_0.jpg", 3)]).await.unwrap();
    let day = format!("{}-day-eye", now.to_zoned(api.site.zone.clone()).date().strftime("%Y%m%d"));
    let expected = [json!(record.id.to_string()), json!(day), Value::Null];
    let deliveries = |page: &Value| {
        let items = page["items"].as_array().unwrap().iter().filter(|item| item["cd_idx"] == 90);
        items.map(|item| item["delivery"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(deliveries(&feed(&api, "").await.json()), expected);
    let history = get("/api/v1/verticals/eye/entities/90/history").over_socket().of(&api).await.json();
    let newest_first: Vec<_> = expected.into_iter().rev().collect();
    assert_eq!(deliveries(&history), newest_first);
}
