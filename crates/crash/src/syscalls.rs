//! The order of system calls of an upload, as strace sees it.
//!
//! ```text
//! write content → fsync → rename → fsync its folder → write the log → fsync → answer 200
//! ```
//!
//! SIGKILL cannot show a missing fsync, since the kernel goes on; the order of calls can. The server runs without its
//! workers and is sent one upload at a time, so that every call belongs to the upload under way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    findings::{Broken, Findings},
    load::{bucket, put},
    originals::{GOODS, Photo, Pool},
    server::Launcher,
};

/// The log of the database.
const LOG: &str = "cameo.db-wal";
/// The note of the highest generation that was committed.
const NOTE: &str = "objects/highest";
/// The audit trail, which no answer waits for.
const AUDIT: &str = "/audit/";
/// The calls that are traced.
const CALLS: &str = "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,rename,renameat,renameat2,fsync,fdatasync";

/// One call of interest.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    /// Content or log was written to the file of this path.
    Write(String),
    /// The file of this path is synced.
    Sync(String),
    /// A file was given another path.
    Rename(String, String),
    /// An upload is answered with 200.
    Answer,
}

/// What the trace of a run says.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Uploads that were answered.
    pub answers: u64,
    /// Promises broken, in words.
    pub broken: Vec<String>,
}

impl Verdict {
    /// The verdict as findings: whatever is answered before it is durable may be lost.
    pub fn into_findings(self, puts: u64) -> Findings {
        let mut findings = Findings::default();
        for what in self.broken {
            findings.add(Broken::Lost, what, "may be lost with the power");
        }
        if self.answers != puts {
            findings.add(Broken::Lost, "answers", format!("{} were traced, not {puts}", self.answers));
        }
        findings
    }
}

/// Uploads `puts` originals to a server under strace, and judges the order of its calls.
pub async fn trace(mut launcher: Launcher, puts: u64) -> Result<Verdict> {
    let trace = launcher.folder.join("trace");
    let file = trace.display().to_string();
    let words = ["strace", "-f", "-y", "-s", "80", "-e", CALLS, "-e", "signal=none", "-o", &file];
    launcher.wrapper = words.map(str::to_owned).to_vec();
    launcher.without_worker = true;
    let (server, addresses) = launcher.start().await.context("failed to start the server under strace")?;
    let (bucket, pool) = (bucket(&addresses.s3)?, Pool::draw()?);
    for n in 0..puts {
        let content = Photo::Good(usize::try_from(n)? % GOODS);
        let acknowledged = put(&bucket, &format!("origin/v/{}_0.jpg", n + 1), pool.bytes(content)).await;
        ensure!(acknowledged, "an upload was not acknowledged; see {}", launcher.log().display());
    }
    server.end().await?;
    let text = fs::read(&trace).context("failed to read the trace")?;
    Ok(judge(&calls(&String::from_utf8_lossy(&text)), &launcher.data().display().to_string()))
}

/// The calls in their order: a sync counts when it has returned, everything else when it was begun.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun = BTreeMap::<&str, String>::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((process, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some(beginning) = text.strip_suffix("<unfinished ...>") {
            let call = parse(beginning);
            match call {
                Some(Call::Sync(_)) => drop(begun.insert(process, beginning.to_owned())),
                call => calls.extend(call),
            }
        } else if text.starts_with("<... ") {
            let returned_0 = text.ends_with("= 0");
            calls.extend(begun.remove(process).filter(|_| returned_0).and_then(|beginning| parse(&beginning)));
        } else {
            calls.extend(parse(text));
        }
    }
    calls
}

/// A line of strace, with `-y`: descriptors carry their paths, `fsync(11</data/tmp/0>) = 0`.
fn parse(text: &str) -> Option<Call> {
    let (name, arguments) = text.split_once('(')?;
    let path = || Some(arguments.split_once('<')?.1.split_once('>')?.0.to_owned());
    match name {
        "fsync" | "fdatasync" => Some(Call::Sync(path()?)),
        "rename" | "renameat" | "renameat2" => {
            let mut quoted = arguments.split('"').skip(1).step_by(2);
            Some(Call::Rename(quoted.next()?.to_owned(), quoted.next()?.to_owned()))
        }
        _ if arguments.contains("\"HTTP/1.1 200") => Some(Call::Answer),
        _ => Some(Call::Write(path()?)),
    }
}

