//! What verifying found, as people read it, in their language.

use crate::{
    ledger::State,
    model::lang::Lang,
    proof::verify::{
        EntityReport, EntityState, Hashes, OtherImages, Outdated, Sampled, Summary, UnexpectedFile, Unowned,
    },
};

use super::absent;

/// An entity's lines: its state, and what was found; of one that never arrived, a line a photo.
pub fn entity_text(report: &EntityReport, lang: Lang) -> Vec<String> {
    let findings = report.findings.iter().map(|finding| finding.of(lang));
    if report.never_arrived() {
        return findings.map(str::to_owned).collect();
    }
    let head = format!("{}/{}: {}", report.vertical, report.cd_idx, report.state.name(lang));
    [head].into_iter().chain(findings.map(|finding| format!("  {finding}"))).collect()
}

/// An object that nobody owns.
pub(super) fn unowned_text(unowned: &Unowned, lang: Lang) -> String {
    let is = lang.pick("unexpected in the image bucket", "이미지 버킷에 있는 예상 밖의 객체");
    format!("{}: {is}: {}", unowned.key, unowned.why.of(lang))
}

/// What is said once for all entities, and the counts.
pub(super) fn text_of(summary: &Summary, lang: Lang) -> Vec<String> {
    let mut lines: Vec<String> = summary.unmatched.iter().map(|unmatched| unmatched.text(lang)).collect();
    lines.extend(absent::texts(&summary.unknown_ids, &summary.deleted_ids, lang));
    lines.extend(summary.strays.iter().map(|file| file_text(file, lang)));
    lines.extend(summary.outdated.iter().map(|outdated| outdated_text(outdated, lang)));
    lines.extend(summary.other_images.iter().map(|others| others_text(others, lang)));
    lines.extend(summary.sampled.iter().map(|sampled| sampled_text(sampled, lang)));
    lines.extend(summary.hashes.iter().map(|hashes| hashes_text(*hashes, lang)));
    if let Some(why) = &summary.not_fetched {
        let head = lang
            .pick("served images could not be looked at", "이미지 주소에 연결할 수 없어 끝까지 확인하지 못했습니다");
        lines.push(format!("{head}: {why}"));
    }
    lines.push(counts_of(summary, lang));
    lines
}

fn file_text(file: &UnexpectedFile, lang: Lang) -> String {
    let key = &file.key;
    match (&file.state, file.found_in(lang)) {
        (Some(State::Rejected { reason, .. }), Some(found)) => {
            format!("{key}: {}: {reason}: {found}", EntityState::Rejected.name(lang))
        }
        _ => format!("{key}: {}", EntityState::Pending.name(lang)),
    }
}

fn outdated_text(outdated: &Outdated, lang: Lang) -> String {
    let Outdated { photos, made_by, size_set } = outdated;
    match lang {
        Lang::En => format!(
            "{photos} photos were made by the size set {made_by}, and the current one is {size_set}: \
             `cameo reconcile --apply` renders them again"
        ),
        Lang::Ko => format!(
            "사진 {photos}장은 이미지 규격 {} 으로 만들어졌고 지금 규격은 {size_set} 입니다. \
             엔지니어가 `cameo reconcile --apply` 로 다시 만들 수 있습니다",
            outdated.made_by_in_korean()
        ),
    }
}

fn others_text(OtherImages { count, example }: &OtherImages, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{count} JPEGs in the image bucket are in folders of unknown verticals, such as {example}"),
        Lang::Ko => format!("이미지 버킷의 모르는 버티컬 폴더에 JPEG 파일이 {count}개 있습니다. 예: {example}"),
    }
}

fn sampled_text(Sampled { fetched, of, seed }: &Sampled, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{fetched} of {of} served images were fetched (--seed {seed})"),
        Lang::Ko => format!("공개된 이미지 {of}개 중 {fetched}개를 받아 확인했습니다(--seed {seed})"),
    }
}

fn hashes_text(Hashes { checked, of }: Hashes, lang: Lang) -> String {
    match (checked, lang) {
        (0, Lang::En) => format!("of {of} originals no SHA-256 was compared: --hashes reads and compares them all"),
        (0, Lang::Ko) => {
            format!("원본 {of}개의 SHA-256 값은 비교하지 않았습니다. --hashes 를 붙이면 모두 읽어 비교합니다")
        }
        (_, Lang::En) => format!("the SHA-256 of {checked} of {of} originals was compared with the record"),
        (_, Lang::Ko) => format!("원본 {of}개 중 {checked}개의 SHA-256 값을 전달 기록과 비교했습니다"),
    }
}

fn counts_of(summary: &Summary, lang: Lang) -> String {
    let Summary { entities, photos, rows, complete, pending, rejected, different, ignored, .. } = summary;
    let (files, objects) = (summary.unexpected_files, summary.unowned_objects);
    let (counts, unowned) = match lang {
        Lang::En => (
            format!(
                "{entities} entities, {photos} photos, {rows} rows: {complete} complete, {pending} pending, \
                 {rejected} with rejected originals, {different} mismatches; {files} unexpected files, {ignored} ignored"
            ),
            format!("; {objects} unexpected objects in the image bucket"),
        ),
        Lang::Ko => (
            format!(
                "엔티티 {entities}개, 사진 {photos}장, 행 {rows}개: 완료 {complete}, 처리 중 {pending}, \
                 거부 {rejected}, 불일치 {different}; 예상 밖의 파일 {files}개, 무시한 파일 {ignored}개"
            ),
            format!("; 이미지 버킷에 있는 예상 밖의 객체 {objects}개"),
        ),
    };
    if objects > 0 { counts + &unowned } else { counts }
}
