//! Which entities a command is about: `--vertical`, `--ids`, `--ids-from`.

use std::{io::Read, path::PathBuf};

use cameo::{
    ledger::Scope,
    model::{
        error::{Error, Kind, Place},
        key::{CD_IDX_MAX, Vertical},
    },
    proof::verify::{unknown_ids, unmatched},
    server::deployment::Deployment,
};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::{Context, json_line, note};

/// Ids in one question, at most.
const IDS_MAX: usize = 100_000;

#[derive(Debug, clap::Args)]
pub(crate) struct ScopeArgs {
    /// Only entities of this vertical
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    pub(crate) vertical: Option<Vertical>,
    /// Only these entities: numbers separated by commas or spaces
    #[arg(long, value_name = "ID,ID…", value_delimiter = ',', num_args = 1..)]
    ids: Vec<String>,
    /// Only the entities whose numbers are in a file ("-": standard input), separated by commas, spaces or lines
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
        let text = match &self.ids_from {
            Some(path) if path.as_os_str() == "-" => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| usage("standard input".to_owned()).because(error))?;
                text
            }
            Some(path) => {
                std::fs::read_to_string(path).map_err(|error| usage(path.display().to_string()).because(error))?
            }
            None if self.ids.is_empty() => return Ok(None),
            None => self.ids.join(","),
        };
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let mut ids = words.map(parse_id).collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            // Whatever is asked about nothing is complete: a list that came out empty must not pass for proof.
            return Err(usage("there is no number in the list".to_owned()).into());
        }
        if ids.len() > IDS_MAX {
            return Err(usage(format!("{} ids: at most {IDS_MAX} at a time", ids.len())).into());
        }
        Ok(Some(ids))
    }
}

/// What was asked about and is found nowhere.
#[derive(Debug, Serialize)]
struct Unknown {
    #[serde(skip_serializing_if = "Option::is_none")]
    unmatched: Option<cameo::proof::verify::Unmatched>,
    unknown_ids: Vec<u64>,
}

/// Says what of a scope is found nowhere; true when nothing of it is found, so that the command has nothing to do.
pub(crate) async fn say_unknown(context: &Context, places: &Deployment, scope: &Scope) -> anyhow::Result<bool> {
    let unmatched = unmatched(places.to_verify(), scope).await?;
    let unknown_ids = unknown_ids(places.to_verify(), scope).await?;
    let nothing = match scope {
        Scope::Ids { cd_idx, .. } => unknown_ids.len() == cd_idx.len(),
        Scope::All | Scope::Vertical(_) => unmatched.is_some(),
    };
    for text in unmatched.iter().map(ToString::to_string).chain(unknown_ids.iter().map(|id| format!("{id}: not found")))
    {
        note(&text);
    }
    if context.json && (unmatched.is_some() || !unknown_ids.is_empty()) {
        json_line(&Unknown { unmatched, unknown_ids })?;
    }
    Ok(nothing)
}

fn parse_id(word: &str) -> Result<u64, Error> {
    let composed: String = word.nfc().collect();
    match composed.parse() {
        Ok(id @ 1..=CD_IDX_MAX) => Ok(id),
        _ => Err(usage(format!("{word:?} is not a cd_idx: it must be a number from 1 to {CD_IDX_MAX}"))),
    }
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("read the ids: {doing}"))
}
