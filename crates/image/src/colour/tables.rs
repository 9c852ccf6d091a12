//! Profiles that are tables (`A2B0`: lut8, lut16, lutAToB; ICC.1:2010, 10.8 to 10.10), evaluated pixel by pixel.
//!
//! A grid of a few thousand colours, in gamma, is what colour engines usually make of such a profile. It clips at its own points: colours near the
//! border of sRGB came out up to 194 levels beside lcms's with a strongly curved profile (XYB, as jpegli writes it). So every stage is evaluated
//! here as it is stated, in floating point, and clipped once, at the end. Perceptual intent, and with it the black point is compensated
//! for, as lcms does towards a version 4 sRGB. A table that contradicts itself is no profile.

use moxcms::{
    ColorProfile, DataColorSpace, LutDataType, LutMultidimensionalType, LutStore, LutWarehouse, ToneReprCurve,
};

/// XYZ of the profile connection space's white (D50), as profiles encode it.
const D50: [f32; 3] = [0.9642, 1.0, 0.8249];
/// Black of the perceptual intent of version 4 (ICC.1:2010, 6.3.4.3), XYZ.
const PERCEPTUAL_BLACK: [f32; 3] = [0.003_36, 0.003_473_1, 0.002_87];
/// From XYZ under D50 to linear sRGB (IEC 61966-2-1, adapted by Bradford).
const XYZ_TO_SRGB: [[f32; 3]; 3] =
    [[3.134_187, -1.617_209, -0.490_694], [-0.978_749, 1.916_13, 0.033_433], [0.071_964, -0.228_994, 1.405_754]];
/// What 1.0 means in the encoding of XYZ (ICC.1:2010, 6.3.4.2).
const XYZ_SCALE: f32 = 1.0 + 32_767.0 / 32_768.0;
/// What a 16-bit table of version 2 has for 1.0 of Lab (ICC.1:2010, 10.8, note).
const LAB_V2_SCALE: f32 = 65_535.0 / 65_280.0;
/// Steps of a curve that is evaluated often.
const STEPS: usize = 4096;
/// Lightness of a black, at most: a profile whose darkest colour is lighter means something else by it (as lcms has it).
const BLACK_LIGHTNESS_MAX: f32 = 50.0;

/// A profile of tables, from 3 or 4 components to sRGB.
pub(super) struct Tables {
    channels: usize,
    /// For each component, what becomes of its 256 values.
    inputs: Vec<[f32; 256]>,
    grid: Option<Grid>,
    middle: Option<([Curve; 3], Matrix)>,
    outputs: [Curve; 3],
    space: Space,
    /// What XYZ is multiplied by, and what is added, so that the profile's black is black.
    black: [(f32, f32); 3],
    /// From linear light, in steps, to gamma.
    gamma: Vec<f32>,
}

/// The profile connection space.
#[derive(Clone, Copy)]
enum Space {
    Xyz,
    Lab,
    LabV2,
}

struct Matrix {
    rows: [[f32; 3]; 3],
    bias: [f32; 3],
}

impl Matrix {
    fn apply(&self, v: [f32; 3]) -> [f32; 3] {
        std::array::from_fn(|i| self.rows[i].iter().zip(v).map(|(a, b)| a * b).sum::<f32>() + self.bias[i])
    }
}

/// A curve from 0..=1, in equal steps; none where it changes nothing.
struct Curve(Option<Vec<f32>>);

impl Curve {
    fn of(curve: &ToneReprCurve) -> Option<Self> {
        let is_straight = match curve {
            ToneReprCurve::Lut(points) => points.is_empty(),
            ToneReprCurve::Parametric(parameters) => matches!(parameters[..], [gamma] if (gamma - 1.0).abs() < 1e-6),
        };
        if is_straight {
            return Some(Self(None));
        }
        let evaluator = curve.make_linear_evaluator().ok()?;
        let steps = u16::try_from(STEPS).unwrap_or(u16::MAX);
        Some(Self(Some((0..=steps).map(|i| evaluator.evaluate_value(f32::from(i) / f32::from(steps))).collect())))
    }

