//! Settling: rejected files go to quarantine and are listed no more, and what of a delivery has no file is noted as settled.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    Output, System,
    absent::{self, Matched},
    delivery::{self, Delivery},
};
use crate::{
    escape::visible,
    ledger::Scope,
    model::{
        error::Result,
        key::DeliveryName,
        lang::{Lang, Text},
        reason::ReasonCode,
    },
    proof::{
        deliveries::{dismissed_lines::DismissedLine, record::photo_of, state::ItemState},
        dismiss::{Dismissible, dismissible, misnamed_with_ids},
        verify::EntityState,
    },
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Dismiss {
    /// Of which delivery; of none, of all that is rejected.
    pub delivery: Option<DeliveryName>,
    /// Of which entities.
    pub scope: Scope,
    /// Only these: keys, and of a delivery names of files.
    pub keys: BTreeSet<String>,
    /// Only what has this reason.
    pub reason: Option<ReasonCode>,
    /// Why it is settled, for whoever looks later.
    pub note: Option<String>,
    /// Only say what it would be.
    pub dry_run: bool,
}

/// A line about a file.
#[derive(Debug, Serialize)]
struct FileLine<'f> {
    #[serde(flatten)]
    file: &'f Dismissible,
    dismissed: bool,
}

/// A line about something of a delivery that has no file.
#[derive(Debug, Serialize)]
struct OfDelivery<'l> {
    #[serde(flatten)]
    line: &'l DismissedLine,
    dismissed: bool,
}

/// The last line.
#[derive(Debug, Serialize)]
struct Last {
    summary: Summary,
    /// Whether it only says what it would do.
    dry_run: bool,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    found: u64,
    dismissed: u64,
    /// What is to be dismissed, as far as nothing changes in between.
    to_dismiss: u64,
    passed_over: u64,
    serves_older: u64,
}

/// What is rejected, and what of a delivery is open and has no file.
#[derive(Debug, Default)]
struct Found {
    files: Vec<Dismissible>,
    lines: Vec<DismissedLine>,
}

impl Dismiss {
    fn is_asked(&self, reason: ReasonCode) -> bool {
        self.reason.is_none_or(|asked| asked == reason)
    }

    /// Whether it is among the entities, and among what is named, by any of its names.
    fn names(&self, cd_idx: Option<u64>, names: &[&str]) -> bool {
        let in_scope = match &self.scope {
            Scope::Ids { cd_idx: asked, .. } => cd_idx.is_some_and(|cd_idx| asked.contains(&cd_idx)),
            Scope::All | Scope::Vertical(_) => true,
        };
        in_scope && (self.keys.is_empty() || names.iter().any(|name| self.keys.contains(*name)))
    }
}

/// Settles what is asked for.
pub async fn run(system: &System<'_>, asked: &Dismiss, output: &mut impl Output) -> Result<EntityState> {
    let mut matched = Matched::Everything;
    let (found, delivery) = match &asked.delivery {
        None => {
            matched = absent::report(system.places, system.verticals, &asked.scope, output).await?;
            if matched == Matched::Nothing {
                return Ok(EntityState::Different);
            }
            (of_scope(system, asked).await?, None)
        }
        Some(name) => match delivery::find(system, name, output).await? {
            Some(delivery) => (of_delivery(system, asked, &delivery).await?, Some(delivery)),
            None => return Ok(EntityState::Different),
        },
    };
    let is_unknown = say_unknown(asked, &found, output);
    let Found { files, lines } = &found;
    let go: Vec<String> = files.iter().filter(|file| !file.serves_older).map(|file| file.key.clone()).collect();
    let to_dismiss = (go.len() + lines.len()) as u64;
    let all = (files.len() + lines.len()) as u64;
    let mut summary = Summary { found: all, to_dismiss, serves_older: all - to_dismiss, ..Summary::default() };
    if !asked.dry_run {
        let note = asked.note.as_deref();
        if !go.is_empty() {
            let acted = system.act.dismiss(&go, note).await?;
            (summary.dismissed, summary.passed_over) = (acted.done, acted.passed_over);
        }
        if let (Some(Delivery::Recorded(record)), false) = (&delivery, lines.is_empty()) {
            system.act.dismiss_lines(&record.key(), lines, note).await?;
            summary.dismissed += lines.len() as u64;
        }
    }
    let (applied, lang) = (!asked.dry_run, output.lang());
    for file in files {
        let line = FileLine { file, dismissed: applied && !file.serves_older };
        output.item(Some(&line), || vec![file_text(file, applied, lang)]);
    }
    for line in lines {
        output.item(Some(&OfDelivery { line, dismissed: applied }), || vec![line_text(line, applied, lang)]);
    }
    let state = match (all, is_unknown || matched != Matched::Everything) {
        (0, _) | (_, true) => EntityState::Different,
        _ if summary.serves_older > 0 => EntityState::Rejected,
        _ => EntityState::Complete,
    };
    let text = summary.text(asked.dry_run, lang);
    output.item(Some(&Last { summary, dry_run: asked.dry_run }), || vec![text]);
    output.ready().await;
    Ok(state)
}

