//! The `cameo` command: reads the command line, runs one command, and ends with a documented exit code.
//!
//! Built with the feature `client` alone it has the commands that need nothing but files and a server's address, and no server.

mod commands;
mod exit;
mod korean_help;
#[cfg(test)]
mod korean_words;
#[cfg(feature = "embedded")]
mod logging;
mod output;
#[cfg(feature = "embedded")]
mod sample;
#[cfg(feature = "embedded")]
mod upload;
mod usage_error;

use std::process::ExitCode;

use cameo::{config::Environment, model::lang::Lang};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use exit::Exit;

/// Uploaded photos become renditions, are registered exactly once, and one command proves it.
#[derive(Debug, Parser)]
#[command(name = "cameo", version, about, after_help = exit::HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Common {
    /// Configuration file, in place of ./cameo.toml and the user's
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    /// Trust servers whose certificate comes from one in this PEM file, beside those that the system trusts [default: `CAMEO_CA`]
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<std::path::PathBuf>,
    /// Answer in JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
    /// Language of what people read: ko or en [default: that of the locale]
    #[arg(long, global = true, value_name = "LANG", value_parser = commands::lang::parse)]
    lang: Option<Lang>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole flow on sample photos, or on your own
    #[cfg(feature = "embedded")]
    Demo(commands::demo::Args),
    /// Run the S3 endpoint, the images, the console and the workers
    #[cfg(feature = "embedded")]
    Serve(commands::serve::Args),
    /// Run workers only, on a shared store, shared queues and a shared database
    #[cfg(feature = "embedded")]
    Worker(commands::worker::Args),
    /// Send a folder to a server: check it, send what is missing, wait, and report
    Push(commands::push::Args),
    /// List what was handed over, and how far it came
    Deliveries(commands::deliveries::Args),
    /// Report what of a delivery is not live, and who must act
    Report(commands::report::Args),
    /// Show what is pending, served and rejected, and why
    Status(commands::status::Args),
    /// Check a folder or .zip of photos before a byte of it is sent
    Check(commands::check::Args),
    /// Prove that originals, renditions, rows and served images agree
    Verify(commands::verify::Args),
    /// Repair what verify finds; without --apply, only print what it would do
    Reconcile(commands::reconcile::ReconcileArgs),
    /// Send rejected originals and dead letters through the flow again, once the cause is fixed
    Retry(commands::retry::RetryArgs),
    /// Bring back what was deleted, replaced, moved, dismissed or superfluous
    Restore(commands::restore::Args),
    /// Settle rejected files: they go to quarantine and are listed no more
    Dismiss(commands::dismiss::Args),
    /// Move photos to another vertical
    #[command(name = "move")]
    Relocate(commands::relocate::Args),
    /// Check the configuration and suggest fixes
    #[cfg(feature = "embedded")]
    Doctor(commands::doctor::Args),
    /// Import photos that another system published and registered, without changing them
    #[cfg(feature = "embedded")]
    Adopt(commands::adopt::Args),
    /// Create, list and remove access keys for uploading and reading
    #[cfg(feature = "embedded")]
    Keys(commands::keys::Args),
    /// Create, list and revoke tokens for the API
    Token(commands::token::Args),
    /// Make, list and reset accounts for the console
    #[cfg(feature = "embedded")]
    Account(commands::account::Args),
    /// Make, list, test and replay webhooks: where events are sent
    Webhook(commands::webhook::Args),
    /// Log in to a server, for commands that ask one
    Login(commands::login::LoginArgs),
    /// Forget the login
    #[command(after_help = "Examples:\n  cameo logout")]
    Logout,
    /// Recover a data folder whose database was lost, damaged or restored from a copy
    #[cfg(feature = "embedded")]
    Recover(commands::recover::Args),
    /// Make the renditions of local files, without a server
    #[cfg(feature = "embedded")]
    Render(commands::render::Args),
    /// Explain a reason code, in Korean and English
    Explain(commands::explain::Args),
}

fn main() -> ExitCode {
    #[cfg(feature = "embedded")]
    if std::env::args_os().nth(1).is_some_and(|argument| argument == cameo::render::child::SUBCOMMAND) {
        cameo::render::child::run();
    }
    let environment = Environment::of_process();
    let arguments: Vec<_> = std::env::args_os().collect();
    let lang = commands::lang::of_arguments(&arguments, &environment);
    let cli = parse(arguments, lang);
    let lang = if cli.command.is_for_engineers() { Lang::En } else { cli.common.lang.unwrap_or(lang) };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::fail(&anyhow::Error::new(error), lang).into(),
    };
    let result = runtime.block_on(run(cli, environment, lang));
    // A blocking call that hangs must not keep a finished command from ending.
    runtime.shutdown_background();
    let exit = result.unwrap_or_else(|error| exit::fail(&error, lang));
    #[cfg(feature = "embedded")]
    logging::flush();
    exit.into()
}

