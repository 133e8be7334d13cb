use super::Auth;
#[cfg(doc)]
use crate::{
    account::{AccountStatus, CustomerStore},
    config::AuthConfig,
    error::{ConfirmationError, InputError, InternalError, SignInError, TokenError},
    notifier::Notice,
};
use crate::{
    account::{CustomerId, PasswordHash},
    credential::Credential,
    error::Error,
    flow::{
        self, ConfirmationRequest, Confirmed, EmailConfirmation, NewAccount, PasswordReset,
        PasswordResetRequest, Registration,
    },
    token::{Bearer, Origin},
};

/// # Registration and passwords
///
/// Operations on customers' e-mail addresses and passwords: registration, confirmation and change
/// of an e-mail address; check, change, reset and hashing of a password.
impl Auth {
    /// Checks a new customer's e-mail address and password, and returns the values for the host's
    /// `INSERT`, with the password hash. This is the first step of Commerce's `createCustomerV2`.
    ///
    /// The call looks up no account, so its result is the same for an e-mail address that already
    /// has an account. To keep secret which e-mail addresses have an account, the host does this
    /// after the call:
    ///
    /// 1. Insert a row for the account. If the e-mail address already has a confirmed account,
    ///    insert nothing. If it has an unconfirmed account, see below.
    /// 2. In both cases call [`request_confirmation`](Self::request_confirmation) with
    ///    [`ConfirmationRequest::after_registration`], and send the client the same response.
    ///
    /// If the e-mail address has an *unconfirmed* account, do this instead of step 1, to replace
    /// the account:
    ///
    /// - Remove the earlier account's row. The SQL statement must check that the account is still
    ///   unconfirmed: `DELETE … WHERE id = $id AND status = 'unconfirmed'`.
    /// - Insert the new account's row under another id. Do not write the new password hash into the
    ///   earlier row. Otherwise a confirmation of the earlier account that is still running could
    ///   activate the account with an attacker's password.
    /// - Call [`customer_changed`](Self::customer_changed) with the earlier id, and continue with
    ///   step 2.
    ///
    /// After the replacement, only the mail of the newest registration confirms an account. Without
    /// the replacement, a customer could confirm an account that an attacker registered with the
    /// customer's e-mail address and the attacker's password: see
    /// [`confirm_email`](Self::confirm_email). Some hosts set existing accounts, for example with
    /// orders, back to unconfirmed. Such a host must not remove those accounts.
    ///
    /// # Security
    ///
    /// A client needs no token for a registration, and each registration with a password costs a
    /// password hash. Before the password is hashed, the library charges the registration to
    /// [`Budgets::registration`](crate::config::Budgets::registration). The hash waits in the queue
    /// of callers who are not signed in.
    ///
    /// ```
    /// use commerce_auth::{
    ///     Auth,
    ///     account::AccountStatus,
    ///     flow::Registration,
    ///     store::memory::{MemoryCustomers, MemoryStore},
    /// };
    ///
    /// # pollster::block_on(async {
    /// let auth =
    ///     Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).without_notifier().build()?;
    /// let password = "b0bl0bl@w".into();
    /// let account = auth.begin_registration(Registration::new("BobLoblaw@example.com", Some(password))).await?;
    /// // INSERT INTO customers (email, password_hash, status, firstname, ..)
    /// assert_eq!(account.email.as_str(), "bobloblaw@example.com");
    /// assert!(account.password_hash.is_some());
    /// assert_eq!(account.status, AccountStatus::Unconfirmed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: the input is
    ///   malformed or breaks the password policy. The registration was not counted, with one
    ///   exception: a password from a data breach is refused after the registration was counted.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. The
    ///   registration was not counted.
    /// - [`SignInError::TooManyRequests`]: too many registrations from this source.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Unavailable`], [`Error::Random`]: the registration failed. Do not insert the
    ///   account.
    #[doc(alias("createCustomer", "createCustomerV2", "/V1/customers"))]
    pub async fn begin_registration(&self, registration: Registration) -> Result<NewAccount, Error> {
        flow::begin_registration(&self.services, registration).await
    }

