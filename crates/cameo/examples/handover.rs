//! What handing originals to a child costs, in CPU time of all processes: `cargo run --release -p cameo --example handover [FOLDER] [ROUNDS]`.
//!
//! The hand-over is measured with an engine that only looks at every byte and returns renditions of a usual size, once in this process and
//! once in a child, by turns, each reading the original from its file: the difference of the medians is the hand-over, and `%` is its share of what the real engine takes for that original in this process.
//! `whole` is the difference of the real engine's times there and here; it is noisier, and has in it that a child's heap stays warm.

use std::{
    fs::File,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use cameo::{
    model::content::Content,
    render::{
        Rejection, Render,
        children::{Children, Config},
        in_process::InProcess,
    },
};
use cameo_image::{Limits, Rendered, Rendition, SizeSet};
use rustix::time::{ClockId, clock_gettime};

const CHILD: &str = cameo::render::child::SUBCOMMAND;
const IDLE_CHILD: &str = "idle-child";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    match first.as_deref() {
        Some(CHILD) => cameo::render::child::run(),
        Some(IDLE_CHILD) => cameo::render::child::run_with(idle),
        _ => {}
    }
    let folder = first.unwrap_or_else(|| "../shared/photos/ssgdfm_eye".to_owned());
    let rounds = arguments.next().map_or(15, |rounds| rounds.parse().expect("a number of rounds"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(measure(Path::new(&folder), rounds));
}

async fn measure(folder: &Path, rounds: usize) {
    let begun = Instant::now();
    let (there, child) = start(CHILD);
    println!("first child ready after {:.1?}", begun.elapsed());
    there.protections().iter().for_each(|protection| println!("{protection}"));
    let (away_pool, null_process) = start(IDLE_CHILD);
    let here = InProcess::new(Limits::default(), 1);
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    println!("{:14} {:>8} {:>9} {:>9} {:>6} {:>9} {:>6}", "", "KiB", "engine ms", "hand-over", "%", "whole", "%");
    for file in files {
        let original = File::open(&file).expect("an original");
        let length = usize::try_from(original.metadata().expect("a length").len()).expect("a length");
        let original = Content::File { file: Arc::new(original), offset: 0, length };
        let engines: [(&dyn Render, u32); 4] =
            [(&here, child), (&there, child), (&IdleHere, null_process), (&away_pool, null_process)];
        let [here, there, null_here, null_away] = medians_ms(engines, &original, rounds).await;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (handover, whole) = (null_away - null_here, there - here);
        let (share, whole_share) = (100.0 * handover / here, 100.0 * whole / here);
        let kib = original.len() >> 10;
        println!("{name:14} {kib:8} {here:9.3} {handover:9.3} {share:6.2} {whole:9.3} {whole_share:6.2}");
    }
}

/// A pool of one child, and the child.
fn start(argument: &str) -> (Children, u32) {
    let before = children();
    let executable = std::env::current_exe().expect("the path of this executable");
    let pool = Children::start(Config::new(executable, [argument.into()], 1)).expect("a child");
    let child = children().into_iter().find(|child| !before.contains(child)).expect("a child");
    (pool, child)
}

#[expect(clippy::unnecessary_wraps, reason = "an engine may reject")]
/// An engine that costs nothing beyond reading the original and returning something.
fn idle(original: &[u8], size_set: &SizeSet, _: &Limits) -> Result<Rendered, cameo_image::Rejection> {
    let sum = original.chunks_exact(8).fold(0, |sum: u8, eight| sum ^ eight[0]);
    let renditions = size_set.sizes().iter().map(|size| Rendition {
        image_size: size.name.clone(),
        width: size.width,
        height: size.height,
        jpeg: vec![sum; (size.width * size.height / 6) as usize],
    });
    Ok(Rendered { width: 1, height: 1, renditions: renditions.collect() })
}

/// [`idle`] as [`InProcess`] would run it.
#[derive(Debug)]
struct IdleHere;

#[async_trait]
impl Render for IdleHere {
    async fn render(
        &self,
        original: Content,
        size_set: &SizeSet,
    ) -> cameo::model::error::Result<Result<Rendered, Rejection>> {
        let size_set = size_set.clone();
        let idling = tokio::task::spawn_blocking(move || {
            idle(&original.into_bytes().expect("an original"), &size_set, &Limits::default())
        });
        Ok(idling.await.expect("no panic").map_err(Rejection::from))
    }
}

/// Median CPU time of this process and the child beside it, of each engine, all by turns.
async fn medians_ms<const N: usize>(engines: [(&dyn Render, u32); N], original: &Content, rounds: usize) -> [f64; N] {
    let size_set = SizeSet::default();
    let mut costs = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for ((engine, child), costs) in engines.into_iter().zip(&mut costs) {
            let before = own_cpu() + cpu_of(child);
            let rendered = engine.render(original.clone(), &size_set).await.expect("an engine");
            drop(rendered);
            costs.push((own_cpu() + cpu_of(child)).saturating_sub(before));
        }
    }
    costs.map(median_ms)
}

fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("a time since the start")
}

fn cpu_of(process: u32) -> Duration {
    let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(process.cast_signed())).expect("a clock");
    Duration::from(nix::time::clock_gettime(clock).expect("a time"))
}

/// The processes that this one started.
fn children() -> Vec<u32> {
    let me = format!(" {} ", std::process::id());
    let is_child = |process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields[1..].starts_with(&me))
    };
    let processes = std::fs::read_dir("/proc").expect("a list of processes").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_child).collect()
}

fn median_ms(mut costs: Vec<Duration>) -> f64 {
    costs.sort();
    costs[costs.len() / 2].as_secs_f64() * 1e3
}
