//! XML that clients send, read as a whole and written again in the few forms that the service understands.
//!
//! The service's reader knows elements and text. It takes references above U+FFFF for errors and CDATA for nothing: a bulk deletion of
//! `😀.jpg` failed whole, and one of `<![CDATA[k]]>` deleted the empty key. What leaves here has neither references, but those of
//! `&`, `<` and `>`, nor CDATA, comments, prefixes or another encoding than UTF-8.
//!
//! Document types are refused, and with them every entity of one's own: nothing is fetched and nothing expands. The depth is bounded
//! here, the length by whoever collects the body.

use quick_xml::{
    Reader,
    escape::{minimal_escape, partial_escape, resolve_xml_entity},
    events::{BytesStart, Event},
};
use s3s::{S3Error, s3_error};

/// Elements within elements, at most; S3's own texts have up to seven.
const DEPTH_MAX: usize = 16;

/// The elements of each text that is read. What has another one asks for something that would be passed over.
fn elements_of(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateBucket" => &["CreateBucketConfiguration", "LocationConstraint"],
        "DeleteObjects" => &["Delete", "Object", "Key", "VersionId", "ETag", "Size", "LastModifiedTime", "Quiet"],
        "CompleteMultipartUpload" => &[
            "CompleteMultipartUpload",
            "Part",
            "PartNumber",
            "ETag",
            "ChecksumCRC32",
            "ChecksumCRC32C",
            "ChecksumCRC64NVME",
            "ChecksumSHA1",
            "ChecksumSHA256",
        ],
        "PutBucketAcl" | "PutObjectAcl" => &[
            "AccessControlPolicy",
            "Owner",
            "ID",
            "DisplayName",
            "AccessControlList",
            "Grant",
            "Grantee",
            "Permission",
            "URI",
            "EmailAddress",
        ],
        _ => &[],
    }
}

/// The text of an operation in plain forms, refused where it has elements that nobody would read.
pub(super) fn plain_for(operation: &str, text: &[u8]) -> Result<Vec<u8>, S3Error> {
    let plain = plain(text)?;
    let known = elements_of(operation);
    let mut reader = Reader::from_reader(plain.as_slice());
    loop {
        let at = reader.buffer_position();
        match reader.read_event().map_err(|error| malformed(at, error))? {
            Event::Eof => return Ok(plain),
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8_lossy(element.local_name().as_ref()).into_owned();
                if !known.contains(&&*name) {
                    return Err(malformed(at, format_args!("{operation} with an element {name} is not supported")));
                }
            }
            _ => {}
        }
    }
}

/// Writes a text again in plain forms.
fn plain(text: &[u8]) -> Result<Vec<u8>, S3Error> {
    let text = decode(text)?;
    let mut reader = Reader::from_str(&text);
    let mut writing = Writing::default();
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|error| malformed(at, error))?;
        if matches!(event, Event::Eof) {
            return writing.end(at);
        }
        writing.add(&event).map_err(|fault| malformed(at, fault))?;
    }
}

fn malformed(at: u64, fault: impl std::fmt::Display) -> S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema: {fault}, near byte {at}. Send the \
         XML that S3 documents for this operation."
    )
}

/// The text in Unicode: by its byte order mark, else by what its declaration says, else UTF-8 (XML 1.0, appendix F).
fn decode(text: &[u8]) -> Result<String, S3Error> {
    let utf_16 = |pairs: &[u8], read: fn([u8; 2]) -> u16| {
        let units = pairs.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
        text.filter(|_| pairs.len().is_multiple_of(2)).ok_or_else(|| malformed(0, "it is not valid UTF-16"))
    };
    match text {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf_8(rest),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => match declared_encoding(text).as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => utf_8(text),
            Some("iso-8859-1" | "latin1") => Ok(text.iter().copied().map(char::from).collect()),
            Some(other) => Err(malformed(0, format_args!("the encoding {other} is not known; use UTF-8"))),
        },
    }
}

fn utf_8(text: &[u8]) -> Result<String, S3Error> {
    String::from_utf8(text.to_vec()).map_err(|_| malformed(0, "it is not valid UTF-8"))
}

