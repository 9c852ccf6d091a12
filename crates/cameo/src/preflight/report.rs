//! The check itself: names, content and the rules across files put together into findings, and the list of what is ready.
//!
//! Findings come in the order of files, and of codes within a file, so that two checks of one folder give the same text.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::AtomicBool,
};

use cameo_image::{Limits, SizeSet};

use super::{
    compare::{Compared, compare},
    content::{Hashes, Known, Look, Looked, Progress},
    entry::Entry,
    expect::Expectation,
    finding::{Finding, Severity, Summary, severity},
    name::{Name, NameFault},
    picture::remarks,
    set::{Member, Slots, gaps, same_content},
    source::Source,
};
use crate::model::{
    key::{PhotoId, Vertical},
    lang::Text,
    reason::ReasonCode,
};

/// What is to be checked, and how.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    /// The folder or archive.
    pub source: &'a Source,
    /// Where its photos belong.
    pub vertical: &'a Vertical,
    /// The image sizes that they are made into.
    pub size_set: &'a SizeSet,
    /// What an original may be at most.
    pub limits: &'a Limits,
    /// What was promised.
    pub expectation: Option<&'a Expectation>,
    /// What needs not be looked at again.
    pub known: &'a dyn Known,
    /// Files that are looked at side by side.
    pub threads: usize,
    /// Ends the check early once it is true.
    pub stop: &'a AtomicBool,
    /// Hears of each file that was looked at, on any thread.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// The files, in the order of the source's entries; ignored ones are left out.
    pub files: Vec<CheckedFile>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// The counts.
    pub summary: Summary,
}

/// A file that was checked.
#[derive(Debug)]
pub struct CheckedFile {
    /// Its place among the source's entries.
    pub entry: usize,
    /// What its name says.
    pub name: Name,
    /// Its hashes, where it was read.
    pub hashes: Option<Hashes>,
    /// The photo that it is, or would be under its right name, where nothing else claims its place.
    pub target: Option<PhotoId>,
    /// Whether it can be uploaded as it is.
    pub is_ready: bool,
    /// Whether its content has no fault.
    pub is_sound: bool,
}

impl Check<'_> {
    /// Checks all of it. None where it was stopped.
    pub fn run(&self) -> Option<Report> {
        let entries = self.source.entries();
        let names: Vec<Name> = entries.iter().map(|entry| Name::judge(self.vertical, &entry.name)).collect();
        let is_photo = |n: &usize| names[*n].may_be_photo() && entries[*n].has_content();
        let places: Vec<usize> = (0..entries.len()).filter(is_photo).collect();
        let look = Look {
            source: self.source,
            limits: self.limits,
            known: self.known,
            threads: self.threads,
            stop: self.stop,
            progress: self.progress,
        };
        let looked: BTreeMap<usize, Looked> = look.at_all(&places)?.into_iter().collect();
        Some(self.put_together(names, &looked))
    }

    fn put_together(&self, names: Vec<Name>, looked: &BTreeMap<usize, Looked>) -> Report {
        let entries = self.source.entries();
        let numbered: Vec<usize> = (0..entries.len()).filter(|n| counts(&entries[*n], &names[*n])).collect();
        let member = |n: &usize| Member { file: &entries[*n].name, name: &names[*n], looked: looked.get(n) };
        let members: Vec<Member<'_>> = numbered.iter().map(member).collect();
        let slots = Slots::of(&members);
        let disputed = slots.disputed(&members);
        let mut findings: Vec<Finding> = Vec::new();
        for (n, member) in members.iter().enumerate() {
            findings.extend(self.of_file(&members, &slots, n, member, &entries[numbered[n]]));
        }
        findings.extend(gaps(&members));
        findings.extend(same_content(&members));
        findings.extend(folders_named_as_photos(entries, &names));
        let compared = self.expectation.map(|list| compare(list, self.vertical, &members)).unwrap_or_default();
        let faulty = faulty_files(&findings);
        let files = numbered.iter().enumerate().map(|(n, entry)| {
            let member = &members[n];
            let is_photo = matches!(member.name, Name::Photo(_));
            let is_disputed = disputed.contains(&n) || compared.faulty.contains(&n);
            CheckedFile {
                entry: *entry,
                name: member.name.clone(),
                hashes: member.looked.and_then(|looked| looked.hashes),
                target: (is_photo || slots.is_alone(member))
                    .then(|| member.name.photo().cloned())
                    .flatten()
                    .filter(|_| !is_disputed),
                is_ready: is_photo && !is_disputed && !faulty.contains(member.file),
                is_sound: member.looked.is_some_and(|looked| looked.fault.is_none()),
            }
        });
        let files: Vec<CheckedFile> = files.collect();
        let Compared { findings: of_list, .. } = compared;
        findings.extend(of_list);
        findings.sort_by(|one, other| order(one).cmp(&order(other)));
        let ignored = names.iter().filter(|name| **name == Name::Ignored).count() as u64;
        let summary = summary(&files, &findings, ignored);
        Report { files, findings, summary }
    }

    /// What is wrong with one file.
    fn of_file(
        &self,
        members: &[Member<'_>],
        slots: &Slots,
        n: usize,
        member: &Member<'_>,
        entry: &Entry,
    ) -> Vec<Finding> {
        if let Some(why) = entry.unreadable() {
            return vec![of_content(member, ReasonCode::FileUnreadable, why.clone())];
        }
        let mut findings = Vec::new();
        let rivals = slots.rivals(n, member);
        match member.name {
            Name::Faulty(fault) if rivals.is_empty() => findings.push(of_name(member, fault, members, slots)),
            Name::Faulty(_) => findings.push(duplicate(members, member, &rivals)),
            // Of entries of an archive with one name, the first is as good as the others.
            Name::Photo(_) if !entry.has_content() && !rivals.is_empty() => {
                findings.push(duplicate(members, member, &rivals));
            }
            Name::Photo(_) | Name::Ignored => {}
        }
        let Some(looked) = member.looked else { return findings };
        if let Some((code, text)) = looked.fault.as_deref() {
            findings.push(of_content(member, *code, text.clone()));
        }
        let remarks = looked.picture.iter().flat_map(|picture| remarks(picture, self.size_set));
        findings.extend(remarks.map(|(code, text)| of_content(member, code, text)));
        findings
    }
}

