//! Who a child is: nobody, without rights, and alone.
//!
//! Landlock and the system call filter bar every way out already. Should one of them have a hole, what is behind it is a user whom nothing
//! belongs to, in a network without interfaces.

use nix::sched::{CloneFlags, unshare};
use rustix::{
    process::{geteuid, getuid},
    thread::{
        CapabilitySet, CapabilitySets, Gid, Uid, capabilities, set_capabilities, set_thread_groups, set_thread_res_gid,
        set_thread_res_uid,
    },
};

/// `nobody` and `nogroup`, the ids that the kernel shows for those it cannot name.
const NOBODY: u32 = 65534;

/// Namespaces that hold nothing: no network, no mounts, queues or names of others.
const ALONE: CloneFlags = CloneFlags::CLONE_NEWNET
    .union(CloneFlags::CLONE_NEWNS)
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWUTS);

/// Moves this process, which has one thread, into namespaces of its own. Whoever is not root needs a user namespace for that.
pub(super) fn be_alone() -> Result<(), String> {
    let flags = if geteuid().is_root() { ALONE } else { ALONE | CloneFlags::CLONE_NEWUSER };
    unshare(flags).map_err(|error| format!("the system does not allow namespaces: {error}"))
}

/// Gives up uid 0 and every capability. Clears the signal that ends this process with its host.
pub(super) fn be_nobody() -> Result<(), String> {
    if geteuid().is_root() || getuid().is_root() {
        leave_root().map_err(|error| format!("root cannot become somebody else: {error}"))?;
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .and_then(|()| capabilities(None))
        .map_err(|error| error.to_string())
        .and_then(
            |left| if left.permitted.is_empty() { Ok(()) } else { Err(format!("capabilities are left: {left:?}")) },
        )
}

fn leave_root() -> rustix::io::Result<()> {
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    set_thread_groups(&[])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)
}
