//! What a command beside a server looks at: originals and renditions, ledger and rows, and the images as the public gets
//! them. Of a data folder everything is read directly; elsewhere by the addresses of the configuration and of flags.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    backends::{Queues, access_keys, catalog_settings, open_queues, open_store, register_rules},
    data_folder::{DataFolder, Running, read_running},
};
use crate::{
    catalog::{self, Catalog, sqlite::SqliteCatalog},
    clock::Clock,
    config::{Config, Environment},
    db::Sqlite,
    flow::{Flow, Settings},
    ledger::{decide::RegisterRules, image_urls::ImageUrls},
    model::error::{Error, Kind, Place, Result},
    proof::{deliveries, verify},
    queue::sqlite::SqliteQueue,
    render::unused::UnusedEngine,
    serve::images::client::HttpImages,
    store::{
        Store,
        embedded::{Embedded, check_database_file},
    },
};

/// The places of one system.
#[derive(Debug)]
pub struct Deployment {
    /// Where originals and renditions are; only read.
    pub store: Arc<dyn Store>,
    /// The ledger and the rows, for reading.
    pub catalog: Arc<dyn Catalog>,
    /// The queues; none where a command from afar cannot reach them.
    pub queues: Option<Queues>,
    /// The public side.
    pub images: HttpImages,
    /// Names and rules.
    pub settings: Settings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The base that the addresses of rows must have; none where nobody knows it.
    pub urls: Option<ImageUrls>,
    /// Rules of registering, with the base of the rows' addresses.
    pub rules: RegisterRules,
    /// Where the server of the data folder can be reached; none when none is running, or when there is no folder.
    pub running: Option<Running>,
    /// The data folder, where it is one.
    pub folder: Option<PathBuf>,
    /// Whether changes go through a running server, which has queues and database to itself.
    pub through_server: bool,
}

/// Addresses that flags give, over those of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// The S3 endpoint: `http://127.0.0.1:9000`.
    pub endpoint_url: Option<String>,
    /// The base of the images.
    pub images_url: Option<String>,
    /// The database.
    pub catalog: Option<String>,
}

impl Deployment {
    /// Opens the places of the server of a data folder, for reading.
    /// Images are fetched under `images_url`, where one is given, else under the public address.
    pub async fn of_data_folder(
        config: &Config,
        folder: &Path,
        images_url: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let database = DataFolder::database(folder);
        // A folder that has lost its database is none of the wrong folder: the way on is told.
        check_database_file(folder, &database)?;
        let db = Sqlite::open_read_only(&database).await.map_err(|error| {
            let shown = folder.display();
            error.in_korean(if database.exists() {
                format!("데이터 폴더 {shown} 의 데이터베이스를 열 수 없습니다. 엔지니어에게 알려 주세요")
            } else {
                format!("{shown}: 서버의 데이터 폴더가 아니거나 없는 폴더입니다. --data 에 적은 폴더를 확인해 주세요")
            })
        })?;
        let running = read_running(folder)?;
        let listener = running.as_ref().and_then(|running| running.images.clone());
        let rules = register_rules(config, listener.as_deref());
        let public = public_base(config, listener.as_deref()).map(str::to_owned);
        let images = HttpImages::new(images_url.or(public.as_deref()).unwrap_or_default())?.behind(listener.as_deref());
        let settings = catalog_settings(config, rules.clone())?;
        let queue = |name: &str| SqliteQueue::new(db.clone(), name, config.queue.max_receives, clock.clone());
        let queues = Queues {
            events: Arc::new(queue(&config.queue.events)),
            registrations: Arc::new(queue(&config.queue.registrations)),
        };
        let catalog: Arc<dyn Catalog> = if config.catalog.is_embedded() {
            Arc::new(SqliteCatalog::open(db.clone(), &settings.table, rules.clone(), clock.clone()).await?)
        } else {
            catalog::open_read_only(&config.catalog.url, settings, clock.clone()).await?
        };
        Ok(Self {
            store: Arc::new(Embedded::read_only(folder, db)),
            catalog,
            queues: Some(queues),
            images,
            settings: config.settings()?,
            clock,
            urls: public.as_deref().map(ImageUrls::new),
            rules,
            running,
            folder: Some(folder.to_owned()),
            through_server: true,
        })
    }

