use commerce_auth::{
    store::{Change, Changes, DocumentId, Key, Partition, Put, Version},
    token::Digest,
};
use time::{Duration, OffsetDateTime};

/// The documents of an attempt at one account: the head, and one narrow scope.
#[derive(Debug)]
pub struct Attempt {
    pub account: Partition,
    digest: Digest,
    now: OffsetDateTime,
}

impl Attempt {
    /// Returns the attempt at the account with this digest.
    pub fn at(digest: Digest) -> Self {
        let account = Partition::of(&[digest.as_bytes()]);
        Self { account, digest, now: OffsetDateTime::now_utc() }
    }

    pub fn keys(&self) -> [Key; 2] {
        [("budgets", DocumentId::ONLY), ("budget-scope", DocumentId::from_bytes(*self.digest.as_bytes()))]
            .map(|(kind, id)| Key { kind: kind.parse().expect("a name"), id })
    }

    /// Returns puts of both documents, as new ones.
    pub fn puts(&self) -> [Put; 2] {
        // JSON of a counter, of about the usual length.
        let bytes = br#"{"failures":3,"window":1800}"#.repeat(10);
        self.keys().map(|key| Put {
            key,
            expects: None,
            version: self.version(),
            keep_until: Some(self.now + Duration::HOUR),
            expendable: true,
            index: Vec::new(),
            bytes: bytes.clone(),
        })
    }

    pub fn changes(&self) -> Changes {
        Changes::new(self.puts().map(Change::Put).to_vec()).expect("two changes")
    }

    /// Returns a version that is as random as the digest.
    pub fn version(&self) -> Version {
        Version::from_bytes(std::array::from_fn(|place| self.digest.as_bytes()[place]))
    }
}
