//! The crash harness: kills `cameo serve` under load and checks that every promise was kept.
//!
//! Clients ([`load`]) upload [`originals`] and write down what was acknowledged ([`journal`]). The [`server`] is killed at
//! random moments ([`run`]), on a disk that forgets what was not synced ([`lazyfs`]), at each step of the flow
//! ([`failpoints`]), starved of space ([`disk_full`]), or told that an fsync failed ([`fsync_error`]); its places
//! answer and refuse ([`refusals`]); its database is lost ([`restore`]). A watcher
//! ([`watch`]) looks at [`snapshot`]s of the database all the while; on a quiet server everything is compared
//! ([`check`]), and told as [`findings`]. [`syscalls`] judges what a kill cannot show: the order of syncs.
//! [`distributed`] does the same to workers on S3, SQS and the database of a server.
//!
//! It reads what the server wrote and writes there only to refuse. For development only.

pub mod check;
pub mod disk_full;
pub mod distributed;
pub mod failpoints;
pub mod findings;
pub mod fsync_error;
pub mod journal;
pub mod lazyfs;
pub mod load;
pub mod originals;
pub mod program;
pub mod refusals;
pub mod restore;
pub mod run;
pub mod server;
pub mod settings;
pub mod size_sets;
pub mod snapshot;
pub mod syscalls;
pub mod watch;
