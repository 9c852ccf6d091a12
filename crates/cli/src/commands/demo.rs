//! `cameo demo`: the whole flow, from photos to rows, on a server of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cameo::{
    config::{Config, Listen},
    ledger::{Scope, image_urls::ImageUrls},
    model::{
        key::{EntityId, PhotoId, Vertical},
        lang::Lang,
    },
    operate::verify::entity_text,
    private_file::keep_to_owner,
    proof::{
        delivery::DeliveryFolder,
        verify::{self, Cell, EntityReport, PlaceState, Question, Summary},
    },
    server::{
        backends::Queues,
        data_folder::{Credentials, Running},
        deployment::Deployment,
        running::{Roles, Server},
    },
};

use super::{Context, json_line, line, lines, own_text, scope::parse_vertical};
use crate::{exit::Exit, logging, sample, upload::Uploader};

/// How long nothing may change before the demo gives up waiting.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it looks whether everything is registered.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo demo\n  cameo demo --keep\n  cameo demo ./photos --vertical ssgdfm_eye")]
pub(crate) struct Args {
    /// Folder with your own photos, named {`cd_idx`}_{sequence}.jpg
    #[arg(value_name = "FOLDER", requires = "vertical")]
    folder: Option<PathBuf>,
    /// The vertical of your photos
    #[arg(long, value_name = "V", value_parser = parse_vertical, requires = "folder")]
    vertical: Option<Vertical>,
    /// Leave the server running and say how to look around
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(context: Context, args: Args) -> anyhow::Result<Exit> {
    keep_to_owner();
    let folder =
        tempfile::Builder::new().prefix("cameo-demo-").tempdir().context("failed to make a temporary folder")?;
    let mut config = context.config.clone();
    config.server.data = folder.path().join("data");
    let free_port = Listen::On(([127, 0, 0, 1], 0).into());
    config.server.s3_listen = free_port;
    config.server.images_listen = free_port;
    config.server.console_listen = free_port;
    // Whatever the configuration says, a demo keeps to itself.
    let defaults = Config::default();
    config.store.url = defaults.store.url;
    config.queue.url = defaults.queue.url;
    config.catalog = defaults.catalog;
    config.register = defaults.register;
    config.images.public_url = String::new();
    config.server.tls = defaults.server.tls;
    "warn".clone_into(&mut config.log.level);
    logging::start(&config.log, &context.environment)?;

    let (photos, vertical) = match (args.folder, args.vertical) {
        (Some(photos), Some(vertical)) => (photos, vertical),
        _ => (draw_sample(folder.path())?, sample::VERTICAL.parse()?),
    };
    let (environment, clock) = (&context.environment, context.clock.clone());
    let server = Server::start(&config, environment, clock, Roles::ALL, Some(cameo_console::routes)).await?;
    let context = Context { config, ..context };
    let (running, credentials) = (server.running().clone(), server.credentials().map(|(keys, _)| keys.clone()));
    let credentials = credentials.context("the demo's server has no S3 endpoint")?;
    let demo = Demo { context: &context, running: &running, credentials: &credentials };

    let stop = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve_until(async { drop(stop.1.await) }));
    let exit = demo.show(&photos, &vertical).await;
    if args.keep && exit.is_ok() {
        own_text(&demo.how_to_look_around(&photos, &vertical))?;
        tokio::signal::ctrl_c().await.context("failed to wait for Ctrl-C")?;
    }
    // The receiver goes away only when the server has failed, which is told next.
    let _ = stop.0.send(());
    serving.await.context("failed to end the server")??;
    exit
}

fn draw_sample(folder: &Path) -> anyhow::Result<PathBuf> {
    let photos = folder.join("photos");
    std::fs::create_dir(&photos).context("failed to make a folder for the sample photos")?;
    sample::draw_delivery(&photos)?;
    Ok(photos)
}

struct Demo<'d> {
    context: &'d Context,
    running: &'d Running,
    credentials: &'d Credentials,
}

