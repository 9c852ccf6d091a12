//! Whether commas in the numbers of a list are thousand separators: `351,518` may be one id, or two of a list.
//!
//! One number alone cannot show it, so the whole list decides. Commas are separators of thousands where there are two such numbers at least,
//! where every number is written so, and where the groups of digits do not ascend from the first number to the last, as ids in their order
//! would. In any other case nobody can tell, and each such number is reported instead of read.

use super::cells::is_thousands;

/// What `351,518` is in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thousands {
    /// One number.
    Separated,
    /// Nobody can tell.
    Unsure,
}

impl Thousands {
    /// What the numbers of a list, or of its column of ids, show together.
    pub(crate) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let (mut numbers, mut last, mut ascend) = (0_usize, 0_u64, true);
        for text in texts {
            let text = text.trim();
            if !text.contains(|c: char| c.is_numeric()) {
                continue;
            }
            if !is_thousands(text) {
                return Self::Unsure;
            }
            numbers += 1;
            for group in text.split(',') {
                let group = group.parse().unwrap_or(0);
                ascend &= group > last;
                last = group;
            }
        }
        if numbers >= 2 && !ascend { Self::Separated } else { Self::Unsure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_thousands_only_where_the_whole_list_shows_it() {
        for (texts, expected) in [
            (&["351,518", "351,519"][..], Thousands::Separated),
            (&["1,234", "", "가", "12,345"], Thousands::Separated),
            (&["351,518"], Thousands::Unsure),
            (&["101,102", "103,104"], Thousands::Unsure),
            (&["351,518", "1001"], Thousands::Unsure),
            (&["351,518", "351,519", "7"], Thousands::Unsure),
            (&["351,518", "351,519", "1,2"], Thousands::Unsure),
            (&[], Thousands::Unsure),
        ] {
            assert_eq!(Thousands::of(texts.iter().copied()), expected, "{texts:?}");
        }
    }
}