/// The encoding that an XML declaration names, in small letters.
fn declared_encoding(text: &[u8]) -> Option<String> {
    let end = text.windows(2).position(|two| two == b"?>").filter(|_| text.starts_with(b"<?xml"))?;
    let mut reader = Reader::from_reader(&text[..end + 2]);
    let Ok(Event::Decl(declaration)) = reader.read_event() else { return None };
    let encoding = declaration.encoding()?.ok()?;
    Some(String::from_utf8_lossy(&encoding).to_ascii_lowercase())
}

/// What has been written so far.
#[derive(Default)]
struct Writing {
    text: String,
    depth: usize,
    /// Whether the root element has begun.
    begun: bool,
}

type Fault = String;

impl Writing {
    fn end(self, at: u64) -> Result<Vec<u8>, S3Error> {
        if self.depth > 0 || !self.begun {
            return Err(malformed(at, "it ends too early"));
        }
        Ok(self.text.into_bytes())
    }

    fn add(&mut self, event: &Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(start) => {
                self.start(start)?;
                self.depth += 1;
            }
            Event::Empty(start) => {
                self.start(start)?;
                self.close(start.local_name().as_ref())?;
            }
            Event::End(end) => {
                self.depth = self.depth.checked_sub(1).ok_or("an element ends that did not begin")?;
                self.close(end.local_name().as_ref())?;
            }
            Event::Text(text) => self.characters(&text.xml10_content().map_err(|e| e.to_string())?)?,
            Event::CData(text) => {
                let text = text.xml10_content().map_err(|e| e.to_string())?;
                self.inside("CDATA")?;
                self.text.push_str(&partial_escape(text));
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|e| e.to_string())?;
                let character = reference.resolve_char_ref().map_err(|e| e.to_string())?;
                let value = character.map(String::from).or_else(|| resolve_xml_entity(&name).map(str::to_owned));
                let value = value.ok_or_else(|| format!("the entity &{name}; is not known"))?;
                self.inside("a reference")?;
                self.text.push_str(&partial_escape(value.as_str()));
            }
            Event::DocType(_) => return Err("document types are not allowed".into()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn inside(&self, what: &str) -> Result<(), Fault> {
        if self.depth > 0 { Ok(()) } else { Err(format!("{what} outside of every element")) }
    }

    fn characters(&mut self, text: &str) -> Result<(), Fault> {
        if self.depth == 0 {
            let blank = text.trim_matches([' ', '\t', '\r', '\n']).is_empty();
            return if blank { Ok(()) } else { Err("text outside of every element".into()) };
        }
        self.text.push_str(&minimal_escape(text));
        Ok(())
    }

    /// A start tag under its local name. Of attributes only the type of a grantee means anything to S3.
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        if self.depth == DEPTH_MAX {
            return Err(format!("elements are nested deeper than {DEPTH_MAX}"));
        }
        if self.depth == 0 && self.begun {
            return Err("a second root element".into());
        }
        self.begun = true;
        self.text.push('<');
        self.text.push_str(&name(start.local_name().as_ref())?);
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            if attribute.key.prefix().is_some() && attribute.key.local_name().as_ref() == b"type" {
                let value = std::str::from_utf8(&attribute.value).map_err(|e| e.to_string())?;
                self.text.push_str(" xsi:type=\"");
                self.text.push_str(&value.replace('"', "&quot;"));
                self.text.push('"');
            }
        }
        self.text.push('>');
        Ok(())
    }

    fn close(&mut self, local: &[u8]) -> Result<(), Fault> {
        self.text.push_str("</");
        self.text.push_str(&name(local)?);
        self.text.push('>');
        Ok(())
    }
}

fn name(local: &[u8]) -> Result<String, Fault> {
    std::str::from_utf8(local).map(str::to_owned).map_err(|e| e.to_string())
}

