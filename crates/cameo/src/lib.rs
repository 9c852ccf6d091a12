//! The flow of Cameo, told in order.
//!
//! An original is PUT into the upload bucket ([`store`]) and acknowledged once it and its [`event`](model::event) are durable. A worker
//! ([`worker`]) receives the event ([`flow::receive`]), renders the original ([`flow::resize`], through [`render`]), publishes
//! its renditions ([`flow::publish`]) and sends a [`message`](model::outcome) on a [`queue`]. Registering ([`flow::register`]) writes ledger and
//! rows in one transaction of the [`catalog`], then the aliases, and only then deletes the message. [`serve`] shows the
//! images and answers the API, and [`proof::verify`] proves that nothing is missing.
//!
//! The feature `embedded`, on by default, is what one process needs to be the whole system: the store, queues and catalog of a data
//! folder, and the listeners. The feature `client`, which it includes, is what `cameo` needs on another computer: checking, pushing, and
//! asking a server. Without both there is what a function of Lambda is made of.
//!
//! Imports point one way: the layers are in ARCHITECTURE.md, and a test holds them.

pub mod address;
pub mod admission;
pub mod aws;
pub mod catalog;
#[cfg(feature = "client")]
pub mod client;
pub mod clock;
pub mod config;
#[cfg(feature = "embedded")]
pub mod db;
pub mod escape;
pub mod failpoint;
pub mod flow;
pub mod ledger;
#[cfg(feature = "client")]
pub mod local_socket;
pub mod model;
#[cfg(feature = "client")]
pub mod operate;
#[cfg(feature = "client")]
pub mod preflight;
pub mod presign;
pub mod private_file;
pub mod proof;
#[cfg(feature = "client")]
pub mod push;
pub mod queue;
pub mod render;
#[cfg(feature = "embedded")]
pub mod serve;
pub mod server;
pub mod store;
pub mod tls;
#[cfg(feature = "embedded")]
pub mod webhooks;
pub mod worker;
