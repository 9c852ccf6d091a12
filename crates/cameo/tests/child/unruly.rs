//! A render child that does what its original says: the misbehaviour that the pool has to survive, without a bug in the engine to cause it.
//! An original that is no order goes to the engine. Called with `host`, it is a host instead: one to be killed.

use std::{
    fs::File,
    hint::black_box,
    net::TcpListener,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use cameo::render::{
    Render,
    children::{Children, Config},
};
use cameo_image::{Limits, Reason, Rejection, Rendered, SizeSet};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("host") => host(),
        _ => cameo::render::child::run_with(obey),
    }
}

/// Has an original rendered that takes for ever, and says which process does it once that one is at work.
fn host() {
    let executable = std::env::current_exe().unwrap();
    let pool = Children::start(Config::new(executable, [], 1)).unwrap();
    let child = only_child();
    let size_set = SizeSet::default();
    let spinning = pool.render(Bytes::from_static(b"spin").into(), &size_set);
    let watching = async {
        let idle = cpu_ticks(child);
        while cpu_ticks(child) < idle + 2 {
            tokio::task::yield_now().await;
        }
        println!("{child}");
        std::future::pending::<()>().await;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { tokio::join!(spinning, watching) }).0.unwrap().unwrap_err();
}

fn only_child() -> u32 {
    let me = std::process::id().to_string();
    let parent_is_me = |pid: &u32| stat(*pid).is_some_and(|fields| fields[1] == me);
    let processes = std::fs::read_dir("/proc").unwrap();
    let mut pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.find(parent_is_me).unwrap()
}

/// User time, in ticks.
fn cpu_ticks(process: u32) -> u64 {
    stat(process).unwrap()[11].parse().unwrap()
}

/// The fields of `/proc/…/stat` from the third, the state.
fn stat(process: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

/// Originals that this process has seen.
static SEEN: AtomicU32 = AtomicU32::new(0);

fn obey(original: &[u8], size_set: &SizeSet, limits: &Limits) -> Result<Rendered, Rejection> {
    let seen = SEEN.fetch_add(1, Ordering::Relaxed);
    let order = std::str::from_utf8(original).unwrap_or_default();
    let (verb, argument) = order.split_once(' ').unwrap_or((order, ""));
    match verb {
        "spin" => spin(Duration::MAX),
        "spin_ms" => spin(Duration::from_millis(argument.parse().unwrap())),
        "allocate" => allocate(argument.parse().unwrap()),
        "keep" => std::mem::forget(allocated(argument.parse().unwrap())),
        "panic" => panic!("as ordered"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(0),
        "overflow" => drop(overflow(0)),
        "once" if seen == 0 => std::process::abort(),
        "open" => drop(black_box(File::open(argument))),
        "listen" => drop(black_box(TcpListener::bind("127.0.0.1:0"))),
        "start" => drop(black_box(Command::new(argument).status())),
        "thread" => drop(std::thread::Builder::new().spawn(|| ())),
        "print" => println!("{order}"),
        "signal" => signal(argument.parse().unwrap()),
        "wait" => std::thread::park(),
        "share" => share(argument.parse().unwrap()),
        "forge" => return Ok(forged(argument, size_set)),
        _ => return cameo_image::render(original, size_set, limits),
    }
    Err(Rejection::new(Reason::Corrupt, format!("{order}: done, original {seen} of this child")))
}

/// Takes memory that is shared, and so is nobody's own.
#[expect(unsafe_code, reason = "what a child that was taken over would do has no safe wrapper")]
fn share(bytes: usize) {
    let (kind, protection) = (libc::MAP_SHARED | libc::MAP_ANONYMOUS, libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: the kernel chooses the place, so that nothing of ours is there; the mapping is never looked at.
    black_box(unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, kind, -1, 0) });
}

/// Renditions that are none, or of another size than they say.
fn forged(how: &str, size_set: &SizeSet) -> Rendered {
    let jpeg = |width, height| cameo_image::encode_rgb(&vec![7; (width * height * 3) as usize], width, height, 80);
    let renditions = size_set.sizes().iter().map(|size| {
        let (width, height, jpeg) = match how {
            "html" => (8, 8, b"<html><script>alert(1)</script>".to_vec()),
            "size" => (8, 8, jpeg(16, 8)),
            "larger" => (size.width + 8, 8, jpeg(size.width + 8, 8)),
            _ => (8, 8, jpeg(8, 8)),
        };
        cameo_image::Rendition { image_size: size.name.clone(), width, height, jpeg }
    });
    Rendered { width: 8, height: 8, renditions: renditions.collect() }
}

fn spin(duration: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < duration {
        black_box(0);
    }
}

fn allocate(bytes: usize) {
    drop(allocated(bytes));
}

/// Memory that was written to.
fn allocated(bytes: usize) -> Vec<u8> {
    black_box(vec![1; bytes])
}

#[expect(unconditional_recursion, reason = "that is the order")]
fn overflow(depth: u64) -> u64 {
    let ballast = black_box([depth; 512]);
    black_box(overflow(depth + 1) + ballast[7])
}

fn signal(process: i32) {
    if let Some(process) = rustix::process::Pid::from_raw(process) {
        let _ = rustix::process::kill_process(process, rustix::process::Signal::ABORT);
    }
}
