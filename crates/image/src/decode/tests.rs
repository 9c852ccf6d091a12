//! The decoder against the corpus and the photos of the shared folder, and its paths against each other.

mod corpus;
