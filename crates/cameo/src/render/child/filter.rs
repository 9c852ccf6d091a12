//! The system calls that a render child may still make once it is set up; any other ends it at once (`SIGSYS`).
//!
//! Arguments count too: it reads from its socket alone, writes to its socket, its renditions and its standard error alone, maps only private memory
//! that is neither a file nor executable, and can signal no process but itself. Nothing here opens, connects, starts or waits for anything.

use std::{collections::BTreeMap, fs::File, os::fd::AsRawFd};

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule,
};

const STANDARD_ERROR: i32 = 2;

/// Without conditions: memory that is there, the end of the process, signals' own affairs, clocks and chance.
const HARMLESS: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Puts the filter on every thread of this process.
pub(super) fn apply(socket: &File, renditions: &File) -> Result<(), String> {
    let program = program(socket.as_raw_fd(), renditions.as_raw_fd()).map_err(|error| error.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())
}

fn program(socket: i32, renditions: i32) -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<_, Vec<SeccompRule>> = HARMLESS.iter().map(|&call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_read, vec![on_file(socket)?]);
    rules.insert(libc::SYS_write, vec![on_file(socket)?, on_file(STANDARD_ERROR)?]);
    rules.insert(libc::SYS_pwrite64, vec![on_file(renditions)?]);
    let not_executable = without(2, libc::PROT_EXEC)?;
    // Shared memory is not counted as this process's own (RLIMIT_DATA): at a limit of 256 MiB, 3 GiB were taken that way.
    let kind = libc::MAP_ANONYMOUS | libc::MAP_TYPE;
    let private = masked(3, kind, libc::MAP_ANONYMOUS | libc::MAP_PRIVATE)?;
    rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_executable.clone(), private])?]);
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![not_executable])?]);
    rules.insert(libc::SYS_tgkill, vec![only_itself()?]);
    let architecture = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)?.try_into()
}

fn on_file(file: i32) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![equal(0, file)?])
}

/// How `abort` ends a process.
fn only_itself() -> Result<SeccompRule, BackendError> {
    SeccompRule::new(vec![equal(0, std::process::id().cast_signed())?, equal(2, libc::SIGABRT)?])
}

fn equal(argument: u8, value: i32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, Len::Dword, Is::Eq, u64::from(value.cast_unsigned()))
}

fn without(argument: u8, flag: i32) -> Result<SeccompCondition, BackendError> {
    masked(argument, flag, 0)
}

fn masked(argument: u8, mask: i32, value: i32) -> Result<SeccompCondition, BackendError> {
    let is = Is::MaskedEq(u64::from(mask.cast_unsigned()));
    SeccompCondition::new(argument, Len::Dword, is, u64::from(value.cast_unsigned()))
}
