//! The words that everybody shares: keys of photos, what happened to them and in which order, what became of it and why, and errors.

pub mod account;
pub mod actor;
pub mod cause;
pub mod content;
pub mod error;
pub mod event;
pub mod generation;
#[cfg(feature = "client")]
pub mod ids;
pub mod key;
pub mod lang;
pub mod outcome;
pub mod plain;
pub mod reason;
pub mod token;
pub mod webhook;
pub mod when;
