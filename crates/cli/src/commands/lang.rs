//! `--lang`: the language of what people read. What programs read stays English.
//!
//! The help is put together before the command line is parsed, so the flag is looked for in the arguments as they are, too.

use std::ffi::{OsStr, OsString};

use cameo::{
    config::Environment,
    model::lang::{Lang, UnknownLang},
};

/// The language that an argument names.
pub(crate) fn parse(text: &str) -> Result<Lang, String> {
    text.parse().map_err(|error: UnknownLang| error.to_string())
}

/// The language that the arguments name, or that of the environment.
pub(crate) fn of_arguments(arguments: &[OsString], environment: &Environment) -> Lang {
    let named = arguments.iter().enumerate().find_map(|(at, argument)| {
        let argument = argument.to_str()?;
        match argument.strip_prefix("--lang=") {
            Some(lang) => lang.parse().ok(),
            None if argument == "--lang" => arguments.get(at + 1).and_then(|next| OsStr::to_str(next)?.parse().ok()),
            None => None,
        }
    });
    named.unwrap_or_else(|| environment.lang())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_over_the_locale() {
        let of = |arguments: &[&str], lang| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            of_arguments(&arguments, &Environment::of([("LANG", lang)]))
        };
        assert_eq!(of(&["cameo", "verify"], "ko_KR.UTF-8"), Lang::Ko);
        assert_eq!(of(&["cameo", "verify", "--lang", "en"], "ko_KR.UTF-8"), Lang::En);
        assert_eq!(of(&["cameo", "--lang=ko", "verify"], "C"), Lang::Ko);
        assert_eq!(of(&["cameo", "verify", "--lang", "xx"], "C"), Lang::En);
        assert_eq!(of(&["cameo", "verify", "--lang"], "C"), Lang::En);
    }
}
