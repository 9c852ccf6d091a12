//! A folder that was handed over: which of its files are originals, which are litter, and which are misnamed.
//!
//! Only the folder itself is looked at, as the operator's upload command is run from inside it; folders within are told.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{
    ledger::State,
    model::{
        error::{Error, Kind, Place, Result},
        key::{PhotoId, UploadKey, Vertical},
        reason::ReasonCode,
    },
    proof::verify::{self, HandedOver, UnexpectedFile},
};
use fast_md5::Md5;

/// Files of a folder, at most.
const FILES_MAX: usize = 1_000_000;

/// What a folder holds.
#[derive(Debug, Default)]
pub struct DeliveryFolder {
    /// The originals, by the photo that their name says.
    pub originals: BTreeMap<PhotoId, PathBuf>,
    /// Files that are named wrongly, with a hint.
    pub misnamed: Vec<(PathBuf, String)>,
    /// Files that operating systems leave.
    pub litter: usize,
}

impl DeliveryFolder {
    /// Reads a folder as a delivery for a vertical.
    pub fn of_folder(folder: &Path, vertical: &Vertical) -> Result<Self> {
        let failed = |error| wrong(format!("read the folder {}", folder.display()), error);
        let mut delivery = Self::default();
        for (n, entry) in std::fs::read_dir(folder).map_err(failed)?.enumerate() {
            if n >= FILES_MAX {
                let doing = format!("read the folder {}: more than {FILES_MAX} files", folder.display());
                return Err(Error::new(Place::System, Kind::Misconfigured, doing));
            }
            delivery.add(&entry.map_err(failed)?.path(), vertical);
        }
        delivery.misnamed.sort();
        Ok(delivery)
    }

    fn add(&mut self, path: &Path, vertical: &Vertical) {
        if path.is_dir() {
            self.misnamed.push((path.to_owned(), "a folder inside the delivery".to_owned()));
            return;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Reading a pipe would wait for whoever writes to it, and a link may lead nowhere.
        let is_file = path.is_file();
        match UploadKey::parse(&format!("{}{vertical}/{name}", crate::model::key::ORIGIN_PREFIX)) {
            UploadKey::Photo(_) | UploadKey::Plain if !is_file => {
                self.misnamed.push((path.to_owned(), "no file that can be read".to_owned()));
            }
            UploadKey::Photo(photo) => drop(self.originals.insert(photo, path.to_owned())),
            UploadKey::Ignored => self.litter += 1,
            UploadKey::Unparseable { hint } => self.misnamed.push((path.to_owned(), hint)),
            UploadKey::Plain => {}
        }
    }

    /// The delivery as verifying takes it: with length and MD5 of every original.
    pub fn to_verify(&self) -> Result<verify::Delivery> {
        let stray = |(path, hint): &(PathBuf, String)| {
            let state = State::Rejected { reason: ReasonCode::NameUnparseable, detail: hint.clone() };
            UnexpectedFile { key: path.display().to_string(), state: Some(state), korean: None }
        };
        Ok(verify::Delivery {
            originals: self.handed_over()?,
            misnamed: self.misnamed.iter().map(stray).collect(),
            ignored: self.litter as u64,
        })
    }

    fn handed_over(&self) -> Result<BTreeMap<PhotoId, HandedOver>> {
        let hashed = |(photo, path): (&PhotoId, &PathBuf)| {
            let handed_over = hash(path).map_err(|error| wrong(format!("read {}", path.display()), error))?;
            Ok((photo.clone(), handed_over))
        };
        self.originals.iter().map(hashed).collect()
    }
}

fn hash(path: &Path) -> io::Result<HandedOver> {
    let mut file = File::open(path)?;
    let mut md5 = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(HandedOver { size, md5: hex::encode(md5.finalize()), sha256: None });
        }
        md5.update(&buffer[..n]);
        size += n as u64;
    }
}

fn wrong(doing: String, error: io::Error) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing).because(error)
}
