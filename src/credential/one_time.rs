use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    random::{RandomError, SecureRandom},
    token::Digest,
};

macro_rules! one_time_secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// It has 32 hexadecimal characters: 128 random bits. Its `Debug` shows nothing. It has no
        /// `Display`, no `Serialize` and no `PartialEq`. It is wiped from memory when dropped.
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Draws a new secret.
            ///
            /// # Errors
            ///
            /// If the source could not supply random bytes.
            pub fn generate(random: &dyn SecureRandom) -> Result<Self, RandomError> {
                draw(random).map(Self)
            }

            /// Returns the secret as text, for its recipient.
            ///
            /// # Security
            ///
            /// An attacker who has this text can use it once. Put it in one message only, and never
            /// in a log.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Returns the digest, which is the only stored form of the secret.
            #[must_use]
            pub fn digest(&self) -> Digest {
                Digest::of(self.expose().as_bytes())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

one_time_secret! {
    /// A reset token. It is mailed to the customer and works once.
    ResetToken
}
one_time_secret! {
    /// A one-time code. An admin user generates it for one customer, and it works once.
    OneTimeCode
}
one_time_secret! {
    /// A confirmation token. It is mailed to an address that a customer has or wants to have, and
    /// works once.
    ConfirmationToken
}
one_time_secret! {
    /// An enrolment token. It is mailed to an admin user who must set up an authenticator, or
    /// returned to an admin user who requests one. It works once.
    EnrolmentToken
}
one_time_secret! {
    /// An unlock token. It is mailed to an admin user whose account is locked, and works once.
    UnlockToken
}
one_time_secret! {
    /// A recovery code. It replaces a code of an admin user's authenticator once.
    RecoveryCode
}

fn draw(random: &dyn SecureRandom) -> Result<SecretString, RandomError> {
    let mut bytes = Zeroizing::new([0; 16]);
    random.fill(bytes.as_mut_slice())?;
    Ok(SecretString::from(base16ct::lower::encode_string(bytes.as_slice())))
}
