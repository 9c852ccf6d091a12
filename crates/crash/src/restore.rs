//! A database that is gone, damaged, or put back from a copy, beside content that is still there.
//!
//! The server must not start on it, for it could neither serve what it has nor know what is its own: it ends with a line that names
//! the way on, and deletes nothing. After `cameo recover --rebuild-index` nothing that was acknowledged is lost, and nothing that was
//! deleted is back.

use std::{
    fs,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    check::Leftovers,
    findings::Broken,
    run::{Run, RunReport},
    server::Launcher,
    snapshot::open,
};

/// Uploads between a copy and the time that it is put back: more than can be under way at once.
const UPLOADS_BETWEEN: u64 = 120;
/// How long the clients may take for them.
const UPLOADS_TIMEOUT: Duration = Duration::from_mins(3);
const POLL: Duration = Duration::from_millis(50);
/// What the line must name.
const WAY_ON: &str = "cameo recover";

/// What became of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// It is gone.
    Gone,
    /// It is empty: a disk that was full, or a copy that was cut off.
    Empty,
    /// It is no database any more.
    Damaged,
    /// It is an earlier one.
    PutBack,
}

const LOSSES: [Loss; 4] = [Loss::Gone, Loss::PutBack, Loss::Empty, Loss::Damaged];

/// Takes the database away so often, each time under load, and recovers.
pub async fn restore(launcher: Launcher, times: u64, clients: u64, seed: u64) -> Result<RunReport> {
    let mut run = Run::new(launcher, seed)?;
    run.keep_to_what_can_be_made_again();
    run.leftovers = Leftovers::InQuarantine;
    let mut rng = StdRng::seed_from_u64(seed);
    let load = run.load(clients);
    for number in 0..times {
        let loss = LOSSES[usize::try_from(number)? % LOSSES.len()];
        one(&mut run, &mut rng, loss, number).await?;
        eprintln!("{} of {times} databases lost ({loss:?})", number + 1);
    }
    load.end().await;
    let mut outcome = run.finish(times).await?;
    outcome.summary.refusals = times;
    Ok(outcome)
}

async fn one(run: &mut Run, rng: &mut StdRng, loss: Loss, number: u64) -> Result<()> {
    let (mut server, addresses) = run.start(&[]).await?;
    ensure!(addresses.is_some(), "the server does not start; see {}", run.launcher().log().display());
    uploads(run, UPLOADS_BETWEEN / 4).await?;
    let copy = run.launcher().folder.join(format!("copy-{number}.db"));
    if loss == Loss::PutBack {
        take_copy(&run.launcher().database(), &copy)?;
    }
    uploads(run, UPLOADS_BETWEEN).await?;
    sleep(Duration::from_millis(rng.random_range(0..500))).await;
    server.kill().await?;
    run.look_at_the_dead().await?;
    lose(&run.launcher().database(), loss, &copy)?;
    run.forget_the_database().await;
    let content = files(&run.launcher().data())?;
    refuses_to_start(run, loss, number, content).await?;
    let (code, said) = run.launcher().command(&["recover", "--rebuild-index"]).await?;
    if code != Some(0) {
        run.note(Broken::Lost, format!("cameo recover ({loss:?} {number})"), format!("it ended with {code:?}: {said}"));
    }
    // Rows and ledger are of the older database until every event was handled: rows may lead to what was deleted since.
    let (mut server, addresses) = run.start_unwatched(&[]).await?;
    ensure!(addresses.is_some(), "the server does not start; see {}", run.launcher().log().display());
    run.check(None).await?;
    run.watch().await;
    server.kill().await?;
    run.look_at_the_dead().await
}

/// Waits until clients were told of so many more uploads.
async fn uploads(run: &Run, more: u64) -> Result<()> {
    let (begun, enough) = (Instant::now(), run.journal().acknowledged().0 + more);
    while run.journal().acknowledged().0 < enough {
        ensure!(begun.elapsed() < UPLOADS_TIMEOUT, "the clients are stuck; see {}", run.launcher().log().display());
        sleep(POLL).await;
    }
    Ok(())
}

/// A copy as `.backup` and the like make it, of one instant.
fn take_copy(database: &Path, copy: &Path) -> Result<()> {
    let to = copy.to_str().context("a path that is no text")?;
    open(database)?.execute("VACUUM INTO ?1", [to]).map(drop).context("failed to copy the database")
}

fn lose(database: &Path, loss: Loss, copy: &Path) -> Result<()> {
    for suffix in ["-wal", "-shm"] {
        let beside = PathBuf::from(format!("{}{suffix}", database.display()));
        if beside.exists() {
            fs::remove_file(&beside).with_context(|| format!("failed to remove {}", beside.display()))?;
        }
    }
    match loss {
        Loss::Gone => fs::remove_file(database),
        Loss::Empty => fs::write(database, b""),
        Loss::Damaged => fs::write(database, [0x5a; 8192]),
        Loss::PutBack => fs::rename(copy, database),
    }
    .context("failed to take the database away")
}

/// The server ends before it is ready, names the way on, and every file of content is still there.
async fn refuses_to_start(run: &mut Run, loss: Loss, number: u64, content: u64) -> Result<()> {
    let (subject, log) = (format!("a start ({loss:?} {number})"), run.launcher().log());
    let from = fs::metadata(&log).map_or(0, |metadata| metadata.len());
    let (mut server, addresses) = run.start(&[]).await?;
    if addresses.is_some() {
        run.note(Broken::Lost, &subject, "the server works without its database");
        server.kill().await?;
        run.look_at_the_dead().await?;
    }
    server.ended().await?;
    let mut file = fs::File::open(&log).context("failed to open the log")?;
    file.seek(SeekFrom::Start(from)).context("failed to read the log")?;
    let mut said = Vec::new();
    file.read_to_end(&mut said).context("failed to read the log")?;
    let said = String::from_utf8_lossy(&said);
    if addresses.is_none() && !said.contains(WAY_ON) {
        run.note(Broken::Lost, &subject, format!("it does not name the way on: {said}"));
    }
    let left = files(&run.launcher().data())?;
    if left < content {
        run.note(Broken::Lost, &subject, format!("{left} of {content} files of content are left"));
    }
    Ok(())
}

/// How many files of content there are.
fn files(data: &Path) -> Result<u64> {
    let mut files = 0;
    for shard in fs::read_dir(data.join("objects")).context("failed to list the content")? {
        let shard = shard.context("failed to list the content")?.path();
        if shard.is_dir() {
            files += fs::read_dir(shard)?.count() as u64;
        }
    }
    Ok(files)
}