    /// Makes a confirmation token for the unconfirmed customer with this e-mail address, and passes
    /// the token to the [`Notifier`](crate::notifier::Notifier), which mails it.
    ///
    /// Call this method after a registration. The method also implements Commerce's
    /// `resendConfirmationEmail`.
    ///
    /// If no unconfirmed account has the e-mail address, no token is mailed. The work and the
    /// result are the same for every address, whether its account is unknown, active, disabled or
    /// unconfirmed. The rate limits count requests for an e-mail address, so they are the same
    /// whether or not the address has an account.
    ///
    /// The token is valid for
    /// [`Lifetimes::confirmation_token`](crate::config::Lifetimes::confirmation_token) and works
    /// once, in [`confirm_email`](Self::confirm_email). Only the newest three tokens of an account
    /// are valid. [`ConfirmationRequest::after_registration`] has one more effect. If the e-mail
    /// address has an active account, the customer gets a notice that a person registered with the
    /// address ([`Notice::RegisteredAgain`]).
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. Nothing
    ///   was looked up, and the request was not counted.
    /// - [`SignInError::TooManyRequests`]: too many requests for this e-mail address, or from this
    ///   source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias = "resendConfirmationEmail")]
    pub async fn request_confirmation(&self, request: ConfirmationRequest) -> Result<(), Error> {
        flow::request_confirmation(&self.services, request).await
    }

