//! A sample delivery, drawn here: each photo shows its `cd_idx` and sequence in large digits, so that a person sees that
//! the right picture stands in the right place.

use std::path::Path;

use anyhow::Context as _;

/// The vertical of the sample delivery.
pub(crate) const VERTICAL: &str = "sample_shop";

/// Entities, their numbers of photos, and the photos' width and height.
const ENTITIES: [(u64, u16, (u32, u32)); 12] = [
    (1001, 1, (1600, 1200)),
    (1002, 2, (1200, 1600)),
    (1003, 1, (1500, 1500)),
    (1004, 1, (1600, 900)),
    (1005, 3, (1280, 960)),
    (1006, 1, (900, 1600)),
    (1007, 1, (1600, 1067)),
    (1008, 2, (1400, 1050)),
    (1009, 1, (2000, 1000)),
    (1010, 1, (1024, 768)),
    (1011, 1, (768, 1024)),
    (1012, 1, (1600, 1200)),
];

const QUALITY: u8 = 90;
/// Cells of a glyph, across and down.
const GLYPH: (u32, u32) = (5, 7);

/// Draws the sample delivery into a folder.
pub(crate) fn draw_delivery(folder: &Path) -> anyhow::Result<()> {
    for (cd_idx, photos, size) in ENTITIES {
        for sequence in 0..photos {
            let path = folder.join(format!("{cd_idx}_{sequence}.jpg"));
            let jpeg = draw_photo(cd_idx, sequence, size);
            std::fs::write(&path, jpeg).with_context(|| format!("failed to write {}", path.display()))?;
        }
    }
    Ok(())
}

fn draw_photo(cd_idx: u64, sequence: u16, (width, height): (u32, u32)) -> Vec<u8> {
    let text = format!("{cd_idx}_{sequence}");
    let ink = Ink::of(&text, width, height);
    let hue = cd_idx.wrapping_mul(47).wrapping_add(u64::from(sequence) * 120) % 360;
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            rgb.extend(if ink.covers(x, y) { [255, 255, 255] } else { background(hue, x, y, width, height) });
        }
    }
    cameo_image::encode_rgb(&rgb, width, height, QUALITY)
}

/// Where the digits are: as large as fit the middle, which every crop keeps.
struct Ink {
    rows: Vec<[u8; 7]>,
    cell: u32,
    left: u32,
    top: u32,
}

impl Ink {
    fn of(text: &str, width: u32, height: u32) -> Self {
        let rows: Vec<_> = text.chars().map(glyph).collect();
        let columns = u32::try_from(rows.len()).unwrap_or(1) * (GLYPH.0 + 1) - 1;
        let cell = (width.min(height) * 9 / 10 / columns).max(1);
        let left = (width - columns * cell) / 2;
        Self { rows, cell, left, top: (height - GLYPH.1 * cell) / 2 }
    }

    fn covers(&self, x: u32, y: u32) -> bool {
        let (Some(x), Some(y)) = (x.checked_sub(self.left), y.checked_sub(self.top)) else { return false };
        let (column, row) = (x / self.cell, y / self.cell);
        let Some(glyph) = self.rows.get((column / (GLYPH.0 + 1)) as usize) else { return false };
        let bit = column % (GLYPH.0 + 1);
        row < GLYPH.1 && bit < GLYPH.0 && glyph[row as usize] >> (GLYPH.0 - 1 - bit) & 1 == 1
    }
}

/// A colour that darkens towards the lower right.
fn background(hue: u64, x: u32, y: u32, width: u32, height: u32) -> [u8; 3] {
    let light = 200 - (x * 60 / width + y * 60 / height);
    let wave = |shift: u64| {
        let angle = (hue + shift) % 360;
        let level = if angle < 180 { angle } else { 360 - angle };
        u8::try_from((u64::from(light) * (level + 60) / 240).min(255)).unwrap_or(u8::MAX)
    };
    [wave(0), wave(120), wave(240)]
}

/// A character as seven rows of five bits.
fn glyph(c: char) -> [u8; 7] {
    match c {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        '3' => [0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        _ => [0, 0, 0, 0, 0, 0, 0b11111],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_photo_is_a_jpeg_of_its_size_and_no_two_are_alike() {
        let first = draw_photo(1001, 0, (160, 120));
        let rendered = cameo_image::render(&first, &cameo_image::SizeSet::default(), &cameo_image::Limits::default());
        let rendered = rendered.unwrap();
        assert_eq!((rendered.width, rendered.height), (160, 120));
        assert_ne!(first, draw_photo(1001, 1, (160, 120)));
    }

    #[test]
    fn digits_are_drawn_in_the_middle() {
        let ink = Ink::of("1001_0", 350, 350);
        assert!((0..350).any(|x| ink.covers(x, 175)));
        assert!(!ink.covers(0, 0));
    }
}
