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
#[derive(Debug)]
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
    pub(crate) fn new(source: usize, span: Span, extent: f64, out: usize) -> Self {
        let ratio = span.length / extent;
        let stretch = ratio.max(1.0);
        let mut exact = Vec::new();
        let mut rows = Vec::with_capacity(out);
        let mut packed: Vec<i16> = Vec::new();
        for j in 0..out {
            let along = (j as f64 + 0.5) * ratio;
            let centre = if span.mirrored { span.start + span.length - along } else { span.start + along };
            let start = exact_weights(source, centre, stretch, &mut exact);
            let first = packed.len();
            let skipped = quantise(&exact, &mut packed);
            rows.push((start + skipped, first));
        }
        Self::align(source, &rows, &packed)
    }

    /// Lays rows of different lengths out at one length.
    fn align(source: usize, rows: &[(usize, usize)], packed: &[i16]) -> Self {
        let ends = rows.iter().skip(1).map(|row| row.1).chain([packed.len()]);
        let longest = rows.iter().zip(ends.clone()).map(|(row, end)| end - row.1).max().unwrap_or(0);
        let taps = longest.next_multiple_of(GROUP);
        let mut weights = vec![0; rows.len() * taps];
        for ((row, end), place) in rows.iter().zip(ends).zip(weights.chunks_exact_mut(taps.max(1))) {
            place[..end - row.1].copy_from_slice(&packed[row.1..end]);
        }
        let starts = rows.iter().map(|row| u32::try_from(row.0).expect("a side has at most 65535 samples")).collect();
        Self { starts, weights, taps, source }
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

/// Fills in the weights around a centre; returns the first source sample. Samples beyond the ends do not count.
fn exact_weights(source: usize, centre: f64, stretch: f64, weights: &mut Vec<f64>) -> usize {
    let support = LOBES as f64 * stretch;
    let last = source as f64 - 1.0;
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

/// Appends integer weights, without the zeros at either end; returns how many were left out at the start.
fn quantise(exact: &[f64], out: &mut Vec<i16>) -> usize {
    let sum: f64 = exact.iter().sum();
    let scale = f64::from(ONE) / sum;
    let from = out.len();
    let mut rest = ONE;
    for weight in exact {
        let rounded = (weight * scale + 32768.5) as i32 - 32768;
        rest -= rounded;
        out.push(i16::try_from(rounded).unwrap_or(i16::MAX));
    }
    let heaviest = (from..out.len()).max_by_key(|&i| out[i]).unwrap_or(from);
    out[heaviest] = i16::try_from(i32::from(out[heaviest]) + rest).unwrap_or(i16::MAX);
    while out.len() > from + 1 && out.last() == Some(&0) {
        out.pop();
    }
    let leading = out[from..].iter().take_while(|&&w| w == 0).count();
    out.drain(from..from + leading);
    leading
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
            let axis = Axis::new(source, span(start, length), extent, out);
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
        let axis = Axis::new(64, span(8.0, 32.0), 32.0, 32);
        assert_eq!(axis.taps, GROUP);
        assert_eq!(axis.starts, (8..40).collect::<Vec<u32>>());
    }

    #[test]
    fn mirrored_is_reversed() {
        let forward = Axis::new(90, span(3.25, 80.5), 40.0, 40);
        let back = Axis::new(90, Span { mirrored: true, ..span(3.25, 80.5) }, 40.0, 40);
        assert!((0..40).all(|j| back.starts[j].abs_diff(forward.starts[39 - j]) <= 1));
    }
}
