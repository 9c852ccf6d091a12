//! `cameo recover`: a way on after a database was lost, damaged or put back from a copy.

use std::{io::IsTerminal, path::PathBuf};

use cameo::{
    private_file::keep_to_owner,
    server::recover::{Wanted, recover},
    store::embedded::{Recovered, Side},
};
use serde::Serialize;

use super::{Context, json_line, lines, note};
use crate::{exit::Exit, logging};

/// Files between two lines of progress.
const PROGRESS_EVERY: u64 = 100_000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo recover --rebuild-index --dry-run\n  cameo recover --data /var/lib/cameo --rebuild-index\n  \
cameo recover --accept-restored\n  cameo recover --rebuild-index --with-quarantine\n\n\
The server must not run. No original is deleted: what the index does not name, and the database\n\
that was there, are moved to quarantine/ in the data folder. --rebuild-index knows no images of an\n\
original that was replaced: where the newer one is rejected, none are served until a good one is\n\
uploaded. Exit code 7: done, and the content of some objects is missing."
)]
pub(crate) struct Args {
    /// Data folder of the server [default: ./cameo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    side: SideArgs,
    /// Move content back from quarantine/ first, and write it to the index like the rest: after --accept-restored was a mistake.
    /// What was deleted since may come back with it
    #[arg(long, requires = "rebuild_index")]
    with_quarantine: bool,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct SideArgs {
    /// Write the index again from the content: with cameo.db lost, damaged, or older than the content
    #[arg(long)]
    rebuild_index: bool,
    /// Take cameo.db as it is: content that it does not name is moved aside
    #[arg(long)]
    accept_restored: bool,
}

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Told<'t> {
    dry_run: bool,
    database_read: bool,
    taken_back: u64,
    files: u64,
    originals: u64,
    others: u64,
    deletions: u64,
    images_of_replaced: u64,
    events: u64,
    quarantined: u64,
    quarantine: Option<String>,
    without_content: u64,
    named: &'t [String],
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    keep_to_owner();
    logging::start(&context.config.log, &context.environment)?;
    let side = if args.side.rebuild_index { Side::Content } else { Side::Database };
    let wanted = Wanted { side, with_quarantine: args.with_quarantine, dry_run: args.dry_run };
    let data = context.data(args.data.as_deref());
    let shows_progress = std::io::stderr().is_terminal();
    let mut next = PROGRESS_EVERY;
    let progress = move |files: u64| {
        if files >= next {
            next = (files / PROGRESS_EVERY + 1) * PROGRESS_EVERY;
            if shows_progress {
                note(&format!("{files} files looked at"));
            } else {
                tracing::info!(files, "files looked at");
            }
        }
    };
    let recovered = recover(&context.config, data, wanted, context.clock.now(), progress).await?;
    if context.json {
        json_line(&told(&recovered, args.dry_run))?;
    } else {
        lines(text(&recovered, side, args.dry_run))?;
    }
    Ok(if recovered.without_content > 0 { Exit::Different } else { Exit::Complete })
}

fn told(recovered: &Recovered, dry_run: bool) -> Told<'_> {
    Told {
        dry_run,
        database_read: recovered.database_read,
        taken_back: recovered.taken_back,
        files: recovered.files,
        originals: recovered.originals,
        others: recovered.others,
        deletions: recovered.deletions,
        images_of_replaced: recovered.images_of_replaced,
        events: recovered.events,
        quarantined: recovered.quarantined,
        quarantine: recovered.quarantine.as_ref().map(|path| path.display().to_string()),
        without_content: recovered.without_content,
        named: &recovered.named,
    }
}

fn text(recovered: &Recovered, side: Side, dry_run: bool) -> Vec<String> {
    let mut lines = vec![match (dry_run, side) {
        (true, _) => "This is what would be done; nothing was changed.".to_owned(),
        (false, Side::Content) => "The index was written again from the content.".to_owned(),
        (false, Side::Database) => "cameo.db was taken as it is.".to_owned(),
    }];
    let mut number = |what: &str, count: u64| lines.push(format!("  {what:<48}{count}"));
    if recovered.taken_back > 0 {
        number("files moved back from quarantine/", recovered.taken_back);
    }
    number("files in objects/", recovered.files);
    if side == Side::Content {
        number("originals written to the index", recovered.originals);
        number("other objects written to the index", recovered.others);
        number("objects removed that had been deleted", recovered.deletions);
        number("images of originals replaced since, taken out", recovered.images_of_replaced);
        number("events sent, for ledger, rows and renditions", recovered.events);
    }
    number("files that nothing names, to quarantine/", recovered.quarantined);
    number("objects whose content is missing", recovered.without_content);
    lines.extend(recovered.named.iter().map(|name| format!("    {name}")));
    if recovered.images_of_replaced > 0 {
        lines.push("Where the newer original is rejected, nothing of the older one is served any more.".to_owned());
    }
    if side == Side::Content && !recovered.database_read {
        let begins = if dry_run { "would begin" } else { "began" };
        lines.push(format!("cameo.db is missing or could not be read, so the index {begins} empty."));
    }
    if let Some(folder) = &recovered.quarantine {
        lines.push(format!("Moved aside, with the database that was there: {}", folder.display()));
    }
    if side == Side::Content && !recovered.database_read {
        lines.push(
            "Tokens, accounts, webhooks and the history were in the database alone, and are lost with it: make them again with `cameo token \
             create`, `cameo account create` and `cameo webhook create`. Until there is a token or an account, whoever is on this machine is an \
             administrator."
                .to_owned(),
        );
    }
    if !dry_run {
        lines.push(
            "Start the server, wait until `cameo status` shows nothing waiting, then run `cameo verify`; what it finds, \
             such as images that had been taken down, `cameo reconcile --apply` repairs."
                .to_owned(),
        );
    }
    lines
}
