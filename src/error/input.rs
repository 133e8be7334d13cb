/// The input of an operation is malformed, or a new password breaks the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A required argument is empty. Unlike Commerce, the library does not treat the text `"0"` as
    /// empty.
    #[error("{}", .0.message())]
    Required(Field),
    /// The argument is not exactly one valid e-mail address. To find out which rule it breaks,
    /// parse it as an [`Email`](crate::Email).
    #[error("The email address has an invalid format.")]
    Email,
    /// The user name is longer than 160 bytes, or has a control character or a character that looks
    /// like another one. See [`Username`](crate::account::Username).
    #[error("The username has an invalid format.")]
    Username,
    /// The password argument is longer than 1,024 bytes. Nothing was hashed or looked up.
    #[error("The password is too long.")]
    PasswordTooLong,
    /// A new password breaks the policy.
    #[error(transparent)]
    Policy(#[from] PolicyViolation),
}

impl InputError {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Required(_) => "input.required",
            Self::Email => "input.email",
            Self::Username => "input.username",
            Self::PasswordTooLong => "input.password_too_long",
            Self::Policy(_) => "input.policy",
        }
    }
}

/// A required argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The `email` argument of a sign-in.
    Email,
    /// The `password` argument.
    Password,
    /// The `otp` argument: a one-time code.
    Otp,
    /// The `tfaToken` argument: an enrolment token.
    TfaToken,
    /// The unlock token of a mailed link.
    UnlockToken,
    /// The `username` argument of an admin user's sign-in.
    Username,
    /// The `customer_email` argument of an admin user.
    CustomerEmail,
    /// The `reason` argument, if the shop requires one.
    Reason,
    /// The `email` argument of a password reset.
    ResetEmail,
    /// The `resetPasswordToken` argument.
    ResetToken,
    /// The `confirmation_key` argument: a confirmation token.
    ConfirmationToken,
    /// The `currentPassword` argument.
    CurrentPassword,
    /// The `newPassword` argument of a password change.
    NewPassword,
    /// The `newPassword` argument of a password reset.
    ResetPassword,
}

impl Field {
    /// Returns Commerce's message.
    const fn message(self) -> &'static str {
        match self {
            Self::Email => "Specify the \"email\" value.",
            Self::Password => "Specify the \"password\" value.",
            Self::Otp => "Specify the \"otp\" value.",
            Self::TfaToken => "Specify the \"tfaToken\" value.",
            Self::UnlockToken => "Specify the unlock token.",
            Self::Username => "Specify the \"username\" value.",
            Self::CustomerEmail => "Specify the \"customer email\" value.",
            Self::Reason => "Specify the \"reason\" value.",
            Self::ResetEmail => "You must specify an email address.",
            Self::ResetToken => "resetPasswordToken must be specified",
            Self::ConfirmationToken => "Specify the \"confirmation_key\" value.",
            Self::CurrentPassword => "Specify the \"currentPassword\" value.",
            Self::NewPassword => "Specify the \"newPassword\" value.",
            Self::ResetPassword => "newPassword must be specified",
        }
    }
}

/// The rule of the password policy that a new password breaks. The messages are those of Commerce.
/// If Commerce does not have a rule, its message is worded in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyViolation {
    /// The password has more characters than the policy allows. The value is the policy's maximum.
    #[error("Please enter a password with at most {0} characters.")]
    TooLong(usize),
    /// The password has fewer characters than the policy requires. The value is the policy's
    /// minimum.
    #[error("The password needs at least {0} characters. Create a new password and try again.")]
    TooShort(usize),
    /// The password begins or ends with a space.
    #[error("The password can't begin or end with a space. Verify the password and try again.")]
    EdgeSpace,
    /// The password has fewer classes of characters than the policy requires. The value is the
    /// policy's minimum.
    #[error(
        "Minimum of different classes of characters in password is {0}. Classes of characters: Lower Case, Upper Case, Digits, Special Characters."
    )]
    TooFewClasses(usize),
    /// The password is the e-mail address.
    #[error("The password can't be the same as the email address. Create a new password and try again.")]
    SameAsEmail,
    /// The password is the admin user's name.
    #[error("The password can't be the same as the username. Create a new password and try again.")]
    SameAsUsername,
    /// The password consists of words that belong to the account or the shop.
    #[error(
        "The password can't be made of the store's name, your name or your email address. Create a new password and try again."
    )]
    ContextWords,
    /// The password is common, or is a run of characters.
    #[error("The password is too common. Create a new password and try again.")]
    TooCommon,
    /// The host's [`BreachedPasswords`](crate::credential::BreachedPasswords) list contains the
    /// password.
    #[error("The password has appeared in a data breach. Create a new password and try again.")]
    Breached,
}
