//! One axis of a resize: which source samples make up each output sample, and by how much.
//!
//! The filter is Lanczos with three lobes, widened by the ratio when samples get fewer. Weights are 16-bit integers that
//! add up to exactly [`ONE`], so that a flat picture stays flat; they are computed from a table with nothing but the
//! exactly rounded operations of IEEE 754, so that they are the same on every machine.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "positions are below 65 536 and clamped to the source, weights are within ±2"
)]

use std::collections::VecDeque;

/// The sum of the weights of an output sample.
pub(crate) const ONE: i32 = 1 << ONE_BITS;
pub(crate) const ONE_BITS: u32 = 14;

/// Weights come in whole groups of this many, the last ones zero.
pub(crate) const GROUP: usize = 4;

const LOBES: usize = 3;
const STEPS: usize = 512;
static KERNEL: [f64; LOBES * STEPS + 2] = kernel();

/// The part of a source axis that an output axis shows, in source samples; sample `i` covers `i` to `i + 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: f64,
    pub(crate) length: f64,
    /// Whether the output runs from the end of the span to its start.
    pub(crate) mirrored: bool,
}

/// Weights of every output sample of an axis.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// The first source sample of each output sample.
    pub(crate) starts: Vec<u32>,
    /// [`Self::taps`] weights for each output sample.
    pub(crate) weights: Vec<i16>,
    /// Weights for each output sample, a multiple of [`GROUP`]. Behind the last source sample they are zero.
    pub(crate) taps: usize,
    /// How many source samples there are.
    pub(crate) source: usize,
}

impl Axis {
    /// An axis of `out` samples, of which `extent` are picture (half a sample less where an odd side was halved),
    /// made from a span of `source` samples.
    pub(crate) fn new(source: usize, span: Span, extent: f64, out: usize, kernels: &mut Kernels) -> Self {
        let ratio = span.length / extent;
        let kernel = kernels.of_stretch(ratio.max(1.0));
        let mut axis =
            Self { starts: Vec::with_capacity(out), weights: vec![0; out * kernel.taps], taps: kernel.taps, source };
        for (j, weights) in axis.weights.chunks_exact_mut(kernel.taps).enumerate() {
            let along = (j as f64 + 0.5) * ratio;
            let centre = if span.mirrored { span.start + span.length - along } else { span.start + along };
            let start = kernel.weights_at(source, centre, weights);
            axis.starts.push(u32::try_from(start).expect("a side has at most 65535 samples"));
        }
        axis
    }

    /// How many output samples there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether every output sample is the next source sample, unchanged.
    pub(crate) fn is_copy(&self) -> bool {
        let alone = self.weights.chunks_exact(self.taps).all(|weights| i32::from(weights[0]) == ONE);
        alone && self.starts.windows(2).all(|pair| pair[1] == pair[0] + 1)
    }

    /// The weights of an output sample.
    pub(crate) fn weights_of(&self, out: usize) -> &[i16] {
        &self.weights[out * self.taps..][..self.taps]
    }

    /// The first source sample in use, and the one behind the last.
    pub(crate) fn reach(&self) -> (usize, usize) {
        let first = self.starts.iter().min().map_or(0, |&s| s as usize);
        let last = self.starts.iter().max().map_or(0, |&s| s as usize + self.taps);
        (first, last.min(self.source))
    }
}

/// Kernels by how far they are widened. Luma and chroma, across and down, mostly share one.
#[derive(Debug, Default)]
pub(crate) struct Kernels {
    made: Vec<Kernel>,
}

/// The weights of a widened kernel around centres that lie at so many places between two samples.
#[derive(Debug)]
struct Kernel {
    stretch: f64,
    taps: usize,
    /// For each phase, how many leading weights are zero and left out.
    skips: Vec<u16>,
    weights: Vec<i16>,
}

/// Places between two samples that a kernel is made for; a centre moves by half a step at most.
const PHASES: usize = 128;

