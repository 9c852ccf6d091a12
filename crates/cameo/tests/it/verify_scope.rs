//! What a scope is about: names that nothing is known of, names of macOS, misnamed files, folders that were handed over, and what
//! reconciling may touch.

use cameo::{
    clock::SystemClock,
    ledger::Scope,
    model::{
        key::{PhotoId, UploadKey},
        lang::Lang,
    },
    proof::{
        adopt::{Asked, Looked, adopt},
        dismiss::misnamed_with_ids,
        verify::{Delivery, EntityState, HandedOver, Listen, Look, Progress, Question, Sample, Step, absent_ids},
    },
    store::Attributes,
};

use crate::whole_system::{Found, IMAGES, System, UPLOADS, size_set};

async fn system() -> System {
    let system = System::start().await;
    for key in ["ssgdfm_eye/1_0", "ssgdfm_eye/2_0", "brand/1_0"] {
        system.put(UPLOADS, &format!("origin/{key}.jpg"), key.to_owned()).await;
    }
    system.drain().await;
    system
}

fn vertical(name: &str) -> Scope {
    Scope::Vertical(name.parse().unwrap())
}

fn ids(vertical: Option<&str>, cd_idx: &[u64]) -> Scope {
    Scope::Ids { vertical: vertical.map(|name| name.parse().unwrap()), cd_idx: cd_idx.to_vec() }
}

async fn verify(system: &System, scope: Scope) -> Found {
    system.verify_question(&Question::of(scope)).await
}

/// users.md 4.
#[tokio::test]
async fn a_vertical_that_nobody_knows_is_a_difference_with_near_names() {
    let system = system().await;
    let found = verify(&system, vertical("ssgdfm_eyee")).await;
    assert_eq!(found.state(), EntityState::Different);
    let unmatched = found.summary.unmatched.unwrap().text(Lang::En);
    assert_eq!(unmatched, "no such vertical \"ssgdfm_eyee\"; did you mean ssgdfm_eye?");
    assert_eq!(verify(&system, vertical("ssgdfm_eye")).await.state(), EntityState::Complete);
    assert_eq!(verify(&System::start().await, vertical("ssgdfm_eye")).await.state(), EntityState::Different);
    assert_eq!(verify(&System::start().await, Scope::All).await.state(), EntityState::Complete);
}

/// users.md 4, 41: an id is known by a misnamed file too.
#[tokio::test]
async fn ids_that_nobody_knows_are_named_and_misnamed_files_are_theirs() {
    let system = system().await;
    for key in [
        "origin/brand/2042.jpg",
        "origin/brand/2043-1.jpg",
        "brand/2044_0.jpg",
        "origin/brand/20420_0.jpg",
        "origin/brand/ 2045_0.jpg",
        "origin/brand/２０４６_0.jpg",
        "origin/brand/shop_2048_0.jpg",
        "origin/brand/20261127_2047_0.jpg",
    ] {
        system.put(UPLOADS, key, "x").await;
    }
    system.drain().await;
    let scope = ids(None, &[1, 7, 2042, 2043, 2044, 2045, 2046, 2047, 2048, 20_261_127]);
    let found = verify(&system, scope.clone()).await;
    assert_eq!(found.summary.unknown_ids, [7, 2047, 20_261_127], "whose the last file is nobody can tell");
    let files: Vec<_> = found.summary.strays.iter().map(|stray| stray.key.as_str()).collect();
    let misnamed = [
        "origin/brand/ 2045_0.jpg",
        "origin/brand/2042.jpg",
        "origin/brand/2043-1.jpg",
        "origin/brand/shop_2048_0.jpg",
        "origin/brand/２０４６_0.jpg",
    ];
    assert_eq!(files, [&misnamed[..], &["brand/2044_0.jpg"]].concat());
    let worker = system.worker();
    let urls = system.urls.lock().unwrap().clone();
    let served = system.served.lock().unwrap().clone();
    let places = cameo::proof::verify::Places {
        store: &*worker.flow.store,
        catalog: &*worker.flow.catalog,
        served: &*served,
        queues: None,
        urls: Some(&urls),
        settings: &worker.flow.settings,
        clock: &SystemClock,
    };
    let dismissible = misnamed_with_ids(places, &scope, None).await.unwrap();
    assert_eq!(dismissible.into_iter().map(|file| file.key).collect::<Vec<_>>(), misnamed, "dismissed by the same ids");
    assert_eq!(found.reports.len(), 2, "1 of two verticals");
    assert_eq!(verify(&system, ids(Some("brand"), &[1])).await.state(), EntityState::Complete);
}

