use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use cameo_image::{Limits, SizeSet};

use super::*;
use crate::model::{key::Vertical, reason::ReasonCode};

/// A JPEG whose colour tells it from others.
fn photo(colour: u8) -> Vec<u8> {
    let rgb = [colour, colour.wrapping_mul(7), 40].repeat(800 * 640);
    cameo_image::encode_rgb(&rgb, 800, 640, 80)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            let path = folder.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn vertical() -> Vertical {
    "ssgdfm_eye".parse().unwrap()
}

fn check_with(path: &Path, expectation: Option<&Expectation>, limits: &Limits) -> (Source, Report) {
    let source = Source::open(path, limits.max_bytes).unwrap();
    let check = Check {
        source: &source,
        vertical: &vertical(),
        size_set: &SizeSet::default(),
        limits,
        expectation,
        known: &NothingKnown,
        threads: 2,
        stop: &AtomicBool::new(false),
        progress: &|_| {},
    };
    let report = check.run().unwrap();
    (source, report)
}

fn check(path: &Path) -> Report {
    check_with(path, None, &Limits::default()).1
}

/// File and code of each finding.
fn told(report: &Report) -> Vec<(&str, &str)> {
    report.findings.iter().map(|finding| (finding.file.as_deref().unwrap_or("-"), finding.code.code())).collect()
}

fn ready(source: &Source, report: &Report) -> Vec<String> {
    let files = report.files.iter().filter(|file| file.is_ready);
    files.map(|file| source.entries()[file.entry].name.clone()).collect()
}

#[test]
fn a_clean_folder_has_no_findings() {
    let folder =
        Folder::new(&[("1_0.jpg", photo(1)), ("1_1.jpg", photo(2)), ("2_0.jpg", photo(3)), (".DS_Store", vec![1])]);
    let report = check(folder.path());
    assert_eq!(told(&report), []);
    assert_eq!(report.summary, Summary { files: 3, ready: 3, ignored: 1, entities: 2, ..Summary::default() });
    let hashes = report.files[0].hashes.unwrap();
    assert_eq!(hashes.md5, fast_md5::digest(&photo(1)));
}

#[test]
fn every_fault_is_found_once() {
    let cut = photo(9)[..2000].to_vec();
    let folder = Folder::new(&[
        ("1_0.JPG", photo(1)),
        ("1_1.jpg", photo(2)),
        ("2_0.jpg", cut.clone()),
        ("3_0.jpg", vec![]),
        ("4_0.jpg", b"\x89PNG\r\n\x1a\n0000".to_vec()),
        ("5_1.jpg", photo(5)),
        ("6_0.jpg", photo(6)),
        ("6_0 (1).jpg", photo(7)),
        ("7_0.jpg", photo(5)),
        ("8.jpg", photo(8)),
        ("sub/9_0.jpg", photo(9)),
        ("README.txt", b"hello".to_vec()),
        ("10_0.jpeg", cut),
    ]);
    let (source, report) = check_with(folder.path(), None, &Limits::default());
    assert_eq!(
        told(&report),
        [
            ("10_0.jpeg", "file.truncated"),
            ("10_0.jpeg", "name.extension"),
            ("1_0.JPG", "name.extension"),
            ("2_0.jpg", "file.truncated"),
            ("3_0.jpg", "file.empty"),
            ("4_0.jpg", "file.not_jpeg"),
            ("5_1.jpg", "name.sequence_gap"),
            ("6_0 (1).jpg", "name.duplicate"),
            ("7_0.jpg", "file.duplicate_content"),
            ("8.jpg", "name.unparseable"),
            ("README.txt", "name.unparseable"),
            ("sub/9_0.jpg", "name.subfolder"),
        ]
    );
    // The gap is the entity's and not the photo's; of the two for 6_0 nobody knows which is right.
    assert_eq!(ready(&source, &report), ["1_1.jpg", "5_1.jpg", "7_0.jpg"]);
    let of = |file: &str| report.findings.iter().find(|finding| finding.file.as_deref() == Some(file)).unwrap();
    assert_eq!(
        (of("8.jpg").cd_idx, of("8.jpg").sequence, of("8.jpg").fix.as_deref()),
        (Some(8), None, Some("8_0.jpg"))
    );
    assert_eq!((of("6_0 (1).jpg").related.clone(), of("6_0 (1).jpg").fix.clone()), (vec!["6_0.jpg".to_owned()], None));
    assert_eq!(of("7_0.jpg").related, ["5_1.jpg"]);
    assert_eq!(of("5_1.jpg").detail.english, "missing: 0");
    assert!(of("4_0.jpg").detail.english.contains("PNG"), "{:?}", of("4_0.jpg").detail);
    assert!(of("2_0.jpg").detail.korean.contains("끊"), "{:?}", of("2_0.jpg").detail);
    assert_eq!((report.summary.files, report.summary.errors, report.summary.warnings), (13, 11, 1));
    assert_eq!(report.summary.entities, 10);
}

#[test]
fn near_misses_leave_no_gap_and_take_a_place() {
    let folder = Folder::new(&[
        ("1_0.JPG", photo(1)),
        ("1_1.jpg", photo(2)),
        ("2.jpg", photo(3)),
        ("2_1.jpg", photo(4)),
        ("3_0.JPG", photo(5)),
        ("3_0.jpeg", photo(6)),
        ("4.jpg", photo(7)),
        ("4_0.jpg", photo(8)),
        ("5_0.jpg", photo(9)),
        ("5_0 (1).jpg", photo(9)),
        ("sub/6_0.jpg", photo(10)),
        ("6_1.jpg", photo(11)),
    ]);
    let (source, report) = check_with(folder.path(), None, &Limits::default());
    assert_eq!(
        told(&report),
        [
            ("1_0.JPG", "name.extension"),
            ("2.jpg", "name.unparseable"),
            ("3_0.JPG", "name.duplicate"),
            ("3_0.jpeg", "name.duplicate"),
            ("4.jpg", "name.unparseable"),
            ("5_0 (1).jpg", "name.duplicate"),
            ("sub/6_0.jpg", "name.subfolder"),
        ]
    );
    assert_eq!(report.findings[4].fix, None, "4_0.jpg is there already");
    // The copy of 5_0 is the same to the byte, so there is nothing to decide.
    assert_eq!(ready(&source, &report), ["1_1.jpg", "2_1.jpg", "4_0.jpg", "5_0.jpg", "6_1.jpg"]);
}

#[test]
fn limits_are_those_of_the_configuration() {
    let folder = Folder::new(&[("1_0.jpg", photo(1)), ("2_0.jpg", vec![0xff; 5000])]);
    let limits = Limits { max_pixels: 1000, max_bytes: 4999.max(photo(1).len() as u64), ..Limits::default() };
    let (_, report) = check_with(folder.path(), None, &limits);
    assert_eq!(told(&report), [("1_0.jpg", "file.too_many_pixels"), ("2_0.jpg", "file.not_jpeg")]);
    let (_, report) = check_with(folder.path(), None, &Limits { max_bytes: 4999, ..Limits::default() });
    assert_eq!(told(&report).last(), Some(&("2_0.jpg", "file.too_large")));
}

#[test]
fn what_is_known_is_not_looked_at_again() {
    struct Accepted(AtomicU64);
    impl Known for Accepted {
        fn hashes(&self, entry: &Entry) -> Option<Hashes> {
            (entry.name == "1_0.jpg").then_some(Hashes { md5: [1; 16], sha256: [2; 32] })
        }
        fn is_accepted(&self, entry: &Entry, _: &Hashes) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            entry.name != "3_0.jpg"
        }
    }
    let folder =
        Folder::new(&[("1_0.jpg", vec![]), ("2_0.jpg", b"no picture".to_vec()), ("3_0.jpg", b"none".to_vec())]);
    let source = Source::open(folder.path(), 1 << 20).unwrap();
    let known = Accepted(AtomicU64::new(0));
    let seen = AtomicU64::new(0);
    let check = Check {
        source: &source,
        vertical: &vertical(),
        size_set: &SizeSet::default(),
        limits: &Limits::default(),
        expectation: None,
        known: &known,
        threads: 2,
        stop: &AtomicBool::new(false),
        progress: &|progress| {
            seen.fetch_max(progress.files, Ordering::Relaxed);
        },
    };
    let report = check.run().unwrap();
    assert_eq!(told(&report), [("3_0.jpg", "file.not_jpeg")]);
    assert_eq!(report.files[0].hashes.unwrap().md5, [1; 16]);
    assert_eq!((known.0.load(Ordering::Relaxed), seen.load(Ordering::Relaxed)), (3, 3));
    assert!(Check { stop: &AtomicBool::new(true), known: &NothingKnown, ..check }.run().is_none(), "it was stopped");
}

