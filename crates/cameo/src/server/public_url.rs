//! Whether anything answers at `images.public_url`: it is written into every row, so a slip in it is thousands of dead addresses.
//!
//! Looked at once, at a start, and only reported: a server may well be kept from the address that its public uses.

use std::time::Duration;

use tracing::warn;

use super::tasks::Tasks;
use crate::config::Config;

/// How long the address may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Looks in the background whether the configured address answers, and warns where it does not.
pub(super) fn spawn_check(tasks: &mut Tasks, config: &Config) {
    let url = config.images.public_url.clone();
    if url.is_empty() {
        return;
    }
    tasks.spawn(|stop| async move {
        let checked = stop.run_until_cancelled(fault_of(&url)).await.flatten();
        if let Some(fault) = checked {
            warn!(
                %url,
                fault,
                "images.public_url does not answer from here, and rows written from now on lead there: if the public reaches it, \
                 nothing is to be done; else correct it, start again and run `cameo reconcile --apply`"
            );
        }
        Ok(())
    });
}

/// Why nothing can be fetched from under an address. Any answer but an error of the server's own is one: the base itself is no image.
pub(super) async fn fault_of(url: &str) -> Option<String> {
    let client = match crate::tls::client().timeout(TIMEOUT).no_proxy().build() {
        Ok(client) => client,
        Err(error) => return Some(error.to_string()),
    };
    match client.head(url).send().await {
        Ok(response) if response.status().is_server_error() => Some(format!("the answer is {}", response.status())),
        Ok(_) => None,
        Err(error) => Some(with_causes(&error)),
    }
}

fn with_causes(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// users.md 9: rows lead to an address where nobody is, and everything is green.
    #[tokio::test]
    async fn an_address_where_nobody_is_is_reported_and_any_answer_is_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await });
        assert_eq!(fault_of(&url).await, None, "404 is an answer");
        serving.abort();
        assert!(serving.await.is_err());
        assert!(fault_of(&url).await.is_some());
    }
}
