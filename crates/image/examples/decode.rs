//! Measures the decoder: shortest time per original of some runs, at some scale and on some code path, or writes the planes as they are.
//!
//! `cargo run --release -p cameo-image --example decode -- [--scale 1|2|4|8] [--path avx512|avx2|portable]
//! [--runs N] [--write FOLDER] FILE…`

use cameo_image::Limits;
use cameo_image::internals::{CodePath, decode_planes};
use std::time::Instant;

struct Options {
    denominators: Vec<u32>,
    path: CodePath,
    runs: u32,
    write: Option<String>,
    files: Vec<String>,
}

fn main() {
    let options = options();
    for file in &options.files {
        let bytes = std::fs::read(file).expect("a readable file");
        match decode_planes(&bytes, &Limits::default(), &options.denominators, options.path) {
            Ok(planes) => {
                let best = (0..options.runs).map(|_| time(&bytes, &options)).fold(f64::MAX, f64::min);
                let sizes: Vec<_> = planes.iter().map(|p| (p.width, p.height)).collect();
                println!("{file} {best:.2} ms {sizes:?}");
                if let Some(folder) = &options.write {
                    write(folder, file, &planes);
                }
            }
            Err(rejection) => println!("{file} {rejection}"),
        }
    }
}

fn time(bytes: &[u8], options: &Options) -> f64 {
    let start = Instant::now();
    let planes = decode_planes(bytes, &Limits::default(), &options.denominators, options.path);
    let elapsed = start.elapsed().as_secs_f64() * 1e3;
    assert!(planes.is_ok());
    elapsed
}

fn write(folder: &str, file: &str, planes: &[cameo_image::internals::PlaneView]) {
    let name = file.rsplit('/').next().unwrap_or(file);
    for (index, plane) in planes.iter().enumerate() {
        let rows = plane.data.chunks(plane.stride).take(plane.height).map(|row| &row[..plane.width]);
        let pgm =
            [format!("P5 {} {} 255\n", plane.width, plane.height).into_bytes(), rows.collect::<Vec<_>>().concat()];
        std::fs::write(format!("{folder}/{name}.{index}.pgm"), pgm.concat()).expect("a writable folder");
    }
}

fn options() -> Options {
    let mut options =
        Options { denominators: vec![1], path: CodePath::detect(), runs: 0, write: None, files: Vec::new() };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().expect("a value behind the option");
        match &*arg {
            "--scale" => options.denominators = value().split(',').map(|n| n.parse().expect("a number")).collect(),
            "--runs" => options.runs = value().parse().expect("a number"),
            "--write" => options.write = Some(value()),
            "--path" => {
                let name = value();
                options.path =
                    CodePath::available().into_iter().find(|p| p.as_str() == name).expect("a path of this machine");
            }
            _ => options.files.push(arg),
        }
    }
    options
}
