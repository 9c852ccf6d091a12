//! How much of a SQL server is used.

use std::time::Duration;

/// Limits of the use of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections for reading and registering, at most.
    pub connections: u32,
    /// Entities that this process holds at once, at most; each takes a connection of its own.
    pub held_entities: u32,
    /// How long to wait for a connection: to be opened, or to become free.
    pub connect_timeout: Duration,
    /// How long a statement may run at the server.
    pub statement_timeout: Duration,
    /// How long to wait for somebody else's lock.
    pub lock_timeout: Duration,
    /// How often a transaction is tried that others keep in the way of.
    pub tries: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 8,
            held_entities: 8,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            tries: 6,
        }
    }
}

impl ServerLimits {
    /// How long to wait for the answer to a transaction: longer than the server may take for its statements, so that
    /// this ends only what a dead connection would hold for ever.
    pub fn answer_timeout(&self) -> Duration {
        self.statement_timeout * 2 + self.lock_timeout
    }
}
