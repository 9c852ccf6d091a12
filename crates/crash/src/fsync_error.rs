//! An fsync that fails: the server stops, and answers no upload with 200 from then on.
//!
//! strace makes the call fail without making it, so nothing is really lost: what is checked is that nobody is told a
//! success after it, that the process ends by itself, and that the next start finds all that was acknowledged.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::{
    journal::Change,
    load::{bucket, put},
    originals::{GOODS, Photo},
    run::{Run, RunReport},
    server::Launcher,
};

/// How many calls of a thread succeed before: those of a start among them. Content is synced by other threads than the log
/// of the database; the first of all that has made as many fails.
const SUCCEED: u32 = 24;
const CALLS: &str = "trace=fsync,fdatasync,write,writev,sendto,sendmsg";
/// Uploads that are tried, at most: each costs several of these calls.
const UPLOADS_MAX: u64 = 400;

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Calls that failed.
    pub failures: usize,
    /// Uploads that were answered with 200 after the first of them.
    pub answered_after: usize,
}

/// Lets every fsync fail once a thread has made some, uploads until the server has ended, and checks what stands.
pub async fn fail(launcher: Launcher, seed: u64) -> Result<(RunReport, Seen)> {
    let trace = launcher.folder.join("trace");
    let mut failing = launcher.clone();
    let inject = ["fsync", "fdatasync"].map(|call| format!("inject={call}:error=EIO:when={}+", SUCCEED + 1));
    let file = trace.display().to_string();
    let words =
        ["strace", "-f", "-s", "80", "-e", CALLS, "-e", &inject[0], "-e", &inject[1], "-e", "signal=none", "-o", &file];
    failing.wrapper = words.map(str::to_owned).to_vec();
    failing.without_worker = true;
    // The first start of all makes the database, and syncs a great deal.
    launcher.start().await?.0.end().await?;
    let run = Run::new(launcher, seed)?;
    let (mut server, addresses) = failing.start().await.context("failed to start the server under strace")?;
    let bucket = bucket(&addresses.s3)?;
    let mut refused = false;
    for n in 1..=UPLOADS_MAX {
        let content = Photo::Good(usize::try_from(n)? % GOODS);
        let key = format!("origin/crash/{n}_0.jpg");
        let acknowledged = put(&bucket, &key, run.pool().bytes(content)).await;
        run.journal().record(&key, Change::Put(content), acknowledged);
        if !acknowledged {
            refused = true;
            break;
        }
    }
    ensure!(refused, "no upload was refused; see {}", trace.display());
    server.ended().await?;
    let seen = judge(&String::from_utf8_lossy(&fs::read(&trace).context("failed to read the trace")?));
    Ok((run.finish(1).await?, seen))
}

fn judge(trace: &str) -> Seen {
    let mut seen = Seen::default();
    for line in trace.lines() {
        seen.failures += usize::from(line.contains("(INJECTED)"));
        seen.answered_after += usize::from(seen.failures > 0 && line.contains("\"HTTP/1.1 200"));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_after_the_failure_is_seen() {
        let (answer, failure) =
            ("7 writev(9, [\"HTTP/1.1 200 OK", "8 fsync(11) = -1 EIO (Input/output error) (INJECTED)");
        let good = judge(&[answer, failure].join("\n"));
        assert_eq!((good.failures, good.answered_after), (1, 0));
        assert_eq!(judge(&[failure, answer].join("\n")).answered_after, 1);
    }
}
