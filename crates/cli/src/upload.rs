//! Uploading a delivery over the S3 endpoint, as any S3 client does.

use std::path::PathBuf;

use anyhow::Context as _;
use cameo::{model::key::PhotoId, server::data_folder::Credentials};
use futures::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use object_store::{
    Attribute, Attributes, ObjectStore, PutOptions,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};

/// Uploads side by side.
const CONCURRENCY: usize = 8;

/// A bucket of an S3 endpoint.
#[derive(Debug)]
pub(crate) struct Uploader {
    bucket: AmazonS3,
}

impl Uploader {
    /// Uploads to `bucket` at `endpoint`.
    pub(crate) fn new(endpoint: &str, bucket: &str, credentials: &Credentials) -> anyhow::Result<Self> {
        cameo::tls::install_crypto_provider();
        let bucket = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_bucket_name(bucket)
            .with_access_key_id(&credentials.access_key_id)
            .with_secret_access_key(&credentials.secret_access_key)
            .build()
            .context("failed to set up the S3 client")?;
        Ok(Self { bucket })
    }

    /// Uploads originals; returns how many bytes they have.
    pub(crate) async fn upload(
        &self,
        originals: impl ExactSizeIterator<Item = (&PhotoId, &PathBuf)>,
    ) -> anyhow::Result<u64> {
        let bar = progress_bar(originals.len() as u64);
        let uploads = futures::stream::iter(originals).map(|(photo, path)| self.upload_one(photo, path));
        let uploaded = uploads.buffer_unordered(CONCURRENCY).inspect_ok(|_| bar.inc(1));
        let bytes = uploaded.try_fold(0, |sum, bytes| async move { Ok(sum + bytes) }).await?;
        bar.finish_and_clear();
        Ok(bytes)
    }

    async fn upload_one(&self, photo: &PhotoId, path: &PathBuf) -> anyhow::Result<u64> {
        let content = tokio::fs::read(path).await.with_context(|| format!("failed to read {}", path.display()))?;
        let bytes = content.len() as u64;
        let key = Path::parse(photo.origin_key()).with_context(|| format!("failed to upload {photo}"))?;
        let attributes = Attributes::from_iter([(Attribute::ContentType, "image/jpeg")]);
        let options = PutOptions { attributes, ..PutOptions::default() };
        let put = self.bucket.put_opts(&key, content.into(), options).await;
        put.with_context(|| format!("failed to upload {}", path.display()))?;
        Ok(bytes)
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("uploading {bar:30} {pos}/{len}");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
