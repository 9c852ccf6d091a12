//! The tests that need more than one module: one binary, one module a subject.

mod catalog_contract;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod catalog_servers;
mod queue_contract;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod servers;
