//! Gaps in the sequences of a folder that photos fill which the server has: who sends the second photo of an entity again need not send the
//! first one, and must not give the second its number.

use std::collections::{BTreeMap, BTreeSet};

use cameo::{
    client::{
        Client,
        wire::{KEYS_MAX, Upload, UploadState},
    },
    model::{
        error::Result,
        key::{EntityId, PhotoId, Vertical},
        reason::ReasonCode,
    },
    preflight::{Finding, Hashes, Report},
    push::plan::{Asked, uploads_of},
};

/// Takes the gaps out of a report that are none with what the server has.
pub(super) async fn fill(client: &Client, vertical: &Vertical, report: &mut Report) -> Result<()> {
    let missing = missing(report);
    if missing.is_empty() {
        return Ok(());
    }
    let name = |cd_idx: u64, sequence: u16| {
        PhotoId { entity: EntityId { vertical: vertical.clone(), cd_idx }, sequence }.file_name()
    };
    let names = missing.iter().flat_map(|(cd_idx, of)| of.iter().map(|n| name(*cd_idx, *n)));
    // Whatever is there has other bytes than these.
    let nothing = Hashes { md5: [0; 16], sha256: [0; 32] };
    let asked: Vec<Asked> = names.map(|name| Asked { name, size: 1, hashes: nothing }).collect();
    let uploads = uploads_of(client, vertical, &asked, false).await?;
    let is_there = |upload: &&Upload| upload.replaces || upload.state == UploadState::Present;
    let there: BTreeSet<&str> = uploads.iter().filter(is_there).map(|upload| upload.name.as_str()).collect();
    let is_filled = |cd_idx: u64| {
        missing.get(&cd_idx).is_some_and(|of| of.iter().all(|n| there.contains(name(cd_idx, *n).as_str())))
    };
    let is_open = |finding: &Finding| {
        finding.code != ReasonCode::NameSequenceGap || finding.cd_idx.is_none_or(|cd_idx| !is_filled(cd_idx))
    };
    let before = report.findings.len();
    report.findings.retain(is_open);
    report.summary.errors -= (before - report.findings.len()) as u64;
    Ok(())
}

/// The sequences that are missing of each entity with a gap, as long as one question asks for them all: what is beyond it stays a gap.
fn missing(report: &Report) -> BTreeMap<u64, Vec<u16>> {
    let gaps = report.findings.iter().filter(|finding| finding.code == ReasonCode::NameSequenceGap);
    let mut own: BTreeMap<u64, BTreeSet<u16>> =
        gaps.filter_map(|finding| Some((finding.cd_idx?, BTreeSet::new()))).collect();
    for file in &report.files {
        if let Some(of) = file.name.cd_idx().and_then(|cd_idx| own.get_mut(&cd_idx)) {
            of.extend(file.name.sequence());
        }
    }
    let (mut missing, mut left) = (BTreeMap::new(), KEYS_MAX);
    for (cd_idx, own) in own {
        let Some(last) = own.last() else { continue };
        let of: Vec<u16> = (0..*last).filter(|n| !own.contains(n)).take(left + 1).collect();
        if of.len() <= left {
            left -= of.len();
            missing.insert(cd_idx, of);
        }
    }
    missing
}
