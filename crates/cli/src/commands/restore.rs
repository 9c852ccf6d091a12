//! `cameo restore`: bring back what was deleted, replaced, moved, dismissed or superfluous.

use cameo::{
    proof::restore::{Asked, Found, Restore, Side, Verdict, find},
    store::quarantine::Kept,
};
use clap::ArgGroup;
use jiff::Timestamp;
use serde::Serialize;

use super::{Context, changes::Changes, json_line, line, note, places::PlacesArgs, scope::ScopeArgs};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo restore --list\n  cameo restore origin/ssgdfm_eye/351518_0.jpg\n  cameo restore --ids 351518 --dry-run\n  \
cameo restore --since 2026-11-26T09:00+09:00 --vertical ssgdfm_eye\n  cameo restore origin/ssgdfm_eye/351518_0.jpg --list\n  \
cameo restore origin/ssgdfm_eye/351518_0.jpg --generation 0000000000000a3f\n\n\
Deleted and replaced originals are kept for store.keep_removed (30 days), embedded. On S3 only what Cameo itself removed is kept; what \
others delete or replace there needs versions of the bucket. An original comes back as a new upload. Where its key has an object again, \
that one stays; --generation brings a certain one back over it, and keeps the other in its place.\n\n\
Exit code 5 after restoring originals: they are in flight, as after every upload. 7: nothing in quarantine is what was asked for.",
    group = ArgGroup::new("restored").required(true).multiple(true).args(["keys", "vertical", "ids", "ids_from", "since", "list"])
)]
pub(crate) struct Args {
    /// Keys that were removed, as they were
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Only what was removed then or later, such as 2026-11-26T09:00+09:00 or 2026-11-26T00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
    /// This one of several of a key, as --list shows them, and over what has the key now
    #[arg(long, value_name = "G", requires = "keys")]
    generation: Option<String>,
    /// List everything that is kept, replaced originals too, and restore nothing
    #[arg(long)]
    list: bool,
    /// Only say what would be restored
    #[arg(long)]
    dry_run: bool,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Last {
    summary: Summary,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    found: u64,
    restored: u64,
    /// What was found to be otherwise when it was looked at again.
    passed_over: u64,
    /// Whether there is more in quarantine than is listed.
    more: bool,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error| format!("{error}; write a time with its zone, such as 2026-11-26T09:00+09:00"))
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let scope = args.scope.scope()?;
    let places = args.places.open(context).await?;
    let asked = Asked {
        scope,
        keys: args.keys.iter().cloned().collect(),
        since: args.since,
        generation: args.generation.clone(),
    };
    let (found, more) = find(&*places.store, &places.settings, &asked).await?;
    if found.is_empty() {
        note("nothing in quarantine is what was asked for; it is kept for store.keep_removed");
        return Ok(if args.list && asked.keys.is_empty() { Exit::Complete } else { Exit::Different });
    }
    let only_says = args.list || args.dry_run;
    for found in &found {
        if context.json { json_line(found)? } else { line(&text_of(found, only_says && !args.dry_run))? }
    }
    let mut summary = Summary { found: found.len() as u64, more, ..Summary::default() };
    let restores = restores(&found, args.generation.is_some());
    if !only_says && !restores.is_empty() {
        let acted = Changes::by(context, &places)?.restore(&restores).await?;
        (summary.restored, summary.passed_over) = (acted.done, acted.passed_over);
    }
    let in_flight = !only_says && restores.iter().any(|restore| restore.bucket == Side::Originals);
    let exit = if in_flight && summary.restored > 0 {
        Exit::Pending
    } else if !only_says && summary.restored == 0 {
        Exit::Different
    } else {
        Exit::Complete
    };
    print_summary(context, summary, only_says, restores.len())?;
    Ok(exit)
}

fn restores(found: &[Found], over: bool) -> Vec<Restore> {
    let wanted = found.iter().filter(|found| found.verdict == Verdict::Restore);
    wanted.map(|found| Restore { bucket: found.bucket, id: found.kept.id.clone(), over }).collect()
}

fn print_summary(context: &Context, summary: Summary, only_says: bool, to_restore: usize) -> anyhow::Result<()> {
    if context.json {
        return json_line(&Last { summary });
    }
    let Summary { found, restored, passed_over, more } = summary;
    let more = if more { "; there are more: ask for fewer, with --since or --ids" } else { "" };
    line(&if only_says {
        format!("{found} in quarantine, {to_restore} to restore{more}")
    } else {
        format!("{found} in quarantine, {restored} restored, {passed_over} changed in between{more}")
    })
}

fn text_of(found: &Found, is_list: bool) -> String {
    let Found { kept: Kept { key, generation, size, removed_at, why, note, .. }, verdict, .. } = found;
    let becomes = match verdict {
        _ if is_list => String::new(),
        Verdict::Restore => ": is restored".to_owned(),
        Verdict::Occupied => ": stays here, since there is another object at its key (see --generation)".to_owned(),
        Verdict::Newer => ": stays here, since a newer one is restored (see --generation)".to_owned(),
        Verdict::OnDemand => ": stays here, since it was replaced (see --generation)".to_owned(),
    };
    let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{key}: {why} at {removed_at}, generation {generation}, {size} bytes{note}{becomes}")
}
