//! `cameo account`: who may log in at the console.

use cameo::{
    client::{
        Server,
        wire::{AccountChange, AccountLink, AccountView, NewAccount, Page, RemovedAccount},
    },
    config::TlsListener,
    model::{
        account::{fold, fold_new},
        error::{Error, Kind, Place},
        key::Vertical,
        lang::Lang,
        token::{Role, Verticals},
        when::local,
    },
    server::{
        data_folder::{Running, read_running},
        people::{console_base, create_account, disable_account, find_account, first_link, reset_account},
    },
};

use jiff::tz::TimeZone;

use super::{
    Context, json_line, line, lines,
    server::Target,
    token::{Keeper, WhereArgs, zone_of},
};
use crate::exit::Exit;

/// Accounts that are asked for at a time.
const AT_ONCE: usize = 1000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo account link\n  cameo account create kim --role operator --vertical ssgdfm_eye\n  cameo account list\n  \
cameo account reset kim\n  cameo account disable kim\n\n\
An account that is made or reset gets a one-time link, by which its owner sets a password; it holds for 24 hours. Nobody else ever knows the \
password. On the server's machine no log-in is needed: a running server is asked through the socket in its data folder, and where none is \
running the database is written. Roles are those of `cameo token`."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the one-time link for the first administrator, while there is no account
    Link(WhereArgs),
    /// Make an account, and print the one-time link that sets its password
    Create(CreateArgs),
    /// List the accounts
    List(WhereArgs),
    /// Take away an account's password, end its sessions, and print a one-time link to set a new one
    Reset(OfArgs),
    /// Refuse an account: its sessions end at once
    Disable(OfArgs),
    /// Let an account in again
    Enable(OfArgs),
    /// Remove an account for good
    Remove(OfArgs),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Its name: letters of any script, digits and - _ . @
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may be used for: viewer, operator or admin
    #[arg(long, value_name = "ROLE")]
    role: Role,
    /// Limit it to a vertical; may be given several times [default: all verticals]
    #[arg(long, value_name = "VERTICAL")]
    vertical: Vec<Vertical>,
    /// The language of its console: ko or en [default: ko]
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Lang>,
    #[command(flatten)]
    at: WhereArgs,
}

#[derive(Debug, clap::Args)]
struct OfArgs {
    /// Its name or its id
    #[arg(value_name = "NAME|ID")]
    account: String,
    #[command(flatten)]
    at: WhereArgs,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    match args.action {
        Action::Link(at) => link(context, &at).await,
        Action::Create(args) => create(context, args).await,
        Action::List(at) => list(context, &at).await,
        Action::Reset(of) => reset(context, &of).await,
        Action::Disable(of) => set_disabled(context, &of, true).await,
        Action::Enable(of) => set_disabled(context, &of, false).await,
        Action::Remove(of) => remove(context, &of).await,
    }
}

async fn link(context: &Context, at: &WhereArgs) -> anyhow::Result<Exit> {
    let made = match at.open(context).await? {
        Keeper::Server(server) => server.post::<AccountLink>("/api/v1/first-link", &serde_json::json!({})).await?,
        Keeper::Here(accounts) => {
            let made = first_link(&*accounts.catalog, context.clock.now()).await?;
            made.ok_or_else(|| {
                let doing = "make a link for the first administrator: there are accounts already; `cameo account reset NAME` makes one for \
                             somebody who cannot log in, `cameo account create NAME --role admin` one for a new administrator";
                let korean = "이미 계정이 있습니다. 로그인할 수 없는 사람에게는 `cameo account reset 이름` 으로, 새 관리자에게는 \
                              `cameo account create 이름 --role admin` 으로 링크를 만들어 주세요";
                conflict(doing, korean)
            })?
        }
    };
    print_link(
        context,
        at,
        &made,
        context
            .lang
            .pick("Choose the first administrator's name and password", "첫 관리자의 이름과 비밀번호를 정하세요"),
    )
}

