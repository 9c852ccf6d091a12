//! The decoder against libjpeg's (as mozjpeg builds it, `islow`, without smoothing): they accept and reject alike, and
//! what both accept has the same samples within 1.
//!
//! libjpeg decodes on after most faults and only warns. A file that it warns of may be accepted here if that does no harm: its
//! samples must then be libjpeg's all the same. Where the two may differ is listed in [`is_our_limit`], [`LIBJPEG_BLIND_TO`],
//! [`has_no_means_for`], [`goes_on_behind`] and [`quantises_beyond_samples`], each with its reason, and nowhere else. Blocks with a sample at 0 or 255 are not compared: damaged
//! coefficients leave the range, where libjpeg wraps around and this decoder stays at the end.
#![no_main]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use cameo_image::internals::{CodePath, PlaneView, decode_planes};
use cameo_image::{Limits, Reason, Rejection};
use libfuzzer_sys::fuzz_target;
use mozjpeg::{DctMethod, Decompress};
use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr};

/// Pixels of a picture, at most: the fuzzer is to spend its time on odd files, not on large ones.
const MAX_PIXELS: u64 = 1 << 16;
/// Faults that libjpeg passes over in silence, as this decoder's details begin.
const LIBJPEG_BLIND_TO: [&str; 9] = [
    // It drops what lies behind the last coefficient.
    "a block has more than 64 coefficients",
    // Far from the end of the data its faster decoder takes such a code for 0.
    "the data have a code that is not in its Huffman table",
    // It takes the bits that are missing for zeros, as a viewer does that shows a picture while it is loaded.
    "scans are missing",
    "a component has no scan",
    // It puts in the tables of the standard, for frames of Motion JPEG.
    "the first scan needs",
    "DC Huffman table ",
    "AC Huffman table ",
    // It takes any precision but 0 for 16 bits, and looks at the number of a Huffman table only when it needs the table.
    "a quantisation table of precision",
    "Huffman tables ",
];
/// The most that a sample may differ by.
const MOST: u8 = 1;
/// Samples to a side of a block.
const SIDE: usize = 8;

/// What libjpeg says to a file.
#[derive(Debug)]
enum Theirs {
    /// Its samples, the components of a pixel side by side, smaller planes enlarged by repeating samples.
    Accepted {
        width: usize,
        height: usize,
        samples: Vec<u8>,
    },
    /// It warned, and was stopped for it.
    Warned,
    Refused,
    /// It was not asked to the end.
    TooLarge,
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { max_pixels: MAX_PIXELS, ..Limits::default() };
    match decode_planes(bytes, &limits, &[1], CodePath::detect()) {
        Ok(planes) => match theirs(bytes, warn_not) {
            Theirs::Accepted { .. } if goes_on_behind(bytes, planes.len()) || quantises_beyond_samples(bytes) => {}
            Theirs::Accepted { width, height, samples } => compare(&planes, width, height, &samples),
            theirs => assert!(has_no_means_for(bytes, &planes), "accepted here, {theirs:?} there"),
        },
        Err(rejection) if is_our_limit(&rejection) => {}
        Err(rejection) => {
            let theirs = theirs(bytes, warn);
            let blind = LIBJPEG_BLIND_TO.iter().any(|detail| rejection.detail.starts_with(detail));
            assert!(blind || !matches!(theirs, Theirs::Accepted { .. }), "{rejection:?} here, accepted there");
        }
    }
});

/// Whether this is refused for what it asks, not for a fault.
fn is_our_limit(rejection: &Rejection) -> bool {
    matches!(
        rejection.reason,
        Reason::TooLarge
            | Reason::TooManyPixels
            | Reason::TooManyScans
            | Reason::UnsupportedProcess
            | Reason::UnsupportedPrecision
            | Reason::UnsupportedComponents
    )
}

/// What libjpeg refuses because it cannot do it: a height told behind the scan, planes that are no whole part of the picture, and a sequential
/// picture of several scans, behind which there is a fault: it reads to the end before it decodes.
fn has_no_means_for(bytes: &[u8], planes: &[PlaneView]) -> bool {
    let defines_lines_late = count(bytes, 0xDC) > 0;
    let has_late_fault = is_sequential(bytes) && count(bytes, 0xDA) > 1;
    let (width, height) = largest(planes);
    let whole = |ratio: f64| (ratio - ratio.round()).abs() < 1e-9;
    let odd_sampling = planes.iter().any(|plane| !whole(width / plane.extent.0) || !whole(height / plane.extent.1));
    defines_lines_late || has_late_fault || odd_sampling
}

/// Whether a sequential picture may go on when each component had its scan, because one is scanned again: here it is complete then, and libjpeg
/// puts the later scan in the place of the first.
fn goes_on_behind(bytes: &[u8], components: usize) -> bool {
    let in_scan = |scan: &[u8]| if scan.starts_with(&[0xFF, 0xDA]) { usize::from(scan[4]) } else { 0 };
    is_sequential(bytes) && bytes.windows(5).map(in_scan).sum::<usize>() > components
}

