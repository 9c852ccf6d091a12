//! The certificate of the listeners that speak TLS, as it is in its two files, and read again when they change.
//!
//! Chain and key count together or not at all: a pair that cannot be used keeps the one before it in its place, and whoever asks hears why.
//! Whether a file changed is asked of the file that a link leads to, so that tools which move a link are heard too.

use std::{
    fmt,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::{SignedDuration, Timestamp};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use x509_parser::{extensions::GeneralName, prelude::FromDer};

use crate::{
    admission::fault_of_domain,
    model::{
        error::{Error, Kind, Place, Result},
        lang::Text,
    },
    private_file::{self, Holds, Links},
};

/// Bytes of either file, at most.
const FILE_MAX_BYTES: u64 = 1 << 20;
/// Certificates of a chain, at most: clients give up on longer ones.
const CHAIN_MAX: usize = 16;
/// How long before its end a certificate is warned of.
pub const WARNED_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// What others may do with a key.
const OTHERS: u32 = 0o077;

/// The two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those that lead from it to a root, in PEM.
    pub chain: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// From when on it holds.
    pub begins: Timestamp,
    /// Until when it holds.
    pub ends: Timestamp,
}

impl Facts {
    /// Whether a browser that asks for this host takes it (RFC 6125, 6.4.3: a star is one label, the first).
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(rest) => host.split_once('.').is_some_and(|(first, after)| !first.is_empty() && after == rest),
            None => *name == host,
        })
    }

    /// What people should know of its time, now.
    pub fn warning(&self, now: Timestamp) -> Option<Text> {
        let (begins, ends) = (self.begins, self.ends);
        if now >= ends {
            let en = format!(
                "the certificate has expired at {ends}: browsers refuse it; put a new one into server.tls.cert"
            );
            let ko = format!(
                "인증서가 {ends} 에 만료되어 브라우저가 거부합니다. server.tls.cert 에 새 인증서를 넣어 주세요"
            );
            return Some(Text::new(en, ko));
        }
        if now < begins {
            let en = format!("the certificate holds from {begins} on: until then browsers refuse it");
            return Some(Text::new(en, format!("인증서는 {begins} 부터 유효하며 그 전에는 브라우저가 거부합니다")));
        }
        let left = ends.duration_since(now);
        (left <= WARNED_BEFORE).then(|| {
            let days = left.as_hours() / 24;
            Text::new(
                format!("the certificate expires in {days} days, at {ends}: renew it"),
                format!("인증서가 {days}일 뒤({ends}) 만료됩니다. 갱신해 주세요"),
            )
        })
    }
}

/// A pair that can be used.
#[derive(Debug)]
pub struct Loaded {
    certified: Arc<CertifiedKey>,
    /// What it says of itself.
    pub facts: Facts,
}

impl CertificateFiles {
    /// Reads both files, and whether they belong together.
    pub fn load(&self) -> Result<Loaded> {
        let chain = self.read_chain()?;
        let facts = facts_of(&self.chain, &chain[0])?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key, "server.tls.key")?);
        let key =
            key.map_err(|error| wrong(&self.key, "server.tls.key", &format!("no private key in PEM: {error}")))?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
            let files = format!("use {} (server.tls.cert) with {} (server.tls.key)", self.chain.display(), self.key.display());
            let why = match error {
                rustls::Error::InconsistentKeys(_) => {
                    "the key is not that of the first certificate of the chain; the server's own certificate comes first".to_owned()
                }
                other => other.to_string(),
            };
            Error::new(Place::System, Kind::Misconfigured, files).because(why)
        })?;
        Ok(Loaded { certified: Arc::new(certified), facts })
    }

    fn read_chain(&self) -> Result<Vec<CertificateDer<'static>>> {
        let (path, name) = (&self.chain, "server.tls.cert");
        let pem = read(path, name)?;
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| wrong(path, name, &format!("no certificate in PEM: {error}")))?;
        match chain.len() {
            0 => Err(wrong(path, name, "it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")),
            many if many > CHAIN_MAX => Err(wrong(path, name, &format!("it holds more than {CHAIN_MAX} certificates"))),
            _ => Ok(chain),
        }
    }

    /// What is wrong with who may read the key, though it can be used.
    pub fn warning_of_key(&self) -> Option<String> {
        let mode = std::fs::metadata(&self.key).ok()?.mode();
        let shown = self.key.display();
        (mode & OTHERS != 0).then(|| {
            format!(
                "others than its owner may read {shown} (server.tls.key, mode {:04o}); run chmod 600 {shown}",
                mode & 0o7777
            )
        })
    }

    /// What changes when one of them does.
    fn stamps(&self) -> [Option<Stamp>; 2] {
        [&self.chain, &self.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((
                found.dev(),
                found.ino(),
                found.len(),
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
            ))
        })
    }
}

