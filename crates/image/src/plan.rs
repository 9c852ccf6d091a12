//! Geometry: which part of an original becomes which pixels of a rendition.
//!
//! Everything here is in pixels of the upright original, counted from its top left corner, and fractional: a crop is
//! centred exactly, never moved to whole pixels. The size of a rendition follows from the size of the original and the
//! [`ImageSize`] alone. This module must never look at pixels.

use crate::size_set::{Fit, ImageSize};

/// A rectangle with fractional borders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    /// The whole of a picture.
    pub(crate) fn whole(width: f64, height: f64) -> Self {
        Self { left: 0.0, top: 0.0, width, height }
    }

    /// This area as a part of another: from 0 to 1.
    pub(crate) fn within(&self, of: &Self) -> Self {
        Self {
            left: (self.left - of.left) / of.width,
            top: (self.top - of.top) / of.height,
            width: self.width / of.width,
            height: self.height / of.height,
        }
    }

    /// Whether another area lies in this one, give or take what floating point adds.
    fn contains(&self, other: &Self) -> bool {
        let within = |start: f64, length: f64, other_start: f64, other_length: f64| {
            let slack = 1e-6 * length;
            other_start >= start - slack && other_start + other_length <= start + length + slack
        };
        within(self.left, self.width, other.left, other.width) && within(self.top, self.height, other.top, other.height)
    }
}

/// What one image size takes from an original, and how large it comes out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    /// Width of the rendition in pixels.
    pub(crate) width: u32,
    /// Height of the rendition in pixels.
    pub(crate) height: u32,
    /// The part of the upright original that it shows.
    pub(crate) source: Area,
}

impl Target {
    /// Pixels of the rendition for each pixel of the original, across and down.
    pub(crate) fn density(&self) -> (f64, f64) {
        (f64::from(self.width) / self.source.width, f64::from(self.height) / self.source.height)
    }

    /// Whether `other` shows nothing that this one does not, and with no more pixels for it. One that was enlarged itself makes
    /// nothing: what is the original's own size would come out of the enlargement with halos.
    fn can_make(&self, other: &Self) -> bool {
        let (own, wanted) = (self.density(), other.density());
        let is_enlarged = own.0 > SLACK || own.1 > SLACK;
        !is_enlarged && self.source.contains(&other.source) && own.0 * SLACK >= wanted.0 && own.1 * SLACK >= wanted.1
    }
}

/// What floating point may add to two numbers that are equal.
const SLACK: f64 = 1.0 + 1e-9;

/// What a rendition is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// From the original's own pixels.
    Original,
    /// From the pixels of the rendition of this number, which is made from the original's own.
    Rendition(usize),
}

/// Chooses for each target what it is made from: the smallest rendition that has all it needs, if there is one.
pub(crate) fn sources(targets: &[Target]) -> Vec<Source> {
    let mut order: Vec<usize> = (0..targets.len()).collect();
    let pixels = |&i: &usize| u64::from(targets[i].width) * u64::from(targets[i].height);
    order.sort_by_key(|i| std::cmp::Reverse(pixels(i)));
    let mut sources = vec![Source::Original; targets.len()];
    let mut bases: Vec<usize> = Vec::new();
    for i in order {
        match bases.iter().rev().find(|&&base| targets[base].can_make(&targets[i])) {
            Some(&base) => sources[i] = Source::Rendition(base),
            None => bases.push(i),
        }
    }
    sources
}

/// Lays an upright original of `width` × `height` pixels into an image size.
pub(crate) fn target(size: &ImageSize, width: u32, height: u32) -> Target {
    match size.fit {
        Fit::Cover => cover(size, width, height),
        Fit::Inside => inside(size, width, height),
    }
}

fn cover(size: &ImageSize, width: u32, height: u32) -> Target {
    let (out_width, out_height) = cover_size(size, width, height);
    let (w, h) = (f64::from(width), f64::from(height));
    let (ow, oh) = (f64::from(out_width), f64::from(out_height));
    let original_is_wider = u64::from(width) * u64::from(out_height) > u64::from(height) * u64::from(out_width);
    let source = if original_is_wider {
        let crop = h * ow / oh;
        Area { left: (w - crop) / 2.0, top: 0.0, width: crop, height: h }
    } else {
        let crop = w * oh / ow;
        Area { left: 0.0, top: (h - crop) / 2.0, width: w, height: crop }
    };
    Target { width: out_width, height: out_height, source }
}

/// The box itself, or, if it may not enlarge, the box shrunk at its own aspect ratio until the original fills it.
fn cover_size(size: &ImageSize, width: u32, height: u32) -> (u32, u32) {
    if size.enlarge || (width >= size.width && height >= size.height) {
        return (size.width, size.height);
    }
    let width_binds = u64::from(width) * u64::from(size.height) <= u64::from(height) * u64::from(size.width);
    if width_binds {
        (width, proportion(width, size.height, size.width))
    } else {
        (proportion(height, size.width, size.height), height)
    }
}

fn inside(size: &ImageSize, width: u32, height: u32) -> Target {
    let source = Area::whole(f64::from(width), f64::from(height));
    if width <= size.width && height <= size.height {
        return Target { width, height, source };
    }
    let width_binds = u64::from(size.width) * u64::from(height) <= u64::from(size.height) * u64::from(width);
    if width_binds {
        Target { width: size.width, height: proportion(size.width, height, width), source }
    } else {
        Target { width: proportion(size.height, width, height), height: size.height, source }
    }
}

