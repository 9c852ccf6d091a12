//! Who may do what: the bridge from the access keys to the S3 service.
//!
//! The front judges signatures and rights by its reading of a request, before anything of a body is taken. What a request names
//! beside its path (the source of a copy, the keys of a bulk delete) is checked where it is read.

use std::sync::Arc;

use http::Method;
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{Credentials, S3Auth, SecretKey},
    path::S3Path,
    s3_error,
};

use super::{
    handover::InternalSecret,
    key_ring::KeyRing,
    keys::{ANONYMOUS, AccessKey, Action},
    reading::{Reading, Target},
    routes::{Admitted, Need, Route},
};

/// The service's view of the key ring.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub(super) keys: Arc<KeyRing>,
    /// What the front signs requests for the service with.
    pub(super) internal: InternalSecret,
}

#[async_trait::async_trait]
impl S3Auth for Access {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.find(access_key) {
            Some(_) => Ok(SecretKey::from(self.internal.expose())),
            None => Err(s3_error!(InvalidAccessKeyId, "The access key id you provided does not exist.")),
        }
    }
}

impl Access {
    /// The key of a request that the front let in. No client signs for this one: the front has checked who they are.
    fn find(&self, id: &str) -> Option<Arc<AccessKey>> {
        if id == ANONYMOUS { self.keys.everybody().cloned() } else { self.keys.find(id) }
    }

    /// The key pair that signed a request.
    pub(super) fn signer(&self, credentials: Option<&Credentials>) -> S3Result<Arc<AccessKey>> {
        credentials
            .and_then(|credentials| self.find(&credentials.access_key))
            .ok_or_else(|| s3_error!(AccessDenied, "Requests must be signed."))
    }

    /// Refuses what the signer may not do with a key.
    pub(super) fn require(
        &self,
        credentials: Option<&Credentials>,
        action: Action,
        bucket: &str,
        key: &str,
    ) -> S3Result<()> {
        let signer = self.signer(credentials)?;
        let may = |key_pair: &AccessKey| key_pair.permits(action, bucket, key);
        if may(&signer) || self.keys.everybody().is_some_and(|everybody| may(everybody)) {
            Ok(())
        } else {
            Err(denied())
        }
    }
}

/// Refuses a request that its signer has no right to, before anything of its body is taken.
/// What everybody may do, every signer may.
pub(super) fn require_right(keys: &KeyRing, signer: &AccessKey, reading: &Reading, route: &Route) -> S3Result<()> {
    let may = |key: &AccessKey| has_right(key, reading, route);
    if may(signer) || keys.everybody().is_some_and(|everybody| may(everybody)) { Ok(()) } else { Err(denied()) }
}

/// Lets in a request that nobody signed, where everybody may do what it asks for.
pub(super) fn admit_unsigned(keys: &KeyRing, reading: &Reading, route: &Route) -> S3Result<Arc<AccessKey>> {
    let must_sign = || s3_error!(AccessDenied, "Requests must be signed with an access key.");
    let everybody = keys.everybody().ok_or_else(must_sign)?;
    // Both: a right to read is no right to a method that writes, whatever a route may one day ask for.
    if !matches!(reading.method, Method::GET | Method::HEAD) || !has_right(everybody, reading, route) {
        return Err(must_sign());
    }
    // GetObject, S3 API Reference: who may set headers of an answer for others must be known.
    if reading.query.iter().any(|(name, _)| name.starts_with("response-")) {
        return Err(s3_error!(
            InvalidRequest,
            "Request specific response headers cannot be used for anonymous GET requests."
        ));
    }
    Ok(everybody.clone())
}

fn has_right(signer: &AccessKey, reading: &Reading, route: &Route) -> bool {
    let bucket = reading.target.bucket();
    match route.need {
        Need::Signature => signer.id != ANONYMOUS,
        Need::Bucket => signer.knows(bucket),
        Need::Whole(action) => signer.permits(action, bucket, ""),
        Need::Prefix => signer.permits(Action::Read, bucket, reading.parameter("prefix").unwrap_or_default()),
        Need::Key(action) => signer.permits(action, bucket, reading.target.key()),
    }
}

fn denied() -> s3s::S3Error {
    s3_error!(AccessDenied, "The access key has no right to do this; its grants are in the server's key file.")
}

fn misread(what: &str) -> s3s::S3Error {
    tracing::error!(what, "a request was read in two ways; it was refused");
    s3_error!(InternalError, "The request was read in two ways. This is a fault of the server; please report it.")
}

/// Whether the service reads a path as the front does.
fn is_same(path: &S3Path, target: &Target) -> bool {
    match (path, target) {
        (S3Path::Root, Target::Service) => true,
        (S3Path::Bucket { bucket }, Target::Bucket(named)) => **bucket == **named,
        (S3Path::Object { bucket, key }, Target::Object(named, key_named)) => {
            **bucket == **named && **key == **key_named
        }
        _ => false,
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        self.signer(cx.credentials())?;
        let admitted = cx.extensions_mut().get::<Arc<Admitted>>().cloned().ok_or_else(|| misread("unread"))?;
        let Admitted { reading, route } = &*admitted;
        // The front wrote the request anew for the service, so that neither can happen: they end what would otherwise be
        // a right for one thing used for another.
        if cx.s3_op().name() != route.operation {
            return Err(misread("operation"));
        }
        if !is_same(cx.s3_path(), &reading.target) {
            return Err(misread("path"));
        }
        Ok(())
    }
}