type Stamp = (u64, u64, u64, i64, i64, i64, i64);

fn read(path: &Path, name: &str) -> Result<Vec<u8>> {
    match private_file::read(path, FILE_MAX_BYTES, Holds::Facts, Links::Followed)? {
        Some(content) => Ok(content),
        None => Err(wrong(path, name, "it does not exist")),
    }
}

fn wrong(path: &Path, name: &str, why: &str) -> Error {
    Error::new(Place::System, Kind::Misconfigured, format!("read {} ({name})", path.display())).because(why.to_owned())
}

fn facts_of(path: &Path, certificate: &CertificateDer<'_>) -> Result<Facts> {
    let unreadable =
        |why: String| wrong(path, "server.tls.cert", &format!("its first certificate cannot be read: {why}"));
    let parsed = x509_parser::certificate::X509Certificate::from_der(certificate);
    let (_, parsed) = parsed.map_err(|error| unreadable(error.to_string()))?;
    let at = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| unreadable(error.to_string()));
    let validity = parsed.validity();
    let names = parsed.subject_alternative_name().map_err(|error| unreadable(error.to_string()))?;
    let names = names.into_iter().flat_map(|names| &names.value.general_names).filter_map(name_of).collect();
    Ok(Facts { names, begins: at(validity.not_before.timestamp())?, ends: at(validity.not_after.timestamp())? })
}

/// A name that browsers compare with the host that they ask for.
fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let four: Option<[u8; 4]> = (*bytes).try_into().ok();
            let sixteen: Option<[u8; 16]> = (*bytes).try_into().ok();
            let v4 = four.map(|bytes| std::net::IpAddr::from(bytes).to_string());
            v4.or_else(|| sixteen.map(|bytes| std::net::IpAddr::from(bytes).to_string()))
        }
        _ => None,
    }
}

/// The certificate in use. Every handshake takes the one of its moment.
pub struct Certificate {
    files: CertificateFiles,
    current: RwLock<Current>,
}

struct Current {
    loaded: Loaded,
    /// Why what is in the files now is not used.
    fault: Option<String>,
    /// The files as they were looked at last.
    seen: [Option<Stamp>; 2],
}

/// What looking at the files again came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reloaded {
    /// They are as they were.
    Same,
    /// From now on this one is used.
    New(Facts),
    /// What they hold cannot be used, and the one before is kept.
    Kept(String),
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificate {
    /// That of these files. A pair that cannot be used is an error.
    pub fn open(files: CertificateFiles) -> Result<Self> {
        let seen = files.stamps();
        let current = RwLock::new(Current { loaded: files.load()?, fault: None, seen });
        Ok(Self { files, current })
    }

    /// Looks whether the files changed, and uses what they hold if it can be used now.
    pub fn reload(&self, now: Timestamp) -> Reloaded {
        // Before they are read: what changes in between is seen the next time.
        let stamps = self.files.stamps();
        if self.with(|current| current.seen == stamps) {
            return Reloaded::Same;
        }
        let loaded = self.files.load().map_err(|error| error.to_string()).and_then(|loaded| {
            let Facts { begins, ends, .. } = loaded.facts;
            let holds = (begins..ends).contains(&now);
            if holds || !self.with(|current| (current.loaded.facts.begins..current.loaded.facts.ends).contains(&now)) {
                return Ok(loaded);
            }
            Err(format!("the new certificate holds from {begins} to {ends}, and not now"))
        });
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.seen = stamps;
        match loaded {
            Ok(loaded) => {
                let facts = loaded.facts.clone();
                (current.loaded, current.fault) = (loaded, None);
                Reloaded::New(facts)
            }
            Err(fault) => {
                current.fault = Some(fault.clone());
                Reloaded::Kept(fault)
            }
        }
    }

    /// The two files.
    pub fn files(&self) -> &CertificateFiles {
        &self.files
    }

    /// What the one in use says of itself.
    pub fn facts(&self) -> Facts {
        self.with(|current| current.loaded.facts.clone())
    }

    /// Why what is in the files now is not used.
    pub fn fault(&self) -> Option<String> {
        self.with(|current| current.fault.clone())
    }

    /// Whether browsers refuse it now.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.with(|current| now >= current.loaded.facts.ends)
    }

    /// What people should know of it now.
    pub fn warning(&self, now: Timestamp) -> Option<Text> {
        self.with(|current| {
            let of_time = current.loaded.facts.warning(now);
            let Some(fault) = &current.fault else { return of_time };
            let kept = Text::new(
                format!("the certificate that was put in place cannot be used, and the one before it is kept: {fault}"),
                format!("새로 넣은 인증서를 쓸 수 없어 이전 인증서를 계속 씁니다: {fault}"),
            );
            let Some(of_time) = of_time else { return Some(kept) };
            Some(Text::each(|lang| format!("{}; {}", kept.of(lang), of_time.of(lang))))
        })
    }

    fn with<T>(&self, look: impl FnOnce(&Current) -> T) -> T {
        look(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.with(|current| current.loaded.certified.clone()))
    }
}

