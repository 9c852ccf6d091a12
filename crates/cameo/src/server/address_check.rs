//! Whether the rows lead to where images are served, said once at a start.
//!
//! Reading every row takes seconds of CPU where there are millions. A data folder's own database therefore remembers under which base all
//! of them were found; a database server may have other writers, and is read at each start.

use std::sync::Arc;

use tracing::warn;

use super::tasks::Tasks;
use crate::{
    catalog::sqlite::SqliteCatalog, clock::Clock, flow::Flow, ledger::image_urls::ImageUrls, model::error::Result,
    proof::addresses::count_rows_elsewhere,
};

/// What a start is to look at.
pub(super) struct AddressCheck {
    urls: ImageUrls,
    /// Where it is remembered; none where the rows are a server's.
    catalog: Option<Arc<SqliteCatalog>>,
    is_needed: bool,
    clock: Arc<dyn Clock>,
}

impl AddressCheck {
    /// Looks whether the rows were found under these addresses before. To be called before anything writes rows under them.
    pub(super) async fn begin(
        catalog: Option<Arc<SqliteCatalog>>,
        urls: ImageUrls,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let was_found = match &catalog {
            Some(catalog) => catalog.keep_checked_addresses(urls.base()).await?,
            None => false,
        };
        Ok(Self { urls, catalog, is_needed: !was_found, clock })
    }

    /// Says how many rows lead elsewhere than the configuration says, beside everything else.
    pub(super) fn spawn(self, tasks: &mut Tasks, flow: &Flow) {
        if !self.is_needed {
            return;
        }
        let flow = flow.clone();
        tasks.spawn(|stop| async move {
            tokio::select! {
                checked = self.run(&flow) => if let Err(error) = checked {
                    warn!(%error, "the addresses of the rows could not be checked");
                },
                () = stop.cancelled() => {}
            }
            Ok(())
        });
    }

    async fn run(&self, flow: &Flow) -> Result<()> {
        let rows = count_rows_elsewhere(flow, &self.urls).await?;
        if rows > 0 {
            warn!(
                rows,
                "rows have addresses that are not under images.public_url; if that is the address which the public uses, \
                 `cameo reconcile --apply` rewrites them"
            );
        } else if let Some(catalog) = &self.catalog {
            catalog.note_checked_addresses(self.urls.base(), self.clock.now()).await?;
        }
        Ok(())
    }
}
