//! `cameo adopt`: photos that somebody else published and registered become known, as they stand.

use std::collections::BTreeMap;

use cameo::{
    model::{
        error::{Error, Kind, Place},
        key::PhotoId,
    },
    proof::adopt::{Asked, Looked, adopt},
    server::backends::{access_keys, open_catalog, open_store, register_rules},
};
use serde::Serialize;

use super::{Context, json_line, line, scope::ScopeArgs};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo adopt --dry-run\n  cameo adopt --vertical ssgdfm_eye\n\n\
Reads the buckets and the table of the configuration, and writes the ledger alone: no row and no object is changed. \
What is not complete is listed and left as it is; `cameo reconcile --apply` renders and registers it again.")]
pub(crate) struct Args {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Only say what would be adopted
    #[arg(long)]
    dry_run: bool,
}

/// A line about a photo.
#[derive(Debug, Serialize)]
struct Line {
    photo: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The last line.
#[derive(Debug, Default, Serialize)]
struct Summary {
    dry_run: bool,
    adopted: u64,
    known: u64,
    left: u64,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let Context { config, environment, clock, .. } = context;
    if config.keeps_objects()? || config.catalog.is_embedded() {
        let doing = "adopt: store.url, queue.url and catalog.url must be those of a store and a database beside which \
                     workers run; an embedded server renders what is uploaded to it";
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).into());
    }
    if config.images.public_url.is_empty() {
        let doing = "adopt: images.public_url is empty; set it to what the addresses in the table begin with";
        return Err(Error::new(Place::System, Kind::Misconfigured, doing).into());
    }
    let rules = register_rules(config, None);
    let store = open_store(config, access_keys(environment), false).await?;
    let catalog = open_catalog(config, rules.clone(), clock.clone()).await?;
    let settings = config.settings()?;
    let (mut summary, mut printed) = (Summary { dry_run: args.dry_run, ..Summary::default() }, Ok(()));
    let tell = |photo: &PhotoId, looked: &Looked| {
        summary.add(looked);
        if printed.is_ok() {
            printed = told(context, photo, looked);
        }
    };
    let asked = Asked { scope: args.scope.scope(context)?, dry_run: args.dry_run };
    adopt(&*store, &*catalog, &settings, &rules.urls, &**clock, asked, tell).await?;
    printed?;
    if context.json {
        json_line(&BTreeMap::from([("summary", &summary)]))?;
    } else {
        line(&summary.text())?;
    }
    Ok(if summary.left > 0 { Exit::Different } else { Exit::Complete })
}

fn told(context: &Context, photo: &PhotoId, looked: &Looked) -> anyhow::Result<()> {
    let (state, detail) = match looked {
        Looked::Adopted => ("adopted", None),
        Looked::Known => ("known", None),
        Looked::Left(why) => ("left", Some(why.clone())),
    };
    if context.json {
        return json_line(&Line { photo: photo.to_string(), state, detail });
    }
    match detail {
        Some(why) => line(&format!("{photo}: left as it is: {why}")),
        None => Ok(()),
    }
}

impl Summary {
    fn add(&mut self, looked: &Looked) {
        *match looked {
            Looked::Adopted => &mut self.adopted,
            Looked::Known => &mut self.known,
            Looked::Left(_) => &mut self.left,
        } += 1;
    }

    fn text(&self) -> String {
        let adopted = if self.dry_run { "would be adopted" } else { "adopted" };
        format!("{} photos {adopted}, {} known already, {} left as they are", self.adopted, self.known, self.left)
    }
}