/// A ZIP archive of these names, as bytes, and contents.
fn archive(entries: &[(&[u8], &[u8])]) -> tempfile::TempPath {
    let mut file = tempfile::Builder::new().suffix(".zip").tempfile().unwrap();
    file.write_all(&zip_of(entries)).unwrap();
    file.into_temp_path()
}

/// An archive of stored entries, written by hand: writers refuse the names that are tried here.
fn zip_of(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let half = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
    let word = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    for (name, content) in entries {
        let at = out.len();
        let mut crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32IsoHdlc);
        crc.update(content);
        let crc = word(usize::try_from(crc.finalize()).unwrap());
        let sizes = [&crc[..], &word(content.len()), &word(content.len()), &half(name.len()), &half(0)].concat();
        out.extend([&b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0"[..], &sizes, name, content].concat());
        directory.extend([&b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0"[..], &sizes, &[0; 10], &word(at), name].concat());
    }
    let (at, count) = (out.len(), half(entries.len()));
    out.extend_from_slice(&directory);
    out.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &word(directory.len()), &word(at), &half(0)].concat());
    out
}

#[test]
fn an_archive_is_read_as_a_folder() {
    let (one, two) = (photo(1), photo(2));
    let (korean, _, _) = encoding_rs::EUC_KR.encode("사진/2_0 - 복사본.jpg");
    let (top, _, _) = encoding_rs::EUC_KR.encode("사진/1_0.jpg");
    let path = archive(&[(&top, &one), (&korean, &two), (b"__MACOSX/._1_0.jpg", b"x"), ("사진/".as_bytes(), b"")]);
    let (source, report) = check_with(&path, None, &Limits::default());
    assert_eq!(told(&report), [("2_0 - 복사본.jpg", "name.unparseable")]);
    assert_eq!(ready(&source, &report), ["1_0.jpg"]);
    assert_eq!(report.files[0].hashes.unwrap().md5, fast_md5::digest(&one));
    assert_eq!(report.summary.ignored, 1);
}

#[test]
fn what_is_odd_in_an_archive_is_a_finding() {
    let one = photo(1);
    let path = archive(&[
        (b"1_0.jpg", &one),
        (b"1_0.jpg", b"another"),
        (b"../2_0.jpg", &one),
        (b"/etc/3_0.jpg", &one),
        (b"C:\\4_0.jpg", &one),
        (b"inner.zip", b"PK"),
        (b"5_0.jpg", b"\xff\xd8"),
    ]);
    let report = check(&path);
    assert_eq!(
        told(&report),
        [
            ("../2_0.jpg", "file.unreadable"),
            ("/etc/3_0.jpg", "file.unreadable"),
            ("1_0.jpg", "name.duplicate"),
            ("1_0.jpg", "file.not_jpeg"),
            ("5_0.jpg", "file.corrupt"),
            ("C:/4_0.jpg", "file.unreadable"),
            ("inner.zip", "name.unparseable"),
        ]
    );
    assert_eq!(report.summary.ready, 0);
    // Only one of two entries of a name can be looked at: whether both have the same content is not said.
    let twins = &report.findings.iter().find(|finding| finding.code.code() == "name.duplicate").unwrap().detail;
    assert!(twins.english.starts_with("the archive has 2 entries of the name 1_0.jpg"), "{twins:?}");
    assert!(Source::open(&archive(&[]), 1).unwrap().entries().is_empty());
    let cut = zip_of(&[(b"1_0.jpg", &one)]);
    let folder = Folder::new(&[("cut.zip", cut[..cut.len() - 30].to_vec()), ("text.zip", b"no archive".to_vec())]);
    for name in ["cut.zip", "text.zip", "absent"] {
        let error = Source::open(&folder.path().join(name), 1).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn archives_that_unpack_to_far_more_are_not_unpacked() {
    let file = tempfile::Builder::new().suffix(".zip").tempfile().unwrap();
    let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, megabytes) in [("1_0.jpg", 60), ("2_0.jpg", 70)] {
        zip.start_file(name, options).unwrap();
        for _ in 0..megabytes {
            zip.write_all(&vec![0; 1 << 20]).unwrap();
        }
    }
    zip.start_file("3_0.jpg", options).unwrap();
    zip.write_all(&photo(3)).unwrap();
    zip.finish().unwrap();
    let report = check(file.path());
    assert_eq!(told(&report), [("1_0.jpg", "file.unreadable"), ("2_0.jpg", "file.too_large")]);
    assert_eq!(report.summary.ready, 1, "one colour shrinks a lot, and is a photo");
}

/// Content that is damaged in the archive is a finding, whichever byte is hit.
#[test]
fn damaged_archives_never_crash() {
    let whole = zip_of(&[(b"1_0.jpg", &photo(1)[..3000]), (b"sub/2_0.jpg", b"x")]);
    let folder = Folder::new(&[]);
    let path = folder.path().join("a.zip");
    for at in (0..whole.len()).step_by(7).chain(whole.len() - 200..whole.len()) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        fs::write(&path, damaged).unwrap();
        if let Ok(source) = Source::open(&path, 1 << 20) {
            for entry in source.entries() {
                let _ = source.read(entry, |content| content.read_to_end(&mut Vec::new()));
            }
        }
    }
}

fn list(text: &str) -> Expectation {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("list.csv");
    fs::write(&path, text).unwrap();
    Expectation::read(&path).unwrap()
}

#[test]
fn what_was_promised_is_compared_both_ways() {
    let folder =
        Folder::new(&[("1_0.jpg", photo(1)), ("2_0.JPG", photo(2)), ("9_0.jpg", photo(9)), ("x.txt", vec![1])]);
    let (source, report) = check_with(folder.path(), Some(&list("cd_idx\n1\n2\n3\n4x\n")), &Limits::default());
    assert_eq!(
        told(&report),
        [
            ("-", "list.missing"),
            ("2_0.JPG", "name.extension"),
            ("9_0.jpg", "list.unexpected"),
            ("list.csv", "list.unreadable"),
            ("x.txt", "name.unparseable"),
        ]
    );
    assert_eq!(report.findings[0].cd_idx, Some(3));
    assert!(report.findings[3].detail.english.starts_with("A5: \"4x\""), "{:?}", report.findings[3].detail);
    assert_eq!(ready(&source, &report), ["1_0.jpg"]);
}

#[test]
fn files_and_hashes_of_a_list_are_compared() {
    use sha2::{Digest, Sha256};
    let folder = Folder::new(&[("1_0.jpg", photo(1)), ("1_1.jpg", photo(2)), ("2_0.jpg", photo(3))]);
    let right = hex::encode(Sha256::digest(photo(1)));
    let manifest = format!("{right}  data/1_0.jpg\n{right}  data/1_1.jpg\n{right}  data/3_0.jpg\n");
    let (source, report) = check_with(folder.path(), Some(&list(&manifest)), &Limits::default());
    assert_eq!(
        told(&report),
        [("1_1.jpg", "list.missing"), ("2_0.jpg", "list.unexpected"), ("3_0.jpg", "list.missing")]
    );
    assert!(report.findings[0].detail.english.contains("SHA-256"), "{:?}", report.findings[0].detail);
    assert_eq!(ready(&source, &report), ["1_0.jpg"]);
}

#[test]
fn what_is_unambiguous_is_copied_under_its_right_name() {
    let folder = Folder::new(&[
        ("1_0.JPG", photo(1)),
        ("2_0.jpg", photo(2)),
        ("3_0.jpg", photo(3)),
        ("3_0 (1).jpg", photo(4)),
        ("4_1.jpg", photo(5)),
        ("sub/5_0.jpeg", photo(6)),
        ("6_0.jpg", b"broken".to_vec()),
        ("note.txt", vec![1]),
    ]);
    let out = tempfile::tempdir().unwrap();
    let (source, report) = check_with(folder.path(), None, &Limits::default());
    let stop = AtomicBool::new(false);
    let fixed = copy_fixed(&source, &report, &out.path().join("new"), &stop).unwrap().unwrap();
    assert_eq!(fixed.copied, 4);
    let renamed: Vec<_> = fixed.renamed.iter().map(|copied| (copied.file.as_str(), copied.to.as_str())).collect();
    assert_eq!(renamed, [("1_0.JPG", "1_0.jpg"), ("sub/5_0.jpeg", "5_0.jpg")]);
    assert_eq!(fixed.left, ["3_0 (1).jpg", "3_0.jpg", "6_0.jpg", "note.txt"]);
    let mut names: Vec<_> = fs::read_dir(out.path().join("new"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["1_0.jpg", "2_0.jpg", "4_1.jpg", "5_0.jpg"], "a sequence is never changed");
    assert_eq!(fs::read(out.path().join("new/5_0.jpg")).unwrap(), photo(6));
    assert_eq!(told(&check(&out.path().join("new"))), [("4_1.jpg", "name.sequence_gap")]);
    assert!(copy_fixed(&source, &report, &out.path().join("new"), &stop).is_err(), "it is not empty");
    assert!(copy_fixed(&source, &report, &folder.path().join("in"), &stop).is_err(), "it is inside");
    assert!(!folder.path().join("in").exists());
    // What changed since it was looked at is not passed off as what was.
    fs::write(folder.path().join("2_0.jpg"), photo(7)).unwrap();
    let error = copy_fixed(&source, &report, &out.path().join("newer"), &stop).unwrap_err().to_string();
    assert!(error.contains("2_0.jpg"), "{error}");
    assert!(!out.path().join("newer/2_0.jpg").exists());
}

/// The shared corpus: what check says of a file's content is what the engine, and so the server, says.
#[test]
fn the_verdict_of_every_file_of_the_corpus_is_the_server_s() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let Ok(manifest) = fs::read_to_string(corpus.join("manifest.tsv")) else {
        eprintln!("SKIPPED: {} is absent", corpus.display());
        return;
    };
    let folder = Folder::new(&[]);
    let mut expected = Vec::new();
    for (n, line) in manifest.lines().skip(1).enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let name = format!("{}_0.jpg", n + 1);
        fs::copy(corpus.join(fields[0]), folder.path().join(&name)).unwrap();
        let original = fs::read(corpus.join(fields[0])).unwrap();
        let server = cameo_image::render(&original, &SizeSet::default(), &Limits::default());
        let reason = server.err().map(|rejection| ReasonCode::from(rejection.reason));
        assert!(fields[4] == "either" || reason.is_some() == (fields[4] == "reject"), "{line}");
        expected.push((name, reason));
    }
    let report = check(folder.path());
    for (name, reason) in &expected {
        let errors = report
            .findings
            .iter()
            .filter(|finding| finding.file.as_ref() == Some(name) && finding.severity == Severity::Error);
        let found: Vec<_> = errors.map(|finding| finding.code).collect();
        assert_eq!(found, reason.iter().copied().collect::<Vec<_>>(), "{name}");
    }
    assert!(expected.len() >= 240, "only {} files were compared", expected.len());
}

/// Real photographs are remarked on by nothing.
#[test]
fn the_shared_photos_have_no_findings() {
    let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/photos/ssgdfm_eye");
    if !photos.is_dir() {
        eprintln!("SKIPPED: {} is absent", photos.display());
        return;
    }
    let report = check(&photos);
    assert_eq!(told(&report), []);
    assert!(report.summary.ready > 10, "{:?}", report.summary);
}
