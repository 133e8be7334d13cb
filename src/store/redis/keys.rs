use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    clock::micros,
    token::{GrantId, Subject},
};

use super::records::subject_bytes;

/// Time between the end of a record and the expiry of its key: 1 h. If the clocks of two nodes
/// differ by more, then the server may remove a record that is still live by the clock of one node.
const SLACK: Duration = Duration::from_secs(60 * 60);

/// The names of a shop's keys. All begin with the hash tag `{prefix}:`. A cluster therefore keeps
/// them in one slot, and a script can change several of them at once.
pub(super) struct Keys {
    tag: Vec<u8>,
    everything: Vec<u8>,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let tag = format!("{{{prefix}}}:").into_bytes();
        Self { everything: [&tag[..], b"everything"].concat(), tag }
    }

    /// Returns a key that exists once per shop.
    pub(super) fn word(&self, word: &str) -> Vec<u8> {
        self.key(word.as_bytes(), &[])
    }

    /// Returns the key of the shop's generation.
    pub(super) fn everything(&self) -> &[u8] {
        &self.everything
    }

    /// Returns the key of a grant, or of the bar of its id.
    pub(super) fn token(&self, id: &GrantId) -> Vec<u8> {
        self.key(b"t", id.as_bytes())
    }

    /// Returns the key of a subject's generation.
    pub(super) fn generation(&self, subject: &Subject) -> Vec<u8> {
        self.key(b"g", &subject_bytes(subject))
    }

    /// Returns the key of the index of a subject's grants, ordered by expiry.
    pub(super) fn index(&self, subject: &Subject) -> Vec<u8> {
        self.key(b"s", &subject_bytes(subject))
    }

    /// Returns the key of a document.
    pub(super) fn document(&self, name: &[u8]) -> Vec<u8> {
        self.key(b"d", name)
    }

    /// Returns the key of an index of documents, ordered by rank.
    pub(super) fn index_of_documents(&self, name: &[u8]) -> Vec<u8> {
        self.key(b"i", name)
    }

    /// Returns the common prefix of all keys of a kind.
    pub(super) fn kind(&self, letter: &str) -> Vec<u8> {
        self.word(letter)
    }

    /// Returns the pattern that matches all keys of a kind. The shop's prefix contains no
    /// characters that are special in a pattern.
    pub(super) fn pattern(&self, letter: &str) -> Vec<u8> {
        self.word(&format!("{letter}*"))
    }

    /// Returns the key that holds the cursor at which the next purge continues.
    pub(super) fn cursor(&self, letter: &str) -> Vec<u8> {
        self.word(&format!("purged-{letter}"))
    }

    fn key(&self, kind: &[u8], rest: &[u8]) -> Vec<u8> {
        [&self.tag, kind, rest].concat()
    }
}

/// Returns the number of milliseconds for which the server keeps a record that ends at `ends`. It
/// is a duration, so the server's own clock does not matter.
pub(super) fn kept_for(ends: OffsetDateTime, now: OffsetDateTime) -> i64 {
    let left = micros::from_time(ends).saturating_sub(micros::from_time(now)).max(0);
    left / 1000 + slack_millis()
}

/// Returns the time up to which an insertion removes ended entries from the index of a subject's
/// grants.
pub(super) fn trimmed_until(now: OffsetDateTime) -> i64 {
    micros::from_time(now).saturating_sub(slack_millis() * 1000)
}

pub(super) fn slack_millis() -> i64 {
    millis(SLACK)
}

pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
