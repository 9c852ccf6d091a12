//! The command as a person meets it: what it prints, and how it ends. Each test runs the built `cameo`.

mod check;
mod commands;
mod data_folder;
mod doctor;
mod help;
mod korean;
mod remote_commands;
mod running_server;
