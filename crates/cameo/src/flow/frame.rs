//! The frame header of a rendition, as whoever fetches one looks at it. The host of the engine looks at it too, so it is read there.

pub use crate::render::frame::frame_size;
