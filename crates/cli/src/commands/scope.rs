//! Which entities a command is about: `--vertical`, `--ids`, `--ids-from`.

use std::{io::Read, path::PathBuf};

use anyhow::Context as _;
use cameo::{
    catalog::Scope,
    error::{Error, Kind, Place},
    key::{CD_IDX_MAX, Vertical},
};
use unicode_normalization::UnicodeNormalization;

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
    /// Only the entities whose numbers stand in a file ("-": standard input), separated by commas, spaces or lines
    #[arg(long, value_name = "FILE", conflicts_with = "ids")]
    ids_from: Option<PathBuf>,
}

/// A vertical as a person types it: what macOS writes decomposed is composed first.
pub(crate) fn parse_vertical(text: &str) -> Result<Vertical, String> {
    text.nfc().collect::<String>().parse().map_err(|error: cameo::key::NameError| error.to_string())
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
                std::io::stdin().read_to_string(&mut text).context("failed to read ids from standard input")?;
                text
            }
            Some(path) => {
                std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?
            }
            None if self.ids.is_empty() => return Ok(None),
            None => self.ids.join(","),
        };
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
        let mut ids = words.map(parse_id).collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > IDS_MAX {
            return Err(usage(format!("{} ids: at most {IDS_MAX} at a time", ids.len())).into());
        }
        Ok(Some(ids))
    }
}

fn parse_id(word: &str) -> Result<u64, Error> {
    let composed: String = word.nfc().collect();
    match composed.parse() {
        Ok(id @ 1..=CD_IDX_MAX) => Ok(id),
        _ => Err(usage(format!("{word:?} is no cd_idx: it must be a number from 1 to {CD_IDX_MAX}"))),
    }
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("read the ids: {doing}"))
}