/// users.md 4: a list of what should be there is not complete where some of it is deleted.
#[tokio::test]
async fn ids_of_what_is_deleted_are_named() {
    let system = system().await;
    system.put(UPLOADS, "origin/brand/8_0.jpg", "x").await;
    system.drain().await;
    system.delete(UPLOADS, "origin/brand/8_0.jpg").await;
    system.drain().await;
    let found = verify(&system, ids(None, &[1, 7, 8])).await;
    assert_eq!((found.summary.unknown_ids.clone(), found.summary.deleted_ids.clone()), (vec![7], vec![8]));
    assert_eq!(verify(&system, ids(None, &[1, 8])).await.state(), EntityState::Different);
    assert_eq!(verify(&system, Scope::All).await.state(), EntityState::Complete);
}

/// users.md 5, 6: what is not under origin/, or in a folder that macOS named, shows in the view of its vertical.
#[tokio::test]
async fn misplaced_and_decomposed_names_show_under_their_vertical() {
    let system = system().await;
    system.put(UPLOADS, "origin/\u{ac00}\u{ac01}/1_0.jpg", "x").await;
    for key in ["origin/\u{1100}\u{1161}\u{1100}\u{1161}\u{11a8}/2_0.jpg", "\u{ac00}\u{ac01}/3_0.jpg", "readme.txt"] {
        system.put(UPLOADS, key, "x").await;
    }
    system.drain().await;
    let found = verify(&system, vertical("\u{ac00}\u{ac01}")).await;
    assert_eq!((found.state(), found.summary.complete), (EntityState::Rejected, 1));
    let files: Vec<_> = found.summary.strays.iter().map(|stray| stray.key.as_str()).collect();
    assert_eq!(files, ["origin/\u{1100}\u{1161}\u{1100}\u{1161}\u{11a8}/2_0.jpg", "\u{ac00}\u{ac01}/3_0.jpg"]);
    let catalog = system.worker().flow.catalog;
    let rejected = catalog.rejected(Some(&"\u{ac00}\u{ac01}".parse().unwrap()), 10).await.unwrap();
    assert_eq!(rejected.len(), 1, "console and status go by the ledger");
}

fn handed_over(body: &[u8]) -> HandedOver {
    HandedOver { size: body.len() as u64, md5: hex::encode(fast_md5::digest(body)), sha256: None }
}

/// flow.md 17: the ETag of an upload in parts says nothing of its bytes, so they are read.
#[tokio::test]
async fn originals_in_parts_are_compared_with_the_folder_by_content() {
    let system = system().await;
    let key = "origin/brand/1_0.jpg";
    system.sql(&format!("UPDATE cameo_objects SET etag = 'abc-2' WHERE object_key = '{key}'"));
    system.sql(&format!("UPDATE cameo_originals SET etag = 'abc-2' WHERE object_key = '{key}'"));
    let UploadKey::Photo(photo) = UploadKey::parse(key) else { panic!("a photo") };
    let ask = |body: &'static [u8], photo: PhotoId| {
        let delivery = Delivery { originals: [(photo, handed_over(body))].into(), ..Delivery::default() };
        Question { delivery: Some(delivery), ..Question::of(vertical("brand")) }
    };
    let found = system.verify_question(&ask(b"brand/1_0", photo.clone())).await;
    assert_eq!((found.lines(), found.state()), (vec![], EntityState::Complete));
    let found = system.verify_question(&ask(b"brand/1_1", photo)).await;
    assert_eq!(found.lines(), ["brand/1_0: the original's content is not that of the file handed over"]);
    assert_eq!(found.state(), EntityState::Different);
}

