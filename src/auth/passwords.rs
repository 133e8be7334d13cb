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
/// Registration of customers and confirmation of their e-mail addresses; confirmation, change,
/// reset and hashing of their passwords.
impl Auth {
    /// Checks a new customer's input and hashes the password, for the host's `INSERT`: the first
    /// step of Commerce's `createCustomerV2`.
    ///
    /// Nothing is looked up, so the result is the same for an address that already has an account.
    /// To keep secret which addresses have an account:
    ///
    /// 1. Insert the row. If the address already has an account, do not insert it. For an
    ///    unconfirmed account, see below.
    /// 2. In both cases call [`request_confirmation`](Self::request_confirmation) with
    ///    [`ConfirmationRequest::after_registration`], and send the client the same response.
    ///
    /// If the address has an *unconfirmed* account, replace that account instead of step 1:
    ///
    /// - Remove the earlier row. The statement must check that the account is still unconfirmed:
    ///   `DELETE … WHERE id = $id AND status = 'unconfirmed'`.
    /// - Insert the new row under another id. Do not store the new hash in the earlier row: a
    ///   confirmation that is still running could activate the account with an attacker's password.
    /// - Call [`customer_changed`](Self::customer_changed) with the earlier id, and continue with
    ///   step 2.
    ///
    /// Then the newest registration counts, and mails of earlier registrations confirm nothing.
    /// Otherwise the owner of the address could confirm an attacker's password: see
    /// [`confirm_email`](Self::confirm_email). If the host sets accounts with a history back to
    /// unconfirmed, it must not remove those accounts.
    ///
    /// # Security
    ///
    /// Anybody may call it, and each call with a password costs a hash. Before the hash, the call
    /// is charged to [`Budgets::registration`](crate::config::Budgets::registration). The hash
    /// waits in the queue of callers who are not signed in.
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
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: the registration
    ///   was not counted. A password from a data breach is refused only after the registration was
    ///   counted.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge)
    ///   requires a right answer. The registration was not counted.
    /// - [`SignInError::TooManyRequests`]: too many registrations from this source.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Unavailable`], [`Error::Random`]: the account must not be inserted.
    #[doc(alias("createCustomer", "createCustomerV2", "/V1/customers"))]
    pub async fn begin_registration(&self, registration: Registration) -> Result<NewAccount, Error> {
        flow::begin_registration(&self.services, registration).await
    }

