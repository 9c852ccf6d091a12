//! Moving photos to another vertical: which they are, how far each is, and a step after the other until nothing goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;

use super::{Output, Subject, System, absent, delivery};
use crate::{
    escape::visible,
    ledger::Scope,
    model::{
        error::{Error, Kind, Place, Result},
        key::{DeliveryName, Vertical, evident},
        lang::Lang,
    },
    proof::{
        relocate::{Relocation, Stage, Staged, photos, relocation, stages},
        verify::{self, EntityState, Progress, Step, Unmatched},
    },
};

/// Pause between two looks at what is in flight.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Photos that are listed for people, at most; all are counted.
const LISTED_MAX: usize = 1000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Move {
    /// Which photos, and where to.
    pub which: Which,
    /// Do it; else only say how far each is.
    pub apply: bool,
    /// How long to wait for what is in flight.
    pub wait: Duration,
    /// Where whoever asks has written the photos for the way back.
    pub saved: Option<String>,
}

/// Photos that are to move.
#[derive(Debug, Clone)]
pub enum Which {
    /// All of a vertical, or those of some entities.
    Of {
        /// The vertical that they are in.
        from: Vertical,
        /// The vertical that they belong to.
        to: Vertical,
        /// Only of these entities.
        ids: Option<Vec<u64>>,
    },
    /// Those of a delivery.
    Delivery {
        /// The vertical that they are in.
        from: Vertical,
        /// The vertical that they belong to.
        to: Vertical,
        /// The delivery.
        name: DeliveryName,
    },
    /// These.
    Listed(Vec<Relocation>),
}

/// The last line.
#[derive(Debug, Serialize)]
struct Last<'s> {
    summary: BTreeMap<Stage, u64>,
    applied: bool,
    /// The file for the way back.
    saved: &'s Option<String>,
}

/// Moves what is asked for, or says how far it is.
pub async fn run(system: &System<'_>, asked: &Move, output: &mut impl Output) -> Result<EntityState> {
    let (photos, is_known) = which(system, &asked.which, output).await?;
    if photos.is_empty() {
        output.note(output.lang().pick("there is no photo to move", "옮길 사진이 없습니다"));
        output.item(Some(&Last { summary: BTreeMap::new(), applied: false, saved: &None }), Vec::new);
        output.ready().await;
        return Ok(EntityState::Different);
    }
    if let Which::Of { to, .. } | Which::Delivery { to, .. } = &asked.which {
        say_new(system, to, output).await?;
    }
    let places = system.places;
    let mut staged = stages(places.store, &places.settings.upload_bucket, places.catalog, &photos).await?;
    if asked.apply && staged.iter().any(|photo| photo.stage.goes_on()) {
        staged = apply(system, staged, asked.wait, output).await?;
    }
    write(asked, &staged, output).await;
    Ok(if is_known { state_of(&staged) } else { EntityState::Different })
}

/// Reports a vertical that moving makes: a right name for a new one, or a slip that would make one.
async fn say_new(system: &System<'_>, to: &Vertical, output: &mut impl Output) -> Result<()> {
    let mut unmatched = verify::unmatched(system.places, &Scope::Vertical(to.clone())).await?;
    absent::show_own(system.verticals, &mut unmatched);
    let Some(Unmatched { near, .. }) = unmatched else { return Ok(()) };
    let near = near.iter().map(Vertical::as_str).collect::<Vec<_>>().join(", ");
    output.note(&match output.lang() {
        Lang::En if near.is_empty() => format!("the vertical \"{to}\" is new: nothing is there of it yet"),
        Lang::En => format!("the vertical \"{to}\" is new: nothing is there of it yet; did you mean {near}?"),
        Lang::Ko if near.is_empty() => format!("\"{to}\" 은(는) 새 버티컬입니다. 아직 사진이 없습니다"),
        Lang::Ko => format!("\"{to}\" 은(는) 새 버티컬입니다. 아직 사진이 없습니다. 비슷한 이름: {near}"),
    });
    Ok(())
}

/// The photos that are to move; false where an id that was named has none.
async fn which(system: &System<'_>, which: &Which, output: &mut impl Output) -> Result<(Vec<Relocation>, bool)> {
    let (from, to) = match which {
        Which::Listed(photos) => return Ok((photos.clone(), true)),
        Which::Of { from, to, .. } | Which::Delivery { from, to, .. } => (from, to),
    };
    if from == to {
        let korean = format!("옮길 버티컬이 지금 버티컬({from})과 같습니다");
        return Err(usage(format!("move photos from {from} to {to}: it is the same vertical")).in_korean(korean));
    }
    if let Which::Delivery { name, .. } = which {
        let Some(Subject::Delivery(name)) = Subject::delivery(name.clone(), Some(from)) else {
            let korean = format!("전달 {name} 은 버티컬 {from} 의 것이 아닙니다");
            return Err(usage(format!("move the delivery {name}: it is not of the vertical {from}")).in_korean(korean));
        };
        let found = delivery::find(system, &name, output).await?;
        let files = found.map(|delivery| delivery.files()).unwrap_or_default();
        return Ok((files.iter().filter_map(|file| relocation(&file.key, to)).collect(), true));
    }
    let Which::Of { ids, .. } = which else { return Ok((Vec::new(), true)) };
    let (store, bucket) = (system.places.store, &system.places.settings.upload_bucket);
    let found = photos(store, bucket, from, to, ids.as_deref()).await?;
    if found.is_empty() && absent::vertical(system.places, system.verticals, from, output).await? {
        return Ok((found, false));
    }
    let mut unknown = ids.clone().unwrap_or_default();
    let without = |unknown: &mut Vec<u64>, photos: &[Relocation]| {
        let ids: BTreeSet<u64> = photos.iter().filter_map(|photo| evident(&photo.from).0).collect();
        unknown.retain(|id| !ids.contains(id));
    };
    without(&mut unknown, &found);
    // Those that an earlier run has moved are where they belong.
    let moved = photos(store, bucket, to, from, Some(&unknown)).await?;
    without(&mut unknown, &moved);
    for id in &unknown {
        output.note(&match output.lang() {
            Lang::En => format!("{id}: no photo of it is in {from}"),
            Lang::Ko => format!("{id}: {from} 에 사진이 없습니다"),
        });
    }
    absent::unknown_ids(&unknown, output);
    Ok((found, unknown.is_empty()))
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}

