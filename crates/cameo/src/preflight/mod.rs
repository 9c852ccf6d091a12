//! Checking a delivery before a byte of it is sent: every fault of a folder or archive at once, each with its reason
//! code, its file, whose photo it is, and what to do.
//!
//! [`Source`] lists the files, [`Check`] looks at them and gives a [`Report`]: findings, and which files are ready. Names
//! are judged by the server's own grammar and content by its own engine, so what passes here is accepted there. It asks no
//! server and changes nothing; [`copy_fixed`] copies what is unambiguous to a new folder.

mod archive;
mod compare;
mod content;
mod csv;
mod entry;
pub mod expect;
mod finding;
mod fix;
mod folder;
mod name;
mod picture;
mod positioned;
mod report;
mod set;
mod source;

pub use self::csv::csv_of;
pub use content::{Hashes, Known, NothingKnown, Progress};
pub use entry::{Entry, FILES_MAX};
pub use expect::{Expectation, ExpectedFile};
pub use finding::{Finding, Severity, Summary};
pub use fix::{Copied, Fixed, copy_fixed};
pub use name::{Name, NameFault};
pub use report::{Check, CheckedFile, Report};
pub use source::Source;

#[cfg(test)]
mod tests;
