//! Log lines, on standard error: standard output belongs to the command's answer.
//!
//! Logging never blocks, fails or ends anything: lines wait in a bounded queue for a thread that writes them, and what has no room there is
//! counted and reported. `tracing-appender` does nearly this, but prints to standard output when its end is slow, which
//! panics where that is closed, and does not count what could not be written. No level and no filter lets a secret through.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    panic,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use cameo::{
    config::{Environment, Log, LogFormat},
    escape::{visible, visible_json},
    model::error::{Error, Kind, Place},
};
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, FilterFn},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Lines that wait to be written, and their bytes together.
const WAITING_MAX: usize = 4096;
const WAITING_MAX_BYTES: usize = 4 << 20;
/// Bytes of a line of text; the rest is cut off.
const LINE_MAX_BYTES: usize = 16 << 10;
/// How long the end of a process waits for its last lines to be written.
const FLUSH_WITHIN: Duration = Duration::from_millis(500);
/// How often is tried again what somebody does not take.
const TRY_EVERY: Duration = Duration::from_millis(10);

/// Where lines wait, once logging has started.
static LINES: Mutex<Option<SyncSender<Line>>> = Mutex::new(None);

/// What the writing thread is asked for.
enum Line {
    Text(Vec<u8>),
    /// To say when everything before is written.
    Flush(SyncSender<()>),
}

/// Starts logging as configured; `CAMEO_LOG` goes over the level.
pub(crate) fn start(log: &Log, environment: &Environment) -> anyhow::Result<()> {
    let (name, level) = match environment.get("CAMEO_LOG") {
        Some(level) => ("CAMEO_LOG", level),
        None => ("log.level", log.level.as_str()),
    };
    Log::check_level(name, level)?;
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Error::new(Place::System, Kind::Misconfigured, format!("read {name} = {level:?}")).because(error)
    })?;
    // A filter beside that of the configuration, not a directive in it: of two directives the longer one wins.
    let no_secrets = FilterFn::new(is_without_secrets).with_max_level_hint(LevelFilter::TRACE);
    let filter = filter.and(no_secrets);
    let as_json = match log.format {
        LogFormat::Text => false,
        LogFormat::Json => true,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let queue = Queue::start(as_json)?;
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).log_internal_errors(false).with_writer(queue);
    let layer = if as_json { layer.json().boxed() } else { layer.with_target(false).boxed() };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    // The usual hook writes to standard error itself, and waits there for whoever does not read it.
    panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a panic")));
    Ok(())
}

/// Waits until what was logged is written, but not long: whoever should read it may stand still.
pub(crate) fn flush() {
    let Some(lines) = LINES.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return };
    let (done, flushed) = sync_channel(1);
    let (mut asked, begun) = (Line::Flush(done), Instant::now());
    while begun.elapsed() < FLUSH_WITHIN {
        match lines.try_send(asked) {
            Ok(()) => {
                let _ = flushed.recv_timeout(FLUSH_WITHIN);
                return;
            }
            Err(TrySendError::Full(line)) => asked = line,
            Err(TrySendError::Disconnected(_)) => return,
        }
        thread::sleep(TRY_EVERY);
    }
}

/// Whether a library may log this, whatever the configuration says. `s3s` logs requests with their signatures, and secrets of presigned
/// addresses, at any level; others do so below `info`.
fn is_without_secrets(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_of =
        |name: &str| target == name || target.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '_']));
    if is_of("s3s") {
        return false;
    }
    is_of("cameo") || *metadata.level() <= Level::INFO
}

/// Where formatted lines go.
#[derive(Debug, Clone)]
struct Queue {
    lines: SyncSender<Line>,
    counts: Arc<Counts>,
    as_json: bool,
}

#[derive(Debug, Default)]
struct Counts {
    waiting_bytes: AtomicUsize,
    lost: AtomicU64,
}

impl Queue {
    fn start(as_json: bool) -> anyhow::Result<Self> {
        let (lines, receiver) = sync_channel(WAITING_MAX);
        let counts = Arc::<Counts>::default();
        *LINES.lock().unwrap_or_else(PoisonError::into_inner) = Some(lines.clone());
        // Without the lock of the standard library's stream: whoever holds that one may stand still.
        let out = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let writer_counts = counts.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || write_lines(&receiver, &writer_counts, out))?;
        Ok(Self { lines, counts, as_json })
    }

    /// A whole line as it is written: what others put into it changes neither the terminal nor the line's end.
    fn shown(&self, event: &[u8]) -> Option<Vec<u8>> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let shown = if self.as_json { visible_json(text) } else { visible(text) };
        // Half an object is no JSON: it is lost, and counted.
        if shown.len() > LINE_MAX_BYTES && self.as_json {
            return None;
        }
        let mut line = shown[..shown.floor_char_boundary(LINE_MAX_BYTES)].as_bytes().to_vec();
        line.push(b'\n');
        Some(line)
    }

    fn put(&self, event: &[u8]) -> Option<()> {
        let line = self.shown(event)?;
        let bytes = line.len();
        let waiting = self.counts.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting + bytes <= WAITING_MAX_BYTES && self.lines.try_send(Line::Text(line)).is_ok() {
            return Some(());
        }
        self.counts.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        None
    }
}

