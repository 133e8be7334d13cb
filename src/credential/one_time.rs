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
        /// The secret has 32 hexadecimal characters: 128 random bits. The type has no `Display`, no
        /// `Serialize` and no `PartialEq`, and `Debug` does not show the secret. The secret is
        /// wiped from memory when dropped.
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Generates a new secret.
            ///
            /// # Errors
            ///
            /// If the random generator could not supply bytes.
            pub fn generate(random: &dyn SecureRandom) -> Result<Self, RandomError> {
                draw(random).map(Self)
            }

            /// Returns the secret as text, for the person who is to use it.
            ///
            /// # Security
            ///
            /// An attacker who gets this text can use it before the customer or admin user does for
            /// whom it was made. Put the text in one message only, and never in a log.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// Returns the digest of the secret. The library stores only the digest.
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
    /// A reset token, with which a customer sets a new password or signs in. It is mailed to the
    /// customer and works once.
    ResetToken
}
one_time_secret! {
    /// A one-time code. An admin user generates it for one customer, and it works once.
    OneTimeCode
}
one_time_secret! {
    /// A confirmation token, with which a customer confirms an e-mail address. It is mailed to the
    /// customer's present or new e-mail address, and works once.
    ConfirmationToken
}
one_time_secret! {
    /// An enrolment token, with which an admin user sets up an authenticator. It is mailed to an
    /// admin user who must have an authenticator but has none, or returned to a signed-in admin
    /// user who requests one. It activates one authenticator and is then spent.
    EnrolmentToken
}
one_time_secret! {
    /// An unlock token, which clears the locks of an admin user's account. It is mailed to the
    /// admin user when the account is locked, and works once.
    UnlockToken
}
one_time_secret! {
    /// A recovery code. An admin user can use it once, in place of a code of the authenticator.
    RecoveryCode
}

fn draw(random: &dyn SecureRandom) -> Result<SecretString, RandomError> {
    let mut bytes = Zeroizing::new([0; 16]);
    random.fill(bytes.as_mut_slice())?;
    Ok(SecretString::from(base16ct::lower::encode_string(bytes.as_slice())))
}
