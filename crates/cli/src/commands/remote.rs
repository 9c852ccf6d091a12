//! Asking a server for what a command does here else: the answer is printed as it comes, and says how the command ends.

use cameo::{
    client::{Client, Server},
    ledger::Scope,
};
use serde::Serialize;

use super::printer::Printer;
use crate::exit::Exit;

/// Asks a server, and prints its answer.
pub(crate) async fn ask(
    server: &Server,
    path: &str,
    request: &impl Serialize,
    mut printer: Printer<'_>,
) -> anyhow::Result<Exit> {
    printer.start();
    let mut lines = Client::new(server)?.frames(path, request).await?;
    let mut exit = Exit::Unexpected;
    while let Some(frame) = lines.next_frame().await? {
        if let Some(ended) = frame.summary {
            exit = ended.state.into();
        }
        printer.frame(frame);
    }
    printer.finish()?;
    Ok(exit)
}

/// The vertical and the numbers of a scope, as requests name them.
pub(crate) fn named(scope: Scope) -> (Option<String>, Option<Vec<u64>>) {
    match scope {
        Scope::All => (None, None),
        Scope::Vertical(vertical) => (Some(vertical.to_string()), None),
        Scope::Ids { vertical, cd_idx } => (vertical.map(|vertical| vertical.to_string()), Some(cd_idx)),
    }
}