async fn of_scope(system: &System<'_>, asked: &Dismiss) -> Result<Found> {
    let places = system.places;
    let uploads = (places.store, places.settings.upload_bucket.as_str());
    let mut files = dismissible(uploads, places.catalog, &asked.scope, asked.reason).await?;
    files.extend(misnamed_with_ids(places, &asked.scope, asked.reason).await?);
    files.retain(|file| asked.keys.is_empty() || asked.keys.contains(&file.key));
    Ok(Found { files, lines: Vec::new() })
}

/// What of a delivery was rejected, and of a recorded one what is open and has no file. What is pending settles itself.
async fn of_delivery(system: &System<'_>, asked: &Dismiss, delivery: &Delivery) -> Result<Found> {
    let standing = delivery.standing(system).await?;
    let prefix = delivery.vertical().originals_prefix();
    let rejected = standing.items.iter().filter(|item| item.state == ItemState::Rejected);
    let files = rejected.filter_map(|item| {
        let reason = item.reason.filter(|reason| *reason != ReasonCode::SystemDeadLetter && asked.is_asked(*reason))?;
        let key = format!("{prefix}{}", item.file);
        let is_named = asked.names(item.cd_idx, &[&key, &item.file]);
        is_named.then_some(Dismissible { key, reason, serves_older: item.last_good_served })
    });
    let files = files.collect();
    if matches!(delivery, Delivery::Day { .. }) {
        return Ok(Found { files, lines: Vec::new() });
    }
    let is_asked = |line: &DismissedLine| {
        let file = line.file.as_deref();
        let cd_idx = line.cd_idx.or_else(|| photo_of(delivery.vertical(), file?).0);
        let is_reason = asked.reason.is_none_or(|asked| asked.code() == line.code);
        is_reason && asked.names(cd_idx, &file.map(|file| vec![file]).unwrap_or_default())
    };
    let lines: BTreeSet<DismissedLine> = standing.open_lines().filter(is_asked).collect();
    Ok(Found { files, lines: lines.into_iter().collect() })
}

/// Says of what was named and is not rejected; whether there is any.
fn say_unknown(asked: &Dismiss, found: &Found, output: &mut impl Output) -> bool {
    let keys = found.files.iter().flat_map(|file| [file.key.as_str(), file.key.rsplit('/').next().unwrap_or_default()]);
    let known: BTreeSet<&str> = keys.chain(found.lines.iter().filter_map(|line| line.file.as_deref())).collect();
    let mut is_unknown = false;
    for key in asked.keys.iter().filter(|key| !known.contains(key.as_str())) {
        is_unknown = true;
        let what = output.lang().pick("no such rejected file", "그런 거부된 파일이 없습니다");
        output.note(&format!("{}: {what}", visible(key)));
    }
    is_unknown
}

fn becomes(applied: bool, lang: Lang) -> &'static str {
    if applied {
        lang.pick("dismissed", "정리했습니다")
    } else {
        lang.pick("would be dismissed", "정리할 예정입니다")
    }
}

fn file_text(file: &Dismissible, applied: bool, lang: Lang) -> String {
    let Dismissible { key, reason, serves_older } = file;
    let stays = Text::new(
        "stays, since an older original is being served: upload a good one",
        "이전 정상 사진이 게시 중이라 그대로 둡니다. 정상인 파일을 올려 주세요",
    );
    let becomes = if *serves_older { stays.of(lang) } else { becomes(applied, lang) };
    format!("{}: {reason}: {becomes}", visible(key))
}

fn line_text(line: &DismissedLine, applied: bool, lang: Lang) -> String {
    let cd_idx = line.cd_idx.map(|cd_idx| cd_idx.to_string());
    let about = line.file.as_deref().or(cd_idx.as_deref()).unwrap_or_default();
    format!("{}: {}: {}", visible(about), visible(&line.code), becomes(applied, lang))
}

impl Summary {
    fn text(&self, dry_run: bool, lang: Lang) -> String {
        let Self { found, dismissed, to_dismiss, passed_over, serves_older } = self;
        match (lang, dry_run) {
            (Lang::En, true) => format!(
                "{found} rejected files: {to_dismiss} would be dismissed, {serves_older} beside a good original would stay"
            ),
            (Lang::En, false) => format!(
                "{found} rejected files: {dismissed} dismissed, {passed_over} changed in between, {serves_older} beside a good original"
            ),
            (Lang::Ko, true) => format!(
                "거부된 파일 {found}개: 정리할 것 {to_dismiss}개, 이전 정상 사진이 게시 중이라 그대로 둘 것 {serves_older}개"
            ),
            (Lang::Ko, false) => format!(
                "거부된 파일 {found}개: 정리 {dismissed}개, 그사이 바뀐 것 {passed_over}개, 이전 정상 사진이 게시 중인 것 {serves_older}개"
            ),
        }
    }
}
