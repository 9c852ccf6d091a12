//! `cameo retry`: send originals and dead letters through the flow again.

use cameo::{
    client::wire::RetryRequest,
    model::{key::DeliveryName, reason::ReasonCode},
    operate::{
        Subject,
        retry::{self, Retry},
    },
};

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
    after_help = "Examples:\n  cameo retry --reason render.timeout\n  cameo retry --ids 351518,351519 --dry-run\n  \
cameo retry --reason system.dead_letter\n  cameo retry 20261126-k3f9\n\nDead letters of these entities are sent again too, and leave the dead-letter queue.\n\n\
Exit code 5 after sending: what was sent is in flight now, and `cameo status` shows what becomes of it. 0: there was nothing to send, or \
--dry-run. 7: nothing is known of what was asked about, or of an id that was named; what else was named is sent all the same.",
    group = clap::ArgGroup::new("asked").required(true).multiple(true).args(["delivery", "reason", "vertical", "ids", "ids_from"])
)]
pub(crate) struct RetryArgs {
    /// Only files of this delivery, such as 20261126-k3f9
    #[arg(value_name = "DELIVERY", value_parser = parse_delivery, conflicts_with_all = ["ids", "ids_from"])]
    delivery: Option<DeliveryName>,
    /// Only originals rejected for this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<ReasonCode>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Only say which originals it would be
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn retry(context: &Context, args: RetryArgs) -> anyhow::Result<Exit> {
    let target = args.places.target(context)?;
    let subject = args.scope.subject(context, args.delivery)?;
    let asked = Retry { subject, reason: args.reason, dry_run: args.dry_run };
    let mut printer = Printer::new(context);
    if let Target::Server(server) = target {
        return remote::ask(&server, "/api/v1/retry", &request(context, asked), printer).await;
    }
    let here = Here::open(context, &args.places).await?;
    let state = retry::run(&here.system(), &asked, &mut printer).await?;
    printer.finish()?;
    Ok(state.into())
}

fn request(context: &Context, asked: Retry) -> RetryRequest {
    let Retry { subject, reason, dry_run } = asked;
    let (reason, lang) = (reason.map(|reason| reason.to_string()), context.lang);
    let of = RetryRequest { reason, dry_run, lang, ..RetryRequest::default() };
    match subject {
        Subject::Delivery(name) => RetryRequest { delivery: Some(name.to_string()), ..of },
        Subject::Scope(scope) => {
            let (vertical, ids) = remote::named(scope);
            RetryRequest { vertical, ids, ..of }
        }
    }
}