    /// Opens the places that addresses name, for reading.
    pub async fn at_addresses(
        config: &Config,
        environment: &Environment,
        addresses: &Addresses,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let config = addresses.over(config)?;
        let keys = access_keys(environment);
        let rules = register_rules(&config, None);
        let images_url = addresses.images_url.as_deref().unwrap_or(&config.images.public_url);
        let store = open_store(&config, keys.clone(), false).await?;
        let catalog_settings = catalog_settings(&config, rules.clone())?;
        let queues = if config.queue.is_embedded() { None } else { Some(open_queues(&config, keys).await?) };
        Ok(Self {
            store,
            catalog: catalog::open_read_only(&config.catalog.url, catalog_settings, clock.clone()).await?,
            queues,
            images: HttpImages::new(images_url)?,
            settings: config.settings()?,
            clock,
            urls: public_base(&config, None).map(ImageUrls::new),
            rules,
            running: None,
            folder: None,
            through_server: false,
        })
    }

    /// The places as verifying takes them.
    pub fn to_verify(&self) -> verify::Places<'_> {
        let queues = self.queues.as_ref().map(|Queues { events, registrations }| verify::Queues {
            events: &**events,
            registrations: &**registrations,
        });
        verify::Places {
            store: &*self.store,
            catalog: &*self.catalog,
            served: &self.images,
            queues,
            urls: self.urls.as_ref(),
            settings: &self.settings,
            clock: &*self.clock,
        }
    }

    /// The places as deliveries take them.
    pub fn deliveries(&self) -> deliveries::state::Places<'_> {
        let queues = self.queues.as_ref().map(|Queues { events, registrations }| verify::Queues {
            events: &**events,
            registrations: &**registrations,
        });
        deliveries::state::Places {
            store: &*self.store,
            upload_bucket: &self.settings.upload_bucket,
            catalog: &*self.catalog,
            queues,
        }
    }

    /// The places as the steps take them, for a command that sends events anew; it renders nothing itself.
    pub fn flow(&self) -> Flow {
        Flow {
            store: self.store.clone(),
            catalog: self.catalog.clone(),
            render: Arc::new(UnusedEngine),
            settings: Arc::new(self.settings.clone()),
        }
    }
}

/// The base that rows' addresses must have: the configured one, else that of the listener.
pub(super) fn public_base<'b>(config: &'b Config, listener: Option<&'b str>) -> Option<&'b str> {
    let configured = Some(config.images.public_url.as_str()).filter(|base| !base.is_empty());
    configured.or(listener)
}

impl Addresses {
    /// Whether a flag names a store or a database; the images of a data folder may be looked at under another address too.
    pub fn are_given(&self) -> bool {
        self.endpoint_url.is_some() || self.catalog.is_some()
    }

    /// The configuration with these addresses; each place must have one that can be reached from afar.
    fn over(&self, config: &Config) -> Result<Config> {
        let mut config = config.clone();
        if let Some(endpoint) = &self.endpoint_url {
            config.store.url = format!("s3://?endpoint={endpoint}");
        }
        config.catalog.url = self.catalog.clone().unwrap_or(config.catalog.url);
        let lacking = |place, what: &str, flag: &str| {
            let doing = format!("look at {what}: give {flag}, or set its address in cameo.toml");
            let korean = format!("어디를 볼지 알 수 없습니다. {flag} 를 적거나 cameo.toml 에 주소를 설정해 주세요");
            Err(Error::new(place, Kind::Misconfigured, doing).in_korean(korean))
        };
        if config.store.is_embedded() {
            return lacking(Place::Store, "the store", "--endpoint-url");
        }
        if config.catalog.is_embedded() {
            return lacking(Place::Catalog, "the database", "--catalog");
        }
        Ok(config)
    }
}
