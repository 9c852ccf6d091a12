//! Resizing sixteen rows of the output at a time, for vectors that have no better than a multiply-add of pairs.
//!
//! Samples are widened to 16 bits and put into pairs once, for all outputs that they are part of: pairs of rows above each other for the
//! blending, and, when sixteen rows are blended and turned on their side, pairs of neighbours for the gathering. A step of either is a
//! multiply-add of one vector from memory then. The sums are those of [`portable`](super::portable).

use super::axis::Axis;
use crate::planes::Plane;

/// Rows that are made at a time.
pub(super) const ROWS: usize = 16;
/// Pairs of rows that a sheet may be made of: they stay in the nearest cache.
const MOST_PAIRS: usize = 96;
/// How far before its use a line of the source is asked for: a strip may lie in two lines, so it is not the next one.
pub(super) const AHEAD: usize = 128;
/// The smallest output worth the trouble.
const LEAST: usize = 8;

/// An axis by pairs of source samples, of which the first is an even one.
pub(super) struct Pairs {
    places: Vec<Place>,
    /// Pairs of weights, the first in the low half.
    weights: Vec<i32>,
}

/// The pairs of an output.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The first one.
    pub(super) first: usize,
    /// How many there are.
    pub(super) count: usize,
    /// Where their weights begin.
    from: usize,
}

impl Pairs {
    /// Source samples count from number `first`.
    fn new(axis: &Axis, first: usize) -> Self {
        let mut pairs = Self { places: Vec::with_capacity(axis.len()), weights: Vec::new() };
        pairs.weights.reserve(axis.len() * (axis.taps / 2 + 1));
        for (j, &start) in axis.starts.iter().enumerate() {
            let start = start as usize - first;
            let (from, odd) = (pairs.weights.len(), start % 2);
            let weights = axis.weights_of(j);
            let weight =
                |k: usize| k.checked_sub(odd).and_then(|k| weights.get(k)).map_or(0, |&weight| i32::from(weight));
            let both = |pair: usize| weight(2 * pair) & 0xFFFF | weight(2 * pair + 1) << 16;
            pairs.weights.extend((0..=weights.len() / 2).map(both));
            while pairs.weights.len() > from + 1 && pairs.weights.last() == Some(&0) {
                pairs.weights.pop();
            }
            pairs.places.push(Place { first: start / 2, count: pairs.weights.len() - from, from });
        }
        pairs
    }

    pub(super) fn place(&self, out: usize) -> Place {
        self.places[out.min(self.places.len() - 1)]
    }

    pub(super) fn weights(&self, place: Place) -> &[i32] {
        &self.weights[place.from..place.from + place.count]
    }
}

/// A resize by sheets made ready.
pub(super) struct Sheets {
    pub(super) rows: Pairs,
    pub(super) columns: Pairs,
    /// The first source column in use, and how many are.
    pub(super) first: usize,
    pub(super) span: usize,
    /// Pairs of rows that a sheet is made of at most.
    pub(super) most_pairs: usize,
}

impl Sheets {
    /// `None` where the picture is too small, or a sheet would be made of too many rows. `strip` columns are blended at a time.
    pub(super) fn new(columns: &Axis, rows: &Axis, (first, span): (usize, usize), strip: usize) -> Option<Self> {
        if span < strip || columns.len() < LEAST || rows.len() < LEAST {
            return None;
        }
        let ends = |starts: &[u32]| Some((*starts.iter().min()? as usize, *starts.iter().max()? as usize + rows.taps));
        let lengths = rows.starts.chunks(ROWS).filter_map(ends).map(|(low, high)| high / 2 + 1 - low / 2);
        let most_pairs = lengths.max().filter(|&pairs| pairs <= MOST_PAIRS)?;
        Some(Self { rows: Pairs::new(rows, 0), columns: Pairs::new(columns, first), first, span, most_pairs })
    }

    /// The row of a source that stands at a place of a pair: behind the last row, where weights are zero, the last.
    pub(super) fn row<'p>(&self, source: &'p Plane, row: usize, at: usize) -> &'p [u8] {
        let from = row.min(source.height - 1) * source.stride + self.first + at;
        &source.data[from..]
    }
}

