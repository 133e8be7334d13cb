use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    clock::micros,
    token::{GrantId, Subject},
};

use super::records::subject_bytes;

/// Time between the expiry of a record and the expiry of its Redis key: 1 h. If the clocks of two
/// nodes differ by more than 1 h, then the server may remove a record that is not yet expired for
/// one of the nodes.
const SLACK: Duration = Duration::from_secs(60 * 60);

/// Builds the Redis keys of a shop. All keys begin with the hash tag `{prefix}:`, so a Redis
/// cluster keeps them on one server. A script can therefore change the values of several of these
/// keys in one step.
pub(super) struct Keys {
    tag: Vec<u8>,
    everything: Vec<u8>,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let tag = format!("{{{prefix}}}:").into_bytes();
        Self { everything: [&tag[..], b"everything"].concat(), tag }
    }

    /// Returns the Redis key of a record of which a shop has only one, such as the version of the
    /// layout.
    pub(super) fn word(&self, word: &str) -> Vec<u8> {
        self.key(word.as_bytes(), &[])
    }

    /// Returns the Redis key of the shop's generation.
    pub(super) fn everything(&self) -> &[u8] {
        &self.everything
    }

    /// Returns the Redis key of a grant, or of the bar of the grant's id.
    pub(super) fn token(&self, id: &GrantId) -> Vec<u8> {
        self.key(b"t", id.as_bytes())
    }

    /// Returns the Redis key of a subject's generation.
    pub(super) fn generation(&self, subject: &Subject) -> Vec<u8> {
        self.key(b"g", &subject_bytes(subject))
    }

    /// Returns the Redis key of the index of a subject's grants. The index is ordered by expiry.
    pub(super) fn index(&self, subject: &Subject) -> Vec<u8> {
        self.key(b"s", &subject_bytes(subject))
    }

    /// Returns the Redis key of the document with this name.
    pub(super) fn document(&self, name: &[u8]) -> Vec<u8> {
        self.key(b"d", name)
    }

    /// Returns the Redis key of the index of documents with this name. The index is ordered by
    /// rank.
    pub(super) fn index_of_documents(&self, name: &[u8]) -> Vec<u8> {
        self.key(b"i", name)
    }

    /// Returns the common prefix of all Redis keys of a kind. A letter stands for the kind, such as
    /// `t` for grants.
    pub(super) fn kind(&self, letter: &str) -> Vec<u8> {
        self.word(letter)
    }

    /// Returns the pattern that matches all Redis keys of a kind. The prefix of the shop is not
    /// escaped, because it contains no characters that are special in a pattern.
    pub(super) fn pattern(&self, letter: &str) -> Vec<u8> {
        self.word(&format!("{letter}*"))
    }

    /// Returns the Redis key that holds the cursor of the purge. The next purge continues at this
    /// cursor.
    pub(super) fn cursor(&self, letter: &str) -> Vec<u8> {
        self.word(&format!("purged-{letter}"))
    }

    fn key(&self, kind: &[u8], rest: &[u8]) -> Vec<u8> {
        [&self.tag, kind, rest].concat()
    }
}

/// Returns how many milliseconds the server keeps a record that expires at `ends`: until one hour
/// after `ends`. The server gets a duration and not a time of day, so the result does not depend on
/// the server's clock.
pub(super) fn kept_for(ends: OffsetDateTime, now: OffsetDateTime) -> i64 {
    let left = micros::from_time(ends).saturating_sub(micros::from_time(now)).max(0);
    left / 1000 + slack_millis()
}

/// Returns the time one hour before `now`. An insertion trims the index of the subject's grants: it
/// removes the entries of grants that expired before this time.
pub(super) fn trimmed_until(now: OffsetDateTime) -> i64 {
    micros::from_time(now).saturating_sub(slack_millis() * 1000)
}

pub(super) fn slack_millis() -> i64 {
    millis(SLACK)
}

pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
