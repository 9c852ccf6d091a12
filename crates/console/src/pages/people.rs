//! People and programs that may use this server: accounts, and the tokens of commands.

use askama::Template;
use axum::{
    extract::Path,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use cameo::{
    client::wire::{AccountChange, AccountLink, AccountView, NewAccount, Page, ProblemBody},
    model::{
        key::Vertical,
        lang::{Lang, Text},
        token::{Role, Token, Verticals},
    },
};

use super::session::NAME_RULE;
use crate::{
    address::part,
    ask::{Ask, Sent},
    detail,
    failure::{Answer, Failure},
    form::{Fields, Form},
    layout::{Chrome, html},
    notice::Done,
    show::{Badge, Time, Tone},
    words::Here,
};

#[derive(Template)]
#[template(path = "people.html")]
pub(super) struct PeoplePage {
    c: Chrome,
    accounts: Option<Vec<AccountView>>,
    tokens: Vec<Token>,
    /// What was just made and is shown this once.
    secret: Option<Secret>,
    done: bool,
    /// Why an account was not made, and what was typed.
    fault: Option<Fault>,
}

/// Why an account or a token was not made, with what was typed.
pub(super) struct Fault {
    of: Making,
    why: String,
    name: String,
    verticals: String,
    role: String,
}

/// What a form makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Making {
    Account,
    Token,
}

impl Fault {
    pub(super) fn typed(of: Making, form: &Fields, why: impl Into<String>) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self { of, why: why.into(), name: text("name"), verticals: text("verticals"), role: text("role") }
    }
}

/// The page again with the form that was refused, where what was typed in it is why.
pub(super) async fn refused(ask: &Ask, of: Making, form: &Fields, failure: Failure) -> Answer<Response> {
    let (status, why) = match failure {
        Failure::Invalid(why) => (StatusCode::UNPROCESSABLE_ENTITY, why.of(ask.lang).to_owned()),
        Failure::Refused(problem) if matches!(problem.status, 409 | 422) || problem.code == "auth.vertical" => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            (status, why_not(of, &problem, ask.lang))
        }
        failure => return Err(failure),
    };
    Ok((status, shown(ask, None, Some(Fault::typed(of, form, why))).await?).into_response())
}

fn why_not(of: Making, problem: &ProblemBody, lang: Lang) -> String {
    let (english, korean) = match (of, problem.code.as_str()) {
        (_, "account.name_taken") => ("This name is taken.", "이미 있는 이름입니다."),
        (_, "account.name_confusable") => (
            "This name looks like that of another account. Choose one that nobody takes for it.",
            "다른 계정과 헷갈리는 이름입니다. 구별되는 이름으로 정해 주세요.",
        ),
        (Making::Account, "request.invalid") => NAME_RULE,
        (Making::Token, "request.invalid") => TOKEN_NAME_RULE,
        _ => return detail::of_problem(problem, lang),
    };
    lang.pick(english, korean).to_owned()
}

/// What the name of a token must be.
const TOKEN_NAME_RULE: (&str, &str) = (
    "The name needs 1 to 64 ASCII letters, digits and - _ . @, beginning with a letter or digit.",
    "토큰 이름은 영문, 숫자, - _ . @ 로 64자까지 적고, 영문이나 숫자로 시작해 주세요.",
);

/// A secret that is shown once.
pub(super) struct Secret {
    pub(super) what: String,
    pub(super) text: String,
}

/// The page.
pub(crate) async fn page(ask: Ask) -> Answer<Response> {
    shown(&ask, None, None).await
}

/// The page with a secret that was just made.
pub(super) async fn shown(ask: &Ask, secret: Option<Secret>, fault: Option<Fault>) -> Answer<Response> {
    let (c, accounts, tokens) = futures::try_join!(
        Chrome::of(ask, Here::People),
        ask.find::<Page<AccountView>>("/api/v1/accounts?limit=1000"),
        ask.get::<Page<Token>>("/api/v1/tokens?limit=1000"),
    )?;
    let done = ask.done() == Some(Done::People);
    Ok(html(&PeoplePage { c, accounts: accounts.map(|page| page.items), tokens: tokens.items, secret, done, fault }))
}

/// Role and verticals of a form.
pub(super) fn rights(form: &Fields) -> Answer<(Role, Verticals)> {
    let role = form
        .text("role")
        .parse()
        .map_err(|_| Failure::Invalid(Text::new("Choose a role.", "역할을 선택해 주세요.")))?;
    Ok((role, verticals(form)?))
}

