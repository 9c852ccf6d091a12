//! Every file of the shared corpus is accepted or rejected as its manifest says, and comes out in the right size and
//! the right colours.
#![allow(clippy::cast_precision_loss, reason = "sizes of pictures")]

mod common;

use std::fs;
use std::path::Path;

use cameo_image::internals::{CodePath, render_with};
use cameo_image::{Limits, Rejection, Rendered, SizeSet, inspect};
use common::Pixels;

struct Entry<'a> {
    file: &'a str,
    expect: &'a str,
    reason: &'a str,
    size: Option<(u32, u32)>,
    corners: &'a str,
    golden: &'a str,
    note: &'a str,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Self {
        let fields: Vec<&str> = line.split('\t').collect();
        let size = fields[8].parse().ok().zip(fields[9].parse().ok());
        let (file, expect, reason) = (fields[0], fields[4], fields[5]);
        Self { file, expect, reason, size, corners: fields[10], golden: fields[11], note: fields[17] }
    }

    /// A tolerance that the note gives, or the usual one.
    fn tolerance(&self, usual: f64) -> f64 {
        let after = self.note.split("tolerance ").nth(1);
        after.and_then(|text| text.split([':', ';', ' ']).next()?.parse().ok()).unwrap_or(usual)
    }

    /// What is wrong, if anything is.
    fn check(&self, corpus: &Path) -> Result<(), String> {
        let original = fs::read(corpus.join(self.file)).expect("a file of the manifest");
        let answer = render(&original, CodePath::detect());
        for path in CodePath::available() {
            if render(&original, path) != answer {
                return Err(format!("another answer on {path:?}"));
            }
        }
        // Looking at an original without making anything of it gives the same answer, to the letter.
        let size = |rendered: &Rendered| (rendered.width, rendered.height);
        let inspected = inspect(&original, &Limits::default()).map(|found| (found.width, found.height));
        if inspected != answer.as_ref().map(size).map_err(Clone::clone) {
            return Err(format!("inspect gives another answer: {inspected:?}"));
        }
        match (self.expect, answer) {
            ("accept", Ok(rendered)) => self.check_picture(&rendered, corpus),
            ("accept", Err(rejection)) => Err(format!("rejected: {rejection}")),
            ("reject", Ok(_)) => Err("accepted".into()),
            ("reject", Err(rejection)) if rejection.reason.code() != self.reason => {
                Err(format!("rejected: {rejection}; the reason is {}", self.reason))
            }
            _ => Ok(()),
        }
    }

    fn check_picture(&self, rendered: &Rendered, corpus: &Path) -> Result<(), String> {
        let found = (rendered.width, rendered.height);
        // Where EXIF is damaged, its orientation may be ignored or not.
        let any_orientation = self.note.contains("must not be rejected") && self.corners.is_empty();
        if self.size.is_some_and(|size| size != found && !(any_orientation && size == (found.1, found.0))) {
            return Err(format!("size {found:?}, not {:?}", self.size));
        }
        for rendition in &rendered.renditions {
            let pixels = Pixels::decode(&rendition.jpeg);
            if (pixels.width, pixels.height) != (rendition.width as usize, rendition.height as usize) {
                return Err(format!("{} is not as large as it is said to be", rendition.image_size));
            }
        }
        let whole = Pixels::decode(&rendered.renditions[3].jpeg);
        self.check_corners(&whole)?;
        self.check_golden(&whole, corpus)
    }

    fn check_corners(&self, whole: &Pixels) -> Result<(), String> {
        let (w, h) = (whole.width as f64, whole.height as f64);
        let tolerance = self.tolerance(30.0);
        for (i, colour) in self.corners.split(';').filter(|text| !text.is_empty()).enumerate() {
            let (x, y) = ([0.25, 0.75][i % 2] * w, [0.25, 0.75][i / 2] * h);
            let found = whole.mean(x - 2.0, y - 2.0, 4.0, 4.0);
            let hex = u32::from_str_radix(colour, 16).expect("a colour");
            let want = [hex >> 16, hex >> 8, hex].map(|value| f64::from(value & 255));
            if found.iter().zip(want).any(|(a, b)| (a - b).abs() > tolerance) {
                return Err(format!("quadrant {i} is {found:.0?}, not {want:?}"));
            }
        }
        Ok(())
    }

    fn check_golden(&self, whole: &Pixels, corpus: &Path) -> Result<(), String> {
        if self.golden.is_empty() {
            return Ok(());
        }
        let golden = read_png(&corpus.join(self.golden));
        let (step_x, step_y) = (whole.width as f64 / golden.width as f64, whole.height as f64 / golden.height as f64);
        let mut difference = 0.0;
        for (i, want) in golden.rgb.iter().enumerate() {
            let (x, y) = ((i % golden.width) as f64, (i / golden.width) as f64);
            let found = whole.mean(x * step_x, y * step_y, step_x, step_y);
            difference += found.iter().zip(want).map(|(a, b)| (a - f64::from(*b)).abs()).sum::<f64>();
        }
        let mean = difference / (3 * golden.rgb.len()) as f64;
        if mean > self.tolerance(12.0) {
            return Err(format!("differs from its golden picture by {mean:.1}"));
        }
        Ok(())
    }
}

