//! Four inks. Inside, 0 is no ink and 255 all of it, as ICC profiles have it.

use crate::picture;

/// Inks from samples of a CMYK picture, which are inverted (255 is no ink).
pub(super) fn from_cmyk(samples: [u8; 4]) -> [u8; 4] {
    samples.map(|sample| 255 - sample)
}

/// Inks from samples of a YCCK picture: Y, Cb and Cr stand for the complements of C, M and Y.
pub(super) fn from_ycck([y, blue, red, black]: [u8; 4]) -> [u8; 4] {
    let [r, g, b] = picture::to_rgb([y, blue, red]);
    from_cmyk([255 - r, 255 - g, 255 - b, black])
}

/// Light that is left after each ink has taken its share; for want of a profile.
pub(super) fn to_rgb(inks: &[u8], rgb: &mut [u8]) {
    for ([c, m, y, k], rgb) in inks.as_chunks().0.iter().zip(rgb.as_chunks_mut::<3>().0) {
        *rgb = [*c, *m, *y].map(|ink| {
            let light = u32::from(255 - ink) * u32::from(255 - k);
            u8::try_from((light + 127) / 255).unwrap_or(u8::MAX)
        });
    }
}
