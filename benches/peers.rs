//! The peers, doing the work that their users have for them.

use std::{collections::HashMap, iter};

use aws_lc_rs::{
    rand,
    signature::{Ed25519KeyPair, KeyPair},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, TokenData, Validation, errors::Error};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tower_sessions::{
    MemoryStore, SessionStore,
    session::{Id, Record},
};

use crate::finish;

/// The claims of Commerce's own JWT.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub uid: u64,
    pub utypid: u8,
    pub iat: i64,
    pub exp: i64,
}

/// jsonwebtoken: signed tokens of one algorithm, and the key and rules to verify them.
pub struct Jwt {
    pub tokens: Vec<String>,
    key: DecodingKey,
    validation: Validation,
}

impl Jwt {
    /// More than a branch predictor can learn, and few enough to stay in the cache. This favours
    /// the peer.
    const TOKENS: u64 = 4096;

    pub fn hs256() -> Self {
        let secret = secret();
        let keys = (EncodingKey::from_secret(&secret), DecodingKey::from_secret(&secret));
        Self::signed(Algorithm::HS256, keys)
    }

    pub fn ed_dsa() -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key pair");
        let document = pair.to_pkcs8v1().expect("a key as PKCS #8");
        let public = pair.public_key().as_ref();
        let keys = (EncodingKey::from_ed_der(document.as_ref()), DecodingKey::from_ed_der(public));
        Self::signed(Algorithm::EdDSA, keys)
    }

    /// Returns the same tokens, with a key that did not sign them.
    pub fn forged(self) -> Self {
        Self { key: DecodingKey::from_secret(&secret()), ..self }
    }

    fn signed(algorithm: Algorithm, (signing, key): (EncodingKey, DecodingKey)) -> Self {
        let header = Header { kid: Some("1".into()), ..Header::new(algorithm) };
        let iat = OffsetDateTime::now_utc().unix_timestamp();
        let sign = |uid| {
            let claims = Claims { uid, utypid: 3, iat, exp: iat + 3600 };
            jsonwebtoken::encode(&header, &claims, &signing).expect("claims can be signed")
        };
        Self { tokens: (0..Self::TOKENS).map(sign).collect(), key, validation: Validation::new(algorithm) }
    }

    /// Decodes a token, and checks its signature and expiry.
    pub fn decode(&self, index: usize) -> Result<TokenData<Claims>, Error> {
        self.verify(&self.tokens[index])
    }

    /// Decodes a presented token, and checks its signature and expiry.
    pub fn verify(&self, token: &str) -> Result<TokenData<Claims>, Error> {
        jsonwebtoken::decode(token, &self.key, &self.validation)
    }
}

fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    rand::fill(&mut secret).expect("random bytes");
    secret
}

/// The MemoryStore of tower-sessions, with sessions that contain only a customer's number.
#[derive(Debug, Default)]
pub struct Sessions {
    store: MemoryStore,
    ids: Vec<Id>,
}

impl Sessions {
    pub fn with(count: usize) -> Self {
        let store = MemoryStore::default();
        // The ids are random, so any order of them is.
        let ids = iter::repeat_with(|| {
            let mut record = Self::record();
            finish(store.create(&mut record)).expect("memory does not fail");
            record.id
        });
        let mut ids: Vec<_> = ids.take(count).collect();
        ids.sort_unstable_by_key(|id| id.0);
        Self { ids, store }
    }

    pub fn record() -> Record {
        Record {
            id: Id::default(),
            data: HashMap::from([("customer_id".to_owned(), 1_234_567.into())]),
            expiry_date: OffsetDateTime::now_utc() + Duration::HOUR,
        }
    }

    pub fn create(&self, record: &mut Record) {
        finish(self.store.create(record)).expect("memory does not fail");
    }

    pub fn delete(&self, record: &Record) {
        finish(self.store.delete(&record.id)).expect("memory does not fail");
    }

    /// Returns the store, which shares its sessions with this one.
    pub fn store(&self) -> MemoryStore {
        self.store.clone()
    }

    pub fn id(&self, index: usize) -> &Id {
        &self.ids[index]
    }

    pub fn load(&self, index: usize) -> Option<Record> {
        finish(self.store.load(&self.ids[index])).expect("memory does not fail")
    }
}