/// flow.md 5, users.md 22: a scope bounds all that reconciling does, and the plan says how much that is.
#[tokio::test]
async fn reconciling_touches_what_its_scope_says_and_counts_it_first() {
    let system = system().await;
    let away = "UPDATE celeb_image_url SET image_url = 'https://away.example' || image_size";
    assert_eq!(system.sql(away), 6);
    system.sql("UPDATE celeb_image_url SET cd_idx = 9, vertical = 'other' WHERE vertical = 'brand'");
    let plan = verify(&system, ids(Some("ssgdfm_eye"), &[1])).await.plan;
    assert_eq!((plan.addresses_total(), plan.render.len(), plan.take_down.len()), (2, 0, 0));
    let (from, to) = plan.example.clone().unwrap();
    assert_eq!((from.as_str(), to), ("https://away.examplesq", format!("{}/ssgdfm_eye/sq/1_sq_0.jpg", system.base)));
    system.reconcile(&plan).await;
    let catalog = system.worker().flow.catalog;
    let rows = catalog.rows(&Scope::All, None, 100).await.unwrap();
    let moved: Vec<_> = rows.iter().filter(|row| !row.image_url.starts_with("https://away")).collect();
    assert!(moved.len() == 2 && moved.iter().all(|row| row.photo.entity.cd_idx == 1), "{rows:?}");
    let all = verify(&system, Scope::All).await.plan;
    system.reconcile(&all).await;
    let rows = catalog.rows(&vertical("other"), None, 100).await.unwrap();
    assert!(rows.iter().all(|row| row.image_url.starts_with("https://away")), "rows of nobody are left: {rows:?}");
}

/// A finding may be stale by the time that somebody acts on it.
#[tokio::test]
async fn reconciling_on_a_stale_report_does_nothing() {
    let system = system().await;
    let key = "origin/ssgdfm_eye/2_0.jpg";
    system.sql(&format!("DELETE FROM cameo_objects WHERE object_key = '{key}'"));
    system.copy("brand/sq/1_sq_0.jpg", "ssgdfm_eye/sq/5_sq_0.jpg").await;
    let plan = system.verify(Look::Everything).await.plan;
    assert_eq!((plan.remove.len(), plan.take_down.len()), (1, 1));
    // Meanwhile both photos are uploaded.
    system.put(UPLOADS, key, "again").await;
    system.put(UPLOADS, "origin/ssgdfm_eye/5_0.jpg", "new").await;
    system.drain().await;
    system.reconcile(&plan).await;
    system.drain().await;
    let found = system.verify(Look::Deep).await;
    assert_eq!((found.lines(), found.state()), (vec![], EntityState::Complete));
    assert_eq!(found.summary.complete, 4);
}

/// flow.md, questionable: what is adopted must be what verifying would call complete.
#[tokio::test]
async fn what_was_changed_is_not_adopted() {
    let system = system().await;
    system.sql("DELETE FROM cameo_originals");
    system
        .sql("UPDATE celeb_image_url SET width = 9 WHERE vertical = 'ssgdfm_eye' AND cd_idx = 1 AND image_size = 've'");
    system.sql("UPDATE cameo_objects SET modified_at = 0 WHERE object_key = 'brand/sq/1_sq_0.jpg'");
    let flow = system.worker().flow;
    let urls = system.urls.lock().unwrap().clone();
    let mut looked = Vec::new();
    let asked = Asked { scope: Scope::All, dry_run: false };
    let tell = |photo: &PhotoId, what: &Looked| looked.push((photo.to_string(), what.clone()));
    adopt(&*flow.store, &*flow.catalog, &flow.settings, &urls, &SystemClock, asked, tell).await.unwrap();
    let older = Looked::Left("the rendition of sq is older than its original".to_owned());
    assert_eq!(looked[0], ("brand/1_0".to_owned(), older));
    let Looked::Left(why) = &looked[1].1 else { panic!("{looked:?}") };
    assert!(why.contains("ve"), "{why}");
    assert_eq!(looked[2], ("ssgdfm_eye/2_0".to_owned(), Looked::Adopted));
    let found = system.verify(Look::Everything).await;
    assert_eq!((found.summary.complete, found.summary.different), (1, 2), "{:?}", found.lines());
}

