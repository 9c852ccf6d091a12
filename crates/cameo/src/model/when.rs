//! Times as people read them: in the configured zone, with its name. Programs get RFC 3339 in UTC.

use jiff::{Timestamp, tz::TimeZone};

/// `2026-11-26 18:30:00 KST`.
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_their_own_time() {
        let at: Timestamp = "2026-11-26T15:30:00.75Z".parse().unwrap();
        assert_eq!(local(at, &TimeZone::get("Asia/Seoul").unwrap()), "2026-11-27 00:30:00 KST");
        assert_eq!(local(at, &TimeZone::UTC), "2026-11-26 15:30:00 UTC");
    }
}
