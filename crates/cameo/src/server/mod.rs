//! Processes: what opens the backends, starts the tasks and ends them. Long-running tasks are spawned here.
//!
//! [`running`] is a running process, whichever backends it has: `start` chooses between `embedded`, which opens those of one data folder, and
//! `distributed`, which opens those that addresses name. [`deployment`] opens what a command looks at, and [`doctor`] looks whether it could.
//! A function of Lambda has no process of this kind: it takes [`backends`] and [`renderer`] alone, and compiles without the others.

pub mod backends;
pub mod renderer;

#[cfg(feature = "embedded")]
pub mod access;
#[cfg(feature = "embedded")]
pub mod accounts;
#[cfg(feature = "embedded")]
mod address_check;
#[cfg(feature = "embedded")]
mod audit_log;
#[cfg(feature = "embedded")]
mod certificate;
#[cfg(feature = "embedded")]
pub mod data_folder;
#[cfg(feature = "embedded")]
pub mod deployment;
#[cfg(feature = "embedded")]
mod descriptors;
#[cfg(feature = "embedded")]
mod disk_history;
#[cfg(feature = "embedded")]
mod distributed;
#[cfg(feature = "embedded")]
pub mod doctor;
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "embedded")]
mod expiry;
#[cfg(feature = "embedded")]
mod healing;
#[cfg(feature = "embedded")]
mod history;
#[cfg(feature = "embedded")]
mod image_threads;
#[cfg(feature = "embedded")]
mod listeners;
#[cfg(feature = "embedded")]
pub mod people;
#[cfg(feature = "embedded")]
mod public_url;
#[cfg(feature = "embedded")]
pub mod recover;
#[cfg(feature = "embedded")]
pub mod running;
#[cfg(feature = "embedded")]
mod site;
#[cfg(feature = "embedded")]
mod start;
#[cfg(feature = "embedded")]
mod tasks;
#[cfg(feature = "embedded")]
mod usage;
#[cfg(feature = "embedded")]
mod webhooks;
