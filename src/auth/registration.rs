use super::Auth;
#[cfg(doc)]
use crate::{
    account::{AccountStatus, CustomerStore},
    config::AuthConfig,
    error::{ConfirmationError, InputError, InternalError, SignInError, TokenError},
    notifier::Notice,
};
use crate::{
    credential::Credential,
    error::Error,
    flow::{self, ConfirmationRequest, Confirmed, EmailConfirmation, NewAccount, Registration},
    token::Bearer,
};

/// # Registration
///
/// Registration of customers, and confirmation of their e-mail addresses.
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
    /// is charged to [`AuthConfig::registration_budget`]. The hash waits in the queue of callers
    /// who are not signed in.
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
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge) requires a
    ///   right answer. The registration was not counted.
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
    /// The token lives for [`AuthConfig::confirmation_lifetime`] and works once, in
    /// [`confirm_email`](Self::confirm_email). The newest three tokens are valid. With
    /// [`ConfirmationRequest::after_registration`], the owner of an active account is notified that
    /// somebody registered with the address ([`Notice::RegisteredAgain`]).
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge) requires a
    ///   right answer. Nothing was looked up, and the request was not counted.
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
    /// [`AuthConfig::source_budget`]. Within this budget every refusal does the same work.
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
    ///     Auth, CustomerId, SignIn, Website,
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
    /// customers.upsert(CustomerRecord {
    ///     id: CustomerId::from(1),
    ///     website: Website::default(),
    ///     email: email.into(),
    ///     password_hash: account.password_hash,
    ///     status: account.status,
    ///     allows_assistance: false,
    /// })?;
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
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge) requires a
    ///   right answer. Nothing was looked up, and the attempt was not counted.
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
}
