//! The listeners: the S3 endpoint, the public images, and the console, on one base.

mod audit;
mod conditions;
pub mod http;
mod range;

pub mod console;
pub mod images;
pub mod s3_api;

pub use audit::{AuditLine, AuditLines, AuditTrail};
