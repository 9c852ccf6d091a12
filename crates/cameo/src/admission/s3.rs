//! Every limit of the S3 endpoint, with its unit, and its default in this one place.
//!
//! What goes beyond a limit is refused with S3's own error for it; nothing is cut short in silence.

use std::time::Duration;

use super::{ClientNetwork, ConnectionLimits};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// What clients may ask of the S3 endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Limits {
    /// Content of one object in one PUT, bytes (S3's own limit is 5 GiB). Beyond: 400 `EntityTooLarge`.
    pub object_max_bytes: u64,
    /// One part of a multipart upload, bytes. Beyond: 400 `EntityTooLarge`.
    pub part_max_bytes: u64,
    /// Every part but the last, bytes, at least. Below: 400 `EntityTooSmall` on completion.
    pub part_min_bytes: u64,
    /// Parts of one multipart upload. Beyond: 400 `InvalidArgument`.
    pub parts_max: u32,
    /// Objects, parts or uploads in one page of a listing.
    pub page_max: u32,
    /// Keys in one `DeleteObjects`. Beyond: 400 `MalformedXML`.
    pub delete_max: usize,
    /// A body that is XML, bytes. Beyond: 400 `MaxMessageLengthExceeded`.
    pub xml_max_bytes: usize,
    /// A body that does not tell its length before it comes, bytes: it is held in memory. Beyond: 411
    /// `MissingContentLength`.
    pub unsized_max_bytes: u64,
    /// What is read and thrown away of a body after its request was refused, bytes, so that the client sees the answer.
    /// Beyond: the connection is closed.
    pub drain_max_bytes: u64,
    /// How quickly that must come, bytes per second, after the first two seconds. Slower: the connection is closed.
    pub drain_min_bytes_per_s: u64,
    /// Time that it may take at all.
    pub drain_timeout: Duration,
    /// Bodies of refused requests that are read at a time. Beyond: the connection is closed at once.
    pub drains_max: usize,
    /// Request line and headers together, bytes. Beyond: 431.
    pub headers_max_bytes: usize,
    /// Headers of one request. Beyond: 431.
    pub headers_max: usize,
    /// User metadata of one object, names and values, bytes. Beyond: 400 `MetadataTooLarge`.
    pub metadata_max_bytes: usize,
    /// Open connections. Beyond: an idle one is closed for a new one, and where none is idle the new one waits.
    pub connections_max: usize,
    /// Open connections of one client. See [`ConnectionLimits`].
    pub connections_per_client: usize,
    /// Clients that may have all of the connections. See [`ConnectionLimits`].
    pub trusted_clients: Vec<ClientNetwork>,
    /// Request bodies held in memory, all connections together, bytes: what came of them, not what they tell of. Beyond:
    /// 503 `SlowDown`.
    pub in_flight_max_bytes: u64,
    /// Time for the headers of a request to arrive, from the first byte or, on a connection kept alive, from the last
    /// answer. Then the connection is closed: this is the idle time-out too.
    pub header_timeout: Duration,
    /// How far a client may fall behind [`min_bytes_per_s`](Self::min_bytes_per_s) while a body is received or sent: 400
    /// `RequestTimeout`, and the connection is closed.
    pub idle_timeout: Duration,
    /// What a client must send of a body, and take of an answer, while it is waited for; bytes a second.
    pub min_bytes_per_s: u64,
    /// Time that requests get to finish when the server ends.
    pub shutdown_timeout: Duration,
    /// How long a presigned address may be valid (S3's own limit is 7 days). Beyond: 403
    /// `AuthorizationQueryParametersError`.
    pub presigned_max: Duration,
}

impl Default for S3Limits {
    fn default() -> Self {
        let connections = ConnectionLimits::default();
        Self {
            object_max_bytes: 5 * GIB,
            part_max_bytes: 5 * GIB,
            part_min_bytes: 5 * MIB,
            parts_max: 10_000,
            page_max: 1000,
            delete_max: 1000,
            xml_max_bytes: 2 * 1024 * 1024,
            unsized_max_bytes: 8 * MIB,
            drain_max_bytes: 16 * MIB,
            drain_min_bytes_per_s: 256 * KIB,
            drain_timeout: Duration::from_secs(10),
            drains_max: 256,
            headers_max_bytes: 64 * 1024,
            headers_max: connections.headers_max,
            metadata_max_bytes: 2048,
            connections_max: connections.connections_max,
            connections_per_client: connections.connections_per_client,
            trusted_clients: connections.trusted_clients,
            in_flight_max_bytes: 192 * MIB,
            header_timeout: connections.header_timeout,
            idle_timeout: connections.idle_timeout,
            min_bytes_per_s: connections.min_bytes_per_s,
            shutdown_timeout: connections.shutdown_timeout,
            presigned_max: Duration::from_hours(168),
        }
    }
}
