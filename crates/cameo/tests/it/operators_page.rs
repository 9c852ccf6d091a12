//! README.ko.md tells operators the same about each reason code as `cameo explain` does.

use std::{fs, path::Path};

use cameo::model::reason::ReasonCode;

#[test]
fn every_reason_code_is_explained_as_the_command_explains_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.ko.md");
    let page = fs::read_to_string(path).unwrap().replace('`', "");
    for reason in ReasonCode::ALL {
        let line = format!("| {} | {} | {} |", reason.code(), reason.korean(), reason.action_korean());
        assert!(page.contains(&line), "README.ko.md lacks this line of its tables:\n{line}");
    }
}
