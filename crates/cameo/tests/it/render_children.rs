//! What a hostile original does to its child, and that it does nothing to anybody else.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use cameo::{
    model::{
        content::Content,
        error::{Kind, Place},
        reason::ReasonCode,
    },
    render::{
        Rejection, Render,
        children::{Children, Config},
        in_process::InProcess,
    },
};
use cameo_image::{Limits, Rendered, SizeSet};

const UNRULY_CHILD: &str = env!("CARGO_BIN_EXE_cameo-unruly-child");
const MIB: u64 = 1 << 20;

fn config() -> Config {
    Config::new(UNRULY_CHILD, [], 1)
}

fn photo(width: u32, height: u32) -> Bytes {
    let side = |x: u32| u8::try_from(x % 251).unwrap();
    let rgb: Vec<u8> = (0..width * height).flat_map(|i| [side(i), side(i / width), side(i / 7)]).collect();
    cameo_image::encode_rgb(&rgb, width, height, 90).into()
}

async fn render(pool: &Children, original: impl Into<Content>) -> Result<Rendered, Rejection> {
    pool.render(original.into(), &SizeSet::default()).await.unwrap()
}

async fn rejection(pool: &Children, order: &str) -> Rejection {
    render(pool, order.to_owned().into_bytes()).await.unwrap_err()
}

/// What the order says to have done ends as an ordinary rejection.
async fn assert_done(pool: &Children, order: &str) {
    let rejection = rejection(pool, order).await;
    assert_eq!(rejection.reason, ReasonCode::FileCorrupt, "{order}: {rejection:?}");
}

async fn assert_rejected(pool: &Children, order: &str, reason: ReasonCode, detail: &str) {
    let rejection = rejection(pool, order).await;
    assert_eq!(rejection.reason, reason, "{order}: {rejection:?}");
    assert!(rejection.detail.contains(detail), "{order}: {rejection:?}");
}

async fn assert_works(pool: &Children) {
    assert_eq!(render(pool, photo(64, 48)).await.unwrap().width, 64);
}

/// A child whose starts are counted by the lines of a file.
struct Counted {
    folder: tempfile::TempDir,
}

impl Counted {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("starts")
    }

    fn config(&self) -> Config {
        let script = format!("echo >> '{}'; exec '{UNRULY_CHILD}'", self.log().display());
        Config::new("/bin/sh", ["-c".into(), script.into()], 1)
    }

    fn starts(&self) -> usize {
        std::fs::read_to_string(self.log()).unwrap().lines().count()
    }
}

#[tokio::test]
async fn renditions_are_those_of_the_engine() {
    let pool = Children::start(Config { children: 2, ..config() }).unwrap();
    let here = InProcess::new(Limits::default(), 1);
    let size_set = SizeSet::default();
    let originals = [photo(640, 480), photo(50, 900), photo(1, 1), Bytes::new(), Bytes::from_static(b"\xff\xd8\xff")];
    let there = originals.iter().map(|original| pool.render(original.clone().into(), &size_set));
    for (there, original) in futures::future::join_all(there).await.into_iter().zip(&originals) {
        assert_eq!(there.unwrap(), here.render(original.clone().into(), &size_set).await.unwrap());
    }
}

/// From reading: an engine that cannot run counted as the message's fault. It is out, and back as soon as a child starts again.
#[tokio::test]
async fn an_engine_that_cannot_start_is_out_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let (there, away) = (folder.path().join("child"), folder.path().join("away"));
    std::os::unix::fs::symlink(UNRULY_CHILD, &there).unwrap();
    let pool = Children::start(Config { originals_per_child: 1, ..Config::new(&there, [], 1) }).unwrap();
    assert_works(&pool).await;
    std::fs::rename(&there, &away).unwrap();
    for _ in 0..3 {
        let error = pool.render(photo(64, 48).into(), &SizeSet::default()).await.unwrap_err();
        assert_eq!((error.place(), error.kind()), (Place::Engine, Kind::Unavailable), "{error}");
    }
    std::fs::rename(&away, &there).unwrap();
    assert_works(&pool).await;
}

#[tokio::test]
async fn every_guard_stands_here() {
    let pool = Children::start(config()).unwrap();
    let missing: Vec<_> = pool.protections().iter().filter(|protection| !protection.stands()).collect();
    assert!(missing.is_empty(), "{missing:?}: the tests below need a kernel with seccomp and landlock");
}

