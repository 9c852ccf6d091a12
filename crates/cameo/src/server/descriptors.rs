//! Open files: as many as the system lets the process have, shared out, so that no listener can take them from another or from the store.
//!
//! A connection of the S3 endpoint or of the images has a file of the store open beside it. What is kept back is for what is
//! open whoever asks: connections of the database, children, queues, logs, and folders that are synced.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

use crate::config::Config;

/// Taken for a hard limit that there is none: what Linux allows a process unless it is told otherwise.
const UNLIMITED: u64 = 1 << 20;
/// Kept for the process itself: standard streams, locks, the reactor, listeners, clients of other services.
const OWN: u64 = 64;
/// Kept for connections of the database: those of a server and those that hold entities, or the embedded one's with their logs.
const OF_DATABASE: u64 = 32;
/// Kept for each child that renders: its pipes and shared memory.
const OF_A_CHILD: u64 = 8;
/// A share that is too small to serve anybody well.
const SMALL: usize = 32;

/// How many connections each listener may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) s3: usize,
    pub(super) images: usize,
    pub(super) console: usize,
}

/// Raises the limit of open files as far as the process may, and shares them out.
pub(super) fn share_out(config: &Config, has_endpoint: bool, children: usize) -> Shares {
    let limit = raise();
    let shares = shares(limit, config, has_endpoint, children);
    debug!(limit, ?shares, "open files were shared out");
    let is_small = |share: usize, is_on: bool| is_on && share < SMALL;
    if is_small(shares.s3, has_endpoint) || is_small(shares.images, config.server.images_listen.address().is_some()) {
        warn!(
            limit,
            ?shares,
            "the limit of open files leaves few connections; raise the hard limit (ulimit -Hn, or LimitNOFILE= of systemd)"
        );
    }
    shares
}

/// The limit of open files, raised to what the process may raise it to.
fn raise() -> u64 {
    let now = getrlimit(Resource::Nofile);
    let current = now.current.unwrap_or(UNLIMITED);
    for wanted in [now.maximum, Some(now.maximum.unwrap_or(UNLIMITED).min(UNLIMITED))] {
        if wanted == now.current
            || setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum: now.maximum }).is_ok()
        {
            return wanted.unwrap_or(UNLIMITED);
        }
    }
    warn!(limit = current, "the limit of open files could not be raised");
    current
}

/// An eighth is for files of the store that no connection stands for; the rest is shared 6 : 3 : 1 between the listeners that are on.
fn shares(limit: u64, config: &Config, has_endpoint: bool, children: usize) -> Shares {
    let own = OWN + OF_DATABASE + OF_A_CHILD * children as u64;
    let left = limit.saturating_sub(own + limit / 8);
    let server = &config.server;
    let weight = |is_on: bool, weight: u64| if is_on { weight } else { 0 };
    let s3 = weight(has_endpoint && server.s3_listen.address().is_some(), 6);
    let images = weight(server.images_listen.address().is_some(), 3);
    let console = weight(server.console_listen.address().is_some(), 1);
    let all = (s3 + images + console).max(1);
    let share = |weight: u64, files_each: u64, wanted: usize| {
        usize::try_from(left * weight / all / files_each).unwrap_or(usize::MAX).min(wanted).max(1)
    };
    Shares {
        s3: share(s3, 2, config.s3.connections_max),
        images: share(images, 2, config.images.connections_max),
        console: share(console, 1, config.console.connections_max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Listen;

    /// security.md A4.
    #[test]
    fn the_shares_hold_where_the_limit_is_small() {
        for limit in [256, 1024, 4096, 65_536, UNLIMITED] {
            let Shares { s3, images, console } = shares(limit, &Config::default(), true, 2);
            let open = (2 * (s3 + images) + console) as u64;
            assert!(open + OWN + OF_DATABASE + limit / 8 <= limit, "{limit}: {s3}, {images}, {console}");
            assert!(s3 >= 20 && images >= 10 && console >= 10, "{limit}: {s3}, {images}, {console}");
        }
        let many = shares(UNLIMITED, &Config::default(), true, 2);
        assert_eq!(many, Shares { s3: 4096, images: 4096, console: 256 }, "never more than is configured");
    }

    #[test]
    fn a_listener_that_is_off_leaves_its_share_to_the_others() {
        let mut config = Config::default();
        let both = shares(1024, &config, false, 2);
        config.server.console_listen = Listen::Off;
        let alone = shares(1024, &config, false, 2);
        assert!(alone.images > both.images && both.images > shares(1024, &config, true, 2).images);
    }
}
