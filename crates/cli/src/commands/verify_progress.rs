//! How far a command is: a bar on a terminal, else a line every few seconds, on standard error; for scripts JSON lines, if they ask.
//!
//! It says its first word before anything is opened, so that nobody takes a long look for a command that hangs.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use cameo::proof::verify::{self, Step};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{json_line, note};

/// Pause between two lines, off a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Pause between two looks of the bar.
const TICK_EVERY: Duration = Duration::from_millis(200);

/// A line of `--json --progress`.
#[derive(Debug, Serialize)]
struct JsonLine {
    progress: Counted,
}

#[derive(Debug, Serialize)]
struct Counted {
    entities: u64,
    seconds: u64,
}

/// How it is shown.
#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines,
    Json,
    Nothing,
}

/// Shows how far a command is.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: Shown,
    began: Instant,
    last: Instant,
}

impl Progress {
    /// Says the first word. JSON lines are written only where they are `asked` for.
    pub(crate) fn start(doing: &str, json: bool, asked: bool) -> Self {
        let shown = match (json, asked) {
            (true, true) => Shown::Json,
            (true, false) => Shown::Nothing,
            _ if std::io::stderr().is_terminal() => Shown::Bar(bar(doing)),
            _ => Shown::Lines,
        };
        if matches!(shown, Shown::Lines) {
            note(&format!("{doing} …"));
        }
        let began = Instant::now();
        Self { shown, began, last: began }
    }

    /// Shows how far it is, if it is time for that.
    pub(crate) fn at(&mut self, progress: verify::Progress) -> anyhow::Result<()> {
        let entities = progress.entities;
        let step = match progress.step {
            Step::Entities => "entities",
            Step::Objects => "entities; looking through the image bucket",
            Step::Sample => "entities; fetching the sample",
        };
        if let Shown::Bar(bar) = &self.shown {
            bar.set_message(format!("{entities} {step}"));
            return Ok(());
        }
        let is_first = self.last == self.began && entities == 0;
        if !is_first && self.last.elapsed() < LINE_EVERY {
            return Ok(());
        }
        self.last = Instant::now();
        let seconds = self.began.elapsed().as_secs();
        match &self.shown {
            Shown::Lines if !is_first => note(&format!("{entities} {step}; {seconds} s")),
            Shown::Json => json_line(&JsonLine { progress: Counted { entities, seconds } })?,
            _ => {}
        }
        Ok(())
    }

    /// Prints something else without disturbing the bar.
    pub(crate) fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(print),
            _ => print(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(doing: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_prefix(doing.to_owned());
    bar.enable_steady_tick(TICK_EVERY);
    bar
}
