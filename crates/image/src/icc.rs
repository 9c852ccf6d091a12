//! Reassembly of an ICC profile from the APP2 segments it was cut into (ICC.1:2010, annex B.4).
//!
//! All or nothing: a chunk missing, doubled or of another count means there is no profile. What the profile says is
//! not looked at here.

/// What an APP2 segment that carries a part of a profile begins with.
const SIGNATURE: &[u8] = b"ICC_PROFILE\0";

/// The parts seen so far.
#[derive(Debug, Default)]
pub(crate) struct IccChunks<'a> {
    chunks: Vec<Chunk<'a>>,
}

#[derive(Debug)]
struct Chunk<'a> {
    sequence: u8,
    count: u8,
    data: &'a [u8],
}

impl<'a> IccChunks<'a> {
    /// Takes an APP2 segment; one that carries no part of a profile is passed over.
    pub(crate) fn add_app2(&mut self, payload: &'a [u8]) {
        if let Some([sequence, count, data @ ..]) = payload.strip_prefix(SIGNATURE) {
            self.chunks.push(Chunk { sequence: *sequence, count: *count, data });
        }
    }

    /// The profile, if every part is there exactly once.
    pub(crate) fn reassemble(&self) -> Option<Vec<u8>> {
        let count = self.chunks.first()?.count;
        if self.chunks.len() != usize::from(count) || self.chunks.iter().any(|chunk| chunk.count != count) {
            return None;
        }
        let mut profile = Vec::with_capacity(self.chunks.iter().map(|chunk| chunk.data.len()).sum());
        for sequence in 1..=count {
            profile.extend_from_slice(self.chunks.iter().find(|chunk| chunk.sequence == sequence)?.data);
        }
        (!profile.is_empty()).then_some(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reassemble(parts: &[(u8, u8, &[u8])]) -> Option<Vec<u8>> {
        let payloads: Vec<Vec<u8>> =
            parts.iter().map(|(seq, count, data)| [SIGNATURE, &[*seq, *count], data].concat()).collect();
        let mut chunks = IccChunks::default();
        for payload in &payloads {
            chunks.add_app2(payload);
        }
        chunks.reassemble()
    }

    #[test]
    fn joins_the_parts_in_the_order_of_their_numbers() {
        assert_eq!(reassemble(&[(2, 2, b"world"), (1, 2, b"hello ")]), Some(b"hello world".to_vec()));
    }

    #[test]
    fn gives_none_unless_every_part_is_there_once() {
        assert_eq!(reassemble(&[]), None);
        assert_eq!(reassemble(&[(1, 2, b"a")]), None);
        assert_eq!(reassemble(&[(1, 2, b"a"), (1, 2, b"b")]), None);
        assert_eq!(reassemble(&[(0, 1, b"a")]), None);
        assert_eq!(reassemble(&[(1, 2, b"a"), (2, 3, b"b")]), None);
        assert_eq!(reassemble(&[(1, 1, b"")]), None);
        assert_eq!(reassemble(&[(1, 0, b"a")]), None);
    }

    #[test]
    fn passes_over_other_segments() {
        let mut chunks = IccChunks::default();
        chunks.add_app2(b"MPF\0II*\0");
        chunks.add_app2(b"ICC_PROFILE\0");
        assert_eq!(chunks.reassemble(), None);
    }
}
