//! What a child has used, measured from outside: nothing that a child does to itself changes it.

use std::time::Duration;

/// Reads the meters of one process. What the operating system does not tell is nothing.
#[derive(Debug)]
pub(super) struct Meter {
    #[cfg(target_os = "linux")]
    process: nix::unistd::Pid,
    #[cfg(target_os = "linux")]
    cpu_clock: Option<nix::time::ClockId>,
}

/// Whether CPU time can be measured here.
pub(super) const MEASURES_CPU: bool = cfg!(target_os = "linux");

#[cfg(target_os = "linux")]
impl Meter {
    /// For a process that was not reaped yet: its id stays its own until then.
    pub(super) fn of(process: &std::process::Child) -> Self {
        let process = nix::unistd::Pid::from_raw(process.id().cast_signed());
        Self { process, cpu_clock: nix::time::clock_getcpuclockid(process).ok() }
    }

    /// CPU time since the start of the process, of all its threads.
    pub(super) fn cpu(&self) -> Option<Duration> {
        nix::time::clock_gettime(self.cpu_clock?).ok().map(Duration::from)
    }

    /// Bytes of private memory in use: neither the original, which is the host's, nor the program.
    pub(super) fn private_memory_bytes(&self) -> Option<u64> {
        let pages = std::fs::read_to_string(format!("/proc/{}/statm", self.process)).ok()?;
        let mut pages = pages.split_ascii_whitespace().skip(1).map_while(|field| field.parse::<u64>().ok());
        let (resident, shared) = (pages.next()?, pages.next()?);
        Some(resident.saturating_sub(shared) * rustix::param::page_size() as u64)
    }
}

#[cfg(not(target_os = "linux"))]
impl Meter {
    /// For a process that was not reaped yet.
    pub(super) fn of(_: &std::process::Child) -> Self {
        Self {}
    }

    /// CPU time since the start of the process.
    pub(super) fn cpu(&self) -> Option<Duration> {
        None
    }

    /// Bytes of private memory in use.
    pub(super) fn private_memory_bytes(&self) -> Option<u64> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_used_something_and_an_ended_one_says_nothing() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let meter = Meter::of(&child);
        assert!(meter.cpu().is_some());
        assert!(meter.private_memory_bytes().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(meter.cpu(), None);
        assert_eq!(meter.private_memory_bytes(), None);
    }
}
