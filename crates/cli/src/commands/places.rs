//! Which system a command looks at: that of a data folder, or one elsewhere, by addresses.

use std::path::PathBuf;

use cameo::server::deployment::{Addresses, Deployment};

use super::Context;

#[derive(Debug, clap::Args)]
pub(crate) struct PlacesArgs {
    /// Data folder of the server [default: ./cameo-data]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["endpoint_url", "catalog"])]
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
}

impl PlacesArgs {
    /// Opens the places for reading: by the flags, else by the configuration.
    pub(crate) async fn open(&self, context: &Context) -> anyhow::Result<Deployment> {
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
