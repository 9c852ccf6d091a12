//! `cameo login` and `cameo logout`: the server that commands ask where nothing else says which, and the token that they ask it with.

use std::io::{BufRead, IsTerminal, Read};

use cameo::{
    client::{Client, base_of, is_in_the_clear, login, wire::Whoami},
    model::{
        error::{Error, Kind, Place},
        lang::Lang,
        token::{TokenSecret, Verticals},
    },
};
use serde::Serialize;

use super::{Context, json_line, line, note};
use crate::exit::Exit;

/// Bytes of a token that are read: any is far shorter.
const TOKEN_MAX_BYTES: u64 = 4096;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo login https://cameo.example.com\n  cameo login https://cameo.example.com <token.txt\n  \
cameo login https://cameo.office.lan --ca office-ca.pem\n\n\
The token is asked for on a terminal, and read from standard input elsewhere. Server and token are kept in login.json in the user's folder \
(~/.config/cameo), which nobody else may read. Precedence: --server or a flag that names a place here, then CAMEO_SERVER, then a data folder \
or shared backends that are here, then this login. CAMEO_TOKEN goes over its token. The file of --ca is remembered \
with them."
)]
pub(crate) struct LoginArgs {
    /// Base address of the server
    #[arg(value_name = "URL")]
    url: String,
}

/// What `login` did.
#[derive(Debug, Serialize)]
struct LoggedIn<'l> {
    server: &'l str,
    #[serde(flatten)]
    as_whom: &'l Whoami,
}

/// What `logout` did.
#[derive(Debug, Serialize)]
struct LoggedOut {
    logged_out: bool,
}

pub(crate) async fn login(context: &Context, args: LoginArgs) -> anyhow::Result<Exit> {
    let server = base_of(&args.url)?;
    let folder = folder(context)?;
    if is_in_the_clear(&server) {
        note(context.lang.pick(
            "the address is not https://: whoever is on the way can read the token",
            "주소가 https:// 로 시작하지 않아 전송 도중 다른 사람이 토큰을 볼 수 있습니다",
        ));
    }
    let token = read_token(&server, context.lang)?;
    let client = Client::at(&server, Some(token.expose().to_owned()))?;
    let whoami: Whoami = client.get("/api/v1/whoami").await?;
    // Kept as it can be found from any folder.
    let ca = context.ca.as_deref().map(|ca| std::path::absolute(ca).unwrap_or_else(|_| ca.to_owned()));
    login::write(&folder, &login::Login { server: server.clone(), token: token.expose().to_owned(), ca })?;
    if context.json {
        json_line(&LoggedIn { server: &server, as_whom: &whoami })?;
    } else {
        let of = match &whoami.verticals {
            Verticals::All => context.lang.pick("all verticals", "모든 버티컬").to_owned(),
            Verticals::Only(verticals) => verticals.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        let Whoami { name, role, .. } = &whoami;
        line(&match context.lang {
            Lang::En => format!("logged in to {server} as {name} ({role}, {of})"),
            Lang::Ko => format!("{server} 에 {name} 으로 로그인했습니다(권한 {role}, {of})"),
        })?;
    }
    Ok(Exit::Complete)
}

pub(crate) fn logout(context: &Context) -> anyhow::Result<Exit> {
    let logged_out = login::remove(&folder(context)?)?;
    if context.json {
        json_line(&LoggedOut { logged_out })?;
    } else {
        line(if logged_out {
            context.lang.pick(
                "logged out: the token was removed here; `cameo token revoke` ends it everywhere",
                "로그아웃했습니다. 토큰은 이 컴퓨터에서만 지워졌습니다. 어디서도 못 쓰게 하려면 `cameo token revoke` 를 실행하세요",
            )
        } else {
            context.lang.pick("not logged in", "로그인되어 있지 않습니다")
        })?;
    }
    Ok(Exit::Complete)
}

fn folder(context: &Context) -> Result<std::path::PathBuf, Error> {
    let none = || {
        usage("find the folder of the login: neither XDG_CONFIG_HOME nor HOME is set")
            .in_korean("로그인을 저장할 폴더를 알 수 없습니다. XDG_CONFIG_HOME 이나 HOME 을 설정해 주세요")
    };
    context.environment.user_folder().ok_or_else(none)
}

/// From a terminal without an echo, else the first line of standard input.
fn read_token(server: &str, lang: Lang) -> Result<TokenSecret, Error> {
    let input = std::io::stdin();
    let text = if input.is_terminal() {
        rpassword::prompt_password(match lang {
            Lang::En => format!("Token for {server}: "),
            Lang::Ko => format!("{server} 의 토큰: "),
        })
    } else {
        let mut text = String::new();
        input.lock().take(TOKEN_MAX_BYTES).read_line(&mut text).map(|_| text)
    };
    let text = text.map_err(|error| usage("read the token").because(error))?;
    TokenSecret::parse(text.trim()).ok_or_else(|| {
        usage("read the token: this is not one, or not all of it; it begins with cameo_ and is what `cameo token create` printed")
            .in_korean("토큰이 아니거나 일부만 입력되었습니다. cameo_ 로 시작하는 글자 전체를 붙여 넣어 주세요")
    })
}

fn usage(doing: &str) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}
