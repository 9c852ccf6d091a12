//! The language of what people read: Korean or English. What programs read stays English.
//!
//! It is chosen once, by a flag or by the locale of the environment (`Environment::lang` of the configuration), and
//! handed to whatever writes text; nothing looks it up by itself.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "client", derive(utoipa::ToSchema))]
pub enum Lang {
    /// Korean.
    Ko,
    /// English.
    #[default]
    En,
}

impl Lang {
    /// The language of a POSIX locale such as `ko_KR.UTF-8`: Korean, or else English.
    pub fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '@', '-']).next().unwrap_or("");
        if language.eq_ignore_ascii_case("ko") { Self::Ko } else { Self::En }
    }

    /// Whether it is English, which requests leave out.
    pub const fn is_english(&self) -> bool {
        matches!(self, Self::En)
    }

    /// Its code, `ko` or `en`.
    pub const fn code(self) -> &'static str {
        self.pick("en", "ko")
    }

    /// The text of this language.
    pub const fn pick<'t>(self, english: &'t str, korean: &'t str) -> &'t str {
        match self {
            Self::En => english,
            Self::Ko => korean,
        }
    }
}

/// A text that names no language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a language; supported: ko, en")]
pub struct UnknownLang(String);

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(text: &str) -> Result<Self, UnknownLang> {
        match text {
            "ko" => Ok(Self::Ko),
            "en" => Ok(Self::En),
            _ => Err(UnknownLang(text.to_owned())),
        }
    }
}

/// A text in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text {
    /// In English.
    pub english: String,
    /// In Korean.
    pub korean: String,
    /// What an engineer wants to know besides, in the field's terms and in English.
    pub technical: Option<String>,
}

impl Text {
    /// A text of these two.
    pub fn new(english: impl Into<String>, korean: impl Into<String>) -> Self {
        Self { english: english.into(), korean: korean.into(), technical: None }
    }

    /// The text that is made for each language.
    pub fn each(make: impl Fn(Lang) -> String) -> Self {
        Self::new(make(Lang::En), make(Lang::Ko))
    }

    /// The text of a language.
    pub fn of(&self, lang: Lang) -> &str {
        lang.pick(&self.english, &self.korean)
    }
}

/// Those who read what programs log are engineers.
impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.technical {
            Some(technical) => write!(f, "{} ({technical})", self.english),
            None => f.write_str(&self.english),
        }
    }
}

/// Programs read English.
impl Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_korean_or_english() {
        for korean in ["ko", "ko_KR.UTF-8", "ko-KR", "KO_KR.eucKR", "ko.UTF-8", "ko@x"] {
            assert_eq!(Lang::of_locale(korean), Lang::Ko, "{korean}");
        }
        for english in ["", "C", "POSIX", "en_US.UTF-8", "kok_IN", "ja_JP"] {
            assert_eq!(Lang::of_locale(english), Lang::En, "{english}");
        }
        assert_eq!(("ko".parse(), "en".parse()), (Ok(Lang::Ko), Ok(Lang::En)));
        assert!("kr".parse::<Lang>().is_err());
    }
}
