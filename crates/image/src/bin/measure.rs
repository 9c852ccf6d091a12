//! What rendering costs: the counterpart of the anchors in `bench/compare`.
//!
//! usage: `measure [--path avx512|avx2|neon|portable] [--optimize] [--out DIR] FILE…`
//! Loads the originals, warms up on the first, renders each once with the default size set on one thread, and prints one
//! JSON line: mean CPU and wall milliseconds per original, mean bytes of its renditions, peak RSS in MiB.
//!
//! `measure --optimize-cost ROUNDS [--path …] FILE…` tells instead what Huffman tables made for each rendition cost:
//! every round renders each original with the standard tables and with its own, one right after the other, and the line has the
//! means over the originals of the medians of both, in CPU milliseconds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cameo_image::{
    ImageSize, Limits, Rendered, SizeSet,
    internals::{CodePath, render_with},
};

struct Options {
    path: CodePath,
    optimize: bool,
    /// Rounds in which both kinds of tables are compared; none: they are not.
    optimize_cost_rounds: u32,
    out: Option<PathBuf>,
    files: Vec<PathBuf>,
}

fn main() {
    let options = options();
    let size_set = size_set(options.optimize);
    let read =
        |file: &PathBuf| std::fs::read(file).unwrap_or_else(|error| fail(&format!("{}: {error}", file.display())));
    let originals: Vec<Vec<u8>> = options.files.iter().map(read).collect();
    render(&originals[0], &size_set, options.path, &options.files[0]);
    if options.optimize_cost_rounds > 0 {
        return print_optimize_cost(&originals, &options);
    }
    let (cpu, wall) = (cpu_time(), Instant::now());
    let mut bytes = 0;
    for (original, file) in originals.iter().zip(&options.files) {
        let rendered = render(original, &size_set, options.path, file);
        bytes += rendered.renditions.iter().map(|rendition| rendition.jpeg.len()).sum::<usize>();
        write(&rendered, file, options.out.as_deref());
    }
    let (cpu, wall) = (cpu_time().saturating_sub(cpu), wall.elapsed());
    let count = u32::try_from(originals.len()).unwrap_or(u32::MAX);
    let each = |time: Duration| (time / count).as_secs_f64() * 1e3;
    println!(
        r#"{{"tool": "cameo {} {}", "n": {count}, "cpu_ms": {:.2}, "wall_ms": {:.2}, "bytes": {}, "rss_mib": {}}}"#,
        cameo_image::ENGINE_VERSION,
        options.path.as_str(),
        each(cpu),
        each(wall),
        bytes / originals.len(),
        peak_rss_mib(),
    );
}

/// Compares standard tables with own ones.
fn print_optimize_cost(originals: &[Vec<u8>], options: &Options) {
    let size_sets = [size_set(false), size_set(true)];
    let mut sums = [0.0; 2];
    let mut bytes = [0; 2];
    for (original, file) in originals.iter().zip(&options.files) {
        let mut times = [const { Vec::new() }; 2];
        for round in 0..options.optimize_cost_rounds {
            // Each goes first every other time.
            for kind in [round as usize % 2, (round as usize + 1) % 2] {
                let begun = cpu_time();
                let rendered = render(original, &size_sets[kind], options.path, file);
                times[kind].push(cpu_time().saturating_sub(begun));
                if round == 0 {
                    bytes[kind] += rendered.renditions.iter().map(|rendition| rendition.jpeg.len()).sum::<usize>();
                }
            }
        }
        for (sum, mut times) in sums.iter_mut().zip(times) {
            times.sort();
            *sum += times[times.len() / 2].as_secs_f64() * 1e3;
        }
    }
    let count = u32::try_from(originals.len()).unwrap_or(u32::MAX);
    println!(
        r#"{{"path": "{}", "n": {count}, "cpu_ms": {:.3}, "optimized_cpu_ms": {:.3}, "bytes": {}, "optimized_bytes": {}}}"#,
        options.path.as_str(),
        sums[0] / f64::from(count),
        sums[1] / f64::from(count),
        bytes[0] / originals.len(),
        bytes[1] / originals.len(),
    );
}

fn options() -> Options {
    let mut options =
        Options { path: CodePath::detect(), optimize: false, optimize_cost_rounds: 0, out: None, files: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--path" => options.path = code_path(&arguments.next().unwrap_or_default()),
            "--optimize" => options.optimize = true,
            "--optimize-cost" => {
                let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
                options.optimize_cost_rounds = rounds.unwrap_or_else(|| fail("--optimize-cost takes a number"));
            }
            "--out" => options.out = arguments.next().map(PathBuf::from),
            file => options.files.push(file.into()),
        }
    }
    if options.files.is_empty() {
        fail(
            "usage: measure [--path avx512|avx2|neon|portable] [--optimize | --optimize-cost ROUNDS] [--out DIR] FILE…",
        );
    }
    options
}

fn code_path(name: &str) -> CodePath {
    let found = CodePath::available().into_iter().find(|path| path.as_str() == name);
    found.unwrap_or_else(|| fail(&format!("this machine has no code path {name:?}")))
}

fn size_set(optimize: bool) -> SizeSet {
    let default = SizeSet::default();
    let sizes = default.sizes().iter().cloned().map(|size| ImageSize { optimize_coding: optimize, ..size }).collect();
    SizeSet::new(sizes).unwrap_or_else(|error| fail(&error.to_string()))
}

fn render(original: &[u8], size_set: &SizeSet, path: CodePath, file: &Path) -> Rendered {
    let rendered = render_with(path, original, size_set, &Limits::default());
    rendered.unwrap_or_else(|rejection| fail(&format!("{}: {rejection}", file.display())))
}

fn write(rendered: &Rendered, file: &Path, out: Option<&Path>) {
    let Some(out) = out else { return };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    for rendition in &rendered.renditions {
        let path = out.join(format!("{name}.{}.jpg", rendition.image_size));
        std::fs::write(&path, &rendition.jpeg).unwrap_or_else(|error| fail(&format!("{}: {error}", path.display())));
    }
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanoseconds)
}

/// 0 where there is no `/proc`.
fn peak_rss_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn fail(message: &str) -> ! {
    eprintln!("measure: {message}");
    std::process::exit(2)
}
