//! How a name looks to people: which names a new account may have, so that nobody takes it for somebody else's.
//!
//! The rule is said to whoever chooses a name, and the tables are Unicode's (UTS #39): letters that are used in names, of one script or of
//! Hangul, Han and Latin together, in their plain form, and digits 0 to 9. An account that is older than the rule keeps its name: it is
//! looked up by [`fold`] alone.

use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton};

use super::{NAME_MAX_CHARS, fold};

/// A name for a new account, as it is stored. An error says what is wrong with it.
pub fn fold_new(name: &str) -> Result<String, String> {
    let folded = fold(name)?;
    let wrong = |what: &str| {
        let shown: String = folded.chars().take(NAME_MAX_CHARS).collect();
        Err(format!("{shown:?} is not a name for an account: {what}"))
    };
    if !folded.nfkc().eq(folded.chars()) {
        return wrong("write letters and digits in their plain form, neither wide nor joined nor raised");
    }
    let signs: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    if signs.chars().any(|c| c.is_numeric() && !c.is_ascii_digit()) {
        return wrong("use the digits 0 to 9");
    }
    if !signs.chars().all(GeneralSecurityProfile::identifier_allowed) {
        return wrong("use letters that can be seen and are in everyday use");
    }
    if signs.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive {
        return wrong("use letters of one script, or Hangul and Latin ones: others look like them");
    }
    Ok(folded)
}

/// What names have in common that look alike: `kim1` and `kiml`, the Latin and the Cyrillic `a`.
pub fn shape(name: &str) -> String {
    skeleton(name).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_is_of_letters_that_nobody_mistakes() {
        for good in ["kim", "Kim.CS@example.com", "김철수", "김kim", "jose-2", "박_1", "北京", "łukasz", "josé"]
        {
            assert!(fold_new(good).is_ok(), "{good}: {:?}", fold_new(good));
        }
        for (bad, says) in [
            ("\u{ff4b}\u{ff49}\u{ff4d}", "plain form"),
            ("k\u{2071}m", "plain form"),
            ("\u{fb01}lm", "plain form"),
            ("kim\u{663}", "digits 0 to 9"),
            ("kim\u{2460}", "plain form"),
            ("kim\u{3164}", ""),
            ("\u{115f}kim", ""),
            ("ad\u{43c}in", "one script"),
            ("\u{430}dmin", "one script"),
            ("kim\u{3bf}", "one script"),
            ("\u{1d4c}im", ""),
            ("ki\u{200b}m", ""),
            ("ki\u{202e}m", ""),
            ("ki\u{34f}m", ""),
            ("a b", "1 to 64"),
        ] {
            let fault = fold_new(bad).expect_err(bad);
            assert!(fault.contains(says), "{bad:?}: {fault}");
        }
    }

    #[test]
    fn names_that_look_alike_have_one_shape() {
        for (one, other) in [
            ("kim1", "kiml"),
            ("ceo", "\u{441}\u{435}\u{43e}"),
            ("o0", "oo"),
            ("modern", "modem"),
            ("김철수", "김철수"),
        ] {
            assert_eq!(shape(one), shape(other), "{one} {other}");
        }
        for (one, other) in [("kim", "kin"), ("김철수", "김철순"), ("kim", "lee"), ("kim2", "kim3")] {
            assert_ne!(shape(one), shape(other), "{one} {other}");
        }
    }
}
