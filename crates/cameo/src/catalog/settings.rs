//! What a catalog is opened with and for, whichever database it is in.

use super::{limits::ServerLimits, table::Table};
use crate::ledger::decide::RegisterRules;

/// What a catalog is opened with beside its address.
#[derive(Debug, Clone)]
pub struct CatalogSettings {
    /// The public table.
    pub table: Table,
    /// How messages are registered.
    pub rules: RegisterRules,
    /// How much of a server is used.
    pub limits: ServerLimits,
}

/// What a catalog is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Looking: nothing is made, and the user needs no right to write.
    Read,
    /// Registering: the `cameo_*` tables are brought up to date, the public table is created where it does not exist, and
    /// it is checked that it fits and may be written.
    ReadAndWrite,
}
