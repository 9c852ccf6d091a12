//! The access keys that are let in now: the administrator's first one, and those of a file that is read again with every request.
//!
//! The file's content decides whether it changed, not its size or its times, which a change can keep. One that cannot be read or
//! understood changes nothing: the keys of the last good one stay, and the log says when that began and when it ended.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::{
    key_file,
    keys::{ANONYMOUS, AccessKey, Grant},
    quota::Usage,
    session_keys::SessionKeys,
};
use crate::model::error::{Error, Kind, Place, Result};

type Keys = Arc<HashMap<String, Arc<AccessKey>>>;
type Hash = [u8; 32];

/// The access keys that are let in.
#[derive(Debug, Default)]
pub struct KeyRing {
    /// Let in whatever a file says, unless it has a key of the same id.
    first: Keys,
    source: Option<Source>,
    state: Mutex<LoadedKeys>,
    usage: Usage,
    /// What everybody may do, without a signature: read some buckets. It has no secret that anybody could sign with.
    everybody: Option<Arc<AccessKey>>,
    /// Those of tokens.
    sessions: Option<Arc<SessionKeys>>,
}

/// Where keys are read from.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    /// Whether its absence is a fault, and not just no keys.
    required: bool,
}

#[derive(Debug, Default)]
struct LoadedKeys {
    keys: Keys,
    /// Of the content that was looked at last, good or not; nothing where there was none.
    seen: Option<Hash>,
    /// What is wrong with the file, while something is.
    fault: Option<Fault>,
}

/// Something wrong with the file.
#[derive(Debug)]
enum Fault {
    /// It could not be read at all, so it may be well the next time.
    Unreadable,
    /// This content is wrong, and is not looked at again before it changes.
    Content,
}

impl Source {
    fn read(&self) -> Result<Option<Vec<u8>>> {
        let bytes = key_file::read(&self.path)?;
        if bytes.is_none() && self.required {
            let doing = format!("read the access keys of {}: there is no such file", self.path.display());
            return Err(Error::new(Place::System, Kind::Misconfigured, doing));
        }
        Ok(bytes)
    }

    fn parse(&self, bytes: Option<&[u8]>) -> Result<Keys> {
        let Some(bytes) = bytes else { return Ok(Keys::default()) };
        let keys = key_file::parse(&self.path, bytes)?;
        for key in keys.iter().filter(|key| !key.administrator && key.grants.is_empty()) {
            // In older versions such a key might do everything.
            tracing::warn!(
                access_key = key.id,
                "an access key has no grants and may do nothing: see README.md, Security"
            );
        }
        Ok(by_id(keys))
    }
}

fn by_id(keys: Vec<AccessKey>) -> Keys {
    Arc::new(keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect())
}

fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

impl KeyRing {
    /// These keys, for as long as the process lives.
    pub fn fixed(keys: Vec<AccessKey>) -> Self {
        Self { first: by_id(keys), ..Self::default() }
    }

    /// The same keys, and these buckets may be read and listed by everybody; a `*` at the end stands for any rest.
    #[must_use]
    pub fn open_to_everybody(mut self, buckets: &[String]) -> Self {
        let grants: Vec<Grant> = buckets.iter().map(|bucket| Grant::read_all(bucket)).collect();
        self.everybody = (!grants.is_empty()).then(|| Arc::new(AccessKey::with(ANONYMOUS, "", grants)));
        self
    }

    /// The same keys, and those of tokens.
    #[must_use]
    pub fn with_sessions(mut self, sessions: Arc<SessionKeys>) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// The keys of a file, which is read again when it changes, so that keys are rotated without a restart. Only its
    /// owner may be able to read it.
    pub fn from_file(path: &Path) -> Result<Self> {
        Self::with_file(Vec::new(), path)
    }

    /// These keys, and those of a file, as [`KeyRing::from_file`] reads them. Where both have a key of one id, the file's
    /// counts.
    pub fn with_file(first: Vec<AccessKey>, path: &Path) -> Result<Self> {
        Self::open(first, Source { path: path.to_owned(), required: true })
    }

    /// [`KeyRing::with_file`] with a file that need not exist, and has no keys then.
    pub fn with_optional_file(first: Vec<AccessKey>, path: &Path) -> Result<Self> {
        Self::open(first, Source { path: path.to_owned(), required: false })
    }

    fn open(first: Vec<AccessKey>, source: Source) -> Result<Self> {
        let bytes = source.read()?;
        let keys = source.parse(bytes.as_deref())?;
        let state = Mutex::new(LoadedKeys { keys, seen: bytes.as_deref().map(hash), fault: None });
        Ok(Self { first: by_id(first), source: Some(source), state, ..Self::default() })
    }

    /// The key pair of this id, as of now.
    pub fn find(&self, id: &str) -> Option<Arc<AccessKey>> {
        let of_token = || self.sessions.as_ref()?.find(id);
        self.current().get(id).or_else(|| self.first.get(id)).cloned().or_else(of_token)
    }

    /// What everybody may do, without a signature; `None` where that is nothing.
    pub(super) fn everybody(&self) -> Option<&Arc<AccessKey>> {
        self.everybody.as_ref()
    }

    /// Whether everybody may read and list a bucket.
    pub(super) fn is_public(&self, bucket: &str) -> bool {
        self.everybody.as_ref().is_some_and(|everybody| everybody.knows(bucket))
    }

    /// What was uploaded with each key lately.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    fn current(&self) -> Keys {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = &self.source {
            state.refresh(source);
        }
        state.keys.clone()
    }
}

