//! `cameo dismiss`: rejected files that are settled go to quarantine, and are listed no more; and of a delivery also what has no file.

use cameo::{
    client::wire::DismissRequest,
    model::{key::DeliveryName, reason::ReasonCode},
    operate::{
        Subject,
        dismiss::{self, Dismiss},
    },
};
use clap::ArgGroup;

use super::{
    Context,
    here::Here,
    places::PlacesArgs,
    printer::Printer,
    remote,
    scope::{ScopeArgs, parse_delivery},
    server::Target,
};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo dismiss 'origin/ssgdfm_eye/1234 (1).jpg' --note \"sent again under its right name\"\n  \
cameo dismiss --reason name.unparseable --vertical ssgdfm_eye --dry-run\n  cameo dismiss --ids 351518 --note \"not for sale any more\"\n  \
cameo dismiss --delivery 20261126-k3f9 --ids 351518 --note \"the shop has closed\"\n\n\
A file beside which an older, good original is being served stays: upload a good one instead. Dismissed files are kept for \
store.keep_removed (30 days); `cameo restore` brings them back, and they are rejected again.\n\n\
Of a delivery, what was left out, what was promised and never came, what came without being promised and what is gone by now is settled \
too: its report says by whom and why, and it keeps the delivery from nothing any more.\n\n\
Exit code 7 where nothing of what was asked for is rejected, or a key or an id that was named is unknown.",
    group = ArgGroup::new("dismissed").required(true).multiple(true).args(["keys", "reason", "vertical", "ids", "ids_from", "delivery"])
)]
pub(crate) struct Args {
    /// Keys of rejected files, in quotes where they hold spaces; of a delivery also names of its files
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Only files rejected for this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<ReasonCode>,
    /// What is open of this delivery, such as 20261126-k3f9
    #[arg(long, value_name = "DELIVERY", value_parser = parse_delivery)]
    delivery: Option<DeliveryName>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Why it is settled, for whoever looks later
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only say which files it would be
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let target = args.places.target(context)?;
    let scope = args.scope.scope(context)?;
    let delivery = match args.delivery {
        None => None,
        // A vertical beside it has to be its own.
        named => match args.scope.subject(context, named)? {
            Subject::Delivery(name) => Some(name),
            Subject::Scope(_) => None,
        },
    };
    let Args { keys, reason, note, dry_run, .. } = args;
    let mut printer = Printer::new(context);
    if let Target::Server(server) = target {
        let (vertical, ids) = remote::named(scope);
        let (reason, delivery) = (reason.map(|reason| reason.to_string()), delivery.map(|name| name.to_string()));
        let asked = DismissRequest { keys, reason, vertical, ids, delivery, note, dry_run, lang: context.lang };
        return remote::ask(&server, "/api/v1/dismiss", &asked, printer).await;
    }
    let here = Here::open(context, &args.places).await?;
    let keys = keys.into_iter().collect();
    let asked = Dismiss { delivery, scope, keys, reason, note, dry_run };
    let state = dismiss::run(&here.system(), &asked, &mut printer).await?;
    printer.finish()?;
    Ok(state.into())
}
