//! `cameo render`: the renditions of local files, without a server. It judges the content, never the name.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use cameo::{
    flow::NamedSizeSet,
    model::{
        error::{Error, Kind, Place},
        key::Vertical,
        reason::ReasonCode,
    },
    render::Render,
    server::renderer,
};
use cameo_image::Rendered;
use futures::StreamExt;
use serde::Serialize;

use super::{Context, json_line, line, scope::parse_vertical};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo render 351518_0.jpg --out renditions\n  cameo render photos/*.jpg --out /tmp/out --json"
)]
pub(crate) struct Args {
    /// JPEG files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder for the renditions; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Use the size set of this vertical
    #[arg(long, value_name = "V", value_parser = parse_vertical)]
    vertical: Option<Vertical>,
    /// Judge the files, write nothing
    #[arg(long)]
    dry_run: bool,
}

/// The answer for one file.
#[derive(Debug, Serialize)]
struct Answer {
    file: String,
    state: &'static str,
    reason: Option<ReasonCode>,
    width: Option<u32>,
    height: Option<u32>,
    renditions: Vec<Written>,
    /// What is wrong with the file, as in the text output; none where it was rendered.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// One rendition, as it was written.
#[derive(Debug, Serialize)]
struct Written {
    image_size: String,
    width: u32,
    height: u32,
    bytes: usize,
    path: Option<PathBuf>,
}

/// What rendering a file needs.
struct Job {
    out: Option<PathBuf>,
    render: Arc<dyn Render>,
    size_set: Arc<NamedSizeSet>,
    names: Mutex<BTreeSet<String>>,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let settings = context.config.settings()?;
    let size_set =
        args.vertical.as_ref().map_or(&settings.size_sets.default, |vertical| settings.size_sets.of(vertical));
    let concurrency = renderer::concurrency(&context.config);
    if !args.dry_run {
        std::fs::create_dir_all(&args.out).map_err(|error| {
            Error::new(Place::System, Kind::Misconfigured, format!("make the folder {}", args.out.display()))
                .because(error)
        })?;
    }
    let job = Job {
        out: (!args.dry_run).then_some(args.out),
        render: renderer::start(&context.config).await?,
        size_set: size_set.clone(),
        names: Mutex::default(),
    };
    let mut exit = Exit::Complete;
    let mut answers = futures::stream::iter(&args.files).map(|file| job.answer(file)).buffered(concurrency);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(answer) => {
                if answer.reason.is_some() && exit == Exit::Complete {
                    exit = Exit::Rejected;
                }
                if context.json { json_line(&answer)? } else { line(&answer.text())? }
            }
            Err(error) => exit = crate::exit::fail(&error, context.lang),
        }
    }
    Ok(exit)
}

impl Job {
    async fn answer(&self, file: &Path) -> anyhow::Result<Answer> {
        let original = tokio::fs::read(file).await.map_err(|error| {
            Error::new(Place::System, Kind::Misconfigured, format!("read {}", file.display())).because(error)
        })?;
        let name = file.display().to_string();
        Ok(match self.render.render(original.into(), &self.size_set.sizes).await? {
            Ok(rendered) => {
                let (width, height) = (rendered.width, rendered.height);
                let renditions = self.write(file, rendered).await?;
                Answer::rendered(name, width, height, renditions)
            }
            Err(rejection) => Answer {
                file: name,
                state: "rejected",
                reason: Some(rejection.reason),
                width: rejection.size.map(|(width, _)| width),
                height: rejection.size.map(|(_, height)| height),
                renditions: Vec::new(),
                detail: rejection.detail,
            },
        })
    }

    async fn write(&self, file: &Path, rendered: Rendered) -> anyhow::Result<Vec<Written>> {
        let stem = self.free_stem(file);
        let mut written = Vec::with_capacity(rendered.renditions.len());
        for rendition in rendered.renditions {
            let path = self.out.as_ref().map(|out| out.join(format!("{stem}.{}.jpg", rendition.image_size)));
            if let Some(path) = &path {
                let writing = tokio::fs::write(path, &rendition.jpeg).await;
                writing.with_context(|| format!("failed to write {}", path.display()))?;
            }
            let (width, height, bytes) = (rendition.width, rendition.height, rendition.jpeg.len());
            written.push(Written { image_size: rendition.image_size, width, height, bytes, path });
        }
        Ok(written)
    }

    /// The file's name without `.jpg`; with a number where an earlier file of this run has it already.
    fn free_stem(&self, file: &Path) -> String {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".jpg").or(name.strip_suffix(".jpeg")).unwrap_or(&name);
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut candidate = stem.to_owned();
        let mut n = 2;
        while !names.insert(candidate.clone()) {
            candidate = format!("{stem}-{n}");
            n += 1;
        }
        candidate
    }
}

impl Answer {
    fn rendered(file: String, width: u32, height: u32, renditions: Vec<Written>) -> Self {
        let (width, height) = (Some(width), Some(height));
        Self { file, state: "rendered", reason: None, width, height, renditions, detail: String::new() }
    }

    fn text(&self) -> String {
        if let Some(reason) = self.reason {
            return format!("{}: rejected: {reason}: {}", self.file, self.detail);
        }
        let size = |w: &Written| format!("{} {}×{}", w.image_size, w.width, w.height);
        let sizes = self.renditions.iter().map(size).collect::<Vec<_>>().join(", ");
        format!("{}: {sizes}", self.file)
    }
}
