//! The command as a person meets it: what it prints, and how it ends. Each test runs the built `cameo`.

mod check;
mod commands;
mod data_folder;
mod delivery_ends;
mod doctor;
mod first_day;
mod help;
mod korean;
#[path = "../../src/korean_words.rs"]
mod korean_words;
mod remote_commands;
mod running_server;
mod unknown_ids;
