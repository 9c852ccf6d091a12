//! `cameo doctor`: whether the configuration would work, place by place, and what would mend it.

use cameo::{
    config::Log,
    model::error::Kind,
    server::doctor::{Audience, Finding, Health, examine},
};

use super::{Context, json_line, lines};
use crate::{
    exit::{Exit, of_kind},
    logging,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cameo doctor\n  cameo doctor --json\n  \
CAMEO_CATALOG_URL=mysql://app:secret@db/celeb cameo doctor\n\n\
Tables are only looked at: statements that would make one fit are printed, for a person to run.\n\
None loses data: what cannot be fixed without a loss is described in words.")]
pub(crate) struct Args {
    /// What it is to work for; without this, for both
    #[arg(long = "for", value_name = "COMMAND")]
    audience: Option<Command>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Command {
    Serve,
    Worker,
}

pub(crate) async fn run(context: &Context, args: Args) -> anyhow::Result<Exit> {
    // What is only remarkable is told by whoever comes across it, as a warning.
    logging::start(&Log { level: "warn".to_owned(), ..context.config.log.clone() }, &context.environment)?;
    let audience = match args.audience {
        None => Audience::Anyone,
        Some(Command::Serve) => Audience::Server,
        Some(Command::Worker) => Audience::Worker,
    };
    let findings = examine(&context.config, &context.environment, context.clock.clone(), audience).await;
    for finding in &findings {
        if context.json { json_line(finding)? } else { lines(text_of(finding))? }
    }
    Ok(exit_of(&findings))
}

fn text_of(finding: &Finding) -> Vec<String> {
    let sign = match finding.health {
        Health::Good => "good",
        Health::Remark => "note",
        Health::Bad => "BAD ",
    };
    let head = format!("{sign}  {}: {}", finding.what, finding.told);
    let ddl = finding.ddl.as_ref().map(|ddl| format!("      {ddl};"));
    let ddl = ddl.iter().flat_map(|ddl| ddl.split('\n').map(str::to_owned));
    [head].into_iter().chain(ddl).collect()
}

/// What must be mended by hand comes before what may mend itself.
fn exit_of(findings: &[Finding]) -> Exit {
    let kinds: Vec<Kind> = findings.iter().filter_map(|finding| finding.kind).collect();
    let worst = [Kind::Misconfigured, Kind::Denied, Kind::Unavailable].into_iter().find(|kind| kinds.contains(kind));
    worst.or(kinds.first().copied()).map_or(Exit::Complete, of_kind)
}