fn render(original: &[u8], path: CodePath) -> Result<Rendered, Rejection> {
    render_with(path, original, &SizeSet::default(), &Limits::default())
}

fn read_png(path: &Path) -> Pixels {
    let file = std::io::BufReader::new(fs::File::open(path).expect("a golden picture of the manifest"));
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size().expect("a small PNG")];
    let info = reader.next_frame(&mut samples).expect("a PNG");
    let channels = info.color_type.samples();
    let rgb = samples.chunks_exact(channels).map(|p| if channels < 3 { [p[0]; 3] } else { [p[0], p[1], p[2]] });
    Pixels { width: info.width as usize, height: info.height as usize, rgb: rgb.collect() }
}

#[test]
fn every_file_of_the_corpus_gets_its_answer() {
    let Some(corpus) = common::shared("corpus", "the corpus of odd and hostile originals") else { return };
    let manifest = fs::read_to_string(corpus.join("manifest.tsv")).expect("the manifest of the corpus");
    let mut faults = Vec::new();
    let mut count = 0;
    for entry in manifest.lines().skip(1).map(Entry::parse) {
        count += 1;
        if let Err(fault) = entry.check(&corpus) {
            faults.push(format!("{} ({}): {fault}", entry.file, entry.expect));
        }
    }
    assert!(faults.is_empty(), "{} faults of {count}:\n{}", faults.len(), faults.join("\n"));
}

/// Whatever byte is damaged, and wherever a file is cut: looking at it and rendering it give the same answer.
#[test]
fn inspecting_damaged_files_gives_the_answer_of_rendering_them() {
    let Some(corpus) = common::shared("corpus", "the corpus of odd and hostile originals") else { return };
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 20).expect("44 bits") % below
    };
    let (mut accepted, mut rejected) = (0, 0);
    for file in ["ok/base_420.jpg", "ok/base_progressive.jpg", "ok/base_restart.jpg", "ok/base_444_q90.jpg"] {
        let whole = fs::read(corpus.join(file)).expect("a file of the corpus");
        for _ in 0..60 {
            let mut damaged = whole.clone();
            damaged.truncate(whole.len() - next(3) * next(whole.len() / 3));
            for _ in 0..next(4) {
                let at = next(damaged.len());
                damaged[at] = u8::try_from(next(256)).expect("a byte");
            }
            let rendered = render(&damaged, CodePath::detect()).map(|rendered| (rendered.width, rendered.height));
            let inspected = inspect(&damaged, &Limits::default()).map(|found| (found.width, found.height));
            assert_eq!(inspected, rendered, "{file}");
            *if rendered.is_ok() { &mut accepted } else { &mut rejected } += 1;
        }
    }
    assert!(accepted > 20 && rejected > 20, "{accepted} accepted and {rejected} rejected: nothing was compared");
}
