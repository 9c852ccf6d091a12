//! From the order in which progressive scans keep the coefficients of a block to that of the inverse transform.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::code_path::CodePath;
use crate::code_path::Runnable;

/// For each coefficient that the inverse transform takes, where in its block it comes from.
pub(in super::super) struct Order {
    pub(super) from: Vec<u8>,
    /// The same as moves of bytes within vectors of eight coefficients, for each vector of the outcome.
    #[cfg(target_arch = "x86_64")]
    pub(super) moves: Vec<Vec<Move>>,
}

/// What comes of a vector of eight coefficients: for each byte of the outcome, the byte it is, or a number beyond 127 for none.
#[cfg(target_arch = "x86_64")]
pub(super) struct Move {
    pub(super) vector: usize,
    pub(super) bytes: [u8; 16],
}

impl Order {
    /// From the places of 64, 16, 4 or 1 coefficients.
    pub(in super::super) fn new(from: &[u8]) -> Self {
        Self {
            from: from.to_vec(),
            #[cfg(target_arch = "x86_64")]
            moves: from.chunks_exact(8).map(moves).collect(),
        }
    }

    /// Orders blocks that lie one behind the other.
    #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(unused_variables))]
    pub(in super::super) fn apply(&self, path: Runnable, values: &[i16], columns: &mut [i16]) {
        match (path.path(), self.from.len()) {
            #[cfg(target_arch = "x86_64")]
            (CodePath::Avx512, 64) => super::avx512::order(path, self, values, columns),
            #[cfg(target_arch = "x86_64")]
            (CodePath::Avx512 | CodePath::Avx2, 64 | 16) => super::avx2::order(path, self, values, columns),
            #[cfg(target_arch = "aarch64")]
            (CodePath::Neon, 64 | 16) => super::neon::order(self, values, columns),
            (_, 64) => self.one_by_one::<64>(values, columns),
            (_, 16) => self.one_by_one::<16>(values, columns),
            (_, 4) => self.one_by_one::<4>(values, columns),
            _ => columns[..values.len()].copy_from_slice(values),
        }
    }

    fn one_by_one<const KEPT: usize>(&self, values: &[i16], columns: &mut [i16]) {
        let from: [u8; KEPT] = std::array::from_fn(|slot| self.from[slot]);
        for (block, column) in values.as_chunks::<KEPT>().0.iter().zip(columns.as_chunks_mut::<KEPT>().0) {
            *column = std::array::from_fn(|slot| block[usize::from(from[slot]) % KEPT]);
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn moves(from: &[u8]) -> Vec<Move> {
    let mut moves: Vec<Move> = Vec::new();
    for (slot, &place) in from.iter().enumerate() {
        let vector = usize::from(place / 8);
        let at = moves.iter().position(|one| one.vector == vector).unwrap_or_else(|| {
            moves.push(Move { vector, bytes: [0x80; 16] });
            moves.len() - 1
        });
        moves[at].bytes[2 * slot] = place % 8 * 2;
        moves[at].bytes[2 * slot + 1] = place % 8 * 2 + 1;
    }
    moves
}