    /// Confirms a customer's e-mail address with a mailed confirmation token: Commerce's
    /// `confirmEmail`.
    ///
    /// There are two cases:
    ///
    /// - The token was mailed to the account's present e-mail address. Then the account becomes
    ///   active ([`CustomerStore::confirm`]).
    /// - The token was mailed to a new e-mail address
    ///   ([`request_email_change`](Self::request_email_change)). Then the new address replaces the
    ///   present one ([`CustomerStore::replace_email`]). A notice goes to both addresses
    ///   ([`Notice::EmailChanged`]).
    ///
    /// In both cases all tokens and one-time credentials of the customer end, so the customer must
    /// sign in again. Failed confirmations count in a separate budget for each source, with the
    /// size of [`Budgets::source`](crate::config::Budgets::source). Until this budget is spent,
    /// every refusal does the same work, so its duration reveals nothing about the account.
    ///
    /// # Security
    ///
    /// This call must resist pre-hijacking. In this attack, an attacker registers a victim's e-mail
    /// address with the attacker's own password. Then the attacker waits until the victim follows
    /// the link in the mail. The confirmation token proves that a person read the mail. The token
    /// does not prove that this person chose the password.
    ///
    /// The confirmation ends all tokens, reset tokens and e-mail changes that the attacker began
    /// with that password before. The attacker still knows the password, so the host needs one of
    /// these defences:
    ///
    /// - Ask for the password on the page behind the mailed link, and pass it with
    ///   [`EmailConfirmation::password`]. Then only a person who reads the mail *and* knows the
    ///   password can activate the account. A victim who does not know the attacker's password
    ///   resets it first. This is the strongest defence, and no other is needed. Commerce's
    ///   `confirmEmail` has no such argument, so the host must pass the password itself.
    /// - Let each new registration replace an earlier unconfirmed account of the same e-mail
    ///   address: see [`begin_registration`](Self::begin_registration).
    /// - Say in the mail that a person who did not register must not follow the link.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use commerce_auth::{
    ///     Auth, CustomerId, SignIn,
    ///     account::CustomerRecord,
    ///     error::StoreError,
    ///     flow::{ConfirmationRequest, EmailConfirmation, Registration},
    ///     notifier::{Notice, Notification, Notifier},
    ///     store::memory::{MemoryCustomers, MemoryStore},
    /// };
    ///
    /// #[derive(Debug, Default)]
    /// struct Mailbox(Mutex<Vec<Notice>>);
    ///
    /// impl Notifier for Mailbox {
    ///     fn notify(&self, notification: Notification) -> Result<(), StoreError> {
    ///         self.0.lock().unwrap().push(notification.notice);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # pollster::block_on(async {
    /// let (customers, mailbox) = (MemoryCustomers::new(), Arc::new(Mailbox::default()));
    /// let auth = Auth::builder(MemoryStore::new())
    ///     .customers(customers.clone())
    ///     .notifier(Arc::clone(&mailbox))
    ///     .build()?;
    ///
    /// let (email, password) = ("bobloblaw@example.com", "b0bl0bl@w");
    /// let account = auth.begin_registration(Registration::new(email, Some(password.into()))).await?;
    /// let row = CustomerRecord::new(1, email).with_password(account.password_hash).with_status(account.status);
    /// customers.upsert(row)?;
    /// auth.request_confirmation(ConfirmationRequest::new(email).after_registration()).await?;
    /// assert!(auth.generate_customer_token(SignIn::new(email, password)).await.is_err());
    ///
    /// let Some(Notice::ConfirmationRequested { token, .. }) = mailbox.0.lock().unwrap().pop() else { panic!() };
    /// let confirmed = auth.confirm_email(EmailConfirmation::new(email, token.expose()).password(password)).await?;
    /// assert_eq!(confirmed.customer, CustomerId::from(1));
    /// auth.generate_customer_token(SignIn::new(email, password)).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::PasswordTooLong`]: the
    ///   input is malformed. Nothing was looked up.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. Nothing
    ///   was looked up, and the attempt was not counted.
    /// - [`ConfirmationError::InvalidToken`]: the error does not distinguish these cases:
    ///   - The token is wrong, expired, spent or revoked, or belongs to another e-mail address or
    ///     website.
    ///   - The account is disabled.
    ///   - Another account has the e-mail address.
    ///   - Another request ended the customer's tokens while the new e-mail address was written.
    ///     Then the previous address is restored in its canonical spelling, and all tokens end.
    /// - [`ConfirmationError::AlreadyConfirmed`]: the token is right, but the account is already
    ///   active.
    /// - [`SignInError::WrongPassword`]: the password is not the account's password. The token is
    ///   right and still valid.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting. The token is still valid.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, and the e-mail address
    ///   may be confirmed. If the token was for a new address, the customer's earlier bearer tokens
    ///   may still be valid: call [`customer_changed`](Self::customer_changed) to end them. If the
    ///   account is still unconfirmed, the customer can ask for another confirmation token.
    ///
    /// If the future of this call is dropped before it completes, the effect is the same as of
    /// [`Error::Unavailable`]. Some servers drop it when a client disconnects. To prevent this, run
    /// the call in a separate task.
    #[doc(alias("confirmEmail", "/V1/customers/me/activate"))]
    pub async fn confirm_email(&self, confirmation: EmailConfirmation) -> Result<Confirmed, Error> {
        flow::confirm_email(&self.services, confirmation).await
    }

    /// Requests a change of a signed-in customer's e-mail address. A mail to the new address asks
    /// the customer to confirm it.
    ///
    /// The account keeps its present e-mail address until the customer confirms the new one.
    ///
    /// The current password is checked as in [`confirm_password`](Self::confirm_password). The work
    /// and the result are the same whether or not the new e-mail address already has an account.
    /// The mails differ:
    ///
    /// - If the new e-mail address has no account, a confirmation token is mailed to it
    ///   ([`Notice::EmailChangeRequested`]).
    /// - If the new e-mail address has an account, the customer of that account gets a notice
    ///   ([`Notice::RegisteredAgain`]).
    /// - In both cases, a notice goes to the present e-mail address ([`Notice::EmailChangeAsked`]).
    ///
    /// Only the newest three confirmation tokens are valid. All of them end when the customer
    /// changes or resets the password, or confirms the new e-mail address.
    ///
    /// # Errors
    ///
    /// - The errors of [`confirm_password`](Self::confirm_password).
    /// - [`InputError::Email`]: the new e-mail address is malformed. Nothing was looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::TooManyRequests`]: too many requests for the new e-mail address, or from
    ///   this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias = "updateCustomerEmail")]
    pub async fn request_email_change(
        &self,
        bearer: impl Into<Bearer<'_>>,
        password: impl Into<Credential>,
        new_email: &str,
    ) -> Result<(), Error> {
        flow::request_email_change(&self.services, bearer.into(), password.into(), new_email).await
    }