impl<'q> MakeWriter<'q> for Queue {
    type Writer = Self;

    fn make_writer(&'q self) -> Self {
        self.clone()
    }
}

impl Write for Queue {
    /// Takes an event, which comes as a whole; it never fails.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if self.put(event).is_none() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(lines: &Receiver<Line>, counts: &Counts, mut out: impl Write) {
    let mut torn = false;
    for line in lines {
        let text = match line {
            Line::Text(text) => text,
            Line::Flush(done) => {
                let _ = done.try_send(());
                continue;
            }
        };
        counts.waiting_bytes.fetch_sub(text.len(), Ordering::Relaxed);
        // What was written of a line before writing failed must not run into this one.
        let end = if torn { &b"\n"[..] } else { b"" };
        let written = patiently(&mut out, end).and_then(|()| patiently(&mut out, &text));
        torn = written.is_err();
        if torn {
            counts.lost.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let lost = counts.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            // By the same way, behind what waits already: now there is room.
            tracing::warn!(
                lines = lost,
                "log lines were lost: standard error was read too slowly, or could not be written"
            );
        }
    }
}

/// Writes all of it; one who set the stream not to block gets the time that it takes.
fn patiently(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(TRY_EVERY),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(as_json: bool) -> (Queue, Receiver<Line>) {
        let (lines, receiver) = sync_channel(WAITING_MAX);
        (Queue { lines, counts: Arc::default(), as_json }, receiver)
    }

    fn written(queue: Queue, lines: &Receiver<Line>, out: &mut impl Write) -> Arc<Counts> {
        let counts = queue.counts.clone();
        drop(queue);
        write_lines(lines, &counts, out);
        counts
    }

    /// security.md A16: a reader that stands still blocked whoever logged.
    #[test]
    fn a_full_queue_loses_lines_and_counts_them() {
        let (mut queue, lines) = queue(false);
        for n in 0..WAITING_MAX + 7 {
            queue.write_all(format!("line {n}\n").as_bytes()).unwrap();
        }
        assert_eq!(queue.counts.lost.load(Ordering::Relaxed), 7);
        let mut out = Vec::new();
        written(queue, &lines, &mut out);
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), WAITING_MAX);
    }

    #[test]
    fn the_bytes_that_wait_are_bounded_and_come_free() {
        let (mut queue, lines) = queue(false);
        let line = vec![b'x'; LINE_MAX_BYTES + 1];
        for _ in 0..1000 {
            queue.write_all(&line).unwrap();
        }
        assert!(queue.counts.waiting_bytes.load(Ordering::Relaxed) <= WAITING_MAX_BYTES);
        assert!(queue.counts.lost.load(Ordering::Relaxed) > 700);
        let counts = written(queue, &lines, &mut io::sink());
        assert_eq!(counts.waiting_bytes.load(Ordering::Relaxed), 0);
    }

    /// security.md A7: a key forged lines and drove the terminal.
    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        for (as_json, event) in
            [(false, "INFO key=a\u{1b}[2J\nERROR forged\n"), (true, "{\"key\":\"a\u{9b}\u{202e}\"}\n")]
        {
            let (mut queue, lines) = queue(as_json);
            queue.write_all(event.as_bytes()).unwrap();
            let mut out = Vec::new();
            written(queue, &lines, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.lines().count(), 1);
            assert!(!text.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}'), "{text}");
            assert!(!as_json || serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }

    /// A disk that is full now and then.
    struct Failing(Vec<u8>, u32);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            match self.1 {
                1 => {
                    self.0.extend_from_slice(&bytes[..3]);
                    Ok(3)
                }
                2 => Err(io::ErrorKind::StorageFull.into()),
                3 => Err(io::ErrorKind::WouldBlock.into()),
                _ => self.0.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// security.md A16: a log that could not be written ended the server.
    #[test]
    fn writing_goes_on_after_a_failure_with_a_line_of_its_own() {
        let (mut queue, lines) = queue(false);
        for line in ["first\n", "second\n"] {
            queue.write_all(line.as_bytes()).unwrap();
        }
        let mut out = Failing(Vec::new(), 0);
        written(queue, &lines, &mut out);
        assert_eq!(String::from_utf8(out.0).unwrap(), "fir\nsecond\n");
    }

    /// security.md A14: `s3s::service=trace` logged signatures.
    #[test]
    fn no_filter_lets_a_library_log_requests() {
        macro_rules! passes {
            ($target:literal, $level:expr) => {{
                use tracing::callsite::Callsite;
                let callsite = tracing::callsite!(name: "test", kind: tracing::metadata::Kind::EVENT, target: $target, level: $level, fields: x);
                is_without_secrets(callsite.metadata())
            }};
        }
        assert!(!passes!("s3s", Level::ERROR) && !passes!("s3s::service", Level::TRACE));
        assert!(!passes!("hyper::proto", Level::DEBUG) && !passes!("aws_sigv4", Level::TRACE));
        assert!(!passes!("cameofake", Level::TRACE));
        assert!(passes!("hyper::proto", Level::INFO) && passes!("sqlx", Level::WARN));
        assert!(
            passes!("cameo::flow", Level::TRACE)
                && passes!("cameo", Level::DEBUG)
                && passes!("cameo_lambda", Level::DEBUG)
        );
    }
}
