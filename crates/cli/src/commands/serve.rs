//! `cameo serve`: the whole system in one process, until it is told to end.

use std::path::PathBuf;

use cameo::{
    config::{Config, Environment, Listen},
    private_file::keep_to_owner,
    server::{
        data_folder::{Credentials, Running},
        running::{Roles, Server},
    },
};
use serde::Serialize;

use super::{Context, announce, signals::told_to_end};
use crate::{exit::Exit, logging};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo serve\n  cameo serve --data /var/lib/cameo --s3-listen 0.0.0.0:9000\n  \
cameo serve --json --s3-listen 127.0.0.1:0 --images-listen 127.0.0.1:0 --console-listen off")]
pub(crate) struct Args {
    /// Folder that holds everything [default: ./cameo-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// S3 endpoint, where objects live in the data folder: ADDR:PORT (port 0: a free one) or off [default: 127.0.0.1:9000]
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
struct Announced<'r> {
    ready: bool,
    #[serde(flatten)]
    running: &'r Running,
    /// Where the first administrator chooses a name and a password; nothing once there is an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_link: Option<&'r str>,
}

pub(crate) async fn run(context: Context, args: Args) -> anyhow::Result<Exit> {
    keep_to_owner();
    logging::start(&context.config.log, &context.environment)?;
    let mut config = context.config;
    let server = &mut config.server;
    server.data = args.data.unwrap_or_else(|| server.data.clone());
    server.s3_listen = args.s3_listen.unwrap_or(server.s3_listen);
    server.images_listen = args.images_listen.unwrap_or(server.images_listen);
    server.console_listen = args.console_listen.unwrap_or(server.console_listen);
    config.images.public_url = args.public_url.unwrap_or(config.images.public_url);
    config.images.check()?;

    // Before anybody can know that there is a server: a signal that comes while it starts must not kill it half-way.
    let told_to_end = told_to_end()?;
    let roles = if args.no_worker { Roles::NONE } else { Roles::ALL };
    let (environment, clock) = (&context.environment, context.clock);
    let server = Server::start(&config, environment, clock, roles, Some(cameo_console::routes)).await?;
    if context.json {
        announce([serde_json::to_string(&Announced {
            ready: true,
            running: server.running(),
            first_link: server.first_link(),
        })?]);
    } else {
        announce(welcome(&config, &server, &context.environment).split('\n'));
    }
    server.serve_until(told_to_end).await?;
    Ok(Exit::Complete)
}

fn welcome(config: &Config, server: &Server, environment: &Environment) -> String {
    let running = server.running();
    let shown = |url: &Option<String>| url.clone().unwrap_or_else(|| "off".to_owned());
    let endpoint = match server.credentials() {
        Some(_) => shown(&running.s3),
        None => format!("none: originals are uploaded to the store, {}", config.store.url),
    };
    let mut text = format!(
        "Cameo is ready.\n  S3 endpoint  {endpoint}\n  images       {}\n  console      {}\n",
        shown(&running.images),
        shown(&running.console)
    );
    text += &server.credentials().map(|keys| told_keys(keys, environment)).unwrap_or_default();
    if let Some(link) = server.first_link() {
        text += &format!(
            "\nNobody can log in to the console yet. Choose the first administrator's name and password at this address, which works once,\n\
             for 24 hours:\n  {link}\n"
        );
    }
    text + &how_to_upload(config, running)
}

fn told_keys((credentials, new): (&Credentials, bool), environment: &Environment) -> String {
    if new {
        format!(
            "\nA key pair was made. It is kept in credentials.json in the data folder and shown only now:\n  \
             export AWS_ACCESS_KEY_ID={}\n  export AWS_SECRET_ACCESS_KEY={}\n  export AWS_DEFAULT_REGION=us-east-1\n",
            credentials.access_key_id, credentials.secret_access_key
        )
    } else if environment.get("CAMEO_ACCESS_KEY_ID").is_none() {
        "\nThe key pair is that of credentials.json in the data folder.\n".to_owned()
    } else {
        String::new()
    }
}

fn how_to_upload(config: &Config, running: &Running) -> String {
    let Some(s3) = &running.s3 else { return String::new() };
    let bucket = &config.store.upload_bucket;
    format!(
        "\nUpload a folder of photos ({{cd_idx}}_{{sequence}}.jpg) from inside it:\n  \
         aws s3 cp . s3://{bucket}/origin/ssgdfm_eye --recursive --include=\"*.jpg\" --endpoint-url {s3}"
    )
}