/// Whether XML 1.0 has the character at all, as itself or as a reference (section 2.2).
pub(super) fn is_in_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A key for a text without an encoding of its own, such as the result of a bulk deletion: what XML does not have is percent-encoded, so
/// that the whole text can be read.
pub(super) fn readable(key: &str) -> String {
    use std::fmt::Write;
    let mut written = String::with_capacity(key.len());
    for character in key.chars() {
        if is_in_xml(character) && character != '\r' {
            written.push(character);
            continue;
        }
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            // Writing to a string cannot fail.
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// s3-endpoint.md F08: an element that is passed over was asked for all the same.
    #[test]
    fn elements_that_nobody_reads_are_refused() {
        let create = |inner: &str| {
            plain_for(
                "CreateBucket",
                format!("<CreateBucketConfiguration>{inner}</CreateBucketConfiguration>").as_bytes(),
            )
        };
        create("<LocationConstraint>eu-west-1</LocationConstraint>").unwrap();
        for inner in ["<Tags><Tag/></Tags>", "<Bucket><Type>Directory</Type></Bucket>", "<Foo/>"] {
            assert_eq!(create(inner).unwrap_err().code().as_str(), "MalformedXML", "{inner}");
        }
        let delete = br#"<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>k</Key></Object><Quiet>true</Quiet></Delete>"#;
        plain_for("DeleteObjects", delete).unwrap();
    }

    fn text(xml: impl AsRef<[u8]>) -> Result<String, String> {
        plain(xml.as_ref())
            .map(|text| String::from_utf8(text).unwrap())
            .map_err(|error| error.message().unwrap_or_default().to_owned())
    }

    #[test]
    fn every_form_of_a_character_is_read_alike() {
        for form in ["&#x1F600;", "&#128512;", "<![CDATA[😀]]>", "😀", "<!-- a -->&#x1F600;<?p i?>"] {
            assert_eq!(text(format!("<Key>{form}</Key>")).unwrap(), "<Key>😀</Key>", "{form}");
        }
        assert_eq!(
            text("<K>a&amp;b&lt;&#60;<![CDATA[<&]]>&quot;&apos;&gt;</K>").unwrap(),
            "<K>a&amp;b&lt;&lt;&lt;&amp;\"'&gt;</K>"
        );
        assert_eq!(text("<K>a\r\nb&#13;</K>").unwrap(), "<K>a\nb\r</K>", "line ends are read, references are kept");
    }

    #[test]
    fn prefixes_and_encodings_do_not_matter() {
        let xml = "\u{feff}<?xml version='1.0' encoding='utf-8'?><s3:Delete xmlns:s3='urn:x'><s3:Quiet/></s3:Delete>\n";
        assert_eq!(text(xml).unwrap(), "<Delete><Quiet></Quiet></Delete>");
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><K>\xe9</K>";
        assert_eq!(text(latin).unwrap(), "<K>é</K>");
        let utf_16: Vec<u8> = "\u{feff}<K>한😀</K>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(utf_16).unwrap(), "<K>한😀</K>");
        let grantee = "<G xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:type='Group'/>";
        assert_eq!(text(grantee).unwrap(), "<G xsi:type=\"Group\"></G>");
    }

    #[test]
    fn what_is_not_xml_is_refused_with_what_is_wrong() {
        let deep = format!("{}{}", "<a>".repeat(17), "</a>".repeat(17));
        for (xml, fault) in [
            ("<a><b></a>", ""),
            ("<a>", "ends too early"),
            ("", "ends too early"),
            ("<a/><b/>", "second root"),
            ("<a/>x", "outside"),
            ("<a>&unknown;</a>", "&unknown;"),
            ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "document types"),
            ("<?xml version='1.0' encoding='EUC-KR'?><a/>", "euc-kr"),
            (deep.as_str(), "deeper"),
        ] {
            let refused = text(xml).unwrap_err();
            assert!(refused.contains("not well-formed") && refused.contains(fault), "{xml}: {refused}");
        }
        assert!(text(b"<a>\xff</a>").is_err());
    }

    #[test]
    fn keys_that_xml_does_not_have_are_made_readable() {
        assert_eq!(readable("a\u{1}b\rc\u{ffff}한😀\t"), "a%01b%0Dc%EF%BF%BF한😀\t");
    }
}
