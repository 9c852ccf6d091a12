//! The tests that need more than one module: one binary, one module a subject.

mod api;
mod catalog_contract;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod catalog_probe;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod catalog_refusals;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod catalog_servers;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod catalog_tables;
mod changed_settings;
mod circles;
mod deliveries;
mod embedded_refusals;
#[cfg(all(feature = "sqs", feature = "s3"))]
mod emulators;
mod fault_matrix;
mod faulty;
mod flow_crash;
mod generations_went_back;
mod health;
mod liar;
mod old_versions;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "sqs", feature = "s3"))]
mod opening;
mod operators_page;
mod push_direct;
mod quarantine;
mod queue_bugs;
mod queue_contract;
#[cfg(all(feature = "sqs", feature = "s3"))]
mod queue_sqs;
mod reconcile_race;
mod refusals;
mod refusing;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod register_rate;
mod register_simulation;
mod removal_told_again;
#[cfg(target_os = "linux")]
mod render_children;
#[cfg(all(feature = "sqs", feature = "s3"))]
mod s3_requests;
#[cfg(all(feature = "mysql", feature = "postgres"))]
mod servers;
#[cfg(all(feature = "sqs", feature = "s3"))]
mod store_s3;
mod texts;
mod tidy;
mod verify_live;
mod verify_scope;
mod webhooks;
mod whole_system;
mod window;
