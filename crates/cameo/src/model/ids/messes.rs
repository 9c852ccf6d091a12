//! Lists in messes made by chance, for the tests of whatever reads lists: each id that is written is read, or the place where it is
//! is reported; and none is made up.

use std::collections::BTreeSet;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::*;

/// A list that somebody wrote.
#[derive(Debug)]
pub(crate) struct Mess {
    pub(crate) bytes: Vec<u8>,
    pub(crate) text: String,
    /// The ids that it is meant to have, each with the line at which its row begins.
    pub(crate) ids: Vec<(u64, usize)>,
    /// Whether nothing in it is a slip: all of it must be read.
    pub(crate) is_clean: bool,
}

struct Writer {
    random: StdRng,
    text: String,
    ids: Vec<(u64, usize)>,
    is_clean: bool,
    /// Whether spellings may be wrong.
    may_slip: bool,
    /// Whether it writes a list of SQL, where a comma is no thousand separator.
    is_in_sql: bool,
}

const NAMES: [&str; 6] = ["홍길동", "임꺽정", "A shop", "", "가나 다", "O'Neill"];
const NOTES: [&str; 6] = ["", "급함", "\"a, b; c\"", "\"first\nsecond\"", "5\" wide", "made in (Korea)"];
const SLIPS: [&str; 4] = ["\"wide", "\"", "\"a\"b\"", "'"];