/// Whether a step of 16 bits is so large that any coefficient times it lies beyond what samples of 8 bits can give: such products wrap around at
/// 16 bits here, on every code path, and later there.
fn quantises_beyond_samples(bytes: &[u8]) -> bool {
    const STEP_MAX: u16 = 1 << 14;
    let begins = |at: &usize| bytes[*at..].starts_with(&[0xFF, 0xDB]);
    let steps = |at: usize| bytes[at + 4..].iter().zip(&bytes[at + 5..]).take(4 * 129);
    let tables = (0..bytes.len().saturating_sub(5)).filter(begins).filter(|at| bytes[at + 4] >> 4 != 0);
    tables
        .into_iter()
        .any(|at| steps(at).skip(1).step_by(2).any(|(&high, &low)| u16::from_be_bytes([high, low]) > STEP_MAX))
}

/// Whether the first frame is: what lies behind the picture may be another.
fn is_sequential(bytes: &[u8]) -> bool {
    let mut frames = bytes.windows(2).filter(|marker| marker[0] == 0xFF && matches!(marker[1], 0xC0..=0xC2));
    frames.next().is_some_and(|frame| frame[1] != 0xC2)
}

fn count(bytes: &[u8], marker: u8) -> usize {
    bytes.windows(2).filter(|two| *two == [0xFF, marker]).count()
}

fn largest(planes: &[PlaneView]) -> (f64, f64) {
    planes.iter().fold((0.0, 0.0), |most: (f64, f64), plane| (most.0.max(plane.extent.0), most.1.max(plane.extent.1)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
fn compare(planes: &[PlaneView], width: usize, height: usize, samples: &[u8]) {
    let size = largest(planes);
    assert_eq!((size.0 as usize, size.1 as usize), (width, height));
    for (component, plane) in planes.iter().enumerate() {
        let (across, down) = ((size.0 / plane.extent.0).round() as usize, (size.1 / plane.extent.1).round() as usize);
        let their = |x: usize, y: usize| samples[(y * down * width + x * across) * planes.len() + component];
        for top in (0..plane.height).step_by(SIDE) {
            for left in (0..plane.width).step_by(SIDE) {
                compare_block(plane, left, top, their).unwrap_or_else(|fault| panic!("component {component}: {fault}"));
            }
        }
    }
}

fn compare_block(plane: &PlaneView, left: usize, top: usize, their: impl Fn(usize, usize) -> u8) -> Result<(), String> {
    let places =
        (top..plane.height.min(top + SIDE)).flat_map(|y| (left..plane.width.min(left + SIDE)).map(move |x| (x, y)));
    let our = |(x, y): (usize, usize)| plane.data[y * plane.stride + x];
    if places.clone().any(|place| matches!(our(place), 0 | 255)) {
        return Ok(());
    }
    for (x, y) in places {
        let (ours, theirs) = (our((x, y)), their(x, y));
        if ours.abs_diff(theirs) > MOST {
            return Err(format!("sample {x}, {y} is {ours} here, {theirs} there"));
        }
    }
    Ok(())
}

/// A handler of messages; those below level 0 are warnings.
type OnMessage = extern "C-unwind" fn(&mut jpeg_common_struct, i32);

/// Asks libjpeg.
fn theirs(bytes: &[u8], on_message: OnMessage) -> Theirs {
    // A fault ends the decoding by unwinding through it.
    match catch_unwind(AssertUnwindSafe(|| decode(bytes, on_message))) {
        Ok(Ok(theirs)) => theirs,
        Ok(Err(_)) => Theirs::Refused,
        Err(fault) => fault.downcast::<Theirs>().map_or_else(|other| resume_unwind(other), |theirs| *theirs),
    }
}

fn decode(bytes: &[u8], on_message: OnMessage) -> std::io::Result<Theirs> {
    let mut decoder = Decompress::with_err(handlers(on_message)).from_mem(bytes)?;
    let (width, height) = decoder.size();
    if width as u64 * height as u64 > MAX_PIXELS {
        return Ok(Theirs::TooLarge);
    }
    decoder.dct_method(DctMethod::IntegerSlow);
    decoder.do_fancy_upsampling(false);
    decoder.do_block_smoothing(false);
    let colours = decoder.color_space();
    let mut decoder = decoder.to_colorspace(colours)?;
    // Not finished: what lies behind the last MCU is of no interest here.
    let samples = decoder.read_scanlines()?;
    Ok(Theirs::Accepted { width, height, samples })
}

fn handlers(on_message: OnMessage) -> jpeg_error_mgr {
    jpeg_error_mgr {
        error_exit: Some(refuse),
        emit_message: Some(on_message),
        output_message: Some(ignore),
        format_message: None,
        reset_error_mgr: Some(ignore),
        msg_code: 0,
        msg_parm: Default::default(),
        trace_level: 0,
        num_warnings: 0,
        jpeg_message_table: std::ptr::null(),
        last_jpeg_message: 0,
        addon_message_table: std::ptr::null(),
        first_addon_message: 0,
        last_addon_message: 0,
    }
}

extern "C-unwind" fn refuse(_: &mut jpeg_common_struct) {
    resume_unwind(Box::new(Theirs::Refused));
}

extern "C-unwind" fn warn(_: &mut jpeg_common_struct, level: i32) {
    if level < 0 {
        resume_unwind(Box::new(Theirs::Warned));
    }
}

extern "C-unwind" fn warn_not(_: &mut jpeg_common_struct, _: i32) {}

extern "C-unwind" fn ignore(_: &mut jpeg_common_struct) {}
