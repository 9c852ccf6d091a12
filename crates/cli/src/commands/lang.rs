//! `--lang`: the language of what people read. What programs read stays English.

use cameo::{config::Environment, model::lang::Lang};

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct LangArgs {
    /// Language of what people read: ko or en [default: that of the locale]
    #[arg(long, value_name = "LANG", value_parser = parse)]
    lang: Option<Lang>,
}

impl LangArgs {
    /// The language that the flag names, or that of the environment.
    pub(crate) fn of(self, environment: &Environment) -> Lang {
        self.lang.unwrap_or_else(|| environment.lang())
    }
}

fn parse(text: &str) -> Result<Lang, String> {
    text.parse().map_err(|error: cameo::model::lang::UnknownLang| error.to_string())
}
