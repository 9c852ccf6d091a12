//! What keeps a delivery from being complete, and with that the exit code of every command about it: one rule for all of them.
//!
//! A part of a delivery is in flight, differs, or was rejected or left out; what is live or settled is none of these. In flight comes
//! first, since trying again may show more. A rejected upload over a photo that is served on is a rejection and takes nothing away. What
//! was promised and never came differs, and so does what came without being promised: nobody rejected it.

use super::item::{Item, reason_of};
use crate::{model::reason::ReasonCode, proof::verify::EntityState};

/// What something that a report says under this code keeps a delivery from; none where it keeps it from nothing.
pub fn of_code(code: &str, last_good_served: bool) -> Option<EntityState> {
    use ReasonCode::{
        ListMissing, ListUnexpected, UploadDismissed, UploadFailed, UploadMissing, UploadMoved, UploadPending,
        UploadRemoved, UploadReplaced, UploadUnpublished,
    };
    Some(match code.parse::<ReasonCode>() {
        Ok(UploadPending | UploadFailed) => EntityState::Pending,
        Ok(UploadReplaced) if last_good_served => EntityState::Rejected,
        Ok(UploadMissing | UploadReplaced | UploadRemoved | ListMissing | ListUnexpected) => EntityState::Different,
        Ok(UploadDismissed | UploadMoved | UploadUnpublished) => return None,
        // A newer version may have more codes: each of them says that somebody must act.
        Ok(_) | Err(_) => EntityState::Rejected,
    })
}

/// What a file keeps its delivery from.
pub fn of_item(item: &Item) -> Option<EntityState> {
    of_code(reason_of(item)?.code(), item.last_good_served).filter(|_| !item.is_superseded())
}

/// What they come to together.
pub fn together(states: impl IntoIterator<Item = EntityState>) -> EntityState {
    let weight = |state: &EntityState| match state {
        EntityState::Complete => 0,
        EntityState::Rejected => 1,
        EntityState::Different => 2,
        EntityState::Pending => 3,
    };
    states.into_iter().max_by_key(weight).unwrap_or(EntityState::Complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_flight_comes_before_what_differs_and_that_before_what_is_rejected() {
        use EntityState::{Complete, Different, Pending, Rejected};
        for (states, state) in [
            (&[][..], Complete),
            (&[Complete, Rejected], Rejected),
            (&[Different, Rejected], Different),
            (&[Different, Pending, Rejected], Pending),
        ] {
            assert_eq!(together(states.iter().copied()), state, "{states:?}");
        }
    }

    #[test]
    fn only_what_is_rejected_or_left_out_is_a_rejection() {
        for reason in ReasonCode::ALL {
            let state = of_code(reason.code(), false);
            let expected = match reason.code() {
                "upload.pending" | "upload.failed" => Some(EntityState::Pending),
                "upload.missing" | "upload.replaced" | "upload.removed" | "list.missing" | "list.unexpected" => {
                    Some(EntityState::Different)
                }
                "upload.dismissed" | "upload.moved" | "upload.unpublished" => None,
                _ => Some(EntityState::Rejected),
            };
            assert_eq!(state, expected, "{reason}");
        }
        assert_eq!(of_code("upload.replaced", true), Some(EntityState::Rejected));
        assert_eq!(of_code("file.haunted", false), Some(EntityState::Rejected));
    }
}
