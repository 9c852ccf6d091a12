//! The help of the operators' commands in Korean: one catalogue, put into the parser's own texts before the command line is read.
//!
//! The texts of the code are English. Here are the Korean ones by command and name of the argument; a test fails where a command or
//! an argument of an operator has none, and where a text is of an argument that is no more. Commands of engineers have a line in the list
//! of commands and stay English otherwise.

use cameo::{model::lang::Lang, preflight::expect::headers_help};
use clap::{Arg, ArgAction, Command};

mod texts;

use texts::{ABOUTS, AFTERS, ARGUMENTS, OF_COMMAND};

/// How help is laid out, with Korean headings.
const WITH_ARGUMENTS: &str =
    "{about-with-newline}\n사용법: {usage}\n\n인자:\n{positionals}\n\n옵션:\n{options}{after-help}";
/// The same for a command without arguments that stand by themselves.
const WITHOUT_ARGUMENTS: &str = "{about-with-newline}\n사용법: {usage}\n\n옵션:\n{options}{after-help}";
/// The same for the list of commands.
const WITH_COMMANDS: &str =
    "{about-with-newline}\n사용법: {usage}\n\n명령:\n{subcommands}\n\n옵션:\n{options}{after-help}";

const ABOUT: &str = "올린 사진을 이미지로 만들어 정확히 한 번 등록하고, 모두 되었는지 명령 하나로 확인합니다";
const AFTER: &str = "종료 코드: 0 완료; 1 예상하지 못한 오류; 2 명령이나 설정의 오류; 3 점검에서 오류가 있어 올리지 않음; 4 거부된 것이나 데드레터만 \
남음; 5 처리 중이거나 잠시 안 됨, 다시 실행; 6 권한 없음; 7 빠졌거나 서로 다른 것이 있음, 또는 아는 것이 없음; 130 중단됨.";
const HELP: &str = "도움말을 보여 줍니다";
const VERSION: &str = "버전을 보여 줍니다";
const HELP_COMMAND: &str = "명령의 도움말을 보여 줍니다";

/// The same command, with Korean texts.
pub(crate) fn put_into(mut command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|of| of.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(&name, |of| of_command(of, &name));
    }
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help(VERSION);
    let mut command = translated(command, "")
        .about(ABOUT)
        .after_help(AFTER)
        .help_template(WITH_COMMANDS)
        .disable_version_flag(true)
        .arg(version.display_order(LAST + 1));
    // The parser adds `help` when it is built, and with it what is global to each command.
    command.build();
    command = command.mut_subcommand("help", |help| help.about(HELP_COMMAND));
    // A build as a client has fewer commands, so those that have commands of their own are asked for, not named.
    let groups: Vec<String> =
        command.get_subcommands().filter(|of| has_help(of)).map(|of| of.get_name().to_owned()).collect();
    for name in groups {
        command = command.mut_subcommand(&name, |of| of.mut_subcommand("help", |help| help.about(HELP_COMMAND)));
    }
    command
}

fn has_help(command: &Command) -> bool {
    command.get_name() != "help" && command.find_subcommand("help").is_some()
}

/// Where an argument is in the list of options that comes after all others.
const LAST: usize = 1000;

fn of_command(command: Command, name: &str) -> Command {
    let mut command = match find(ABOUTS, name) {
        Some(about) => command.about(about),
        None => command,
    };
    let Some(after) = find(AFTERS, name) else { return with_help(command) };
    let within: Vec<String> = command.get_subcommands().map(|of| of.get_name().to_owned()).collect();
    for inner in &within {
        command = command.mut_subcommand(inner, |of| of_command(of, &format!("{name} {inner}")));
    }
    let template = match (within.is_empty(), command.get_positionals().next().is_some()) {
        (false, _) => WITH_COMMANDS,
        (true, true) => WITH_ARGUMENTS,
        (true, false) => WITHOUT_ARGUMENTS,
    };
    translated(command, name).after_help(with_headers(name, after)).help_template(template)
}

/// With the flag for help, which none has by itself below a command that has its own.
fn with_help(mut command: Command) -> Command {
    let within: Vec<String> = command.get_subcommands().map(|of| of.get_name().to_owned()).collect();
    for inner in &within {
        command = command.mut_subcommand(inner, with_help);
    }
    command.disable_help_flag(true).arg(help_flag())
}

fn help_flag() -> Arg {
    Arg::new("help").short('h').long("help").action(ArgAction::Help).help(HELP).display_order(LAST)
}

/// With the headers of lists, for the commands that take one.
fn with_headers(name: &str, after: &str) -> String {
    match name {
        "check" | "push" => format!("{after}\n\n{}", headers_help(Lang::Ko)),
        _ => after.to_owned(),
    }
}

/// With Korean texts of its arguments.
fn translated(command: Command, name: &str) -> Command {
    let command = command.mut_args(|argument| match of_argument(name, argument.get_id().as_str()) {
        Some(text) => with_default(argument, text),
        None => argument,
    });
    command.disable_help_flag(true).arg(help_flag())
}

