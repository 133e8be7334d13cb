use std::{borrow::Borrow, collections::HashSet, fmt, sync::Arc};

use super::shards::Shards;

/// A user agent that several grants share. The box makes the pointer in a row 8 bytes long instead
/// of 16.
#[derive(Clone, PartialEq, Eq, Hash)]
#[allow(clippy::redundant_allocation)]
pub(super) struct UserAgent(Arc<Box<str>>);

impl Borrow<str> for UserAgent {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The user agents of all grants. Most customers use one of a few browsers, so each text is kept
/// only once.
#[derive(Debug, Default)]
pub(super) struct UserAgents(Shards<Known>);

#[derive(Default)]
struct Known {
    texts: HashSet<UserAgent>,
    /// Number of texts at which the texts without a grant are removed.
    sweep_at: usize,
}

impl UserAgents {
    /// A shard with fewer texts is not swept.
    const MIN_SWEEP: usize = 16;

    /// Returns the shared copy of this text.
    pub(super) fn shared(&self, text: &str) -> UserAgent {
        let shard = self.0.index_of(&text);
        if let Some(known) = self.0.read(shard).texts.get(text) {
            return known.clone();
        }
        let mut known = self.0.write(shard);
        if let Some(known) = known.texts.get(text) {
            return known.clone();
        }
        if known.texts.len() >= known.sweep_at.max(Self::MIN_SWEEP) {
            // Nobody can take a copy meanwhile, because this needs the lock of the shard.
            known.texts.retain(|text| Arc::strong_count(&text.0) > 1);
            known.texts.shrink_to_fit();
            known.sweep_at = known.texts.len() * 2;
        }
        let shared = UserAgent(Arc::new(text.into()));
        known.texts.insert(shared.clone());
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_not_longer_than_its_grants() {
        let all = UserAgents::default();
        let held = all.shared("held");
        assert!(Arc::ptr_eq(&held.0, &all.shared("held").0));
        for number in 0..100_000 {
            all.shared(&number.to_string());
        }
        assert!(Arc::ptr_eq(&held.0, &all.shared("held").0));
        let kept: usize = (0..=u8::MAX).map(|shard| all.0.read(shard).texts.len()).sum();
        assert!(kept <= UserAgents::MIN_SWEEP * Shards::<Known>::COUNT, "{kept} texts are kept");
    }
}