/// The verticals of a form.
pub(super) fn verticals(form: &Fields) -> Answer<Verticals> {
    let typed = form.text("verticals");
    if !form.has("verticals") || (!typed.is_empty() && typed.trim_matches([',', ' ', '\n', '\r']).is_empty()) {
        return Err(Failure::Invalid(Text::new(
            "Name the verticals, or leave the field empty for all of them.",
            "버티컬 이름을 적거나, 전체이면 칸을 비워 두세요.",
        )));
    }
    let names = typed.split([',', ' ', '\n']).map(str::trim).filter(|name| !name.is_empty());
    let vertical = |name: &str| {
        name.parse::<Vertical>().map_err(|error| {
            Failure::Invalid(Text::new(
                format!("One of the verticals cannot be: {error}"),
                format!("쓸 수 없는 버티컬 이름입니다: {name} (한글, 영문, 숫자, _ 와 - 로 64자까지)"),
            ))
        })
    };
    let verticals = names.map(vertical).collect::<Result<Vec<_>, _>>()?;
    Ok(Verticals::only_or_all(verticals))
}

/// Makes an account, and shows its link.
pub(crate) async fn create(ask: Ask, Form(form): Form) -> Answer<Response> {
    match made(&ask, &form).await {
        Ok(made) => linked(&ask, made).await,
        Err(failure) => refused(&ask, Making::Account, &form, failure).await,
    }
}

async fn made(ask: &Ask, form: &Fields) -> Answer<AccountLink> {
    let (role, verticals) = rights(form)?;
    let asked = NewAccount { name: form.text("name").trim().to_owned(), role, verticals, language: Some(ask.lang) };
    ask.send(Method::POST, "/api/v1/accounts", Sent::json(&asked).by(form)).await
}

async fn linked(ask: &Ask, made: AccountLink) -> Answer<Response> {
    let name = made.account.map(|account| account.name).unwrap_or_default();
    let what = Text::new(
        format!("The link for {name}, which sets a password. It works once and is shown only now:"),
        format!("{name} 계정의 비밀번호 설정 링크입니다. 한 번만 쓸 수 있고 지금만 보입니다:"),
    );
    shown(ask, Some(Secret { what: what.of(ask.lang).to_owned(), text: made.link }), None).await
}

/// Changes an account: its role, whether it is let in, or its password.
pub(crate) async fn change(ask: Ask, Path(account): Path<String>, Form(form): Form) -> Answer<Response> {
    let path = format!("/api/v1/accounts/{}", part(&account));
    let change = match form.get("act") {
        Some("disable") => AccountChange { disabled: Some(true), ..AccountChange::default() },
        Some("enable") => AccountChange { disabled: Some(false), ..AccountChange::default() },
        Some("reset") => {
            let made =
                ask.send::<AccountLink>(Method::POST, &format!("{path}/reset"), Sent::default().by(&form)).await?;
            return linked(&ask, made).await;
        }
        Some("remove") => {
            ask.response(Method::DELETE, &path, Sent::default().by(&form)).await?;
            return Ok(ask.lead("/people", Done::People));
        }
        Some("rights") => {
            let (role, verticals) = rights(&form)?;
            AccountChange { role: Some(role), verticals: Some(verticals), ..AccountChange::default() }
        }
        _ => return Err(Failure::Invalid(Text::new("Choose what to do.", "할 일을 선택해 주세요."))),
    };
    ask.response(Method::PATCH, &path, Sent::json(&change).by(&form)).await?;
    Ok(ask.lead("/people", Done::People))
}

impl PeoplePage {
    /// Why what a form makes was not made.
    fn fault_of(&self, of: Making) -> Option<&Fault> {
        self.fault.as_ref().filter(|fault| fault.of == of)
    }

    /// Whether a role was chosen in a form that was refused.
    fn is_chosen(&self, of: Making, role: &str) -> bool {
        self.fault_of(of).is_some_and(|fault| fault.role == role)
    }

    fn time(&self, at: &jiff::Timestamp) -> Time {
        Time(*at)
    }

    fn role(&self, role: &Role) -> &'static str {
        let lang = self.c.lang;
        match role {
            Role::Viewer => lang.pick("viewer", "조회"),
            Role::Operator => lang.pick("operator", "운영"),
            Role::Admin => lang.pick("administrator", "관리자"),
        }
    }

    fn verticals(&self, verticals: &Verticals) -> String {
        match verticals {
            Verticals::All => self.c.t("all", "모두").to_owned(),
            Verticals::Only(own) => own.iter().map(Vertical::as_str).collect::<Vec<_>>().join(", "),
        }
    }

    fn account(&self, account: &AccountView) -> Badge {
        let lang = self.c.lang;
        if account.disabled_at.is_some() {
            Badge::new(Tone::Quiet, lang.pick("not let in", "사용 중지"))
        } else if account.has_password || account.has_openid {
            Badge::new(Tone::Good, lang.pick("active", "사용 중"))
        } else {
            Badge::new(Tone::Waits, lang.pick("link not used yet", "링크 미사용"))
        }
    }
}
