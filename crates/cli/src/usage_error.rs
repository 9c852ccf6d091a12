//! What is wrong with a command line, in Korean: the parser's own words are English.
//!
//! Every kind that the parser knows has a text; a test asks for each. Names of arguments stay as they are typed; why a value is none follows
//! in parentheses (`usage_error/why.rs`).

use std::error::Error as _;

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

mod why;

/// The error as it is shown; none where it is no error, such as help that was asked for.
pub(crate) fn korean(error: &Error) -> Option<String> {
    let what = what(error)?;
    let mut text = format!("오류: {what}\n");
    for line in hints(error) {
        text.push_str(&format!("\n  도움말: {line}"));
    }
    if let Some(usage) = context(error, ContextKind::Usage) {
        let usage = usage.trim().trim_start_matches("Usage:").trim().to_owned();
        text.push_str(&format!("\n사용법: {usage}\n"));
    }
    text.push_str("\n자세한 것은 '--help' 를 붙여 실행해 보세요.\n");
    Some(text)
}

/// What is wrong, by the kind of the error.
fn what(error: &Error) -> Option<String> {
    let of = |kind| context(error, kind).unwrap_or_default();
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    Some(match error.kind() {
        ErrorKind::UnknownArgument => format!("'{argument}' 은(는) 알 수 없는 인자입니다"),
        ErrorKind::InvalidValue if value.is_empty() => format!("'{argument}' 에 값을 적어 주세요{}", of_values(error)),
        ErrorKind::InvalidValue => format!("'{argument}' 에 '{value}' 은(는) 쓸 수 없는 값입니다{}", of_values(error)),
        ErrorKind::ValueValidation => {
            let why = error.source().map(ToString::to_string);
            let why = why.map(|why| why::korean(&why).unwrap_or(why));
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            format!("'{argument}' 에 '{value}' 은(는) 쓸 수 없는 값입니다{why}")
        }
        ErrorKind::InvalidSubcommand => format!("'{}' 은(는) 없는 명령입니다", of(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingSubcommand => {
            format!("명령을 적어 주세요. 쓸 수 있는 명령: {}", of(ContextKind::ValidSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("꼭 있어야 하는 인자가 없습니다: {argument}"),
        ErrorKind::ArgumentConflict => match of(ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => format!("'{argument}' 은(는) 한 번만 쓸 수 있습니다"),
            prior => format!("'{argument}' 은(는) '{prior}' 와(과) 함께 쓸 수 없습니다"),
        },
        ErrorKind::NoEquals => format!("'{argument}' 의 값은 '=' 뒤에 적어 주세요"),
        ErrorKind::TooManyValues => format!("'{argument}' 의 값이 너무 많습니다: '{value}'"),
        ErrorKind::TooFewValues => {
            format!("'{argument}' 의 값이 모자랍니다: {}개 이상이어야 합니다", of(ContextKind::MinValues))
        }
        ErrorKind::WrongNumberOfValues => {
            format!("'{argument}' 의 값은 {}개여야 합니다", of(ContextKind::ExpectedNumValues))
        }
        ErrorKind::InvalidUtf8 => "인자에 읽을 수 없는 글자가 있습니다".to_owned(),
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayVersion
        | ErrorKind::Io
        | ErrorKind::Format => return None,
        // A newer parser may know more kinds.
        _ => "명령을 이해할 수 없습니다".to_owned(),
    })
}

/// The values that there are, where they are few.
fn of_values(error: &Error) -> String {
    match context(error, ContextKind::ValidValue) {
        Some(values) if !values.is_empty() => format!(". 쓸 수 있는 값: `{}`", values.replace(", ", "`, `")),
        _ => String::new(),
    }
}

/// What was probably meant.
fn hints(error: &Error) -> Vec<String> {
    let similar = [
        (ContextKind::SuggestedArg, "비슷한 인자가 있습니다"),
        (ContextKind::SuggestedSubcommand, "비슷한 명령이 있습니다"),
        (ContextKind::SuggestedValue, "비슷한 값이 있습니다"),
    ];
    let found = similar.into_iter().filter_map(|(kind, hint)| Some(format!("{hint}: '{}'", context(error, kind)?)));
    found.map(|hint| hint + "\n").collect()
}

/// What the parser noted, as a text.
fn context(error: &Error, kind: ContextKind) -> Option<String> {
    Some(match error.get(kind)? {
        ContextValue::Bool(value) => value.to_string(),
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        ContextValue::StyledStr(text) => text.to_string(),
        ContextValue::StyledStrs(texts) => texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        ContextValue::Number(number) => number.to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::{Cli, korean_words::english_in};

    fn error(arguments: &[&str]) -> Error {
        Cli::command().try_get_matches_from(["cameo"].iter().chain(arguments)).unwrap_err()
    }

    #[test]
    fn what_people_type_wrongly_is_said_in_korean() {
        for (arguments, kind, said) in [
            (
                &["push", "x", "--verticl", "v"][..],
                ErrorKind::UnknownArgument,
                "'--verticl' 은(는) 알 수 없는 인자입니다",
            ),
            (&["push", "x"], ErrorKind::MissingRequiredArgument, "꼭 있어야 하는 인자가 없습니다: --vertical <V>"),
            (&["psh"], ErrorKind::InvalidSubcommand, "'psh' 은(는) 없는 명령입니다"),
            (&["push", "x", "--vertical"], ErrorKind::InvalidValue, "'--vertical <V>' 에 값을 적어 주세요"),
            (&["push", "x", "--vertical", "a b"], ErrorKind::ValueValidation, "'a b' 은(는) 쓸 수 없는 값입니다 ("),
            (&["deliveries", "--limit", "0"], ErrorKind::ValueValidation, "'0' 은(는) 쓸 수 없는 값입니다"),
            (&["verify", "--ids", "1", "--ids-from", "x"], ErrorKind::ArgumentConflict, "함께 쓸 수 없습니다"),
            (&["check", "x", "--vertical", "v", "--vertical", "w"], ErrorKind::ArgumentConflict, "한 번만"),
        ] {
            let error = error(arguments);
            assert_eq!(error.kind(), kind, "{arguments:?}");
            let text = korean(&error).unwrap();
            assert!(text.contains(said), "{arguments:?}: {text}");
            for english in ["error:", "Usage:", "For more", "tip:", "required", "unexpected"] {
                assert!(!text.contains(english), "{text}");
            }
            assert_eq!(error.exit_code(), 2);
        }
        let text = korean(&error(&["push", "x", "--verticl", "v"])).unwrap();
        assert!(text.contains("도움말: 비슷한 인자가 있습니다: '--vertical'"), "{text}");
    }

    /// Whatever reads the value of an argument, and whatever is wrong with it.
    #[test]
    fn why_a_value_is_none_is_said_in_korean_for_every_argument() {
        let command = Cli::command();
        let within = command.get_subcommands().flat_map(clap::Command::get_subcommands);
        let mut refused = 0;
        for of in command.get_subcommands().chain(within) {
            let of = of.clone().args(command.get_arguments().cloned());
            for name in of.get_arguments().filter_map(clap::Arg::get_long).map(str::to_owned).collect::<Vec<_>>() {
                for value in ["", "x y", "-1", "0", "99999999999999999999999", "1.5", "1q", "\u{1112}\u{1161}\u{11ab}"]
                {
                    let words = [of.get_name().to_owned(), format!("--{name}={value}")];
                    let Err(error) = of.clone().try_get_matches_from(words) else { continue };
                    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
                        continue;
                    }
                    let text = korean(&error).unwrap();
                    let said = text.split("사용법").next().unwrap();
                    // `off` is what may be written there.
                    let english = english_in(said).into_iter().filter(|word| word != "off").collect::<Vec<_>>();
                    assert_eq!(english, Vec::<String>::new(), "{} {name}: {text}", of.get_name());
                    refused += 1;
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn every_kind_of_error_has_a_korean_text() {
        for kind in [
            ErrorKind::UnknownArgument,
            ErrorKind::InvalidValue,
            ErrorKind::ValueValidation,
            ErrorKind::InvalidSubcommand,
            ErrorKind::MissingSubcommand,
            ErrorKind::MissingRequiredArgument,
            ErrorKind::ArgumentConflict,
            ErrorKind::NoEquals,
            ErrorKind::TooManyValues,
            ErrorKind::TooFewValues,
            ErrorKind::WrongNumberOfValues,
            ErrorKind::InvalidUtf8,
        ] {
            let text = korean(&Error::new(kind)).unwrap_or_else(|| panic!("{kind:?} has no text"));
            assert!(!text.contains("이해할 수 없습니다"), "{kind:?} has no text of its own");
        }
        for kind in [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion] {
            assert_eq!(korean(&Error::new(kind)), None, "{kind:?} is no error");
        }
    }
}
