//! `cameo token`: who may ask the API for what.

#[cfg(feature = "embedded")]
use std::path::Path;
use std::{path::PathBuf, time::Duration};

#[cfg(feature = "embedded")]
use cameo::{
    catalog::Catalog,
    client::Server,
    model::token::TokenSecret,
    server::{
        accounts::{Accounts, open_accounts},
        data_folder::read_running,
    },
};
use cameo::{
    client::{
        Client,
        wire::{CreatedToken, NewToken, Page, Revoked},
    },
    model::{
        cause::Cause,
        error::{Error, Kind, Place},
        key::Vertical,
        lang::Lang,
        token::{Role, Token, TokenFault, Verticals, fault_of_name},
        when::local,
    },
};
use jiff::tz::TimeZone;

#[cfg(feature = "embedded")]
use super::note;
use super::{
    Context, json_line, line, lines,
    server::{Asked, Target},
};
use crate::exit::Exit;

/// Tokens that are asked for at a time.
const AT_ONCE: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo token create --name kim --role operator --vertical ssgdfm_eye --expires 90d\n  cameo token create --name ci --role \
viewer --json\n  cameo token list\n  cameo token revoke kim\n\n\
On the server's machine no token is needed: a running server is asked through the socket in its data folder, and where none is running \
the database is written. A token that is revoked is refused at once. Roles: viewer looks; operator also uploads and retries; admin also \
makes tokens, takes images down and reconciles."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a token; its secret is shown once and never again
    Create(CreateArgs),
    /// List the tokens, without their secrets
    List(WhereArgs),
    /// Revoke a token: whoever has it is let in no more
    Revoke(RevokeArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct WhereArgs {
    /// Data folder of the server [default: ./cameo-data]
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Ask this server, with the token of `CAMEO_TOKEN` or of `cameo login` [default: `CAMEO_SERVER`]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Its name: whose it is, or what for
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it may be used for: viewer, operator or admin
    #[arg(long, value_name = "ROLE")]
    role: Role,
    /// Limit it to a vertical; may be given several times [default: all verticals]
    #[arg(long, value_name = "VERTICAL")]
    vertical: Vec<Vertical>,
    /// When it ends, such as 90d or 12h [default: never]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
    #[command(flatten)]
    at: WhereArgs,
}

#[derive(Debug, clap::Args)]
struct RevokeArgs {
    /// Its name or its id
    #[arg(value_name = "NAME|ID")]
    token: String,
    #[command(flatten)]
    at: WhereArgs,
}

/// What keeps the tokens and the accounts.
pub(super) enum Keeper {
    /// A running server.
    Server(Client),
    /// The database itself.
    #[cfg(feature = "embedded")]
    Here(Accounts),
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    match args.action {
        Action::Create(args) => create(context, args).await,
        Action::List(args) => list(context, &args).await,
        Action::Revoke(args) => revoke(context, &args).await,
    }
}

impl WhereArgs {
    /// What the command line says of whom to ask.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked { server: self.server.as_deref(), data: self.data.as_deref(), names_places: false }
    }

    /// The data folder that it names.
    #[cfg(feature = "embedded")]
    pub(super) fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// The server that is asked, or that of the data folder; else the database, which is nobody's then.
    pub(super) async fn open(&self, context: &Context) -> anyhow::Result<Keeper> {
        if let Target::Server(server) = self.asked().target(context)? {
            return Ok(Keeper::Server(Client::new(&server)?));
        }
        self.open_here(context).await
    }

    #[cfg(not(feature = "embedded"))]
    #[expect(clippy::unused_async, reason = "as the one of a whole build")]
    async fn open_here(&self, _: &Context) -> anyhow::Result<Keeper> {
        Err(super::server::no_server_named().into())
    }

    #[cfg(feature = "embedded")]
    async fn open_here(&self, context: &Context) -> anyhow::Result<Keeper> {
        let folder = context.data(self.data.as_deref());
        if context.config.keeps_objects()? && read_running(folder)?.is_some() {
            return Ok(Keeper::Server(Client::new(&Server::InFolder(folder.to_owned()))?));
        }
        if context.config.keeps_objects()? && !folder.exists() {
            note(&format!(
                "{} is made as a new data folder; if the server's is another one, give --data, or --server",
                folder.display()
            ));
        }
        let mut config = context.config.clone();
        folder.clone_into(&mut config.server.data);
        Ok(Keeper::Here(open_accounts(&config, context.clock.clone()).await?))
    }
}

async fn create(context: &Context, args: CreateArgs) -> anyhow::Result<Exit> {
    if let Some(fault) = fault_of_name(&args.name) {
        let korean =
            "토큰 이름으로 쓸 수 없습니다. 영문자나 숫자로 시작하고 영문자, 숫자, - _ . @ 만 쓸 수 있습니다(64자까지)";
        return Err(usage(format!("make a token: {fault}")).in_korean(korean).into());
    }
    let expires = args.expires.map(|time| context.clock.now().checked_add(time)).transpose();
    let expires = expires.map_err(|error| {
        usage("read --expires".to_owned())
            .in_korean("--expires 를 읽을 수 없습니다. 90d 나 12h 처럼 적어 주세요")
            .because(Cause::new(error.to_string(), "너무 먼 날짜입니다"))
    })?;
    let verticals = Verticals::only_or_all(args.vertical);
    let asked = NewToken { name: args.name, role: args.role, verticals, expires };
    let made: CreatedToken = match args.at.open(context).await? {
        Keeper::Server(server) => server.post("/api/v1/tokens", &asked).await?,
        #[cfg(feature = "embedded")]
        Keeper::Here(accounts) => create_here(context, &*accounts.catalog, &asked).await?,
    };
    if context.json {
        json_line(&made)?;
    } else {
        let (name, rights) = (&made.of.name, rights_of(&made.of, context.lang, &zone_of(context)));
        let (head, end) = match context.lang {
            Lang::En => {
                (format!("The token {name} was made. Its secret is shown only now:"), format!("It is for: {rights}."))
            }
            Lang::Ko => (
                format!("토큰 {name} 을 만들었습니다. 아래 글자는 지금 한 번만 표시됩니다:"),
                format!("할 수 있는 일: {rights}."),
            ),
        };
        lines([head, format!("  export CAMEO_TOKEN={}", made.token), end])?;
    }
    Ok(Exit::Complete)
}

