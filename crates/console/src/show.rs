//! How numbers and times are shown: thousands separated, times of Seoul with UTC behind them, states with a shape beside their colour.
//!
//! [`Time`], [`Badge`] and [`Name`] are markup: the first two hold our own words alone, and the third escapes what it holds.

use std::{fmt, sync::LazyLock};

use askama::filters::{HtmlSafe, escape};
use cameo::{escape::visible, model::lang::Lang};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The zone of the people who look.
static SEOUL: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::get("Asia/Seoul").unwrap_or(TimeZone::UTC));

/// `12,408`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `813 B`, `24.1 kB`, `3.4 GB`: powers of 1,000, as disks are sold.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let (mut whole, mut unit) = (n, 0);
    while whole >= 1_000_000 && unit + 1 < UNITS.len() {
        whole /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", thousands(whole / 1000), whole % 1000 / 100, UNITS[unit])
}

/// `38s`, `12 min`, `3 h`, `2 d`, in words of the language.
pub(crate) fn duration(seconds: u64, lang: Lang) -> String {
    let (n, english, korean) = match seconds {
        0..120 => (seconds, "s", "초"),
        120..7200 => (seconds / 60, "min", "분"),
        7200..172_800 => (seconds / 3600, "h", "시간"),
        _ => (seconds / 86_400, "d", "일"),
    };
    match lang {
        Lang::En => format!("{} {english}", thousands(n)),
        Lang::Ko => format!("{}{korean}", thousands(n)),
    }
}

/// When a day begins in Seoul; none of what is no day.
pub(crate) fn day_begins(day: &str) -> Option<Timestamp> {
    Some(day.parse::<Date>().ok()?.to_zoned(SEOUL.clone()).ok()?.timestamp())
}

/// When it has ended.
pub(crate) fn day_ends(day: &str) -> Option<Timestamp> {
    Some(day.parse::<Date>().ok()?.tomorrow().ok()?.to_zoned(SEOUL.clone()).ok()?.timestamp())
}

/// A time: that of Seoul to read, UTC as its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seoul = self.0.to_zoned(SEOUL.clone());
        let shown = seoul.strftime("%Y-%m-%d %H:%M");
        let utc = self.0.strftime("%Y-%m-%dT%H:%M:%SZ");
        write!(f, "<time datetime=\"{utc}\" title=\"{utc} (UTC)\">{shown}</time>")
    }
}

impl HtmlSafe for Time {}

/// A name that somebody else chose: what would do something, or change how it looks, is written out, and whatever its direction it changes that
/// of nothing beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn of(text: &str) -> Self {
        Self(visible(text).into_owned())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(escaped) = escape(&self.0, askama::filters::Html);
        write!(f, "<bdi>{escaped}</bdi>")
    }
}

impl HtmlSafe for Name {}

/// What somebody typed, in the field that they typed it in: there it is as it was, and is sent again so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Typed<'t>(pub(crate) &'t str);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sign = [0; 4];
        for character in self.0.chars() {
            let text = &*character.encode_utf8(&mut sign);
            // References to control characters mean others (HTML, section 13.2.5.80).
            if !character.is_control() && visible(text) != text {
                write!(f, "&#{};", u32::from(character))?;
            } else {
                let Ok(escaped) = escape(text, askama::filters::Html);
                write!(f, "{escaped}")?;
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Typed<'_> {}

/// What is written otherwise in a field of a form: what browsers change on the way (line breaks), what would not be seen, and the sign for it.
const NAMED: &AsciiSet = &CONTROLS.add(b'%');

/// A name in a field of a form, as it is whatever it holds.
pub(crate) fn named(name: &str) -> String {
    utf8_percent_encode(name, NAMED).to_string()
}

/// How something is, as a colour, a shape and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Waits,
    Warns,
    Bad,
    Quiet,
}

/// A state with its shape; the word is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Badge {
    tone: Tone,
    word: &'static str,
}

impl Badge {
    pub(crate) const fn new(tone: Tone, word: &'static str) -> Self {
        Self { tone, word }
    }
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, shape) = match self.tone {
            Tone::Good => ("good", "✓"),
            Tone::Waits => ("waits", "…"),
            Tone::Warns => ("warns", "▲"),
            Tone::Bad => ("bad", "✕"),
            Tone::Quiet => ("quiet", "–"),
        };
        write!(f, "<span class=\"badge {class}\"><i aria-hidden=\"true\">{shape}</i>{}</span>", self.word)
    }
}

