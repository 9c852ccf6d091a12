//! Hosts: what runs the flow. Only here are tasks spawned and processes started.
//!
//! [`server`] is a running process, whichever backends it has: `embedded` opens those of one data folder, `distributed`
//! those that addresses name. [`worker`] turns queues into calls of the flow's steps, `gather` finds those that are best
//! registered together, and [`messages`] are those calls. `settle` decides what becomes of messages, `held` keeps them while that takes, and
//! [`outage`] is what loops share about it. [`places`] opens what a command looks at, and [`doctor`] looks whether it could.

mod audit_log;
pub mod backends;
pub mod data_folder;
mod descriptors;
mod distributed;
pub mod doctor;
mod embedded;
mod gather;
mod held;
mod listeners;
pub mod messages;
pub mod outage;
pub mod places;
mod public_url;
pub mod recover;
pub mod renderer;
pub mod server;
mod settle;
mod tasks;
mod usage;
pub mod worker;
