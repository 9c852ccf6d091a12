//! A position in the feed of changes that a client comes back with, and whether this history gave it out.
//!
//! A client that goes on from a position of another history would miss changes without noticing: of a database that was put back, or of
//! lines that were forgotten since. The number alone shows that while the history ends before it; the mark, a digest of the line at the
//! position, shows it for good.

use axum::http::StatusCode;
use sha2::{Digest, Sha256};

use crate::{
    catalog::{Catalog, HistoryEnds},
    ledger::history::HistoryLine,
    serve::problem::{Answer, Problem},
};

/// Bytes of a digest that a mark has.
const MARK_BYTES: usize = 8;
/// What a client does about it.
const READ_AGAIN: &str =
    "read everything again: GET /api/v1/verticals/{vertical}/entities, and then the feed from since=0";

/// Refuses a position that this history never gave out, and one of which the following lines are forgotten. 0 is the beginning of whatever is
/// kept.
pub(super) async fn check(catalog: &dyn Catalog, since: u64, mark: Option<&str>) -> Answer<HistoryEnds> {
    let ends = catalog.history_ends().await?;
    if since == 0 {
        return Ok(ends);
    }
    if since > ends.last {
        let last = ends.last;
        return Err(unknown(&format!("the last position of this history is {last}, and since is {since}")));
    }
    // Positions have no gaps, so what is not kept was forgotten.
    let kept_from = ends.first.unwrap_or(ends.last + 1);
    if since + 1 < kept_from {
        let detail = format!("changes after the position {since} were forgotten (register.keep_history); {READ_AGAIN}");
        return Err(Problem::new(StatusCode::GONE, "changes.forgotten", detail));
    }
    match (mark, line_at(catalog, since).await?) {
        (Some(mark), Some(line)) if mark != mark_of(&line) => {
            Err(unknown(&format!("the change at the position {since} is another one than the mark is of")))
        }
        _ => Ok(ends),
    }
}

fn unknown(why: &str) -> Problem {
    let detail = format!(
        "this history did not give that position out: {why}; the database was put back or is another; {READ_AGAIN}"
    );
    Problem::new(StatusCode::CONFLICT, "changes.unknown_position", detail)
}

/// The mark of a position; none of the beginning, and where its line is forgotten.
pub(super) async fn mark(catalog: &dyn Catalog, position: u64) -> Answer<Option<String>> {
    Ok(line_at(catalog, position).await?.as_ref().map(mark_of))
}

async fn line_at(catalog: &dyn Catalog, position: u64) -> Answer<Option<HistoryLine>> {
    let Some(before) = position.checked_sub(1) else { return Ok(None) };
    let found = catalog.changes(before, None, 1).await?;
    Ok(found.into_iter().find(|line| line.position == position))
}

/// What tells the line from any other that could have its position.
pub(super) fn mark_of(line: &HistoryLine) -> String {
    let change = &line.change;
    let of = format!("{}\n{}\n{}\n{}", line.position, change.at, change.generation, change.key);
    hex::encode(&Sha256::digest(of)[..MARK_BYTES])
}
