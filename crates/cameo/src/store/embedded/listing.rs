//! Listings, straight from the index: ranges of keys in the order of their bytes, never a scan of the whole bucket.
//!
//! With a delimiter, keys that share a prefix up to it are one entry; the keys behind it are skipped by starting again
//! after the last of them.

use super::{Embedded, object::StoredObject, refusal::StoreResult};
use crate::model::error::{Place, Result};

/// Rows that are read at once where many of them may be skipped.
const ROWS_WITH_DELIMITER: usize = 100;
/// Rows that are read at once otherwise.
const ROWS: usize = 1001;

const OBJECTS: &str = "SELECT bucket, object_key, generation, file, file_offset, size, etag, modified_at, content_type,
    headers, metadata, checksums, parts FROM cameo_objects
    WHERE bucket = ?1 AND object_key >= ?2 AND object_key < ?3 ORDER BY object_key LIMIT ?4";

/// Above every key: keys are UTF-8, which has no byte above F4, and end before three of the highest characters.
const ABOVE_ALL: &str = "\u{10ffff}\u{10ffff}\u{10ffff}";

/// Which page of a listing of S3 is wanted.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// What keys start with.
    pub prefix: String,
    /// What ends a common prefix; empty for none.
    pub delimiter: String,
    /// The key or common prefix after which to begin; empty for the start.
    pub after: String,
    /// Entries, at most.
    pub max: usize,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An object whose key has no delimiter behind the prefix.
    Object(Box<StoredObject>),
    /// What several keys have in common, up to the delimiter.
    CommonPrefix(String),
}

impl Entry {
    /// What the next page begins after, where this is the last entry of a page.
    pub fn marker(&self) -> &str {
        match self {
            Self::Object(object) => &object.key,
            Self::CommonPrefix(prefix) => prefix,
        }
    }
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The entries, in the order of their bytes.
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub truncated: bool,
}

/// The least text above all that start with `prefix`; `None` where there is none.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // Code points and their UTF-8 have the same order; surrogates are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The common prefix that a key belongs to, where there is a delimiter behind `prefix`.
pub(super) fn common_prefix<'k>(key: &'k str, prefix: &str, delimiter: &str) -> Option<&'k str> {
    if delimiter.is_empty() {
        return None;
    }
    let end = prefix.len() + key.get(prefix.len()..)?.find(delimiter)? + delimiter.len();
    key.get(..end)
}

impl Query {
    /// The least key that may be listed.
    fn start(&self) -> String {
        if self.after.is_empty() || self.after.as_str() < self.prefix.as_str() {
            return self.prefix.clone();
        }
        let is_common_prefix = self.after.starts_with(&self.prefix)
            && common_prefix(&self.after, &self.prefix, &self.delimiter) == Some(self.after.as_str());
        if is_common_prefix {
            return after_all_with(&self.after).unwrap_or_else(|| ABOVE_ALL.to_owned());
        }
        // The next text after a key: keys hold no NUL, so nothing lies between.
        format!("{}\0", self.after)
    }

    fn end(&self) -> String {
        after_all_with(&self.prefix).unwrap_or_else(|| ABOVE_ALL.to_owned())
    }
}

impl Embedded {
    /// A page of a bucket's objects.
    pub async fn list_page(&self, bucket: &str, query: &Query) -> StoreResult<Page> {
        let mut page = Page::default();
        if query.max == 0 {
            return Ok(page);
        }
        let end = query.end();
        let mut start = Some(query.start());
        while let Some(from) = start {
            let limit = if query.delimiter.is_empty() { ROWS.min(query.max + 1) } else { ROWS_WITH_DELIMITER };
            let rows = self.rows(bucket, &from, &end, limit).await?;
            let complete = rows.len() < limit;
            start = fill(&mut page, query, rows);
            if page.truncated || complete {
                break;
            }
        }
        Ok(page)
    }

    async fn rows(&self, bucket: &str, from: &str, end: &str, limit: usize) -> Result<Vec<StoredObject>> {
        let (bucket, from, end) = (bucket.to_owned(), from.to_owned(), end.to_owned());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let job = self.inner.db.read(Place::Store, "list objects", move |connection| {
            let mut query = connection.prepare_cached(OBJECTS)?;
            let rows = query.query_map((bucket, from, end, limit), StoredObject::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        job.await
    }
}

/// Adds rows to a page. Says where to go on reading, where the page is not full and rows may be left.
fn fill(page: &mut Page, query: &Query, rows: Vec<StoredObject>) -> Option<String> {
    let mut next = None;
    for row in rows {
        if let Some(Entry::CommonPrefix(last)) = page.entries.last()
            && row.key.starts_with(last.as_str())
        {
            next = after_all_with(last);
            continue;
        }
        if page.entries.len() == query.max {
            page.truncated = true;
            return None;
        }
        let common = common_prefix(&row.key, &query.prefix, &query.delimiter).map(str::to_owned);
        next = match &common {
            Some(prefix) => after_all_with(prefix),
            None => Some(format!("{}\0", row.key)),
        };
        page.entries.push(common.map_or_else(|| Entry::Object(Box::new(row)), Entry::CommonPrefix));
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_after_a_prefix_is_above_all_that_start_with_it() {
        assert_eq!(after_all_with("a/").as_deref(), Some("a0"));
        assert_eq!(after_all_with("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_all_with("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_all_with(""), None);
        assert!("a/\u{10ffff}\u{10ffff}" < after_all_with("a/").unwrap().as_str());
    }

    #[test]
    fn a_marker_that_is_a_common_prefix_skips_all_behind_it() {
        let query = |after: &str| Query { delimiter: "/".into(), after: after.into(), max: 1, ..Query::default() };
        assert_eq!(query("a/").start(), "a0");
        assert_eq!(query("a/b").start(), "a/b\0");
        assert_eq!(query("").start(), "");
    }
}
