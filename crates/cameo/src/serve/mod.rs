//! The listeners: the S3 endpoint, the public images, and the console, on one base.

mod audit;
pub mod http;
mod range;

pub mod console;
pub mod images;
pub mod s3_api;

pub use audit::{AuditLines, AuditTrail};