async fn create(context: &Context, args: CreateArgs) -> anyhow::Result<Exit> {
    let name = fold_new(&args.name).map_err(|fault| usage(format!("make an account: {fault}")))?;
    let verticals = Verticals::only_or_all(args.vertical);
    let asked = NewAccount { name: name.clone(), role: args.role, verticals, language: args.language };
    let made = match args.at.open(context).await? {
        Keeper::Server(server) => server.post::<AccountLink>("/api/v1/accounts", &asked).await?,
        Keeper::Here(accounts) => {
            let made = create_account(&*accounts.catalog, &asked, context.clock.now()).await?;
            made.ok_or_else(|| {
                let doing = format!("make an account: there is an account {name} already; choose another name");
                conflict(&doing, &format!("{name} 이라는 계정이 이미 있습니다. 다른 이름을 쓰세요"))
            })?
        }
    };
    let head = match context.lang {
        Lang::En => format!("The account {name} was made. Its owner sets a password"),
        Lang::Ko => format!("계정 {name} 을 만들었습니다. 본인이 비밀번호를 정합니다"),
    };
    print_link(context, &args.at, &made, &head)
}

async fn reset(context: &Context, of: &OfArgs) -> anyhow::Result<Exit> {
    let made = match of.at.open(context).await? {
        Keeper::Server(server) => {
            server
                .post::<AccountLink>(
                    &format!("/api/v1/accounts/{}/reset", path_of(&of.account)?),
                    &serde_json::json!({}),
                )
                .await?
        }
        Keeper::Here(accounts) => {
            let made = reset_account(&*accounts.catalog, &of.account, context.clock.now()).await?;
            made.ok_or_else(|| none(&of.account))?
        }
    };
    let head = match context.lang {
        Lang::En => format!(
            "The password of {} is taken away and its sessions have ended. Its owner sets a new one",
            of.account
        ),
        Lang::Ko => format!("{} 의 비밀번호를 없애고 모두 로그아웃했습니다. 본인이 새 비밀번호를 정합니다", of.account),
    };
    print_link(context, &of.at, &made, &head)
}

/// The link as it can be opened: it is shown only now.
fn print_link(context: &Context, at: &WhereArgs, made: &AccountLink, head: &str) -> anyhow::Result<Exit> {
    let link = format!("{}{}", base(context, at)?.unwrap_or_default(), made.link);
    if context.json {
        json_line(&AccountLink { link, ..made.clone() })?;
        return Ok(Exit::Complete);
    }
    let until = match context.lang {
        Lang::En => format!("It works once, until {:.0}, and is shown only now.", made.expires),
        Lang::Ko => format!("한 번만 쓸 수 있고 {:.0} 까지 유효하며, 지금만 표시됩니다.", made.expires),
    };
    lines([format!("{head}:"), format!("  {link}"), until])?;
    Ok(Exit::Complete)
}

/// The address of the console: that of the server that is asked, or of the one that runs here, or would.
fn base(context: &Context, at: &WhereArgs) -> anyhow::Result<Option<String>> {
    if let Target::Server(Server::At { url, .. }) = at.asked().target(context)? {
        return Ok(Some(url));
    }
    if context.config.keeps_objects()?
        && let Some(running) = read_running(context.data(at.data()))?
    {
        return Ok(console_base(&context.config, &running));
    }
    let server = &context.config.server;
    let scheme = if server.tls.covers(TlsListener::Console) { "https" } else { "http" };
    let would_run =
        |address| Running { pid: 0, s3: None, images: None, console: Some(format!("{scheme}://{address}")) };
    Ok(server.console_listen.address().and_then(|address| console_base(&context.config, &would_run(address))))
}

