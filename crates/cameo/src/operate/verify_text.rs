//! What verifying found, as people read it.

use crate::{
    ledger::State,
    proof::verify::{EntityReport, EntityState, OtherImages, Sampled, Summary, UnexpectedFile},
};

use super::absent;

/// An entity's lines: its state, and what was found; of one that never arrived, a line a photo.
pub fn entity_text(report: &EntityReport) -> Vec<String> {
    let head = format!("{}/{}: {}", report.vertical, report.cd_idx, state_name(report.state));
    if report.never_arrived() {
        return report.findings.clone();
    }
    let findings = report.findings.iter().map(|finding| format!("  {finding}"));
    [head].into_iter().chain(findings).collect()
}

fn state_name(state: EntityState) -> &'static str {
    match state {
        EntityState::Complete => "complete",
        EntityState::Rejected => "rejected",
        EntityState::Pending => "pending",
        EntityState::Different => "mismatch",
    }
}

/// What is said once for all entities, and the counts.
pub(super) fn text_of(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary.unmatched.iter().map(ToString::to_string).collect();
    lines.extend(absent::texts(&summary.unknown_ids, &summary.deleted_ids));
    lines.extend(summary.strays.iter().map(|UnexpectedFile { key, state }| match state {
        Some(State::Rejected { reason, detail }) => format!("{key}: rejected: {reason}: {detail}"),
        _ => format!("{key}: pending"),
    }));
    lines.extend(summary.outdated.iter().map(|outdated| {
        format!(
            "{} photos were made by the size set {}, and the current one is {}: `cameo reconcile --apply` renders them again",
            outdated.photos, outdated.made_by, outdated.size_set
        )
    }));
    if let Some(OtherImages { count, example }) = &summary.other_images {
        lines.push(format!("{count} JPEGs in the image bucket are in folders of unknown verticals, such as {example}"));
    }
    if let Some(Sampled { fetched, of, seed }) = &summary.sampled {
        lines.push(format!("{fetched} of {of} served images were fetched (--seed {seed})"));
    }
    if let Some(why) = &summary.not_fetched {
        lines.push(format!("served images could not be looked at: {why}"));
    }
    lines.push(counts_of(summary));
    lines
}

fn counts_of(summary: &Summary) -> String {
    let Summary { entities, photos, rows, complete, pending, rejected, different, .. } = summary;
    let mut text = format!(
        "{entities} entities, {photos} photos, {rows} rows: {complete} complete, {pending} pending, \
         {rejected} with rejected originals, {different} mismatches; {} unexpected files, {} ignored",
        summary.unexpected_files, summary.ignored
    );
    if summary.unowned_objects > 0 {
        text += &format!("; {} unexpected objects in the image bucket", summary.unowned_objects);
    }
    text
}
