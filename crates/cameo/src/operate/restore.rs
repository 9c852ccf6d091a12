//! Bringing back what is in quarantine: what was deleted, replaced, moved, dismissed or superfluous.

use serde::Serialize;

use super::{Output, System, absent};
use crate::{
    escape::visible,
    ledger::Scope,
    model::{error::Result, key::ORIGIN_PREFIX, lang::Lang, when::local},
    proof::{
        restore::{Asked, Everything, Found, Restore, Side, Unmatched, Verdict, find_all, unmatched},
        verify::EntityState,
    },
    store::quarantine::{Kept, Why},
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Restoring {
    /// What of the quarantine.
    pub asked: Asked,
    /// List everything that is kept, replaced originals too, and restore nothing.
    pub list: bool,
    /// Only say what would be restored.
    pub dry_run: bool,
}

/// The last line.
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
    /// What was left out because its key names no vertical, where one was asked for.
    without_vertical: u64,
}

/// Lines that are passed on at a time.
const LINES: usize = 1000;

/// Brings back what is asked for.
pub async fn run(system: &System<'_>, restoring: &Restoring, output: &mut impl Output) -> Result<EntityState> {
    let Restoring { asked, list, dry_run } = restoring;
    let Everything { found, more, without_vertical } =
        find_all(system.places.store, system.places.settings, asked).await?;
    let lang = output.lang();
    // Behind what is listed there may be more of them.
    let absent = if more { Unmatched::default() } else { unmatched(asked, &found) };
    say_unmatched(&absent, output);
    if without_vertical > 0 {
        output.note(&match lang {
            Lang::En => format!(
                "{without_vertical} in quarantine name no vertical and are left out: name them by their keys, or leave --vertical out"
            ),
            Lang::Ko => format!(
                "버티컬을 알 수 없는 {without_vertical}개는 제외했습니다. 키를 직접 적거나 --vertical 없이 찾아 주세요"
            ),
        });
    }
    if found.is_empty() {
        return nothing(system, restoring, output).await;
    }
    let only_says = *list || *dry_run;
    for (n, found) in found.iter().enumerate() {
        output.item(Some(found), || vec![text_of(found, *list && !dry_run, (lang, system.zone))]);
        if n % LINES == LINES - 1 {
            output.ready().await;
        }
    }
    let mut summary = Summary { found: found.len() as u64, more, without_vertical, ..Summary::default() };
    let restores = restores(&found, asked.generation.is_some());
    if !only_says && !restores.is_empty() {
        let acted = system.act.restore(&restores).await?;
        (summary.restored, summary.passed_over) = (acted.done, acted.passed_over);
    }
    // What is outside of the folder of originals causes no event: it is back as soon as it is there.
    let is_event = |found: &Found| found.bucket == Side::Originals && found.kept.key.starts_with(ORIGIN_PREFIX);
    let in_flight = !only_says && found.iter().any(|found| found.verdict == Verdict::Restore && is_event(found));
    let state = if !absent.is_empty() {
        EntityState::Different
    } else if in_flight && summary.restored > 0 {
        EntityState::Pending
    } else if !only_says && summary.restored == 0 {
        EntityState::Different
    } else {
        EntityState::Complete
    };
    let text = summary.text(only_says, restores.len(), lang);
    output.item(Some(&Last { summary }), || vec![text]);
    output.ready().await;
    Ok(state)
}

/// Says that nothing is there of what was asked for: a difference where something was named.
async fn nothing(system: &System<'_>, restoring: &Restoring, output: &mut impl Output) -> Result<EntityState> {
    let Restoring { asked, list, .. } = restoring;
    let is_unknown = match &asked.scope {
        Scope::Vertical(vertical) | Scope::Ids { vertical: Some(vertical), .. } => {
            absent::vertical(system.places, system.verticals, vertical, output).await?
        }
        Scope::All | Scope::Ids { .. } => false,
    };
    if !is_unknown {
        let text = "nothing in quarantine is what was asked for; it is kept for store.keep_removed";
        let korean =
            "찾으시는 것이 격리 보관소에 없습니다. 삭제된 것은 store.keep_removed(기본 30일) 동안만 보관됩니다";
        output.note(output.lang().pick(text, korean));
    }
    output.item(Some(&Last { summary: Summary::default() }), Vec::new);
    output.ready().await;
    let names_something = !asked.keys.is_empty() || matches!(asked.scope, Scope::Ids { .. }) || is_unknown;
    Ok(if *list && !names_something { EntityState::Complete } else { EntityState::Different })
}

/// Names what was asked for and is not in quarantine.
fn say_unmatched(absent: &Unmatched, output: &mut impl Output) {
    let is_not_there = output.lang().pick("nothing of it is in quarantine", "격리 보관된 것이 없습니다");
    let ids = absent.unknown_ids.iter().map(ToString::to_string);
    let names: Vec<String> = ids.chain(absent.unknown_keys.iter().map(|key| visible(key).into_owned())).collect();
    for name in names {
        output.note(&format!("{name}: {is_not_there}"));
    }
    if !absent.is_empty() {
        output.item(Some(absent), Vec::new);
    }
}

fn restores(found: &[Found], over: bool) -> Vec<Restore> {
    let wanted = found.iter().filter(|found| found.verdict == Verdict::Restore);
    wanted.map(|found| Restore { bucket: found.bucket, id: found.kept.id.clone(), over }).collect()
}

impl Summary {
    fn text(&self, only_says: bool, to_restore: usize, lang: Lang) -> String {
        let Self { found, restored, passed_over, more, .. } = self;
        let there_are_more = lang.pick(
            "; there are more: ask for fewer, with --since or --ids",
            "; 더 있습니다. --since 나 --ids 로 나누어 주세요",
        );
        let more = if *more { there_are_more } else { "" };
        match (lang, only_says) {
            (Lang::En, true) => format!("{found} in quarantine, {to_restore} to restore{more}"),
            (Lang::En, false) => {
                format!("{found} in quarantine, {restored} restored, {passed_over} changed in between{more}")
            }
            (Lang::Ko, true) => format!("격리 보관 {found}개 중 되돌릴 것 {to_restore}개{more}"),
            (Lang::Ko, false) => {
                format!("격리 보관 {found}개 중 {restored}개를 되돌렸습니다. 그사이 바뀐 것 {passed_over}개{more}")
            }
        }
    }
}

fn text_of(found: &Found, is_list: bool, (lang, zone): (Lang, &jiff::tz::TimeZone)) -> String {
    let Found { kept: Kept { key, generation, size, removed_at, why, note, .. }, verdict, .. } = found;
    let (key, removed_at) = (visible(key), local(*removed_at, zone));
    let becomes = if is_list { "" } else { becomes(*verdict, lang) };
    let note = note.as_ref().map(|note| format!(" ({})", visible(note))).unwrap_or_default();
    match lang {
        Lang::En => format!("{key}: {why} at {removed_at}, generation {generation}, {size} bytes{note}{becomes}"),
        Lang::Ko => {
            format!("{key}: {removed_at} {}, 세대 {generation}, {size}바이트{note}{becomes}", why_in_korean(*why))
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
        Why::Unpublished => "게시 중단됨",
    }
}
