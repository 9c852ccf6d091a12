//! The help of the operators' commands in Korean: one catalogue, put into the parser's own texts before the command line is read.
//!
//! The texts of the code are English. Here are the Korean ones by command and name of the argument; a test fails where a command or
//! an argument of an operator has none, and where a text is of an argument that is no more. Commands of engineers have a line in the list
//! of commands and stay English otherwise.

use clap::{Arg, ArgAction, Command};

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

/// A line about each command.
const ABOUTS: &[(&str, &str)] = &[
    ("demo", "예제 사진이나 가지고 계신 사진으로 전체 과정을 실행해 봅니다"),
    ("serve", "업로드, 이미지, 콘솔, 작업을 맡는 서버를 실행합니다"),
    ("worker", "작업만 맡는 서버를 실행합니다"),
    ("push", "폴더를 점검하고, 서버에 없는 사진을 올리고, 기다렸다가 결과를 알려 줍니다"),
    ("deliveries", "전달 목록과 각각의 처리 상황을 보여 줍니다"),
    ("report", "전달 중 게시되지 않은 것과 조치할 사람을 알려 줍니다"),
    ("status", "처리 중인 것, 게시된 것, 거부된 것과 사유를 보여 줍니다"),
    ("check", "올리기 전에 폴더나 .zip 의 사진을 점검합니다"),
    ("verify", "원본, 이미지, 테이블의 행, 공개된 이미지가 서로 맞는지 확인합니다"),
    ("reconcile", "verify 가 찾은 것을 복구합니다. --apply 가 없으면 할 일만 보여 줍니다"),
    ("retry", "원인을 해결한 뒤, 거부된 원본과 데드레터를 다시 처리합니다"),
    ("restore", "삭제, 교체, 이동, 정리된 것을 되돌립니다"),
    ("dismiss", "거부된 파일을 정리하여 목록에 더 나오지 않게 합니다"),
    ("move", "사진을 다른 버티컬로 옮깁니다"),
    ("doctor", "설정을 점검하고 고칠 방법을 알려 줍니다"),
    ("adopt", "다른 시스템이 게시한 사진을 그대로 가져옵니다"),
    ("keys", "업로드용 접근 키를 만들고, 보고, 지웁니다"),
    ("token", "API 토큰을 만들고, 보고, 폐기합니다"),
    ("login", "서버에 로그인합니다"),
    ("logout", "로그인 정보를 이 컴퓨터에서 지웁니다"),
    ("recover", "데이터베이스를 잃은 데이터 폴더를 복구합니다"),
    ("render", "서버 없이 파일로 이미지를 만들어 봅니다"),
    ("explain", "사유 코드의 뜻을 한국어와 영어로 설명합니다"),
];

