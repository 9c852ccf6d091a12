//! The audit trail, read from its end: what people asked for, newest first, in bounded pieces of the files that `server` writes.
//!
//! Files are begun again and renamed while they are read, so a part ends at a time and not at a place in a file.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Deserialize;

use super::rights::Caller;
use crate::{
    client::wire::{Activity, ActivityLine, ActivitySource},
    ledger::history::named_by,
    model::{actor::Actor, key::Vertical},
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
};

/// The file of changes that is written now; older ones have a number behind the name, the newest 1.
const CHANGES: &str = "audit.jsonl";
/// Bytes that one part reads, at most, and at a time.
const READ_MAX_BYTES: u64 = 16 << 20;
const PIECE_BYTES: u64 = 256 << 10;
/// Older files that are looked for.
const FILES_MAX: usize = 100;

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) vertical: Option<Vertical>,
    pub(super) cd_idx: Option<u64>,
    pub(super) actor: Option<String>,
}

/// A line, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Line {
    time: Timestamp,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    access_key: Option<String>,
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    request_id: Option<String>,
}

/// Lines that the caller may see, older than `after`.
pub(super) async fn page(site: &Site, caller: &Caller, wanted: Wanted, after: &str, limit: usize) -> Answer<Activity> {
    let before: Option<Timestamp> = match after {
        "" => None,
        after => Some(after.parse().map_err(|_| Problem::invalid("after is not the next of a page"))?),
    };
    let Some(folder) = site.host.audit_folder.clone() else { return Ok(Activity { items: Vec::new(), next: None }) };
    let verticals = caller.verticals.clone();
    let is_wanted = move |line: &Line| {
        let (vertical, cd_idx, _) = line.key.as_deref().map(named_by).unwrap_or_default();
        let by = line.actor.as_deref().or(line.access_key.as_deref()).and_then(Actor::new);
        verticals.include_of(vertical.as_ref())
            && (wanted.vertical.is_none() || wanted.vertical == vertical)
            && (wanted.cd_idx.is_none() || wanted.cd_idx == cd_idx)
            && wanted.actor.as_deref().is_none_or(|asked| by.as_ref().map(Actor::as_str) == Some(asked))
    };
    let read = tokio::task::spawn_blocking(move || read(&folder, before, limit, &is_wanted)).await;
    read.map_err(|_| Problem::busy())
}

fn read(folder: &Path, before: Option<Timestamp>, limit: usize, is_wanted: &dyn Fn(&Line) -> bool) -> Activity {
    let mut page = Activity { items: Vec::new(), next: None };
    let (mut left, mut seen) = (READ_MAX_BYTES, before);
    for number in 0..FILES_MAX {
        let Ok(mut lines) = Backwards::open(&path(folder, number)) else { break };
        while let Some(text) = lines.next(&mut left) {
            let Ok(line) = serde_json::from_slice::<Line>(&text) else { continue };
            if before.is_some_and(|before| line.time >= before) {
                continue;
            }
            // What has one time belongs together: a part ends between two times.
            if page.items.len() >= limit && seen != Some(line.time) {
                page.next = seen.map(|seen| seen.to_string());
                return page;
            }
            seen = Some(line.time);
            if is_wanted(&line) {
                page.items.push(of_line(line));
            }
        }
        if left == 0 {
            page.next = seen.map(|seen| seen.to_string());
            return page;
        }
    }
    page
}

fn path(folder: &Path, number: usize) -> PathBuf {
    folder.join(if number == 0 { CHANGES.to_owned() } else { format!("{CHANGES}.{number}") })
}

fn of_line(line: Line) -> ActivityLine {
    let (vertical, cd_idx, sequence) = line.key.as_deref().map(named_by).unwrap_or_default();
    ActivityLine {
        source: ActivitySource::Audit,
        at: line.time,
        // The key that the server made for somebody is theirs.
        actor: line.actor.or(line.access_key).and_then(|name| Actor::new(&name)).map(|actor| actor.to_string()),
        what: line.operation.unwrap_or_default(),
        vertical: vertical.map(String::from),
        cd_idx,
        sequence,
        key: line.key,
        code: None,
        act: None,
        detail: line.note,
        status: line.status,
        request_id: line.request_id,
    }
}

/// The lines of a file from its end.
struct Backwards {
    file: File,
    /// Where what was not read yet ends.
    unread: u64,
    /// What was read of the beginning of a line, and whole lines before it.
    held: Vec<u8>,
}

impl Backwards {
    fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let unread = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, unread, held: Vec::new() })
    }

    /// The line before; none at the beginning of the file, or where nothing is left of what may be read.
    fn next(&mut self, left: &mut u64) -> Option<Vec<u8>> {
        loop {
            while self.held.last() == Some(&b'\n') {
                self.held.pop();
            }
            if let Some(start) = self.held.iter().rposition(|byte| *byte == b'\n') {
                let line = self.held.split_off(start + 1);
                return Some(line);
            }
            if self.unread == 0 {
                return Some(std::mem::take(&mut self.held)).filter(|line| !line.is_empty());
            }
            let piece = PIECE_BYTES.min(self.unread).min(*left);
            if piece == 0 {
                return None;
            }
            *left -= piece;
            self.unread -= piece;
            let mut bytes = vec![0; usize::try_from(piece).ok()?];
            self.file.seek(SeekFrom::Start(self.unread)).ok()?;
            self.file.read_exact(&mut bytes).ok()?;
            bytes.append(&mut self.held);
            self.held = bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_from_the_end_over_all_files_and_go_on_where_a_part_ended() {
        let folder = tempfile::tempdir().unwrap();
        let line = |second: i64, actor: &str| {
            let time = Timestamp::from_second(second).unwrap();
            format!(
                "{{\"time\":\"{time}\",\"actor\":\"{actor}\",\"operation\":\"/api/v1/x\",\"key\":\"origin/v/1_0.jpg\",\"status\":200}}\n"
            )
        };
        let write = |name: &str, lines: &[String]| std::fs::write(folder.path().join(name), lines.concat()).unwrap();
        write("audit.jsonl", &[line(4, "kim"), "not JSON\n".to_owned(), line(5, "lee"), line(5, "kim")]);
        write("audit.jsonl.1", &[line(2, "kim"), line(3, "kim")]);
        let any = |_: &Line| true;
        let told = |page: &Activity| page.items.iter().map(|line| line.at.as_second()).collect::<Vec<_>>();
        let first = read(folder.path(), None, 1, &any);
        assert_eq!(told(&first), [5, 5], "of one time all");
        let before = first.next.map(|next| next.parse().unwrap());
        let second = read(folder.path(), before, 2, &any);
        assert_eq!(told(&second), [4, 3]);
        let last = read(folder.path(), second.next.map(|next| next.parse().unwrap()), 2, &any);
        assert_eq!((told(&last), last.next), (vec![2], None));
        let of_lee = read(folder.path(), None, 9, &|line| line.actor.as_deref() == Some("lee"));
        assert_eq!((told(&of_lee), of_lee.items[0].key.as_deref()), (vec![5], Some("origin/v/1_0.jpg")));
    }
}
