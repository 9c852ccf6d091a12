//! The file of access keys: read and checked as a whole, and changed by `cameo keys`.
//!
//! It fails closed: an unknown field, an empty secret, an id that is there twice, or a file that others could have written, and none
//! of it counts. A message about it never quotes a line, since a line may be a secret.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml_edit::{ArrayOfTables, DocumentMut, Item};

use super::keys::{AccessKey, fault_of};
use crate::{
    model::error::{Error, Kind, Place, Result},
    private_file::{self, Holds, Links},
};

/// Bytes of the file, at most: some thousands of keys. It is read again with every request.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// The whole file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    #[serde(default)]
    keys: Vec<AccessKey>,
}

/// The text of a file of access keys.
pub fn key_file(keys: &[AccessKey]) -> Result<String> {
    toml::to_string(&KeyFile { keys: keys.to_vec() })
        .map_err(|error| misconfigured("write access keys as TOML".to_owned()).because(error))
}

/// The bytes of a file of keys, where it exists and nobody else could have written or read it.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let bytes = private_file::read(path, FILE_MAX_BYTES, Holds::Secrets, Links::Followed);
    bytes.map_err(|error| misconfigured(doing("read", path)).because(error))
}

/// The keys that these bytes of `path` are, if every one of them is right.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<AccessKey>> {
    let wrong = |why: String| misconfigured(doing("read", path)).because(why);
    private_file::check_folder_of(path).map_err(|error| wrong(error.to_string()))?;
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    // The parser's whole message would quote the line, and with it a secret.
    let file: KeyFile =
        toml::from_str(text).map_err(|error| wrong(format!("{}{}", line_of(text, &error), error.message())))?;
    match fault_of(&file.keys) {
        Some(fault) => Err(wrong(fault)),
        None => Ok(file.keys),
    }
}

fn line_of(text: &str, error: &toml::de::Error) -> String {
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return String::new() };
    format!("line {}: ", before.matches('\n').count() + 1)
}

/// A file of keys, for the command that changes it.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'p>(pub &'p Path);

impl Keys<'_> {
    /// What is in the file; nothing where it does not exist.
    pub fn list(self) -> Result<Vec<AccessKey>> {
        match read(self.0)? {
            Some(bytes) => parse(self.0, &bytes),
            None => Ok(Vec::new()),
        }
    }

    /// Adds a key. What is written in the file beside keys, such as comments, stays.
    pub fn insert(self, key: &AccessKey) -> Result<()> {
        let failed = |why: String| misconfigured(doing("add a key to", self.0)).because(why);
        if let Some(fault) = key.fault() {
            return Err(failed(fault));
        }
        self.change(|document, keys| {
            if keys.iter().any(|other| other.id == key.id) {
                return Err(failed(format!("there is a key {} already; remove it first", key.id)));
            }
            // Written behind what is there: tables that were parsed apart would be put in the order that each had in its own file.
            tables(document).ok_or_else(|| failed(no_tables()))?;
            let text = format!("{document}\n{}", key_file(std::slice::from_ref(key))?);
            *document = text.parse().map_err(|error: toml_edit::TomlError| failed(error.message().to_owned()))?;
            Ok(())
        })
    }

    /// Removes the key of an id; false where there is none.
    pub fn remove(self, id: &str) -> Result<bool> {
        let mut removed = false;
        self.change(|document, _| {
            let tables = tables(document)
                .ok_or_else(|| misconfigured(doing("remove a key from", self.0)).because(no_tables()))?;
            let before = tables.len();
            tables.retain(|table| table.get("access_key_id").and_then(Item::as_str) != Some(id));
            removed = tables.len() < before;
            Ok(())
        })?;
        Ok(removed)
    }

    /// One change at a time, whoever makes it: each is written over what the one before left.
    fn change(self, change: impl FnOnce(&mut DocumentMut, &[AccessKey]) -> Result<()>) -> Result<()> {
        // What is linked to is replaced, not the link.
        let real = std::fs::canonicalize(self.0).unwrap_or_else(|_| self.0.to_owned());
        // A file that this user makes in a folder of the server's user could not be read by the server.
        private_file::check_folder_of(&real)?;
        let _lock = private_file::lock_folder_of(&real)?;
        let bytes = read(&real)?.unwrap_or_default();
        let keys = if bytes.is_empty() { Vec::new() } else { parse(&real, &bytes)? };
        let failed = || misconfigured(doing("change", self.0));
        let text = String::from_utf8(bytes).map_err(|error| failed().because(error))?;
        let mut document: DocumentMut = text.parse().map_err(|_| failed().because("it is not TOML"))?;
        change(&mut document, &keys)?;
        let text = document.to_string();
        if text.len() as u64 > FILE_MAX_BYTES {
            return Err(failed().because(format!("it would have more than {FILE_MAX_BYTES} bytes")));
        }
        private_file::replace(&real, text.as_bytes())
    }
}

