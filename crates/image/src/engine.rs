//! The pipeline: header, plan, decode, resize, colour, encode.
//!
//! The original is decoded once, to planes no larger than the renditions need. The largest rendition is made from
//! those, the others from its pixels wherever it has all they need. Pixels stay in the original's own components, at
//! their own sizes, unless its colours have to be converted; orientation costs a mirrored resize.

use crate::code_path::CodePath;
use crate::colour::{self, Conversion};
use crate::decode::{self, Scale};
use crate::encode;
use crate::header::{self, ColourModel, Component, Header};
use crate::orient::Turn;
use crate::picture::{Picture, PlaneSize};
use crate::plan::{self, Area, Source, Target};
use crate::planes::Plane;
use crate::resize::{Axis, Kernels, Resize, Span, transpose};
use crate::{ImageSize, Inspected, Limits, Rejection, Rendered, Rendition, SizeSet};

pub(crate) fn render(
    original: &[u8],
    size_set: &SizeSet,
    limits: &Limits,
    path: CodePath,
) -> Result<Rendered, Rejection> {
    let header = header::read_header(original, limits)?;
    let turn = Turn::new(header.orientation);
    let (width, height) = turn.size(header.width, header.height);
    let targets: Vec<Target> = size_set.sizes().iter().map(|size| plan::target(size, width, height)).collect();
    let sources = plan::sources(&targets);
    let conversion = Conversion::new(&header);
    let from_original = targets.iter().zip(&sources).filter(|(_, source)| **source == Source::Original);
    let needs: Vec<Need> = from_original.map(|(target, _)| Need::new(target, turn)).collect();
    let scales = scales(&header, &needs, &conversion);
    let planes = decode::decode(original, &header, &scales, path)
        .map_err(|rejection| if rejection.size.is_none() { rejection.of_size(width, height) } else { rejection })?;
    let original = Original { planes, width: header.width, height: header.height, turn, conversion };
    let renditions = make_all(original, size_set.sizes(), &targets, &sources, path);
    Ok(Rendered { width, height, renditions })
}

/// Decodes all of an original, whose acceptance no scale changes, and makes nothing of it.
pub(crate) fn inspect(original: &[u8], limits: &Limits, path: CodePath) -> Result<Inspected, Rejection> {
    let header = header::read_header(original, limits)?;
    let (width, height) = header.upright_size();
    let scales = vec![Scale::Eighth; header.components.len()];
    decode::decode(original, &header, &scales, path)
        .map_err(|rejection| if rejection.size.is_none() { rejection.of_size(width, height) } else { rejection })?;
    let is_cmyk = matches!(header.colour, ColourModel::Cmyk | ColourModel::Ycck);
    Ok(Inspected { width, height, is_cmyk })
}

/// Encodes RGB pixels, three bytes each.
pub(crate) fn encode_rgb(rgb: &[u8], width: usize, height: usize, quality: u8, path: CodePath) -> Vec<u8> {
    assert_eq!(rgb.len(), 3 * width * height, "three bytes a pixel");
    let picture =
        Picture::from_rgb_rows(width, height, |y, row| row.copy_from_slice(&rgb[3 * width * y..][..3 * width]));
    encode::encode(&picture, quality, false, path)
}

/// A decoded original.
struct Original {
    planes: Vec<Plane>,
    /// Width and height as coded, in pixels.
    width: u32,
    height: u32,
    turn: Turn,
    conversion: Conversion,
}

/// Makes what needs the original first, so that its planes are gone when the rest is made.
fn make_all(
    original: Original,
    sizes: &[ImageSize],
    targets: &[Target],
    sources: &[Source],
    path: CodePath,
) -> Vec<Rendition> {
    let mut bases: Vec<Option<Picture>> = targets.iter().map(|_| None).collect();
    for (i, target) in targets.iter().enumerate() {
        if sources[i] == Source::Original {
            bases[i] = Some(original.make(target, path));
        }
    }
    drop(original);
    let finish = |((size, target), (source, base)): ((&ImageSize, &Target), (&Source, &Option<Picture>))| {
        let made;
        let picture = match (source, base) {
            (Source::Rendition(of), _) => {
                made = cascade(bases[*of].as_ref().expect("made above"), &targets[*of], target, path);
                &made
            }
            (Source::Original, picture) => picture.as_ref().expect("made above"),
        };
        let jpeg = encode::encode(picture, size.quality, size.optimize_coding, path);
        Rendition { image_size: size.name.clone(), width: target.width, height: target.height, jpeg }
    };
    sizes.iter().zip(targets).zip(sources.iter().zip(&bases)).map(finish).collect()
}

/// What a target asks of the planes of the original, as it was coded.
struct Need {
    /// The part of the picture it shows, in pixels of the original.
    width: f64,
    height: f64,
    /// Pixels it makes of that.
    out_width: f64,
    out_height: f64,
}

impl Need {
    fn new(target: &Target, turn: Turn) -> Self {
        let (width, height) = turn.size(target.source.width, target.source.height);
        let (out_width, out_height) = turn.size(f64::from(target.width), f64::from(target.height));
        Self { width, height, out_width, out_height }
    }

    /// Whether a component that has this share of the picture's samples has enough of them, if it comes out at `out`
    /// samples for each pixel of the target.
    fn met_by(&self, share: (f64, f64), out: f64) -> bool {
        (self.width * share.0).ceil() >= self.out_width * out && (self.height * share.1).ceil() >= self.out_height * out
    }
}

