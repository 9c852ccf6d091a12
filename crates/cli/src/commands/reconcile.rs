//! `cameo reconcile`: repair what verifying finds.

use cameo::{
    client::wire::ReconcileRequest,
    operate::reconcile::{self, Reconcile},
};

use super::{Context, here::Here, places::PlacesArgs, printer::Printer, remote, scope::ScopeArgs, server::Target};
use crate::exit::Exit;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo reconcile\n  cameo reconcile --vertical ssgdfm_eye --apply\n\n\
Without --apply it only says what it would do. Nothing in the upload bucket is ever changed; of the image bucket only what Cameo wrote \
and nobody owns is moved to quarantine, from where `cameo restore` brings it back. What it cannot repair it names, with who must act.\n\n\
Exit code 5 while something is to be done, or is in flight after --apply; 7 where only a person can go on; 4 where only rejected \
originals are left; 0 where nothing is left to do.")]
pub(crate) struct ReconcileArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    places: PlacesArgs,
    /// Do it: embedded, through the running server
    #[arg(long)]
    apply: bool,
    /// Read and hash every original, rendition and alias first
    #[arg(long)]
    deep: bool,
}

pub(crate) async fn reconcile(context: &Context, args: ReconcileArgs) -> anyhow::Result<Exit> {
    let target = args.places.target(context)?;
    let asked = Reconcile { scope: args.scope.scope(context)?, deep: args.deep, apply: args.apply };
    let lang = context.lang;
    let mut printer =
        Printer::showing(context, lang.pick("looking what is to be repaired", "복구할 것을 찾는 중"), false);
    if let Target::Server(server) = target {
        let (vertical, ids) = remote::named(asked.scope);
        let request = ReconcileRequest { vertical, ids, deep: asked.deep, apply: asked.apply, lang };
        return remote::ask(&server, "/api/v1/reconcile", &request, printer).await;
    }
    let here = Here::open(context, &args.places).await?;
    let state = reconcile::run(&here.system(), &asked, &mut printer).await?;
    printer.finish()?;
    Ok(state.into())
}
