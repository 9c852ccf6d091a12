//! Which entities a command is about: `--vertical`, `--ids`, `--ids-from`.

use std::{io::Read, path::PathBuf};

use cameo::{
    ledger::Scope,
    model::{
        error::{Error, Kind, Place},
        ids::{IDS_TEXT_MAX_BYTES, Ids, parse_ids, parse_ids_text},
        key::{DeliveryName, NameError, Vertical},
        lang::Lang,
        token::Verticals,
    },
    operate::{
        Subject,
        absent::{self, Matched},
    },
    server::deployment::Deployment,
};
use unicode_normalization::UnicodeNormalization;

use super::{Context, note, printer::Printer};

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
    text.nfc().collect::<String>().parse().map_err(|error: NameError| error.to_string())
}

/// The name of a delivery as a person types it.
pub(crate) fn parse_delivery(text: &str) -> Result<DeliveryName, String> {
    text.nfc().collect::<String>().parse().map_err(|error: NameError| error.to_string())
}

impl ScopeArgs {
    /// The entities that are asked for.
    pub(crate) fn scope(&self, context: &Context) -> anyhow::Result<Scope> {
        let ids = self.ids(context)?;
        Ok(match (ids, self.vertical.clone()) {
            (Some(cd_idx), vertical) => Scope::Ids { vertical, cd_idx },
            (None, Some(vertical)) => Scope::Vertical(vertical),
            (None, None) => Scope::All,
        })
    }

    /// The entities that are asked for, or the delivery that is named beside them.
    pub(crate) fn subject(&self, context: &Context, delivery: Option<DeliveryName>) -> anyhow::Result<Subject> {
        let Some(name) = delivery else { return Ok(Subject::Scope(self.scope(context)?)) };
        let contradiction = || {
            let vertical = self.vertical.as_ref().map(ToString::to_string).unwrap_or_default();
            let doing = format!("find the delivery {name}: it is not of the vertical {vertical}; leave --vertical out");
            let korean = format!("전달 {name} 은 버티컬 {vertical} 의 것이 아닙니다. --vertical 을 빼 주세요");
            Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean)
        };
        Ok(Subject::delivery(name.clone(), self.vertical.as_ref()).ok_or_else(contradiction)?)
    }

    fn ids(&self, context: &Context) -> anyhow::Result<Option<Vec<u64>>> {
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
            note(&match context.lang {
                Lang::En => format!("{name}: skipped the header {header:?}"),
                Lang::Ko => format!("{name}: 머리글 {header:?} 은 건너뛰었습니다"),
            });
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

/// Reports what of a scope is found nowhere, or is deleted.
pub(crate) async fn say_absent(context: &Context, places: &Deployment, scope: &Scope) -> anyhow::Result<Matched> {
    let mut printer = Printer::new(context);
    let matched = absent::report(places.to_verify(), &Verticals::All, scope, &mut printer).await?;
    printer.finish()?;
    Ok(matched)
}

fn usage(doing: String) -> Error {
    let korean = format!("cd_idx 목록을 읽을 수 없습니다: {doing}");
    Error::new(Place::System, Kind::Misconfigured, format!("read the ids: {doing}")).in_korean(korean)
}
