//! The words that everybody shares: keys of photos, what happened to them and in which order, what became of it and why, and errors.

pub mod actor;
pub mod content;
pub mod error;
pub mod event;
pub mod generation;
pub mod ids;
pub mod key;
pub mod lang;
pub mod outcome;
pub mod plain;
pub mod reason;
pub mod token;
