//! Pushing a delivery: a folder, or an archive of it, goes to a server by way of its API, and can go on wherever it stopped.
//!
//! What the server has already is neither checked nor sent again ([`plan`]), the list of what is handed over is recorded once before
//! anything is sent ([`delivery`]), files go to presigned addresses ([`send`]) or with keys of one's own to the bucket ([`direct`]), and
//! their way is watched until nothing moves any more ([`wait`]). Hashes are remembered between runs ([`hashes`]), so that a folder that did not change costs seconds. It decides
//! nothing about content: that is `preflight`, and after it the server.

pub mod delivery;
pub mod direct;
mod failed;
pub mod hashes;
pub mod plan;
pub mod send;
pub mod wait;