    /// Checks a signed-in customer's current password.
    ///
    /// Call it before an operation that asks for the password again, such as a new e-mail address
    /// or payment data. The host must not compare passwords itself.
    ///
    /// Wrong passwords count in a budget of the account that is separate from its sign-in budgets.
    /// The budget has the size of [`Budgets::source`](crate::config::Budgets::source). They also
    /// count in the account's budget over all sources. An attacker with a stolen bearer token
    /// therefore has only a limited number of guesses.
    ///
    /// # Errors
    ///
    /// - The errors of [`verify_customer`](Self::verify_customer), and
    ///   [`TokenError::NotAuthorized`] for an assistance token.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: the input is malformed. Nothing
    ///   was looked up.
    /// - [`SignInError::WrongPassword`]: the password is wrong, or the account has no password or
    ///   is not active.
    /// - [`SignInError::Locked`]: there were too many wrong passwords.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`InternalError::ForeignRow`]: the customer table returned the row of another account, or
    ///   a row without a valid e-mail address.
    /// - [`Error::Unavailable`], [`Error::Random`]: the password was not confirmed.
    pub async fn confirm_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        password: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::confirm_password(&self.services, bearer.into(), password.into()).await
    }

    /// Changes a signed-in customer's password: Commerce's `changeCustomerPassword`.
    ///
    /// The current password is checked as in [`confirm_password`](Self::confirm_password). A
    /// successful change ends all other bearer tokens of the customer, and all reset tokens and
    /// one-time codes. The presented bearer token stays valid.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Policy`]: the input is malformed, or the new
    ///   password breaks the policy. The current password was not checked, with one exception: a
    ///   new password from a data breach is refused after the current password was found right.
    /// - The errors of [`confirm_password`](Self::confirm_password).
    /// - [`Error::Conflict`]: another request changed the password at the same time.
    /// - [`TokenError::Invalid`]: while the password was changed, another request ended the
    ///   presented token or all tokens of the customer. The previous password is restored, and all
    ///   tokens end.
    /// - [`Error::Unavailable`], [`Error::Random`]: the customer's other tokens may still be valid.
    ///   If the new password was already written, the library restores the previous one, because it
    ///   does not know whether the other tokens ended. If the restoration fails too, the new
    ///   password stays. The customer should try again, first with one password and then with the
    ///   other as the current one.
    ///
    /// If the future of this call is dropped before it completes, the effect is the same as of
    /// [`Error::Unavailable`]. Some servers drop it when a client disconnects. To prevent this, run
    /// the call in a separate task.
    #[doc(alias("changeCustomerPassword", "/V1/customers/me/password"))]
    pub async fn change_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::change_password(&self.services, bearer.into(), current.into(), new.into()).await
    }

    /// Makes a reset token for the customer with this e-mail address, and passes the token to the
    /// [`Notifier`](crate::notifier::Notifier), which mails it: Commerce's
    /// `requestPasswordResetEmail`.
    ///
    /// If no account has the e-mail address, or the account is disabled, no mail is sent. The work
    /// and the result are the same for every address, whether its account is missing, locked or
    /// disabled. The rate limits count requests for an e-mail address, so they are the same whether
    /// or not the address has an account.
    ///
    /// The reset token is valid for
    /// [`Lifetimes::reset_token`](crate::config::Lifetimes::reset_token). It works once: in
    /// [`reset_password`](Self::reset_password) or as the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token). The newest three tokens of an
    /// account are valid. One or two requests by an attacker therefore do not invalidate the link
    /// in the customer's mail.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. Nothing
    ///   was looked up, and the request was not counted.
    /// - [`SignInError::TooManyRequests`]: too many requests for this e-mail address, or from this
    ///   source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias("requestPasswordResetEmail", "/V1/customers/password"))]
    pub async fn request_password_reset(&self, request: PasswordResetRequest) -> Result<(), Error> {
        flow::request_password_reset(&self.services, request).await
    }

    /// Sets a new password by a reset token: Commerce's `resetPassword`.
    ///
    /// A successful reset ends all bearer tokens, reset tokens and one-time codes of the customer,
    /// and clears the account's locks. An unconfirmed account stays unconfirmed. If the policy
    /// refuses the new password, the reset token stays valid for another try.
    ///
    /// If the account is locked after wrong passwords, the customer can still reset the password,
    /// because a reset token cannot be guessed. Failed resets count in a separate budget for each
    /// source, with the size of [`Budgets::source`](crate::config::Budgets::source). Until this
    /// budget is spent, every refusal does the same work.
    ///
    /// If a spent reset token is presented again, this is a replay: one of the two uses may be an
    /// attacker's. The library then ends the bearer token that was obtained with the reset token.
    /// If the reset token was used to set a new password, all of the customer's bearer tokens end.
    /// The customer gets a notice ([`Notice::CredentialReplayed`](crate::notifier::Notice)) and
    /// should ask for a new link. A second click while the first reset is still running is a replay
    /// too, but the first reset succeeds.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: the input is
    ///   malformed, or the new password breaks the policy. Nothing was looked up, with one
    ///   exception: a password from a data breach is refused after the reset token was found valid.
    ///   The token stays valid.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. Nothing
    ///   was looked up, and the attempt was not counted.
    /// - [`SignInError::ResetTokenMismatched`]: the error does not distinguish these cases:
    ///   - The reset token belongs to another account, or is expired, spent or revoked.
    ///   - The account does not exist or is disabled.
    ///   - Another request ended the customer's tokens while the new password was written. Then the
    ///     previous password is restored, and all tokens end. If the account had no password before,
    ///     it has no working password now.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting. The token is still valid.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, the password may be
    ///   set, and earlier tokens may still be valid. The customer should ask for another reset.
    ///
    /// If the future of this call is dropped before it completes, the effect is the same as of
    /// [`Error::Unavailable`]. Some servers drop it when a client disconnects. To prevent this, run
    /// the call in a separate task.
    #[doc(alias("resetPassword", "/V1/customers/resetPassword"))]
    pub async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error> {
        flow::reset_password(&self.services, reset).await
    }

    /// Checks a customer's reset token without spending it.
    ///
    /// Implements Commerce's `GET /V1/customers/{id}/password/resetLinkToken/{token}`.
    ///
    /// Returns `Ok` if the token is valid. An unknown customer and a wrong token cause the same
    /// work and the same error. Wrong tokens count in two budgets. The budget of a customer and a
    /// source together has the size of [`Budgets::source`](crate::config::Budgets::source). The
    /// other budget is that of the source over all accounts. Commerce does not limit this request.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`]: the token is empty. Nothing was looked up.
    /// - [`SignInError::ResetTokenMismatched`]: the token belongs to another customer, or is
    ///   expired, spent or revoked. Or the customer does not exist or is disabled. The error does
    ///   not distinguish these cases.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token could not be checked.
    #[doc(alias(
        "resetLinkToken",
        "/V1/customers/{customerId}/password/resetLinkToken/{resetPasswordLinkToken}"
    ))]
    pub async fn check_reset_token(
        &self,
        customer: &CustomerId,
        token: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<(), Error> {
        flow::check_reset_token(&self.services, customer, token.into(), origin).await
    }

    /// Checks a customer's new password against the password policy, and returns the password hash
    /// for the host's table.
    ///
    /// Call this method when the host creates an account. The host must not hash passwords itself.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed.
    /// - [`InputError::Policy`]: names the rule that the password breaks, in Commerce's words.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Random`]: failed to obtain a random salt.
    /// - [`Error::Unavailable`]: the request to the host's
    ///   [`BreachedPasswords`](crate::credential::BreachedPasswords) failed.
    pub async fn hash_new_password(
        &self,
        email: &str,
        password: impl Into<Credential>,
    ) -> Result<PasswordHash, Error> {
        flow::hash_new_password(&self.services, email, password.into()).await
    }
}
