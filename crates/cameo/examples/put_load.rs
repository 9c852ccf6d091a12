//! PUTs per second of an S3 endpoint: `put_load URL BUCKET COUNT CONCURRENCY BYTES`.
//!
//! The key pair is read from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. Prints one line of JSON. Bodies differ, so
//! that nothing can be shared; every PUT must succeed.

use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStoreExt, aws::AmazonS3Builder, path::Path};

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "a program of its own, without configuration")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, bucket, count, concurrency, bytes] = &arguments[..] else {
        return Err("put_load URL BUCKET COUNT CONCURRENCY BYTES".into());
    };
    let (count, concurrency, bytes): (u64, usize, usize) = (count.parse()?, concurrency.parse()?, bytes.parse()?);
    cameo::tls::install_crypto_provider();
    let store = AmazonS3Builder::new()
        .with_endpoint(url)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(bucket)
        .with_access_key_id(std::env::var("AWS_ACCESS_KEY_ID")?)
        .with_secret_access_key(std::env::var("AWS_SECRET_ACCESS_KEY")?)
        .build()?;
    let began = Instant::now();
    let puts = futures::stream::iter(0..count).map(|number| {
        let mut body = vec![0; bytes];
        body.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, value)| *byte = value);
        let (store, key) = (&store, Path::from(format!("load/{number}")));
        async move { store.put(&key, Bytes::from(body).into()).await.map(|_| ()) }
    });
    puts.buffer_unordered(concurrency).try_collect::<Vec<()>>().await?;
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / seconds;
    println!(
        r#"{{"puts":{count},"concurrency":{concurrency},"bytes":{bytes},"seconds":{seconds:.3},"puts_per_s":{rate:.1}}}"#
    );
    Ok(())
}
