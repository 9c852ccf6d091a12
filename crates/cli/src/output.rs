//! Everything that a command writes for people and scripts: lines of text, and objects of JSON.
//!
//! Text may hold keys and file names of others, so every line goes through [`visible`]; a text of several lines is several
//! lines here, never one with line breaks in it. Standard error is only ever tried: whoever closed it, or does not read it, must not
//! change how a command ends.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    sync::mpsc,
    time::Duration,
};

use cameo::escape::{visible, visible_json};
use serde::Serialize;

/// How long a reader of standard error may take for a line.
const NOTE_WITHIN: Duration = Duration::from_secs(1);

/// Writes one JSON object as a line.
pub(crate) fn json_line(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    write_out(&format!("{}\n", visible_json(&serde_json::to_string(value)?)))
}

/// Writes lines that are JSON already.
pub(crate) fn json_lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> anyhow::Result<()> {
    lines.into_iter().try_for_each(|line| write_out(&format!("{}\n", visible_json(line.as_ref()))))
}

/// Writes a line of text.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    lines([text])
}

/// Writes several lines of text.
pub(crate) fn lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> anyhow::Result<()> {
    write_out(&text_of(lines))
}

/// Writes lines of our own words, in which nothing of others is: examples, explanations.
pub(crate) fn own_text(text: &str) -> anyhow::Result<()> {
    lines(text.split('\n'))
}

/// The lines as they are shown, each with its end.
fn text_of(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&visible(line.as_ref()));
        text.push('\n');
    }
    text
}

/// A reader that goes away (`cameo status | head`) ends the command quietly.
fn write_out(text: &str) -> anyhow::Result<()> {
    match try_write_out(text) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}

fn try_write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Writes a line about the command itself to standard error.
pub(crate) fn note(text: &str) {
    to_standard_error(&format!("cameo: {}\n", visible(text)));
}

/// Writes what is wrong with the command line to standard error: lines of ours, in which a line of others may be.
pub(crate) fn usage(text: &str) {
    to_standard_error(&text_of(text.lines()));
}

/// What a server says at its start: it serves on, whether anybody takes it or not.
#[cfg(feature = "embedded")]
pub(crate) fn announce(lines: impl IntoIterator<Item = impl AsRef<str>>) {
    if let Err(error) = try_write_out(&text_of(lines)) {
        tracing::warn!(%error, "standard output takes nothing");
    }
}

/// Tries to write, for as long as a line may take. Without the lock of the standard library's stream: whoever holds that one may stand still.
fn to_standard_error(text: &str) {
    let (done, written) = mpsc::channel();
    let text = text.to_owned();
    let write = move || {
        if let Ok(mut file) = standard_error() {
            // Nobody is left to be told.
            let _ = file.write_all(text.as_bytes());
        }
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(write).is_ok() {
        let _ = written.recv_timeout(NOTE_WITHIN);
    }
}

/// Standard error, without a buffer and without a lock.
pub(crate) fn standard_error() -> io::Result<File> {
    Ok(io::stderr().as_fd().try_clone_to_owned()?.into())
}