    fn at(&self, x: f32) -> f32 {
        self.0.as_ref().map_or(x, |points| between(points, x))
    }
}

/// The value at `x`, of 0..=1, between equally spaced points.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few points")]
fn between(points: &[f32], x: f32) -> f32 {
    let last = points.len() - 1;
    let place = x.clamp(0.0, 1.0) * last as f32;
    let low = (place as usize).min(last);
    let (a, b) = (points[low], points[(low + 1).min(last)]);
    a + (b - a) * (place - low as f32)
}

/// A table of colours over all components.
struct Grid {
    /// Points along each component.
    points: Vec<usize>,
    /// Three values for each point; the last component varies fastest.
    colours: Vec<[f32; 3]>,
}

impl Grid {
    fn new(points: Vec<usize>, store: &LutStore) -> Option<Self> {
        let values = unit(store);
        let count = points.iter().try_fold(1_usize, |all, &n| all.checked_mul(n))?;
        let is_whole = points.iter().all(|&n| n >= 1) && values.len() == count.checked_mul(3)?;
        is_whole.then(|| Self { points, colours: values.as_chunks().0.to_vec() })
    }

    /// The colour at a place: linear along the first of four components, and in the others by the tetrahedron of the grid's cell
    /// that it lies in, as lcms has it.
    fn at(&self, place: &[f32]) -> [f32; 3] {
        match (place, &self.points[..]) {
            (&[first, second, third], &[..]) => self.tetrahedron(0, [first, second, third]),
            (&[first, second, third, fourth], &[count, ..]) => {
                let (low, high, part) = cell(first, count);
                let (rest, step) = ([second, third, fourth], self.colours.len() / count);
                let below = self.tetrahedron(low * step, rest);
                if part == 0.0 {
                    return below;
                }
                let above = self.tetrahedron(high * step, rest);
                std::array::from_fn(|i| below[i] + (above[i] - below[i]) * part)
            }
            _ => [0.0; 3],
        }
    }

    /// The colour at a place of the last three components, in the part of the grid that begins at `from`.
    fn tetrahedron(&self, from: usize, place: [f32; 3]) -> [f32; 3] {
        let points = &self.points[self.points.len() - 3..];
        let cells = [0, 1, 2].map(|i| cell(place[i], points[i]));
        let steps = [points[1] * points[2], points[2], 1];
        let base = from + (0..3).map(|i| cells[i].0 * steps[i]).sum::<usize>();
        // From the cell's low corner to its high one, along the components in the order of their parts.
        let mut order = [0, 1, 2];
        order.sort_by(|&a, &b| cells[b].2.total_cmp(&cells[a].2));
        let mut at = base;
        let mut colour = self.colours[at];
        for component in order {
            let next = at + (cells[component].1 - cells[component].0) * steps[component];
            let (a, b) = (self.colours[at], self.colours[next]);
            for (value, (a, b)) in colour.iter_mut().zip(a.iter().zip(b)) {
                *value += (b - a) * cells[component].2;
            }
            at = next;
        }
        colour
    }
}

/// The points around a place of 0..=1, and how far it is from the lower one to the upper.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few points")]
fn cell(place: f32, points: usize) -> (usize, usize, f32) {
    let last = points - 1;
    let place = place.clamp(0.0, 1.0) * last as f32;
    let low = (place as usize).min(last);
    (low, (low + 1).min(last), place - low as f32)
}

/// The values of a table as parts of 1.
fn unit(store: &LutStore) -> Vec<f32> {
    match store {
        LutStore::Store8(values) => values.iter().map(|&value| f32::from(value) / 255.0).collect(),
        LutStore::Store16(values) => values.iter().map(|&value| f32::from(value) / 65_535.0).collect(),
    }
}

