//! `cameo dismiss`: rejected files that are settled go to quarantine, and are listed no more.

use std::collections::BTreeSet;

use cameo::{
    model::{lang::Lang, reason::ReasonCode},
    operate::absent::Matched,
    proof::dismiss::{Dismissible, dismissible},
};
use clap::ArgGroup;
use serde::Serialize;

use super::{
    Context,
    changes::Changes,
    json_line, line, note,
    places::PlacesArgs,
    scope::{ScopeArgs, say_absent},
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo dismiss 'origin/ssgdfm_eye/1234 (1).jpg' --note \"sent again under its right name\"\n  \
cameo dismiss --reason name.unparseable --vertical ssgdfm_eye --dry-run\n  cameo dismiss --ids 351518 --note \"not for sale any more\"\n\n\
A file beside which an older, good original is being served stays: upload a good one instead. Dismissed files are kept for \
store.keep_removed (30 days); `cameo restore` brings them back, and they are rejected again.\n\n\
Exit code 7 where nothing of what was asked for is rejected.",
    group = ArgGroup::new("dismissed").required(true).multiple(true).args(["keys", "reason", "vertical", "ids", "ids_from"])
)]
pub(crate) struct Args {
    /// Keys of rejected files, in quotes where they hold spaces
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Only files rejected for this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<ReasonCode>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Why it is settled, for whoever looks later
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only say which files it would be
    #[arg(long)]
    dry_run: bool,
}

/// A line about a file.
#[derive(Debug, Serialize)]
struct FileLine<'f> {
    #[serde(flatten)]
    file: &'f Dismissible,
    dismissed: bool,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
struct Last {
    summary: Summary,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    found: u64,
    dismissed: u64,
    passed_over: u64,
    serves_older: u64,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let scope = args.scope.scope(context)?;
    let places = args.places.open(context).await?;
    if say_absent(context, &places, &scope).await? == Matched::Nothing {
        return Ok(Exit::Different);
    }
    let mut found = dismissible(&places.flow(), &scope, args.reason).await?;
    let keys: BTreeSet<&String> = args.keys.iter().collect();
    found.retain(|file| keys.is_empty() || keys.contains(&file.key));
    let known: BTreeSet<&String> = found.iter().map(|file| &file.key).collect();
    for key in keys.difference(&known) {
        note(&format!("{key}: {}", context.lang.pick("no such rejected file", "그런 거부된 파일이 없습니다")));
    }
    let (stay, go): (Vec<_>, Vec<_>) = found.iter().partition(|file| file.serves_older);
    let go: Vec<String> = go.into_iter().map(|file| file.key.clone()).collect();
    let mut summary = Summary { found: found.len() as u64, serves_older: stay.len() as u64, ..Summary::default() };
    if !args.dry_run && !go.is_empty() {
        let acted = Changes::by(context, &places)?.dismiss(&go, args.note.as_deref()).await?;
        (summary.dismissed, summary.passed_over) = (acted.done, acted.passed_over);
    }
    for file in &found {
        print(context, file, !args.dry_run)?;
    }
    let exit = match (found.is_empty(), known.len() < keys.len()) {
        (true, _) | (_, true) => Exit::Different,
        _ if summary.serves_older > 0 => Exit::Rejected,
        _ => Exit::Complete,
    };
    if context.json {
        json_line(&Last { summary })?;
    } else {
        let Summary { found, dismissed, passed_over, serves_older } = summary;
        line(&match context.lang {
            Lang::En => format!(
                "{found} rejected files: {dismissed} dismissed, {passed_over} changed in between, {serves_older} beside a good original"
            ),
            Lang::Ko => format!(
                "거부된 파일 {found}개: 정리 {dismissed}개, 그사이 바뀐 것 {passed_over}개, 이전 정상 사진이 게시 중인 것 {serves_older}개"
            ),
        })?;
    }
    Ok(exit)
}

fn print(context: &Context, file: &Dismissible, applied: bool) -> anyhow::Result<()> {
    let dismissed = applied && !file.serves_older;
    if context.json {
        return json_line(&FileLine { file, dismissed });
    }
    let Dismissible { key, reason, serves_older } = file;
    let lang = context.lang;
    let becomes = match (*serves_older, applied) {
        (true, _) => lang.pick(
            "stays, since an older original is being served: upload a good one",
            "이전 정상 사진이 게시 중이라 그대로 둡니다. 정상인 파일을 올려 주세요",
        ),
        (false, true) => lang.pick("dismissed", "정리했습니다"),
        (false, false) => lang.pick("would be dismissed", "정리할 예정입니다"),
    };
    line(&format!("{key}: {reason}: {becomes}"))
}
