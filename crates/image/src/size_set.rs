//! Size sets: which renditions an original is made into.

/// How an original is laid into the box of an image size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// Fill the box and crop what stands over, centred. The rendition has exactly the size of the box; a smaller
    /// original is enlarged unless `enlarge` is off, in which case the box shrinks, at its own aspect ratio, until the original fills it.
    Cover,
    /// Fit inside the box, whole. The rendition has the aspect ratio of the original, at least 1 pixel a side, and is never larger than the original.
    Inside,
}

/// A named target of a size set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageSize {
    /// Name in addresses and rows: 1–32 characters of `a–z 0–9`, `_` and `-` excluded (they separate the parts of an address).
    pub name: String,
    /// Width of the box in pixels, 1–8192.
    pub width: u32,
    /// Height of the box in pixels, 1–8192.
    pub height: u32,
    /// How the original is laid into the box.
    pub fit: Fit,
    /// JPEG quality, 1–100, on the scale of the Independent JPEG Group's library.
    pub quality: u8,
    /// Whether `cover` may enlarge an original that is smaller than the box.
    pub enlarge: bool,
    /// Whether the Huffman tables are made for each rendition (smaller files, a little more time) or are those of the standard's Annex K.
    pub optimize_coding: bool,
}

/// The image sizes that every original of a vertical is made into.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SizeSet {
    sizes: Vec<ImageSize>,
}

/// Why a list of image sizes is no size set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeSetError {
    /// No image size.
    #[error("a size set needs at least one image size")]
    Empty,
    /// Too many image sizes.
    #[error("a size set has at most {max} image sizes, this one has {found}", max = SizeSet::MAX_SIZES)]
    TooMany {
        /// How many there are.
        found: usize,
    },
    /// Two image sizes of one name.
    #[error("image size {name:?} is in the size set twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A name outside the grammar.
    #[error("image size {name:?}: a name is 1 to 32 of a–z and 0–9")]
    Name {
        /// The name.
        name: String,
    },
    /// A side or a quality outside its range.
    #[error("image size {name:?}: {field} is {found}, it must be {min} to {max}")]
    Range {
        /// The name of the image size.
        name: String,
        /// Which field.
        field: &'static str,
        /// What stands there.
        found: u32,
        /// The least that may stand there.
        min: u32,
        /// The most that may stand there.
        max: u32,
    },
}

impl SizeSet {
    /// Image sizes in a set, at most.
    pub const MAX_SIZES: usize = 32;
    /// Side of an image size in pixels, at most.
    pub const MAX_SIDE: u32 = 8192;

    /// Checks a list of image sizes.
    pub fn new(sizes: Vec<ImageSize>) -> Result<Self, SizeSetError> {
        if sizes.is_empty() {
            return Err(SizeSetError::Empty);
        }
        if sizes.len() > Self::MAX_SIZES {
            return Err(SizeSetError::TooMany { found: sizes.len() });
        }
        for (i, size) in sizes.iter().enumerate() {
            size.check()?;
            if sizes[..i].iter().any(|other| other.name == size.name) {
                return Err(SizeSetError::Duplicate { name: size.name.clone() });
            }
        }
        Ok(Self { sizes })
    }

    /// The image sizes, in the order given.
    pub fn sizes(&self) -> &[ImageSize] {
        &self.sizes
    }
}

impl Default for SizeSet {
    /// The default size set: `sq` 320×320, `ve` 480×640 and `ho` 640×360, cover; `or` inside 1280×1280; all at quality 82.
    fn default() -> Self {
        let size = |name: &str, width, height, fit| ImageSize {
            name: name.to_owned(),
            width,
            height,
            fit,
            quality: 82,
            enlarge: true,
            optimize_coding: false,
        };
        Self {
            sizes: vec![
                size("sq", 320, 320, Fit::Cover),
                size("ve", 480, 640, Fit::Cover),
                size("ho", 640, 360, Fit::Cover),
                size("or", 1280, 1280, Fit::Inside),
            ],
        }
    }
}

impl ImageSize {
    fn check(&self) -> Result<(), SizeSetError> {
        let name_ok = (1..=32).contains(&self.name.len())
            && self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !name_ok {
            return Err(SizeSetError::Name { name: self.name.clone() });
        }
        let in_range = |field, found: u32, max| {
            if (1..=max).contains(&found) {
                Ok(())
            } else {
                Err(SizeSetError::Range { name: self.name.clone(), field, found, min: 1, max })
            }
        };
        in_range("width", self.width, SizeSet::MAX_SIDE)?;
        in_range("height", self.height, SizeSet::MAX_SIDE)?;
        in_range("quality", u32::from(self.quality), 100)
    }
}
