//! The listeners of a server: bound before anything else starts, so that a port that is taken is told at once.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use super::{data_folder::Running, tasks::Tasks, worker::Worker};
use crate::{
    catalog::image_urls::ImageUrls,
    config::{Listen, Server},
    error::{Error, Kind, Place, Result},
    serve::{
        console::{self, Console},
        images::{self, Images},
    },
};

/// The listeners that are on.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) s3: Option<TcpListener>,
    images: Option<TcpListener>,
    console: Option<TcpListener>,
}

impl Listeners {
    /// Binds those that the configuration turns on; the S3 endpoint only where there is a store for it.
    pub(super) async fn bind(config: &Server, has_endpoint: bool) -> Result<Self> {
        let s3_listen = if has_endpoint { config.s3_listen } else { Listen::Off };
        Ok(Self {
            s3: listen("s3_listen", s3_listen).await?,
            images: listen("images_listen", config.images_listen).await?,
            console: listen("console_listen", config.console_listen).await?,
        })
    }

    /// Where they can be reached.
    pub(super) fn running(&self) -> Running {
        let url = |listener: &Option<TcpListener>| Some(base_url(listener.as_ref()?.local_addr().ok()?));
        Running { pid: std::process::id(), s3: url(&self.s3), images: url(&self.images), console: url(&self.console) }
    }

    /// Serves images and console over what a worker works with.
    pub(super) fn spawn(self, tasks: &mut Tasks, worker: &Worker, images_url: ImageUrls) {
        if let Some(listener) = self.images {
            let images = Images::new(worker.flow.store.clone(), &worker.flow.settings);
            tasks.spawn(|stop| async move {
                served("images", images::serve(listener, images, stop.cancelled_owned()).await)
            });
        }
        if let Some(listener) = self.console {
            let console = console_of(worker, images_url);
            tasks.spawn(|stop| async move {
                served("the console", console::serve(listener, console, stop.cancelled_owned()).await)
            });
        }
    }
}

fn console_of(worker: &Worker, images_url: ImageUrls) -> Console {
    Console {
        flow: worker.flow.clone(),
        events: worker.events.clone(),
        registrations: worker.registrations.clone(),
        images_url,
        window: worker.window.clone(),
        clock: worker.clock.clone(),
    }
}

/// How serving ended, as a task tells it.
pub(super) fn served(what: &str, result: io::Result<()>) -> Result<()> {
    result.map_err(|error| Error::new(Place::System, Kind::Fatal, format!("serve {what}")).because(error))
}

async fn listen(key: &str, listen: Listen) -> Result<Option<TcpListener>> {
    let Some(address) = listen.address() else { return Ok(None) };
    let bound = TcpListener::bind(address).await;
    bound.map(Some).map_err(|error| {
        let doing = format!("listen on {address} (server.{key}); is another server running there?");
        Error::new(Place::System, Kind::Misconfigured, doing).because(error)
    })
}

/// An address that a client on this machine can use.
fn base_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}
