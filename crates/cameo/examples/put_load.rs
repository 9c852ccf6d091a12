//! PUTs per second of an S3 endpoint: `put_load URL BUCKET COUNT CONCURRENCY BYTES|PHOTO`.
//!
//! With a number of bytes the bodies are so many zeros, with the path of a JPEG they are this photo, as originals of as many
//! entities of the vertical `load`. Bodies differ, so that nothing can be shared; every PUT must succeed in the end, and is
//! tried again while the endpoint answers 503. The key pair is read from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
//! Prints one line of JSON.

use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectStoreExt, aws::AmazonS3Builder, path::Path};

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "a program of its own, without configuration")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, bucket, count, concurrency, content] = &arguments[..] else {
        return Err("put_load URL BUCKET COUNT CONCURRENCY BYTES|PHOTO".into());
    };
    let (count, concurrency): (u64, usize) = (count.parse()?, concurrency.parse()?);
    let content = match content.parse() {
        Ok(bytes) => Body::Zeros(bytes),
        Err(_) => Body::Photo(std::fs::read(content)?),
    };
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
        let (store, (key, body)) = (&store, content.object(number));
        async move { store.put(&Path::from(key), Bytes::from(body).into()).await.map(|_| ()) }
    });
    puts.buffer_unordered(concurrency).try_collect::<Vec<()>>().await?;
    let seconds = began.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / seconds;
    println!(r#"{{"puts":{count},"concurrency":{concurrency},"seconds":{seconds:.3},"puts_per_s":{rate:.1}}}"#);
    Ok(())
}

enum Body {
    Zeros(usize),
    Photo(Vec<u8>),
}

impl Body {
    /// Key and body of an object; no two bodies are the same.
    fn object(&self, number: u64) -> (String, Vec<u8>) {
        match self {
            Self::Zeros(bytes) => {
                let mut body = vec![0; *bytes];
                body.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, value)| *byte = value);
                (format!("load/{number}"), body)
            }
            Self::Photo(jpeg) => {
                // A comment behind the start of the image.
                let comment = [b"\xff\xfe\x00\x0a".as_slice(), &number.to_le_bytes()].concat();
                let (start, rest) = jpeg.split_at(2.min(jpeg.len()));
                (format!("origin/load/{}_0.jpg", number + 1), [start, &comment, rest].concat())
            }
        }
    }
}
