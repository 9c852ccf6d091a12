//! Which of two a command asks: a server at a URL, or what is here (a data folder, or the addresses of the configuration).
//!
//! What is written on the command line goes first, then `CAMEO_SERVER`, then a data folder or shared backends that are here, and last
//! of all the server that somebody logged in to.

use std::path::{Path, PathBuf};

#[cfg(feature = "embedded")]
use cameo::server::data_folder::read_running;
use cameo::{
    client::{Client, Server, base_of, login},
    config::Config,
    model::error::{Error, Kind, Place, Result},
};

use super::Context;

/// What a command asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A server.
    Server(Server),
    /// What is here.
    Here,
}

/// What the command line says of it.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    /// `--server`.
    pub(crate) server: Option<&'a str>,
    /// `--data`.
    pub(crate) data: Option<&'a Path>,
    /// Whether another flag names a place here.
    pub(crate) names_places: bool,
}

impl Asked<'_> {
    /// Which of the two it is; where there is neither, the error says how to log in.
    pub(crate) fn target(&self, context: &Context) -> Result<Target> {
        self.find(context)?.ok_or_else(|| nowhere(context))
    }

    /// Which of the two it is; none where nothing is named, nobody logged in, and nothing is here.
    fn find(&self, context: &Context) -> Result<Option<Target>> {
        if let Some(url) = self.server {
            return at(context, url).map(Some);
        }
        if self.data.is_some() || self.names_places {
            return Ok(Some(Target::Here));
        }
        if let Some(url) = context.environment.get("CAMEO_SERVER") {
            return at(context, url).map(Some);
        }
        // A client's build could do nothing with it.
        let is_here = cfg!(feature = "embedded") && (!context.config.keeps_objects()? || context.data(None).exists());
        match login_of(context)? {
            Some(login) if !is_here => {
                trust_as(context, &login)?;
                // A token from the environment is for whatever server is asked.
                let token = token_of(context).unwrap_or(login.token);
                Ok(Some(Target::Server(Server::At { url: login.server, token: Some(token) })))
            }
            // Whoever configured a folder means it, and hears of that one; it may be about to be made.
            _ => Ok((is_here || names_folder(context)).then_some(Target::Here)),
        }
    }
}

/// Whether the configuration names a data folder by itself.
fn names_folder(context: &Context) -> bool {
    cfg!(feature = "embedded") && context.config.server.data != Config::default().server.data
}

/// On a computer that is neither logged in nor has a data folder. Most who see it are operators at their own computer, so logging in comes
/// first.
fn nowhere(context: &Context) -> Error {
    if cfg!(not(feature = "embedded")) {
        let doing = "find the server: nobody is logged in on this computer. Log in with `cameo login URL`, or give --server URL or CAMEO_SERVER; \
                     this build of cameo is a client and opens no data folder and no backend";
        let korean = "이 컴퓨터에서는 아직 로그인하지 않았습니다. 먼저 `cameo login 서버주소` 로 로그인해 주세요. 서버 주소와 토큰은 엔지니어에게 받으실 수 \
                      있습니다";
        return Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean);
    }
    let folder = context.data(None).display();
    let doing = format!(
        "find the server: nobody is logged in on this computer. Log in with `cameo login URL`, or give --server URL or CAMEO_SERVER. On the \
         server's machine run it beside the data folder, which is not at `{folder}`, or give --data DIR"
    );
    let korean = format!(
        "이 컴퓨터에서는 아직 로그인하지 않았습니다. 먼저 `cameo login 서버주소` 로 로그인해 주세요. 서버 주소와 토큰은 엔지니어에게 받으실 수 있습니다. 서버가 \
         있는 컴퓨터라면 데이터 폴더(`{folder}`)가 여기에 없으니, 있는 곳에서 실행하거나 --data 로 적어 주세요"
    );
    Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean)
}

/// The server that a command needs, wherever it is.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// Ask this server, with the token of `CAMEO_TOKEN` or of `cameo login` [default: `CAMEO_SERVER`]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    server: Option<String>,
    /// Data folder of a server that runs here [default: ./cameo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl ServerArgs {
    /// The server: that of the flags or of the environment, of a data folder here, or the one that somebody logged in to.
    pub(crate) fn client(&self, context: &Context) -> Result<Client> {
        let asked = Asked { server: self.server.as_deref(), data: self.data.as_deref(), names_places: false };
        if let Target::Server(server) = asked.target(context)? {
            return Client::new(&server);
        }
        self.of_data_folder(context)
    }

    #[cfg(not(feature = "embedded"))]
    #[expect(clippy::unused_self, reason = "as the one of a whole build")]
    fn of_data_folder(&self, _: &Context) -> Result<Client> {
        Err(no_server_named())
    }

    /// The server that runs on a data folder here, through the socket in it.
    #[cfg(feature = "embedded")]
    fn of_data_folder(&self, context: &Context) -> Result<Client> {
        let folder = context.data(self.data.as_deref());
        if context.config.keeps_objects()? && read_running(folder)?.is_some() {
            return Client::new(&Server::InFolder(folder.to_owned()));
        }
        let folder = folder.display();
        let doing = format!(
            "find the server: none runs on the data folder `{folder}`; start it, or ask another one: log in with `cameo login URL`, or give \
             --server URL or CAMEO_SERVER"
        );
        let korean = format!(
            "데이터 폴더 `{folder}` 의 서버가 실행되고 있지 않습니다. 서버를 시작하거나, 다른 서버라면 먼저 `cameo login 서버주소` 로 로그인하거나 --server 로 \
             서버 주소를 적어 주세요"
        );
        Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean))
    }
}