/// Names that a certificate does not cover, of those that a browser may ask for.
pub fn uncovered<'n>(facts: &Facts, hosts: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    hosts.into_iter().filter(|host| fault_of_domain(host).is_none() && !facts.is_for(host)).collect()
}

#[cfg(test)]
pub(in crate::serve) mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate with its key in two files.
    pub(in crate::serve) struct Pair {
        folder: tempfile::TempDir,
        name: String,
    }

    impl Pair {
        pub(in crate::serve) fn new(name: &str) -> Self {
            let pair = Self { folder: tempfile::tempdir().unwrap(), name: name.to_owned() };
            pair.renew();
            pair
        }

        pub(in crate::serve) fn files(&self) -> CertificateFiles {
            CertificateFiles { chain: self.folder.path().join("chain.pem"), key: self.folder.path().join("key.pem") }
        }

        /// Another key, and another certificate.
        pub(in crate::serve) fn renew(&self) {
            self.renew_until(2100);
        }

        fn renew_until(&self, year: i32) {
            let (chain, key) = made(&self.name, year);
            let files = self.files();
            private_file::replace(&files.chain, chain.as_bytes()).unwrap();
            private_file::replace(&files.key, key.as_bytes()).unwrap();
        }

        pub(in crate::serve) fn chain(&self) -> String {
            std::fs::read_to_string(self.files().chain).unwrap()
        }
    }

    fn made(name: &str, until: i32) -> (String, String) {
        let mut params =
            CertificateParams::new(vec![name.to_owned(), format!("*.{name}"), "10.0.0.7".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_pair_is_read_with_what_it_is_for() {
        let pair = Pair::new("cameo.test");
        let facts = pair.files().load().unwrap().facts;
        assert_eq!(facts.names, ["cameo.test", "*.cameo.test", "10.0.0.7"]);
        assert_eq!((facts.begins, facts.ends), (at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z")));
        for good in ["cameo.test", "CAMEO.test", "s3.cameo.test", "10.0.0.7"] {
            assert!(facts.is_for(good), "{good}");
        }
        for bad in ["cameo.test.evil", "a.b.cameo.test", ".cameo.test", "xcameo.test", "10.0.0.8", ""] {
            assert!(!facts.is_for(bad), "{bad}");
        }
        assert_eq!(
            uncovered(&facts, ["cameo.test", "other.test", "10.0.0.8"]),
            ["other.test"],
            "addresses are not judged"
        );
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_refused_with_the_file_and_why() {
        let pair = Pair::new("cameo.test");
        let files = pair.files();
        let (chain, key) = (pair.chain(), std::fs::read_to_string(&files.key).unwrap());
        let other = made("cameo.test", 2100);
        let refusal = |chain: &str, key: &str| {
            std::fs::write(&files.chain, chain).unwrap();
            std::fs::write(&files.key, key).unwrap();
            let error = files.load().unwrap_err();
            assert_eq!(error.kind(), Kind::Misconfigured);
            error.to_string()
        };
        let broken = chain.replacen("MII", "MIJ", 1);
        for (chain, key, words) in [
            (chain.as_str(), other.1.as_str(), &["server.tls.cert", "server.tls.key", "not that of"][..]),
            (&other.0, &key, &["not that of"]),
            (&key, &key, &["server.tls.cert", "no certificate"]),
            (&chain, &chain, &["server.tls.key", "no private key"]),
            ("", &key, &["server.tls.cert", "no certificate"]),
            (&chain, "", &["server.tls.key", "no private key"]),
            (&broken, &key, &["server.tls.cert"]),
            (&chain.repeat(17), &key, &["more than 16"]),
        ] {
            let refusal = refusal(chain, key);
            assert!(words.iter().all(|word| refusal.contains(word)), "{refusal}");
            assert!(!refusal.contains("PRIVATE KEY-----\nM"), "{refusal}");
        }
        std::fs::write(&files.chain, &chain).unwrap();
        std::fs::remove_file(&files.key).unwrap();
        assert!(files.load().unwrap_err().to_string().contains("does not exist"));
        // The server's own certificate, and one that leads on.
        std::fs::write(&files.chain, format!("{chain}{}", other.0)).unwrap();
        std::fs::write(&files.key, &key).unwrap();
        assert!(files.load().is_ok());
    }

    #[test]
    fn a_key_that_others_may_read_is_warned_of_and_one_that_they_may_write_is_refused() {
        let pair = Pair::new("cameo.test");
        let files = pair.files();
        assert_eq!(files.warning_of_key(), None);
        let mode = |bits| std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(bits)).unwrap();
        mode(0o640);
        assert!(files.warning_of_key().unwrap().contains("chmod 600") && files.load().is_ok());
        mode(0o666);
        assert!(files.load().unwrap_err().to_string().contains("chmod go-w"));
    }

    #[test]
    fn a_broken_new_one_keeps_the_one_before_and_says_so_until_it_is_right() {
        let pair = Pair::new("cameo.test");
        let certificate = Certificate::open(pair.files()).unwrap();
        let now = at("2026-11-27T00:00:00Z");
        assert_eq!((certificate.reload(now), certificate.warning(now)), (Reloaded::Same, None));
        let before = certificate.facts();
        let is_kept = |words: &str| {
            let Reloaded::Kept(fault) = certificate.reload(now) else { panic!("it was used") };
            assert!(fault.contains(words), "{fault}");
            assert_eq!(certificate.reload(now), Reloaded::Same, "it is said once");
            assert_eq!(certificate.facts(), before);
            let warning = certificate.warning(now).unwrap();
            assert!(warning.english.contains("kept") && warning.korean.contains("이전 인증서"), "{warning:?}");
            assert!(!certificate.has_expired(now));
        };
        let (files, right) = (pair.files(), made("cameo.test", 2090));
        private_file::replace(&files.chain, right.0.as_bytes()).unwrap();
        is_kept("not that of");
        std::fs::remove_file(&files.key).unwrap();
        is_kept("does not exist");
        pair.renew_until(2025);
        is_kept("and not now");
        private_file::replace(&files.chain, right.0.as_bytes()).unwrap();
        private_file::replace(&files.key, right.1.as_bytes()).unwrap();
        assert!(matches!(certificate.reload(now), Reloaded::New(facts) if facts.ends == at("2090-01-01T00:00:00Z")));
        assert_eq!((certificate.warning(now), certificate.fault()), (None, None));
    }

    /// Tools that renew certificates move a link.
    #[test]
    fn a_link_that_leads_elsewhere_is_noticed() {
        let (one, other, links) = (Pair::new("cameo.test"), Pair::new("cameo.test"), tempfile::tempdir().unwrap());
        let files = CertificateFiles { chain: links.path().join("chain"), key: links.path().join("key") };
        let lead_to = |pair: &Pair| {
            for (link, file) in [(&files.chain, pair.files().chain), (&files.key, pair.files().key)] {
                let _ = std::fs::remove_file(link);
                symlink(file, link).unwrap();
            }
        };
        lead_to(&one);
        let certificate = Certificate::open(files.clone()).unwrap();
        lead_to(&other);
        assert!(matches!(certificate.reload(at("2026-11-27T00:00:00Z")), Reloaded::New(_)));
    }

    #[test]
    fn the_end_is_warned_of_for_fourteen_days() {
        let pair = Pair::new("cameo.test");
        pair.renew_until(2027);
        let certificate = Certificate::open(pair.files()).unwrap();
        let warning = |now: &str| certificate.warning(at(now));
        assert_eq!(warning("2026-12-17T23:59:59Z"), None);
        let soon = warning("2026-12-18T00:00:00Z").unwrap();
        assert!(soon.english.contains("in 14 days") && soon.korean.contains("14일"), "{soon:?}");
        assert!(
            !certificate.has_expired(at("2026-12-31T23:59:59Z")) && certificate.has_expired(at("2027-01-01T00:00:00Z"))
        );
        assert!(warning("2027-01-01T00:00:00Z").unwrap().english.contains("expired"));
        assert!(warning("2019-01-01T00:00:00Z").unwrap().english.contains("from 2020"));
        // There is none better to be kept.
        pair.renew_until(2027);
        assert!(matches!(certificate.reload(at("2028-01-01T00:00:00Z")), Reloaded::New(_)));
    }
}
