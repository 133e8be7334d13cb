//! A shop with signed-in customers. Its tokens are minted here and inserted without a sign-in, so
//! that a million of them take seconds.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    thread,
};

use async_trait::async_trait;
use commerce_auth::{
    Auth, AuthConfig, CustomerId, CustomerStore, Email, IntoShared, Origin, PasswordHash, SignIn, Store,
    TokenStore, Website,
    account::CustomerRecord,
    audit::{AuditSink, MemoryAudit},
    credential::Argon2Params,
    error::StoreError,
    random::{ChaChaRandom, SecureRandom},
    store::{
        Insert,
        memory::{MemoryCustomers, MemoryStore},
    },
    token::{Digest, Grant, GrantId, Obtained},
};
use siphasher::sip::SipHasher24;
use time::{Duration, OffsetDateTime};

use crate::{CAP, fresh};

const PASSWORD: &str = "b0bl0bl@wW";
/// A user agent of the usual length.
pub const USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/142.0.0.0 Safari/537.36";

/// A shop, and the bearer tokens of its signed-in customers.
#[derive(Debug)]
pub struct Shop {
    pub auth: Auth,
    pub tokens: Texts,
}

impl Shop {
    /// Returns a shop in memory with `count` live tokens, two to a customer.
    pub fn with_tokens(count: usize) -> Self {
        Self::over(MemoryStore::new(), count)
    }

    /// Returns a shop over a store, with `count` live tokens, two to a customer.
    pub fn over(store: impl IntoShared<dyn Store>, count: usize) -> Self {
        let store = store.into_shared();
        let shop = Self::of(Arc::clone(&store), costing(Argon2Params::danger_fast()), MemoryAudit::new());
        shop.grown(&*store, count, 8)
    }

    /// Inserts tokens into the shop's store until it has `count`, two to a customer.
    ///
    /// Several callers at once insert them, so that durable stores group their writes.
    #[must_use]
    pub fn grown(self, store: &dyn Store, count: usize, callers: usize) -> Self {
        let (first, now) = (self.tokens.len(), OffsetDateTime::now_utc());
        let tokens = minted(count - first);
        let insert_some = |caller| {
            for index in (caller..tokens.len()).step_by(callers) {
                let customer = (first + index) / 2;
                let grant = grant_of(customer, Digest::of(tokens[index].as_bytes()), now);
                pollster::block_on(insert(store, &grant, &origin_of(customer)));
            }
        };
        thread::scope(|scope| {
            for caller in 0..callers {
                scope.spawn(move || insert_some(caller));
            }
        });
        Self { tokens: self.tokens.with(&tokens), ..self }
    }

    /// Returns a shop in memory without tokens, whose password hashes have this cost.
    pub fn new(argon2: Argon2Params) -> Self {
        Self::of(MemoryStore::new(), costing(argon2), MemoryAudit::new())
    }

    /// Returns a shop over a store and an audit trail, without tokens.
    pub fn of(
        store: impl IntoShared<dyn Store>,
        config: AuthConfig,
        audit: impl IntoShared<dyn AuditSink>,
    ) -> Self {
        let hasher = Auth::builder(MemoryStore::new())
            .config(config.clone())
            .customers(MemoryCustomers::new())
            .without_notifier();
        let hasher = hasher.build().expect("the configuration is sound");
        let hash = pollster::block_on(hasher.hash_new_password("nobody@example.com", PASSWORD));
        let customers = Everybody(hash.expect("the password is a good one"));
        let auth =
            Auth::builder(store).config(config).customers(customers).audit(audit).without_notifier().build();
        let auth = auth.expect("the configuration is sound");
        Self { auth, tokens: Texts::default() }
    }

    /// Signs a customer in. Returns the new bearer token.
    pub fn sign_in(&self, customer: usize) -> String {
        let signed_in = pollster::block_on(self.auth.generate_customer_token(sign_in_of(customer)));
        signed_in.expect("the password is right").token().expose().to_owned()
    }
}

/// Returns a customer's sign-in with the right password, from a separate source.
pub fn sign_in_of(customer: usize) -> SignIn {
    SignIn::new(format!("customer-{customer}@example.com"), PASSWORD).origin(origin_of(customer))
}

/// Returns Commerce's settings, with this cost of a password hash.
fn costing(argon2: Argon2Params) -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.hashing.argon2 = argon2;
    config
}

/// Every requested customer exists, and all have the same password: the benchmarks do not measure
/// the host's table.
struct Everybody(PasswordHash);

impl Everybody {
    fn row(&self, id: i64, email: String) -> CustomerRecord {
        CustomerRecord::new(CustomerId::from(id), email).with_password(self.0.clone())
    }
}

#[async_trait]
impl CustomerStore for Everybody {
    type Row = CustomerRecord;

    async fn find_by_email(&self, _: &Website, email: &Email) -> Result<Option<CustomerRecord>, StoreError> {
        let number = email.as_str().trim_start_matches("customer-").trim_end_matches("@example.com");
        Ok(number.parse().ok().map(|id| self.row(id, email.as_str().to_owned())))
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        Ok(id.as_int().map(|id| self.row(id, format!("customer-{id}@example.com"))))
    }

