//! What `verify`, `status`, `retry`, `dismiss`, `restore`, `move` and `reconcile` do, for whoever asks: a command beside the system, or a request of the API.
//!
//! Each is a function over a [`System`] that writes what it finds to an [`Output`] and returns how things are. Here nothing is printed,
//! served or parsed: a command prints what it is given, and a server sends it, so that both show the same.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::{
    ledger::Scope,
    model::{
        key::{DeliveryName, Vertical},
        lang::Lang,
        token::Verticals,
    },
    proof::{
        deliveries::state,
        verify::{EntityState, Places, Progress},
    },
    worker::window::Window,
};

pub mod absent;
pub mod act;
pub mod delivery;
pub mod delivery_status;
pub mod dismiss;
pub mod letters;
pub mod reconcile;
pub mod relocate;
pub mod report;
pub mod restore;
pub mod retry;
pub mod status;
pub mod verify;
mod verify_text;

/// The system that is looked at, and how it is changed.
#[derive(Debug, Clone, Copy)]
pub struct System<'s> {
    /// Store, catalog, queues, the public side, names and time.
    pub places: Places<'s>,
    /// When registering runs; at once where there is none.
    pub window: Option<&'s Window>,
    /// The zone of the dates of deliveries.
    pub zone: &'s TimeZone,
    /// The verticals that whoever asks may see: nothing of any other is shown. A scope has to be within them; for `status` everything is
    /// all of them.
    pub verticals: &'s Verticals,
    /// How it is changed.
    pub act: &'s dyn act::Act,
}

impl<'s> System<'s> {
    /// The places as deliveries take them.
    fn deliveries(&self) -> state::Places<'s> {
        let Places { store, catalog, queues, settings, .. } = self.places;
        state::Places { store, upload_bucket: &settings.upload_bucket, catalog, queues }
    }
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Entities.
    Scope(Scope),
    /// A delivery.
    Delivery(DeliveryName),
}

impl Subject {
    /// A delivery, of this vertical where one is named beside it; none where the two contradict.
    pub fn delivery(name: DeliveryName, beside: Option<&Vertical>) -> Option<Self> {
        let named = match name {
            DeliveryName::Recorded { vertical: None, id } => DeliveryName::Recorded { vertical: beside.cloned(), id },
            named => named,
        };
        let own = match &named {
            DeliveryName::Recorded { vertical, .. } => vertical.as_ref(),
            DeliveryName::Day { vertical, .. } => Some(vertical),
        };
        let agrees = beside.is_none_or(|beside| own == Some(beside));
        agrees.then_some(Self::Delivery(named))
    }
}

/// Takes what is found, in its order.
pub trait Output: Send {
    /// The language of its lines and notes.
    fn lang(&self) -> Lang;
    /// A part of the answer: an object for scripts, and lines for people. Either may be nothing.
    fn item<J: Serialize + ?Sized>(&mut self, json: Option<&J>, text: impl FnOnce() -> Vec<String>);
    /// A word about the answer.
    fn note(&mut self, text: &str);
    /// How far it is.
    fn progress(&mut self, progress: Progress);
    /// A moment to pass on what was written, after each chunk of it: nothing more is looked at until it is over.
    fn ready(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// An item for people alone.
pub(crate) const NO_JSON: Option<&()> = None;

/// The exit code of a command that ends so.
pub const fn exit_code(state: EntityState) -> u8 {
    match state {
        EntityState::Complete => 0,
        EntityState::Rejected => 4,
        EntityState::Pending => 5,
        EntityState::Different => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vertical_beside_a_delivery_names_it_or_contradicts() {
        let (eye, nose): (Vertical, Vertical) = ("eye".parse().unwrap(), "nose".parse().unwrap());
        let of = |name: &str, beside: Option<&Vertical>| match Subject::delivery(name.parse().unwrap(), beside) {
            Some(Subject::Delivery(name)) => Some(name.to_string()),
            _ => None,
        };
        assert_eq!(of("20261126-k3f9", Some(&eye)).unwrap(), "eye/20261126-k3f9");
        assert_eq!(of("20261126-k3f9", None).unwrap(), "20261126-k3f9");
        assert_eq!(of("eye/20261126-k3f9", Some(&eye)).unwrap(), "eye/20261126-k3f9");
        assert_eq!(of("20261126-day-eye", None).unwrap(), "20261126-day-eye");
        assert_eq!(of("eye/20261126-k3f9", Some(&nose)), None);
        assert_eq!(of("20261126-day-eye", Some(&nose)), None);
    }
}
