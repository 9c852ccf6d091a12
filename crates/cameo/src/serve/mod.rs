//! The listeners: the S3 endpoint, the public images, and the console, on one base.

pub mod http;
mod range;

pub mod console;
pub mod images;
pub mod s3_api;
