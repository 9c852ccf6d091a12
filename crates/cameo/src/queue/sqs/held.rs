//! Messages that this process holds: their bodies, since SQS wants the body again to set a message aside, and which
//! receipts a later receive has put out of force, since SQS may take those or not.

use std::collections::{HashMap, HashSet, VecDeque};

/// Messages remembered, at most; the oldest are forgotten first. Many more than a process holds at once.
const HELD_MAX: usize = 1000;

/// What is remembered of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) receive_count: u32,
}

/// Messages by their receipts.
#[derive(Debug, Default)]
pub(super) struct HeldMessages {
    by_receipt: HashMap<String, Held>,
    stale: HashSet<String>,
    order: VecDeque<String>,
}

impl HeldMessages {
    pub(super) fn put(&mut self, receipt: String, held: Held) {
        self.stale.extend(self.by_receipt.extract_if(|_, older| older.id == held.id).map(|(receipt, _)| receipt));
        self.order.push_back(receipt.clone());
        self.by_receipt.insert(receipt, held);
        while self.order.len() > HELD_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_receipt.remove(&oldest);
            self.stale.remove(&oldest);
        }
    }

    /// Whether the message was received again under another receipt.
    pub(super) fn is_stale(&self, receipt: &str) -> bool {
        self.stale.contains(receipt)
    }

    pub(super) fn get(&self, receipt: &str) -> Option<Held> {
        self.by_receipt.get(receipt).cloned()
    }

    pub(super) fn forget(&mut self, receipts: &[String]) {
        for receipt in receipts {
            self.by_receipt.remove(receipt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(id: &str) -> Held {
        Held { id: id.to_owned(), body: String::new(), receive_count: 1 }
    }

    #[test]
    fn a_later_receive_puts_a_receipt_out_of_force() {
        let mut messages = HeldMessages::default();
        messages.put("first".into(), held("1"));
        messages.put("other".into(), held("2"));
        messages.put("second".into(), held("1"));
        assert_eq!(["first", "other", "second"].map(|receipt| messages.is_stale(receipt)), [true, false, false]);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut messages = HeldMessages::default();
        for at in 0..=HELD_MAX {
            messages.put(at.to_string(), held(&at.to_string()));
        }
        assert_eq!((messages.get("0"), messages.by_receipt.len()), (None, HELD_MAX));
    }
}
