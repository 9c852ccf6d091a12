//! How a child gives up everything that rendering does not need, before it looks at an original.
//!
//! What the operating system lacks is left out and reported; only a limit that it has and refuses to set is an error here, or a host that is gone.

use std::{fs::File, io};

use rustix::process::{Resource, Rlimit, getppid, setrlimit};

use super::super::{Protection, wire::Setup};

/// What a stack may grow to, and what the allocator maps beside what it was asked for.
const MARGIN_BYTES: u64 = 32 << 20;

/// Limits this process for good.
pub(super) fn enter(setup: &Setup, socket: &File, renditions: &File) -> io::Result<Vec<Protection>> {
    let mut protections = Vec::new();
    yield_memory_first();
    let mapped_bytes = mapped_bytes();
    std::env::set_current_dir("/")?;
    protections.push(Protection::of("namespaces of its own", alone()));
    protections.push(Protection::of("no rights (user and capabilities)", nobody()));
    // Another user's process does not get the signal that its host asked for, so it is asked for afterwards.
    protections.push(Protection::of("end with the host", end_with_host(setup.host)?));
    protections.push(Protection::of("no new privileges", no_new_privileges()));
    protections.push(Protection::of("no file system (landlock)", file_system()));
    resources(setup.memory_bytes)?;
    protections.push(Protection::of("memory limit (RLIMIT_DATA)", memory_is_counted()));
    protections
        .push(Protection::of("bound on all memory (RLIMIT_AS)", bound_all_memory(mapped_bytes, setup.memory_bytes)));
    protections.push(Protection::of("system call filter (seccomp)", system_calls(socket, renditions)));
    Ok(protections)
}

/// Bytes that are mapped already: the program, its libraries, and the memory that originals come in.
#[cfg(target_os = "linux")]
fn mapped_bytes() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_ascii_whitespace().next()?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(not(target_os = "linux"))]
fn mapped_bytes() -> Option<u64> {
    None
}

/// Bounds everything that this process can ever map, of whatever kind: what it has now, what it may take, and a margin for its stack.
fn bound_all_memory(mapped_bytes: Option<u64>, memory_bytes: u64) -> Result<(), String> {
    let mapped_bytes = mapped_bytes.ok_or("what is mapped now is not known on this operating system")?;
    let limit = mapped_bytes.saturating_add(memory_bytes).saturating_add(MARGIN_BYTES);
    setrlimit(Resource::As, Rlimit { current: Some(limit), maximum: Some(limit) }).map_err(|error| error.to_string())
}

/// Ends this process when the host ends, even amid an original.
#[cfg(target_os = "linux")]
fn end_with_host(host: i32) -> io::Result<Result<(), String>> {
    let result = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    // It may have ended before the signal was asked for.
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != host) {
        return Err(io::Error::other("the host is gone"));
    }
    Ok(result.map_err(|error| error.to_string()))
}

#[cfg(not(target_os = "linux"))]
fn end_with_host(host: i32) -> io::Result<Result<(), String>> {
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != host) {
        return Err(io::Error::other("the host is gone"));
    }
    Ok(Err("not amid an original on this operating system".to_owned()))
}

/// Where the machine runs out of memory, this process goes before the host. A wish: nothing depends on it.
fn yield_memory_first() {
    if cfg!(target_os = "linux") {
        drop(std::fs::write("/proc/self/oom_score_adj", "500"));
    }
}

#[cfg(target_os = "linux")]
fn alone() -> Result<(), String> {
    super::identity::be_alone()
}

#[cfg(not(target_os = "linux"))]
fn alone() -> Result<(), &'static str> {
    Err("not on this operating system")
}

#[cfg(target_os = "linux")]
fn nobody() -> Result<(), String> {
    super::identity::be_nobody()
}

/// Elsewhere there are no capabilities, but uid 0 is as mighty.
#[cfg(not(target_os = "linux"))]
fn nobody() -> Result<(), &'static str> {
    if rustix::process::geteuid().is_root() { Err("it runs as root on this operating system") } else { Ok(()) }
}

#[cfg(target_os = "linux")]
fn no_new_privileges() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

#[cfg(not(target_os = "linux"))]
fn no_new_privileges() -> Result<(), &'static str> {
    Err("not on this operating system")
}

/// No opening, no processes, no core dumps, and no more memory than allowed.
fn resources(memory_bytes: u64) -> io::Result<()> {
    let at_most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    let limits = [
        (Resource::Core, 0),
        (Resource::Nofile, 0),
        (Resource::Nproc, 0),
        (Resource::Memlock, 0),
        (Resource::Fsize, memory_bytes),
        (Resource::Data, memory_bytes),
    ];
    for (resource, limit) in limits {
        setrlimit(resource, at_most(limit))?;
    }
    Ok(())
}

/// `RLIMIT_DATA` counts private memory that can be written, heap and mappings, since Linux 4.7.
fn memory_is_counted() -> Result<(), &'static str> {
    if cfg!(target_os = "linux") { Ok(()) } else { Err("not counted on this operating system") }
}

#[cfg(target_os = "linux")]
fn file_system() -> Result<(), String> {
    use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
    // What this version knows is asked for; an older kernel gives what it has, and says so.
    let newest = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(newest)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(newest)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(|error| error.to_string())?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => Err("in part: an older kernel".to_owned()),
        RulesetStatus::NotEnforced => Err("the kernel has none, or it is turned off".to_owned()),
    }
}

#[cfg(not(target_os = "linux"))]
fn file_system() -> Result<(), &'static str> {
    Err("not on this operating system")
}

#[cfg(target_os = "linux")]
fn system_calls(socket: &File, renditions: &File) -> Result<(), String> {
    super::filter::apply(socket, renditions)
}

#[cfg(not(target_os = "linux"))]
fn system_calls(_: &File, _: &File) -> Result<(), &'static str> {
    Err("not on this operating system")
}
