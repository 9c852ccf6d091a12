//! `cameo explain`: what a reason code means and who must do what, in Korean and English.

use cameo::model::{
    cause::Cause,
    error::{Error, Kind, Place},
    reason::{Owner, ReasonCode, ReasonKind},
};
use serde::Serialize;

use super::{Context, json_line, own_text};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo explain\n  cameo explain file.truncated")]
pub(crate) struct Args {
    /// The reason code, such as file.truncated; all of them when it is left out
    code: Option<String>,
}

/// One reason code.
#[derive(Debug, Serialize)]
struct Explanation {
    code: ReasonCode,
    rejects: bool,
    owner: Owner,
    #[serde(skip)]
    kind: ReasonKind,
    english: &'static str,
    action_english: &'static str,
    korean: &'static str,
    action_korean: &'static str,
}

pub(crate) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let asked = match &args.code {
        Some(code) => vec![code.parse::<ReasonCode>().map_err(|error| {
            let korean = format!("{code:?}: 없는 사유 코드입니다. `cameo explain` 으로 목록을 볼 수 있습니다");
            let why = Cause::new(error.to_string(), "");
            Error::new(Place::System, Kind::Misconfigured, format!("explain {code:?}")).in_korean(korean).because(why)
        })?],
        None => ReasonCode::ALL.to_vec(),
    };
    for reason in asked {
        let explanation = Explanation::of(reason);
        if context.json {
            json_line(&explanation)?;
        } else {
            own_text(&explanation.text())?;
        }
    }
    Ok(Exit::Complete)
}

impl Explanation {
    fn of(code: ReasonCode) -> Self {
        Self {
            code,
            rejects: code.kind() == ReasonKind::Rejected,
            owner: code.owner(),
            kind: code.kind(),
            english: code.english(),
            action_english: code.action_english(),
            korean: code.korean(),
            action_korean: code.action_korean(),
        }
    }

    fn text(&self) -> String {
        let Self { code, english, action_english, korean, action_korean, .. } = self;
        let kind = match self.kind {
            ReasonKind::Rejected => "rejected / 거부",
            ReasonKind::Waiting => "waiting / 대기",
            ReasonKind::Checked => "found by check / 사전 점검",
        };
        format!("{code}  ({kind})\n  {korean}\n  → {action_korean}\n  {english}\n  → {action_english}\n")
    }
}