impl Writer {
    fn one_of(&mut self, of: &[&'static str]) -> &'static str {
        of.choose(&mut self.random).copied().unwrap_or_default()
    }

    fn slips(&mut self, one_in: u32) -> bool {
        let slips = self.may_slip && self.random.random_ratio(1, one_in);
        self.is_clean &= !slips;
        slips
    }

    fn line(&self) -> usize {
        self.text.matches('\n').count() + 1
    }

    /// Writes an id in one of its spellings.
    fn id(&mut self) {
        let id = self.random.random_range(1000..10_000_000_u64);
        let line = self.line();
        self.ids.push((id, line));
        let digits = id.to_string();
        let (head, tail) = digits.split_at(digits.len() / 2);
        let thousands = {
            let (head, tail) = digits.split_at(digits.len() - 3);
            if head.len() > 3 || self.is_in_sql { digits.clone() } else { format!("{head},{tail}") }
        };
        let spelling = if self.slips(12) {
            let wrong = [
                format!("{id}번"),
                format!("{head}\u{200b}{tail}"),
                format!("{head} {tail}x"),
                format!("{id}²"),
                format!("{id}~{}", id + 3),
                format!("{head}.{tail}"),
                thousands,
                format!("\"{id}"),
                format!("{id}①"),
                format!("-{id}"),
            ];
            wrong.choose(&mut self.random).cloned().unwrap_or_default()
        } else {
            let full_width = digits.bytes().filter_map(|byte| char::from_u32(u32::from(byte - b'0') + '０' as u32));
            let right = [
                digits.clone(),
                digits.clone(),
                digits.clone(),
                full_width.collect(),
                format!("00{id}"),
                format!("{id}.0"),
                format!("\"{id}\""),
                format!("=\"{id}\""),
                format!("\u{200e}{id}"),
                format!(" {id}\u{a0}"),
            ];
            right.choose(&mut self.random).cloned().unwrap_or_default()
        };
        self.text.push_str(&spelling);
    }

    fn ids_between(&mut self, separators: &[&'static str]) {
        let count = self.random.random_range(2..5);
        let separator = self.one_of(separators);
        for n in 0..count {
            if n > 0 {
                self.text.push_str(separator);
            }
            self.id();
        }
    }

    fn list(&mut self) {
        let header =
            self.one_of(&["", "", "cd_idx\n", "번호\n", "상품 목록\n", "CD_IDX(상품번호)\n", "11월 26일 전달\n"]);
        self.text.push_str(header);
        let separators = [", ", "\t", ";", " ", "、 ", "，\u{3000}", "\n"];
        for _ in 0..self.random.random_range(1..6) {
            self.ids_between(&separators);
            self.text.push('\n');
        }
        if self.slips(6) {
            let note = self.one_of(&["이상 끝\n", "총 세 건입니다\n", "\"끝\n", "(끝)\n"]);
            self.text.push_str(note);
        }
    }

    fn table(&mut self) {
        let separator = self.one_of(&[",", ";", "\t"]);
        let columns = match self.random.random_range(0..4) {
            0 => ["cd_idx", "이름", "비고"],
            1 => ["이름", "상품번호", "비고"],
            2 => ["비고", "이름", "ID"],
            _ => ["name", "번호", "memo"],
        };
        self.text.push_str(&columns.join(separator));
        self.text.push('\n');
        for _ in 0..self.random.random_range(2..8) {
            let (line, before) = (self.line(), self.ids.len());
            for (n, column) in columns.iter().enumerate() {
                if n > 0 {
                    self.text.push_str(separator);
                }
                match *column {
                    "이름" | "name" => {
                        let name = self.one_of(&NAMES);
                        self.text.push_str(name);
                    }
                    "비고" | "memo" => {
                        let slips = self.slips(8);
                        let note = self.one_of(if slips { &SLIPS } else { &NOTES });
                        self.text.push_str(note);
                    }
                    _ => self.id(),
                }
            }
            if self.slips(10) {
                self.text.push_str(separator);
                self.id();
            }
            // A row of several lines is named by its first.
            self.ids[before..].iter_mut().for_each(|(_, at)| *at = line);
            self.text.push('\n');
        }
    }

    fn sql(&mut self) {
        let before = self.one_of(&[
            "",
            "SELECT * FROM celeb_image_url t WHERE vertical = 'v2' AND ",
            "where sequence in (0, 1) and ",
        ]);
        let is_around = before.is_empty();
        if is_around && self.random.random() {
            self.ids_between(&[", ", "\n"]);
            self.text.push('\n');
        }
        self.text.push_str(before);
        self.text.push_str("cd_idx IN (");
        self.is_in_sql = true;
        self.ids_between(&[", ", ",\n"]);
        self.is_in_sql = false;
        let after = self.one_of(&[")", ");", ") LIMIT 10;", ")\nORDER BY 1, 2"]);
        self.text.push_str(after);
        self.text.push('\n');
        if self.random.random() {
            self.ids_between(&[", ", "\n"]);
        }
    }
}

/// A mess by a number.
pub(crate) fn mess(seed: u64) -> Mess {
    let random = StdRng::seed_from_u64(seed);
    let mut writer = Writer {
        random,
        text: String::new(),
        ids: Vec::new(),
        is_clean: true,
        may_slip: seed % 2 == 1,
        is_in_sql: false,
    };
    match seed / 2 % 3 {
        0 => writer.list(),
        1 => writer.table(),
        _ => writer.sql(),
    }
    let end = writer.one_of(&["\n", "\n", "\r\n", "\r"]);
    let Writer { mut random, text, ids, is_clean, .. } = writer;
    let ended = text.replace('\n', end);
    let (cp949, _, is_lossy) = encoding_rs::EUC_KR.encode(&ended);
    let utf16 = || ended.encode_utf16();
    let bytes = match random.random_range(0..5) {
        0 => [b"\xef\xbb\xbf", ended.as_bytes()].concat(),
        1 => std::iter::once(0xfeff).chain(utf16()).flat_map(u16::to_le_bytes).collect(),
        2 => std::iter::once(0xfeff).chain(utf16()).flat_map(u16::to_be_bytes).collect(),
        3 if !is_lossy => cp949.into_owned(),
        _ => ended.clone().into_bytes(),
    };
    Mess { bytes, text, ids, is_clean }
}

/// How many messes are tried.
pub(crate) const MESSES: u64 = 6000;

#[test]
fn of_any_mess_each_id_is_read_or_its_place_is_named() {
    let (mut read, mut refused) = (0, 0);
    for seed in 0..MESSES {
        let mess = mess(seed);
        let written: BTreeSet<u64> = mess.ids.iter().map(|(id, _)| *id).collect();
        match parse_ids(&mess.bytes) {
            Ok(found) => {
                read += 1;
                assert_eq!(BTreeSet::from_iter(found.ids), written, "{seed}: {:?}", mess.text);
            }
            Err(error) => {
                refused += 1;
                assert!(!mess.is_clean, "{seed}: {error}: {:?} {:?}", mess.text, mess.ids);
                let places = match error {
                    IdsError::Unreadable(places) => places,
                    IdsError::SeveralColumns(_) => continue,
                    error => panic!("{seed}: {error}: {:?} {:?}", mess.text, mess.ids),
                };
                let lines: Vec<&str> = mess.text.split('\n').collect();
                for place in places {
                    let bare =
                        |text: &str| -> String { normalise(text).chars().filter(|c| c.is_alphanumeric()).collect() };
                    let line = bare(lines.get(place.line - 1).unwrap_or(&""));
                    let start = bare(place.text.split('\n').next().unwrap_or_default());
                    assert!(line.contains(&start), "{seed}: {place:?}: {:?}", mess.text);
                }
            }
        }
    }
    assert!(read > MESSES / 3 && refused > MESSES / 10, "{read} read, {refused} refused");
}