/// security.md, last paragraph: children kept uid 0 and all capabilities when the server was root, and its network.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_is_nobody_and_alone() {
    let pool = Children::start(config()).unwrap();
    assert_works(&pool).await;
    let here = std::process::id().to_string();
    let of = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let space = |process: &str, name: &str| std::fs::read_link(format!("/proc/{process}/ns/{name}")).ok();
    let is_root = rustix::process::geteuid().is_root();
    let mut children = 0;
    for entry in std::fs::read_dir("/proc").unwrap() {
        let process = entry.unwrap().file_name().into_string().unwrap();
        let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else { continue };
        if of(&status, "PPid") != [here.as_str()] {
            continue;
        }
        children += 1;
        for set in ["CapPrm", "CapEff", "CapInh", "CapAmb"] {
            assert_eq!(of(&status, set), ["0000000000000000"], "{set}");
        }
        if is_root {
            assert_eq!(of(&status, "Uid"), ["65534"; 4]);
            assert_eq!(of(&status, "Gid"), ["65534"; 4]);
            assert_eq!(of(&status, "Groups"), Vec::<String>::new());
            for name in ["net", "mnt", "ipc", "uts"] {
                assert_ne!(space(&process, name), space("self", name), "{name}");
            }
        }
    }
    assert!(children > 0, "no child was looked at");
}

#[tokio::test]
async fn too_much_cpu_time_rejects_at_once() {
    let counted = Counted::new();
    let pool = Children::start(Config { render_cpu: Duration::from_millis(200), ..counted.config() }).unwrap();
    assert_rejected(&pool, "spin", ReasonCode::RenderTimeout, "CPU time").await;
    assert_eq!(counted.starts(), 1);
    assert_works(&pool).await;
}

#[tokio::test]
async fn cpu_time_is_counted_for_each_original_anew() {
    let pool = Children::start(Config { render_cpu: Duration::from_millis(500), ..config() }).unwrap();
    assert_rejected(&pool, "spin", ReasonCode::RenderTimeout, "CPU time").await;
    for _ in 0..3 {
        assert_done(&pool, "spin_ms 200").await;
    }
}

#[tokio::test]
async fn waiting_for_ever_rejects_too() {
    let pool = Children::start(Config { render_wall: Duration::from_millis(100), ..config() }).unwrap();
    assert_rejected(&pool, "wait", ReasonCode::RenderTimeout, "within").await;
    assert_works(&pool).await;
}

#[tokio::test]
async fn too_much_memory_rejects_at_once() {
    let counted = Counted::new();
    let pool = Children::start(Config { render_memory_bytes: 64 * MIB, ..counted.config() }).unwrap();
    assert_rejected(&pool, "allocate 100000000", ReasonCode::RenderMemory, "memory allocation of 100000000").await;
    assert_eq!(counted.starts(), 1);
    assert_done(&pool, "allocate 40000000").await;
}

#[tokio::test]
async fn memory_that_earlier_originals_used_up_is_not_held_against_a_later_one() {
    let pool = Children::start(Config { render_memory_bytes: 64 * MIB, ..config() }).unwrap();
    assert_done(&pool, "keep 40000000").await;
    assert_done(&pool, "allocate 40000000").await;
}

#[tokio::test]
async fn a_crash_is_tried_three_times_in_fresh_children() {
    for (order, detail) in [("abort", "signal: 6"), ("panic", "as ordered"), ("exit", "exit status: 0")] {
        let counted = Counted::new();
        let pool = Children::start(counted.config()).unwrap();
        assert_rejected(&pool, order, ReasonCode::RenderCrashed, detail).await;
        assert_eq!(counted.starts(), 3, "{order}");
        assert_works(&pool).await;
    }
}

#[tokio::test]
async fn a_stack_overflow_is_a_crash() {
    let pool = Children::start(config()).unwrap();
    assert_rejected(&pool, "overflow", ReasonCode::RenderCrashed, "overflowed its stack").await;
}

#[tokio::test]
async fn a_child_can_reach_nothing() {
    let pool = Children::start(config()).unwrap();
    let host = format!("signal {}", std::process::id());
    for order in ["open /etc/passwd", "listen", "start /bin/true", "thread", "print", &host] {
        assert_rejected(&pool, order, ReasonCode::RenderCrashed, "system call that is not allowed").await;
    }
}

/// security.md A12: shared memory was not counted, 3 GiB of it at a limit of 256 MiB.
#[tokio::test]
async fn shared_memory_cannot_be_taken() {
    let pool = Children::start(config()).unwrap();
    assert_rejected(&pool, "share 4096", ReasonCode::RenderCrashed, "system call that is not allowed").await;
    assert_works(&pool).await;
}

