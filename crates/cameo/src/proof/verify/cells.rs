//! One photo at each image size: rendition, row and what is served, against each other and against what the ledger serves.

use std::collections::{BTreeMap, BTreeSet};

use cameo_image::{Fit, ImageSize};

use super::{
    Look, PhotoFacts, Places,
    repair::Repair,
    report::{Cell, PlaceState},
    served::{self, Fetched},
    view::View,
    words::{self, Part},
};
use crate::{
    flow::{
        publish::JPEG,
        rendition_metadata::{original_of, size_of},
    },
    ledger::{Row, image_urls::ImageUrls},
    model::{
        error::{Kind, Result},
        generation::Generation,
        key::PhotoId,
        lang::Text,
    },
    store::{ContentState, ObjectInfo},
};

/// What the cells of a photo are judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    /// The generation that its renditions must be made from, where one is served.
    pub(super) generation: Option<&'e Generation>,
    /// `ETag` of the original that is served, where its store names what it holds by content alone (S3).
    pub(super) original: Option<&'e str>,
    /// Whether somebody else made them: then they do not say from what.
    pub(super) adopted: bool,
    /// Whether they were made by the current size set.
    pub(super) current: bool,
}

/// One image size of a photo.
pub(super) struct Judged {
    pub(super) cell: Cell,
    /// What is wrong, with what repairs it.
    pub(super) findings: Vec<(Text, Repair)>,
    /// What a cache may still show.
    pub(super) waits: Option<Text>,
    /// Whether what is wrong follows from another size set: the size is new, or no longer in it.
    pub(super) follows_size_set: bool,
    /// What the alias may show.
    pub(super) alias: MayShow,
}

/// Renditions that aliases may show, by image size: that of the lowest sequence.
pub(super) type Primaries = BTreeMap<String, (PhotoId, MayShow)>;

/// What an alias may show of the primary photo.
#[derive(Debug, Clone, Default)]
pub(super) struct MayShow {
    /// `ETag`s that it may have; none where the rendition is not as it should be.
    pub(super) etags: Vec<String>,
    /// Length that it has with the first of them, bytes.
    pub(super) bytes: u64,
}

/// What the public gets.
struct Seen {
    state: PlaceState,
    /// What a cache may still show.
    waits: Option<Text>,
    /// What is wrong with it, where the rendition looks right.
    wrong: Option<Wrong>,
}

/// What is wrong with what the public gets.
enum Wrong {
    /// It is the rendition, which is not what it says of itself.
    Content(Text),
    /// It is not the rendition.
    Served(Text),
}

impl Seen {
    fn only(state: PlaceState) -> Self {
        Self { state, waits: None, wrong: None }
    }
}

/// What stands at one image size.
struct Standing<'s> {
    photo: &'s PhotoId,
    image_size: &'s str,
    /// None where the size set has no such image size.
    size: Option<&'s ImageSize>,
    rendition: Option<&'s ObjectInfo>,
    content: ContentState,
    row: Option<&'s Row>,
    expected: Expected<'s>,
}

