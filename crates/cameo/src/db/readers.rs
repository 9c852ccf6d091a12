//! Connections for reading, shared out among those that read.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::{Done, Failure, open_connection};
use crate::model::error::{Place, Result};

/// Long readings at a time; also the connections for reading that are kept open.
const READERS: usize = 4;

/// Connections for reading: as many as there are readers at a time, of which some are kept for the next ones.
#[derive(Debug)]
pub(super) struct Readers {
    pub(super) path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// For those that read on threads apart.
    pub(super) places: Arc<Semaphore>,
}

impl Readers {
    /// With a first connection, which shows whether the file can be read.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let opening = |error| Failure::Sqlite(error).into_error(Place::System, "open the database for reading");
        let idle = Mutex::new(vec![open_reader(path).map_err(opening)?]);
        Ok(Self { path: path.to_owned(), idle, places: Arc::new(Semaphore::new(READERS)) })
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&Connection) -> Done<T>) -> Done<T> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let result = look(&connection);
        let mut idle = idle();
        if idle.len() < READERS {
            idle.push(connection);
        }
        result
    }
}

fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = open_connection(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // Opening looks at nothing: a file that is no database is to be told now.
    connection.query_row("SELECT count(*) FROM sqlite_master", (), |_| Ok(()))?;
    Ok(connection)
}
