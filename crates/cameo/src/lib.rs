//! The flow of Cameo, told in order.
pub mod catalog;
pub mod clock;
pub mod error;
pub mod event;
pub mod flow;
pub mod generation;
pub mod key;
pub mod message;
pub mod queue;
pub mod reason;
pub mod render;
pub mod sqlite;
pub mod store;