/// What is below the options of an operators' command. These are the commands whose arguments are Korean.
const AFTERS: &[(&str, &str)] = &[
    (
        "push",
        "예:\n  cameo push 사진폴더 --vertical ssgdfm_eye --wait\n  cameo push 사진.zip --vertical ssgdfm_eye --expect 전달목록.xlsx --wait\n  \
         cameo push 사진폴더 --vertical ssgdfm_eye --skip-faulty --wait\n\n\
         먼저 cameo check 처럼 폴더를 점검합니다. 문제가 있으면 아무것도 올리지 않고 종료 코드 3으로 끝나며, --skip-faulty 를 붙이면 문제 있는 \
         파일만 뺍니다. 무엇을 전달했는지 기록해 둡니다. 언제든 다시 실행하면 이어서 하고, 빠졌거나 달라진 것만 보냅니다.\n\n\
         종료 코드: 0 모두 보냄(--wait 이면 모두 게시됨); 3 점검에서 문제가 있어 보내지 않음; 4 거부되었거나 뺐거나 받기로 한 사진만 남음; 5 처리 \
         중이거나 보내지 못한 것이 있음, 다시 실행; 6 토큰이 맞지 않음; 130 중단됨, 다시 실행.",
    ),
    (
        "check",
        "예:\n  cameo check 사진폴더 --vertical ssgdfm_eye\n  cameo check 사진.zip --vertical ssgdfm_eye --expect 전달목록.xlsx\n  \
         cameo check 사진폴더 --vertical ssgdfm_eye --fix 고친폴더\n  cameo check 사진폴더 --vertical ssgdfm_eye --csv 점검결과.csv\n\n\
         아무것도 보내지 않고 서버도 필요 없습니다. 오류가 있으면 종료 코드 3, 경고만 있으면 0입니다.\n\n\
         목록은 CSV, .xlsx, .xls, 텍스트, manifest-sha256.txt 를 읽습니다. 알아보는 열: cd_idx(id, 번호), file(filename, 파일명), \
         sequence(seq, 순번), 사진수, sha256. 머리글이 없으면 목록에 있는 모든 번호와 파일 이름을 읽습니다.",
    ),
    (
        "report",
        "예:\n  cameo report 20261126-k3f9\n  cameo report 20261126-k3f9 --csv failed.csv\n  cameo report 20261126-day-ssgdfm_eye\n  \
         cameo report 20261126-k3f9 --manifest manifest-sha256.txt\n\n\
         조치할 사람별로 실패한 cd_idx 를 모두 보여 줍니다. 표는 엑셀로 열립니다. 전달 목록은 전달한 폴더에서 sha256sum -c 로 대조할 수 \
         있습니다.\n\n종료 코드: 0 모두 게시됨; 4 실패한 것이 있음; 5 처리 중인 것이 있음; 7 모르는 전달.",
    ),
    (
        "deliveries",
        "예:\n  cameo deliveries\n  cameo deliveries --vertical ssgdfm_eye --limit 5\n\n\
         aws-cli 처럼 전달로 기록하지 않은 업로드는 등록된 날의 것으로 봅니다: 20261126-day-ssgdfm_eye. 버티컬마다 최근 7일이 함께 나옵니다. \
         전달 번호는 cameo status, verify, retry, report 에 쓸 수 있습니다.",
    ),
    (
        "verify",
        "예:\n  cameo verify --vertical ssgdfm_eye\n  cameo verify 사진폴더 --vertical ssgdfm_eye\n  cameo verify 20261126-k3f9\n  \
         cameo verify --ids 351518,351519\n  cameo verify --ids-from 목록.csv\n  cameo verify --vertical ssgdfm_eye --sample 1000 --seed 7\n\n\
         완료되지 않은 것만 보여 줍니다(--all 은 모두). 이미지는 실제 공개 주소에서 받아 확인합니다. --server 를 쓰면 서버가 확인합니다.\n\n\
         폴더에는 --vertical 이 필요합니다. 파일 이름에는 버티컬이 없기 때문입니다.\n\n\
         빠졌거나 다른 것이 있을 때, 그리고 없는 번호이거나 모두 삭제된 번호일 때 종료 코드 7입니다.",
    ),
    (
        "status",
        "예:\n  cameo status\n  cameo status --ids 351518,351519\n  cameo status --vertical ssgdfm_eye\n  cameo status 20261126-k3f9\n\n\
         전달 번호를 적으면 등록되지 않은 파일마다 이유를 보여 주고, 끝에 개수를 보여 줍니다.\n\n\
         없는 번호이거나 모두 삭제된 번호이면 cameo verify 와 같이 종료 코드 7입니다. 전달: 처리 중이면 5, 도착하지 않았거나 교체·삭제된 것이 \
         있으면 7, 거부되었거나 뺀 것만 남았으면 4.",
    ),
    (
        "retry",
        "예:\n  cameo retry --reason render.timeout\n  cameo retry --ids 351518,351519 --dry-run\n  \
         cameo retry --reason system.dead_letter\n  cameo retry 20261126-k3f9\n\n해당하는 데드레터도 다시 처리하며, 데드레터 목록에서 빠집니다.\n\n\
         종료 코드: 5 다시 보냈고 처리 중(결과는 cameo status 로 확인); 0 보낼 것이 없거나 --dry-run; 7 아는 것이 없음.",
    ),
    (
        "login",
        "예:\n  cameo login https://cameo.example.com\n  cameo login https://cameo.example.com <토큰.txt\n\n\
         토큰은 터미널에서 물어보며 화면에 보이지 않습니다. 서버 주소와 토큰은 사용자 폴더(~/.config/cameo)의 login.json 에 본인만 읽을 수 있게 \
         저장됩니다. 우선순위: --server 등 명령에 적은 것, CAMEO_SERVER, 이 컴퓨터의 데이터 폴더, 이 로그인. CAMEO_TOKEN 은 저장된 토큰보다 \
         우선합니다.",
    ),
    ("logout", "예:\n  cameo logout"),
];

