//! What handing originals to a child costs, in CPU time of all processes: `cargo run --release -p cameo --example handover [FOLDER] [ROUNDS]`.
//!
//! Renders every original of a folder in this process and in a child, by turns, and prints the medians of each, the difference, and the
//! parts of it. The engine's own part is the same work on both sides, but not the same memory: the child's comes warm from its own heap.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cameo::render::{
    Render,
    children::{Children, Config},
    in_process::InProcess,
};
use cameo_image::{Limits, SizeSet};
use rustix::time::{ClockId, clock_gettime};

const CHILD: &str = "render-child";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(CHILD) {
        cameo::render::child::run();
    }
    let folder = first.unwrap_or_else(|| "../shared/photos/ssgdfm_eye".to_owned());
    let rounds = arguments.next().map_or(15, |rounds| rounds.parse().expect("a number of rounds"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    runtime.block_on(measure(Path::new(&folder), rounds));
}

async fn measure(folder: &Path, rounds: usize) {
    let executable = std::env::current_exe().expect("the path of this executable");
    let begun = Instant::now();
    let there = Children::start(Config::new(executable, [CHILD.into()], 1)).expect("a child");
    println!("first child ready after {:.1?}", begun.elapsed());
    there.protections().iter().for_each(|protection| println!("{protection}"));
    let here = InProcess::new(Limits::default(), 1);
    let child = only_child();
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    println!(
        "{:20} {:>9} {:>9} {:>9} {:>7} {:>9} {:>9}",
        "", "here ms", "there ms", "more ms", "%", "host ms", "child ms"
    );
    for file in files {
        let original = Bytes::from(std::fs::read(&file).expect("an original"));
        let mut costs = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            let (own, _) = cost(&here, &original, child).await;
            let (host, child) = cost(&there, &original, child).await;
            for (costs, cost) in costs.iter_mut().zip([own, host + child, host, child]) {
                costs.push(cost);
            }
        }
        let [here, there, host, child] = costs.map(median_ms);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let more = there - here;
        println!("{name:20} {here:9.3} {there:9.3} {more:9.3} {:7.2} {host:9.3} {child:9.3}", 100.0 * more / here);
    }
}

/// CPU time of this process and of the child.
async fn cost(engine: &dyn Render, original: &Bytes, child: u32) -> (Duration, Duration) {
    let size_set = SizeSet::default();
    let before = (own_cpu(), cpu_of(child));
    let rendered = engine.render(original.clone(), &size_set).await.expect("an engine");
    drop(rendered);
    (own_cpu() - before.0, cpu_of(child) - before.1)
}

fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("a time since the start")
}

fn cpu_of(process: u32) -> Duration {
    let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(process.cast_signed())).expect("a clock");
    Duration::from(nix::time::clock_gettime(clock).expect("a time"))
}

fn only_child() -> u32 {
    let me = format!(" {} ", std::process::id());
    let is_child = |process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields[1..].starts_with(&me))
    };
    let processes = std::fs::read_dir("/proc").expect("a list of processes").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(is_child).expect("a child")
}

fn median_ms(mut costs: Vec<Duration>) -> f64 {
    costs.sort();
    costs[costs.len() / 2].as_secs_f64() * 1e3
}
