//! The signing itself, by `object_store`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, header::HeaderName};
use object_store::{
    aws::{AmazonS3, AmazonS3Builder, AwsCredential, AwsCredentialProvider},
    path::Path,
    signer::{SignedUrlOptions, Signer},
};

use super::{HOLDS_MAX, SignedPut};
use crate::model::error::{Error, Kind, Place, Result};

/// The header by which a client says what it sends; its value is signed.
const CONTENT_MD5: &str = "content-md5";

/// Signs for one bucket of one service.
#[derive(Debug)]
pub struct PutSigner(AmazonS3);

/// Whose keys sign.
pub enum SigningKeys {
    /// These.
    Pair {
        /// The public half.
        id: String,
        /// The secret half.
        secret: String,
        /// What temporary keys come with.
        token: Option<String>,
    },
    /// Those that a provider has at the time.
    Of(AwsCredentialProvider),
}

impl PutSigner {
    /// For a bucket of the service at `endpoint`, as its clients know it; Amazon's own where there is none.
    pub fn new(endpoint: Option<&str>, region: &str, bucket: &str, keys: SigningKeys) -> Result<Self> {
        crate::tls::install_crypto_provider();
        let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_region(region).with_allow_http(true);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        builder = match keys {
            SigningKeys::Pair { id, secret, token } => {
                let pair = AwsCredential { key_id: id, secret_key: secret, token };
                builder.with_credentials(Arc::new(object_store::StaticCredentialProvider::new(pair)))
            }
            SigningKeys::Of(provider) => builder.with_credentials(provider),
        };
        builder.build().map(Self).map_err(|error| failed("set up the signing of uploads", error))
    }

    /// An address to which content with this MD5 may be sent as `key`, for as long as `holds` says.
    pub async fn put(&self, key: &str, md5: &[u8], holds: Duration) -> Result<SignedPut> {
        let doing = || format!("sign an upload of {key}");
        let path = Path::parse(key).map_err(|error| failed(&doing(), error))?;
        let md5 = STANDARD.encode(md5);
        let value = HeaderValue::from_str(&md5).map_err(|error| failed(&doing(), error))?;
        let options = SignedUrlOptions::new().with_signed_header(HeaderName::from_static(CONTENT_MD5), value);
        let signed = self.0.signed_url_opts(Method::PUT, &path, holds.min(HOLDS_MAX), &options).await;
        let url = signed.map_err(|error| failed(&doing(), error))?;
        Ok(SignedPut { url: url.into(), headers: BTreeMap::from([(CONTENT_MD5.to_owned(), md5)]) })
    }
}

fn failed(doing: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Place::Store, Kind::Unavailable, doing).because(error)
}