/// Arguments that mean the same in every command.
const ARGUMENTS: &[(&str, &str)] = &[
    ("config", "설정 파일. ./cameo.toml 과 사용자의 설정 파일 대신 씁니다"),
    ("json", "프로그램이 읽는 JSON 으로 한 줄에 하나씩 보여 줍니다"),
    ("lang", "화면의 언어: ko 또는 en [기본값: 컴퓨터의 언어]"),
    ("folder", "사진 폴더, 또는 그 .zip 파일"),
    ("vertical", "이 버티컬만"),
    ("ids", "이 번호(cd_idx)만. 쉼표나 공백으로 구분하며, --ids-from 이 읽는 글도 됩니다"),
    ("ids_from", "파일(\"-\"는 표준 입력)에 있는 번호만: 목록, 엑셀의 열, 번호 열이 있는 CSV, SQL 의 IN (…)"),
    ("data", "서버의 데이터 폴더 [기본값: ./cameo-data]"),
    ("endpoint_url", "다른 곳에 있는 시스템의 S3 주소. 키는 AWS 도구처럼 환경 변수에서 읽습니다"),
    ("images_url", "이미지를 받아 볼 주소 [기본값: 공개 주소]"),
    ("catalog", "그 데이터베이스: mysql://…, postgres://… 또는 sqlite:FILE"),
    ("server", "이 서버에 묻습니다. 토큰은 CAMEO_TOKEN 이나 cameo login 의 것 [기본값: CAMEO_SERVER]"),
];

/// Arguments of one command, or that mean something of its own there.
const OF_COMMAND: &[(&str, &str, &str)] = &[
    ("push", "vertical", "사진의 버티컬"),
    ("push", "wait", "모두 처리될 때까지 기다립니다"),
    ("push", "skip_faulty", "문제 있는 파일은 빼고 나머지를 올립니다. 뺀 파일은 결과에 나옵니다"),
    ("push", "expect", "받기로 한 것의 목록. 전달과 함께 보관하며, 모두 게시되어야 완료입니다"),
    ("push", "note", "전달과 함께 보관할 메모"),
    ("push", "csv", "실패한 것의 표를 저장할 파일 [기본값: 실패한 것이 있으면 failed.csv]"),
    ("check", "vertical", "사진의 버티컬"),
    ("check", "expect", "받기로 한 것의 목록. 목록에만 있는 것과 폴더에만 있는 것을 알려 줍니다"),
    ("check", "csv", "점검 결과를 엑셀로 열 수 있는 CSV 파일로도 저장합니다"),
    ("check", "fix", "어느 쪽이 맞는지 분명한 파일을 바른 이름으로 새 폴더에 복사합니다. 원래 폴더는 바뀌지 않습니다"),
    ("report", "delivery", "전달 번호, 또는 버티컬의 하루: 20261126-day-ssgdfm_eye"),
    ("report", "csv", "실패한 것의 표를 이 파일에 저장합니다"),
    ("report", "manifest", "전달한 파일의 목록을 SHA-256 과 함께 이 파일에 저장합니다"),
    ("deliveries", "limit", "새것부터 몇 개까지"),
    ("verify", "handed_over", "전달받은 폴더(--vertical 필요) 또는 전달 번호. 바로 그 사진들이 있어야 합니다"),
    ("verify", "all", "완료된 것도 보여 줍니다(--json 이면 언제나)"),
    ("verify", "deep", "모든 원본, 이미지, 대표 사진의 내용을 읽어 확인합니다. 디스크의 손상을 찾습니다"),
    ("verify", "sample", "공개된 이미지는 무작위로 이만큼만 받습니다. 나머지는 그대로 확인합니다"),
    ("verify", "seed", "같은 이미지를 다시 고릅니다 [기본값: 무작위이며 결과에 나옵니다]"),
    ("verify", "progress", "--json 과 함께: 진행 상황도 줄로 보여 줍니다"),
    ("status", "delivery", "전달 번호(예: 20261126-k3f9), 또는 기록 없이 올린 하루: 20261126-day-ssgdfm_eye"),
    ("status", "all", "전달 중 등록된 파일도 보여 줍니다(--json 이면 언제나)"),
    ("retry", "delivery", "이 전달의 파일만(예: 20261126-k3f9)"),
    ("retry", "reason", "이 사유로 거부된 원본만"),
    ("retry", "dry_run", "실행하지 않고 어느 원본인지만 보여 줍니다"),
    ("login", "url", "서버 주소"),
];

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
    command.mut_subcommand("help", |help| help.about(HELP_COMMAND))
}

