//! Exit codes: people script against them, so they are constants, and one function maps errors to them.

use std::process::ExitCode;

use cameo::{
    model::{
        cause,
        error::{Error, Kind},
        lang::Lang,
    },
    proof::verify::EntityState,
};

use crate::output::note;

/// The exit codes, as `--help` tells them.
pub(crate) const HELP: &str = "Exit codes: 0 complete; 1 unexpected; 2 usage or configuration; 3 pre-flight refused; \
4 done, only rejected originals or dead letters are left; 5 temporary or in flight, try again; 6 credentials; \
7 a place lacks, or differs from, another, or nothing is known of what was asked about; 130 interrupted.";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is as asked.
    Complete = 0,
    /// Something that nobody planned for.
    Unexpected = 1,
    /// The command line or the configuration must be fixed.
    Usage = 2,
    /// The check before the upload found errors.
    Refused = 3,
    /// Done; only rejected originals or dead letters are left.
    Rejected = 4,
    /// Temporary or still in flight: try again.
    Pending = 5,
    /// Somebody refuses us.
    Credentials = 6,
    /// A place lacks, or differs from, another; or nothing is known of what was asked about.
    Different = 7,
    /// Ctrl-C: it can be run again.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<EntityState> for Exit {
    fn from(state: EntityState) -> Self {
        match state {
            EntityState::Complete => Self::Complete,
            EntityState::Rejected => Self::Rejected,
            EntityState::Pending => Self::Pending,
            EntityState::Different => Self::Different,
        }
    }
}

/// Writes an error to standard error, in this language, and returns the exit code that stands for it.
pub(crate) fn fail(error: &anyhow::Error, lang: Lang) -> Exit {
    note(&text(error, lang));
    error.downcast_ref::<Error>().map_or(Exit::Unexpected, |error| of_kind(error.kind()))
}

/// An error, for people.
pub(crate) fn text(error: &anyhow::Error, lang: Lang) -> String {
    match (lang, error.downcast_ref::<Error>()) {
        (Lang::En, _) => told(error),
        (Lang::Ko, Some(known)) => known.text(lang),
        (Lang::Ko, None) => match cause::korean(&**error) {
            Some(cause) => format!("실행하지 못했습니다: {cause}"),
            None => format!("실행하지 못했습니다: {}", told(error)),
        },
    }
}

/// An error with its causes; a cause that the error has told already is not told twice.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            told if told.contains(&cause) => text,
            _ => format!("{text}: {cause}"),
        }
    })
}

/// The exit code that stands for a kind of error.
pub(crate) fn of_kind(kind: Kind) -> Exit {
    match kind {
        Kind::Misconfigured => Exit::Usage,
        Kind::Unavailable | Kind::Conflict => Exit::Pending,
        Kind::Denied => Exit::Credentials,
        Kind::Corrupt => Exit::Different,
        Kind::Malformed | Kind::Refused | Kind::Unlisted | Kind::Fatal => Exit::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code and the meaning of each line of the table in README.md.
    fn table() -> Vec<(u8, String)> {
        let page = include_str!("../../../README.md");
        let rows = page.split("| Exit code | Means |").nth(1).unwrap_or_default().lines().skip(2);
        let cells = rows.map_while(|row| row.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
        cells.map(|(code, means)| (code.parse().unwrap(), means.to_owned())).collect()
    }

    #[test]
    fn the_table_of_the_readme_has_every_code_and_no_other() {
        let in_help: Vec<u8> = HELP
            .trim_start_matches("Exit codes: ")
            .split("; ")
            .map(|part| part.split(' ').next().unwrap().parse().unwrap())
            .collect();
        let in_table: Vec<u8> = table().into_iter().map(|(code, _)| code).collect();
        assert_eq!(in_table, in_help, "README.md and --help");
        let ours = [
            Exit::Complete,
            Exit::Unexpected,
            Exit::Usage,
            Exit::Rejected,
            Exit::Pending,
            Exit::Credentials,
            Exit::Different,
        ];
        for exit in ours {
            assert!(in_table.contains(&(exit as u8)), "{exit:?}");
        }
        // Those of other programs and of commands to come.
        let others: Vec<u8> =
            in_table.into_iter().filter(|code| !ours.iter().any(|exit| *exit as u8 == *code)).collect();
        assert_eq!(others, [3, 130]);
    }
}