/// A client's build opens no data folder, whatever names one.
#[cfg(not(feature = "embedded"))]
pub(crate) fn no_server_named() -> Error {
    let doing = "open what is here: this build of cameo is a client and opens no data folder and no backend; log in with `cameo login URL`, or \
                 give --server URL or CAMEO_SERVER";
    let korean = "이 cameo 는 데이터 폴더를 열지 못합니다. 먼저 `cameo login 서버주소` 로 로그인하거나 --server 로 서버 주소를 적어 주세요";
    Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean)
}

/// A server, with the token of the environment, else with that of the login where it is the same server.
fn at(context: &Context, url: &str) -> Result<Target> {
    let url = base_of(url)?;
    let login = login_of(context)?.filter(|login| login.server == url);
    if let Some(login) = &login {
        trust_as(context, login)?;
    }
    let token = token_of(context).or_else(|| login.map(|login| login.token));
    Ok(Target::Server(Server::At { url, token }))
}

/// The token of the environment, as a file or a chat has it: with white space around.
fn token_of(context: &Context) -> Option<String> {
    context.environment.get("CAMEO_TOKEN").map(|token| token.trim().to_owned())
}

/// Trusts the certificates that the login was made with, unless this command was told others.
fn trust_as(context: &Context, login: &login::Login) -> Result<()> {
    match &login.ca {
        Some(ca) if context.ca.is_none() => super::ca::trust(ca),
        _ => Ok(()),
    }
}

/// The login of this user, if there is one.
fn login_of(context: &Context) -> Result<Option<login::Login>> {
    match context.environment.user_folder() {
        Some(folder) => login::read(&folder),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cameo::{clock::SystemClock, config::Environment, model::lang::Lang};

    use super::*;

    fn context(home: &Path, server: &str) -> Context {
        let mut config = Config::default();
        config.server.data = home.join("cameo-data");
        let home = home.to_str().unwrap();
        let environment = Environment::of([("HOME", home), ("CAMEO_SERVER", server)]);
        Context { config, environment, clock: Arc::new(SystemClock), json: false, lang: Lang::En, ca: None }
    }

    fn server(url: &str, token: Option<&str>) -> Target {
        Target::Server(Server::At { url: url.to_owned(), token: token.map(str::to_owned) })
    }

    #[test]
    fn the_command_line_goes_over_the_environment_and_a_folder_over_the_login() {
        let home = tempfile::tempdir().unwrap();
        let none = Asked::default();
        let flagged = Asked { server: Some("https://flag/"), ..Asked::default() };
        let in_folder = Asked { data: Some(Path::new("elsewhere")), ..Asked::default() };
        let alone = context(home.path(), "");
        assert_eq!(none.target(&alone).unwrap(), Target::Here);
        let login = login::Login { server: "https://login".to_owned(), token: "kept".to_owned(), ca: None };
        login::write(&home.path().join(".config/cameo"), &login).unwrap();
        assert_eq!(none.target(&alone).unwrap(), server("https://login", Some("kept")));
        let set = context(home.path(), "https://env");
        assert_eq!(none.target(&set).unwrap(), server("https://env", None), "the login is of another server");
        assert_eq!(flagged.target(&set).unwrap(), server("https://flag", None));
        assert_eq!(in_folder.target(&set).unwrap(), Target::Here);
        let places = Asked { names_places: true, ..Asked::default() };
        assert_eq!(places.target(&set).unwrap(), Target::Here);
        let same = Asked { server: Some("https://login"), ..Asked::default() };
        assert_eq!(same.target(&alone).unwrap(), server("https://login", Some("kept")));
        std::fs::create_dir(home.path().join("cameo-data")).unwrap();
        assert_eq!(none.target(&alone).unwrap(), Target::Here);
        assert!(Asked { server: Some("flag"), ..Asked::default() }.target(&alone).is_err());
    }

    #[test]
    fn who_is_nowhere_is_told_to_log_in_before_anything_else() {
        let home = tempfile::tempdir().unwrap();
        let mut nowhere = context(home.path(), "");
        nowhere.config = Config::default();
        assert_eq!(Asked::default().find(&nowhere).unwrap(), None);
        let error = Asked::default().target(&nowhere).unwrap_err();
        assert_eq!(error.kind(), Kind::Misconfigured);
        for lang in [Lang::En, Lang::Ko] {
            let text = error.text(lang);
            let (log_in, folder) = (text.find("cameo login"), text.find("cameo-data"));
            assert!(log_in.is_some() && log_in < folder, "{text}");
        }
    }
}
