//! How far something is that takes long: a bar on a terminal, a line now and then elsewhere. On standard error, always.

use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use cameo::model::lang::{Lang, Text};
use indicatif::{ProgressBar, ProgressStyle};

use super::note;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Something under way.
#[derive(Debug)]
pub(crate) struct Meter {
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
    what: String,
}

impl Meter {
    /// `what` says what is being done, such as "checking".
    pub(crate) fn new(what: &Text, lang: Lang) -> Self {
        let what = what.of(lang).to_owned();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style).with_message(what.clone())
        });
        Self { bar, last_line: Mutex::new(Instant::now()), what }
    }

    /// So many are done. Called on any thread.
    pub(crate) fn set(&self, done: u64, of: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(of);
            bar.set_position(done.max(bar.position()));
            return;
        }
        // Whoever does not get the lock would write the same line.
        let Ok(mut last) = self.last_line.try_lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            note(&format!("{} {done}/{of}", self.what));
        }
    }

    /// It is over.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
