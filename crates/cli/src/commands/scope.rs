//! Which entities a command is about: `--vertical`, `--ids`, `--ids-from`.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use cameo::{
    ledger::Scope,
    model::{
        error::{Error, Kind, Place},
        ids::{IDS_TEXT_MAX_BYTES, Ids, parse_ids, parse_ids_text},
        key::{DeliveryName, NameError, Vertical},
        lang::{Lang, Text},
    },
    operate::Subject,
    preflight::expect::{AskedIds, ids_of_workbook},
};
use unicode_normalization::UnicodeNormalization;

use super::{Context, note};

#[derive(Debug, clap::Args)]
pub(crate) struct ScopeArgs {
    /// Only entities of this vertical
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    pub(crate) vertical: Option<Vertical>,
    /// Only these entities: numbers separated by commas or spaces, or any text that --ids-from takes
    #[arg(long, value_name = "ID,ID…", num_args = 1.., allow_negative_numbers = true)]
    ids: Vec<String>,
    /// Only the entities whose numbers are in a file ("-": standard input): a list, a column of Excel, a CSV with a column of ids, an Excel workbook (.xlsx, .xls), or SQL's IN (…)
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
        read_ids(context, &self.ids, self.ids_from.as_deref())
    }
}

/// The ids that flags name: those of a file, or those that were typed.
pub(crate) fn read_ids(context: &Context, typed: &[String], from: Option<&Path>) -> anyhow::Result<Option<Vec<u64>>> {
    let (name, bytes) = match from {
        Some(path) if path.as_os_str() == "-" => {
            (context.lang.pick("standard input", "표준 입력").to_owned(), Some(read_all(std::io::stdin())?))
        }
        Some(path) => {
            let name = path.display().to_string();
            let unreadable = |error| usage(&Text::new(name.clone(), name.clone())).because(error);
            (name.clone(), Some(std::fs::File::open(path).and_then(read_all).map_err(unreadable)?))
        }
        None if typed.is_empty() => return Ok(None),
        None => ("--ids".to_owned(), None),
    };
    if let Some(asked) = bytes.as_deref().and_then(ids_of_workbook) {
        let AskedIds { ids, remarks } =
            asked.map_err(|why| usage(&Text::each(|lang| format!("{name}: {}", why.of(lang)))))?;
        for remark in &remarks {
            note(&format!("{name}: {}", remark.of(context.lang)));
        }
        return Ok(Some(ids));
    }
    let read = match bytes {
        Some(bytes) => parse_ids(&bytes),
        None => parse_ids_text(&typed.join(" ")),
    };
    // Whatever is asked about nothing is complete: a list that came out empty is an error, and must not pass for proof.
    let Ids { ids, ignored_header, remarks, .. } = read.map_err(|error| {
        let why = error.text();
        usage(&Text::each(|lang| format!("{name}: {}", why.of(lang))))
    })?;
    if let Some(header) = ignored_header {
        note(&match context.lang {
            Lang::En => format!("{name}: skipped the header {header:?}"),
            Lang::Ko => format!("{name}: 머리글 {header:?} 은 건너뛰었습니다"),
        });
    }
    for remark in remarks {
        note(&format!("{name}: {}", remark.text().of(context.lang)));
    }
    Ok(Some(ids))
}

/// All of it, as far as a list of ids may be long.
fn read_all(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(IDS_TEXT_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn usage(what: &Text) -> Error {
    let korean = format!("cd_idx 목록을 읽을 수 없습니다: {}", what.korean);
    Error::new(Place::System, Kind::Misconfigured, format!("read the ids: {}", what.english)).in_korean(korean)
}

/// A time with its zone, as people write it.
pub(super) fn parse_time(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse().map_err(|error| format!("{error}; write a time with its zone, such as 2026-11-26T09:00+09:00"))
}
