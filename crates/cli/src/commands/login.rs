//! `cameo login` and `cameo logout`: the server that commands ask where nothing else says which, and the token that they ask it with.

use std::io::{BufRead, IsTerminal, Read};

use cameo::{
    client::{Client, base_of, is_in_the_clear, login, wire::Whoami},
    model::{
        error::{Error, Kind, Place},
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
    after_help = "Examples:\n  cameo login https://cameo.example.com\n  cameo login https://cameo.example.com <token.txt\n\n\
The token is asked for on a terminal, and read from standard input elsewhere. Server and token are kept in login.json in the user's folder \
(~/.config/cameo), which nobody else may read. Precedence: --server or a flag that names a place here, then CAMEO_SERVER, then a data folder \
or shared backends that are here, then this login. CAMEO_TOKEN goes over its token."
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
        note("the address is not https://: whoever is on the way can read the token");
    }
    let token = read_token(&server)?;
    let client = Client::at(&server, Some(token.expose().to_owned()))?;
    let whoami: Whoami = client.get("/api/v1/whoami").await?;
    login::write(&folder, &login::Login { server: server.clone(), token: token.expose().to_owned() })?;
    if context.json {
        json_line(&LoggedIn { server: &server, as_whom: &whoami })?;
    } else {
        let of = match &whoami.verticals {
            Verticals::All => "all verticals".to_owned(),
            Verticals::Only(verticals) => verticals.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        line(&format!("logged in to {server} as {} ({}, {of})", whoami.name, whoami.role))?;
    }
    Ok(Exit::Complete)
}

pub(crate) fn logout(context: &Context) -> anyhow::Result<Exit> {
    let logged_out = login::remove(&folder(context)?)?;
    if context.json {
        json_line(&LoggedOut { logged_out })?;
    } else {
        line(if logged_out {
            "logged out: the token was removed here; `cameo token revoke` ends it everywhere"
        } else {
            "not logged in"
        })?;
    }
    Ok(Exit::Complete)
}

fn folder(context: &Context) -> Result<std::path::PathBuf, Error> {
    let none = || usage("find the folder of the login: neither XDG_CONFIG_HOME nor HOME is set");
    context.environment.user_folder().ok_or_else(none)
}

/// From a terminal without an echo, else the first line of standard input.
fn read_token(server: &str) -> Result<TokenSecret, Error> {
    let input = std::io::stdin();
    let text = if input.is_terminal() {
        rpassword::prompt_password(format!("Token for {server}: "))
    } else {
        let mut text = String::new();
        input.lock().take(TOKEN_MAX_BYTES).read_line(&mut text).map(|_| text)
    };
    let text = text.map_err(|error| usage("read the token").because(error))?;
    TokenSecret::parse(text.trim()).ok_or_else(|| {
        usage("read the token: this is not one, or not all of it; it begins with cameo_ and is what `cameo token create` printed")
    })
}

fn usage(doing: &str) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}
