//! `cameo serve`: the whole system in one process, until it is told to end.

use std::path::PathBuf;

use anyhow::Context as _;
use cameo::{
    config::{Environment, Listen},
    host::{
        data_folder::{Credentials, Running},
        embedded::Server,
    },
};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::{Context, json_line, line};
use crate::{exit::Exit, logging};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo serve\n  cameo serve --data /var/lib/cameo --s3-listen 0.0.0.0:9000\n  \
cameo serve --json --s3-listen 127.0.0.1:0 --images-listen 127.0.0.1:0 --console-listen off")]
pub(crate) struct Args {
    /// Folder that holds everything [default: ./cameo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// S3 endpoint: ADDR:PORT (port 0: a free one) or off [default: 127.0.0.1:9000]
    #[arg(long, value_name = "ADDR:PORT")]
    s3_listen: Option<Listen>,
    /// Public images [default: 127.0.0.1:9001]
    #[arg(long, value_name = "ADDR:PORT")]
    images_listen: Option<Listen>,
    /// Console and JSON API [default: 127.0.0.1:9002]
    #[arg(long, value_name = "ADDR:PORT")]
    console_listen: Option<Listen>,
    /// Base of the addresses in `image_url` [default: the images listener]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Accept uploads and serve, but render and register nothing
    #[arg(long)]
    no_worker: bool,
}

/// The first line of output once the server is ready.
#[derive(Debug, Serialize)]
struct Ready<'r> {
    ready: bool,
    #[serde(flatten)]
    running: &'r Running,
}

pub(crate) async fn run(context: Context, args: Args) -> anyhow::Result<Exit> {
    logging::start(&context.config.log, &context.environment)?;
    let mut config = context.config;
    let server = &mut config.server;
    server.data = args.data.unwrap_or_else(|| server.data.clone());
    server.s3_listen = args.s3_listen.unwrap_or(server.s3_listen);
    server.images_listen = args.images_listen.unwrap_or(server.images_listen);
    server.console_listen = args.console_listen.unwrap_or(server.console_listen);
    config.images.public_url = args.public_url.unwrap_or(config.images.public_url);

    // Before anybody can know that there is a server: a signal that comes while it starts must not kill it half-way.
    let told_to_end = told_to_end()?;
    let server = Server::start(&config, &context.environment, context.clock, args.no_worker).await?;
    let bucket = &config.store.upload_bucket;
    if context.json {
        json_line(&Ready { ready: true, running: server.running() })?;
    } else {
        line(&welcome(server.running(), server.credentials(), &context.environment, bucket))?;
    }
    server.serve_until(told_to_end).await?;
    Ok(Exit::Complete)
}

/// Listens for SIGTERM and Ctrl-C from now on; what it returns completes when one of them has come.
fn told_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn welcome(
    running: &Running,
    (credentials, new): (&Credentials, bool),
    environment: &Environment,
    bucket: &str,
) -> String {
    let shown = |url: &Option<String>| url.clone().unwrap_or_else(|| "off".to_owned());
    let mut text = format!(
        "Cameo is ready.\n  S3 endpoint  {}\n  images       {}\n  console      {}\n",
        shown(&running.s3),
        shown(&running.images),
        shown(&running.console)
    );
    if new {
        text += "\nA key pair was made. It is kept in credentials.json in the data folder and shown only now:\n";
        text += &format!("  export AWS_ACCESS_KEY_ID={}\n", credentials.access_key_id);
        text += &format!("  export AWS_SECRET_ACCESS_KEY={}\n", credentials.secret_access_key);
        text += "  export AWS_DEFAULT_REGION=us-east-1\n";
    } else if environment.get("CAMEO_ACCESS_KEY_ID").is_none() {
        text += "\nThe key pair is that of credentials.json in the data folder.\n";
    }
    if let Some(s3) = &running.s3 {
        text += "\nUpload a folder of photos ({cd_idx}_{sequence}.jpg) from inside it:\n";
        text += &format!(
            "  aws s3 cp . s3://{bucket}/origin/ssgdfm_eye --recursive --include=\"*.jpg\" --endpoint-url {s3}"
        );
    }
    text
}