/// `side × part / whole`, the exact ratio rounded half up, at least 1.
fn proportion(side: u32, part: u32, whole: u32) -> u32 {
    let (product, whole) = (u64::from(side) * u64::from(part), u64::from(whole));
    let rounded = (2 * product + whole) / (2 * whole);
    u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32, fit: Fit, enlarge: bool) -> ImageSize {
        ImageSize { name: "t".into(), width, height, fit, quality: 82, enlarge, optimize_coding: false }
    }

    #[test]
    fn inside_rounds_half_up_and_never_enlarges() {
        let fit = |w, h| {
            let t = target(&size(1280, 1280, Fit::Inside, true), w, h);
            (t.width, t.height)
        };
        assert_eq!(fit(4000, 3000), (1280, 960));
        assert_eq!(fit(2560, 1707), (1280, 854), "853.5 rounds up");
        assert_eq!(fit(640, 480), (640, 480));
        assert_eq!(fit(20_000, 3), (1280, 1));
        assert_eq!(fit(1, 20_000), (1, 1280));
    }

    #[test]
    fn cover_has_the_size_of_its_box_and_a_centred_fractional_crop() {
        let t = target(&size(480, 640, Fit::Cover, true), 1001, 667);
        assert_eq!((t.width, t.height), (480, 640));
        assert!((t.source.width - 500.25).abs() < 1e-9);
        assert!((t.source.left - 250.375).abs() < 1e-9);
        assert!((t.source.height - 667.0).abs() < 1e-9);
    }

    #[test]
    fn cover_that_may_not_enlarge_shrinks_its_box_until_the_original_fills_it() {
        let fit = |w, h| {
            let t = target(&size(480, 640, Fit::Cover, false), w, h);
            (t.width, t.height)
        };
        assert_eq!(fit(300, 1000), (300, 400));
        assert_eq!(fit(1000, 320), (240, 320));
        assert_eq!(fit(480, 640), (480, 640));
        assert_eq!(fit(1, 1), (1, 1));
    }

    #[test]
    fn every_target_lies_within_its_original_and_its_box() {
        let sides = [1, 2, 3, 7, 99, 320, 333, 640, 1279, 1281, 19_999];
        for (w, h) in sides.iter().flat_map(|&w| sides.iter().map(move |&h| (w, h))) {
            for (bw, bh) in [(320, 320), (1, 8192), (480, 640), (8192, 8192), (7, 3)] {
                for (fit, enlarge) in [(Fit::Cover, true), (Fit::Cover, false), (Fit::Inside, true)] {
                    check(&size(bw, bh, fit, enlarge), w, h);
                }
            }
        }
    }

    #[test]
    fn crops_are_made_from_the_largest_rendition_that_has_enough() {
        let sizes = [(320, 320, Fit::Cover), (480, 640, Fit::Cover), (640, 360, Fit::Cover), (1280, 1280, Fit::Inside)];
        let of = |w, h| {
            let targets: Vec<Target> =
                sizes.iter().map(|&(bw, bh, fit)| target(&size(bw, bh, fit, true), w, h)).collect();
            sources(&targets)
        };
        let (original, last) = (Source::Original, Source::Rendition(3));
        assert_eq!(of(4000, 3000), [last, last, last, original]);
        // 256 rows are too few for any crop, but the wide one has enough for the square.
        assert_eq!(of(5000, 1000), [Source::Rendition(2), original, original, original]);
        assert_eq!(of(3000, 4001), [last, last, last, original]);
    }

    /// images.md P1: `or` of a 300x300 original came out of the enlarged `sq`.
    #[test]
    fn nothing_is_made_from_what_was_enlarged() {
        let sizes = [(320, 320, Fit::Cover), (480, 640, Fit::Cover), (640, 360, Fit::Cover), (1280, 1280, Fit::Inside)];
        for side in [40, 299, 300, 301, 319, 320, 321, 479, 500, 639, 641] {
            let targets: Vec<Target> =
                sizes.iter().map(|&(bw, bh, fit)| target(&size(bw, bh, fit, true), side, side)).collect();
            for source in sources(&targets) {
                let Source::Rendition(base) = source else { continue };
                let density = targets[base].density();
                assert!(density.0 <= SLACK && density.1 <= SLACK, "{side}: {base} is enlarged {density:?}");
            }
        }
    }

    fn check(size: &ImageSize, w: u32, h: u32) {
        let t = target(size, w, h);
        let what = format!("{size:?} of {w}x{h}: {t:?}");
        assert!(t.width >= 1 && t.height >= 1 && t.width <= size.width && t.height <= size.height, "{what}");
        if !size.enlarge || size.fit == Fit::Inside {
            assert!(t.width <= w && t.height <= h, "{what}");
        } else {
            assert_eq!((t.width, t.height), (size.width, size.height), "{what}");
        }
        let a = t.source;
        assert!(a.left >= 0.0 && a.top >= 0.0 && a.width > 0.0 && a.height > 0.0, "{what}");
        assert!(a.left + a.width <= f64::from(w) + 1e-6 && a.top + a.height <= f64::from(h) + 1e-6, "{what}");
    }
}
