//! //! The host's secret keys, and the keys that the library derives from these secret keys.

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

/// The id of a secret key: a number that you choose. Do not give two keys the same number, even if
/// one of them is no longer in use. The library stores the id with each encrypted secret and each
/// signed audit record, to find the key again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // A host writes it as a literal.
pub struct KeyId(pub u32);

/// The error of an operation of a [`Keyring`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key material has fewer than 32 bytes.
    #[error("key material must have at least {} bytes", Keyring::MIN_BYTES)]
    TooShort,
    /// The keyring already has a key with this id.
    #[error("another key has this name")]
    InUse,
    /// No key in the keyring has this id.
    #[error("no key has this name")]
    Unknown,
    /// The key is the current key, which cannot be retired. First make a different key current.
    #[error("the current key cannot be retired")]
    Current,
    /// HKDF failed to derive a key.
    #[error("failed to derive a key from the key material")]
    Derivation,
}

/// The host's secret keys. From each secret key, the library derives three keys by HKDF-SHA-256
/// (RFC 5869), one for each purpose of the keyring.
///
/// These are the three purposes:
///
/// - **It checks bearer tokens** before the store looks them up. The check refuses a string that
///   was never issued as a token, except with a probability of one in 2^36 for each accepted key.
///   Without a keyring, the check uses a public key, so it detects typing errors but not forged
///   tokens. With or without a keyring, a token is valid only if the store has its grant.
/// - **It encrypts the TOTP secrets** of admin users, which is called sealing. Without a keyring,
///   no admin user can enrol a second factor.
/// - **It signs the audit trail** of the SQLite and PostgreSQL stores. Without a keyring, the trail
///   is not signed.
///
/// At start, call [`Auth::check_keyring`](crate::Auth::check_keyring). It fails if the keyring can
/// decrypt none of the second factors that it reads from the store, or can verify none of the
/// newest signed audit records.
///
/// If you add a keyring to a shop that had none, or remove the keyring, then all existing bearer
/// tokens are refused. Make such a change on all nodes at the same time. Otherwise the nodes refuse
/// the tokens of each other.
///
/// # Rotation
///
/// All clones of a keyring share its keys, so you can rotate keys while the service runs: replace
/// the current secret key by a new one. If you follow these steps, the rotation signs no user out:
///
/// 1. Add the new key on all nodes: [`accept`](Self::accept).
/// 2. Make the new key current on all nodes: [`make_current`](Self::make_current).
/// 3. Call [`Auth::reseal_factors`](crate::Auth::reseal_factors) until it returns 0. Each call
///    encrypts some second factors with the new key.
/// 4. Wait until the tokens that were made with the old key have expired.
/// 5. Wait until every node has signed an audit record with the new key. In a shop with few
///    sign-ins, sign in an admin user on each node, because each such sign-in writes an audit
///    record.
/// 6. Remove the old key on all nodes: [`retire`](Self::retire).
///
/// If you retire the old key too early, then the tokens that were made with the old key are
/// refused. Second factors that the old key encrypted cannot be used. If all of the newest audit
/// records were signed with a retired key, then [`Auth::check_keyring`](crate::Auth::check_keyring)
/// fails at the next start.
///
/// To verify old records of the audit trail, the verifier needs the keys that signed them. Keep
/// retired keys in a separate keyring for the verifier.
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

/// A key of 256 bits that was derived for one purpose.
type Secret = Zeroizing<[u8; 32]>;

/// The message authentication code (MAC) of the audit trail: HMAC-SHA-256.
pub(crate) type AuditMac = Hmac<Sha256>;

/// A secret that was encrypted with a key of the [`Keyring`] (XChaCha20-Poly1305). Without this
/// key, an attacker learns from the encrypted bytes only the length of the secret.
#[derive(Clone, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Sealed {
    /// The id of the key that decrypts the secret.
    pub key: KeyId,
    /// The nonce, the encrypted secret and the authentication tag.
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

    /// Creates a keyring with one secret key, which is the current key.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`] if the material has fewer than 32 bytes.
    ///
    /// # Security
    ///
    /// Use bytes from a secure random source (`openssl rand 32`), not a passphrase. If `material`
    /// is a vector, then its bytes are overwritten after use. If it is an array, then only the copy
    /// that this call gets is overwritten, and your own copy stays in memory.
    pub fn new(id: KeyId, material: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let current = DerivedKeys::derive(id, material)?;
        Ok(Self(Arc::new(RwLock::new(Keys { current, others: Vec::new() }))))
    }

    /// Adds an accepted key, with which the keyring verifies and decrypts. The keyring still signs
    /// and encrypts only with the current key.
    ///
    /// # Errors
    ///
    /// - [`KeyError::TooShort`] if the material has fewer than 32 bytes.
    /// - [`KeyError::InUse`] if the keyring already has a key with this id.
    pub fn accept(&self, id: KeyId, material: impl Into<Vec<u8>>) -> Result<(), KeyError> {
        let key = DerivedKeys::derive(id, material)?;
        let mut keys = self.write();
        if keys.accepted().any(|other| other.id == id) {
            return Err(KeyError::InUse);
        }
        keys.others.push(key);
        Ok(())
    }

    /// Makes a key current: the library uses it for new tokens, new second factors and new audit
    /// records. The former current key stays accepted.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unknown`] if no key has this id.
    pub fn make_current(&self, id: KeyId) -> Result<(), KeyError> {
        let keys = &mut *self.write();
        if keys.current.id != id {
            let key = keys.others.iter_mut().find(|key| key.id == id).ok_or(KeyError::Unknown)?;
            mem::swap(key, &mut keys.current);
        }
        Ok(())
    }

    /// Removes an accepted key from the keyring. Tokens that were made with this key are refused,
    /// and secrets that this key encrypted cannot be decrypted. To undo this, call
    /// [`accept`](Self::accept) with the same key.
    ///
    /// # Errors
    ///
    /// - [`KeyError::Current`] if the key is current.
    /// - [`KeyError::Unknown`] if no key has this id.
    pub fn retire(&self, id: KeyId) -> Result<(), KeyError> {
        let mut keys = self.write();
        if keys.current.id == id {
            return Err(KeyError::Current);
        }
        let place = keys.others.iter().position(|key| key.id == id).ok_or(KeyError::Unknown)?;
        keys.others.swap_remove(place);
        Ok(())
    }

    /// Returns the key that computes the check characters of new bearer tokens.
    pub(crate) fn current_token_check(&self) -> TokenCheckKey {
        self.read().current.token_check.clone()
    }

    /// Returns true if `passes` returns true for the current key or for one of the other accepted
    /// keys.
    pub(crate) fn any_token_check(&self, passes: impl Fn(&TokenCheckKey) -> bool) -> bool {
        self.read().accepted().any(|key| passes(&key.token_check))
    }

    /// Returns the id of the current key.
    pub(crate) fn current(&self) -> KeyId {
        self.read().current.id
    }

    /// Encrypts a secret with the current key. `context` names the account and the purpose of the
    /// secret. The secret can be decrypted only with the same `context`, so it cannot be copied to
    /// another account.
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

    /// Decrypts a sealed secret. Returns none if the keyring does not have the key of the secret,
    /// if `context` differs from the encryption's, or if a bit was changed.
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
