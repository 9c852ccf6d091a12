//! Language and colours of pages: those that are asked for, else those that the browser remembers, else what it prefers.

use axum::http::{HeaderMap, HeaderValue, header};
use cameo::model::lang::Lang;

use crate::{cookie::cookie, form::Fields};

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

/// Has the browser remember what its query asked for.
pub(crate) fn remember(headers: &mut HeaderMap, query: &Fields, lang: Lang, theme: Theme) {
    for (name, cookie, value) in [("lang", LANG_COOKIE, lang.code()), ("theme", THEME_COOKIE, theme.code())] {
        if query.get(name) == Some(value) {
            let text = format!("{cookie}={value}; Path=/; Max-Age={REMEMBERED_S}; SameSite=Lax; HttpOnly");
            if let Ok(text) = HeaderValue::from_str(&text) {
                headers.append(header::SET_COOKIE, text);
            }
        }
    }
}
