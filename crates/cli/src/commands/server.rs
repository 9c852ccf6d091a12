//! Which of two a command asks: a server at a URL, or what is here (a data folder, or the addresses of the configuration).
//!
//! What is written on the command line goes first, then `CAMEO_SERVER`, then a data folder or shared backends that are here, and last
//! of all the server that somebody logged in to.

use std::path::{Path, PathBuf};

use cameo::{
    client::{Client, Server, base_of, login},
    model::error::{Error, Kind, Place, Result},
    server::data_folder::read_running,
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
    /// Which of the two it is.
    pub(crate) fn target(&self, context: &Context) -> Result<Target> {
        if let Some(url) = self.server {
            return at(context, url);
        }
        if self.data.is_some() || self.names_places {
            return Ok(Target::Here);
        }
        if let Some(url) = context.environment.get("CAMEO_SERVER") {
            return at(context, url);
        }
        let is_here = !context.config.keeps_objects()? || context.data(None).exists();
        match login_of(context)? {
            Some(login) if !is_here => {
                // A token from the environment is for whatever server is asked.
                let token = context.environment.get("CAMEO_TOKEN").map_or(login.token, str::to_owned);
                Ok(Target::Server(Server::At { url: login.server, token: Some(token) }))
            }
            _ => Ok(Target::Here),
        }
    }
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
        let folder = context.data(self.data.as_deref());
        if context.config.keeps_objects()? && read_running(folder)?.is_some() {
            return Client::new(&Server::InFolder(folder.to_owned()));
        }
        let doing = format!(
            "find the server: none runs on {}; give --server URL, set CAMEO_SERVER, or log in with `cameo login URL`",
            folder.display()
        );
        let korean = "어느 서버에 올릴지 알 수 없습니다. 먼저 `cameo login 서버주소` 로 로그인하거나 --server 로 서버 주소를 적어 주세요";
        Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean))
    }
}

/// A server, with the token of the environment, else with that of the login where it is the same server.
fn at(context: &Context, url: &str) -> Result<Target> {
    let url = base_of(url)?;
    let token = match context.environment.get("CAMEO_TOKEN") {
        Some(token) => Some(token.to_owned()),
        None => login_of(context)?.filter(|login| login.server == url).map(|login| login.token),
    };
    Ok(Target::Server(Server::At { url, token }))
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

    use cameo::{
        clock::SystemClock,
        config::{Config, Environment},
        model::lang::Lang,
    };

    use super::*;

    fn context(home: &Path, server: &str) -> Context {
        let mut config = Config::default();
        config.server.data = home.join("cameo-data");
        let home = home.to_str().unwrap();
        let environment = Environment::of([("HOME", home), ("CAMEO_SERVER", server)]);
        Context { config, environment, clock: Arc::new(SystemClock), json: false, lang: Lang::En }
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
        let login = login::Login { server: "https://login".to_owned(), token: "kept".to_owned() };
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
}
