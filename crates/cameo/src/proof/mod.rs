//! The proof that nothing is missing, and what follows from it: everything that looks at originals, renditions, ledger and rows side by side.
//!
//! [`verify`] judges, [`repair`] has what it found go through the flow again, [`adopt`] makes photos known that another system published,
//! [`delivery`] is a folder that was handed over, [`deliveries`] are those that were recorded, and [`addresses`] finds rows of an older
//! public address. [`restore`] brings back what is in quarantine, [`dismiss`] settles rejected files, [`unpublish`] takes photos down,
//! [`relocate`] moves photos to another vertical, [`heal`] finds events that were lost, and [`last_good`] says whether a photo is served on
//! beside a rejected upload. (Not to be confused with the audit trail, which is in `serve/audit.rs`: that says who changed what.)

pub mod addresses;
pub mod adopt;
pub mod deliveries;
pub mod delivery;
pub mod dismiss;
pub mod heal;
pub mod last_good;
pub mod relocate;
pub mod repair;
pub mod restore;
pub mod unpublish;
pub mod verify;
