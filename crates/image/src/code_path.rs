//! Which of the compiled code paths runs: AVX-512, AVX2, NEON or portable.
//!
//! The choice changes speed and nothing else: every path gives the same bytes. It is made once per process.

use std::sync::OnceLock;

/// A set of instructions that the engine has code for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePath {
    /// AVX-512 F, BW, DQ, VL, VBMI, VBMI2 and VNNI, and all of [`CodePath::Avx2`].
    Avx512,
    /// AVX2, BMI1, BMI2, LZCNT, MOVBE and POPCNT (x86-64-v3).
    Avx2,
    /// NEON, which every 64-bit ARM processor has.
    Neon,
    /// What needs no look at the processor: SSE2 on x86-64, Rust alone elsewhere, on arm64 too.
    Portable,
}

impl CodePath {
    /// The fastest path that this machine can run.
    pub fn detect() -> Self {
        static FOUND: OnceLock<CodePath> = OnceLock::new();
        *FOUND.get_or_init(|| Self::available()[0])
    }

    /// Every path that this machine can run, the fastest first.
    pub fn available() -> Vec<Self> {
        [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable].into_iter().filter(|path| path.runs_here()).collect()
    }

    /// The name in reports: `avx512`, `avx2`, `neon` or `portable`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    fn runs_here(self) -> bool {
        match self {
            Self::Avx512 => has_avx512(),
            Self::Avx2 => has_avx2(),
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Portable => true,
        }
    }
}

/// A code path that was found to run on this machine: what code with `unsafe` calls into it relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runnable(CodePath);

impl Runnable {
    /// The path asked for, or the portable one where the machine cannot run it.
    pub(crate) fn new(path: CodePath) -> Self {
        Self(if path.runs_here() { path } else { CodePath::Portable })
    }

    /// The path.
    pub(crate) fn path(self) -> CodePath {
        self.0
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe")
        && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512vnni")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_path_is_always_there_and_comes_last() {
        assert_eq!(CodePath::available().last(), Some(&CodePath::Portable));
        assert!(CodePath::available().contains(&CodePath::detect()));
    }
}