/// Takes steps until nothing goes on, or the time is over.
async fn apply(
    system: &System<'_>,
    staged: Vec<Staged>,
    wait: Duration,
    output: &mut impl Output,
) -> Result<Vec<Staged>> {
    let (mut done, mut waiting): (Vec<_>, Vec<_>) = staged.into_iter().partition(|photo| !photo.stage.goes_on());
    let mut waited = Duration::ZERO;
    loop {
        let photos: Vec<Relocation> = waiting.iter().map(|photo| photo.photo.clone()).collect();
        let (ended, on): (Vec<_>, Vec<_>) =
            system.act.relocate(&photos).await?.into_iter().partition(|photo| !photo.stage.goes_on());
        done.extend(ended);
        waiting = on;
        if waiting.is_empty() || waited >= wait {
            done.extend(waiting);
            done.sort_by(|a, b| a.photo.from.cmp(&b.photo.from));
            return Ok(done);
        }
        output.progress(Progress { entities: done.len() as u64, step: Step::Objects });
        output.ready().await;
        tokio::time::sleep(LOOK_EVERY).await;
        waited += LOOK_EVERY;
    }
}

fn counts(staged: &[Staged]) -> BTreeMap<Stage, u64> {
    let mut counts = BTreeMap::new();
    for photo in staged {
        *counts.entry(photo.stage).or_default() += 1;
    }
    counts
}

fn words(stage: Stage, lang: Lang) -> &'static str {
    match stage {
        Stage::ToCopy => lang.pick("to move", "옮길 것"),
        Stage::Copied => lang.pick("copied, and not registered yet", "복사했고 등록을 기다리는 중"),
        Stage::Registered => {
            lang.pick("registered, and the old one not removed yet", "등록했고 이전 것은 아직 지우지 않음")
        }
        Stage::Moved => lang.pick("moved", "옮김"),
        Stage::Conflict => {
            lang.pick("conflict: there is another photo under the new key", "충돌: 옮길 자리에 다른 사진이 있음")
        }
        Stage::Rejected => {
            lang.pick("rejected under the new key; the old one stays", "옮길 자리에서 거부됨. 이전 것은 그대로 있음")
        }
        Stage::Gone => lang.pick("gone", "없어짐"),
    }
}

async fn write(asked: &Move, staged: &[Staged], output: &mut impl Output) {
    let lang = output.lang();
    let mut listed = 0;
    for (n, photo) in staged.iter().enumerate() {
        let Staged { photo: Relocation { from, to }, stage } = photo;
        let is_listed = *stage != Stage::Moved && listed < LISTED_MAX;
        listed += usize::from(is_listed);
        let text = || is_listed.then(|| format!("{} → {}: {}", visible(from), visible(to), words(*stage, lang)));
        output.item(Some(photo), || text().into_iter().collect());
        if n % LISTED_MAX == LISTED_MAX - 1 {
            output.ready().await;
        }
    }
    let summary = counts(staged);
    let count = |(stage, n): (&Stage, &u64)| match lang {
        Lang::En => format!("{n} {}", words(*stage, lang)),
        Lang::Ko => format!("{} {n}장", words(*stage, lang)),
    };
    let (total, counts) = (staged.len(), summary.iter().map(count).collect::<Vec<_>>().join("; "));
    let text = match lang {
        Lang::En => format!("{total} photos: {counts}"),
        Lang::Ko => format!("사진 {total}장: {counts}"),
    };
    let saved = &asked.saved;
    output.item(Some(&Last { summary, applied: asked.apply, saved }), || vec![text]);
    if let Some(file) = saved {
        output.note(&match lang {
            Lang::En => format!("`cameo move --undo {file} --apply` is the way back"),
            Lang::Ko => format!("되돌리려면 `cameo move --undo {file} --apply` 를 실행하세요"),
        });
    }
    output.ready().await;
}

fn state_of(staged: &[Staged]) -> EntityState {
    if staged.iter().any(|photo| photo.stage.goes_on()) {
        EntityState::Pending
    } else if staged.iter().any(|photo| photo.stage != Stage::Moved) {
        EntityState::Different
    } else {
        EntityState::Complete
    }
}
