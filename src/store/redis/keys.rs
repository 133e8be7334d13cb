use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    clock::micros,
    token::{Digest, Subject},
};

use super::records::subject_bytes;

/// How long a key outlives what it holds: so far may the clocks of nodes be apart, before one of them misses what still
/// counts on its own.
const SLACK: Duration = Duration::from_secs(60 * 60);

/// The names of a shop's keys. All begin with `{prefix}:`, a hash tag, so that a cluster keeps them in one slot and scripts
/// may change several of them at once.
pub(super) struct Keys {
    tag: Vec<u8>,
    everything: Vec<u8>,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let tag = format!("{{{prefix}}}:").into_bytes();
        Self { everything: [&tag[..], b"everything"].concat(), tag }
    }

    /// A key there is one of.
    pub(super) fn word(&self, word: &str) -> Vec<u8> {
        self.key(word.as_bytes(), &[])
    }

    /// The generation of the shop.
    pub(super) fn everything(&self) -> &[u8] {
        &self.everything
    }

    /// A grant, or the bar of a digest.
    pub(super) fn token(&self, digest: &Digest) -> Vec<u8> {
        self.key(b"t", digest.as_bytes())
    }

    /// The generation of a subject.
    pub(super) fn generation(&self, subject: &Subject) -> Vec<u8> {
        self.key(b"g", &subject_bytes(subject))
    }

    /// The digests of a subject's grants, by their end.
    pub(super) fn index(&self, subject: &Subject) -> Vec<u8> {
        self.key(b"s", &subject_bytes(subject))
    }

    /// A document, by its name.
    pub(super) fn document(&self, name: &[u8]) -> Vec<u8> {
        self.key(b"d", name)
    }

    /// The documents of an index, by their ranks.
    pub(super) fn index_of_documents(&self, name: &[u8]) -> Vec<u8> {
        self.key(b"i", name)
    }

    /// What all keys of a kind begin with.
    pub(super) fn kind(&self, letter: &str) -> Vec<u8> {
        self.word(letter)
    }

    /// The pattern of all keys of a kind. A prefix holds no character that means something in it.
    pub(super) fn pattern(&self, letter: &str) -> Vec<u8> {
        self.word(&format!("{letter}*"))
    }

    /// Where a purge goes on.
    pub(super) fn cursor(&self, letter: &str) -> Vec<u8> {
        self.word(&format!("purged-{letter}"))
    }

    fn key(&self, kind: &[u8], rest: &[u8]) -> Vec<u8> {
        [&self.tag, kind, rest].concat()
    }
}

/// For how many milliseconds the server keeps what ends then. Told in time that passes, so that its own clock does not
/// matter.
pub(super) fn kept_for(ends: OffsetDateTime, now: OffsetDateTime) -> i64 {
    let left = micros::from_time(ends).saturating_sub(micros::from_time(now)).max(0);
    left / 1000 + slack_millis()
}

/// What had ended by then is removed in passing.
pub(super) fn trimmed_until(now: OffsetDateTime) -> i64 {
    micros::from_time(now).saturating_sub(slack_millis() * 1000)
}

pub(super) fn slack_millis() -> i64 {
    millis(SLACK)
}

pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
