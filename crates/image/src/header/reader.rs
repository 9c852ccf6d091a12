//! Reads the segments of an original into a [`Header`], and checks them against the limits.
//!
//! What contradicts the standard is told before what breaks a limit: a file that no reader can show is corrupt,
//! however large it claims to be.

use super::colour_model::ColourMarkers;
use super::frame::{self, Frame};
use super::scan::ScanHeader;
use super::segments::{Ending, Segment, Segments, marker};
use super::tables::{HuffmanSpec, QuantTable};
use super::{Header, corrupt, reserved, truncated, upright};
use crate::Limits;
use crate::exif::{Orientation, is_tiff, read_orientation};
use crate::icc::IccChunks;
use crate::reason::{Reason, Rejection};
use crate::standard_tables::by_default;

const EXIF_SIGNATURE: &[u8] = b"Exif\0";
/// EXIF segments that are looked at: more than one is a fault of a writer, or a directory cut into segments.
const EXIF_SEGMENTS_MAX: usize = 8;

/// Reads and checks the header of an original. A rejection carries the upright size wherever a frame header told it.
pub(crate) fn read_header(bytes: &[u8], limits: &Limits) -> Result<Header, Rejection> {
    check_signature(bytes, limits)?;
    let mut reader = Reader::default();
    let read = reader.read(bytes, limits);
    read.map_err(|rejection| match reader.claimed_size {
        Some((width, height)) => {
            let (width, height) = upright(reader.orientation(), width, height);
            rejection.of_size(width, height)
        }
        None => rejection,
    })
}

fn check_signature(bytes: &[u8], limits: &Limits) -> Result<(), Rejection> {
    if bytes.is_empty() {
        return Err(Rejection::new(Reason::Empty, "no bytes"));
    }
    if bytes.len() as u64 > limits.max_bytes {
        let detail = format!("{} bytes, {} are allowed", bytes.len(), limits.max_bytes);
        return Err(Rejection::new(Reason::TooLarge, detail));
    }
    if !bytes.starts_with(&[0xFF, marker::SOI]) {
        return Err(Rejection::new(Reason::NotJpeg, "the first bytes are not FF D8"));
    }
    Ok(())
}

/// What was read so far.
#[derive(Default)]
struct Reader<'a> {
    claimed_size: Option<(u32, u32)>,
    frame: Option<Frame>,
    /// What the EXIF segments carry, in their order.
    exif: Vec<&'a [u8]>,
    icc: IccChunks<'a>,
    colour: ColourMarkers,
    defined: Defined,
}

/// Which tables exist, a bit for each of 0 to 3.
#[derive(Default)]
struct Defined {
    quant: u8,
    dc: u8,
    ac: u8,
}

impl<'a> Reader<'a> {
    fn read(&mut self, bytes: &'a [u8], limits: &Limits) -> Result<Header, Rejection> {
        let mut segments = Segments::starting_at(bytes, 2);
        let sos = loop {
            let segment = segments.next().map_err(|ending| self.no_scan(ending))?;
            if segment.marker == marker::SOS {
                break segment;
            }
            self.take(segment)?;
        };
        let mut frame = self.frame.take().ok_or_else(|| corrupt("a scan before the frame header"))?;
        let scan = ScanHeader::parse(sos.payload, &frame.components, frame.progressive)?;
        self.check_tables(&frame, &scan, bytes.len() - sos.end)?;
        if frame.height == 0 {
            frame.height = height_of_dnl(bytes, sos.end)?;
            self.claimed_size = Some((frame.width, frame.height));
        }
        check_size(&frame, limits)?;
        if frame.progressive || scan.components.len() < frame.components.len() {
            check_scans(bytes, sos.end, limits)?;
        }
        Ok(self.header(frame))
    }

    fn header(&self, frame: Frame) -> Header {
        Header {
            width: frame.width,
            height: frame.height,
            orientation: self.orientation(),
            colour: self.colour.model(&frame.components),
            icc: self.icc.reassemble(),
            components: frame.components,
            progressive: frame.progressive,
        }
    }

    fn orientation(&self) -> Orientation {
        exif_orientation(&self.exif).unwrap_or_default()
    }

    /// The file ends before its first scan: cut between segments it is a truncated picture if the frame was there,
    /// anything else is no picture at all.
    fn no_scan(&self, ending: Ending) -> Rejection {
        match (ending, &self.frame) {
            (Ending::Clean, Some(_)) => truncated("the data end before the first scan"),
            (Ending::Clean, None) => corrupt("the data end before the frame header"),
            (Ending::Cut, _) => corrupt("the data end inside a segment of the header"),
            (Ending::BadLength, _) => corrupt("a segment shorter than its length field"),
            (Ending::Eoi, _) => corrupt("EOI before the first scan"),
        }
    }

