//! The one place for key material.

use std::{
    fmt, iter, mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// The name of a key: a number of the host's choice, never used for two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(clippy::exhaustive_structs)] // A host writes it as a literal.
pub struct KeyId(pub u32);

/// Why a [`Keyring`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Fewer than 32 bytes of key material.
    #[error("key material is at least {} bytes", Keyring::MIN_BYTES)]
    TooShort,
    /// Another key has this name.
    #[error("another key has this name")]
    InUse,
    /// No key has this name.
    #[error("no key has this name")]
    Unknown,
    /// The current key cannot be retired: make another one current first.
    #[error("the current key cannot be retired")]
    Current,
}

/// Private keys, from which each purpose derives its own by HKDF-SHA-256 (RFC 5869).
///
/// Without a keyring the check of a bearer token is computed with a public key: good against typing errors. With one, a
/// string that nobody issued is turned away without a look-up, but for one in 2^36 for each accepted key.
///
/// To give a running shop its first keyring ends all tokens that were issued without one, and so does taking it away: do it
/// on all nodes at once.
///
/// Clones share the keys, so keys are rotated while the service runs, in three steps that leave nobody signed out:
/// [`accept`](Self::accept) the new key on all nodes, [`make_current`](Self::make_current) it on all nodes, and
/// [`retire`](Self::retire) the old one once what it signed has expired. Retiring earlier ends what it signed.
///
/// ```
/// use commerce_auth::{Auth, KeyId, Keyring, MemoryCustomers, MemoryStore};
///
/// # fn secret() -> [u8; 32] { [7; 32] }
/// let keyring = Keyring::new(KeyId(1), secret())?;
/// let auth = Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).keyring(keyring.clone()).build()?;
///
/// # fn new_secret() -> [u8; 32] { [8; 32] }
/// keyring.accept(KeyId(2), new_secret())?;
/// keyring.make_current(KeyId(2))?;
/// keyring.retire(KeyId(1))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Keyring(Arc<RwLock<Keys>>);

struct Keys {
    current: Key,
    /// The others that are accepted.
    others: Vec<Key>,
}

struct Key {
    id: KeyId,
    token_check: TokenCheckKey,
}

/// What SipHash-2-4 is keyed with to compute the check of a bearer token.
#[derive(Clone)]
pub(crate) struct TokenCheckKey(pub(crate) [u8; 16]);

impl Drop for TokenCheckKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Keyring {
    /// The least key material, in bytes: 256 bits.
    pub const MIN_BYTES: usize = 32;

    /// A keyring with one key, which is current.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`].
    ///
    /// # Security
    ///
    /// Give it bytes that a secure source has drawn (`openssl rand 32`), not a passphrase. A vector is wiped; an array is
    /// copied, and the copy wiped.
    pub fn new(id: KeyId, material: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let current = Key::derive(id, material)?;
        Ok(Self(Arc::new(RwLock::new(Keys { current, others: Vec::new() }))))
    }

    /// Adds a key that is accepted and not yet used to sign.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`], [`KeyError::InUse`].
    pub fn accept(&self, id: KeyId, material: impl Into<Vec<u8>>) -> Result<(), KeyError> {
        let key = Key::derive(id, material)?;
        let mut keys = self.write();
        if keys.accepted().any(|other| other.id == id) {
            return Err(KeyError::InUse);
        }
        keys.others.push(key);
        Ok(())
    }

    /// Signs with this key from now on. The one before stays accepted.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unknown`].
    pub fn make_current(&self, id: KeyId) -> Result<(), KeyError> {
        let keys = &mut *self.write();
        if keys.current.id != id {
            let key = keys.others.iter_mut().find(|key| key.id == id).ok_or(KeyError::Unknown)?;
            mem::swap(key, &mut keys.current);
        }
        Ok(())
    }

    /// Forgets a key: what it signed ends.
    ///
    /// # Errors
    ///
    /// [`KeyError::Current`], [`KeyError::Unknown`].
    pub fn retire(&self, id: KeyId) -> Result<(), KeyError> {
        let mut keys = self.write();
        if keys.current.id == id {
            return Err(KeyError::Current);
        }
        let place = keys.others.iter().position(|key| key.id == id).ok_or(KeyError::Unknown)?;
        keys.others.swap_remove(place);
        Ok(())
    }

    /// The current key for the check of bearer tokens.
    pub(crate) fn current_token_check(&self) -> TokenCheckKey {
        self.read().current.token_check.clone()
    }

    /// Whether any accepted key passes a check of a bearer token.
    pub(crate) fn any_token_check(&self, passes: impl Fn(&TokenCheckKey) -> bool) -> bool {
        self.read().accepted().any(|key| passes(&key.token_check))
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn accepted(&self) -> impl Iterator<Item = &Key> {
        iter::once(&self.current).chain(&self.others)
    }
}

impl Key {
    fn derive(id: KeyId, material: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let material = Zeroizing::new(material.into());
        if material.len() < Keyring::MIN_BYTES {
            return Err(KeyError::TooShort);
        }
        let mut token_check = TokenCheckKey([0; 16]);
        let derived =
            Hkdf::<Sha256>::new(None, &material).expand(b"commerce-auth/v1/token-check", &mut token_check.0);
        // HKDF fails only beyond 255 blocks of output.
        derived.map_err(|_| KeyError::TooShort)?;
        Ok(Self { id, token_check })
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}