/// Judges a photo at every image size that it should have, and that it has rows of.
pub(super) async fn judge(
    view: View<'_>,
    photo: &PhotoId,
    facts: &PhotoFacts,
    expected: Expected<'_>,
) -> Result<Vec<Judged>> {
    let Places { store, settings, .. } = view.places;
    let set = settings.size_sets.of(&photo.entity.vertical).sizes.sizes();
    let configured = set.iter().map(|size| size.name.as_str());
    let names: BTreeSet<&str> = configured.chain(facts.rows.keys().map(String::as_str)).collect();
    let keys: Vec<String> = names.iter().map(|name| photo.rendition_key(name)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let renditions = store.head_all(&settings.image_bucket, &keys).await?;
    let contents = store.check_content(&settings.image_bucket, &keys).await?;
    let mut judged = Vec::with_capacity(names.len());
    for (n, image_size) in names.into_iter().enumerate() {
        let standing = Standing {
            photo,
            image_size,
            size: set.iter().find(|size| size.name == image_size),
            rendition: renditions.get(n).and_then(Option::as_ref),
            content: contents.get(n).copied().unwrap_or(ContentState::Present),
            row: facts.rows.get(image_size),
            expected,
        };
        judged.push(standing.judge(view, keys[n]).await?);
    }
    Ok(judged)
}

impl Standing<'_> {
    async fn judge(&self, view: View<'_>, key: &str) -> Result<Judged> {
        let mut findings = Vec::new();
        let mut rendition = self.rendition_state();
        if rendition.0 == PlaceState::Present && view.look == Look::Deep {
            rendition = self.hashed(view.places, key).await?;
        }
        let (rendition, wrong) = rendition;
        let again = || Repair::Render(self.photo.clone());
        let dropped = self.size.is_none();
        if let Some(wrong) = wrong.filter(|_| !dropped) {
            findings.push((self.finding(Part::Rendition, &wrong), again()));
        }
        let row = self.row_state(view.places, key, rendition, &mut findings);
        let Seen { state: served, waits, wrong } = self.served_state(view.places, key, rendition).await?;
        let rendition = match wrong {
            Some(Wrong::Content(wrong)) => {
                findings.push((self.finding(Part::Rendition, &wrong), again()));
                PlaceState::Different
            }
            Some(Wrong::Served(wrong)) => self.why_served_wrong(view.places, key, wrong, &mut findings).await?,
            None => rendition,
        };
        let alias = match self.rendition {
            Some(info) if rendition == PlaceState::Present && self.expected.current && !dropped => {
                // Where the row names another one, either may be what somebody changed.
                let etags = std::iter::once(info.etag.clone()).chain(self.row.map(|row| row.etag.clone())).collect();
                MayShow { etags, bytes: info.size }
            }
            _ => MayShow::default(),
        };
        let cell = Cell {
            sequence: self.photo.sequence,
            image_size: self.image_size.to_owned(),
            original: PlaceState::Present,
            rendition,
            row,
            served,
            reason: None,
        };
        let follows_size_set = dropped || (self.rendition.is_none() && self.row.is_none());
        Ok(Judged { cell, findings, waits, follows_size_set, alias })
    }

    fn finding(&self, part: Part, wrong: &Text) -> Text {
        words::of_cell(self.photo, self.image_size, part, wrong)
    }

    fn rendition_state(&self) -> (PlaceState, Option<Text>) {
        let Some(info) = self.rendition else {
            // Of a size that is no longer in the set nothing is expected.
            let absent = if self.size.is_some() { PlaceState::Missing } else { PlaceState::Unexpected };
            return (absent, Some(words::not_found()));
        };
        match self.content {
            ContentState::Missing => return (PlaceState::Missing, Some(words::lost_content())),
            ContentState::Short { expected_bytes, found_bytes } => {
                return (PlaceState::Different, Some(words::short(found_bytes, expected_bytes)));
            }
            ContentState::Present | ContentState::NoObject => {}
        }
        match self.mismatch(info) {
            Some(mismatch) => (PlaceState::Different, Some(mismatch)),
            None => (PlaceState::Present, None),
        }
    }

    /// Where the same bytes were uploaded twice to a store that names them alike, their events publish the same renditions under
    /// conditions that both hold, and the older one may come last: what is there is made from the content that is served.
    fn is_same_content(&self, info: &ObjectInfo, made_from: &Generation, expected: &Generation) -> bool {
        made_from < expected && self.expected.original.is_some() && original_of(info) == self.expected.original
    }

    /// What the object itself shows to be wrong.
    fn mismatch(&self, info: &ObjectInfo) -> Option<Text> {
        if let Some(expected) = self.expected.generation {
            match info.made_from() {
                Some(made_from) if made_from != *expected && !self.is_same_content(info, &made_from, expected) => {
                    return Some(words::other_generation(&made_from, expected));
                }
                None if !self.expected.adopted => return Some(words::not_ours()),
                _ => {}
            }
        }
        match info.content_type.as_deref() {
            Some(kind) if kind != JPEG => return Some(words::media_type(kind, JPEG)),
            None if !self.expected.adopted => return Some(words::no_media_type()),
            _ => {}
        }
        // A row of the same sizes, and an object of others: somebody overwrote the object.
        let of_another = |row: &Row| row.etag != info.etag && info.made_from().is_none();
        if self.row.is_some_and(of_another) {
            return Some(words::not_registered());
        }
        let (size, (width, height)) = (self.size.filter(|_| self.expected.current)?, size_of(info)?);
        (!fits(size, width, height)).then(|| words::unfit((width, height), (size.width, size.height)))
    }

    /// Reads the rendition and compares it with what is recorded.
    async fn hashed(&self, places: Places<'_>, key: &str) -> Result<(PlaceState, Option<Text>)> {
        let Some(info) = self.rendition else { return Ok((PlaceState::Present, None)) };
        Ok(match rotted(places, &places.settings.image_bucket, key, info).await? {
            None => (PlaceState::Present, None),
            Some(why) => (PlaceState::Different, Some(why)),
        })
    }

    /// The row against the rendition, column by column.
    fn row_state(
        &self,
        places: Places<'_>,
        key: &str,
        rendition: PlaceState,
        findings: &mut Vec<(Text, Repair)>,
    ) -> PlaceState {
        let again = || Repair::Render(self.photo.clone());
        let Some(row) = self.row else {
            findings.push((self.finding(Part::Row, &words::not_found()), again()));
            return PlaceState::Missing;
        };
        if self.size.is_none() {
            let gone = words::size_dropped(self.image_size);
            findings.push((words::about(self.photo, &gone), again()));
            return PlaceState::Different;
        }
        let before = findings.len();
        if let Some(to) = wrong_address(places.urls, &row.image_url, key) {
            let wrong = words::other_address(&row.image_url, &to);
            let repair = Repair::RewriteUrl { photo: self.photo.clone(), from: row.image_url.clone(), to };
            findings.push((self.finding(Part::Row, &wrong), repair));
        }
        if let Some(info) = self.rendition.filter(|_| rendition != PlaceState::Different) {
            let (width, height) = size_of(info).unwrap_or((row.width, row.height));
            let columns = [
                ("etag", row.etag.clone(), info.etag.clone()),
                ("bytes", row.bytes.to_string(), info.size.to_string()),
                ("width", row.width.to_string(), width.to_string()),
                ("height", row.height.to_string(), height.to_string()),
            ];
            for (column, found, expected) in columns.into_iter().filter(|(_, found, expected)| found != expected) {
                let wrong = words::other_column(column, &found, &expected);
                findings.push((self.finding(Part::Row, &wrong), again()));
            }
        }
        if findings.len() > before { PlaceState::Different } else { PlaceState::Present }
    }

    async fn served_state(&self, places: Places<'_>, key: &str, rendition: PlaceState) -> Result<Seen> {
        if self.size.is_none() || (self.row.is_none() && self.expected.generation.is_none()) {
            return Ok(Seen::only(PlaceState::Unexpected));
        }
        match self.content {
            // Nobody can serve it, and that nobody does says nothing of the address.
            ContentState::Missing => return Ok(Seen::only(PlaceState::Missing)),
            ContentState::Short { .. } => return Ok(Seen::only(PlaceState::Different)),
            ContentState::Present | ContentState::NoObject => {}
        }
        let fetched = places.served.fetch(key).await?;
        let stored = self.rendition.map(|info| info.etag.as_str());
        // Where the object is not the registered one, the row says what the public should get.
        let etag = match rendition {
            PlaceState::Present => stored,
            _ => self.row.map(|row| row.etag.as_str()).or(stored),
        };
        let (mut state, wrong) = served::judge(&fetched, etag, self.rendition, places.clock.now());
        let mut wrong = wrong.map(Wrong::Served);
        if let (Fetched::Image(image), Some(info), PlaceState::Present) = (&fetched, self.rendition, state)
            && let Some((size, (width, height))) =
                image.size.zip(size_of(info).or(self.row.map(|row| (row.width, row.height))))
            && size != (width, height)
            && rendition == PlaceState::Present
        {
            state = PlaceState::Different;
            wrong = Some(Wrong::Content(words::other_size(size, (width, height))));
        }
        Ok(match (state, wrong) {
            (PlaceState::Pending, Some(Wrong::Served(wrong))) => {
                Seen { waits: Some(self.finding(Part::Served, &wrong)), ..Seen::only(state) }
            }
            // What is wrong with the rendition is said already.
            (_, wrong) => Seen { wrong: wrong.filter(|_| rendition == PlaceState::Present), ..Seen::only(state) },
        })
    }

    /// Whose fault it is that a rendition that looks right is not what the public gets: that of its content, which only reading it
    /// shows, or that of the address. Returns how the rendition stands.
    async fn why_served_wrong(
        &self,
        places: Places<'_>,
        key: &str,
        wrong: Text,
        findings: &mut Vec<(Text, Repair)>,
    ) -> Result<PlaceState> {
        if let (state, Some(damage)) = self.hashed(places, key).await? {
            findings.push((self.finding(Part::Rendition, &damage), Repair::Render(self.photo.clone())));
            return Ok(state);
        }
        let behind = self.behind(places, key, self.rendition.map(|info| info.etag.as_str())).await?;
        let wrong = words::at_address(&wrong, &places.served.address(key), behind);
        findings.push((self.finding(Part::Served, &wrong), Repair::Person(words::who_runs_the_address())));
        Ok(PlaceState::Present)
    }

    /// Whether the listener behind the public address shows the right image, where that is known.
    async fn behind(&self, places: Places<'_>, key: &str, etag: Option<&str>) -> Result<Option<bool>> {
        let behind = places.served.fetch_behind(key).await?;
        let (state, _) = served::judge(&behind, etag, self.rendition, places.clock.now());
        Ok(match state {
            PlaceState::Present => Some(true),
            PlaceState::Missing | PlaceState::Different => Some(false),
            _ => None,
        })
    }
}