#[cfg(feature = "embedded")]
async fn create_here(context: &Context, catalog: &dyn Catalog, asked: &NewToken) -> anyhow::Result<CreatedToken> {
    let NewToken { name, role, verticals, expires } = asked;
    let secret = TokenSecret::generate();
    let token = Token::new(name, *role, verticals.clone(), "local", context.clock.now());
    let token = Token { expires: *expires, ..token };
    if !catalog.add_token(&token, &secret.hash()).await? {
        let doing = format!("make a token: there is a token {name} already; revoke it first, or choose another name");
        let korean = format!("{name} 이라는 토큰이 이미 있습니다. 먼저 폐기하거나 다른 이름을 쓰세요");
        return Err(usage(doing).in_korean(korean).into());
    }
    Ok(CreatedToken { token: secret.expose().to_owned(), of: token })
}

async fn list(context: &Context, args: &WhereArgs) -> anyhow::Result<Exit> {
    let keeper = args.open(context).await?;
    let (mut after, mut found) = (String::new(), false);
    loop {
        let page = keeper.page(&after).await?;
        for token in &page.items {
            found = true;
            if context.json { json_line(token)? } else { line(&listed(context, token))? }
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    if !found && !context.json {
        line(context.lang.pick(
            "no tokens: make one with `cameo token create`",
            "토큰이 없습니다. `cameo token create` 로 만들 수 있습니다",
        ))?;
    }
    Ok(Exit::Complete)
}

async fn revoke(context: &Context, args: &RevokeArgs) -> anyhow::Result<Exit> {
    let none = || {
        usage(format!("revoke the token {}: no token that can be used has this name or id", args.token))
            .in_korean(format!("{}: 이 이름이나 번호로 쓸 수 있는 토큰이 없습니다", args.token))
    };
    if fault_of_name(&args.token).is_some() {
        return Err(none().into());
    }
    let revoked = match args.at.open(context).await? {
        Keeper::Server(server) => server.delete::<Revoked>(&format!("/api/v1/tokens/{}", args.token)).await?.revoked,
        #[cfg(feature = "embedded")]
        Keeper::Here(Accounts { catalog, .. }) => {
            let token = catalog.find_token(&args.token).await?.ok_or_else(none)?;
            if !catalog.revoke_token(&token.id, context.clock.now()).await? {
                return Err(none().into());
            }
            token.id
        }
    };
    if context.json {
        json_line(&Revoked { revoked })?;
    } else {
        line(&format!("{}: {}", args.token, context.lang.pick("revoked", "폐기했습니다")))?;
    }
    Ok(Exit::Complete)
}

impl Keeper {
    async fn page(&self, after: &str) -> anyhow::Result<Page<Token>> {
        match self {
            Self::Server(server) => Ok(server.get(&format!("/api/v1/tokens?limit={AT_ONCE}&after={after}")).await?),
            #[cfg(feature = "embedded")]
            Self::Here(accounts) => {
                let items = accounts.catalog.tokens(after, AT_ONCE).await?;
                let next = items.last().filter(|_| items.len() == AT_ONCE).map(|token| token.id.clone());
                Ok(Page { items, next })
            }
        }
    }
}

fn listed(context: &Context, token: &Token) -> String {
    let (Token { name, id, created_by, .. }, lang) = (token, context.lang);
    let state = match token.fault(context.clock.now()) {
        Some(TokenFault::Revoked) => lang.pick("; revoked", "; 폐기됨"),
        Some(TokenFault::Expired) => lang.pick("; expired", "; 만료됨"),
        None => "",
    };
    let zone = zone_of(context);
    let rights = rights_of(token, lang, &zone);
    match lang {
        Lang::En => {
            let used = token.last_used.map_or("never used".to_owned(), |at| format!("last used {}", local(at, &zone)));
            format!("{name} ({id}): {rights}; made by {created_by}; {used}{state}")
        }
        Lang::Ko => {
            let used = token
                .last_used
                .map_or("사용한 적 없음".to_owned(), |at| format!("마지막 사용 {}", local(at, &zone)));
            format!("{name} ({id}): {rights}; 만든 사람 {created_by}; {used}{state}")
        }
    }
}

/// The zone of what people read; one that does not exist is another command's to report.
pub(super) fn zone_of(context: &Context) -> TimeZone {
    context.config.register.time_zone().unwrap_or(TimeZone::UTC)
}

fn rights_of(token: &Token, lang: Lang, zone: &TimeZone) -> String {
    let verticals = match &token.verticals {
        Verticals::All => lang.pick("all verticals", "모든 버티컬").to_owned(),
        Verticals::Only(verticals) => verticals.iter().map(Vertical::as_str).collect::<Vec<_>>().join(", "),
    };
    let until = token.expires.map(|expires| local(expires, zone)).map(|expires| match lang {
        Lang::En => format!(", until {expires}"),
        Lang::Ko => format!(", {expires} 까지"),
    });
    format!("{}, {verticals}{}", token.role, until.unwrap_or_default())
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}
