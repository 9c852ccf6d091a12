//! What a listener takes of connections, with units, and the defaults in this one place.

use std::time::Duration;

use super::ClientNetwork;

/// What a listener takes of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Open connections. Beyond: an idle one is closed for a new one, and where none is idle the new one waits.
    pub connections_max: usize,
    /// Open connections of one client: an IPv4 address, or a /64 network of IPv6. Beyond: an idle one of its own is closed, or it gets 503.
    pub connections_per_client: usize,
    /// Clients that are many behind one address, such as a proxy, and may have all of the connections. Loopback always is one.
    pub trusted_clients: Vec<ClientNetwork>,
    /// Time for the headers of a request to arrive, from the first byte or, on a connection kept alive, from the last answer. Then the
    /// connection is closed: this is the time-out of idle connections too.
    pub header_timeout: Duration,
    /// How far a client may fall behind [`min_bytes_per_s`](Self::min_bytes_per_s) while a body is received or sent. Then a body
    /// that was to be received is given up, and a connection that takes no answer is closed.
    pub idle_timeout: Duration,
    /// What a client must send of a body, and take of an answer, while it is waited for; bytes a second.
    pub min_bytes_per_s: u64,
    /// Request line and headers together, bytes. Beyond: 431.
    pub headers_max_bytes: usize,
    /// Headers of one request. Beyond: 431.
    pub headers_max: usize,
    /// What the kernel holds of an answer that the client has not taken, bytes; it counts as much again for its own.
    pub send_buffer_bytes: usize,
    /// Time that requests get to finish when the server ends.
    pub shutdown_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            connections_per_client: 256,
            trusted_clients: Vec::new(),
            header_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            // Less than any link that somebody uploads a photo over, and a hundred times what holding a place for nothing needs.
            min_bytes_per_s: 1024,
            headers_max_bytes: 16 * 1024,
            headers_max: 256,
            // At a round trip of 50 ms it still allows 2.5 MB/s a connection.
            send_buffer_bytes: 128 * 1024,
            shutdown_timeout: Duration::from_secs(20),
        }
    }
}
