//! What every page has around it: language, colours, who is logged in, the ways to the other pages; and what every answer has with it, the
//! rules for the browser.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use cameo::{
    client::wire::{COOKIE_IN_THE_CLEAR, COOKIE_OVER_TLS, Texts},
    escape::visible_lines,
    model::{lang::Lang, token::Role},
};

use crate::{
    ask::Ask,
    assets::{ICON, SCRIPT, STYLE, UPLOAD_SCRIPT},
    detail,
    failure::{Answer, Failure},
    form::Fields,
    notice,
    show::{Name, Typed, named},
    words::Here,
};

/// How long language and colours are remembered: a year, in seconds.
const REMEMBERED_S: u32 = 31_536_000;
const LANG_COOKIE: &str = "cameo_lang";
const THEME_COOKIE: &str = "cameo_theme";

/// The colours of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the system has them.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// As it is written.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The ones asked for, else those remembered.
    pub(crate) fn of(query: &Fields, headers: &HeaderMap) -> Self {
        let asked = query.get("theme").and_then(Self::parse);
        asked.or_else(|| cookie(headers, THEME_COOKIE).and_then(Self::parse)).unwrap_or_default()
    }
}

/// The language asked for, else the one remembered, else the one that the browser prefers; Korean where it says nothing.
pub(crate) fn lang_of(query: &Fields, headers: &HeaderMap) -> Lang {
    let known = |text: &str| text.parse::<Lang>().ok();
    let remembered = || cookie(headers, LANG_COOKIE).and_then(known);
    query.get("lang").and_then(known).or_else(remembered).unwrap_or_else(|| {
        let preferred = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let is_english = preferred.is_some_and(|preferred| preferred.trim_start().starts_with("en"));
        if is_english { Lang::En } else { Lang::Ko }
    })
}

pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// What a request brings of a session, whether or not it holds: it is compared, and never shown.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE_OVER_TLS).or_else(|| cookie(headers, COOKIE_IN_THE_CLEAR))
}

/// Who looks at a page.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// The name to show.
    pub(crate) name: String,
    /// What may be done.
    pub(crate) role: Role,
    /// What every form of ours brings.
    pub(crate) csrf: String,
    /// Whether there is a session that can be ended.
    pub(crate) has_session: bool,
}

impl Who {
    /// Whether they may change things.
    pub(crate) fn operates(&self) -> bool {
        self.role >= Role::Operator
    }

    /// Whether they may do everything.
    pub(crate) fn administers(&self) -> bool {
        self.role >= Role::Admin
    }
}

/// What is around a page.
#[derive(Debug, Clone)]
pub(crate) struct Chrome {
    pub(crate) lang: Lang,
    pub(crate) theme: Theme,
    /// Which page it is.
    pub(crate) here: Here,
    /// Who looks at it; none on pages before the log-in.
    pub(crate) who: Option<Who>,
    /// Its path and query, without language and colours.
    own: String,
}

impl Chrome {
    /// Around a page that anybody may see.
    pub(crate) fn open(ask: &Ask, here: Here) -> Self {
        Self::bare(ask.lang, ask.theme, here, &ask.uri, &ask.query)
    }

    fn bare(lang: Lang, theme: Theme, here: Here, uri: &Uri, query: &Fields) -> Self {
        let kept = query.query_without(&["lang", "theme"]);
        // Two slashes at its beginning would name a host.
        let path = uri.path().trim_start_matches('/');
        let own = format!("/{path}?{kept}{}", if kept.is_empty() { "" } else { "&" });
        Self { lang, theme, here, who: None, own }
    }

    /// Around a page of somebody who may look: asks who it is.
    pub(crate) async fn of(ask: &Ask, here: Here) -> Answer<Self> {
        let who = crate::pages::session::who(ask).await?;
        Ok(Self { who: Some(who), ..Self::open(ask, here) })
    }

    /// This very page in the other language.
    pub(crate) fn with_lang(&self) -> String {
        format!("{}lang={}", self.own, self.other_lang().code())
    }

    /// This very page in other colours.
    pub(crate) fn with_theme(&self, code: &str) -> String {
        format!("{}theme={code}", self.own)
    }

