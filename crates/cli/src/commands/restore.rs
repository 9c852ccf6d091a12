//! `cameo restore`: bring back what was deleted, replaced, moved, dismissed or superfluous.

use cameo::{
    model::lang::Lang,
    proof::restore::{Asked, Found, Restore, Side, Verdict, find},
    store::quarantine::{Kept, Why},
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
    let scope = args.scope.scope(context)?;
    let places = args.places.open(context).await?;
    let asked = Asked {
        scope,
        keys: args.keys.iter().cloned().collect(),
        since: args.since,
        generation: args.generation.clone(),
    };
    let (found, more) = find(&*places.store, &places.settings, &asked).await?;
    if found.is_empty() {
        note(context.lang.pick(
            "nothing in quarantine is what was asked for; it is kept for store.keep_removed",
            "찾으시는 것이 격리 보관소에 없습니다. 삭제된 것은 store.keep_removed(기본 30일) 동안만 보관됩니다",
        ));
        return Ok(if args.list && asked.keys.is_empty() { Exit::Complete } else { Exit::Different });
    }
    let only_says = args.list || args.dry_run;
    for found in &found {
        if context.json { json_line(found)? } else { line(&text_of(found, only_says && !args.dry_run, context.lang))? }
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
    let lang = context.lang;
    let there_are_more = lang.pick(
        "; there are more: ask for fewer, with --since or --ids",
        "; 더 있습니다. --since 나 --ids 로 나누어 주세요",
    );
    let more = if more { there_are_more } else { "" };
    line(&match (lang, only_says) {
        (Lang::En, true) => format!("{found} in quarantine, {to_restore} to restore{more}"),
        (Lang::En, false) => {
            format!("{found} in quarantine, {restored} restored, {passed_over} changed in between{more}")
        }
        (Lang::Ko, true) => format!("격리 보관 {found}개 중 되돌릴 것 {to_restore}개{more}"),
        (Lang::Ko, false) => {
            format!("격리 보관 {found}개 중 {restored}개를 되돌렸습니다. 그사이 바뀐 것 {passed_over}개{more}")
        }
    })
}

fn text_of(found: &Found, is_list: bool, lang: Lang) -> String {
    let Found { kept: Kept { key, generation, size, removed_at, why, note, .. }, verdict, .. } = found;
    let becomes = if is_list { "" } else { becomes(*verdict, lang) };
    let note = note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    match lang {
        Lang::En => format!("{key}: {why} at {removed_at}, generation {generation}, {size} bytes{note}{becomes}"),
        Lang::Ko => {
            format!("{key}: {removed_at} {}, generation {generation}, {size}바이트{note}{becomes}", why_in_korean(*why))
        }
    }
}

fn becomes(verdict: Verdict, lang: Lang) -> &'static str {
    match verdict {
        Verdict::Restore => lang.pick(": is restored", ": 되돌립니다"),
        Verdict::Occupied => lang.pick(
            ": stays here, since there is another object at its key (see --generation)",
            ": 같은 이름의 다른 파일이 있어 그대로 둡니다(--generation 참고)",
        ),
        Verdict::Newer => lang.pick(
            ": stays here, since a newer one is restored (see --generation)",
            ": 더 새것을 되돌리므로 그대로 둡니다(--generation 참고)",
        ),
        Verdict::OnDemand => lang.pick(
            ": stays here, since it was replaced (see --generation)",
            ": 새 파일로 교체된 것이라 그대로 둡니다(--generation 참고)",
        ),
    }
}

fn why_in_korean(why: Why) -> &'static str {
    match why {
        Why::Deleted => "삭제됨",
        Why::Replaced => "교체됨",
        Why::Superfluous => "어느 사진의 것도 아님",
        Why::Moved => "옮겨짐",
        Why::Dismissed => "정리됨",
    }
}
