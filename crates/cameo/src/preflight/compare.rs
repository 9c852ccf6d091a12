//! What was promised against what is there: ids and files that the list names and the folder lacks, and the other way
//! round.
//!
//! A file that only has a wrong name is there: its name is a finding already.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use super::{
    expect::{Expectation, ExpectedFile},
    finding::{Finding, severity},
    name::Name,
    set::Member,
};
use crate::model::{key::Vertical, lang::Text, reason::ReasonCode};

/// What a comparison found.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) findings: Vec<Finding>,
    /// Files that must not be uploaded for it, by their place.
    pub(super) faulty: BTreeSet<usize>,
}

/// What of a file is compared: the photo that it is, or else its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Photo(u64, u16),
    Name(String),
}

impl Key {
    fn of(name: &Name, path: &str) -> Self {
        match (name.cd_idx(), name.photo().map(|photo| photo.sequence).or(name.sequence())) {
            (Some(cd_idx), Some(sequence)) => Self::Photo(cd_idx, sequence),
            _ => Self::Name(path.rsplit('/').next().unwrap_or(path).nfc().collect()),
        }
    }

    fn cd_idx(&self) -> Option<u64> {
        match self {
            Self::Photo(cd_idx, _) => Some(*cd_idx),
            Self::Name(_) => None,
        }
    }
}

/// Compares files with a list.
pub(super) fn compare(list: &Expectation, vertical: &Vertical, members: &[Member<'_>]) -> Compared {
    let mut compared = Compared::default();
    let of_cells = [(ReasonCode::ListUnreadable, &list.unreadable), (ReasonCode::ListUnclear, &list.remarks)];
    compared.findings.extend(of_cells.into_iter().flat_map(|(code, cells)| {
        cells.iter().map(move |cell| finding(code, Some(list.source.clone()), None, None, cell.detail()))
    }));
    let mut there: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (n, member) in members.iter().enumerate() {
        there.entry(Key::of(member.name, member.file)).or_default().push(n);
    }
    let mut promised: BTreeSet<Key> = BTreeSet::new();
    for file in &list.files {
        let name = Name::judge(vertical, file.name.rsplit('/').next().unwrap_or(&file.name));
        if name == Name::Ignored {
            continue;
        }
        let key = Key::of(&name, &file.name);
        match there.get(&key) {
            None => compared.findings.push(missing_file(file, &name)),
            Some(found) => compare_hash(&mut compared, file, found, members),
        }
        promised.insert(key);
    }
    let present: BTreeSet<u64> = members.iter().filter_map(|member| member.name.cd_idx()).collect();
    compared.findings.extend(list.ids.iter().filter(|id| !present.contains(id)).map(|id| missing_id(*id)));
    if !list.is_empty() {
        add_unexpected(&mut compared, list, &promised, members);
    }
    compared
}

fn finding(
    code: ReasonCode,
    file: Option<String>,
    cd_idx: Option<u64>,
    sequence: Option<u16>,
    detail: Text,
) -> Finding {
    Finding { file, code, severity: severity(code), cd_idx, sequence, detail, related: Vec::new(), fix: None }
}

fn missing_file(file: &ExpectedFile, name: &Name) -> Finding {
    let detail = Text::new("the list names this file, and it is not there", "목록에 있는 파일이 없습니다");
    let sequence = name.photo().map(|photo| photo.sequence).or(name.sequence());
    finding(ReasonCode::ListMissing, Some(file.name.clone()), name.cd_idx(), sequence, detail)
}

fn missing_id(cd_idx: u64) -> Finding {
    let detail = Text::new(
        format!("the list names {cd_idx}, and no photo of it is there"),
        format!("목록에 있는 {cd_idx} 의 사진이 하나도 없습니다"),
    );
    finding(ReasonCode::ListMissing, None, Some(cd_idx), None, detail)
}

/// Where the list gives a hash, the file must have it.
fn compare_hash(compared: &mut Compared, file: &ExpectedFile, found: &[usize], members: &[Member<'_>]) {
    let Some(sha256) = &file.sha256 else { return };
    let hash = |n: &usize| Some(hex::encode(members[*n].looked?.hashes?.sha256));
    if found.iter().any(|n| hash(n).is_none_or(|hash| hash.eq_ignore_ascii_case(sha256))) {
        return;
    }
    for n in found {
        let member = &members[*n];
        let detail = Text::new(
            "the file is there with other content: its SHA-256 is not the one in the list",
            "파일은 있으나 내용이 다릅니다. SHA-256이 목록의 값과 일치하지 않습니다",
        );
        let (cd_idx, sequence) = (member.name.cd_idx(), member.name.sequence());
        compared.findings.push(finding(
            ReasonCode::ListMissing,
            Some(member.file.to_owned()),
            cd_idx,
            sequence,
            detail,
        ));
        compared.faulty.insert(*n);
    }
}

fn add_unexpected(compared: &mut Compared, list: &Expectation, promised: &BTreeSet<Key>, members: &[Member<'_>]) {
    let ids: BTreeSet<u64> = list.ids.iter().copied().collect();
    let ids_of_files: BTreeSet<u64> = promised.iter().filter_map(Key::cd_idx).collect();
    for (n, member) in members.iter().enumerate() {
        // Whose name says nothing has a finding for it.
        let Some(cd_idx) = member.name.cd_idx() else { continue };
        let key = Key::of(member.name, member.file);
        let is_unsure = key.cd_idx().is_none() && ids_of_files.contains(&cd_idx);
        if ids.contains(&cd_idx) || promised.contains(&key) || is_unsure {
            continue;
        }
        let detail = Text::new("the list does not name it", "목록에 없는 파일입니다");
        let file = Some(member.file.to_owned());
        compared.findings.push(finding(ReasonCode::ListUnexpected, file, Some(cd_idx), member.name.sequence(), detail));
        compared.faulty.insert(n);
    }
}
