//! Starting a process: which backends it works on, the configuration says.

use std::sync::Arc;

use super::{
    distributed, embedded,
    running::{Roles, Server, no_worker_beside},
};
#[cfg(feature = "failpoints")]
use crate::model::error::{Error, Kind, Place};
use crate::{
    clock::Clock,
    config::{Config, Environment},
    model::error::Result,
    serve::Pages,
};

impl Server {
    /// Opens what the configuration names, starts the listeners that are on and the workers of these roles. The listener of the operator
    /// serves the API, and beside it these pages.
    pub async fn start(
        config: &Config,
        environment: &Environment,
        clock: Arc<dyn Clock>,
        roles: Roles,
        pages: Option<Pages>,
    ) -> Result<Self> {
        #[cfg(feature = "failpoints")]
        crate::failpoint::arm(environment.get("CAMEO_FAILPOINT"), environment.get("CAMEO_PLANTED_BUG"))
            .map_err(|doing| Error::new(Place::System, Kind::Misconfigured, doing))?;
        if config.keeps_objects()? {
            embedded::start(config, environment, clock, roles, pages).await
        } else {
            distributed::start(config, environment, clock, roles, pages).await
        }
    }

    /// Workers alone, without a listener. The embedded store and queues belong to one process, so they have none.
    pub async fn start_worker(
        config: &Config,
        environment: &Environment,
        clock: Arc<dyn Clock>,
        roles: Roles,
    ) -> Result<Self> {
        if config.keeps_objects()? {
            return Err(no_worker_beside());
        }
        let mut config = config.clone();
        config.server.turn_off();
        Self::start(&config, environment, clock, roles, None).await
    }
}
