//! Key material and the keys derived from it.

use std::{
    fmt, iter, mem,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::Hmac;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::{Error, InternalError},
    random::{SecureRandom, draw_nonce},
};

/// The name of a key: a number that the host chooses. Never give two keys the same number, not even
/// at different times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // A host writes it as a literal.
pub struct KeyId(pub u32);

/// An operation of a [`Keyring`] was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key material has fewer than 32 bytes.
    #[error("key material must have at least {} bytes", Keyring::MIN_BYTES)]
    TooShort,
    /// Another key has this name.
    #[error("another key has this name")]
    InUse,
    /// No key has this name.
    #[error("no key has this name")]
    Unknown,
    /// The current key cannot be retired. Make another key current first.
    #[error("the current key cannot be retired")]
    Current,
    /// HKDF failed to derive a key.
    #[error("failed to derive a key from the key material")]
    Derivation,
}

/// Secret keys. For each purpose, a separate key is derived from them by HKDF-SHA-256 (RFC 5869).
///
/// The keyring has three purposes:
///
/// - It checks bearer tokens before the store looks them up. The check refuses a string that was
///   never issued, except with a probability of one in 2^36 for each accepted key. Without a
///   keyring the check uses a public key. It then detects typing errors, but not forged tokens.
/// - It seals the TOTP secrets of admin users. Without a keyring no admin user can enrol.
/// - It signs the audit trail of the SQLite and PostgreSQL stores. Without a keyring the trail is
///   not signed.
///
/// At start, call [`Auth::check_keyring`](crate::Auth::check_keyring). It refuses a keyring that
/// cannot open the store's sealed secrets or verify its signatures.
///
/// Adding the first keyring to a running shop ends all existing tokens. So does removing the
/// keyring. Change all nodes at the same time.
///
/// # Rotation
///
/// Clones share the keys, so you can rotate keys while the service runs. No user is signed out if
/// you follow these steps:
///
/// - [`accept`](Self::accept) the new key on all nodes.
/// - [`make_current`](Self::make_current) the new key on all nodes.
/// - Wait until the tokens of the old key have expired, and until
///   [`Auth::reseal_factors`](crate::Auth::reseal_factors) finds no more secrets that the old key
///   sealed.
/// - Let every node sign an audit record with the new key. In a shop with little traffic, sign in
///   an admin user on each node to write such a record.
/// - [`retire`](Self::retire) the old key.
///
/// If you retire the old key too early, then its tokens end, and nobody can open the secrets that
/// it sealed. If the newest audit records are all signed with a retired key, then
/// [`Auth::check_keyring`](crate::Auth::check_keyring) refuses the next start.
///
/// The verifier of an old audit trail needs the keys that signed it. Keep retired keys in a
/// separate keyring for the verifier.
///
/// ```
/// use commerce_auth::{
///     Auth,
///     keyring::{KeyId, Keyring},
///     store::memory::{MemoryCustomers, MemoryStore},
/// };
///
/// # fn secret() -> [u8; 32] { [7; 32] }
/// let keyring = Keyring::new(KeyId(1), secret())?;
/// let auth = Auth::builder(MemoryStore::new())
///     .customers(MemoryCustomers::new())
///     .without_notifier()
///     .keyring(keyring.clone())
///     .build()?;
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
    current: DerivedKeys,
    /// The accepted keys that are not current.
    others: Vec<DerivedKeys>,
}

struct DerivedKeys {
    id: KeyId,
    token_check: TokenCheckKey,
    sealing: Secret,
    audit: Secret,
}

/// A derived key of 256 bits.
type Secret = Zeroizing<[u8; 32]>;

/// The MAC of the audit trail: HMAC-SHA-256.
pub(crate) type AuditMac = Hmac<Sha256>;

/// A secret that a key of the [`Keyring`] encrypted with XChaCha20-Poly1305. Without the key, the
/// sealed bytes reveal only the length of the secret.
#[derive(Clone, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Sealed {
    /// The id of the key that opens the secret.
    pub key: KeyId,
    /// The nonce, the secret and the tag.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key).finish_non_exhaustive()
    }
}

const NONCE_BYTES: usize = 24;

/// The key of SipHash-2-4, which computes the check characters of a bearer token.
#[derive(Clone)]
pub(crate) struct TokenCheckKey(pub(crate) [u8; 16]);

impl Drop for TokenCheckKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Keyring {
    /// Minimum length of key material in bytes: 256 bits.
    pub const MIN_BYTES: usize = 32;

    /// Creates a keyring with one key, which is current.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`] if the material has fewer than 32 bytes.
    ///
    /// # Security
    ///
    /// Use bytes from a secure random source (`openssl rand 32`), not a passphrase. If `material`
    /// is a vector, then it is wiped from memory. If it is an array, then only the copy in this
    /// call is wiped.
    pub fn new(id: KeyId, material: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let current = DerivedKeys::derive(id, material)?;
        Ok(Self(Arc::new(RwLock::new(Keys { current, others: Vec::new() }))))
    }

