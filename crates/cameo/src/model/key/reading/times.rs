//! Numbers of a name that are dates and times: they are nobody's.

/// What messengers call the files that they send.
const MESSENGERS: [&str; 4] = ["kakaotalk", "signal-", "whatsapp", "telegram"];

/// Whether a name is a date and a time, as telephones and messengers give it: `KakaoTalk_20261125_143022123_01`, `IMG_20261125_143022`,
/// `20261125_143022`.
pub(super) fn is_named_by_time(stem: &str) -> bool {
    let mut numbers = stem.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
    let stem = stem.to_ascii_lowercase();
    if MESSENGERS.iter().any(|name| stem.starts_with(name)) {
        return true;
    }
    numbers.next().is_some_and(is_date) && numbers.next().is_some_and(|time| (6..=9).contains(&time.len()))
}

/// Whether a number is a day, such as `20261125`.
pub(super) fn is_date(number: &str) -> bool {
    let number: u32 = number.parse().ok().filter(|_| number.len() == 8).unwrap_or(0);
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Whether a number may be the year of a photo.
pub(super) fn is_year(number: &str) -> bool {
    number.parse::<u32>().is_ok_and(|year| number.len() == 4 && (1950..2040).contains(&year))
}