impl Tables {
    /// The perceptual table of a profile, if it has one that can be read.
    pub(super) fn of(profile: &ColorProfile, channels: usize) -> Option<Self> {
        let mut tables = match profile.lut_a_to_b_perceptual.as_ref()? {
            LutWarehouse::Lut(lut) => Self::of_lut(lut, profile.pcs, channels)?,
            LutWarehouse::Multidimensional(lut) => Self::of_stages(lut, profile.pcs, channels)?,
        };
        let is_version_4 = profile.version() as u32 >= 0x0400_0000;
        let black = if is_version_4 { PERCEPTUAL_BLACK } else { tables.darkest() };
        tables.black = std::array::from_fn(|i| {
            let scale = D50[i] / (D50[i] - black[i]);
            (scale, -black[i] * scale)
        });
        Some(tables)
    }

    fn new(channels: usize, inputs: Vec<[f32; 256]>, outputs: [Curve; 3], space: Space) -> Self {
        let steps = u16::try_from(STEPS).unwrap_or(u16::MAX);
        let gamma = (0..=steps).map(|i| encode(f32::from(i) / f32::from(steps))).collect();
        Self { channels, inputs, grid: None, middle: None, outputs, space, black: [(1.0, 0.0); 3], gamma }
    }

    fn of_lut(lut: &LutDataType, pcs: DataColorSpace, channels: usize) -> Option<Self> {
        if usize::from(lut.num_input_channels) != channels || lut.num_output_channels != 3 {
            return None;
        }
        let is_16_bit = matches!(lut.clut_table, LutStore::Store16(_));
        let curves = |store: &LutStore, entries: u16, count: usize| -> Option<Vec<Vec<f32>>> {
            let values = unit(store);
            let entries = usize::from(entries);
            let is_whole = entries >= 2 && values.len() == entries * count;
            is_whole.then(|| values.chunks_exact(entries).map(<[f32]>::to_vec).collect())
        };
        let inputs = curves(&lut.input_table, lut.num_input_table_entries, channels)?;
        let outputs = curves(&lut.output_table, lut.num_output_table_entries, 3)?;
        let outputs: [Vec<f32>; 3] = outputs.try_into().ok()?;
        let inputs = inputs.iter().map(|curve| eight_bit(|x| between(curve, x))).collect();
        let mut tables = Self::new(channels, inputs, outputs.map(|curve| Curve(Some(curve))), space(pcs, is_16_bit)?);
        tables.grid = Some(Grid::new(vec![usize::from(lut.num_clut_grid_points); channels], &lut.clut_table)?);
        Some(tables)
    }

    fn of_stages(lut: &LutMultidimensionalType, pcs: DataColorSpace, channels: usize) -> Option<Self> {
        if usize::from(lut.num_input_channels) != channels || lut.num_output_channels != 3 {
            return None;
        }
        let three = |curves: &[ToneReprCurve]| -> Option<[Curve; 3]> {
            if curves.is_empty() {
                return Some([Curve(None), Curve(None), Curve(None)]);
            }
            curves.iter().map(Curve::of).collect::<Option<Vec<_>>>()?.try_into().ok()
        };
        let inputs = match lut.a_curves.len() {
            0 => vec![eight_bit(|x| x); channels],
            n if n == channels => {
                let curves = lut.a_curves.iter().map(Curve::of).collect::<Option<Vec<_>>>()?;
                curves.iter().map(|curve| eight_bit(|x| curve.at(x))).collect()
            }
            _ => return None,
        };
        let mut tables = Self::new(channels, inputs, three(&lut.b_curves)?, space(pcs, false)?);
        match &lut.clut {
            Some(store) => {
                let points = lut.grid_points.get(..channels)?.iter().map(|&n| usize::from(n)).collect();
                tables.grid = Some(Grid::new(points, store)?);
            }
            None if channels == 3 => {}
            None => return None,
        }
        if !lut.m_curves.is_empty() {
            tables.middle = Some((three(&lut.m_curves)?, matrix(lut)));
        }
        Some(tables)
    }

    /// The XYZ of all ink, or of no light, as neutral as lcms takes it.
    fn darkest(&self) -> [f32; 3] {
        let components = if self.channels == 4 { [255; 4] } else { [0; 4] };
        let [_, y, _] = self.to_xyz(&components[..self.channels]);
        let lightness = (116.0 * lab_f(y.max(0.0)) - 16.0).clamp(0.0, BLACK_LIGHTNESS_MAX);
        xyz_of_lab([lightness, 0.0, 0.0])
    }

