//! What every page has around it: language, colours, who is logged in, and the ways to the other pages.

use askama::Template;
use axum::{
    http::{StatusCode, Uri},
    response::{Html, IntoResponse, Response},
};
use cameo::{
    client::wire::{SessionView, Texts},
    escape::visible_lines,
    model::{lang::Lang, token::Role},
};

use crate::{
    ask::Ask,
    assets::{ICON, SCRIPT, STYLE, UPLOAD_SCRIPT},
    detail,
    failure::Answer,
    form::Fields,
    preferences::Theme,
    show::{Name, Typed, named},
    words::Here,
};

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
    /// Who looks, as the door of the API says.
    pub(crate) async fn of(ask: &Ask) -> Answer<Self> {
        let SessionView { name, role, csrf, session, .. } = ask.get("/api/v1/session").await?;
        Ok(Self { name, role, csrf: csrf.unwrap_or_default(), has_session: session.is_some() })
    }

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

    /// Around a page of which no more is known than its address.
    pub(crate) fn bare(lang: Lang, theme: Theme, here: Here, uri: &Uri, query: &Fields) -> Self {
        let kept = query.query_without(&["lang", "theme"]);
        // Two slashes at its beginning would name a host.
        let path = uri.path().trim_start_matches('/');
        let own = format!("/{path}?{kept}{}", if kept.is_empty() { "" } else { "&" });
        Self { lang, theme, here, who: None, own }
    }

    /// Around a page of somebody who may look: asks who it is.
    pub(crate) async fn of(ask: &Ask, here: Here) -> Answer<Self> {
        let who = Who::of(ask).await?;
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
