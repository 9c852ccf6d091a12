//! Which conditions a store keeps, found out by trying: what it documents, and what it does, are two things.
//!
//! S3 keeps them on writes and on copies; much of what speaks like it, on writes alone, and takes a copy whatever its condition says.
//! An alias that is copied there could overwrite a newer one, so it is written instead.

use bytes::Bytes;
use http::Method;
use rand::Rng;

use super::{S3Store, client::Request};
use crate::{
    model::error::{Kind, Result},
    store::{Attributes, Condition, Copied, Store, Written},
};

/// What the keys start with that the probe writes to.
const PROBE_PREFIX: &str = "cameo-probe/conditional-writes-";

/// Which conditions a store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptConditions {
    /// `If-None-Match` and `If-Match` of a write.
    pub writes: bool,
    /// The same of a copy within the store, for the key that is written.
    pub copies: bool,
}

/// What is assumed of a store that nobody asked: it must have conditional writes; of copies too little is known.
impl Default for KeptConditions {
    fn default() -> Self {
        Self { writes: true, copies: false }
    }
}

impl S3Store {
    /// Finds out which conditions the store keeps, and goes by it from then on: writes to a key that no other process writes to, where
    /// what follows must fail.
    pub async fn learn_conditions(&mut self, bucket: &str) -> Result<KeptConditions> {
        let none = Attributes::default();
        let key = format!("{PROBE_PREFIX}{:016x}", rand::rng().random::<u64>());
        let put = |condition| self.put(bucket, &key, Bytes::new(), &none, condition);
        put(Condition::Always).await?;
        let other = || Condition::Matches("0".repeat(32));
        let copy = |condition| self.copy_within(bucket, &key, &key, &none, condition);
        let (absent, matches) = (put(Condition::Absent).await, put(other()).await);
        let (copy_absent, copy_matches) = (copy(Condition::Absent).await, copy(other()).await);
        self.client.send(&Request::new(Method::DELETE, bucket, &key)).await?;
        let writes = match (absent, matches) {
            (Ok(absent), Ok(matches)) => [absent, matches] == [Written::ConditionFailed, Written::ConditionFailed],
            // Some stores answer that they do not know the header.
            (Err(error), _) | (_, Err(error)) if error.kind() == Kind::Misconfigured => false,
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        // Whatever else a copy is answered, it is not needed.
        let is_kept = |copied: &Result<Copied>| matches!(copied, Ok(Copied::ConditionFailed));
        let copies = writes && is_kept(&copy_absent) && is_kept(&copy_matches);
        self.conditions = KeptConditions { writes, copies };
        Ok(self.conditions)
    }
}
