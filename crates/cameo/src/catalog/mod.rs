//! The SQL side: the ledger (`cameo_*`) and the public table (`celeb_image_url`).
//!
//! [`Registry::register`] is the only writer of both, in one transaction. What a message does to the ledger and the rows
//! is decided by one pure function, [`decide`](crate::ledger::decide), for every backend; a backend only reads and writes. `memory` is
//! the reference meaning, and every backend passes `contract`.

pub mod accounts;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod columns;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod counts;
pub mod entity_locks;
pub mod history;
#[cfg(any(feature = "embedded", feature = "mysql", feature = "postgres"))]
mod history_columns;
mod ledger_reader;
pub mod limits;
pub mod memory;
#[cfg(feature = "mysql")]
pub mod mysql;
mod open;
mod pages;
pub mod people;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod people_columns;
#[cfg(feature = "postgres")]
pub mod postgres;
mod registry;
#[cfg(any(feature = "embedded", feature = "mysql", feature = "postgres"))]
mod rows;
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub mod schema;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
mod settings;
#[cfg(feature = "embedded")]
pub mod sqlite;
pub mod table;
pub mod table_check;
pub mod unused;
#[cfg(any(feature = "embedded", feature = "mysql", feature = "postgres"))]
mod webhook_columns;
pub mod webhooks;

pub use accounts::Accounts;
pub use counts::Counts;
pub use entity_locks::EntityLock;
pub use history::{History, HistoryEnds};
pub use ledger_reader::{ForeignRows, LedgerReader};
pub use open::{check, open, open_read_only};
pub use pages::{LedgerPages, RowPages};
pub use people::People;
pub use registry::Registry;
pub use settings::{CatalogSettings, Use};
pub use webhooks::Webhooks;

/// The ledger, its counts and history, the public table, the tokens, the people and the webhooks: all that a database does for Cameo, a trait a noun.
pub trait Catalog: Registry + LedgerReader + Counts + History + Accounts + People + Webhooks {}

impl<C: Registry + LedgerReader + Counts + History + Accounts + People + Webhooks + ?Sized> Catalog for C {}
