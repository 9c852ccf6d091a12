//! `cameo status`: what waits, what is served, what was rejected and why; of a delivery, how far it came.

use cameo::{
    client::wire::StatusRequest,
    model::key::DeliveryName,
    operate::{
        Output, Subject,
        status::{self, Status},
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
    after_help = "Examples:\n  cameo status\n  cameo status --ids 351518,351519\n  cameo status --vertical ssgdfm_eye --json\n  \
cameo status 20261126-k3f9\n\n\
Of a delivery each file is listed that is not registered, with what keeps it, and the counts.\n\n\
Exit code 7 where an id that was asked about is unknown, or everything of it is deleted; the same as that of `cameo verify`. \
Of a delivery: 5 while files are in flight, 7 where files never arrived, were replaced or deleted, or are not what was promised, 4 where only rejected or \
skipped ones are left."
)]
pub(crate) struct Args {
    /// Delivery, such as 20261126-k3f9, or 20261126-day-ssgdfm_eye for what was uploaded without a record on a day
    #[arg(value_name = "DELIVERY", value_parser = parse_delivery, conflicts_with_all = ["ids", "ids_from"])]
    delivery: Option<DeliveryName>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// List the registered files of a delivery too (always so with --json)
    #[arg(long, requires = "delivery")]
    all: bool,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    let subject = args.scope.subject(context, args.delivery)?;
    let all = args.all || context.json;
    let mut printer = Printer::new(context);
    if let Target::Server(server) = args.places.target(context)? {
        return remote::ask(&server, "/api/v1/status", &request(context, subject, all), printer).await;
    }
    let here = Here::open(context, &args.places).await?;
    if here.is_stopped() {
        printer.note(context.lang.pick(
            "no server is running on this data folder: nothing is accepted, rendered or served; start it",
            "이 데이터 폴더의 서버가 실행되고 있지 않아 사진을 받거나 처리하거나 보여 줄 수 없습니다. 서버를 시작해 주세요",
        ));
    }
    let state = status::run(&here.system(), &Status { subject, all }, &mut printer).await?;
    printer.finish()?;
    Ok(state.into())
}

fn request(context: &Context, subject: Subject, all: bool) -> StatusRequest {
    let of = StatusRequest { all, lang: context.lang, ..StatusRequest::default() };
    match subject {
        Subject::Delivery(name) => StatusRequest { delivery: Some(name.to_string()), ..of },
        Subject::Scope(scope) => {
            let (vertical, ids) = remote::named(scope);
            StatusRequest { vertical, ids, ..of }
        }
    }
}
