//! Prints what an operation finds, here or on a server: its objects with `--json`, else its lines; notes and progress on standard error.

use cameo::{
    client::wire::{Frame, ProgressView, StepView},
    model::lang::Lang,
    operate::Output,
    proof::verify::{self, Step},
};
use serde::Serialize;

use super::{Context, json_line, lines, note, verify_progress::Progress};

/// Prints until printing fails.
#[derive(Debug)]
pub(crate) struct Printer<'p> {
    context: &'p Context,
    /// What takes long, where it is shown how far it is, and whether scripts asked for that.
    doing: Option<(&'static str, bool)>,
    progress: Option<Progress>,
    printed: anyhow::Result<()>,
}

impl<'p> Printer<'p> {
    /// Shows nothing of how far it is.
    pub(crate) fn new(context: &'p Context) -> Self {
        Self { context, doing: None, progress: None, printed: Ok(()) }
    }

    /// Shows how far it is, in JSON only where that is `asked` for.
    pub(crate) fn showing(context: &'p Context, doing: &'static str, asked: bool) -> Self {
        Self { doing: Some((doing, asked)), ..Self::new(context) }
    }

    /// Says the first word, before anything is looked at.
    pub(crate) fn start(&mut self) {
        if let (Some((doing, asked)), None) = (self.doing, &self.progress) {
            self.progress = Some(Progress::start(doing, self.context, asked));
        }
    }

    /// Ends; an error where something could not be printed.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        if let Some(progress) = &self.progress {
            progress.end();
        }
        self.printed
    }

    /// Prints a line of a server's answer.
    pub(crate) fn frame(&mut self, frame: Frame) {
        if let Some(progress) = frame.progress {
            self.progress(read(progress));
        }
        if let Some(text) = &frame.note {
            self.note(text);
        }
        if frame.json.is_some() || frame.text.is_some() {
            self.item(frame.json.as_deref(), || frame.text.unwrap_or_default());
        }
    }

    fn print(&mut self, print: impl FnOnce() -> anyhow::Result<()>) {
        if self.printed.is_ok() {
            self.printed = beside(self.progress.as_ref(), print);
        }
    }
}

/// Prints without disturbing the bar, where there is one.
fn beside<T>(progress: Option<&Progress>, print: impl FnOnce() -> T) -> T {
    match progress {
        Some(progress) => progress.beside(print),
        None => print(),
    }
}

fn read(progress: ProgressView) -> verify::Progress {
    let step = match progress.step {
        StepView::Objects => Step::Objects,
        StepView::Sample => Step::Sample,
        StepView::Entities | StepView::Other => Step::Entities,
    };
    verify::Progress { entities: progress.entities, step }
}

impl Output for Printer<'_> {
    fn lang(&self) -> Lang {
        self.context.lang
    }

    fn item<J: Serialize + ?Sized>(&mut self, json: Option<&J>, text: impl FnOnce() -> Vec<String>) {
        match json {
            Some(json) if self.context.json => self.print(|| json_line(json)),
            None if self.context.json => {}
            _ => self.print(|| lines(text())),
        }
    }

    fn note(&mut self, text: &str) {
        beside(self.progress.as_ref(), || note(text));
    }

    fn progress(&mut self, progress: verify::Progress) {
        self.start();
        if let Some(shown) = &mut self.progress
            && self.printed.is_ok()
        {
            self.printed = shown.at(progress);
        }
    }
}
