//! What a push records, and what it says.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use cameo::{
    client::wire::DeliveryView,
    escape::visible,
    model::{
        lang::{Lang, Text},
        reason::ReasonCode,
    },
    preflight::{CheckedFile, Expectation, Finding, Report as CheckReport, Severity, Source},
    proof::deliveries::{
        DeliveredFile, Expected, ExpectedFile, NewRecord, Report, SkippedFile,
        report::{Line, text_of},
        verdict,
    },
    push::{plan::Asked, send::Sent},
};

use super::{Args, SentFiles, words::not_sent};
use crate::{
    commands::{Context, note, report, write_file::write_file},
    exit::Exit,
};

/// Files that a warning names, at most.
const WARNED_MAX: usize = 20;

/// The places among the source's entries of the files that are ready, and the files, but for those of some names.
pub(super) fn ready(
    source: &Source,
    report: &CheckReport,
    is_left_out: impl Fn(&str) -> bool,
) -> (Vec<usize>, Vec<Asked>) {
    let ready = report.files.iter().filter(|file| file.is_ready);
    let files = ready.filter_map(|file| Some((file.entry, asked(source, file)?)));
    files.filter(|(_, file)| !is_left_out(&file.name)).unzip()
}

/// Whether a line of a report says that somebody settled a file: it keeps the delivery from nothing.
pub(super) fn is_settled(line: &Line) -> bool {
    verdict::of_code(&line.code, line.last_good_served).is_none()
}

/// What is not sent again, and why, for people.
pub(super) fn not_again(settled: &[Line], lang: Lang) -> Vec<String> {
    let text = |line: &Line| {
        let file = visible(line.file.as_deref().unwrap_or_default());
        let found = visible(line.found.as_deref().unwrap_or(&line.text));
        match lang {
            Lang::En => format!("{file} is not sent again: {found}"),
            Lang::Ko => format!("{file}: 다시 올리지 않습니다. {found}"),
        }
    };
    settled.iter().map(text).collect()
}

fn asked(source: &Source, file: &CheckedFile) -> Option<Asked> {
    let entry = &source.entries()[file.entry];
    Some(Asked { name: entry.name.clone(), size: entry.size, hashes: file.hashes? })
}

/// What is handed over, what is left out and why, and what was promised.
pub(super) fn record(
    args: &Args,
    source: &Source,
    report: &CheckReport,
    expectation: Option<&Expectation>,
) -> NewRecord {
    let files = ready(source, report, |_| false).1.into_iter().map(|file| DeliveredFile {
        name: file.name,
        size: file.size,
        md5: hex::encode(file.hashes.md5),
        sha256: hex::encode(file.hashes.sha256),
    });
    let expected = expectation.map(|list| Expected {
        ids: list.ids.clone(),
        files: list.files.iter().map(|f| ExpectedFile { name: f.name.clone(), sha256: f.sha256.clone() }).collect(),
    });
    let from = std::fs::canonicalize(&args.folder).unwrap_or_else(|_| args.folder.clone());
    NewRecord {
        // The server knows better who this is.
        by: String::new(),
        from: from.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        tool: format!("cameo {}", env!("CARGO_PKG_VERSION")),
        note: args.note.clone(),
        files: files.collect(),
        skipped: skipped(source, report),
        expected,
    }
}

/// The files that cannot be sent as they are, each with its first fault.
pub(super) fn skipped(source: &Source, report: &CheckReport) -> Vec<SkippedFile> {
    let left = report.files.iter().filter(|file| !file.is_ready);
    let mut faults: HashMap<&str, &Finding> = HashMap::new();
    // Of these files the content itself was refused.
    let mut contents = HashSet::new();
    for finding in report.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        if let Some(file) = &finding.file {
            faults.entry(file).or_insert(finding);
            contents.extend(finding.code.refuses_content().then_some(file.as_str()));
        }
    }
    let skipped = |file: &CheckedFile| {
        let name = &source.entries()[file.entry].name;
        let found = faults.get(name.as_str());
        // The other one of two that claim the same photo has no finding of its own.
        let code = found.map_or(ReasonCode::NameDuplicate, |finding| finding.code);
        let detail = found.map_or_else(|| rival(report, name), |finding| finding.detail.clone());
        let md5 = file.hashes.filter(|_| !contents.contains(name.as_str())).map(|hashes| hex::encode(hashes.md5));
        SkippedFile { md5, ..left_out(name, code, (file.name.cd_idx(), file.name.sequence()), &detail) }
    };
    left.map(skipped).chain(unread(report)).collect()
}

