//! Points at which a crash test ends the process, and bugs that it plants to prove itself.
//!
//! Without the feature `failpoints` every function here is empty and costs nothing; no build that is given to people has
//! the feature. With it `CAMEO_FAILPOINT=name=n` aborts the process when the point is reached for the n-th time, and
//! `CAMEO_PLANTED_BUG=name` breaks one promise. Neither may ever be set by anything but a test.

macro_rules! names {
    ($(#[$doc:meta])* $enum:ident { $($(#[$case_doc:meta])* $case:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $enum { $($(#[$case_doc])* $case,)* }

        impl $enum {
            /// All of them, in the order of the flow.
            pub const ALL: &'static [Self] = &[$(Self::$case),*];

            /// The name in the environment.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$case => $name,)* }
            }

            /// The one of this name.
            pub fn of_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

names! {
    /// A step of the flow.
    Point {
        /// A start emptied `tmp/`.
        TempEmptied = "temp-emptied",
        /// A start moved content aside that no row knows.
        UnknownRemoved = "unknown-removed",
        /// Content stands in `tmp/`, unsynced.
        ContentWritten = "content-written",
        /// Content stands in `tmp/`, synced.
        FileSynced = "file-synced",
        /// Content stands in its place, and its folder is not synced.
        FileRenamed = "file-renamed",
        /// Content stands in its place durably, and no row names it.
        FolderSynced = "folder-synced",
        /// The jobs of a transaction ran.
        BeforeCommit = "before-commit",
        /// A transaction is durable, and nobody was told.
        AfterCommit = "after-commit",
        /// An object's row is committed, and its client not answered.
        ObjectCommitted = "object-committed",
        /// A copy is committed.
        CopyCommitted = "copy-committed",
        /// A deletion is committed, and its client not answered.
        DeleteCommitted = "delete-committed",
        /// A part of a multipart upload is committed.
        PartCommitted = "part-committed",
        /// A multipart upload is an object, and its parts still stand.
        UploadCompleted = "upload-completed",
        /// Events were received.
        EventsReceived = "events-received",
        /// The original was read.
        OriginalRead = "original-read",
        /// The renditions are in memory.
        Rendered = "rendered",
        /// One rendition is published.
        RenditionPublished = "rendition-published",
        /// The outcome is about to be sent.
        BeforeSend = "before-send",
        /// The outcome was sent, and its event still stands.
        OutcomeSent = "outcome-sent",
        /// Outcomes are about to be registered.
        BeforeRegister = "before-register",
        /// Outcomes are registered, and nothing followed from it yet.
        Registered = "registered",
        /// A rendition without a row is about to be taken down.
        BeforeTakeDown = "before-take-down",
        /// A rendition without a row was taken down.
        TakenDown = "taken-down",
        /// Aliases are about to be written.
        BeforeAlias = "before-alias",
        /// One alias was written or removed.
        AliasWritten = "alias-written",
        /// A handled message is about to be deleted.
        BeforeMessageDelete = "before-message-delete",
        /// A handled message was deleted.
        MessageDeleted = "message-deleted",
        /// Old content was chosen for removal.
        SweepChosen = "sweep-chosen",
        /// Old content was removed, and the note of it still stands.
        SweepRemoved = "sweep-removed",
    }
}

names! {
    /// A bug that a crash test must catch.
    Bug {
        /// Content is not synced.
        NoFsync = "no-fsync",
        /// The database does not sync its log at every commit.
        SynchronousNormal = "synchronous-normal",
        /// An upload is answered while its row is not committed.
        AcknowledgeBeforeCommit = "acknowledge-before-commit",
        /// A message is deleted before its rows are committed.
        DeleteMessageBeforeCommit = "delete-message-before-commit",
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    };

    use super::{Bug, Point};

    #[derive(Debug, Default)]
    struct Armed {
        point: Option<(Point, u32)>,
        seen: AtomicU32,
        bug: Option<Bug>,
    }

    static ARMED: OnceLock<Armed> = OnceLock::new();

    /// Arms a point (`name=n`) and a bug (`name`), for the life of the process; tells of what there is none.
    pub(crate) fn arm(point: Option<&str>, bug: Option<&str>) -> Result<(), String> {
        let unknown = |value: &str| format!("arm {value:?}: there is no such point, count or bug");
        let parse = |value: &str| {
            let (name, count) = value.split_once('=')?;
            Some((Point::of_name(name)?, count.parse().ok()?))
        };
        let point = point.map(|value| parse(value).ok_or_else(|| unknown(value))).transpose()?;
        let bug = bug.map(|value| Bug::of_name(value).ok_or_else(|| unknown(value))).transpose()?;
        // A second server in one process keeps the first one's.
        let _ = ARMED.set(Armed { point, seen: AtomicU32::new(0), bug });
        Ok(())
    }

    pub(crate) fn reached(point: Point) {
        let Some(armed) = ARMED.get() else { return };
        if let Some((at, count)) = armed.point
            && at == point
            && armed.seen.fetch_add(1, Ordering::SeqCst) + 1 == count
        {
            std::process::abort();
        }
    }

    pub(crate) fn planted(bug: Bug) -> bool {
        ARMED.get().is_some_and(|armed| armed.bug == Some(bug))
    }
}

#[cfg(feature = "failpoints")]
pub(crate) use armed::{arm, planted, reached};

/// Ends the process if a test asked for it.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn reached(_: Point) {}

/// Whether a test planted this bug.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn planted(_: Bug) -> bool {
    false
}
