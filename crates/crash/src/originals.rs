//! What the clients upload: small photos drawn once, what each becomes, and originals that must be rejected.
//!
//! The expected renditions are made here by the engine itself, so that an image that is served tells which original it
//! was made from. Nothing is read from disk.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use cameo_image::{ImageSize, Limits, SizeSet};
use md5::{Digest, Md5};

use crate::size_sets::{SIZE_SETS, sizes_of};

/// Photos that differ.
pub const GOODS: usize = 96;
/// Originals that must be rejected: cut off, no JPEG, empty.
pub const BADS: usize = 9;
/// Width and height of a drawn photo, pixels.
const DRAWN: (u32, u32) = (48, 36);
const QUALITY: u8 = 85;

/// What a client uploads: an index into the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Photo {
    /// Becomes renditions.
    Good(usize),
    /// Is rejected.
    Bad(usize),
}

/// Name, width and height.
type SizeKey = (String, u32, u32);

/// Image size with its dimensions → the `ETag`s that its rendition may have. The engine decodes an original once for all image sizes of a
/// set, no finer than they need, so the pixels of one depend on the others.
type Renditions = BTreeMap<SizeKey, BTreeSet<String>>;

/// An original.
#[derive(Debug)]
struct Original {
    bytes: Vec<u8>,
    etags: [String; 2],
    renditions: Renditions,
}

/// Everything that is uploaded.
#[derive(Debug)]
pub struct Pool {
    goods: Vec<Original>,
    bads: Vec<Original>,
}

impl Pool {
    /// Draws everything.
    pub fn draw() -> Result<Self> {
        let sets: Vec<_> = (0..SIZE_SETS).map(sizes_of).collect();
        let goods = (0..GOODS).map(|n| good(n, &sets)).collect::<Result<Vec<_>>>()?;
        let bads = (0..BADS).map(|n| Original::new(bad(n, &goods[n].bytes), Renditions::new())).collect();
        Ok(Self { goods, bads })
    }

    fn original(&self, content: Photo) -> &Original {
        match content {
            Photo::Good(n) => &self.goods[n],
            Photo::Bad(n) => &self.bads[n],
        }
    }

    /// The bytes.
    pub fn bytes(&self, content: Photo) -> Vec<u8> {
        self.original(content).bytes.clone()
    }

    /// Whether an object of this `ETag` has this content, uploaded in one piece or as one part.
    pub fn is(&self, content: Photo, etag: &str) -> bool {
        self.original(content).etags.iter().any(|known| known == etag)
    }

    /// The photo whose rendition at an image size has this `ETag`.
    pub fn photo_of(&self, image_size: &ImageSize, etag: &str) -> Option<usize> {
        let key = key_of(image_size);
        self.goods.iter().position(|good| good.renditions.get(&key).is_some_and(|known| known.contains(etag)))
    }
}

impl Original {
    fn new(bytes: Vec<u8>, renditions: Renditions) -> Self {
        let whole = Md5::digest(&bytes);
        let as_one_part = format!("{}-1", hex::encode(Md5::digest(whole)));
        Self { etags: [hex::encode(whole), as_one_part], bytes, renditions }
    }
}

fn key_of(size: &ImageSize) -> SizeKey {
    (size.name.clone(), size.width, size.height)
}

fn good(n: usize, sets: &[Vec<ImageSize>]) -> Result<Original> {
    let bytes = draw(n);
    let mut renditions = Renditions::new();
    for sizes in sets {
        let keys: BTreeMap<_, _> = sizes.iter().map(|size| (size.name.clone(), key_of(size))).collect();
        let set = SizeSet::new(sizes.clone()).context("the size set of the harness")?;
        let rendered = cameo_image::render(&bytes, &set, &Limits::default())
            .map_err(|rejection| anyhow::anyhow!("a drawn photo was rejected: {rejection:?}"))?;
        for rendition in rendered.renditions {
            let key = keys.get(&rendition.image_size).context("an image size that nobody asked for")?;
            renditions.entry(key.clone()).or_default().insert(hex::encode(Md5::digest(&rendition.jpeg)));
        }
    }
    Ok(Original::new(bytes, renditions))
}

/// Stripes whose widths and colours tell the number.
fn draw(n: usize) -> Vec<u8> {
    let (width, height) = DRAWN;
    let level = |x: usize, factor: usize| u8::try_from((x * factor + n * 37) % 256).unwrap_or(0);
    let pixel = |i: usize| {
        let (x, y) = (i % width as usize, i / width as usize);
        [level(x, 5 + n % 3), level(y, 7), level(x / (2 + n % 11), 40)]
    };
    let rgb: Vec<u8> = (0..(width * height) as usize).flat_map(pixel).collect();
    cameo_image::encode_rgb(&rgb, width, height, QUALITY)
}

fn bad(n: usize, good: &[u8]) -> Vec<u8> {
    match n % 3 {
        0 => good[..good.len() / 2 + n].to_vec(),
        1 => [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[u8::try_from(n).unwrap_or(0); 64]].concat(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_photos_share_a_rendition() {
        let pool = Pool::draw().unwrap();
        for size in (0..SIZE_SETS).flat_map(sizes_of) {
            let of_each: Vec<_> = pool.goods.iter().map(|good| &good.renditions[&key_of(&size)]).collect();
            let etags: BTreeSet<_> = of_each.iter().copied().flatten().collect();
            assert_eq!(etags.len(), of_each.iter().map(|etags| etags.len()).sum::<usize>(), "{}", size.name);
        }
    }

    /// What stands is recognised whatever image sizes were made beside it.
    #[test]
    fn a_rendition_of_every_size_set_is_known() {
        let pool = Pool::draw().unwrap();
        for sizes in (0..SIZE_SETS).map(sizes_of) {
            let set = SizeSet::new(sizes.clone()).unwrap();
            for n in 0..8 {
                let rendered = cameo_image::render(&pool.bytes(Photo::Good(n)), &set, &Limits::default()).unwrap();
                for (size, rendition) in sizes.iter().zip(&rendered.renditions) {
                    assert_eq!(size.name, rendition.image_size);
                    let etag = hex::encode(Md5::digest(&rendition.jpeg));
                    assert_eq!(pool.photo_of(size, &etag), Some(n), "{}", size.name);
                }
            }
        }
    }

    #[test]
    fn bad_originals_are_rejected() {
        let pool = Pool::draw().unwrap();
        let sizes = SizeSet::new(sizes_of(0)).unwrap();
        for n in 0..BADS {
            let bytes = pool.bytes(Photo::Bad(n));
            assert!(cameo_image::render(&bytes, &sizes, &Limits::default()).is_err(), "{n}");
        }
    }
}
