//! What `--help` says is what people script against.

use crate::commands::cameo;

fn help(command: &[&str]) -> String {
    let output = cameo(command).arg("--help").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_has_help_with_examples() {
    insta::assert_snapshot!("help", help(&[]));
    let commands = [
        "demo",
        "serve",
        "worker",
        "status",
        "verify",
        "render",
        "explain",
        "reconcile",
        "retry",
        "restore",
        "dismiss",
        "move",
        "doctor",
        "adopt",
        "recover",
        "keys",
        "check",
        "push",
        "deliveries",
        "report",
        "token",
        "account",
        "webhook",
        "login",
        "logout",
    ];
    for command in commands {
        let text = help(&[command]);
        assert!(text.contains("Examples:"), "{command}: {text}");
        insta::assert_snapshot!(format!("help-{command}"), text);
    }
}
