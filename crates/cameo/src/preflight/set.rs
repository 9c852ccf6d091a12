//! The rules across files: two for one photo, sequences with gaps, one picture under two names.
//!
//! Near-misses count as the photos that they are evidently meant to be: a file that only has to be renamed leaves no
//! gap, and takes the place of another one.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    content::Looked,
    finding::{Finding, severity},
    name::Name,
};
use crate::model::{lang::Text, reason::ReasonCode};

/// Missing sequences that a detail lists, at most.
const LISTED_MAX: usize = 10;

/// A file as the rules see it.
#[derive(Debug)]
pub(super) struct Member<'f> {
    /// Its path inside of the source.
    pub(super) file: &'f str,
    pub(super) name: &'f Name,
    pub(super) looked: Option<&'f Looked>,
}

impl Member<'_> {
    fn slot(&self) -> Option<(u64, u16)> {
        self.name.photo().map(|photo| (photo.entity.cd_idx, photo.sequence))
    }

    /// Whether it takes its photo's place for certain: a name without a sequence, or in a folder of its own, does not.
    fn claims(&self) -> bool {
        match self.name {
            Name::Photo(_) => true,
            Name::Ignored => false,
            Name::Faulty(fault) => {
                fault.target.is_some() && !fault.is_assumed && fault.code != ReasonCode::NameSubfolder
            }
        }
    }

    fn sha256(&self) -> Option<[u8; 32]> {
        Some(self.looked?.hashes?.sha256)
    }
}

/// Which files are meant to be which photo.
#[derive(Debug)]
pub(super) struct Slots {
    /// Those that claim the place.
    claims: BTreeMap<(u64, u16), Vec<usize>>,
    /// All that may be meant for it.
    candidates: BTreeMap<(u64, u16), Vec<usize>>,
}

impl Slots {
    /// Sorts files by the photo that they are meant to be.
    pub(super) fn of(members: &[Member<'_>]) -> Self {
        let (mut claims, mut candidates) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for (n, member) in members.iter().enumerate() {
            let Some(slot) = member.slot() else { continue };
            candidates.entry(slot).or_default().push(n);
            if member.claims() {
                claims.entry(slot).or_default().push(n);
            }
        }
        Self { claims, candidates }
    }

    /// Whether no other file may be meant for the photo that a file is meant for.
    pub(super) fn is_alone(&self, member: &Member<'_>) -> bool {
        self.candidates_of(member).len() == 1
    }

    /// The files that may be meant for the photo that a file is meant for, itself included.
    pub(super) fn candidates_of(&self, member: &Member<'_>) -> &[usize] {
        member.slot().and_then(|slot| self.candidates.get(&slot)).map_or(&[], Vec::as_slice)
    }

    /// The other files that claim the place that a file claims.
    pub(super) fn rivals(&self, n: usize, member: &Member<'_>) -> Vec<usize> {
        let found = member.slot().filter(|_| member.claims()).and_then(|slot| self.claims.get(&slot));
        found.map(|found| found.iter().copied().filter(|other| *other != n).collect()).unwrap_or_default()
    }

    /// The files whose place another one with other content claims too: nobody but a person can say which is right.
    pub(super) fn disputed(&self, members: &[Member<'_>]) -> BTreeSet<usize> {
        let is_disputed = |found: &&Vec<usize>| {
            let first = members[found[0]].sha256();
            found.len() > 1 && (first.is_none() || found.iter().any(|n| members[*n].sha256() != first))
        };
        self.claims.values().filter(is_disputed).flatten().copied().collect()
    }
}

/// A finding for each entity whose sequences do not run from 0 without a gap.
pub(super) fn gaps(members: &[Member<'_>]) -> Vec<Finding> {
    let mut entities: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (n, member) in members.iter().enumerate() {
        if let Some(cd_idx) = member.name.cd_idx() {
            entities.entry(cd_idx).or_default().push(n);
        }
    }
    entities.into_iter().filter_map(|(cd_idx, found)| gap(members, cd_idx, &found)).collect()
}

fn gap(members: &[Member<'_>], cd_idx: u64, found: &[usize]) -> Option<Finding> {
    let mut by_sequence: BTreeMap<u16, usize> = BTreeMap::new();
    let mut unknown = 0;
    for &n in found {
        match members[n].name.sequence() {
            Some(sequence) => drop(by_sequence.entry(sequence).or_insert(n)),
            None => unknown += 1,
        }
    }
    let last = *by_sequence.last_key_value()?.0;
    let missing = usize::from(last) + 1 - by_sequence.len();
    // Whoever has no sequence may be the one that is missing.
    if missing <= unknown {
        return None;
    }
    let first = (0..last).find(|sequence| !by_sequence.contains_key(sequence))?;
    let (sequence, behind) = by_sequence.range(first..).next()?;
    let listed: Vec<String> = (0..last)
        .filter(|sequence| !by_sequence.contains_key(sequence))
        .take(LISTED_MAX)
        .map(|n| n.to_string())
        .collect();
    let more = if missing > listed.len() { ", …" } else { "" };
    let listed = listed.join(", ") + more;
    let related = found.iter().map(|n| members[*n].file.to_owned()).collect();
    Some(Finding {
        file: Some(members[*behind].file.to_owned()),
        code: ReasonCode::NameSequenceGap,
        severity: severity(ReasonCode::NameSequenceGap),
        cd_idx: Some(cd_idx),
        sequence: Some(*sequence),
        detail: Text::new(format!("missing: {listed}"), format!("빠진 순번: {listed}")),
        related,
        fix: None,
    })
}

/// A finding for each content that more than one photo has.
pub(super) fn same_content(members: &[Member<'_>]) -> Vec<Finding> {
    let mut by_content: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (n, member) in members.iter().enumerate() {
        if let (Some(sha256), Some(_)) = (member.sha256().filter(|_| is_accepted(member)), member.name.cd_idx()) {
            by_content.entry(sha256).or_default().push(n);
        }
    }
    let mut findings: Vec<Finding> = by_content.into_values().filter_map(|found| same(members, &found)).collect();
    findings.sort_by(|one, other| one.file.cmp(&other.file));
    findings
}

/// What is no picture at all has a finding of its own.
fn is_accepted(member: &Member<'_>) -> bool {
    member.looked.is_some_and(|looked| looked.fault.is_none())
}

fn same(members: &[Member<'_>], found: &[usize]) -> Option<Finding> {
    let key = |n: &usize| (members[*n].name.cd_idx(), members[*n].name.sequence().or(Some(0)));
    let photos: BTreeSet<_> = found.iter().map(key).collect();
    if photos.len() < 2 {
        return None;
    }
    let last = found.iter().max_by_key(|n| (key(n), **n))?;
    let related: Vec<String> = found.iter().filter(|n| *n != last).map(|n| members[*n].file.to_owned()).collect();
    let member = &members[*last];
    let detail = match &related[..] {
        [one] => Text::new(format!("the same picture as {one}"), format!("{one} 와 같은 사진입니다")),
        more => Text::new(
            format!("the same picture as {} other files", more.len()),
            format!("다른 파일 {}개와 같은 사진입니다", more.len()),
        ),
    };
    Some(Finding {
        file: Some(member.file.to_owned()),
        code: ReasonCode::FileDuplicateContent,
        severity: severity(ReasonCode::FileDuplicateContent),
        cd_idx: member.name.cd_idx(),
        sequence: member.name.sequence(),
        detail,
        related,
        fix: None,
    })
}
