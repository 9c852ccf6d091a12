//! Progressive pictures of made-up bits: every code path reads them alike, whatever they say.
//!
//! Their Huffman tables have codes for nothing but what a refinement may hold, so that many of them are pictures.

use super::{decode_at, rows};
use crate::CodePath;
use crate::decode::Scale;

/// Pixels on a side: 4 by 4 blocks.
const SIDE: u8 = 32;

struct Noise(u32);

impl Noise {
    fn next(&mut self, below: u32) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from((self.0 >> 16) % below).unwrap_or(u8::MAX)
    }
}

fn marker(code: u8, body: &[u8]) -> Vec<u8> {
    [&[0xFF, code, 0, u8::try_from(body.len() + 2).expect("short")], body].concat()
}

/// A table whose symbols have codes of 1, 2, 3 and so on bits, so that next to no bits are no code.
fn table(class: u8, symbols: &[u8]) -> Vec<u8> {
    let mut counts = [0_u8; 16];
    counts[..symbols.len()].fill(1);
    marker(0xC4, &[&[class], &counts[..], symbols].concat())
}

/// A scan of a band of the only component, from bit `high` to bit `low`.
fn scan(noise: &mut Noise, (start, end): (u8, u8), (high, low): (u8, u8), file: &mut Vec<u8>) {
    file.extend(marker(0xDA, &[1, 1, 0, start, end, high << 4 | low]));
    file.extend((0..1_500).map(|_| noise.next(255)));
}

fn picture(seed: u32) -> Vec<u8> {
    let mut noise = Noise(seed);
    let mut file = vec![0xFF, 0xD8];
    file.extend(marker(0xDB, &[&[0][..], &[3; 64]].concat()));
    file.extend(marker(0xC2, &[8, 0, SIDE, 0, SIDE, 1, 1, 0x11, 0]));
    file.extend(table(0x00, &[0, 1, 2, 3, 4, 5]));
    scan(&mut noise, (0, 0), (0, 1), &mut file);
    scan(&mut noise, (0, 0), (1, 0), &mut file);
    // Bands that end within the block and with it.
    for (start, end) in [(1, 5 + noise.next(30)), (40, 63)] {
        file.extend(table(0x10, &[0x00, 0x01, 0x11, 0x02, 0x21, 0x13, 0x10, 0x31]));
        scan(&mut noise, (start, end), (0, 2), &mut file);
        file.extend(table(0x10, &[0x00, 0x01, 0x11, 0x21, 0x10, 0x31, 0xF0, 0x20, 0x51, 0x61, 0x41]));
        scan(&mut noise, (start, end), (2, 1), &mut file);
        scan(&mut noise, (start, end), (1, 0), &mut file);
    }
    file.extend([0xFF, 0xD9]);
    file
}

#[test]
fn all_code_paths_read_made_up_scans_alike() {
    let (mut accepted, mut rejected) = (0, 0);
    for seed in 0..400 {
        let file = picture(seed);
        for scale in [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth] {
            let answer = |path| match decode_at(&file, scale, path) {
                Ok((_, planes)) => Ok(rows(&planes[0]).map(<[u8]>::to_vec).collect::<Vec<_>>()),
                Err(rejection) => Err(rejection.to_string()),
            };
            let want = answer(CodePath::Portable);
            for path in CodePath::available() {
                assert!(answer(path) == want, "{seed} {scale:?} differs on {path:?}");
            }
            *if want.is_ok() { &mut accepted } else { &mut rejected } += 1;
        }
    }
    assert!(accepted > 40 && rejected > 40, "{accepted} accepted, {rejected} rejected: nothing was compared");
}
