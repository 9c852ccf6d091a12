//! Which entities a command is about: `--vertical`, `--ids`, `--ids-from`.

use std::{io::Read, path::PathBuf};

use cameo::{
    ledger::Scope,
    model::{
        error::{Error, Kind, Place},
        ids::{IDS_TEXT_MAX_BYTES, Ids, parse_ids, parse_ids_text},
        key::Vertical,
    },
    proof::verify::{AbsentIds, absent_ids, unmatched},
    server::deployment::Deployment,
};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::{Context, json_line, note};

#[derive(Debug, clap::Args)]
pub(crate) struct ScopeArgs {
    /// Only entities of this vertical
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    pub(crate) vertical: Option<Vertical>,
    /// Only these entities: numbers separated by commas or spaces, or any text that --ids-from takes
    #[arg(long, value_name = "ID,ID…", num_args = 1.., allow_negative_numbers = true)]
    ids: Vec<String>,
    /// Only the entities whose numbers are in a file ("-": standard input): a list, a column of Excel, a CSV with a column of ids, or SQL's IN (…)
    #[arg(long, value_name = "FILE", conflicts_with = "ids")]
    ids_from: Option<PathBuf>,
}

/// A vertical as a person types it: what macOS writes decomposed is composed first.
pub(crate) fn parse_vertical(text: &str) -> Result<Vertical, String> {
    text.nfc().collect::<String>().parse().map_err(|error: cameo::model::key::NameError| error.to_string())
}

impl ScopeArgs {
    /// The entities that are asked for.
    pub(crate) fn scope(&self) -> anyhow::Result<Scope> {
        let ids = self.ids()?;
        Ok(match (ids, self.vertical.clone()) {
            (Some(cd_idx), vertical) => Scope::Ids { vertical, cd_idx },
            (None, Some(vertical)) => Scope::Vertical(vertical),
            (None, None) => Scope::All,
        })
    }

    fn ids(&self) -> anyhow::Result<Option<Vec<u64>>> {
        let (name, read) = match &self.ids_from {
            Some(path) if path.as_os_str() == "-" => {
                ("standard input".to_owned(), parse_ids(&read_all(std::io::stdin())?))
            }
            Some(path) => {
                let name = path.display().to_string();
                let file = std::fs::File::open(path).map_err(|error| usage(name.clone()).because(error))?;
                let bytes = read_all(file).map_err(|error| usage(name.clone()).because(error))?;
                (name, parse_ids(&bytes))
            }
            None if self.ids.is_empty() => return Ok(None),
            None => ("--ids".to_owned(), parse_ids_text(&self.ids.join(" "))),
        };
        // Whatever is asked about nothing is complete: a list that came out empty is an error, and must not pass for proof.
        let Ids { ids, ignored_header, .. } = read.map_err(|error| usage(format!("{name}: {error}")))?;
        if let Some(header) = ignored_header {
            note(&format!("{name}: skipped the header {header:?}"));
        }
        Ok(Some(ids))
    }
}

/// All of it, as far as a list of ids may be long.
fn read_all(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(IDS_TEXT_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What was asked about and of which nothing is left.
#[derive(Debug, Serialize)]
struct Absent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    unmatched: &'a Option<cameo::proof::verify::Unmatched>,
    unknown_ids: &'a [u64],
    deleted_ids: &'a [u64],
}

/// How much of what was asked about is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matched {
    /// All of it.
    Everything,
    /// Some ids are unknown, or everything of them is deleted.
    Some,
    /// Nothing: the command has nothing to do.
    Nothing,
}

/// Reports what of a scope is found nowhere, or is deleted.
pub(crate) async fn say_absent(context: &Context, places: &Deployment, scope: &Scope) -> anyhow::Result<Matched> {
    let unmatched = unmatched(places.to_verify(), scope).await?;
    let absent = match unmatched {
        None => absent_ids(places.to_verify(), scope).await?,
        Some(_) => AbsentIds::default(),
    };
    let AbsentIds { unknown, deleted } = &absent;
    let texts = unmatched.iter().map(ToString::to_string).chain(absent_text(unknown, deleted));
    texts.for_each(|text| note(&text));
    let is_absent = unmatched.is_some() || !absent.is_empty();
    if context.json && is_absent {
        json_line(&Absent { unmatched: &unmatched, unknown_ids: unknown, deleted_ids: deleted })?;
    }
    Ok(match scope {
        _ if unmatched.is_some() => Matched::Nothing,
        Scope::Ids { cd_idx, .. } if absent.len() == cd_idx.len() => Matched::Nothing,
        _ if is_absent => Matched::Some,
        _ => Matched::Everything,
    })
}

/// A line for each id of which nothing is left.
pub(crate) fn absent_text<'t>(unknown: &'t [u64], deleted: &'t [u64]) -> impl Iterator<Item = String> + 't {
    let unknown = unknown.iter().map(|id| format!("{id}: not found"));
    unknown.chain(deleted.iter().map(|id| format!("{id}: deleted; nothing of it is left")))
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("read the ids: {doing}"))
}
