//! Bringing back what the embedded store has in quarantine: a copy to the key that it had, after which the row there goes.

use super::{Embedded, condition::ReadConditions, copy::Copy, kept::hidden, object::Description, refusal::Refusal};
use crate::{
    model::error::Result,
    store::{
        Condition, Written,
        quarantine::{KeptId, without_note},
    },
};

impl Embedded {
    /// Gives a row of the quarantine its key back, with content of its own where that is the rule of the bucket.
    pub(super) async fn bring_row_back(
        &self,
        bucket: &str,
        id: &KeptId,
        condition: Condition,
    ) -> Result<Option<Written>> {
        let (place, name) = (hidden(bucket), id.to_string());
        let Some(row) = self.find(&place, &name)? else { return Ok(None) };
        let description =
            Description { metadata: without_note(row.description.metadata.clone()), ..row.description.clone() };
        let copy = Copy {
            from: (place, name.clone()),
            source_conditions: ReadConditions::default(),
            to: (bucket.to_owned(), id.key.clone()),
            description: Some(description),
            conditions: condition.into(),
        };
        match self.copy_object(copy).await {
            Ok(object) => {
                self.drop_kept(bucket, vec![name], self.now()).await?;
                Ok(Some(Written::Done(object.info())))
            }
            Err(Refusal::ConditionFailed) => Ok(Some(Written::ConditionFailed)),
            Err(Refusal::NoSuchKey) => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }
}
