//! How far a command is: a bar on a terminal, else a line every few seconds, on standard error; for scripts JSON lines, if they ask.
//!
//! It says its first word before anything is opened, so that nobody takes a long look for a command that hangs.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use cameo::{
    model::lang::Lang,
    proof::verify::{self, Step},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{Context, json_line, note};

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
    lang: Lang,
    began: Instant,
    last: Instant,
}

impl Progress {
    /// Says the first word. JSON lines are written only where they are `asked` for.
    pub(crate) fn start(doing: &str, context: &Context, asked: bool) -> Self {
        let shown = match (context.json, asked) {
            (true, true) => Shown::Json,
            (true, false) => Shown::Nothing,
            _ if std::io::stderr().is_terminal() => Shown::Bar(bar(doing)),
            _ => Shown::Lines,
        };
        if matches!(shown, Shown::Lines) {
            note(&format!("{doing} …"));
        }
        let began = Instant::now();
        Self { shown, lang: context.lang, began, last: began }
    }

    /// Shows how far it is, if it is time for that.
    pub(crate) fn at(&mut self, progress: verify::Progress) -> anyhow::Result<()> {
        let entities = progress.entities;
        let done = done(progress, self.lang);
        if let Shown::Bar(bar) = &self.shown {
            bar.set_message(done);
            return Ok(());
        }
        let is_first = self.last == self.began && entities == 0;
        if !is_first && self.last.elapsed() < LINE_EVERY {
            return Ok(());
        }
        self.last = Instant::now();
        let seconds = self.began.elapsed().as_secs();
        match &self.shown {
            Shown::Lines if !is_first => note(&format!("{done}; {seconds}{}", self.lang.pick(" s", "초"))),
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

/// How far it is, in words.
fn done(verify::Progress { entities, step }: verify::Progress, lang: Lang) -> String {
    let step = match step {
        Step::Entities => "",
        Step::Objects => lang.pick("; looking through the image bucket", "; 이미지 버킷을 살펴보는 중"),
        Step::Sample => lang.pick("; fetching the sample", "; 표본 이미지를 받는 중"),
    };
    match lang {
        Lang::En => format!("{entities} entities{step}"),
        Lang::Ko => format!("엔티티 {entities}개{step}"),
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