/// The tables `[[keys]]`, made where there are none yet.
fn tables(document: &mut DocumentMut) -> Option<&mut ArrayOfTables> {
    document.entry("keys").or_insert(Item::ArrayOfTables(ArrayOfTables::new())).as_array_of_tables_mut()
}

fn no_tables() -> String {
    "its keys are an inline list; write each as a table [[keys]]".to_owned()
}

fn doing(verb: &str, path: &Path) -> String {
    format!("{verb} the access keys of {}", path.display())
}

fn misconfigured(doing: String) -> Error {
    Error::new(Place::System, Kind::Misconfigured, doing)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::serve::s3_api::keys::{Grant, Quota, Rights};

    /// security.md A10.
    #[test]
    fn a_file_counts_only_where_all_of_it_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        for text in [
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"\"\n",
            "[[keys]]\naccess_key_id = \"\"\nsecret_access_key = \"spilt milk\"\n",
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"spilt milk\"\ngrant = []\n",
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"spilt milk\"\nadministrator = 1\n",
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"spilt milk\n",
            "[[keys]]\naccess_key_id = \"a\"\n",
            "[keys.a]\nsecret_access_key = \"spilt milk\"\n",
            "[[key]]\naccess_key_id = \"a\"\nsecret_access_key = \"spilt milk\"\n",
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"spilt milk\"\n[[keys.grants]]\nbucket = \"x\"\nprefix = \"\"\nrigths = \"all\"\n",
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"spilt milk\"\n[[keys.grants]]\nbucket = \"x\"\nrights = \"all\"\n",
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"spilt milk\"\n[keys.quota]\nbytes = 7\n",
            "[[keys]]\naccess_key_id = \"a\"\nsecret_access_key = \"…\"\n",
        ] {
            let error = parse(&path_of(&path, text), text.as_bytes()).expect_err(text).to_string();
            assert!(error.contains("keys.toml") && !error.contains("spilt milk"), "{error}");
        }
    }

    fn path_of(path: &Path, text: &str) -> std::path::PathBuf {
        fs::write(path, text).unwrap();
        path.to_owned()
    }

    #[test]
    fn keys_are_added_and_removed_beside_what_else_is_written_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let keys = Keys(&path);
        assert_eq!(keys.list().unwrap(), []);
        let grant = Grant { bucket: "up".into(), prefix: "origin/eye/".into(), rights: Rights::Upload };
        let quota = Quota { bytes_per_day: Some(bytesize::ByteSize::gib(2)), objects_per_day: Some(9) };
        let operator = AccessKey { quota, ..AccessKey::with("operator", "hidden away", vec![grant]) };
        keys.insert(&operator).unwrap();
        keys.insert(&AccessKey::all("chief", "one of all")).unwrap();
        let twice = keys.insert(&operator).unwrap_err();
        assert!(std::error::Error::source(&twice).is_some_and(|why| why.to_string().contains("already")), "{twice:?}");
        assert!(keys.insert(&AccessKey::all("", "one of all")).is_err());
        let text = format!("# whose it is\n{}", fs::read_to_string(&path).unwrap());
        private_file::replace(&path, text.as_bytes()).unwrap();
        assert_eq!(keys.list().unwrap(), [operator.clone(), AccessKey::all("chief", "one of all")]);
        assert!(!keys.remove("nobody").unwrap());
        assert!(keys.remove("chief").unwrap());
        assert_eq!(keys.list().unwrap(), [operator]);
        assert!(fs::read_to_string(&path).unwrap().contains("# whose it is"));
        assert!(keys.remove("operator").unwrap());
        assert_eq!(keys.list().unwrap(), []);
    }

    #[test]
    fn a_broken_file_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        private_file::replace(&path, b"keys = 7").unwrap();
        assert!(Keys(&path).insert(&AccessKey::all("a", "spilt milk")).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"keys = 7");
    }
}