/// What stands at the root of the image bucket, or belongs to whatever else uses it, is none of our business.
#[tokio::test]
async fn other_things_in_the_image_bucket_are_left_alone() {
    let system = system().await;
    system.put_with(IMAGES, "robots.txt", "x", &Attributes::default()).await;
    system.put_with(IMAGES, "assets/logo.png", "x", &Attributes::default()).await;
    assert_eq!(system.verify(Look::Everything).await.state(), EntityState::Complete);
}

/// Image sizes were changed, and the newest original of one photo is rejected: nothing can be rendered from it, so what is served of
/// the older one stays whole, and a person is named instead of rendering in vain for ever.
#[tokio::test]
async fn a_dropped_size_stays_public_as_long_as_a_row_leads_there() {
    let system = System::start().await;
    for (key, body) in [("v/1_0", "good"), ("v/2_0", "good too")] {
        system.put(UPLOADS, &format!("origin/{key}.jpg"), body).await;
    }
    system.drain().await;
    system.put(UPLOADS, "origin/v/1_0.jpg", "bad").await;
    system.drain().await;
    system.reconfigure(|settings| settings.size_sets = size_set("small/2", &[("sq", 8, 8), ("ho", 16, 8)]));
    let exists = async |key: &'static str| system.store.head(IMAGES, key).await.unwrap().is_some();

    let found = verify(&system, Scope::All).await;
    assert!(found.plan.take_down.is_empty(), "{:?}", found.plan);
    assert_eq!(found.plan.render.iter().collect::<Vec<_>>(), ["origin/v/2_0.jpg"]);
    assert_eq!(
        found.plan.left.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["v/1: whoever handed it over: upload a good 1_0.jpg; the one there is rejected (file.corrupt)"]
    );
    system.reconcile(&found.plan).await;
    system.drain().await;
    assert!(!exists("v/ve/2_ve_0.jpg").await && !exists("v/ve/2.jpg").await, "the flow takes down what it drops");
    assert!(exists("v/ve/1_ve_0.jpg").await && exists("v/ve/1.jpg").await, "their rows are still there");

    let again = verify(&system, Scope::All).await;
    assert!(again.plan.is_empty() && again.state() == EntityState::Different, "{:?}", again.plan);
    system.put(UPLOADS, "origin/v/1_0.jpg", "good again").await;
    system.drain().await;
    assert_eq!(verify(&system, Scope::All).await.state(), EntityState::Complete);
    assert!(!exists("v/ve/1_ve_0.jpg").await && !exists("v/ve/1.jpg").await);
}

/// users.md 32: thirteen lines of one photo that never arrived.
#[tokio::test]
async fn a_photo_that_never_arrived_is_one_line() {
    let system = system().await;
    let UploadKey::Photo(photo) = UploadKey::parse("origin/brand/7_0.jpg") else { panic!("a photo") };
    let delivery = Delivery { originals: [(photo, handed_over(b"x"))].into(), ..Delivery::default() };
    let found = system.verify_question(&Question { delivery: Some(delivery), ..Question::of(vertical("brand")) }).await;
    assert_eq!(found.lines(), ["brand/7_0: handed over, but not found in the upload bucket"]);
    assert!(found.reports[0].never_arrived() && found.state() == EntityState::Different);
}

/// users.md 20: three lines a photo, of a size that no photo has yet.
#[tokio::test]
async fn a_size_that_no_photo_has_yet_is_one_line_of_the_summary() {
    let system = system().await;
    let sizes = size_set("small/2", &[("sq", 8, 8), ("ve", 8, 16), ("ho", 16, 8)]);
    system.reconfigure(|settings| settings.size_sets = sizes);
    let found = verify(&system, Scope::All).await;
    assert_eq!((found.summary.outdated.len(), found.summary.outdated[0].photos), (1, 3));
    assert!(found.reports.iter().all(cameo::proof::verify::EntityReport::is_said_in_summary), "{:?}", found.lines());
    assert!(!found.reports.iter().any(cameo::proof::verify::EntityReport::never_arrived));
}