async fn list(context: &Context, at: &WhereArgs) -> anyhow::Result<Exit> {
    let keeper = at.open(context).await?;
    let (mut after, mut found) = (String::new(), false);
    loop {
        let page = page(&keeper, &after).await?;
        for account in &page.items {
            found = true;
            if context.json { json_line(account)? } else { line(&listed(context.lang, account, &zone_of(context)))? }
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    if !found && !context.json {
        line(context.lang.pick(
            "no accounts: `cameo account link` makes the first administrator's link",
            "계정이 없습니다. `cameo account link` 로 첫 관리자의 링크를 만들 수 있습니다",
        ))?;
    }
    Ok(Exit::Complete)
}

async fn page(keeper: &Keeper, after: &str) -> anyhow::Result<Page<AccountView>> {
    match keeper {
        Keeper::Server(server) => Ok(server.get(&format!("/api/v1/accounts?limit={AT_ONCE}&after={after}")).await?),
        Keeper::Here(accounts) => {
            let accounts = accounts.catalog.accounts(after, AT_ONCE).await?;
            let next = accounts.last().filter(|_| accounts.len() == AT_ONCE).map(|account| account.id.clone());
            Ok(Page { items: accounts.iter().map(AccountView::from).collect(), next })
        }
    }
}

fn listed(lang: Lang, account: &AccountView, zone: &TimeZone) -> String {
    let AccountView { name, id, role, created_by, .. } = account;
    let verticals = match &account.verticals {
        Verticals::All => lang.pick("all verticals", "모든 버티컬").to_owned(),
        Verticals::Only(verticals) => verticals.iter().map(Vertical::as_str).collect::<Vec<_>>().join(", "),
    };
    let state = match (account.disabled_at, account.has_password || account.has_openid) {
        (Some(_), _) => lang.pick("; disabled", "; 사용 중지됨"),
        (None, false) => lang.pick("; no password yet", "; 아직 비밀번호 없음"),
        (None, true) => "",
    };
    match lang {
        Lang::En => {
            let last =
                account.last_login.map_or("never logged in".to_owned(), |at| format!("last login {}", local(at, zone)));
            format!("{name} ({id}): {role}, {verticals}; made by {created_by}; {last}{state}")
        }
        Lang::Ko => {
            let last = account
                .last_login
                .map_or("로그인한 적 없음".to_owned(), |at| format!("마지막 로그인 {}", local(at, zone)));
            format!("{name} ({id}): {role}, {verticals}; 만든 사람 {created_by}; {last}{state}")
        }
    }
}

async fn set_disabled(context: &Context, of: &OfArgs, disabled: bool) -> anyhow::Result<Exit> {
    let account: AccountView = match of.at.open(context).await? {
        Keeper::Server(server) => {
            let change = AccountChange { disabled: Some(disabled), ..AccountChange::default() };
            server.patch(&format!("/api/v1/accounts/{}", path_of(&of.account)?), &change).await?
        }
        Keeper::Here(accounts) => {
            let changed = disable_account(&*accounts.catalog, &of.account, disabled, context.clock.now()).await?;
            (&changed.ok_or_else(|| none(&of.account))?).into()
        }
    };
    if context.json {
        json_line(&account)?;
    } else {
        let now = if disabled {
            context.lang.pick("disabled", "사용 중지했습니다")
        } else {
            context.lang.pick("enabled", "다시 쓸 수 있습니다")
        };
        line(&format!("{}: {now}", account.name))?;
    }
    Ok(Exit::Complete)
}

async fn remove(context: &Context, of: &OfArgs) -> anyhow::Result<Exit> {
    let removed = match of.at.open(context).await? {
        Keeper::Server(server) => server.delete(&format!("/api/v1/accounts/{}", path_of(&of.account)?)).await?,
        Keeper::Here(accounts) => {
            let account = find_account(&*accounts.catalog, &of.account).await?.ok_or_else(|| none(&of.account))?;
            accounts.catalog.remove_account(&account.id).await?;
            RemovedAccount { removed: account.id }
        }
    };
    if context.json {
        json_line(&removed)?;
    } else {
        line(&format!("{}: {}", of.account, context.lang.pick("removed", "지웠습니다")))?;
    }
    Ok(Exit::Complete)
}

/// What names an account in a path: nothing in it has a meaning there.
fn path_of(account: &str) -> anyhow::Result<String> {
    fold(account).map_err(|_| none(account).into())
}

fn none(account: &str) -> Error {
    usage(format!("find the account {account}: no account has this name or id"))
        .in_korean(format!("{account}: 이 이름이나 번호의 계정이 없습니다"))
}

/// What is in the way, and stays there however often it is tried.
fn conflict(doing: &str, korean: &str) -> Error {
    usage(doing.to_owned()).in_korean(korean)
}

fn usage(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}
