//! What a check found, and the last line of the report.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// Findings that are told in words; more are only counted.
const TOLD_MAX: usize = 40;

/// A kind of broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// An acknowledged change is not final, or older content stands in the place of newer.
    Lost,
    /// Something is registered twice.
    Twice,
    /// A row without its object, or an object without its file.
    Dangling,
    /// A file or a rendition that nothing refers to.
    Orphan,
    /// A server that ended by itself, or did not heal.
    Stopped,
}

/// What was found: each finding once, however often it was seen.
#[derive(Debug, Default)]
pub struct Findings {
    found: BTreeMap<(Broken, String), String>,
}

impl Findings {
    /// Notes that `subject` breaks a promise.
    pub fn add(&mut self, broken: Broken, subject: impl Into<String>, what: impl fmt::Display) {
        self.found.entry((broken, subject.into())).or_insert_with(|| what.to_string());
    }

    /// Adds the findings of another check.
    pub fn extend(&mut self, other: Self) {
        for (key, what) in other.found {
            self.found.entry(key).or_insert(what);
        }
    }

    /// How many of a kind there are.
    pub fn count(&self, broken: Broken) -> u64 {
        self.found.keys().filter(|(kind, _)| *kind == broken).count() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The findings in words.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let line = |((broken, subject), what): (&(Broken, String), &String)| format!("{broken:?}: {subject}: {what}");
        self.found.iter().take(TOLD_MAX).map(line)
    }
}

/// The last line of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How often the server was killed.
    pub kills: u64,
    /// How often a place refused.
    pub refusals: u64,
    /// Uploads that were acknowledged.
    pub acknowledged: u64,
    /// Originals that stand rejected in the end.
    pub rejected: u64,
    /// Acknowledged changes that are not final, or older content in the place of newer.
    pub lost: u64,
    /// What is registered twice.
    pub twice: u64,
    /// Rows without objects, objects without files.
    pub dangling: u64,
    /// Files and renditions that nothing refers to.
    pub orphans: u64,
    /// Dead letters of photos that were made impossible; every other one counts as lost.
    pub dead_letters: u64,
    /// Servers that ended by themselves, or did not heal.
    pub stops: u64,
    /// The seed.
    pub seed: u64,
}

impl Summary {
    /// Sums up.
    pub fn new(kills: u64, acknowledged: u64, rejected: u64, findings: &Findings, seed: u64) -> Self {
        Self {
            kills,
            acknowledged,
            rejected,
            lost: findings.count(Broken::Lost),
            twice: findings.count(Broken::Twice),
            dangling: findings.count(Broken::Dangling),
            orphans: findings.count(Broken::Orphan),
            refusals: 0,
            dead_letters: 0,
            stops: findings.count(Broken::Stopped),
            seed,
        }
    }

    /// The figures of two runs, the second with a seed that follows from the first's.
    #[must_use]
    pub fn and(&self, next: &Self) -> Self {
        Self {
            kills: self.kills + next.kills,
            acknowledged: self.acknowledged + next.acknowledged,
            rejected: self.rejected + next.rejected,
            lost: self.lost + next.lost,
            twice: self.twice + next.twice,
            dangling: self.dangling + next.dangling,
            orphans: self.orphans + next.orphans,
            refusals: self.refusals + next.refusals,
            dead_letters: self.dead_letters + next.dead_letters,
            stops: self.stops + next.stops,
            seed: self.seed,
        }
    }

    /// Whether every promise was kept, and there was one.
    pub fn holds(&self) -> bool {
        self.lost + self.twice + self.dangling + self.orphans + self.stops == 0 && self.acknowledged > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, refusals, acknowledged, rejected, lost, twice, dangling, orphans, dead_letters, stops, seed } =
            self;
        write!(f, "{kills} kills, {refusals} refusals (seed {seed}): {acknowledged} uploads acknowledged, ")?;
        write!(f, "{rejected} originals rejected, {dead_letters} impossible ones dead letters; ")?;
        write!(f, "{lost} lost, {twice} twice, {dangling} dangling, {orphans} orphans, {stops} stops")
    }
}