/// Samples that a scale must leave for each pixel that is made of them. A block's own transform lets frequencies just above
/// the scale's limit through as ones just below it; with less room than this, the resizing cannot take them away any more, and fine stripes come
/// out as coarse ones (images.md P3; `tests/stripes.rs` holds every ratio against a full decode). Colour differences are left at
/// 1: they come out at half the size, where nobody sees it.
const HEADROOM: f64 = 1.5;

/// The smallest scale of each component that still has samples enough for what is made of it.
fn scales(header: &Header, needs: &[Need], conversion: &Conversion) -> Vec<Scale> {
    let most = |factor: fn(&Component) -> u8| header.components.iter().map(factor).max().unwrap_or(1);
    let (most_h, most_v) = (most(|c| c.h), most(|c| c.v));
    let scale = |(i, component): (usize, &Component)| {
        // Chroma comes out at half the size; not so where pixels are converted one by one.
        let out = if i > 0 && !matches!(conversion, Conversion::Pixels(_)) { 0.5 } else { 1.0 };
        let share = (f64::from(component.h) / f64::from(most_h), f64::from(component.v) / f64::from(most_v));
        let headroom = if i == 0 || conversion.is_of_separate_colours() { HEADROOM } else { 1.0 };
        let enough = |part: f64| needs.iter().all(|need| need.met_by((share.0 * part, share.1 * part), out * headroom));
        let smaller = [(Scale::Eighth, 0.125), (Scale::Quarter, 0.25), (Scale::Half, 0.5)];
        smaller.into_iter().find(|scale| enough(scale.1)).map_or(Scale::Full, |scale| scale.0)
    };
    header.components.iter().enumerate().map(scale).collect()
}

impl Original {
    /// Makes a rendition's pixels from the decoded planes.
    fn make(&self, target: &Target, path: CodePath) -> Picture {
        let (width, height) = (target.width as usize, target.height as usize);
        let (luma, chroma) = (PlaneSize::luma(width, height), PlaneSize::chroma(width, height));
        match &self.conversion {
            Conversion::Pixels(pixels) => pixels.convert(&self.resized(target, luma, luma, path)),
            Conversion::Tones(tones) => {
                let mut planes = self.resized(target, luma, luma, path);
                for plane in &mut planes {
                    colour::map_tones(plane, tones);
                }
                Picture { width, height, planes }
            }
            Conversion::None => Picture { width, height, planes: self.resized(target, luma, chroma, path) },
        }
    }

    /// All planes, upright, the first at one size and the others at another.
    fn resized(&self, target: &Target, first: PlaneSize, others: PlaneSize, path: CodePath) -> Vec<Plane> {
        let mut resizes = Resizes::new(self.part_of(target), self.turn, path);
        let sizes = std::iter::once(first).chain(std::iter::repeat(others));
        let planes = self.planes.iter().zip(sizes).map(|(plane, size)| resizes.apply(plane, size));
        planes.map(|plane| if self.turn.transpose { transpose(&plane) } else { plane }).collect()
    }

    /// What a target shows, as a part of the picture as it was coded: from 0 to 1.
    fn part_of(&self, target: &Target) -> Area {
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let area = self.turn.coded_area(target.source, width, height);
        area.within(&Area::whole(width, height))
    }
}

/// Makes a rendition's pixels from those of another, whose part of the original holds all of its own.
fn cascade(base: &Picture, base_target: &Target, target: &Target, path: CodePath) -> Picture {
    let (width, height) = (target.width as usize, target.height as usize);
    let mut resizes = Resizes::new(target.source.within(&base_target.source), Turn::default(), path);
    let sizes = [PlaneSize::luma(width, height), PlaneSize::chroma(width, height), PlaneSize::chroma(width, height)];
    let planes = base.planes.iter().zip(sizes).map(|(plane, size)| resizes.apply(plane, size)).collect();
    Picture { width, height, planes }
}

/// Resizes planes of one picture, as it was coded; those that are alike by the same weights.
struct Resizes {
    /// The part of the picture to show, from 0 to 1.
    part: Area,
    turn: Turn,
    path: CodePath,
    kernels: Kernels,
    last: Option<(PlaneSize, PlaneSize, Resize)>,
}

impl Resizes {
    fn new(part: Area, turn: Turn, path: CodePath) -> Self {
        Self { part, turn, path, kernels: Kernels::default(), last: None }
    }

    /// Resizes a plane to what `size` is before rows and columns are exchanged.
    fn apply(&mut self, plane: &Plane, size: PlaneSize) -> Plane {
        let from = PlaneSize { width: plane.width, height: plane.height, extent: plane.extent };
        let resize = match self.last.take() {
            Some((last_from, last_size, resize)) if (last_from, last_size) == (from, size) => resize,
            _ => self.make(from, size),
        };
        let resized = resize.apply(plane);
        self.last = Some((from, size, resize));
        resized
    }

    fn make(&mut self, from: PlaneSize, size: PlaneSize) -> Resize {
        let (columns, rows) = self.turn.size(size.width, size.height);
        let extent = self.turn.size(size.extent.0, size.extent.1);
        let span = |start: f64, length: f64, extent: f64, mirrored| Span {
            start: start * extent,
            length: length * extent,
            mirrored,
        };
        let across = span(self.part.left, self.part.width, from.extent.0, self.turn.flip_x);
        let down = span(self.part.top, self.part.height, from.extent.1, self.turn.flip_y);
        let columns = Axis::new(from.width, across, extent.0, columns, &mut self.kernels);
        let rows = Axis::new(from.height, down, extent.1, rows, &mut self.kernels);
        Resize::new(columns, rows, extent, self.path)
    }
}
