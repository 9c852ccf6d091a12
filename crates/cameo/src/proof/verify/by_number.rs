//! Objects among the originals of a vertical whose names begin with given numbers.
//!
//! The bucket lists names in the order of their bytes, so the numbers are put into it, and a page that was fetched answers for as many of them
//! as it reaches. Thousands of numbers cost no more questions than the vertical has pages, and a few no more than two each.

use super::{Places, origin_prefix};
use crate::{
    model::{error::Result, key::Vertical},
    store::ObjectInfo,
};

/// Keys fetched at a time.
const PAGE: usize = 1000;
/// Follows every digit in the order of bytes.
const AFTER_DIGITS: char = ':';
/// Follows whatever a name usually goes on with.
const LATE: char = '~';

/// Names from the first on, up to and without the second.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    from: String,
    until: String,
}

/// Names that begin with a number: those of a longer one, which begins with it, are between both ranges.
pub(super) fn beginning_with(id: u64) -> [Range; 2] {
    let digits = id.to_string();
    let behind = following(&digits);
    [
        Range { until: format!("{digits}0"), from: digits.clone() },
        Range { from: format!("{digits}{AFTER_DIGITS}"), until: behind },
    ]
}

/// Names that begin with a number and the `_` of the grammar.
pub(super) fn photos_of(id: u64) -> Range {
    let from = format!("{id}_");
    Range { until: following(&from), from }
}

/// The first text behind all that begin with this one.
fn following(text: &str) -> String {
    with_last(text, 1)
}

/// A text before all that begin with this one, and behind nearly all others.
fn before(text: &str) -> String {
    format!("{}{LATE}", with_last(text, -1))
}

/// A text with another last character, which is ASCII.
fn with_last(text: &str, step: i8) -> String {
    let mut text = text.to_owned();
    let last = text.pop().and_then(|last| u8::try_from(last).ok()).unwrap_or_default();
    text.push(char::from(last.saturating_add_signed(step)));
    text
}

/// The keys of a vertical in these ranges that are to be kept.
pub(super) async fn keys(
    places: Places<'_>,
    vertical: &Vertical,
    mut ranges: Vec<Range>,
    keep: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    let prefix = origin_prefix(vertical);
    ranges.sort();
    let (mut found, mut page, mut is_last) = (Vec::new(), Vec::<ObjectInfo>::new(), false);
    for range in ranges {
        let (from, until) = (format!("{prefix}{}", range.from), format!("{prefix}{}", range.until));
        loop {
            let at = |bound: &String| page.partition_point(|info| info.key < *bound);
            let within = page[at(&from)..at(&until)].iter().map(|info| &info.key);
            found.extend(within.filter(|key| keep(key)).cloned());
            let reached = page.last().map(|info| info.key.as_str()).unwrap_or_default();
            if is_last || reached >= until.as_str() {
                break;
            }
            let begin = before(&from);
            let after = if reached > begin.as_str() { reached.to_owned() } else { begin };
            page = places.store.list(&places.settings.upload_bucket, &prefix, &after, PAGE).await?;
            is_last = page.len() < PAGE;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_what_begins_with_a_number_and_nothing_else() {
        let has = |id: u64, name: &str| {
            beginning_with(id).iter().any(|range| (range.from.as_str()..range.until.as_str()).contains(&name))
        };
        for name in ["19", "19.jpg", "19 (1).jpg", "19_0.JPG", "19-0.jpg", "19가.jpg", "19a"] {
            assert!(has(19, name), "{name}");
        }
        for name in ["190_0.jpg", "199.jpg", "18.jpg", "1", "2", "20_0.jpg", "1:"] {
            assert!(!has(19, name), "{name}");
        }
        let photos = photos_of(19);
        assert!((photos.from.as_str()..photos.until.as_str()).contains(&"19_0.jpg"));
        assert!(("18.jpg".."19").contains(&before("19").as_str()) && before("10").as_str() > "1.jpg");
    }
}
