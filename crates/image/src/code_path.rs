//! Which instructions the engine uses.

/// A set of instructions that the engine has code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodePath {
    /// AVX-512 with VBMI and VNNI.
    Avx512,
    /// AVX2.
    Avx2,
    /// What every processor has.
    Portable,
}

impl CodePath {
    /// The fastest that this machine has.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// All that this machine has, the fastest first.
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            let avx2 = has!("avx2");
            let avx512 = avx2 && has!("avx512f") && has!("avx512bw") && has!("avx512vbmi") && has!("avx512vnni");
            let all = [(Self::Avx512, avx512), (Self::Avx2, avx2), (Self::Portable, true)];
            all.into_iter().filter(|path| path.1).map(|path| path.0).collect()
        }
        #[cfg(not(target_arch = "x86_64"))]
        vec![Self::Portable]
    }
}