/// Whether an entry counts as a file: litter does not, and no folder is one.
fn counts(entry: &Entry, name: &Name) -> bool {
    *name != Name::Ignored && !entry.is_folder()
}

/// The order of findings: by file, those about none first by number; within a file by code.
fn order(finding: &Finding) -> (Option<&str>, Option<u64>, Option<u16>, ReasonCode, &str) {
    (finding.file.as_deref(), finding.cd_idx, finding.sequence, finding.code, &finding.detail.english)
}

fn of_content(member: &Member<'_>, code: ReasonCode, detail: Text) -> Finding {
    Finding {
        file: Some(member.file.to_owned()),
        code,
        severity: severity(code),
        cd_idx: member.name.cd_idx(),
        sequence: member.name.sequence(),
        detail,
        related: Vec::new(),
        fix: None,
    }
}

fn of_name(member: &Member<'_>, fault: &NameFault, members: &[Member<'_>], slots: &Slots) -> Finding {
    let finding = of_content(member, fault.code, fault.detail.clone());
    if slots.is_alone(member) {
        return Finding { fix: fault.target.as_ref().map(PhotoId::file_name), ..finding };
    }
    let others = slots.candidates_of(member).iter().map(|n| members[*n].file).filter(|file| *file != member.file);
    let related = others.map(str::to_owned).collect();
    Finding { related, ..finding }
}

fn duplicate(members: &[Member<'_>], member: &Member<'_>, rivals: &[usize]) -> Finding {
    let mut related: Vec<String> = rivals.iter().map(|n| members[*n].file.to_owned()).collect();
    related.dedup();
    let others = related.join(", ");
    let sha256 = |member: &Member<'_>| Some(member.looked?.hashes?.sha256);
    let own = sha256(member);
    let is_same = own.is_some() && rivals.iter().all(|n| sha256(&members[*n]) == own);
    let detail = if rivals.iter().all(|n| members[*n].file == member.file) {
        // Only one of them can be looked at, so nobody knows whether they are the same.
        let (name, entries) = (member.file, rivals.len() + 1);
        Text::new(
            format!(
                "the archive has {entries} entries of the name {name}: have it packed again with the one that is meant"
            ),
            format!(
                "압축 파일 안에 이름이 {name} 인 파일이 {entries}개 있습니다. 맞는 것 하나만 넣어 다시 압축해 주세요"
            ),
        )
    } else if is_same {
        Text::new(
            format!("the same photo as {others}, byte for byte"),
            format!("{others} 와 같은 자리이고 내용도 같습니다"),
        )
    } else {
        Text::new(
            format!("the same photo as {others}, with other content"),
            format!("{others} 와 같은 자리인데 내용이 다릅니다"),
        )
    };
    Finding { related, ..of_content(member, ReasonCode::NameDuplicate, detail) }
}

/// Folders that were evidently meant to be photos.
fn folders_named_as_photos(entries: &[Entry], names: &[Name]) -> Vec<Finding> {
    let found = entries.iter().zip(names).filter(|(entry, _)| entry.is_folder());
    found
        .map(|(entry, name)| {
            let member = Member { file: &entry.name, name, looked: None };
            let text = Text::new("a folder has the name of a photo", "폴더에 사진 이름이 붙어 있습니다");
            of_content(&member, ReasonCode::NameSubfolder, text)
        })
        .collect()
}

/// The files that have an error of their own: an entity's gap is nobody's.
fn faulty_files(findings: &[Finding]) -> BTreeSet<String> {
    let is_own =
        |finding: &&Finding| finding.severity == Severity::Error && finding.code != ReasonCode::NameSequenceGap;
    findings.iter().filter(is_own).filter_map(|finding| finding.file.clone()).collect()
}

fn summary(files: &[CheckedFile], findings: &[Finding], ignored: u64) -> Summary {
    let count = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    let entities: BTreeSet<u64> = files.iter().filter_map(|file| file.name.cd_idx()).collect();
    Summary {
        files: files.len() as u64,
        ready: files.iter().filter(|file| file.is_ready).count() as u64,
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        ignored,
        entities: entities.len() as u64,
    }
}