/// Defines `apply` for a kind of vector, with the intrinsics it is made of; a vector has one or more lanes of 128 bits. What is done
/// differently with one lane and with two, `turn` and `narrow`, stands beside.
macro_rules! sheets {
    (
        features: $features:literal, vector: $vector:ident, bytes: $bytes:literal, parts: $parts:literal,
        load: $load:ident, store: $store:ident, store_16: $store_16:ident, turn: $turn:ident, narrow: $narrow:ident,
        prefetch: $prefetch:ident, zero: $zero:ident, set: $set:ident, add: $add:ident, madd: $madd:ident, shift_right: $shift_right:ident,
        packs: $packs:ident, packus: $packus:ident, low_8: $low_8:ident, high_8: $high_8:ident, low_16: $low_16:ident, high_16: $high_16:ident,
        low_32: $low_32:ident, high_32: $high_32:ident, low_64: $low_64:ident, high_64: $high_64:ident,
    ) => {
        /// Columns that are blended at a time.
        pub(super) const STRIP: usize = 2 * $bytes;

        /// A vector in memory.
        #[derive(Clone, Copy)]
        #[repr(align(32))]
        struct Words([u8; $bytes]);

        const NO_WORDS: Words = Words([0; $bytes]);

        /// Pairs of a strip: rows above each other.
        type RowPair = [Words; 8];
        /// Pairs of a sheet: neighbours in each of its rows.
        type ColumnPair = [Words; $parts];

        /// Makes all of a plane but its padding; see [`sheets`](super::sheets).
        #[target_feature(enable = $features)]
        fn apply_sheets(plan: &Sheets, source: &Plane, out: &mut Plane) {
            let length = plan.span.next_multiple_of(16);
            let mut pairs = vec![[NO_WORDS; 8]; plan.most_pairs];
            let mut lines = vec![0; ROWS * length];
            let mut sheet = vec![[NO_WORDS; $parts]; length / 2];
            for top in (0..out.height).step_by(ROWS) {
                blend_sheet(plan, source, top, &mut pairs, &mut lines);
                for (x, pairs) in sheet.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                    let line = |row: usize| lines[row * length + 16 * x..].first_chunk().expect("sixteen columns");
                    $turn(std::array::from_fn(line), pairs);
                }
                gather_sheet(&plan.columns, &sheet, &mut out.data[top * out.stride..], out.stride, out.width);
            }
        }

        /// Blends the rows of a sheet, strip by strip; the last strip overlaps the one before it.
        #[target_feature(enable = $features)]
        fn blend_sheet(plan: &Sheets, source: &Plane, top: usize, pairs: &mut [RowPair], lines: &mut [u8]) {
            let length = lines.len() / ROWS;
            let places: [Place; ROWS] = std::array::from_fn(|row| plan.rows.place(top + row));
            let first = places.iter().map(|place| place.first).min().unwrap_or(0);
            let end = places.iter().map(|place| place.first + place.count).max().unwrap_or(0);
            let mut at = 0;
            loop {
                for (pair, words) in (first..end).zip(pairs.iter_mut()) {
                    widen(plan.row(source, 2 * pair, at), plan.row(source, 2 * pair + 1, at), words);
                }
                for (row, &place) in places.iter().enumerate() {
                    let line = lines[row * length + at..].first_chunk_mut().expect("a strip");
                    blend_strip(&pairs[place.first - first..][..place.count], plan.rows.weights(place), line);
                }
                if at + STRIP >= plan.span {
                    return;
                }
                at = (at + STRIP).min(plan.span - STRIP);
            }
        }

        /// Puts a strip of two rows into pairs.
        #[inline]
        #[target_feature(enable = $features)]
        fn widen(upper: &[u8], lower: &[u8], words: &mut RowPair) {
            // The strips behind this one: a column of lines is a stride that no processor foresees.
            $prefetch(upper, AHEAD);
            $prefetch(lower, AHEAD);
            let upper: &[u8; STRIP] = upper.first_chunk().expect("a strip");
            let lower: &[u8; STRIP] = lower.first_chunk().expect("a strip");
            let (upper, lower) = (upper.as_chunks::<$bytes>().0, lower.as_chunks::<$bytes>().0);
            for (i, words) in words.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let (a, b) = ($load(&upper[i]), $load(&lower[i]));
                let (low, high) = ($low_8(a, b), $high_8(a, b));
                $store(&mut words[0].0, $low_8(low, $zero()));
                $store(&mut words[1].0, $high_8(low, $zero()));
                $store(&mut words[2].0, $low_8(high, $zero()));
                $store(&mut words[3].0, $high_8(high, $zero()));
            }
        }

        /// Blends a strip.
        #[inline]
        #[target_feature(enable = $features)]
        fn blend_strip(pairs: &[RowPair], weights: &[i32], line: &mut [u8; STRIP]) {
            let mut sums = [$set(ROUND); 8];
            for (pair, &weight) in pairs.iter().zip(weights) {
                let weight = $set(weight);
                for (sum, words) in sums.iter_mut().zip(pair) {
                    *sum = $add(*sum, $madd($load(&words.0), weight));
                }
            }
            for (sums, line) in sums.as_chunks::<4>().0.iter().zip(line.as_chunks_mut::<$bytes>().0) {
                let [a, b, c, d] = sums.map(|sum| $shift_right::<{ ONE_BITS.cast_signed() }>(sum));
                $store(line, $packus($packs(a, b), $packs(c, d)));
            }
        }

        /// Gathers sixteen columns at a time.
        #[target_feature(enable = $features)]
        fn gather_sheet(columns: &Pairs, sheet: &[ColumnPair], out: &mut [u8], stride: usize, width: usize) {
            for left in (0..width).step_by(16) {
                let mut made = [_mm_setzero_si128(); 16];
                for (i, column) in made.iter_mut().enumerate() {
                    let place = columns.place(left + i);
                    *column = gather_column(&sheet[place.first..][..place.count], columns.weights(place));
                }
                for (row, samples) in exchange_16(made).into_iter().enumerate() {
                    let place = out[row * stride + left..].first_chunk_mut().expect("whole rows of sixteen");
                    $store_16(place, samples);
                }
            }
        }

        /// A column of a sheet, from its first row to its last.
        #[inline]
        #[target_feature(enable = $features)]
        fn gather_column(pairs: &[ColumnPair], weights: &[i32]) -> __m128i {
            let mut sums = [$set(ROUND); $parts];
            for (pair, &weight) in pairs.iter().zip(weights) {
                let weight = $set(weight);
                for (sum, words) in sums.iter_mut().zip(pair) {
                    *sum = $add(*sum, $madd($load(&words.0), weight));
                }
            }
            $narrow(sums.map(|sum| $shift_right::<{ ONE_BITS.cast_signed() }>(sum)))
        }

        /// Exchanges rows and columns of sixteen by sixteen bytes.
        #[inline]
        #[target_feature(enable = $features)]
        fn exchange_16(mut rows: [__m128i; 16]) -> [__m128i; 16] {
            for _ in 0..4 {
                let mut next = rows;
                for i in 0..8 {
                    next[2 * i] = _mm_unpacklo_epi8(rows[i], rows[i + 8]);
                    next[2 * i + 1] = _mm_unpackhi_epi8(rows[i], rows[i + 8]);
                }
                rows = next;
            }
            rows
        }

        /// Exchanges rows and columns of eight by eight 16-bit values, in each lane.
        #[inline]
        #[target_feature(enable = $features)]
        fn exchange_8(r: [$vector; 8]) -> [$vector; 8] {
            let pairs = |a: $vector, b: $vector| ($low_16(a, b), $high_16(a, b));
            let fours = |a: $vector, b: $vector| ($low_32(a, b), $high_32(a, b));
            let ((a_low, a_high), (b_low, b_high)) = (pairs(r[0], r[1]), pairs(r[2], r[3]));
            let ((c_low, c_high), (d_low, d_high)) = (pairs(r[4], r[5]), pairs(r[6], r[7]));
            let ((top_01, top_23), (top_45, top_67)) = (fours(a_low, b_low), fours(a_high, b_high));
            let ((low_01, low_23), (low_45, low_67)) = (fours(c_low, d_low), fours(c_high, d_high));
            [
                $low_64(top_01, low_01),
                $high_64(top_01, low_01),
                $low_64(top_23, low_23),
                $high_64(top_23, low_23),
                $low_64(top_45, low_45),
                $high_64(top_45, low_45),
                $low_64(top_67, low_67),
                $high_64(top_67, low_67),
            ]
        }
    };
}
pub(super) use sheets;