    /// Adds a key that is accepted. It signs and seals nothing until it is made current.
    ///
    /// # Errors
    ///
    /// - [`KeyError::TooShort`] if the material has fewer than 32 bytes.
    /// - [`KeyError::InUse`] if another key has this name.
    pub fn accept(&self, id: KeyId, material: impl Into<Vec<u8>>) -> Result<(), KeyError> {
        let key = DerivedKeys::derive(id, material)?;
        let mut keys = self.write();
        if keys.accepted().any(|other| other.id == id) {
            return Err(KeyError::InUse);
        }
        keys.others.push(key);
        Ok(())
    }

    /// Makes a key current: new tokens, secrets and records use it. The former current key stays
    /// accepted.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unknown`] if no key has this name.
    pub fn make_current(&self, id: KeyId) -> Result<(), KeyError> {
        let keys = &mut *self.write();
        if keys.current.id != id {
            let key = keys.others.iter_mut().find(|key| key.id == id).ok_or(KeyError::Unknown)?;
            mem::swap(key, &mut keys.current);
        }
        Ok(())
    }

    /// Removes a key. Tokens of this key end, and secrets that it sealed become unreadable.
    ///
    /// # Errors
    ///
    /// - [`KeyError::Current`] if the key is current.
    /// - [`KeyError::Unknown`] if no key has this name.
    pub fn retire(&self, id: KeyId) -> Result<(), KeyError> {
        let mut keys = self.write();
        if keys.current.id == id {
            return Err(KeyError::Current);
        }
        let place = keys.others.iter().position(|key| key.id == id).ok_or(KeyError::Unknown)?;
        keys.others.swap_remove(place);
        Ok(())
    }

    /// Returns the current key for the check of bearer tokens.
    pub(crate) fn current_token_check(&self) -> TokenCheckKey {
        self.read().current.token_check.clone()
    }

    /// True if `passes` returns true for an accepted key.
    pub(crate) fn any_token_check(&self, passes: impl Fn(&TokenCheckKey) -> bool) -> bool {
        self.read().accepted().any(|key| passes(&key.token_check))
    }

    /// Returns the id of the current key.
    pub(crate) fn current(&self) -> KeyId {
        self.read().current.id
    }

    /// Seals a secret with the current key. Only the same `context`, which names the owner and the
    /// purpose, opens the secret again.
    pub(crate) fn seal(
        &self,
        secret: &[u8],
        context: &[u8],
        random: &dyn SecureRandom,
    ) -> Result<Sealed, Error> {
        let nonce = draw_nonce::<NONCE_BYTES>(random)?;
        let keys = self.read();
        let key = &keys.current;
        let payload = Payload { msg: secret, aad: context };
        // Encryption fails only for more than 256 GiB.
        let sealed =
            key.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| InternalError::Unsealed)?;
        Ok(Sealed { key: key.id, bytes: [&nonce[..], &sealed].concat() })
    }

    /// Opens a sealed secret. Returns none if its key is not accepted, if the context differs, or
    /// if a bit was changed.
    pub(crate) fn open(&self, sealed: &Sealed, context: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let keys = self.read();
        let key = keys.accepted().find(|key| key.id == sealed.key)?;
        let (nonce, msg) = sealed.bytes.split_first_chunk::<NONCE_BYTES>()?;
        let opened = key.cipher().decrypt(&XNonce::from(*nonce), Payload { msg, aad: context });
        opened.ok().map(Zeroizing::new)
    }

    /// Starts a MAC for the audit trail with an accepted key.
    #[cfg_attr(not(any(feature = "postgres", feature = "sqlite")), allow(dead_code))]
    pub(crate) fn audit_mac(&self, id: KeyId) -> Option<AuditMac> {
        let keys = self.read();
        let key = keys.accepted().find(|key| key.id == id)?;
        // HMAC accepts a key of any length.
        AuditMac::new_from_slice(key.audit.as_slice()).ok()
    }

    fn read(&self) -> RwLockReadGuard<'_, Keys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Keys> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn accepted(&self) -> impl Iterator<Item = &DerivedKeys> {
        iter::once(&self.current).chain(&self.others)
    }
}

impl DerivedKeys {
    fn derive(id: KeyId, material: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let material = Zeroizing::new(material.into());
        if material.len() < Keyring::MIN_BYTES {
            return Err(KeyError::TooShort);
        }
        let derived = Hkdf::<Sha256>::new(None, &material);
        let expand = |purpose: &[u8], key: &mut [u8]| {
            // Expansion fails only for more than 255 blocks of output.
            derived.expand_multi_info(&[b"commerce-auth/v1/", purpose], key).map_err(|_| KeyError::Derivation)
        };
        let mut token_check = TokenCheckKey([0; 16]);
        expand(b"token-check", &mut token_check.0)?;
        let (mut sealing, mut audit) = (Secret::default(), Secret::default());
        expand(b"totp-secrets", sealing.as_mut_slice())?;
        expand(b"audit-chain", audit.as_mut_slice())?;
        Ok(Self { id, token_check, sealing, audit })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.sealing).into())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}