/// The address that a row should have, where it has another. Where nobody knows the base, the path decides.
fn wrong_address(urls: Option<&ImageUrls>, found: &str, key: &str) -> Option<String> {
    match urls {
        Some(urls) => Some(urls.of_key(key)).filter(|expected| expected != found),
        None => Some(ImageUrls::new("").of_key(key)).filter(|path| !found.ends_with(path.as_str())),
    }
}

/// Whether an image size can give a rendition of this width and height.
fn fits(size: &ImageSize, width: u32, height: u32) -> bool {
    let within = (1..=size.width).contains(&width) && (1..=size.height).contains(&height);
    match size.fit {
        Fit::Cover if size.enlarge => (width, height) == (size.width, size.height),
        Fit::Cover | Fit::Inside => within,
    }
}

/// Reads an object; why its content is not what is recorded of it, if it is not.
pub(super) async fn rotted(places: Places<'_>, bucket: &str, key: &str, info: &ObjectInfo) -> Result<Option<Text>> {
    match places.store.hash(bucket, key).await {
        Ok(Some(digest)) if digest.agrees_with(info) == Some(false) => Ok(Some(words::other_content(&info.etag))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == Kind::Corrupt => Ok(Some(words::damaged(&error))),
        Err(error) if error.kind() == Kind::Refused => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::GENERATION_METADATA;

    fn info(generation: &str, original: &str) -> ObjectInfo {
        let metadata = [(GENERATION_METADATA, generation), ("cameo-original", original)];
        ObjectInfo {
            key: "v/sq/1_sq_0.jpg".into(),
            size: 9,
            etag: "rendition".into(),
            last_modified: jiff::Timestamp::UNIX_EPOCH,
            content_type: Some(JPEG.into()),
            metadata: metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            write_generation: None,
        }
    }

    fn mismatch(info: &ObjectInfo, original: Option<&str>) -> Option<Text> {
        let photo = PhotoId::parse(&"v".parse().unwrap(), "1_0.jpg").unwrap();
        let generation = Generation::new("05");
        let expected = Expected { generation: Some(&generation), original, adopted: false, current: true };
        let (image_size, content) = ("sq", ContentState::Present);
        Standing { photo: &photo, image_size, size: None, rendition: Some(info), content, row: None, expected }
            .mismatch(info)
    }

    /// A killed worker on S3: a deletion, the same bytes again, and the lifted event of the first published last.
    #[test]
    fn the_same_bytes_of_an_older_upload_are_no_mismatch_where_a_store_names_them_alike() {
        assert_eq!(mismatch(&info("05", "same"), Some("same")), None);
        assert_eq!(mismatch(&info("0400~00000001", "same"), Some("same")), None);
        for (other, original) in [
            (info("04", "other"), Some("same")),
            // Of a store that names its writes, and of a newer generation than the ledger's, it is told as before.
            (info("04", "same"), None),
            (info("06", "same"), Some("same")),
        ] {
            assert!(mismatch(&other, original).is_some_and(|told| told.english.contains("was made from generation")));
        }
    }
}
