//! DC scans on arm64: many MCUs for each look at the stream, and no coefficient looked for twice.

use std::cell::Cell;

use super::super::bits::BitReader;
use super::super::coefficients::Coefficients;
use super::super::entropy::{EntropyStream, Fault};
use super::super::huffman::SymbolTable;
use super::{DcScan, shifted};

/// Bits that a difference takes at most: a code, and 15 others.
const DIFFERENCE_BITS: u32 = 16 + 15;
/// Differences that the bytes of one MCU have room for: it may have ten blocks of 64 coefficients, each as long as a difference.
const DIFFERENCES: usize = 640;

/// A block of an MCU while MCUs are gone over.
struct Place<'c> {
    values: &'c [Cell<i16>],
    at: usize,
    step: usize,
    part: usize,
    table: Option<&'c SymbolTable>,
}

impl<'t> DcScan<'t> {
    /// [`DcScan::mcus`], byte for byte.
    pub(in super::super) fn mcus_on_neon(
        &mut self,
        stream: &mut EntropyStream<'_>,
        (x, y): (usize, usize),
        count: usize,
        components: &mut [Coefficients],
    ) -> Result<(), Option<Fault>> {
        let values: Vec<&[Cell<i16>]> =
            components.iter_mut().map(|component| Cell::from_mut(&mut component.dc[..]).as_slice_of_cells()).collect();
        let place = |site: &super::Site<'t>| Place {
            values: values[site.component],
            at: site.first + x * site.step + y * site.row,
            step: site.step,
            part: site.part,
            table: site.table,
        };
        let mut places: Vec<Place<'_>> = self.sites.iter().map(place).collect();
        let is_first = places.iter().all(|place| place.table.is_some());
        let at_once = (DIFFERENCES / places.len().max(1)).max(1);
        for from in (0..count).step_by(at_once) {
            stream.prepare();
            let mut reader = stream.reader();
            let some = at_once.min(count - from);
            let outcome = if is_first {
                self.first_mcus(&mut reader, &mut places, some)
            } else {
                self.refine_mcus(&mut reader, &mut places, some);
                Ok(())
            };
            let BitReader { at, bits, count, .. } = reader;
            stream.resume(at, bits, count);
            outcome.map_err(Some)?;
            if stream.overrun() {
                return Err(None);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn first_mcus(&mut self, reader: &mut BitReader<'_>, places: &mut [Place<'_>], count: usize) -> Result<(), Fault> {
        for _ in 0..count {
            for place in &mut *places {
                if reader.count < DIFFERENCE_BITS {
                    reader.refill();
                }
                let Some(table) = place.table else { continue };
                let predictor = &mut self.predictors[place.part & 3];
                *predictor = predictor.wrapping_add(table.read_difference(reader)?);
                place.next().set(shifted(*predictor, self.low));
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn refine_mcus(&self, reader: &mut BitReader<'_>, places: &mut [Place<'_>], count: usize) {
        for _ in 0..count {
            for place in &mut *places {
                if reader.count == 0 {
                    reader.refill();
                }
                let bit = shifted(reader.take(1).cast_signed(), self.low);
                let value = place.next();
                value.set(value.get() | bit);
            }
        }
    }
}

impl<'c> Place<'c> {
    /// Its value in this MCU; goes on to that in the next.
    #[inline(always)]
    fn next(&mut self) -> &'c Cell<i16> {
        let value = &self.values[self.at];
        self.at += self.step;
        value
    }
}
