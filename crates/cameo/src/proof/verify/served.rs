//! Images as the public gets them, and what they show of the rendition in the store.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    model::{error::Result, lang::Text},
    store::ObjectInfo,
};

use super::{report::PlaceState, words};

/// An image as the public sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedImage {
    /// The `ETag` that it was served with, without quotes.
    pub etag: Option<String>,
    /// MD5 of the body, in hexadecimal.
    pub md5: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Width and height that the JPEG's frame header says, pixels.
    pub size: Option<(u32, u32)>,
    /// `Last-Modified`.
    pub last_modified: Option<Timestamp>,
    /// How long it has been in a cache, where one says so (`Age`).
    pub age: Option<Duration>,
    /// How long a cache may keep it (`max-age` or `s-maxage`).
    pub max_age: Option<Duration>,
}

/// What fetching an image came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The image.
    Image(ServedImage),
    /// The answer is that there is none, in words.
    Absent(Text),
    /// Nobody answers, or only that they cannot now: what is served is not known.
    Unreachable(String),
    /// It was not asked for.
    NotAsked,
}

/// Looks at images as the public does.
#[async_trait]
pub trait Served: Send + Sync + std::fmt::Debug {
    /// Fetches the image at a key.
    async fn fetch(&self, key: &str) -> Result<Fetched>;

    /// Fetches the image at a key from the listener behind the public address, where both are known and differ.
    async fn fetch_behind(&self, _key: &str) -> Result<Fetched> {
        Ok(Fetched::NotAsked)
    }

    /// Why images cannot be fetched, once that was seen.
    fn why_not(&self) -> Option<String> {
        None
    }

    /// Whether there is an address to fetch images from.
    fn has_base(&self) -> bool {
        true
    }

    /// Asks for anything under the base: an error where nobody answers.
    async fn probe(&self) -> Result<()> {
        Ok(())
    }

    /// The address of a key's image, for people.
    fn address(&self, key: &str) -> String {
        key.to_owned()
    }
}

impl ServedImage {
    /// Whether it is the content with this `ETag`. Content decides; where the `ETag` is of an upload in parts, the `ETag` does.
    pub(super) fn is(&self, etag: &str) -> bool {
        let named = self.etag.as_deref().map(|named| named.trim_start_matches("W/").trim_matches('"'));
        self.md5 == etag || (etag.contains('-') && named == Some(etag))
    }

    /// Whether a cache on the way shows what the key held before its rendition was written, within its time.
    pub(super) fn may_be_earlier(&self, rendition: &ObjectInfo, now: Timestamp) -> bool {
        let is_from_cache = self.age.is_some() || self.last_modified.is_some_and(|at| at < whole_seconds(rendition));
        let Some(max_age) = self.max_age else { return false };
        let cached_at = now.checked_sub(self.age.unwrap_or(max_age)).unwrap_or(Timestamp::MIN);
        let written_before = rendition.last_modified < cached_at;
        is_from_cache && !written_before && self.age.is_none_or(|age| age <= max_age)
    }
}

/// `Last-Modified` has no fractions of a second.
fn whole_seconds(info: &ObjectInfo) -> Timestamp {
    Timestamp::from_second(info.last_modified.as_second()).unwrap_or(info.last_modified)
}

/// How what is served stands, and what is wrong with it, given the `ETag` that it should have.
pub(super) fn judge(
    fetched: &Fetched,
    etag: Option<&str>,
    rendition: Option<&ObjectInfo>,
    now: Timestamp,
) -> (PlaceState, Option<Text>) {
    let image = match fetched {
        Fetched::NotAsked => return (PlaceState::Unexpected, None),
        Fetched::Unreachable(_) => return (PlaceState::Unknown, None),
        Fetched::Absent(why) => return (PlaceState::Missing, Some(words::not_found_because(why))),
        Fetched::Image(image) => image,
    };
    let Some(etag) = etag else { return (PlaceState::Present, None) };
    if !image.is(etag) {
        if rendition.is_some_and(|rendition| rendition.etag == etag && image.may_be_earlier(rendition, now)) {
            return (PlaceState::Pending, Some(words::from_cache()));
        }
        return (PlaceState::Different, Some(words::not_the_rendition()));
    }
    let is_jpeg =
        |kind: &str| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("image/jpeg"));
    match &image.content_type {
        Some(kind) if !is_jpeg(kind) => (PlaceState::Different, Some(words::media_type(kind, "image/jpeg"))),
        _ => (PlaceState::Present, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A rendition that was written at this second.
    fn rendition(written: i64) -> ObjectInfo {
        ObjectInfo {
            key: "v/sq/1_sq_0.jpg".into(),
            size: 3,
            etag: "new".into(),
            last_modified: at(written),
            content_type: None,
            metadata: [].into(),
            write_generation: None,
        }
    }

    fn cached(age: Option<u64>, last_modified: Option<i64>) -> ServedImage {
        ServedImage {
            md5: "old".into(),
            age: age.map(Duration::from_secs),
            last_modified: last_modified.map(at),
            max_age: Some(Duration::from_mins(1)),
            ..ServedImage::default()
        }
    }

    fn state(image: ServedImage, written: i64) -> PlaceState {
        judge(&Fetched::Image(image), Some("new"), Some(&rendition(written)), at(NOW)).0
    }

    /// flow.md, questionable: "verify 7 through a cache within its minute".
    #[test]
    fn what_a_cache_shows_within_its_time_is_pending() {
        assert_eq!(state(cached(Some(40), None), NOW - 20), PlaceState::Pending);
        assert_eq!(state(cached(None, Some(NOW - 500)), NOW - 20), PlaceState::Pending);
        // It was cached after the rendition was written: then it is no earlier one.
        assert_eq!(state(cached(Some(10), None), NOW - 20), PlaceState::Different);
        // The cache had to ask again long ago.
        assert_eq!(state(cached(Some(90), None), NOW - 80), PlaceState::Different);
        assert_eq!(state(cached(None, Some(NOW - 500)), NOW - 200), PlaceState::Different);
        // Nothing says that there is a cache.
        assert_eq!(state(cached(None, None), NOW - 20), PlaceState::Different);
    }

    #[test]
    fn content_decides_and_a_weak_etag_is_no_fault() {
        let image =
            |etag: &str, md5: &str| ServedImage { etag: Some(etag.into()), md5: md5.into(), ..ServedImage::default() };
        assert!(image("W/\"other\"", "new").is("new"));
        assert!(!image("new", "other").is("new"), "a header proves nothing");
        assert!(image("abc-2", "other").is("abc-2"), "but where nothing else can");
    }

    #[test]
    fn an_image_that_browsers_would_not_show_is_different() {
        let html = ServedImage { md5: "new".into(), content_type: Some("text/html".into()), ..ServedImage::default() };
        assert_eq!(state(html, 0), PlaceState::Different);
        let jpeg = ServedImage { md5: "new".into(), content_type: Some("image/jpeg".into()), ..ServedImage::default() };
        assert_eq!(state(jpeg, 0), PlaceState::Present);
    }
}
