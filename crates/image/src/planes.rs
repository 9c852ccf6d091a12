//! One plane of samples.

/// One component of a picture, 8 bits a sample.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    pub(crate) data: Vec<u8>,
    pub(crate) stride: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Size of the picture in samples of this plane; fractional where an odd side was halved.
    pub(crate) extent: (f64, f64),
}