/// Reads the command line, with help in this language; what cannot be read ends the process.
fn parse(arguments: Vec<std::ffi::OsString>, lang: Lang) -> Cli {
    let mut command = Cli::command();
    if lang == Lang::Ko {
        command = korean_help::put_into(command);
    }
    let matches = command.try_get_matches_from_mut(arguments).unwrap_or_else(|error| refuse(&error, lang));
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| refuse(&error.format(&mut command), lang))
}

/// Ends the process for a command line that cannot be read, or after help that was asked for.
fn refuse(error: &clap::Error, lang: Lang) -> ! {
    match usage_error::korean(error).filter(|_| lang == Lang::Ko) {
        Some(text) => {
            output::usage(&text);
            std::process::exit(error.exit_code())
        }
        None => error.exit(),
    }
}

impl Command {
    /// Whether only engineers use it: what it writes is English.
    fn is_for_engineers(&self) -> bool {
        match self {
            #[cfg(feature = "embedded")]
            Self::Demo(_)
            | Self::Serve(_)
            | Self::Worker(_)
            | Self::Doctor(_)
            | Self::Adopt(_)
            | Self::Keys(_)
            | Self::Recover(_)
            | Self::Render(_) => true,
            #[cfg(feature = "embedded")]
            Self::Account(_) => false,
            Self::Explain(_)
            | Self::Restore(_)
            | Self::Dismiss(_)
            | Self::Relocate(_)
            | Self::Push(_)
            | Self::Deliveries(_)
            | Self::Report(_)
            | Self::Status(_)
            | Self::Check(_)
            | Self::Verify(_)
            | Self::Reconcile(_)
            | Self::Retry(_)
            | Self::Token(_)
            | Self::Webhook(_)
            | Self::Login(_)
            | Self::Logout => false,
        }
    }
}

async fn run(cli: Cli, environment: Environment, lang: Lang) -> anyhow::Result<Exit> {
    let context = commands::Context::load(&cli.common, environment, lang)?;
    match cli.command {
        // Boxed, since the whole server is in it.
        #[cfg(feature = "embedded")]
        Command::Demo(args) => Box::pin(commands::demo::run(context, args)).await,
        #[cfg(feature = "embedded")]
        Command::Serve(args) => commands::serve::run(context, args).await,
        #[cfg(feature = "embedded")]
        Command::Worker(args) => commands::worker::run(context, args).await,
        Command::Push(args) => Box::pin(commands::push::run(&context, args)).await,
        Command::Deliveries(args) => commands::deliveries::run(&context, args).await,
        Command::Report(args) => commands::report::run(&context, args).await,
        Command::Status(args) => commands::status::run(&context, args).await,
        Command::Check(args) => commands::check::run(&context, args).await,
        Command::Verify(args) => commands::verify::run(&context, args).await,
        Command::Reconcile(args) => commands::reconcile::reconcile(&context, args).await,
        Command::Retry(args) => commands::retry::retry(&context, args).await,
        Command::Restore(args) => commands::restore::run(&context, args).await,
        Command::Dismiss(args) => commands::dismiss::run(&context, args).await,
        Command::Relocate(args) => commands::relocate::run(&context, args).await,
        #[cfg(feature = "embedded")]
        Command::Doctor(args) => commands::doctor::run(&context, args).await,
        #[cfg(feature = "embedded")]
        Command::Adopt(args) => commands::adopt::run(&context, args).await,
        #[cfg(feature = "embedded")]
        Command::Keys(args) => commands::keys::run(&context, &args),
        Command::Token(args) => commands::token::run(&context, args).await,
        #[cfg(feature = "embedded")]
        Command::Account(args) => commands::account::run(&context, args).await,
        Command::Webhook(args) => commands::webhook::run(&context, args).await,
        Command::Login(args) => commands::login::login(&context, args).await,
        Command::Logout => commands::login::logout(&context),
        #[cfg(feature = "embedded")]
        Command::Recover(args) => commands::recover::run(&context, args).await,
        #[cfg(feature = "embedded")]
        Command::Render(args) => commands::render::run(&context, args).await,
        Command::Explain(args) => commands::explain::run(&context, &args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
