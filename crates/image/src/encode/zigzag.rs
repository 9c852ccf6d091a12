//! The order of coefficients in a file: from low to high frequencies, in a zigzag (ITU-T T.81, figure 5).
//!
//! *Natural* order is row by row; *transposed* order, column by column, is how the forward DCT leaves a block.

/// The place in natural order of each coefficient of the file.
pub(super) const NATURAL: [u8; 64] = natural();
/// The place in transposed order of each coefficient of the file.
pub(super) const TRANSPOSED: [u8; 64] = transposed();
/// Turns a set of places in transposed order, a bit each, into one in the order of the file.
pub(super) fn set_of_transposed(set: u64) -> u64 {
    let bytes = set.to_le_bytes();
    (0..8).fold(0, |all, i| all | SETS[i][usize::from(bytes[i])])
}

static SETS: [[u64; 256]; 8] = sets();

const fn natural() -> [u8; 64] {
    let mut order = [0; 64];
    let (mut x, mut y, mut k) = (0_u8, 0_u8, 0);
    while k < 64 {
        order[k] = y * 8 + x;
        let up = (x + y) % 2 == 0;
        (x, y) = match (up, x, y) {
            (true, 7, _) | (false, 0, 0..7) => (x, y + 1),
            (true, _, 0) | (false, _, 7) => (x + 1, y),
            (true, ..) => (x + 1, y - 1),
            (false, ..) => (x - 1, y + 1),
        };
        k += 1;
    }
    order
}

const fn transposed() -> [u8; 64] {
    let mut order = natural();
    let mut k = 0;
    while k < 64 {
        order[k] = order[k] % 8 * 8 + order[k] / 8;
        k += 1;
    }
    order
}

const fn sets() -> [[u64; 256]; 8] {
    let mut sets = [[0; 256]; 8];
    let mut k = 0;
    while k < 64 {
        let place = TRANSPOSED[k] as usize;
        let mut byte = 0;
        while byte < 256 {
            if byte >> (place % 8) & 1 == 1 {
                sets[place / 8][byte] |= 1 << k;
            }
            byte += 1;
        }
        k += 1;
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zigzag_begins_and_ends_as_the_standard_says() {
        assert_eq!(NATURAL[..10], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]);
        assert_eq!(NATURAL[60..], [47, 55, 62, 63]);
        assert_eq!(TRANSPOSED[..4], [0, 8, 1, 2]);
    }

    #[test]
    fn sets_are_reordered() {
        for (k, place) in TRANSPOSED.iter().enumerate() {
            assert_eq!(set_of_transposed(1 << place), 1 << k);
        }
        assert_eq!(set_of_transposed(u64::MAX), u64::MAX);
    }
}
