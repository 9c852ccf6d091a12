//! Hosts: what runs the flow. Only here are tasks spawned and processes started.
//!
//! [`embedded`] is the whole system in one process; [`worker`] turns queues into calls of the flow's steps; [`places`]
//! opens what a command looks at.

pub mod data_folder;
pub mod embedded;
pub mod places;
pub mod renderer;
pub mod worker;