/// Cells of the list of which nobody knows what they promise: the delivery is not complete before somebody said it.
fn unread(report: &CheckReport) -> impl Iterator<Item = SkippedFile> {
    let cells = report.findings.iter().filter(|finding| finding.code == ReasonCode::ListUnreadable);
    cells.map(|cell| left_out(cell.file.as_deref().unwrap_or_default(), cell.code, (None, None), &cell.detail))
}

fn left_out(
    file: &str,
    code: ReasonCode,
    (cd_idx, sequence): (Option<u64>, Option<u16>),
    detail: &Text,
) -> SkippedFile {
    SkippedFile {
        file: file.to_owned(),
        code: code.code().to_owned(),
        cd_idx,
        sequence,
        detail: visible(&detail.english).into_owned(),
        detail_korean: Some(visible(&detail.korean).into_owned()).filter(|korean| !korean.is_empty()),
        ..SkippedFile::default()
    }
}

/// Of two files that claim the same photo, the finding is about one and names the other.
fn rival(report: &CheckReport, name: &str) -> Text {
    let finding = report.findings.iter().find(|finding| finding.related.iter().any(|related| related == name));
    let other = finding.and_then(|finding| finding.file.as_deref());
    other.map_or_else(Text::default, |other| {
        Text::new(format!("the same photo as {other}"), format!("{other} 와 같은 자리입니다"))
    })
}

/// How places of the list were read that can be meant in two ways: nothing else of a push says so.
pub(super) fn remarks(report: &CheckReport, lang: Lang) -> Vec<String> {
    let unclear = report.findings.iter().filter(|finding| finding.code == ReasonCode::ListUnclear);
    let text = |finding: &Finding| {
        let list = finding.file.as_deref().unwrap_or_default();
        format!("{list}: {}", finding.detail.of(lang))
    };
    unclear.map(text).chain(warnings(report, lang)).collect()
}

/// What can be sent and somebody should look at, by its code.
fn warnings(report: &CheckReport, lang: Lang) -> Vec<String> {
    let mut texts = Vec::new();
    for code in ReasonCode::ALL.iter().filter(|code| **code != ReasonCode::ListUnclear) {
        let is_of = |finding: &&Finding| finding.code == *code && finding.severity == Severity::Warning;
        let files: Vec<&str> = report.findings.iter().filter(is_of).filter_map(|of| of.file.as_deref()).collect();
        if files.is_empty() {
            continue;
        }
        let listed = files.iter().take(WARNED_MAX).map(|file| visible(file)).collect::<Vec<_>>().join(", ");
        let more = match (files.len().saturating_sub(WARNED_MAX), lang) {
            (0, _) => String::new(),
            (more, Lang::En) => format!(" and {more} more; `cameo check` lists them"),
            (more, Lang::Ko) => format!(" 외 {more}개. `cameo check` 로 모두 볼 수 있습니다"),
        };
        texts.push(format!("{code}: {} {}: {listed}{more}", code.text(lang), code.action(lang)));
    }
    texts
}

/// What is about to be sent.
pub(super) fn begun(delivery: &DeliveryView, report: &CheckReport, lang: Lang) -> String {
    let (id, ready, left) =
        (&delivery.delivery, report.summary.ready, report.files.len() as u64 - report.summary.ready);
    match lang {
        Lang::En => format!("delivery {id}: {ready} files, {left} left out"),
        Lang::Ko => format!("전달 {id}: 파일 {ready}개, 제외 {left}개"),
    }
}

