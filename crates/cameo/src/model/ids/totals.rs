//! Rows of totals: a number in them counts others, and is no id.

use super::simple_header;

/// What such rows are called; case, spaces and marks do not matter.
const TOTALS: [&str; 19] = [
    "합계",
    "총계",
    "소계",
    "계",
    "총합계",
    "총합",
    "총계합",
    "누계",
    "합",
    "총",
    "총수",
    "총개수",
    "총건수",
    "total",
    "totals",
    "grandtotal",
    "subtotal",
    "sum",
    "합산",
];

/// Whether a cell says that its row sums up others.
pub(crate) fn is_total(text: &str) -> bool {
    let name = simple_header(text);
    TOTALS.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_totals_are_known_by_their_names() {
        for text in ["합계", " 합 계 :", "소계", "Total", "TOTAL:", "Grand total", "sub-total", "(총계)", "계"]
        {
            assert!(is_total(text), "{text}");
        }
        for text in ["", "1001", "합계 3장", "계란", "Summer", "total shop"] {
            assert!(!is_total(text), "{text}");
        }
    }
}