    pub(crate) fn themes(&self) -> [(&'static str, &'static str, &'static str); 3] {
        [("auto", "as the system", "시스템"), ("light", "light", "밝게"), ("dark", "dark", "어둡게")]
    }

    pub(crate) fn is_theme(&self, code: &str) -> bool {
        self.theme.code() == code
    }

    /// The pages that the navigation leads to, those left out that are of no use to who looks.
    pub(crate) fn pages(&self) -> Vec<(Here, &'static str, &'static str, &'static str)> {
        let is_for = |here: Here| match here {
            Here::Upload => self.operates(),
            Here::Reconcile | Here::People => self.administers(),
            _ => true,
        };
        Here::ALL.into_iter().filter(|(here, ..)| is_for(*here)).collect()
    }

    pub(crate) fn is_here(&self, here: &Here) -> bool {
        self.here == *here
    }

    /// Texts of the API in the page's language.
    pub(crate) fn texts<'t>(&self, texts: &'t Texts) -> &'t str {
        self.lang.pick(&texts.en, &texts.ko)
    }

    /// What refusals of the API mean, for scripts that ask it.
    pub(crate) fn refusals(&self) -> String {
        detail::for_scripts(self.lang)
    }

    /// The name of a file, a key, or whatever else somebody else wrote: shown as what it is.
    pub(crate) fn name(&self, text: impl AsRef<str>) -> Name {
        Name::of(text.as_ref())
    }

    /// What somebody typed, for the field that they typed it in.
    pub(crate) fn typed<'t>(&self, text: &'t str) -> Typed<'t> {
        Typed(text)
    }

    /// A name for a field that nobody sees.
    pub(crate) fn named(&self, name: &str) -> String {
        named(name)
    }

    /// The text in the page's language.
    pub(crate) fn t<'t>(&self, english: &'t str, korean: &'t str) -> &'t str {
        self.lang.pick(english, korean)
    }

    pub(crate) fn other_lang(&self) -> Lang {
        match self.lang {
            Lang::En => Lang::Ko,
            Lang::Ko => Lang::En,
        }
    }

    /// What forms of the page bring.
    pub(crate) fn csrf(&self) -> &str {
        self.who.as_ref().map_or("", |who| &who.csrf)
    }

    pub(crate) fn operates(&self) -> bool {
        self.who.as_ref().is_some_and(Who::operates)
    }

    pub(crate) fn administers(&self) -> bool {
        self.who.as_ref().is_some_and(Who::administers)
    }

    pub(crate) fn style(&self) -> &'static str {
        &STYLE.path
    }

    pub(crate) fn script(&self) -> &'static str {
        &SCRIPT.path
    }

    pub(crate) fn upload_script(&self) -> &'static str {
        &UPLOAD_SCRIPT.path
    }

    pub(crate) fn icon(&self) -> &'static str {
        &ICON.path
    }
}

/// A template as a page.
pub(crate) fn html(template: &impl Template) -> Response {
    match template.render() {
        // Whatever text of others is shown anywhere, nothing in it changes how the page looks.
        Ok(text) => Html(visible_lines(&text).into_owned()).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the console could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Writes failures out, remembers language and colours, and tells the browser to keep nothing. What a page may load is said by the listener,
/// which knows where images are and where uploads go.
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let query = Fields::parse(uri.query().unwrap_or_default());
    let (lang, theme) = (lang_of(&query, &headers), Theme::of(&query, &headers));
    let mut response = next.run(request).await;
    // What no handler of ours answered: an address that cannot be read, a method that a page does not have.
    let is_html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let failure = response.extensions_mut().remove::<Failure>();
    let unanswered = |status: StatusCode| match status {
        StatusCode::METHOD_NOT_ALLOWED => Failure::Method,
        _ => Failure::NotFound,
    };
    let status = response.status();
    let failure = failure.or_else(|| (status.is_client_error() && !is_html).then(|| unanswered(status)));
    if let Some(failure) = failure {
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = failure.page(Chrome::bare(lang, theme, Here::Nowhere, &uri, &query), &method, &uri);
        response.headers_mut().extend(allowed.map(|allowed| (header::ALLOW, allowed)));
    }
    let brought = is_html && notice::is_brought(&headers);
    let headers = response.headers_mut();
    if brought {
        headers.append(header::SET_COOKIE, notice::forgotten());
    }
    // Without one, a browser would not say with a form that it is from a page of ours.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, cookie, value) in [("lang", LANG_COOKIE, lang.code()), ("theme", THEME_COOKIE, theme.code())] {
        if query.get(name) == Some(value) {
            let text = format!("{cookie}={value}; Path=/; Max-Age={REMEMBERED_S}; SameSite=Lax; HttpOnly");
            if let Ok(text) = HeaderValue::from_str(&text) {
                headers.append(header::SET_COOKIE, text);
            }
        }
    }
    response
}
