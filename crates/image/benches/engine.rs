//! Decoding, resizing and encoding apart, on every code path of this machine.
//!
//! `cargo bench -p cameo-image`. Photos come from `../shared/photos` where there are any, else one is
//! made up; figures to quote come from `bench/compare`, which measures all of it at once and against others.

use std::hint::black_box;
use std::path::Path;

use cameo_image::internals::{CodePath, PlaneView, decode_planes, encode_planes, resize_plane};
use cameo_image::{Limits, encode_rgb};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// A 12 MP original.
fn original() -> Vec<u8> {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/photos/ssgdfm_eye/351526_0.jpg");
    std::fs::read(photo).unwrap_or_else(|_| made_up(4000, 3000))
}

fn made_up(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 28).unwrap_or(0)
    };
    let slope = |at: u32, of: u32| u8::try_from(at * 200 / of).unwrap_or(0);
    let rgb: Vec<u8> = (0..width * height)
        .flat_map(|i| [slope(i % width, width), slope(i / width, height), 90])
        .map(|value| value + noise())
        .collect();
    encode_rgb(&rgb, width, height, 92)
}

fn decode(bytes: &[u8], denominator: u32, path: CodePath) -> Vec<PlaneView> {
    decode_planes(bytes, &Limits::default(), &[denominator], path).expect("a good original")
}

fn decoding(criterion: &mut Criterion) {
    let bytes = original();
    let mut group = criterion.benchmark_group("decode 12 MP");
    for path in CodePath::available() {
        for denominator in [1, 2, 4, 8] {
            let id = BenchmarkId::new(path.as_str(), format!("1/{denominator}"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| decode(black_box(&bytes), denominator, path));
            });
        }
    }
    group.finish();
}

fn resizing(criterion: &mut Criterion) {
    let planes = decode(&original(), 2, CodePath::detect());
    let mut group = criterion.benchmark_group("resize a 3 MP plane");
    for path in CodePath::available() {
        for (width, height) in [(1280, 960), (640, 480), (320, 240)] {
            let id = BenchmarkId::new(path.as_str(), format!("{width}x{height}"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| resize_plane(black_box(&planes[0]), width, height, path));
            });
        }
    }
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let decoded = decode(&original(), 2, CodePath::detect());
    let sizes = [(1280, 960), (640, 480), (640, 480)];
    let resized = decoded.iter().zip(sizes).map(|(plane, (w, h))| resize_plane(plane, w, h, CodePath::detect()));
    let planes: Vec<PlaneView> = resized.collect();
    let mut group = criterion.benchmark_group("encode 1280x960 at quality 82");
    for path in CodePath::available() {
        for (tables, optimize) in [("standard tables", false), ("own tables", true)] {
            let id = BenchmarkId::new(path.as_str(), tables);
            group.bench_function(id, |bencher| {
                bencher.iter(|| encode_planes(black_box(&planes), 82, optimize, path));
            });
        }
    }
    group.finish();
}

criterion_group!(engine, decoding, resizing, encoding);
criterion_main!(engine);
