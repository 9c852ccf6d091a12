//! `cameo worker`: renders, registers or both, beside any number of others, until it is told to end.

use cameo::{
    private_file::keep_to_owner,
    server::{
        renderer,
        running::{Roles, Server},
    },
};
use clap::ValueEnum;
use serde::Serialize;

use super::{Context, announce, signals::told_to_end};
use crate::{exit::Exit, logging};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cameo worker\n  cameo worker --only resize\n  cameo worker --only register --config /etc/cameo/cameo.toml\n\n\
Any number of workers may run, on any machines. Store, queues and database are those of the configuration, as \
docs/aws.md shows; keys come from the environment. A server of one process, `cameo serve`, has its own workers."
)]
pub(crate) struct Args {
    /// Only this step; a worker that renders needs no database
    #[arg(long, value_name = "STEP")]
    only: Option<Step>,
}

/// A step of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    Resize,
    Register,
}

/// The first line of output once the worker is ready.
#[derive(Debug, Serialize)]
struct FirstLine {
    ready: bool,
    pid: u32,
    /// Originals rendered side by side.
    resize: usize,
    /// Whether it registers.
    register: bool,
}

pub(crate) async fn run(context: Context, args: Args) -> anyhow::Result<Exit> {
    keep_to_owner();
    logging::start(&context.config.log, &context.environment)?;
    let roles = Roles { resize: args.only != Some(Step::Register), register: args.only != Some(Step::Resize) };
    let told_to_end = told_to_end()?;
    let worker = Server::start_worker(&context.config, &context.environment, context.clock.clone(), roles).await?;
    let resize = if roles.resize { renderer::concurrency(&context.config) } else { 0 };
    let first = FirstLine { ready: true, pid: std::process::id(), resize, register: roles.register };
    if context.json {
        announce([serde_json::to_string(&first)?]);
    } else {
        announce([first.text()]);
    }
    worker.serve_until(told_to_end).await?;
    Ok(Exit::Complete)
}

impl FirstLine {
    fn text(&self) -> String {
        let does = match (self.resize, self.register) {
            (0, _) => "registers".to_owned(),
            (n, false) => format!("renders, {n} originals side by side"),
            (n, true) => format!("renders, {n} originals side by side, and registers"),
        };
        format!("Cameo's worker is ready: it {does}.")
    }
}