    async fn replace_password_hash(
        &self,
        _: &CustomerId,
        _: Option<&PasswordHash>,
        _: &PasswordHash,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn set_assistance(&self, _: &CustomerId, _: bool) -> Result<bool, StoreError> {
        Ok(false)
    }
}

fn address_of(customer: usize) -> Ipv4Addr {
    let [.., a, b, c] = customer.to_be_bytes();
    Ipv4Addr::new(10, a, b, c)
}

/// Returns the origin of a customer's sign-ins.
pub fn origin_of(customer: usize) -> Origin {
    Origin::from(IpAddr::from(address_of(customer))).user_agent(USER_AGENT)
}

/// Returns a grant as a sign-in makes it, for a token's digest.
pub fn grant_of(customer: usize, digest: Digest, now: OffsetDateTime) -> Grant {
    let customer = CustomerId::from(i64::try_from(customer).expect("a customer's number"));
    let id = GrantId::from_bytes(*digest.as_bytes());
    Grant::customer(id, customer, Website::default(), Obtained::Password, now, now + Duration::HOUR)
}

/// Stores a grant.
pub async fn insert(store: &(impl TokenStore + ?Sized), grant: &Grant, origin: &Origin) {
    let generation = store.generation(&grant.subject, fresh()).await.expect("the store answers");
    let stored = store.insert(grant, origin, generation, CAP, grant.issued_at()).await;
    assert_eq!(stored.expect("the store answers"), Insert::Stored);
}

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Returns random characters of bearer tokens.
fn random_chars(count: usize) -> String {
    let mut bytes = vec![0; count];
    ChaChaRandom::new().fill(&mut bytes).expect("the operating system has random bytes");
    bytes.into_iter().map(|byte| char::from(ALPHABET[usize::from(byte % 36)])).collect()
}

/// Returns bearer tokens as an `Auth` without a keyring mints them. The check characters are the
/// digits of a public function of the random characters.
fn minted(count: usize) -> Vec<String> {
    const RANDOM: usize = 25;
    let check = SipHasher24::new_with_key(b"commerce-auth/v1");
    let mint = |random: &[u8]| {
        let mut check = check.hash(random) % 36_u64.pow(7);
        let mut token = String::from_utf8(random.to_vec()).expect("the characters are ASCII");
        while token.len() < Texts::LENGTH {
            let digit = usize::try_from(check % 36).expect("a digit");
            token.push(char::from(ALPHABET[digit]));
            check /= 36;
        }
        token
    };
    random_chars(count * RANDOM).as_bytes().chunks_exact(RANDOM).map(mint).collect()
}

/// Returns digests of this many unissued tokens. They are real digests, because the table takes its
/// hash from them.
pub fn random_digests(count: usize) -> Vec<Digest> {
    let random = ChaChaRandom::new();
    let mut bytes = [0; 32];
    let mut draw = || {
        random.fill(&mut bytes).expect("the operating system has random bytes");
        Digest::of(&bytes)
    };
    (0..count).map(|_| draw()).collect()
}

/// Texts of 32 characters in one buffer, as quick to read as the data of a socket.
#[derive(Clone, Debug, Default)]
pub struct Texts(String);

impl Texts {
    const LENGTH: usize = 32;

    /// Adds texts. All are sorted by the text, which is random. So their order is another one than
    /// the order of issue and the order in memory.
    fn with(self, more: &[String]) -> Self {
        let mut bytes = self.0.into_bytes();
        more.iter().for_each(|text| bytes.extend(text.as_bytes()));
        let (texts, []) = bytes.as_chunks_mut::<{ Self::LENGTH }>() else { panic!("the length of a text") };
        texts.sort_unstable();
        Self(String::from_utf8(bytes).expect("the characters are ASCII"))
    }

    /// Returns tokens made up by someone who knows the form of a token.
    pub fn forged(count: usize) -> Self {
        Self(random_chars(count * Self::LENGTH))
    }

    pub fn len(&self) -> usize {
        self.0.len() / Self::LENGTH
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, index: usize) -> &str {
        &self.0[index * Self::LENGTH..(index + 1) * Self::LENGTH]
    }
}

/// The control: the same digest, clock, look-up and copy, on a bare hash table without any lock. If
/// it is slower with a second thread, the machine is the cause, not the store.
#[derive(Debug)]
pub struct BareTable(HashMap<GrantId, Grant, BuildHasherDefault<FirstBytes>>);

impl BareTable {
    pub fn of(tokens: &Texts) -> Self {
        let now = OffsetDateTime::now_utc();
        let grants = (0..tokens.len()).map(|index| {
            let grant = grant_of(index / 2, Digest::of(tokens.get(index).as_bytes()), now);
            (grant.id, grant)
        });
        Self(grants.collect())
    }

    pub fn find(&self, token: &str) -> Option<Grant> {
        let grant = self.0.get(&GrantId::of(token.as_bytes()))?;
        (OffsetDateTime::now_utc() < grant.expires_at()).then(|| grant.clone())
    }
}

/// The id of a grant is its own hash.
#[derive(Default)]
pub struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