impl HtmlSafe for Badge {}

/// A state of an original, as the API names it.
pub(crate) fn state(code: &str, lang: Lang) -> Badge {
    match code {
        "serving" | "registered" => Badge::new(Tone::Good, lang.pick("live", "게시 중")),
        "rejected" => Badge::new(Tone::Bad, lang.pick("rejected", "거부됨")),
        "removed" => Badge::new(Tone::Quiet, lang.pick("removed", "삭제됨")),
        "ignored" => Badge::new(Tone::Quiet, lang.pick("ignored", "무시됨")),
        "received" => Badge::new(Tone::Waits, lang.pick("received", "받음")),
        "rendered" => Badge::new(Tone::Waits, lang.pick("rendered", "변환됨")),
        "dismissed" => Badge::new(Tone::Quiet, lang.pick("dismissed", "정리됨")),
        "moved" => Badge::new(Tone::Quiet, lang.pick("moved", "옮겨짐")),
        "unpublished" => Badge::new(Tone::Quiet, lang.pick("taken down", "게시 중단됨")),
        "replaced" => Badge::new(Tone::Warns, lang.pick("replaced", "교체됨")),
        "missing" => Badge::new(Tone::Bad, lang.pick("missing", "없음")),
        "complete" => Badge::new(Tone::Good, lang.pick("complete", "완료")),
        "incomplete" => Badge::new(Tone::Bad, lang.pick("incomplete", "미완료")),
        "pending" => Badge::new(Tone::Waits, lang.pick("in progress", "처리 중")),
        "different" => Badge::new(Tone::Bad, lang.pick("mismatch", "불일치")),
        _ => Badge::new(Tone::Quiet, lang.pick("unknown", "알 수 없음")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        let shown = [0, 999, 1000, 12_408, 1_000_000].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "12,408", "1,000,000"]);
        let shown = [0, 999, 1000, 24_150, 3_400_000_000, u64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "24.1 kB", "3.4 GB", "18,446.7 PB"]);
        assert_eq!(
            [1, 119, 120, 7200, 200_000].map(|s| duration(s, Lang::En)),
            ["1 s", "119 s", "2 min", "2 h", "2 d"]
        );
        assert_eq!(duration(7300, Lang::Ko), "2시간");
    }

    #[test]
    fn a_name_is_shown_as_what_it_is_and_changes_nothing_beside_it() {
        let shown = Name::of("gpj.\u{202e}1_0<b>\n\u{1b}&").to_string();
        assert_eq!(shown, r"<bdi>gpj.\u{202e}1_0&#60;b&#62;\n\u{1b}&#38;</bdi>");
        for name in ["a\nb\r\n", "100%.jpg", "gpj.\u{202e}", "\u{9b}", "+ &", "패션"] {
            assert_eq!(crate::form::unnamed(&named(name)).as_deref(), Some(name));
            assert!(named(name).is_ascii());
        }
        assert_eq!((crate::form::unnamed(""), crate::form::unnamed("%FF")), (None, None));
        assert_eq!(named("origin/v/1_0.jpg"), "origin/v/1_0.jpg");
    }

    #[test]
    fn what_was_typed_stays_in_its_field_as_it_was() {
        assert_eq!(Typed("1\u{200b}2 \"<\n\u{202e}").to_string(), "1&#8203;2 &#34;&#60;\n&#8238;");
    }

    #[test]
    fn a_day_is_one_of_seoul() {
        let at = |time: Option<Timestamp>| time.map(|time| time.to_string());
        assert_eq!(at(day_begins("2026-11-26")).as_deref(), Some("2026-11-25T15:00:00Z"));
        assert_eq!(at(day_ends("2026-12-31")).as_deref(), Some("2026-12-31T15:00:00Z"));
        for wrong in ["", "2026-02-30", "yesterday", "2026-11-26T00:00:00Z", "20261126x"] {
            assert_eq!((day_begins(wrong), day_ends(wrong)), (None, None), "{wrong}");
        }
    }

    #[test]
    fn times_are_those_of_seoul_with_utc_behind_them() {
        let shown = Time("2026-11-25T22:00:05Z".parse().unwrap()).to_string();
        assert!(
            shown.contains(">2026-11-26 07:00<") && shown.contains("title=\"2026-11-25T22:00:05Z (UTC)\""),
            "{shown}"
        );
    }
}
