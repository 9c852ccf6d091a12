//! Whether anything is known of what a command is asked about, and which names are near to it.

use std::collections::BTreeSet;

use super::{
    Places, collect,
    files::{self, OUTSIDE_MAX},
    in_work::InWork,
    origin_prefix,
    report::{UnexpectedFile, Unmatched},
    walk::{self, CHUNK},
};
use crate::{
    catalog::Catalog,
    ledger::Scope,
    model::{
        error::Result,
        key::{Misplaced, Vertical, evident},
    },
};

/// Near names that are offered, at most.
const NEAR_MAX: usize = 3;

/// The vertical of a scope, if no place knows anything of it.
pub async fn unmatched(places: Places<'_>, scope: &Scope) -> Result<Option<Unmatched>> {
    let (Scope::Vertical(vertical) | Scope::Ids { vertical: Some(vertical), .. }) = scope else { return Ok(None) };
    if is_known(places, vertical).await? {
        return Ok(None);
    }
    let near = near(vertical, &verticals_known(places).await?);
    Ok(Some(Unmatched { vertical: vertical.clone(), near, is_own: false }))
}

async fn is_known(places: Places<'_>, vertical: &Vertical) -> Result<bool> {
    let (store, catalog, settings) = (places.store, places.catalog, places.settings);
    let scope = Scope::Vertical(vertical.clone());
    let known = !store.list(&settings.upload_bucket, &origin_prefix(vertical), "", 1).await?.is_empty()
        || !catalog.ledger(&scope, "", 1).await?.is_empty()
        || !catalog.rows(&scope, None, 1).await?.is_empty()
        || !store.list(&settings.image_bucket, &format!("{vertical}/"), "", 1).await?.is_empty()
        || !files::misplaced(store, &settings.upload_bucket, &scope, OUTSIDE_MAX).await?.is_empty();
    Ok(known)
}

/// Every vertical that upload bucket or ledger know.
pub async fn verticals_known(places: Places<'_>) -> Result<BTreeSet<Vertical>> {
    let mut verticals: BTreeSet<Vertical> = files::verticals(places).await?.into_iter().collect();
    verticals.extend(in_ledger(places.catalog).await?);
    Ok(verticals)
}

async fn in_ledger(catalog: &dyn Catalog) -> Result<Vec<Vertical>> {
    let counts = catalog.counts().await?;
    Ok(counts.into_iter().filter_map(|count| count.vertical?.parse().ok()).collect())
}

fn near(asked: &Vertical, known: &BTreeSet<Vertical>) -> Vec<Vertical> {
    let asked: Vec<char> = asked.as_str().to_lowercase().chars().collect();
    let limit = (asked.len() / 3).max(1);
    let mut near: Vec<(usize, &Vertical)> = known
        .iter()
        .map(|vertical| (distance(&asked, &vertical.as_str().to_lowercase().chars().collect::<Vec<_>>()), vertical))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.into_iter().take(NEAR_MAX).map(|(_, vertical)| vertical.clone()).collect()
}

/// How many characters must be inserted, removed or replaced (Levenshtein), two swapped neighbours counting once.
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut table: Vec<usize> = (0..(a.len() + 1) * width).map(|n| (n / width).max(n % width)).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = table[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(table[(i - 1) * width + j] + 1).min(table[i * width + j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(table[(i - 2) * width + j - 2] + 1);
            }
            table[i * width + j] = least;
        }
    }
    table[a.len() * width + b.len()]
}

/// Numbers that were asked for and of which nothing is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AbsentIds {
    /// Found nowhere: in no original, ledger entry or row, and in no misnamed file.
    pub unknown: Vec<u64>,
    /// Everything of them was deleted.
    pub deleted: Vec<u64>,
}

impl AbsentIds {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.unknown.len() + self.deleted.len()
    }

    /// Whether something is left of every number that was asked for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Numbers of a scope of which nothing is left, as verifying judges it.
pub async fn absent_ids(places: Places<'_>, scope: &Scope) -> Result<AbsentIds> {
    let Scope::Ids { vertical, cd_idx } = scope else { return Ok(AbsentIds::default()) };
    let mut absent = AbsentIds::default();
    for some in cd_idx.chunks(CHUNK) {
        let scope = Scope::Ids { vertical: vertical.clone(), cd_idx: some.to_vec() };
        let entities = walk::with_ids(places, &scope).await?;
        let left = collect::left(places, &scope, &entities).await?;
        let known: BTreeSet<u64> = entities.into_iter().map(|entity| entity.cd_idx).collect();
        for id in some.iter().filter(|id| !left.contains(id)) {
            if known.contains(id) { absent.deleted.push(*id) } else { absent.unknown.push(*id) }
        }
    }
    if !absent.is_empty() {
        let cd_idx = absent.unknown.iter().chain(&absent.deleted).copied().collect();
        let files = misnamed(places, &Scope::Ids { vertical: vertical.clone(), cd_idx }).await?;
        for ids in [&mut absent.unknown, &mut absent.deleted] {
            ids.retain(|id| !files.contains(id));
        }
    }
    Ok(absent)
}

/// Misnamed files whose names are evidently those of a number of the scope, with what became of them: those that begin with it are looked for
/// in the bucket, and whatever else a person would read as it among those that the ledger has rejected.
pub async fn misnamed_with_ids(places: Places<'_>, scope: &Scope) -> Result<Vec<UnexpectedFile>> {
    let Scope::Ids { vertical, cd_idx } = scope else { return Ok(Vec::new()) };
    let verticals = match vertical {
        Some(vertical) => vec![vertical.clone()],
        None => files::verticals(places).await?,
    };
    let ids: BTreeSet<u64> = cd_idx.iter().copied().collect();
    let mut keys = files::rejected_with_ids(places, vertical.as_ref(), &ids).await?;
    for vertical in verticals {
        keys.extend(files::with_ids(places, &vertical, &ids).await?);
    }
    let in_work = InWork::look(places.queues).await?;
    let mut found = Vec::new();
    for key in keys {
        found.extend(files::judged(places, &in_work, &key).await?);
    }
    Ok(found)
}

/// Numbers that names of misnamed files evidently mean.
async fn misnamed(places: Places<'_>, scope: &Scope) -> Result<BTreeSet<u64>> {
    let outside = files::misplaced(places.store, &places.settings.upload_bucket, scope, OUTSIDE_MAX).await?;
    let outside = outside.into_iter().filter(|stray| Misplaced::parse(&stray.key).is_some()).map(|stray| stray.key);
    let mut keys: Vec<String> = outside.collect();
    keys.extend(misnamed_with_ids(places, scope).await?.into_iter().map(|stray| stray.key));
    Ok(keys.iter().filter_map(|key| evident(key).0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let known = ["ssgdfm_eye", "ssgdfm_ear", "brand", "가방"].map(|name| name.parse().unwrap()).into();
        let near = |asked: &str| near(&asked.parse().unwrap(), &known);
        assert_eq!(near("ssgdfm_eyee")[0].as_str(), "ssgdfm_eye");
        assert_eq!(near("sgsdfm_eye")[0].as_str(), "ssgdfm_eye");
        assert_eq!(near("BRAND")[0].as_str(), "brand");
        assert_eq!(near("shop"), []);
    }
}
