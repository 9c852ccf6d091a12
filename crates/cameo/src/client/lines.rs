//! Long answers, line by line: progress, whatever was asked for, and last of all a summary or an error.
//!
//! An answer that ends without its last line was cut off, which is an error: nobody may take half of it for all.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    failure,
    wire::{Frame, ProblemBody},
};
use crate::model::error::{Error, Kind, Place, Result};

/// Bytes of a line, at most.
const LINE_MAX_BYTES: usize = 64 << 20;

/// A line of a long answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// How far it has come.
    Progress(Value),
    /// A part of the answer.
    Item(Value),
    /// The last line: what it came to.
    Summary(Value),
}

/// The lines of a long answer.
#[derive(Debug)]
pub struct Lines {
    what: String,
    response: reqwest::Response,
    held: Vec<u8>,
    /// How many of the bytes that are held were looked through for the end of a line.
    searched: usize,
    is_ended: bool,
}

impl Line {
    /// The content as a type.
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        let (Self::Progress(value) | Self::Item(value) | Self::Summary(value)) = self;
        serde_json::from_value(value)
            .map_err(|error| failure::not_understood("read a line of the server's answer", error))
    }
}

impl Lines {
    pub(super) fn new(what: String, response: reqwest::Response) -> Self {
        Self { what, response, held: Vec::new(), searched: 0, is_ended: false }
    }

    /// The next line; nothing behind the summary.
    pub async fn next(&mut self) -> Result<Option<Line>> {
        match self.next_bytes().await? {
            Some(line) => self.read(&line).map(Some),
            None => Ok(None),
        }
    }

    /// The next line of an answer in frames, the summary included; nothing behind it.
    pub async fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Some(line) = self.next_bytes().await? else { return Ok(None) };
        let frame: Frame = serde_json::from_slice(&line).map_err(|error| failure::not_understood(&self.what, error))?;
        self.is_ended = frame.summary.is_some() || frame.error.is_some();
        match frame.error {
            Some(problem) => Err(self.problem(problem)),
            None => Ok(Some(frame)),
        }
    }

    async fn next_bytes(&mut self) -> Result<Option<Vec<u8>>> {
        if self.is_ended {
            return Ok(None);
        }
        loop {
            if let Some(end) = self.held[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=self.searched + end).collect();
                self.searched = 0;
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Some(line));
            }
            self.searched = self.held.len();
            if self.held.len() > LINE_MAX_BYTES {
                return Err(self.cut_off(format!("a line is longer than {LINE_MAX_BYTES} bytes")));
            }
            match self.response.chunk().await {
                Ok(Some(piece)) => self.held.extend_from_slice(&piece),
                Ok(None) => return Err(self.cut_off("the answer ended before its last line".to_owned())),
                Err(error) => return Err(failure::unreachable(&self.what, error)),
            }
        }
    }

    fn read(&mut self, line: &[u8]) -> Result<Line> {
        let value: Value = serde_json::from_slice(line).map_err(|error| failure::not_understood(&self.what, error))?;
        let only =
            |name: &str| value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get(name));
        if let Some(progress) = only("progress") {
            return Ok(Line::Progress(progress.clone()));
        }
        if let Some(summary) = only("summary") {
            self.is_ended = true;
            return Ok(Line::Summary(summary.clone()));
        }
        if let Some(error) = only("error") {
            self.is_ended = true;
            return Err(self.error(error.clone()));
        }
        Ok(Line::Item(value))
    }

    /// The error that ended the answer.
    fn error(&self, error: Value) -> Error {
        match serde_json::from_value::<ProblemBody>(error) {
            Ok(problem) => self.problem(problem),
            Err(error) => failure::not_understood(&self.what, error),
        }
    }

    fn problem(&self, problem: ProblemBody) -> Error {
        let status = http::StatusCode::from_u16(problem.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
        let why = format!("{} (request {})", problem.detail, problem.request_id);
        Error::new(Place::System, failure::kind_of(status), self.what.as_str()).because(why)
    }

    fn cut_off(&self, why: String) -> Error {
        Error::new(Place::System, Kind::Unavailable, self.what.as_str()).because(why)
    }
}