    /// Makes a confirmation token for the unconfirmed customer with this address and passes it to
    /// the [`Notifier`](crate::notifier::Notifier).
    ///
    /// Call it after a registration. It also implements Commerce's `resendConfirmationEmail`.
    ///
    /// If no unconfirmed account has the address, no token is mailed. The work and the result are
    /// the same for every address, whether its account is unknown, active, disabled or unconfirmed.
    /// The rate limits do not depend on an account either: they count the address as it was typed.
    ///
    /// The token lives for
    /// [`Lifetimes::confirmation_token`](crate::config::Lifetimes::confirmation_token) and works
    /// once, in [`confirm_email`](Self::confirm_email). The newest three tokens are valid. With
    /// [`ConfirmationRequest::after_registration`], the owner of an active account is notified that
    /// somebody registered with the address ([`Notice::RegisteredAgain`]).
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge)
    ///   requires a right answer. Nothing was looked up, and the request was not counted.
    /// - [`SignInError::TooManyRequests`]: too many requests for this address, or from this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias = "resendConfirmationEmail")]
    pub async fn request_confirmation(&self, request: ConfirmationRequest) -> Result<(), Error> {
        flow::request_confirmation(&self.services, request).await
    }

    /// Confirms an e-mail address with a mailed token: Commerce's `confirmEmail`.
    ///
    /// If the token was mailed to the account's own address, the account becomes active
    /// ([`CustomerStore::confirm`]). If it was mailed to a new address
    /// ([`request_email_change`](Self::request_email_change)), the account gets this address
    /// ([`CustomerStore::replace_email`]), and the customer is notified at both addresses
    /// ([`Notice::EmailChanged`]).
    ///
    /// In both cases all tokens and one-time credentials of the customer end, so the customer must
    /// sign in again. The call has a budget for each source, with the size of
    /// [`Budgets::source`](crate::config::Budgets::source). Within this budget every refusal does
    /// the same work.
    ///
    /// # Security
    ///
    /// Pre-hijacking: an attacker registers another person's address with the attacker's password,
    /// and waits for the owner to confirm the address. The token proves that a person read the
    /// mail. It does not prove that this person chose the password.
    ///
    /// The confirmation ends all tokens, reset tokens and changes of the address that the attacker
    /// obtained with that password before. The password itself needs one of these defences:
    ///
    /// - Ask for the password on the page behind the mailed link, and pass it with
    ///   [`EmailConfirmation::password`]. Then only a person who reads the mail *and* knows the
    ///   password can activate the account, and no other defence is needed. An owner of the address
    ///   who does not know the password resets it first. This is the strongest defence. Commerce's
    ///   `confirmEmail` has no such argument, so it is off unless the host uses it.
    /// - Let a later registration replace an unconfirmed account: see
    ///   [`begin_registration`](Self::begin_registration).
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
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge)
    ///   requires a right answer. Nothing was looked up, and the attempt was not counted.
    /// - [`ConfirmationError::InvalidToken`]: the token is wrong, expired or spent, ended
    ///   meanwhile, or belongs to another address or website. Or the account is disabled, or
    ///   another account has taken the address. The error does not distinguish these cases. The
    ///   same error is returned if another request ended the customer's tokens while a new address
    ///   was written. The previous address is then restored in its canonical spelling, and all
    ///   tokens end.
    /// - [`ConfirmationError::AlreadyConfirmed`]: the token is right, but its account is already
    ///   active.
    /// - [`SignInError::WrongPassword`]: the password is not the account's password. The token is
    ///   right and still valid.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting. The token is still valid.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, and the address may be
    ///   confirmed. If it was a new address, earlier tokens may still be valid: call
    ///   [`customer_changed`](Self::customer_changed). If the account is still unconfirmed, the
    ///   customer can ask for another token.
    ///
    /// The same holds if the call is dropped before it ends, as some servers do when a client
    /// disconnects. To prevent this, run the call in a separate task.
    #[doc(alias("confirmEmail", "/V1/customers/me/activate"))]
    pub async fn confirm_email(&self, confirmation: EmailConfirmation) -> Result<Confirmed, Error> {
        flow::confirm_email(&self.services, confirmation).await
    }

    /// Requests a change of a signed-in customer's e-mail address, which the customer confirms by a
    /// mail to the new address.
    ///
    /// Until the confirmation, the account keeps its present address.
    ///
    /// The current password is checked as in [`confirm_password`](Self::confirm_password). The work
    /// and the result are the same whether or not the new address has an account. If it has none,
    /// the token is mailed to it ([`Notice::EmailChangeRequested`]). If it has one, the owner of
    /// that account is notified ([`Notice::RegisteredAgain`]). In both cases the present address is
    /// notified ([`Notice::EmailChangeAsked`]).
    ///
    /// The newest three tokens are valid. All of them end with a new password, a reset, or the
    /// change itself.
    ///
    /// # Errors
    ///
    /// - As [`confirm_password`](Self::confirm_password).
    /// - [`InputError::Email`]: the new address is malformed. Nothing was looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::TooManyRequests`]: too many requests for the new address, or from this
    ///   source.
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
    /// Failures count in a separate budget with the size of
    /// [`Budgets::source`](crate::config::Budgets::source), and in the account's wider
    /// budget. A stolen token therefore does not allow unlimited guesses.
    ///
    /// # Errors
    ///
    /// - As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for an
    ///   assistance token.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: the input is malformed. Nothing
    ///   was looked up.
    /// - [`SignInError::WrongPassword`]: the password is wrong, or the account has no password or
    ///   is not active.
    /// - [`SignInError::Locked`]: there were too many wrong passwords.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`InternalError::ForeignRow`]: the customer table returned a row of another website, or a row
    ///   without a valid address.
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
    /// The current password is checked as in [`confirm_password`](Self::confirm_password). Success
    /// ends all other tokens of the customer, and all reset tokens and one-time codes. The
    /// presented token stays valid.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Policy`]: the current password was not checked. A
    ///   password from a data breach is refused only after the current password was found right.
    /// - As [`confirm_password`](Self::confirm_password).
    /// - [`Error::Conflict`]: another request changed the password at the same time.
    /// - [`TokenError::Invalid`]: another request ended the presented token, or all tokens of the
    ///   customer, meanwhile. The previous password is restored, and all tokens end.
    /// - [`Error::Unavailable`], [`Error::Random`]: the customer's other tokens may still be valid.
    ///   If the new password was written, it is undone, because the crate cannot tell whether it is
    ///   safe to keep. If the undo fails too, the new password stays. Try again with either
    ///   password.
    ///
    /// The same holds if the call is dropped before it ends, as some servers do when a client
    /// disconnects. To prevent this, run the call in a separate task.
    #[doc(alias("changeCustomerPassword", "/V1/customers/me/password"))]
    pub async fn change_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::change_password(&self.services, bearer.into(), current.into(), new.into()).await
    }

    /// Makes a reset token for the customer with this address and passes it to the
    /// [`Notifier`](crate::notifier::Notifier): Commerce's `requestPasswordResetEmail`.
    ///
    /// If no account has the address, or the account is disabled, no mail is sent. The work and the
    /// result are the same for every address, whether its account is missing, locked or disabled.
    /// The rate limits do not depend on an account either: they count the address as it was typed.
    ///
    /// The token lives for
    /// [`Lifetimes::reset_token`](crate::config::Lifetimes::reset_token). It works
    /// once, in [`reset_password`](Self::reset_password) or as the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token). The newest three tokens are
    /// valid, so the request of an attacker does not invalidate the link in the customer's mail.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge)
    ///   requires a right answer. Nothing was looked up, and the request was not counted.
    /// - [`SignInError::TooManyRequests`]: too many requests for this address, or from this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias("requestPasswordResetEmail", "/V1/customers/password"))]
    pub async fn request_password_reset(&self, request: PasswordResetRequest) -> Result<(), Error> {
        flow::request_password_reset(&self.services, request).await
    }

    /// Sets a new password by a reset token: Commerce's `resetPassword`.
    ///
    /// Success ends all tokens, reset tokens and one-time codes of the customer, and clears the
    /// locks. An unconfirmed account stays unconfirmed. If the policy refuses the password, the
    /// token stays valid for another try.
    ///
    /// A lock on the old password does not affect the reset, because nobody can guess a reset
    /// token. The reset has a separate budget for each source, with the size of
    /// [`Budgets::source`](crate::config::Budgets::source). Within this budget every
    /// refusal does the same work.
    ///
    /// If a reset token is presented a second time, this is a replay, and an attacker may have used
    /// it. The token obtained with it ends. If it was used to set a new password, all of the
    /// customer's tokens end. The customer is notified
    /// ([`Notice::CredentialReplayed`](crate::notifier::Notice)) and should ask for a new link. A
    /// second click while the first reset is still running is a replay too, and the first reset
    /// succeeds.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: nothing was
    ///   looked up. A password from a data breach is refused only after the reset token was found
    ///   valid, and the token stays valid.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge)
    ///   requires a right answer. Nothing was looked up, and the attempt was not counted.
    /// - [`SignInError::ResetTokenMismatched`]: the token belongs to another account, is expired or
    ///   spent, or ended meanwhile; or the account does not exist or is disabled. The same error is
    ///   returned if another request ended the customer's tokens while the password was written.
    ///   The previous password is then restored, and all tokens end. If there was none, the account
    ///   has no working password.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting. The token is still valid.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, the password may be
    ///   set, and earlier tokens may still be valid. The customer should ask for another reset.
    ///
    /// The same holds if the call is dropped before it ends, as some servers do when a client
    /// disconnects. To prevent this, run the call in a separate task.
    #[doc(alias("resetPassword", "/V1/customers/resetPassword"))]
    pub async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error> {
        flow::reset_password(&self.services, reset).await
    }

    /// Checks a customer's reset token without spending it.
    ///
    /// Implements Commerce's `GET /V1/customers/{id}/password/resetLinkToken/{token}`.
    ///
    /// Returns `Ok` if the token is valid. An unknown customer and a wrong token cause the same
    /// work and the same error. Wrong tokens count for each customer and source, in a budget with
    /// the size of [`Budgets::source`](crate::config::Budgets::source), and for the
    /// source over all customers. Commerce does not limit this request.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`]: the token is empty. Nothing was looked up.
    /// - [`SignInError::ResetTokenMismatched`]: the token belongs to another customer, is expired
    ///   or spent, or ended meanwhile; or the customer does not exist or is disabled. The error
    ///   does not distinguish these cases.
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

    /// Checks a new password against the policy and returns the hash to store.
    ///
    /// A host calls it when it creates an account. The host must not hash passwords itself.
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