/// Where an argument is in the list of options that comes after all others.
const LAST: usize = 1000;

fn of_command(command: Command, name: &str) -> Command {
    let command = match find(ABOUTS, name) {
        Some(about) => command.about(about),
        None => command,
    };
    let Some(after) = find(AFTERS, name) else { return command };
    let template = if command.get_positionals().next().is_some() { WITH_ARGUMENTS } else { WITHOUT_ARGUMENTS };
    translated(command, name).after_help(after).help_template(template)
}

/// With Korean texts of its arguments.
fn translated(command: Command, name: &str) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help(HELP);
    let command = command.mut_args(|argument| match of_argument(name, argument.get_id().as_str()) {
        Some(text) => argument.help(text),
        None => argument,
    });
    command.disable_help_flag(true).arg(help.display_order(LAST))
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
    const OPERATORS: [&str; 9] =
        ["check", "push", "report", "deliveries", "verify", "status", "login", "logout", "retry"];

    fn is_korean(text: &str) -> bool {
        text.chars().any(|c| ('가'..='힣').contains(&c))
    }

    #[test]
    fn every_command_and_every_argument_of_an_operator_has_a_korean_text() {
        let command = put_into(Cli::command());
        for of in command.get_subcommands() {
            assert!(of.get_about().is_some_and(|about| is_korean(&about.to_string())), "{}", of.get_name());
        }
        for name in OPERATORS {
            let of = command.find_subcommand(name).unwrap();
            assert!(of.get_after_help().is_some_and(|after| is_korean(&after.to_string())), "{name}");
            for argument in of.get_arguments().chain(command.get_arguments()) {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(is_korean(&help), "{name} {}: {help:?}", argument.get_id());
            }
        }
        assert_eq!(AFTERS.len(), OPERATORS.len());
    }

    #[test]
    fn no_text_is_of_something_that_is_no_more() {
        let command = Cli::command();
        let has = |command: &Command, id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
        for (name, _) in ABOUTS.iter().chain(AFTERS) {
            assert!(command.find_subcommand(name).is_some(), "{name}");
        }
        for (name, id, _) in OF_COMMAND {
            assert!(has(command.find_subcommand(name).unwrap(), id), "{name} {id}");
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

    #[test]
    fn help_that_is_korean_is_laid_out_in_korean() {
        let mut command = put_into(Cli::command());
        for name in OPERATORS {
            let help = command.find_subcommand_mut(name).unwrap().render_help().to_string();
            let english = ["Usage:", "Options:", "Arguments:", "Print help", "Examples:"];
            assert!(english.iter().all(|heading| !help.contains(heading)), "{help}");
        }
        let help = command.render_help().to_string();
        assert!(!help.contains("Commands:") && !help.contains("Print "), "{help}");
    }
}