    fn take(&mut self, segment: Segment<'a>) -> Result<(), Rejection> {
        let payload = segment.payload;
        match segment.marker {
            marker::SOI => return Err(corrupt("a second SOI before the first scan")),
            marker::APP0 => self.colour.see_app0(payload),
            marker::APP1 => self.take_app1(payload),
            marker::APP2 => self.icc.add_app2(payload),
            marker::APP14 => self.colour.see_app14(payload),
            marker::DQT => QuantTable::parse_all(payload, |index, _| self.defined.quant |= 1 << index)?,
            marker::DHT => HuffmanSpec::parse_all(payload, |is_ac, index, _| {
                *if is_ac { &mut self.defined.ac } else { &mut self.defined.dc } |= 1 << index;
            })?,
            code if frame::is_frame(code) => self.take_frame(code, payload)?,
            code @ marker::RES_FIRST..=marker::RES_LAST => return Err(reserved(code)),
            _ => {}
        }
        Ok(())
    }

    /// XMP, which APP1 carries too, says nothing here.
    fn take_app1(&mut self, payload: &'a [u8]) {
        if let Some([_, tiff @ ..]) = payload.strip_prefix(EXIF_SIGNATURE)
            && self.exif.len() < EXIF_SEGMENTS_MAX
        {
            self.exif.push(tiff);
        }
    }

    fn take_frame(&mut self, code: u8, payload: &[u8]) -> Result<(), Rejection> {
        if self.frame.is_some() {
            return Err(corrupt("a second frame header"));
        }
        self.claimed_size = frame::claimed_size(payload);
        self.frame = Some(Frame::parse(code, payload)?);
        Ok(())
    }

    /// Whether the first scan's tables are there. Later scans are checked when they are decoded.
    ///
    /// Those of the standard are taken for granted where they may be ([`crate::standard_tables`]), in a file that has data enough for its
    /// blocks: a frame of a camera is whole, and damage that took the tables away is damage.
    fn check_tables(&self, frame: &Frame, scan: &ScanHeader, data_bytes: usize) -> Result<(), Rejection> {
        let blocks = u64::from(frame.width.div_ceil(8)) * u64::from(frame.height.div_ceil(8));
        let may_be_standard = !frame.progressive && data_bytes as u64 * 8 >= blocks;
        for component in &scan.components {
            let quant = frame.components[component.index].quant;
            let has_dc = scan.spectral_start == 0;
            let is_dc_only = scan.spectral_end == 0;
            let is_defined = |is_ac: bool, index: usize| {
                let defined = if is_ac { self.defined.ac } else { self.defined.dc };
                defined & 1 << index != 0 || (may_be_standard && by_default(is_ac, index).is_some())
            };
            let missing = if self.defined.quant & 1 << quant == 0 {
                "quantisation"
            } else if has_dc && !is_defined(false, component.dc_table) {
                "DC Huffman"
            } else if !is_dc_only && !is_defined(true, component.ac_table) {
                "AC Huffman"
            } else {
                continue;
            };
            return Err(corrupt(format!("the first scan needs a {missing} table that is not there")));
        }
        Ok(())
    }
}

/// The orientation that the EXIF segments state: the first that begins a TIFF structure counts, whatever it says, with all that follow as
/// its continuation. An empty one, or one of something else, hides nothing.
fn exif_orientation(segments: &[&[u8]]) -> Option<Orientation> {
    match segments.iter().position(|segment| is_tiff(segment)).map(|first| &segments[first..])? {
        [only] => read_orientation(only),
        several => read_orientation(&several.concat()),
    }
}

fn check_size(frame: &Frame, limits: &Limits) -> Result<(), Rejection> {
    let (width, height) = (frame.width, frame.height);
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        let detail = format!("{width}x{height} are more than {} pixels", limits.max_pixels);
        return Err(Rejection::new(Reason::TooManyPixels, detail));
    }
    if width.max(height) > limits.max_side {
        let detail = format!("{width}x{height}: a side may have {} pixels", limits.max_side);
        return Err(Rejection::new(Reason::TooManyPixels, detail));
    }
    Ok(())
}

/// Counts the scans of the whole file, so that many scans are refused before any is decoded.
fn check_scans(bytes: &[u8], first_data: usize, limits: &Limits) -> Result<(), Rejection> {
    let mut segments = Segments::starting_at(bytes, first_data);
    let mut scans = 1;
    segments.skip_entropy_coded();
    while let Ok(segment) = segments.next() {
        if segment.marker == marker::SOS {
            scans += 1;
            segments.skip_entropy_coded();
        }
        if scans > limits.max_scans {
            let detail = format!("more than {} scans", limits.max_scans);
            return Err(Rejection::new(Reason::TooManyScans, detail));
        }
    }
    Ok(())
}

/// The height that a DNL segment right behind the first scan states (T.81, B.2.5).
fn height_of_dnl(bytes: &[u8], first_data: usize) -> Result<u32, Rejection> {
    let mut segments = Segments::starting_at(bytes, first_data);
    segments.skip_entropy_coded();
    match segments.next() {
        Ok(Segment { marker: marker::DNL, payload: &[high, low], .. }) if (high, low) != (0, 0) => {
            Ok(u32::from(u16::from_be_bytes([high, low])))
        }
        _ => Err(corrupt("a height of 0, and no DNL segment behind the first scan")),
    }
}
