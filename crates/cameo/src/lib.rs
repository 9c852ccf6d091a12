//! The flow of Cameo, told in order.
//!
//! An original is PUT into the upload bucket ([`store`]) and acknowledged once it and its [`event`] are durable. A worker
//! ([`host`]) receives the event ([`flow::receive`]), renders the original ([`flow::resize`], through [`render`]), publishes
//! its renditions ([`flow::publish`]) and sends a [`message`] on a [`queue`]. Registering ([`flow::register`]) writes ledger and
//! rows in one transaction of the [`catalog`], then the aliases, and only then deletes the message. [`serve`] shows the
//! images and the console, and [`flow::verify`] proves that nothing is missing.
//!
//! Imports point one way: `cli → host → {serve, flow} → {store, queue, catalog} → {key, message, reason, clock, error}`.

pub mod address;
pub mod aws;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod content;
pub mod error;
pub mod escape;
pub mod event;
pub mod failpoint;
pub mod flow;
pub mod generation;
pub mod host;
pub mod key;
pub mod message;
pub mod private_file;
pub mod queue;
pub mod reason;
pub mod render;
pub mod serve;
pub mod sqlite;
pub mod store;
pub mod tls;