/// `status` and `verify` judge by the same: an id that is asked for and of which nothing is left.
#[tokio::test]
async fn absent_ids_are_those_that_verify_names() {
    let system = system().await;
    for key in ["origin/brand/8_0.jpg", "origin/brand/9_0.jpg", "origin/brand/10_0.jpg", "origin/brand/11 (1).jpg"] {
        system.put(UPLOADS, key, "x").await;
    }
    system.drain().await;
    for key in ["origin/brand/8_0.jpg", "origin/brand/9_0.jpg", "origin/brand/10_0.jpg"] {
        system.delete(UPLOADS, key).await;
    }
    system.drain().await;
    // Of 9 a misnamed file is left, and 10 is uploaded again.
    system.put(UPLOADS, "origin/brand/9-1.jpg", "x").await;
    system.put(UPLOADS, "origin/brand/10_0.jpg", "x").await;
    let scope = ids(None, &[1, 7, 8, 9, 10, 11]);
    let found = verify(&system, scope.clone()).await;
    assert_eq!((found.summary.unknown_ids.clone(), found.summary.deleted_ids.clone()), (vec![7], vec![8]));
    let worker = system.worker();
    let urls = system.urls.lock().unwrap().clone();
    let served = system.served.lock().unwrap().clone();
    let places = cameo::proof::verify::Places {
        store: &*worker.flow.store,
        catalog: &*worker.flow.catalog,
        served: &*served,
        queues: None,
        urls: Some(&urls),
        settings: &worker.flow.settings,
        clock: &SystemClock,
    };
    let absent = absent_ids(places, &scope).await.unwrap();
    assert_eq!((absent.unknown, absent.deleted), (vec![7], vec![8]));
}

/// A sample is drawn by its seed, finds what is wrong with what it fetched, and says how much that was.
#[tokio::test]
async fn a_sample_fetches_some_images_and_says_how_many() {
    let system = system().await;
    let sample = |images, seed| Question { sample: Some(Sample { images, seed }), ..Question::of(Scope::All) };
    let all = system.verify_question(&sample(100, 1)).await;
    let sampled = all.summary.sampled.unwrap();
    assert_eq!((sampled.fetched, sampled.of, all.summary.complete, all.state()), (6, 6, 3, EntityState::Complete));
    // Nobody answers: of what is not drawn nothing is said.
    let nobody = cameo::serve::images::client::HttpImages::new("http://127.0.0.1:9").unwrap();
    *system.served.lock().unwrap() = std::sync::Arc::new(nobody);
    let found = system.verify_question(&sample(1, 1)).await;
    assert_eq!((found.summary.complete, found.summary.pending, found.state()), (2, 1, EntityState::Pending));
    let again = system.verify_question(&sample(1, 1)).await;
    let pending = |found: &Found| {
        found.reports.iter().filter(|it| it.not_fetched).map(|it| it.entity().to_string()).collect::<Vec<_>>()
    };
    assert_eq!((pending(&found), pending(&found).len()), (pending(&again), 1));
}

/// The first word comes before anything is looked at, and more as it goes on.
#[tokio::test]
async fn progress_is_told_from_the_start() {
    #[derive(Default)]
    struct Heard(Vec<Progress>);
    impl Listen for Heard {
        fn entity(&mut self, _: &cameo::proof::verify::EntityReport) {
            assert!(!self.0.is_empty(), "a word comes first");
        }
        fn progress(&mut self, progress: Progress) {
            self.0.push(progress);
        }
    }
    let system = system().await;
    let mut heard = Heard::default();
    system.verify_listening(&Question::of(Scope::All), &mut heard).await;
    assert_eq!(heard.0.first(), Some(&Progress { entities: 0, step: Step::Entities }));
    assert_eq!(heard.0.last(), Some(&Progress { entities: 3, step: Step::Objects }));
}

/// Another system's images, or what is left of a vertical: counted, and no fault.
#[tokio::test]
async fn jpegs_of_unknown_verticals_are_counted() {
    let system = system().await;
    for key in ["old_shop/a.jpg", "old_shop/deep/b.JPEG", "old_shop/style.css", "robots.jpg"] {
        system.put(IMAGES, key, "x").await;
    }
    let found = verify(&system, Scope::All).await;
    let other = found.summary.other_images.clone().unwrap();
    assert_eq!((other.count, other.example.as_str(), found.state()), (2, "old_shop/a.jpg", EntityState::Complete));
}