/// What was sent.
pub(super) fn sent(sent: &SentFiles, lang: Lang) -> String {
    let count = |is: fn(&Sent) -> bool| sent.states.iter().filter(|state| is(state)).count();
    let (replaced, present) = (count(|state| *state == Sent::Replaced), count(|state| *state == Sent::Present));
    let done = count(|state| *state == Sent::Done) + replaced;
    let failed = sent.states.len() - done - present;
    let text = match lang {
        Lang::En => format!("{done} sent, {present} were there already, {failed} failed"),
        Lang::Ko => format!("{done}개 전송, {present}개는 이미 올라가 있음, 실패 {failed}개"),
    };
    match (replaced, lang) {
        (0, _) => text,
        (replaced, Lang::En) => format!("{text}; {replaced} of them took the place of other photos of the same name"),
        (replaced, Lang::Ko) => format!("{text}; 그중 {replaced}개는 같은 이름으로 올라가 있던 다른 사진을 대체함"),
    }
}

/// The report, with why files were not sent.
pub(super) fn with_failures(mut report: Report, sent: &SentFiles) -> Report {
    let lang = report.lang;
    let failed = sent.files.iter().zip(&sent.states).filter_map(|(file, state)| match state {
        Sent::Failed(why) => Some((file.name.as_str(), why)),
        _ => None,
    });
    let mut failed: HashMap<&str, &String> = failed.collect();
    for line in &mut report.lines {
        // The first line of a file says what became of it.
        let Some(why) = line.file.as_deref().and_then(|file| failed.remove(file)) else { continue };
        let reason = ReasonCode::UploadFailed;
        reason.code().clone_into(&mut line.code);
        line.owner = reason.owner();
        line.text = text_of(reason, lang);
        line.detail = Some(why.clone());
        line.found = Some(not_sent(why, lang));
        (line.state, line.last_good_served) = (verdict::of_code(reason.code(), false), false);
    }
    report
}

/// Where the table goes where nobody says: to failed.csv, where something failed, or where the table of an earlier run would mislead.
/// Beside the folder for whoever is in it: in it, the next push would find the table among the photos.
fn table(report: &Report, folder: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    let is_in_folder =
        here.zip(std::fs::canonicalize(folder).ok()).is_some_and(|(here, folder)| here.starts_with(folder));
    let path = if is_in_folder { folder.join("..").join("failed.csv") } else { PathBuf::from("failed.csv") };
    let is_ours = || std::fs::read(&path).is_ok_and(|old| old.starts_with("\u{feff}cd_idx,".as_bytes()));
    (has_failures(report) || is_ours()).then_some(path)
}

/// Whether something of it is open: what was dismissed is not.
fn has_failures(report: &Report) -> bool {
    !report.is_settled()
}

/// Says what came of it, writes the table, and how it ends.
pub(super) fn finish(context: &Context, args: &Args, all: &Report, lang: Lang) -> anyhow::Result<Exit> {
    let is_pending = |line: &Line| line.code == ReasonCode::UploadPending.code();
    let mut report = all.clone();
    // Whoever does not wait knows that the rest is on its way.
    report.lines.retain(|line| args.wait || !is_pending(line));
    report::print(context, &report)?;
    if let Some(path) = &args.csv {
        report::write_table(path, &report, lang)?;
    } else if let Some(path) = table(&report, &args.folder) {
        // Nobody reads of a table in which nothing is: it takes the place of an earlier one.
        let written = if has_failures(&report) {
            report::write_table(&path, &report, lang)
        } else {
            write_file(&path, report.csv().as_bytes())
        };
        if let Err(error) = written {
            // Nobody asked for this file: what became of the photos is said above, and is how the command ends.
            note(&visible(&crate::exit::text(&error, lang)));
        }
    }
    Ok(report.state().into())
}
