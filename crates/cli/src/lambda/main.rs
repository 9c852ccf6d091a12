//! The functions of AWS Lambda: `resize` renders and publishes, `dataset` registers. One executable, the `bootstrap` of both;
//! the handler's name says which of them it is. Built without a SQL server it has no `dataset`.
//!
//! It does what a worker does, by the same calls, and never more than fits before the invocation's deadline: what is left
//! is told as failed, and comes again. It writes no file.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Instant,
};

use cameo::{
    config::{Config, Environment},
    escape::visible,
    model::error::{Error, Kind, Place},
};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

mod batch;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod dataset;
mod deadline;
#[path = "../logging.rs"]
mod logging;
mod resize;
mod settle;

use deadline::Deadline;

/// Exit code of a configuration that must be mended, as the command has it.
const MISCONFIGURED: u8 = 2;

fn main() -> ExitCode {
    let started = Instant::now();
    if std::env::args_os().nth(1).is_some_and(|argument| argument == cameo::render::child::SUBCOMMAND) {
        cameo::render::child::run();
    }
    let ended = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(run(started)),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed standard error must not turn an error into a panic.
            let _ = writeln!(io::stderr(), "cameo-lambda: {}", visible(&format!("{error:#}")));
            ExitCode::from(MISCONFIGURED)
        }
    }
}

async fn run(started: Instant) -> anyhow::Result<()> {
    let environment = Environment::of_process();
    let config = Config::load(None, &environment)?;
    logging::start(&config.log, &environment)?;
    match environment.get("_HANDLER") {
        Some("resize") => {
            let resize = resize::Resize::open(config, &environment).await?;
            serve(started, async |event, deadline| resize.handle(&event, deadline).await).await
        }
        #[cfg(any(feature = "mysql", feature = "postgres"))]
        Some("dataset") => {
            let dataset = Box::pin(dataset::Dataset::open(&config, &environment)).await?;
            serve(started, async |event, deadline| dataset.handle(&event, deadline).await).await
        }
        other => Err(unknown_handler(other).into()),
    }
}

fn unknown_handler(name: Option<&str>) -> Error {
    let known = if cfg!(any(feature = "mysql", feature = "postgres")) { "resize or dataset" } else { "resize" };
    let doing = format!("choose a function: the handler is {:?}, this build has {known}", name.unwrap_or(""));
    Error::new(Place::System, Kind::Misconfigured, doing)
}

/// Answers invocations until Lambda ends the process.
async fn serve(started: Instant, handle: impl AsyncFn(Value, Deadline) -> anyhow::Result<Value>) -> anyhow::Result<()> {
    tracing::info!(ready_ms = started.elapsed().as_millis(), "ready for the first invocation");
    let handle = &handle;
    let answer = service_fn(move |event: LambdaEvent<Value>| async move {
        let answer = handle(event.payload, Deadline::of(&event.context)).await.map_err(lambda_runtime::Error::from);
        // Between invocations the whole process stands still, and lines that wait with it.
        logging::flush();
        answer
    });
    lambda_runtime::run(answer).await.map_err(|error| anyhow::anyhow!("failed to ask Lambda for invocations: {error}"))
}
