//! One child process, from the host's side: start, hand over, watch, reap.
//!
//! Dropping it ends the process and reaps it. Whatever the child says is bounded and checked before it is used.

use std::{
    fs::File,
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{fs::FileExt, net::UnixStream, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cameo_image::{Rendered, Rendition, SizeSet};
use rustix::{
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
    process::Signal,
};
use serde::de::DeserializeOwned;

use super::{
    Config,
    meter::{MEASURES_CPU, Meter},
    unavailable,
};
use crate::{
    model::{content::Content, error::Result, reason::ReasonCode},
    render::{
        Protection, Rejection,
        frame::frame_size,
        shared_memory::{self, Outbox},
        wire::{self, Channel, PROTOCOL, Piece, Ready, Received, RenderReply, RenderRequest, Setup},
    },
};

/// How often a child that has not answered yet is measured. Most originals are done before the first time.
const MEASURE_EVERY: Duration = Duration::from_millis(50);
/// What the C library's allocator is told, where it is glibc's: to keep what one original needed for the next one, in huge pages where the system
/// has such. Taking each large buffer anew costs a tenth of the rendering, in page faults. What a child keeps counts as its
/// memory, and for want of memory a fresh one is tried.
const ALLOCATOR: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.mmap_threshold=16777216:glibc.malloc.trim_threshold=67108864:glibc.malloc.hugetlb=1",
);
/// Time that a child has to limit itself and report.
const START_WITHIN: Duration = Duration::from_secs(30);
/// Shared memory, in bytes, beyond which a child is replaced after the original that needed it: only so is it given back.
const KEEP_SHARED_BYTES: u64 = 16 << 20;
/// The reason codes that a child may give; the others are the host's.
const ENGINE_FAMILY: &str = "file.";
/// Bytes of the tail of the child's standard error that are looked at.
const LAST_WORDS_BYTES: u64 = 4 << 10;

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Attempt {
    Answered(Result<Rendered, Rejection>),
    OverTime(String),
    OverMemory(String),
    Crashed(String),
    /// The original could not be read; nothing was asked of the child.
    Unread(io::Error),
    /// The host is ending.
    Stopped,
}

/// A child that is ready.
#[derive(Debug)]
pub(super) struct RenderChild {
    process: Child,
    channel: Channel<UnixStream>,
    meter: Meter,
    outbox: Outbox,
    renditions: File,
    standard_error: File,
    limits: Watch,
    protections: Vec<Protection>,
    /// Originals that it may still take.
    originals_left: u32,
    fresh: bool,
    stopping: Arc<AtomicBool>,
}

/// What is watched while a child works.
#[derive(Debug, Clone)]
struct Watch {
    cpu: Duration,
    wall: Duration,
    memory_bytes: u64,
}

impl Watch {
    fn check(&self, cpu: Duration, wall: Duration, memory_bytes: u64) -> Result<(), NoResponse> {
        if cpu > self.cpu {
            return Err(NoResponse::OverTime(format!("{cpu:.1?} of CPU time, at most {:?} are allowed", self.cpu)));
        }
        if wall > self.wall {
            return Err(NoResponse::OverTime(format!("no answer within {:?}", self.wall)));
        }
        if memory_bytes > self.memory_bytes {
            let allowed = self.memory_bytes;
            return Err(NoResponse::OverMemory(format!(
                "{memory_bytes} bytes of memory, at most {allowed} are allowed"
            )));
        }
        Ok(())
    }
}

/// Why no answer came.
enum NoResponse {
    OverTime(String),
    OverMemory(String),
    /// The host is ending.
    Stopped,
    /// The child closed its socket, by ending.
    Ended,
    /// The child cannot be written to, or what it says cannot be read.
    Failed(io::Error),
}

impl RenderChild {
    /// Starts a child and waits until it has limited itself. The thread that calls this must outlive the child, which ends with it.
    pub(super) fn start(config: &Config, stopping: &Arc<AtomicBool>) -> Result<Self> {
        let failed = |error: io::Error| {
            unavailable(&format!("start a render child ({})", config.executable.display())).because(error)
        };
        let mut child = Self::spawn(config, stopping).map_err(failed)?;
        let limit = Watch { cpu: START_WITHIN, wall: START_WITHIN, memory_bytes: u64::MAX };
        let ready = match child.receive::<Ready>(&limit) {
            Ok(ready) => ready,
            Err(no_response) => return Err(failed(io::Error::other(child.why_not_started(no_response)))),
        };
        if (ready.protocol, ready.engine_version.as_str()) != (PROTOCOL, cameo_image::ENGINE_VERSION) {
            return Err(failed(io::Error::other("the executable was replaced by another version: restart the host")));
        }
        child.protections = ready.protections;
        let cpu = if MEASURES_CPU { Ok(()) } else { Err("only the clock is measured on this operating system") };
        child.protections.push(Protection::of("CPU limit of an original", cpu));
        Ok(child)
    }

    fn spawn(config: &Config, stopping: &Arc<AtomicBool>) -> io::Result<Self> {
        let capacity = usize::try_from(config.limits.max_bytes).map_err(io::Error::other)?;
        let (outbox, original) = Outbox::create(capacity)?;
        let renditions = shared_memory::nameless_file("cameo-renditions")?;
        let standard_error = shared_memory::nameless_file("cameo-render-stderr")?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(MEASURE_EVERY))?;
        let process = Command::new(&config.executable)
            .args(&config.arguments)
            .env_clear()
            .env(ALLOCATOR.0, ALLOCATOR.1)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(standard_error.try_clone()?)
            .spawn()?;
        let child = Self {
            meter: Meter::of(&process),
            process,
            channel: Channel::new(ours.try_clone()?),
            outbox,
            renditions,
            standard_error,
            limits: Watch {
                cpu: config.render_cpu,
                wall: config.render_wall,
                memory_bytes: config.render_memory_bytes,
            },
            protections: Vec::new(),
            originals_left: config.originals_per_child.max(1),
            fresh: true,
            stopping: Arc::clone(stopping),
        };
        let setup = Setup::new(std::process::id().cast_signed(), config.render_memory_bytes, &config.limits);
        send_setup(&ours, &setup, &[&original, &child.renditions])?;
        Ok(child)
    }

    /// The guards around it.
    pub(super) fn protections(&self) -> &[Protection] {
        &self.protections
    }

    /// Whether it has not rendered yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Whether a fresh child should take its place.
    pub(super) fn is_worn(&self) -> bool {
        self.originals_left == 0
    }

    /// Renders one original. Unless it was answered, the child has ended or must be dropped.
    pub(super) fn render(&mut self, original: &Content, size_set: &SizeSet) -> Attempt {
        if let Err(error) = self.outbox.put(original) {
            return Attempt::Unread(error);
        }
        self.fresh = false;
        self.originals_left = self.originals_left.saturating_sub(1);
        self.wear_out_beyond(original.len() as u64);
        let job = RenderRequest::new(original.len(), size_set);
        // A child that is gone cannot be written to; the reason is read from its end.
        let answer = match self.channel.send(&job) {
            Ok(()) => self.receive::<RenderReply>(&self.limits.clone()),
            Err(error) => Err(NoResponse::Failed(error)),
        };
        match answer {
            Ok(answer) => match self.accept(answer, size_set) {
                Ok(result) => Attempt::Answered(result),
                Err(error) => Attempt::Crashed(format!("the engine's answer makes no sense: {error}")),
            },
            Err(no_response) => self.judge(no_response),
        }
    }

    /// The next message, or why there is none within the limits.
    fn receive<T: DeserializeOwned>(&mut self, limit: &Watch) -> Result<T, NoResponse> {
        let (begun, cpu_before) = (Instant::now(), self.meter.cpu().unwrap_or_default());
        loop {
            match self.channel.receive_some() {
                Ok(Received::Message(message)) => return Ok(message),
                Ok(Received::Closed) => return Err(NoResponse::Ended),
                Ok(Received::Part) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(NoResponse::Failed(error)),
            }
            if self.stopping.load(Ordering::Relaxed) {
                return Err(NoResponse::Stopped);
            }
            let cpu = self.meter.cpu().unwrap_or_default().saturating_sub(cpu_before);
            limit.check(cpu, begun.elapsed(), self.meter.private_memory_bytes().unwrap_or_default())?;
        }
    }

    /// Takes the renditions out of the shared memory, if they are what was asked for.
    fn accept(&mut self, answer: RenderReply, size_set: &SizeSet) -> io::Result<Result<Rendered, Rejection>> {
        let nonsense = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        let (width, height, pieces) = match answer {
            RenderReply::Rendered { width, height, renditions } => (width, height, renditions),
            RenderReply::Rejected { reason, detail, size } if reason.starts_with(ENGINE_FAMILY) => {
                let reason: ReasonCode = reason.parse().map_err(io::Error::other)?;
                return Ok(Err(Rejection { reason, detail: wire::cut(detail), size }));
            }
            RenderReply::Rejected { .. } => return Err(nonsense("a reason that is not the engine's to give")),
        };
        let names = size_set.sizes().iter().map(|size| size.name.as_str());
        if !names.eq(pieces.iter().map(|piece| piece.image_size.as_str())) {
            return Err(nonsense("other image sizes than were asked for"));
        }
        let mut offset = 0;
        let mut renditions = Vec::with_capacity(pieces.len());
        for (Piece { image_size, width, height, bytes }, asked) in pieces.into_iter().zip(size_set.sizes()) {
            let jpeg = shared_memory::read_piece(&self.renditions, offset, bytes)?;
            offset += bytes as u64;
            // What is published goes to browsers as a JPEG of this size: anything else came from no engine of ours.
            if frame_size(&jpeg) != Some((width, height)) || width > asked.width || height > asked.height {
                return Err(nonsense("a rendition that is not a JPEG of the size that was asked for"));
            }
            renditions.push(Rendition { image_size, width, height, jpeg });
        }
        self.wear_out_beyond(offset);
        Ok(Ok(Rendered { width, height, renditions }))
    }

    fn wear_out_beyond(&mut self, shared_bytes: u64) {
        if shared_bytes > KEEP_SHARED_BYTES {
            self.originals_left = 0;
        }
    }

    fn judge(&mut self, no_response: NoResponse) -> Attempt {
        match no_response {
            NoResponse::OverTime(detail) => Attempt::OverTime(detail),
            NoResponse::OverMemory(detail) => Attempt::OverMemory(detail),
            NoResponse::Stopped => Attempt::Stopped,
            NoResponse::Ended | NoResponse::Failed(_) => {
                let detail = self.exit_report(&no_response);
                if is_want_of_memory(&detail) { Attempt::OverMemory(detail) } else { Attempt::Crashed(detail) }
            }
        }
    }

    fn why_not_started(&mut self, no_response: NoResponse) -> String {
        match no_response {
            NoResponse::OverTime(detail) | NoResponse::OverMemory(detail) => detail,
            NoResponse::Stopped => "the host is ending".to_owned(),
            NoResponse::Ended | NoResponse::Failed(_) => self.exit_report(&no_response),
        }
    }

    /// How the process ended and what it said last. Ends it where it has not.
    fn exit_report(&mut self, no_response: &NoResponse) -> String {
        let end = match (no_response, self.end()) {
            (NoResponse::Failed(error), Ok(status)) if status.signal() == Some(Signal::KILL.as_raw()) => {
                format!("the hand-over failed: {error}")
            }
            (_, Ok(status)) => describe_exit(status),
            (_, Err(error)) => format!("it cannot be waited for: {error}"),
        };
        match self.stderr_tail() {
            words if words.is_empty() => format!("the render child ended: {end}"),
            words => format!("the render child ended: {end}; it said: {words}"),
        }
    }

    /// Ends and reaps the process. One that is ending by itself keeps its own exit status.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.process.kill()?;
        self.process.wait()
    }

    fn stderr_tail(&self) -> String {
        let length = self.standard_error.metadata().map_or(0, |meta| meta.len());
        let from = length.saturating_sub(LAST_WORDS_BYTES);
        let mut words = vec![0; usize::try_from(length - from).unwrap_or_default()];
        match self.standard_error.read_exact_at(&mut words, from) {
            Ok(()) => wire::cut(String::from_utf8_lossy(&words).trim().replace('\n', " ")),
            Err(_) => String::new(),
        }
    }
}

impl Drop for RenderChild {
    fn drop(&mut self) {
        // Where it cannot be killed or reaped, it is so already.
        drop(self.end());
    }
}

/// Sends the first frame, and the files with it.
fn send_setup(socket: &UnixStream, setup: &Setup, files: &[&File; 2]) -> io::Result<()> {
    let files: [BorrowedFd<'_>; 2] = files.map(AsFd::as_fd);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&files));
    let frame = wire::frame(setup)?;
    sendmsg(socket, &[IoSlice::new(&frame)], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

fn describe_exit(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else { return status.to_string() };
    if signal == Signal::SYS.as_raw() {
        return "it made a system call that is not allowed".to_owned();
    }
    status.to_string()
}

/// Whether the process aborted because an allocation failed: the standard library says so before it aborts.
fn is_want_of_memory(exit_report: &str) -> bool {
    exit_report.contains("memory allocation of ") && exit_report.contains(" bytes failed")
}
