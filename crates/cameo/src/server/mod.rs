//! Processes: what opens the backends, starts the tasks and ends them. Only here are tasks spawned and processes started.
//!
//! [`running`] is a running process, whichever backends it has: `start` chooses between `embedded`, which opens those of one data folder, and
//! `distributed`, which opens those that addresses name. [`deployment`] opens what a command looks at, and [`doctor`] looks whether it could.

pub mod accounts;
mod audit_log;
pub mod backends;
pub mod data_folder;
pub mod deployment;
mod descriptors;
mod distributed;
pub mod doctor;
mod embedded;
mod listeners;
mod public_url;
pub mod recover;
pub mod renderer;
pub mod running;
mod site;
mod start;
mod tasks;
mod usage;