/// With the default value in Korean, which the parser would show in English.
fn with_default(argument: Arg, text: &str) -> Arg {
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if defaults.is_empty()
        || matches!(argument.get_action(), ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count)
    {
        return argument.help(text.to_owned());
    }
    argument.help(format!("{text} [기본값: {}]", defaults.join(", "))).hide_default_value(true)
}

fn of_argument(command: &str, id: &str) -> Option<&'static str> {
    let own = OF_COMMAND.iter().find(|(of, name, _)| *of == command && *name == id);
    own.map(|(.., text)| *text).or_else(|| find(ARGUMENTS, id))
}

fn find(texts: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    texts.iter().find(|(of, _)| *of == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    /// What an operator uses: all of it is Korean.
    fn operators() -> impl Iterator<Item = &'static str> {
        AFTERS.iter().map(|(name, _)| *name)
    }

    /// Commands of engineers stay English.
    const ENGINEERS: [&str; 8] = ["demo", "serve", "worker", "doctor", "adopt", "keys", "recover", "render"];

    fn find_command<'c>(command: &'c Command, name: &str) -> &'c Command {
        name.split(' ').fold(command, |command, name| {
            command.find_subcommand(name).unwrap_or_else(|| panic!("there is no command {name}"))
        })
    }

    fn is_korean(text: &str) -> bool {
        text.chars().any(|c| ('가'..='힣').contains(&c))
    }

    #[test]
    fn every_command_and_every_argument_of_an_operator_has_a_korean_text() {
        let command = put_into(Cli::command());
        for of in command.get_subcommands() {
            assert!(of.get_about().is_some_and(|about| is_korean(&about.to_string())), "{}", of.get_name());
        }
        for name in operators() {
            let of = find_command(&command, name);
            assert!(of.get_about().is_some_and(|about| is_korean(&about.to_string())), "{name}");
            assert!(of.get_after_help().is_some_and(|after| is_korean(&after.to_string())), "{name}");
            for argument in of.get_arguments().chain(command.get_arguments()) {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(is_korean(&help), "{name} {}: {help:?}", argument.get_id());
            }
        }
        for of in Cli::command().get_subcommands() {
            let is_engineers = ENGINEERS.contains(&of.get_name());
            assert!(is_engineers != operators().any(|name| name == of.get_name()), "{}", of.get_name());
        }
    }

    #[test]
    fn no_text_is_of_something_that_is_no_more() {
        let command = Cli::command();
        let has = |command: &Command, id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
        for (name, _) in ABOUTS.iter().chain(AFTERS) {
            find_command(&command, name);
        }
        for (name, id, _) in OF_COMMAND {
            assert!(has(find_command(&command, name), id), "{name} {id}");
        }
        for (id, _) in ARGUMENTS {
            let is_somewhere = command.get_subcommands().chain([&command]).any(|of| has(of, id));
            assert!(is_somewhere, "{id}");
        }
    }

    #[test]
    fn the_command_line_is_consistent_in_korean_too() {
        put_into(Cli::command()).debug_assert();
    }

    /// The parser takes its own flag away below a command that has one of ours.
    #[test]
    fn every_command_has_help() {
        fn check(command: &Command, path: &str) {
            for of in command.get_subcommands().filter(|of| of.get_name() != "help") {
                let path = format!("{path} {}", of.get_name());
                assert!(of.get_arguments().any(|argument| argument.get_id() == "help"), "{path} --help");
                check(of, &path);
            }
        }
        check(&put_into(Cli::command()), "cameo");
    }

    #[test]
    fn help_that_is_korean_is_laid_out_in_korean() {
        let mut command = put_into(Cli::command());
        for name in operators() {
            let help = find_command(&command, name).clone().render_help().to_string();
            let english = [
                "Usage:",
                "Options:",
                "Arguments:",
                "Commands:",
                "Print ",
                "Examples:",
                "[default:",
                "[possible values:",
            ];
            assert!(english.iter().all(|heading| !help.contains(heading)), "{help}");
        }
        let help = command.render_help().to_string();
        assert!(!help.contains("Commands:") && !help.contains("Print "), "{help}");
    }

    #[test]
    fn the_headers_of_lists_are_in_the_help_and_in_both_pages() {
        let help = |command: &Command, name: &str| find_command(command, name).clone().render_help().to_string();
        let (english, korean) = (Cli::command(), put_into(Cli::command()));
        let pages = [include_str!("../../../README.md"), include_str!("../../../README.ko.md")];
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (meaning, headers) in cameo::preflight::expect::known_headers() {
            let listed = headers.join(", ");
            for name in ["check", "push"] {
                for (command, lang) in [(&english, Lang::En), (&korean, Lang::Ko)] {
                    let line = format!("{}: {listed}", meaning.of(lang));
                    assert!(words(&help(command, name)).contains(&line), "{name}: {line}");
                }
            }
            for (page, lang) in pages.into_iter().zip([Lang::En, Lang::Ko]) {
                let row = headers.iter().map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", ");
                assert!(
                    page.contains(&format!("| {} | {row} |", meaning.of(lang))),
                    "| {} | {row} |",
                    meaning.of(lang)
                );
            }
        }
    }
}