impl Kernels {
    fn of_stretch(&mut self, stretch: f64) -> &Kernel {
        let place = self.made.iter().position(|kernel| (kernel.stretch - stretch).abs() < 1e-9 * stretch);
        let place = place.unwrap_or_else(|| {
            self.made.push(Kernel::new(stretch));
            self.made.len() - 1
        });
        &self.made[place]
    }
}

impl Kernel {
    fn new(stretch: f64) -> Self {
        let (mut exact, mut packed, mut skips, mut firsts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for phase in 0..PHASES {
            let low = exact_weights(f64::MAX, Self::support(stretch) + 1.0 + phase_centre(phase), stretch, &mut exact);
            firsts.push(packed.len());
            skips.push(u16::try_from(low + quantise(&exact, usize::MAX, &mut packed)).unwrap_or(u16::MAX));
        }
        firsts.push(packed.len());
        let longest = firsts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(1);
        let taps = longest.next_multiple_of(GROUP);
        let mut weights = vec![0; PHASES * taps];
        for (pair, place) in firsts.windows(2).zip(weights.chunks_exact_mut(taps)) {
            place[..pair[1] - pair[0]].copy_from_slice(&packed[pair[0]..pair[1]]);
        }
        Self { stretch, taps, skips, weights }
    }

    /// How far the kernel reaches, in whole samples.
    fn support(stretch: f64) -> f64 {
        (LOBES as f64 * stretch).ceil()
    }

    /// Fills in the weights around a centre; returns the first source sample.
    fn weights_at(&self, source: usize, centre: f64, weights: &mut [i16]) -> usize {
        let nearest = (centre * PHASES as f64 + 0.5) as usize;
        let (whole, phase) = (nearest / PHASES, nearest % PHASES);
        let first = (whole + usize::from(self.skips[phase])).checked_sub(Self::support(self.stretch) as usize + 1);
        if let Some(first) = first.filter(|first| first + self.taps <= source) {
            weights.copy_from_slice(&self.weights[phase * self.taps..][..self.taps]);
            return first;
        }
        self.weights_at_end(source, whole as f64 + phase_centre(phase), weights)
    }

    /// Samples beyond the ends do not count; the others make up for them.
    fn weights_at_end(&self, source: usize, centre: f64, weights: &mut [i16]) -> usize {
        let (mut exact, mut packed) = (Vec::new(), Vec::new());
        let low = exact_weights(source as f64 - 1.0, centre, self.stretch, &mut exact);
        let skipped = quantise(&exact, self.taps, &mut packed);
        weights[..packed.len()].copy_from_slice(&packed);
        low + skipped
    }
}

/// Where a centre of this phase lies between the borders of a sample. The middle is one of them, so that a ratio of one
/// copies.
fn phase_centre(phase: usize) -> f64 {
    phase as f64 / PHASES as f64
}

/// Computes the weights around a centre, of samples up to number `last`; returns the first of them.
fn exact_weights(last: f64, centre: f64, stretch: f64, weights: &mut Vec<f64>) -> usize {
    let support = LOBES as f64 * stretch;
    let low = (centre - support - 0.5).ceil().clamp(0.0, last) as usize;
    let high = (centre + support - 0.5).floor().clamp(0.0, last) as usize;
    let scale = STEPS as f64 / stretch;
    weights.clear();
    weights.extend((low..=high.max(low)).map(|i| lanczos((i as f64 + 0.5 - centre).abs() * scale)));
    low
}

/// The kernel at a distance given in steps of its table.
fn lanczos(steps: f64) -> f64 {
    let at = steps as usize;
    if at >= LOBES * STEPS {
        return 0.0;
    }
    let part = steps - at as f64;
    KERNEL[at] + (KERNEL[at + 1] - KERNEL[at]) * part
}

/// Appends integer weights, `most` at most, without the zeros at either end; returns how many were left out at the start.
fn quantise(exact: &[f64], most: usize, out: &mut Vec<i16>) -> usize {
    let scale = f64::from(ONE) / exact.iter().sum::<f64>();
    let mut weights: VecDeque<i32> = exact.iter().map(|weight| (weight * scale + 32768.5) as i32 - 32768).collect();
    let mut skipped = 0;
    while weights.len() > 1 && (weights.len() > most || weights.front() == Some(&0) || weights.back() == Some(&0)) {
        let size = |weight: Option<&i32>| weight.map_or(0, |weight| weight.abs());
        if size(weights.front()) < size(weights.back()) {
            weights.pop_front();
            skipped += 1;
        } else {
            weights.pop_back();
        }
    }
    let missing = ONE - weights.iter().sum::<i32>();
    if let Some(heaviest) = weights.iter_mut().max() {
        *heaviest += missing;
    }
    out.extend(weights.into_iter().map(|weight| i16::try_from(weight).unwrap_or(i16::MAX)));
    skipped
}

/// Lanczos, three lobes, at steps of 1 / [`STEPS`]; two zeros behind the end.
const fn kernel() -> [f64; LOBES * STEPS + 2] {
    let mut table = [0.0; LOBES * STEPS + 2];
    table[0] = 1.0;
    let mut i = 1;
    while i < LOBES * STEPS {
        let x = i as f64 / STEPS as f64;
        let pi_x = std::f64::consts::PI * x;
        table[i] = LOBES as f64 * sin_pi(x) * sin_pi(x / LOBES as f64) / (pi_x * pi_x);
        i += 1;
    }
    table
}

/// sin(πx) for 0 ≤ x ≤ 3, by its power series: the one of the C library differs between machines.
const fn sin_pi(x: f64) -> f64 {
    let turns = (x + 0.5) as i32;
    let r = (x - turns as f64) * std::f64::consts::PI;
    let mut term = r;
    let mut sum = r;
    let mut n = 1.0;
    while n < 12.0 {
        term = -term * r * r / ((2.0 * n) * (2.0 * n + 1.0));
        sum += term;
        n += 1.0;
    }
    if turns % 2 == 0 { sum } else { -sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, length: f64) -> Span {
        Span { start, length, mirrored: false }
    }

    #[test]
    fn kernel_is_lanczos() {
        for x in [0.1, 0.5, 0.97, 1.5, 2.3, 2.99_f64] {
            let pi_x = std::f64::consts::PI * x;
            let want = 3.0 * pi_x.sin() * (pi_x / 3.0).sin() / (pi_x * pi_x);
            assert!((lanczos(x * 512.0) - want).abs() < 4e-6, "at {x}");
        }
    }

    #[test]
    fn weights_add_up_to_one_and_stay_within_the_source() {
        for (source, start, length, extent, out) in [
            (100, 0.0, 100.0, 33.0, 33),
            (100, 12.3, 50.7, 49.5, 50),
            (7, 0.0, 6.5, 3.5, 4),
            (1, 0.0, 1.0, 640.0, 640),
            (3, 0.0, 3.0, 100.0, 100),
            (5000, 0.0, 5000.0, 1.0, 1),
        ] {
            let axis = Axis::new(source, span(start, length), extent, out, &mut Kernels::default());
            assert_eq!(axis.len(), out);
            for j in 0..out {
                let weights = axis.weights_of(j);
                assert_eq!(weights.iter().map(|&w| i32::from(w)).sum::<i32>(), ONE, "{source} {out} {j}");
                let used = weights.iter().rposition(|&w| w != 0).unwrap();
                assert!(axis.starts[j] as usize + used < source, "{source} {out} {j}");
            }
        }
    }

    #[test]
    fn a_ratio_of_one_copies() {
        let axis = Axis::new(64, span(8.0, 32.0), 32.0, 32, &mut Kernels::default());
        assert!(axis.is_copy());
        assert_eq!(axis.starts, (8..40).collect::<Vec<u32>>());
    }

    #[test]
    fn mirrored_is_reversed() {
        let forward = Axis::new(90, span(3.25, 80.5), 40.0, 40, &mut Kernels::default());
        let back = Axis::new(90, Span { mirrored: true, ..span(3.25, 80.5) }, 40.0, 40, &mut Kernels::default());
        assert!((0..40).all(|j| back.starts[j].abs_diff(forward.starts[39 - j]) <= 1));
    }
}
