//! The command as a person meets it: what it prints, and how it ends.
