//! Which system a command looks at: that of a data folder, or one elsewhere, by addresses.

use std::path::PathBuf;

#[cfg(feature = "embedded")]
use cameo::{
    model::error::{Error, Kind, Place},
    server::deployment::{Addresses, Deployment},
};

use super::{
    Context,
    server::{Asked, Target},
};

#[derive(Debug, clap::Args)]
pub(crate) struct PlacesArgs {
    /// Data folder of the server [default: ./cameo-data]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["endpoint_url", "catalog", "server"])]
    data: Option<PathBuf>,
    /// S3 endpoint of a system elsewhere; keys come from the environment, as with the AWS tools
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Base address under which images are fetched [default: the public one]
    #[arg(long, value_name = "URL")]
    images_url: Option<String>,
    /// Its database: mysql://…, postgres://… or sqlite:FILE
    #[arg(long, value_name = "URL")]
    catalog: Option<String>,
    /// Ask this server, with the token of `CAMEO_TOKEN` or of `cameo login` [default: `CAMEO_SERVER`]
    #[arg(long, value_name = "URL", conflicts_with_all = ["endpoint_url", "images_url", "catalog"])]
    server: Option<String>,
}

impl PlacesArgs {
    /// Which of the two is asked: a server, or the places that flags and configuration name.
    pub(crate) fn target(&self, context: &Context) -> anyhow::Result<Target> {
        let names_places = self.endpoint_url.is_some() || self.images_url.is_some() || self.catalog.is_some();
        let asked = Asked { server: self.server.as_deref(), data: self.data.as_deref(), names_places };
        Ok(asked.target(context)?)
    }

    /// A client's build opens none.
    #[cfg(not(feature = "embedded"))]
    #[expect(clippy::unused_async, reason = "as the one of a whole build")]
    pub(crate) async fn open(&self, _: &Context) -> anyhow::Result<std::convert::Infallible> {
        Err(super::server::no_server_named().into())
    }

    /// Opens the places for reading: by the flags, else by the configuration. A command that looks at them itself cannot ask a server.
    #[cfg(feature = "embedded")]
    pub(crate) async fn open(&self, context: &Context) -> anyhow::Result<Deployment> {
        if let Target::Server(server) = self.target(context)? {
            let doing = format!("open what is here: {server} is asked instead; give --data, or run it there");
            let korean = format!(
                "서버({server})에 묻게 되어 있습니다. 서버가 있는 컴퓨터에서 --data 로 데이터 폴더를 적어 실행해 주세요"
            );
            return Err(Error::new(Place::System, Kind::Misconfigured, doing).in_korean(korean).into());
        }
        let Context { config, environment, clock, .. } = context;
        let addresses = Addresses {
            endpoint_url: self.endpoint_url.clone(),
            images_url: self.images_url.clone(),
            catalog: self.catalog.clone(),
        };
        let in_folder = self.data.is_some() || (!addresses.are_given() && config.keeps_objects()?);
        Ok(if in_folder {
            let images_url = self.images_url.as_deref();
            Deployment::of_data_folder(config, context.data(self.data.as_deref()), images_url, clock.clone()).await?
        } else {
            Deployment::at_addresses(config, environment, &addresses, clock.clone()).await?
        })
    }
}
