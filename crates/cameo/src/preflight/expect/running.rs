//! Whether a column that is named as one of sequences has sequences: lists of offices number their rows, and `순번` is the name of both.
//!
//! Sequences begin again with each entity, at 0. What counts all rows through has none, and who takes it for sequences makes up photos that
//! nobody handed over.

use std::collections::BTreeSet;

/// Headers that name the sequence of a photo and nothing else.
const CLEAR: [&str; 4] = ["sequence", "seq", "사진순번", "사진번호"];

/// Whether the numbers of a column are sequences, each beside the id of its row, in the order of the rows.
pub(super) fn are_sequences(header: &str, numbers: &[(u64, u16)]) -> bool {
    let entities: BTreeSet<u64> = numbers.iter().map(|(id, _)| *id).collect();
    let first = numbers.first().map_or(0, |(_, number)| *number);
    let counts_rows = first <= 1 && numbers.iter().zip(first..).all(|((_, number), n)| *number == n);
    if counts_rows && entities.len() > 1 {
        return false;
    }
    // Whoever counts from 1 does so in words of their own, too.
    CLEAR.contains(&header) || numbers.is_empty() || numbers.iter().any(|(_, number)| *number == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_rows_is_no_sequence() {
        for (header, numbers, are) in [
            ("순번", &[(1001, 1), (1002, 2), (1003, 3)][..], false),
            ("순번", &[(1001, 0), (1002, 1)], false),
            ("순번", &[(1001, 1), (1001, 2), (1002, 3)], false),
            ("sequence", &[(1001, 1), (1002, 2), (1003, 3)], false),
            ("순번", &[(1001, 1), (1001, 2), (1002, 1)], false),
            ("순번", &[(1001, 1)], false),
            ("순번", &[(1001, 0)], true),
            ("순번", &[(1001, 0), (1001, 1), (1002, 0)], true),
            ("순번", &[(1001, 0), (1001, 1), (1001, 2)], true),
            ("순번", &[(1001, 0), (1002, 0), (1003, 0)], true),
            ("sequence", &[(1001, 1)], true),
            ("사진순번", &[(1001, 1), (1001, 2), (1002, 1)], true),
            ("순번", &[], true),
        ] {
            assert_eq!(are_sequences(header, numbers), are, "{header} {numbers:?}");
        }
    }
}
