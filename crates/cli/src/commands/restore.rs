//! `cameo restore`: bring back what was deleted, replaced, moved, dismissed or superfluous.

use cameo::{
    client::wire::RestoreRequest,
    operate::restore::{self, Restoring},
    proof::restore::Asked,
};
use clap::ArgGroup;
use jiff::Timestamp;

use super::{Context, here::Here, places::PlacesArgs, printer::Printer, remote, scope::ScopeArgs, server::Target};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo restore --list\n  cameo restore origin/ssgdfm_eye/351518_0.jpg\n  cameo restore --ids 351518 --dry-run\n  \
cameo restore --since 2026-11-26T09:00+09:00 --vertical ssgdfm_eye\n  cameo restore origin/ssgdfm_eye/351518_0.jpg --list\n  \
cameo restore origin/ssgdfm_eye/351518_0.jpg --generation 0000000000000a3f\n\n\
Deleted and replaced originals are kept for store.keep_removed (30 days), embedded. On S3 only what Cameo itself removed is kept; what \
others delete or replace there needs versions of the bucket. An original comes back as a new upload. Where its key has an object again, \
that one stays; --generation brings a certain one back over it, and keeps the other in its place. --vertical includes files from \
outside of origin/ whose folder names the vertical; what names none is counted, and comes back by its key.\n\n\
Exit code 5 after restoring originals: they are in flight, as after every upload. 7: nothing in quarantine is what was asked for, or nothing \
of a key, an id or a vertical that was named is known; what else was named is restored all the same.",
    group = ArgGroup::new("restored").required(true).multiple(true).args(["keys", "vertical", "ids", "ids_from", "since", "list"])
)]
pub(crate) struct Args {
    /// Keys that were removed, as they were
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Only what was removed then or later, such as 2026-11-26T09:00+09:00 or 2026-11-26T00:00Z
    #[arg(long, value_name = "TIME", value_parser = super::scope::parse_time)]
    since: Option<Timestamp>,
    /// This one of several of a key, as --list shows them, and over what has the key now
    #[arg(long, value_name = "G", requires = "keys")]
    generation: Option<String>,
    /// List everything that is kept, replaced originals too, and restore nothing
    #[arg(long)]
    list: bool,
    /// Only say what would be restored
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let target = args.places.target(context)?;
    let scope = args.scope.scope(context)?;
    let Args { keys, since, generation, list, dry_run, .. } = args;
    let mut printer = Printer::new(context);
    if let Target::Server(server) = target {
        let (vertical, ids) = remote::named(scope);
        let lang = context.lang;
        let asked = RestoreRequest { keys, vertical, ids, since, generation, list, dry_run, lang };
        return remote::ask(&server, "/api/v1/restore", &asked, printer).await;
    }
    let here = Here::open(context, &args.places).await?;
    let asked = Asked { scope, keys: keys.into_iter().collect(), since, generation };
    let state = restore::run(&here.system(), &Restoring { asked, list, dry_run }, &mut printer).await?;
    printer.finish()?;
    Ok(state.into())
}