/// security.md A13: an answer that came byte by byte passed every limit.
#[tokio::test]
async fn an_answer_that_dribbles_is_over_its_time_too() {
    let ready = format!(r#"{{"protocol":1,"engine_version":"{}","protections":[]}}"#, cameo_image::ENGINE_VERSION);
    let length = ready.len();
    assert!(length < 256);
    // Its standard input is the socket. Behind the frame that says it is ready begins one that never ends.
    let script = format!(
        r"printf '\{length:03o}\000\000\000%s\140\352\000\000' '{ready}' >&0; while :; do printf ' ' >&0; sleep 0.01; done"
    );
    let config = Config::new("/bin/sh", ["-c".into(), script.into()], 1);
    let pool = Children::start(Config { render_wall: Duration::from_millis(300), ..config }).unwrap();
    assert_rejected(&pool, "anything", ReasonCode::RenderTimeout, "within").await;
}

/// security.md A13: the host published whatever a child called a rendition.
#[tokio::test]
async fn a_rendition_that_is_no_jpeg_of_the_size_asked_for_is_refused() {
    let pool = Children::start(config()).unwrap();
    assert!(render(&pool, b"forge nothing".to_vec()).await.is_ok());
    for order in ["forge html", "forge size", "forge larger"] {
        assert_rejected(&pool, order, ReasonCode::RenderCrashed, "not a JPEG of the size").await;
    }
}

/// Issue 11, "Children": no uid 0 and no capabilities.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_has_neither_the_superuser_nor_capabilities() {
    let pool = Children::start(config()).unwrap();
    let me = format!("PPid:\t{}", std::process::id());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut states = processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok());
    let child = states.find(|status| status.lines().any(|line| line == me)).unwrap();
    let field = |name: &str| child.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert!(!field("Uid:").split('\t').any(|id| id == "0"), "{child}");
    assert!(!field("Gid:").split('\t').any(|id| id == "0"), "{child}");
    for set in ["CapPrm:", "CapEff:", "CapInh:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_works(&pool).await;
}

#[tokio::test]
async fn a_neighbour_keeps_working() {
    let pool = Children::start(Config { children: 2, render_cpu: Duration::from_hours(1), ..config() }).unwrap();
    let size_set = SizeSet::default();
    let neighbour = async {
        for _ in 0..3 {
            assert_works(&pool).await;
            assert_rejected(&pool, "abort", ReasonCode::RenderCrashed, "signal: 6").await;
        }
    };
    tokio::select! {
        answer = pool.render(Bytes::from_static(b"spin").into(), &size_set) => panic!("{answer:?}"),
        () = neighbour => {}
    }
    // Dropping the pool ends the child that spins: this test would last an hour otherwise.
}

#[tokio::test]
async fn a_child_is_replaced_after_so_many_originals() {
    let counted = Counted::new();
    let pool = Children::start(Config { originals_per_child: 2, ..counted.config() }).unwrap();
    for _ in 0..5 {
        assert_works(&pool).await;
    }
    assert_eq!(counted.starts(), 3);
}

#[tokio::test]
async fn a_large_original_leaves_no_memory_taken() {
    let counted = Counted::new();
    let pool = Children::start(counted.config()).unwrap();
    let mut large = photo(64, 48).to_vec();
    large.resize(20 << 20, 0);
    render(&pool, large).await.unwrap();
    assert_works(&pool).await;
    assert_eq!(counted.starts(), 2);
}

#[tokio::test]
async fn an_original_beyond_the_limit_is_not_even_handed_over() {
    let limits = Limits { max_bytes: 1000, ..Limits::default() };
    let pool = Children::start(Config { limits, ..config() }).unwrap();
    let rejection = render(&pool, vec![0; 1001]).await.unwrap_err();
    assert_eq!(rejection.reason, ReasonCode::FileTooLarge);
}

#[tokio::test]
async fn a_header_of_64k_by_64k_is_refused_within_32_mib() {
    let pool = Children::start(Config { render_memory_bytes: 32 * MIB, ..config() }).unwrap();
    let mut bomb = photo(16, 16).to_vec();
    let frame = bomb.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    bomb[frame + 5..frame + 9].fill(0xff);
    let rejection = render(&pool, bomb).await.unwrap_err();
    assert_eq!(rejection.reason, ReasonCode::FileTooManyPixels);
    assert_eq!(rejection.size, Some((0xffff, 0xffff)));
}

#[tokio::test]
async fn an_honest_original_of_96_megapixels_passes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/bomb/flat_12000x8000_gray.jpg");
    let Ok(original) = std::fs::read(path) else { return };
    let pool = Children::start(config()).unwrap();
    let rendered = render(&pool, original).await.unwrap();
    assert_eq!((rendered.width, rendered.height), (12000, 8000));
}

#[test]
fn what_cannot_be_started_is_the_hosts_error() {
    for executable in ["/nowhere/cameo", "/bin/true"] {
        let error = Children::start(Config::new(executable, [], 1)).unwrap_err();
        assert_eq!((error.place(), error.kind()), (Place::Engine, Kind::Unavailable), "{error}");
        assert!(error.to_string().contains(executable), "{error}");
    }
}

#[test]
fn a_child_ends_with_its_host_even_amid_an_original() {
    use rustix::{
        event::{PollFd, PollFlags, poll},
        process::{Pid, PidfdFlags, pidfd_open},
    };
    let mut host = Command::new(UNRULY_CHILD).arg("host").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let child = pidfd_open(Pid::from_raw(line.trim().parse().unwrap()).unwrap(), PidfdFlags::empty()).unwrap();
    host.kill().unwrap();
    host.wait().unwrap();
    poll(&mut [PollFd::new(&child, PollFlags::IN)], None).unwrap();
}
