//! How the backends of AWS reach an emulator.

use cameo::aws::{AccessKeys, AwsAccess};
use cameo_testbed::emulators::Emulator;

/// Where it is, with keys that it does not look at.
pub(crate) fn access(emulator: &Emulator) -> AwsAccess {
    AwsAccess {
        endpoint: Some(emulator.url().to_owned()),
        region: Some("us-east-1".into()),
        keys: Some(AccessKeys { id: "test".into(), secret: "test".into() }),
    }
}