impl Demo<'_> {
    async fn show(&self, photos: &Path, vertical: &Vertical) -> anyhow::Result<Exit> {
        let delivery = DeliveryFolder::of_folder(photos, vertical)?;
        anyhow::ensure!(
            !delivery.originals.is_empty(),
            "{} has no photo named {{cd_idx}}_{{sequence}}.jpg",
            photos.display()
        );
        self.say(&format!(
            "Uploading {} originals of the vertical {vertical} over the S3 endpoint …",
            delivery.originals.len()
        ))?;
        let started = Instant::now();
        let endpoint = self.running.s3.as_deref().unwrap_or_default();
        let uploader = Uploader::new(endpoint, &self.context.config.store.upload_bucket, self.credentials)?;
        let bytes = uploader.upload(delivery.originals.iter()).await?;
        let uploaded = started.elapsed();

        let data = &self.context.config.server.data;
        let places = Deployment::of_data_folder(&self.context.config, data, None, self.context.clock.clone()).await?;
        wait_until_quiet(&places).await?;
        let registered = started.elapsed();
        let delivery = Some(delivery.to_verify()?);
        let question = Question { delivery, ..Question::of(Scope::Vertical(vertical.clone())) };
        let mut reports = Vec::new();
        let mut listen = |report: &EntityReport| reports.push(report.clone());
        let summary = verify::verify(places.to_verify(), &question, &mut listen).await?;
        self.tell(&reports, &summary)?;
        self.say(&format!(
            "Uploaded {:.1} MB in {:.2} s; everything registered {:.2} s after the start.",
            f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0,
            uploaded.as_secs_f64(),
            registered.as_secs_f64()
        ))?;
        Ok(summary.state().into())
    }

    /// A line for people only.
    fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.context.json { Ok(()) } else { line(text) }
    }

    fn tell(&self, reports: &[EntityReport], summary: &Summary) -> anyhow::Result<()> {
        if self.context.json {
            reports.iter().try_for_each(json_line)?;
            return json_line(&serde_json::json!({ "summary": summary }));
        }
        let urls = ImageUrls::new(self.running.images.as_deref().unwrap_or_default());
        for report in reports {
            lines(entity_table(report, &urls))?;
        }
        line(&format!(
            "{} entities, {} originals, {} rows: {} complete, {} with rejected originals, {} pending, {} different.",
            summary.entities,
            summary.photos,
            summary.rows,
            summary.complete,
            summary.rejected,
            summary.pending,
            summary.different
        ))
    }

    fn how_to_look_around(&self, photos: &Path, vertical: &Vertical) -> String {
        let shown = |url: &Option<String>| url.clone().unwrap_or_default();
        let (s3, images, console) =
            (shown(&self.running.s3), shown(&self.running.images), shown(&self.running.console));
        let Credentials { access_key_id, secret_access_key } = self.credentials;
        let bucket = &self.context.config.store.upload_bucket;
        let table = &self.context.config.catalog.table;
        let data = self.context.config.server.data.display();
        format!(
            "\nThe server keeps running until Ctrl-C; its folder is removed then.\n\
             \nOpen in a browser:\n  {console}/verticals/{vertical}\n  {images}/{vertical}/sq/….jpg\n\
             \nUpload with aws-cli:\n  export AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY={secret_access_key} AWS_DEFAULT_REGION=us-east-1\n  \
             cd {}\n  aws s3 cp . s3://{bucket}/origin/{vertical} --recursive --include=\"*.jpg\" --endpoint-url {s3}\n\
             \nLook at the table:\n  sqlite3 -header -column {data}/cameo.db \"SELECT * FROM {table} LIMIT 8\"\n\
             \nProve it:\n  cameo verify --vertical {vertical} --data {data}\n",
            photos.display()
        )
    }
}

/// Waits until no queue holds a message; gives up when nothing moves any more.
async fn wait_until_quiet(places: &Deployment) -> anyhow::Result<()> {
    let mut last = (None, Instant::now());
    loop {
        let Some(Queues { events, registrations }) = &places.queues else { return Ok(()) };
        let (events, registrations) = (events.depth().await?, registrations.depth().await?);
        let left = events.visible + events.in_flight + registrations.visible + registrations.in_flight;
        if left == 0 {
            return Ok(());
        }
        if last.0 != Some(left) {
            last = (Some(left), Instant::now());
        }
        anyhow::ensure!(last.1.elapsed() < PATIENCE, "{left} messages are still waiting and nothing moves");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// An entity with the addresses of its renditions.
fn entity_table(report: &EntityReport, urls: &ImageUrls) -> Vec<String> {
    let mut lines = entity_text(report, Lang::En);
    let entity = EntityId { vertical: report.vertical.clone(), cd_idx: report.cd_idx };
    for cell in &report.cells {
        let photo = PhotoId { entity: entity.clone(), sequence: cell.sequence };
        lines.push(format!(
            "  {} {:<3} {} {}",
            photo.file_name(),
            cell.image_size,
            marks(cell),
            urls.of(&photo, &cell.image_size)
        ));
    }
    lines
}

/// Original, rendition, row, served: a mark each.
fn marks(cell: &Cell) -> String {
    let mark = |state: PlaceState| match state {
        PlaceState::Present => '✓',
        PlaceState::Missing => '✗',
        PlaceState::Different => '≠',
        PlaceState::Pending => '…',
        PlaceState::Unexpected => '–',
        PlaceState::Unknown => '?',
    };
    [cell.original, cell.rendition, cell.row, cell.served].map(mark).into_iter().collect()
}
