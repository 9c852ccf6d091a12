//! What a push records, and what it says.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use cameo::{
    client::wire::DeliveryView,
    escape::visible,
    model::{key::Vertical, lang::Lang, reason::ReasonCode},
    preflight::{CheckedFile, Expectation, Finding, Report as CheckReport, Severity, Source},
    proof::deliveries::{
        DeliveredFile, Expected, ExpectedFile, NewRecord, Report, SkippedFile,
        report::{Line, text_of},
    },
    push::{plan::Asked, send::Sent},
};

use super::{Args, SentFiles};
use crate::{
    commands::{Context, json_line, note, report},
    exit::Exit,
};

/// The places among the source's entries of the files that are ready, and the files.
pub(super) fn ready(source: &Source, report: &CheckReport) -> (Vec<usize>, Vec<Asked>) {
    let ready = report.files.iter().filter(|file| file.is_ready);
    ready.filter_map(|file| Some((file.entry, asked(source, file)?))).unzip()
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
    let files = ready(source, report).1.into_iter().map(|file| DeliveredFile {
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
fn skipped(source: &Source, report: &CheckReport) -> Vec<SkippedFile> {
    let left = report.files.iter().filter(|file| !file.is_ready);
    let mut faults: HashMap<&str, &Finding> = HashMap::new();
    for finding in report.findings.iter().filter(|finding| finding.severity == Severity::Error) {
        if let Some(file) = &finding.file {
            faults.entry(file).or_insert(finding);
        }
    }
    let skipped = |file: &CheckedFile| {
        let name = &source.entries()[file.entry].name;
        let found = faults.get(name.as_str());
        // The other one of two that claim the same photo has no finding of its own.
        let code = found.map_or(ReasonCode::NameDuplicate, |finding| finding.code);
        SkippedFile {
            // A record takes no names with control characters.
            file: visible(name).into_owned(),
            code: code.code().to_owned(),
            cd_idx: file.name.cd_idx(),
            sequence: file.name.sequence(),
            detail: found.map(|finding| visible(&finding.detail.english).into_owned()).unwrap_or_default(),
        }
    };
    left.map(skipped).collect()
}

/// What the check found, in the form of a report: nothing was sent, and no delivery was recorded.
pub(super) fn print_refused(report: &CheckReport, vertical: &Vertical, lang: Lang) -> anyhow::Result<()> {
    let faults: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    for finding in &faults {
        json_line(&Line {
            cd_idx: finding.cd_idx,
            sequence: finding.sequence,
            file: finding.file.clone(),
            code: finding.code.code().to_owned(),
            owner: finding.code.owner(),
            text: text_of(finding.code, lang),
            detail: Some(finding.detail.english.clone()),
        })?;
    }
    let failed: std::collections::BTreeSet<u64> = faults.iter().filter_map(|finding| finding.cd_idx).collect();
    let photos = report.files.len() as u64;
    json_line(&serde_json::json!({"summary": {
        "delivery": null,
        "vertical": vertical,
        "entities": report.summary.entities,
        "photos": photos,
        "live": 0,
        "failed": photos - report.summary.ready,
        "pending": report.summary.ready,
        "failed_entities": failed.len(),
    }}))
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
    (!report.lines.is_empty() || is_ours()).then_some(path)
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
    } else if let Some(path) = table(&report, &args.folder)
        && let Err(error) = report::write_table(&path, &report, lang)
    {
        // Nobody asked for this file: what became of the photos is said above, and is how the command ends.
        note(&visible(&format!("{error:#}")));
    }
    let has = |codes: &[ReasonCode]| report.lines.iter().any(|line| codes.iter().any(|code| line.code == code.code()));
    Ok(if has(&[ReasonCode::UploadFailed, ReasonCode::UploadMissing, ReasonCode::UploadPending]) {
        Exit::Pending
    } else if report.lines.is_empty() {
        Exit::Complete
    } else {
        Exit::Rejected
    })
}