impl LoadedKeys {
    fn refresh(&mut self, source: &Source) {
        let bytes = match source.read() {
            Ok(bytes) => bytes,
            Err(error) => return self.failed(Fault::Unreadable, &error),
        };
        let seen = bytes.as_deref().map(hash);
        if self.seen == seen {
            if matches!(self.fault, Some(Fault::Unreadable)) {
                self.recovered();
            }
            return;
        }
        self.seen = seen;
        match source.parse(bytes.as_deref()) {
            Ok(keys) => {
                self.keys = keys;
                tracing::info!(keys = self.keys.len(), "the access keys were read again");
                self.recovered();
            }
            Err(error) => self.failed(Fault::Content, &error),
        }
    }

    /// One line when it begins, however many requests meet it.
    fn failed(&mut self, fault: Fault, error: &Error) {
        if self.fault.is_none() {
            tracing::warn!(%error, "the access keys stay as they were");
        }
        // Content that was wrong is still wrong after a time in which nobody could read it.
        if !matches!((&self.fault, &fault), (Some(Fault::Content), Fault::Unreadable)) {
            self.fault = Some(fault);
        }
    }

    fn recovered(&mut self) {
        if self.fault.take().is_some() {
            tracing::info!("the file of access keys can be used again");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt, PermissionsExt},
    };

    use super::*;
    use crate::{private_file::replace, serve::s3_api::key_file};

    fn write(path: &Path, keys: &[AccessKey]) {
        replace(path, key_file(keys).unwrap().as_bytes()).unwrap();
    }

    fn in_a_folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        (folder, path)
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let (_folder, path) = in_a_folder();
        write(&path, &[AccessKey::all("first", "the first one")]);
        let ring = KeyRing::from_file(&path).unwrap();
        assert_eq!(ring.find("first").unwrap().secret, "the first one");
        write(&path, &[AccessKey::all("second", "the second twotwo")]);
        assert!(ring.find("first").is_none());
        assert_eq!(ring.find("second").unwrap().secret, "the second twotwo");
        replace(&path, b"keys = 7").unwrap();
        assert!(ring.find("second").is_some());
    }

    /// security.md A10: a change that keeps size, inode and time of change was missed.
    #[test]
    fn a_change_that_keeps_size_inode_and_times_is_seen() {
        let (_folder, path) = in_a_folder();
        write(&path, &[AccessKey::all("id", "old secret")]);
        let (before, modified) = (fs::metadata(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
        let ring = KeyRing::from_file(&path).unwrap();
        fs::write(&path, key_file(&[AccessKey::all("id", "new secret")]).unwrap()).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!(
            (before.ino(), before.len(), before.mtime(), before.mtime_nsec()),
            (after.ino(), after.len(), after.mtime(), after.mtime_nsec())
        );
        assert_eq!(ring.find("id").unwrap().secret, "new secret");
    }

    #[test]
    fn the_first_key_stays_beside_a_file_and_the_file_goes_over_it() {
        let (_folder, path) = in_a_folder();
        write(&path, &[AccessKey::all("other", "the second two")]);
        let ring = KeyRing::with_file(vec![AccessKey::all("first", "the first one")], &path).unwrap();
        assert_eq!(ring.find("first").unwrap().secret, "the first one");
        assert_eq!(ring.find("other").unwrap().secret, "the second two");
        write(&path, &[AccessKey::all("first", "the third three")]);
        assert_eq!(ring.find("first").unwrap().secret, "the third three");
        assert!(ring.find("other").is_none());
    }

    #[test]
    fn a_file_that_need_not_exist_has_no_keys_until_it_does() {
        let (_folder, path) = in_a_folder();
        assert!(KeyRing::from_file(&path).is_err());
        let ring = KeyRing::with_optional_file(vec![AccessKey::all("first", "the first one")], &path).unwrap();
        assert!(ring.find("other").is_none());
        write(&path, &[AccessKey::all("other", "the second two")]);
        assert!(ring.find("other").is_some());
        fs::remove_file(&path).unwrap();
        assert!(ring.find("other").is_none(), "a file that was removed takes its keys with it");
        assert!(ring.find("first").is_some());
    }

    /// security.md A10: anything but a regular file that its owner alone may touch is refused, at once.
    #[test]
    fn a_file_that_others_can_read_or_that_is_none_is_refused() {
        let (folder, path) = in_a_folder();
        write(&path, &[AccessKey::all("id", "the first one")]);
        let ring = KeyRing::from_file(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(KeyRing::from_file(&path).unwrap_err().to_string().contains("chmod 600"));
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        assert!(KeyRing::from_file(&fifo).is_err());
        // The same while it runs.
        fs::rename(&fifo, &path).unwrap();
        assert!(ring.find("id").is_some());
    }

    /// security.md A17: two lines a request while the file could not be read.
    #[test]
    fn a_fault_is_logged_when_it_begins_and_when_it_ends() {
        let (_folder, path) = in_a_folder();
        write(&path, &[AccessKey::all("id", "the first one")]);
        let ring = KeyRing::from_file(&path).unwrap();
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer({
            let log = log.clone();
            move || log.clone()
        });
        tracing::subscriber::with_default(subscriber.finish(), || {
            for _ in 0..3 {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
                (0..50).for_each(|_| drop(ring.find("id")));
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
                (0..50).for_each(|_| drop(ring.find("id")));
            }
            replace(&path, b"keys = 7").unwrap();
            (0..50).for_each(|_| drop(ring.find("id")));
            fs::remove_file(&path).unwrap();
            (0..50).for_each(|_| drop(ring.find("id")));
            write(&path, &[AccessKey::all("id", "the first one")]);
            (0..50).for_each(|_| drop(ring.find("id")));
        });
        let text = log.text();
        assert_eq!(
            (text.matches("stay as they were").count(), text.matches("can be used again").count()),
            (4, 4),
            "{text}"
        );
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", KeyRing::fixed(vec![AccessKey::all("id", "hidden")])).contains("hidden"));
    }
}