/// Judges the calls on the data folder `data`.
fn judge(calls: &[Call], data: &str) -> Verdict {
    let mut verdict = Verdict::default();
    let mut unsynced = BTreeSet::<String>::new();
    let mut steps = Steps::default();
    for call in calls {
        match call {
            // It may wait, for a start believes the database where it is ahead; but it may not be ahead of the database.
            Call::Write(path) if path.starts_with(data) && path.ends_with(NOTE) => {
                if unsynced.iter().any(|path| path.ends_with(LOG)) {
                    verdict.broken.push("the highest generation was noted before its commit was synced".to_owned());
                }
            }
            Call::Write(path) if path.starts_with(data) && !path[data.len()..].starts_with(AUDIT) => {
                unsynced.insert(path.clone());
                steps.log_written |= path.ends_with(LOG);
            }
            Call::Sync(path) => {
                unsynced.remove(path);
            }
            Call::Rename(from, to) if to.contains("/objects/") => {
                if unsynced.remove(from) {
                    verdict.broken.push(format!("{from} was renamed before it was synced"));
                }
                unsynced.extend(to.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
                // What was committed before, by the sweeper for one, is not this upload's row.
                steps = Steps { renamed: true, log_written: false };
            }
            Call::Write(_) | Call::Rename(..) => {}
            Call::Answer => {
                verdict.answers += 1;
                let answer = verdict.answers;
                let broken = std::mem::take(&mut steps).missing();
                verdict.broken.extend(broken.map(|what| format!("answer {answer}: {what}")));
                // What the checkpoint copies to the database proper may wait: the log holds it. The index of the log
                // is made anew by the next start.
                let may_wait = |path: &&String| path.ends_with("cameo.db") || path.ends_with("cameo.db-shm");
                let waiting = unsynced.iter().filter(|path| !may_wait(path));
                verdict.broken.extend(waiting.map(|path| format!("answer {answer}: {path} was not synced")));
                unsynced.clear();
            }
        }
    }
    verdict
}

/// What must have been done before an answer.
#[derive(Debug, Default)]
struct Steps {
    renamed: bool,
    log_written: bool,
}

impl Steps {
    fn missing(self) -> Option<&'static str> {
        match self {
            Self { renamed: false, .. } => Some("no content was put in its place"),
            Self { log_written: false, .. } => Some("nothing was committed after it"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 10] = [
        r#"7 write(11</d/tmp/0>, "\377"..., 9) = 9"#,
        r"7 fsync(11</d/tmp/0>) = 0",
        r#"7 rename("/d/tmp/0", "/d/objects/0/01") = 0"#,
        r"7 fsync(12</d/objects/0> <unfinished ...>",
        r"7 <... fsync resumed>) = 0",
        r#"8 pwrite64(9</d/cameo.db-wal>, "x"..., 24, 0) = 24"#,
        r"8 fdatasync(9</d/cameo.db-wal>) = 0",
        r#"7 pwrite64(13</d/objects/highest>, "00000"..., 16, 0) = 16"#,
        r#"9 write(15</d/audit/audit.jsonl>, "{"..., 90) = 90"#,
        r#"7 writev(14<TCP:[1]>, [{iov_base="HTTP/1.1 200 OK\r\n"..., iov_len=9}], 1) = 9"#,
    ];

    fn broken_without(line: Option<usize>) -> Vec<String> {
        let kept = GOOD.iter().enumerate().filter(|(n, _)| Some(*n) != line).map(|(_, text)| *text);
        judge(&calls(&kept.collect::<Vec<_>>().join("\n")), "/d").broken
    }

    #[test]
    fn the_right_order_breaks_nothing() {
        assert_eq!(broken_without(None), Vec::<String>::new());
    }

    #[test]
    fn a_row_that_is_committed_before_its_content_stands_is_told() {
        let early = [GOOD[5], GOOD[6], GOOD[0], GOOD[1], GOOD[2], GOOD[3], GOOD[4], GOOD[9]];
        assert_ne!(judge(&calls(&early.join("\n")), "/d").broken, Vec::<String>::new());
    }

    #[test]
    fn a_note_that_is_ahead_of_the_commit_is_told() {
        let early = [GOOD[0], GOOD[1], GOOD[2], GOOD[3], GOOD[4], GOOD[5], GOOD[7], GOOD[6], GOOD[9]];
        assert_ne!(judge(&calls(&early.join("\n")), "/d").broken, Vec::<String>::new());
    }

    #[test]
    fn every_missing_step_is_told() {
        for line in [1, 2, 4, 5, 6] {
            assert_ne!(broken_without(Some(line)), Vec::<String>::new(), "{}", GOOD[line]);
        }
    }
}