    fn to_xyz(&self, components: &[u8]) -> [f32; 3] {
        let mut place = [0.0; 4];
        for ((place, input), &value) in place.iter_mut().zip(&self.inputs).zip(components) {
            *place = input[usize::from(value)];
        }
        let mut colour = match &self.grid {
            Some(grid) => grid.at(&place[..self.channels]),
            None => [place[0], place[1], place[2]],
        };
        if let Some((curves, matrix)) = &self.middle {
            colour = matrix.apply(std::array::from_fn(|i| curves[i].at(colour[i])));
        }
        let pcs: [f32; 3] = std::array::from_fn(|i| self.outputs[i].at(colour[i]));
        match self.space {
            Space::Xyz => pcs.map(|value| value * XYZ_SCALE),
            Space::Lab => xyz_of_lab([pcs[0] * 100.0, pcs[1] * 255.0 - 128.0, pcs[2] * 255.0 - 128.0]),
            Space::LabV2 => {
                let pcs = pcs.map(|value| value * LAB_V2_SCALE);
                xyz_of_lab([pcs[0] * 100.0, pcs[1] * 255.0 - 128.0, pcs[2] * 255.0 - 128.0])
            }
        }
    }

    /// Converts interleaved samples.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    pub(super) fn to_srgb(&self, samples: &[u8], srgb: &mut [u8]) {
        let mut last: Option<(&[u8], [u8; 3])> = None;
        for (components, rgb) in samples.chunks_exact(self.channels).zip(srgb.as_chunks_mut::<3>().0) {
            // Neighbours are often alike, and a colour costs some hundred operations.
            if let Some((same, converted)) = last
                && same == components
            {
                *rgb = converted;
                continue;
            }
            let xyz = self.to_xyz(components);
            let xyz: [f32; 3] = std::array::from_fn(|i| xyz[i] * self.black[i].0 + self.black[i].1);
            *rgb = XYZ_TO_SRGB.map(|row| {
                let light: f32 = row.iter().zip(xyz).map(|(a, b)| a * b).sum();
                (self.encoded(light) * 255.0 + 0.5) as u8
            });
            last = Some((components, *rgb));
        }
    }

    /// Gamma of linear light. The curve is steep near black, where a step of the table would be too coarse.
    fn encoded(&self, light: f32) -> f32 {
        if light < 0.02 { encode(light.max(0.0)) } else { between(&self.gamma, light) }
    }
}

/// What becomes of each value of a byte.
fn eight_bit(curve: impl Fn(f32) -> f32) -> [f32; 256] {
    std::array::from_fn(|i| curve(f32::from(u8::try_from(i).unwrap_or(u8::MAX)) / 255.0))
}

fn space(pcs: DataColorSpace, is_16_bit_table: bool) -> Option<Space> {
    match pcs {
        DataColorSpace::Xyz => Some(Space::Xyz),
        DataColorSpace::Lab if is_16_bit_table => Some(Space::LabV2),
        DataColorSpace::Lab => Some(Space::Lab),
        _ => None,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "profiles state 32 bits")]
fn matrix(lut: &LutMultidimensionalType) -> Matrix {
    Matrix { rows: lut.matrix.v.map(|row| row.map(|value| value as f32)), bias: lut.bias.v.map(|value| value as f32) }
}

/// Gamma of sRGB.
fn encode(light: f32) -> f32 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// The function of CIE 1976 L*a*b*, of a part of white.
fn lab_f(t: f32) -> f32 {
    if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 }
}

fn xyz_of_lab([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let y = (lightness + 16.0) / 116.0;
    let back = |t: f32| if t > 6.0 / 29.0 { t * t * t } else { (116.0 * t - 16.0) * 27.0 / 24_389.0 };
    [back(y + a / 500.0) * D50[0], back(y) * D50[1], back(y - b / 200.0) * D50[2]]
}
