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
/// Customers register, and confirm that they read the mail of their addresses.
impl Auth {
    /// Judges and hashes what a new customer sent, for the host's `INSERT`: the first step of Commerce's
    /// `createCustomerV2`.
    ///
    /// Nothing is looked up, so the answer is the same for an address that has an account. To tell nobody who has one:
    ///
    /// 1. Insert the row. If the address has an account already, do nothing instead, or see the next paragraph.
    /// 2. In both cases call [`request_confirmation`](Self::request_confirmation) with
    ///    [`ConfirmationRequest::after_registration`], and give the client the same answer.
    ///
    /// If the address has an *unconfirmed* account, remove it, insert the new one under another id, and call
    /// [`customer_changed`](Self::customer_changed) with the earlier id before the second step: the newest registration
    /// counts, and the mails of earlier ones confirm nothing any more. Otherwise the owner of the address would confirm
    /// the password of somebody else: see [`confirm_email`](Self::confirm_email). The statement that removes the account
    /// must demand that it still is unconfirmed: `DELETE … WHERE id = $id AND status = 'unconfirmed'`. A host that makes
    /// accounts with a history unconfirmed again lets those stay. Do not store the
    /// new hash in the earlier row: a confirmation on its way could make it active with the password of a stranger.
    ///
    /// # Security
    ///
    /// Anybody may call it, and each call with a password costs a hash. It is charged to
    /// [`AuthConfig::registration_budget`] before that; the hash waits in the line of strangers.
    ///
    /// ```
    /// use commerce_auth::{AccountStatus, Auth, MemoryCustomers, MemoryStore, Registration};
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
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: nothing was counted. A password from a data
    ///   breach is refused once the registration was counted.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::Challenge) asks for a right answer. Nothing was
    ///   counted.
    /// - [`SignInError::TooManyRequests`]: from this source.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Unavailable`], [`Error::Random`].
    #[doc(alias("createCustomer", "createCustomerV2", "/V1/customers"))]
    pub async fn begin_registration(&self, registration: Registration) -> Result<NewAccount, Error> {
        flow::begin_registration(&self.services, registration).await
    }

    /// Makes a confirmation token for the unconfirmed customer with this address, if there is one, and hands it to the
    /// [`Notifier`](crate::Notifier): after a registration, and Commerce's `resendConfirmationEmail`.
    ///
    /// Unknown, active, disabled and unconfirmed accounts are the same work and the same answer; so are the limits, which
    /// count the address as it was typed. The token lives for [`AuthConfig::confirmation_lifetime`] and works once, in
    /// [`confirm_email`](Self::confirm_email). The newest three stay good. With
    /// [`ConfirmationRequest::after_registration`] the owner of an active account is told that somebody registered with
    /// the address ([`Notice::RegisteredAgain`]).
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: nothing was looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::Challenge) asks for a right answer. Nothing was
    ///   looked up, and nothing counted.
    /// - [`SignInError::TooManyRequests`]: for this address, or from this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made; none was mailed.
    #[doc(alias = "resendConfirmationEmail")]
    pub async fn request_confirmation(&self, request: ConfirmationRequest) -> Result<(), Error> {
        flow::request_confirmation(&self.services, request).await
    }

    /// Confirms an e-mail address by a mailed token: Commerce's `confirmEmail`.
    ///
    /// A token that was mailed to the account's own address makes the account active
    /// ([`CustomerStore::confirm`]). One that was mailed to the address of a change
    /// ([`request_email_change`](Self::request_email_change)) gives the account this address
    /// ([`CustomerStore::replace_email`]); the customer is told at both ([`Notice::EmailChanged`]).
    /// Both end all the customer's tokens and one-time credentials, so that the customer signs in anew. It has a budget
    /// for each source, of the size of [`AuthConfig::source_budget`]; every refusal within it is the same work.
    ///
    /// # Security
    ///
    /// Pre-hijacking: somebody registers another person's address with a password of their own, and waits for the owner
    /// to confirm it. The token proves that the mail was read, not that its reader chose the password. What was obtained
    /// with that password before (tokens, reset tokens, changes of the address) ends with the confirmation. Against the
    /// password itself:
    ///
    /// - Ask for it on the page behind the mailed link, and hand it over with [`EmailConfirmation::password`]. Then an
    ///   account becomes active only for a person who reads the mail *and* knows the password, and no other defence is
    ///   needed. The owner of the address, who does not know it, resets the password first. This is the strongest
    ///   defence; Commerce's `confirmEmail` has no such argument, so it is off unless the host uses it.
    /// - Let a later registration replace the password of an unconfirmed account: see
    ///   [`begin_registration`](Self::begin_registration).
    /// - Say in the mail that a person who did not register must not follow the link.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use commerce_auth::{
    ///     Auth, ConfirmationRequest, CustomerId, CustomerRecord, EmailConfirmation, MemoryCustomers, MemoryStore,
    ///     Notice, Notification, Notifier, Registration, SignIn, StoreError, Website,
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
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::PasswordTooLong`]: nothing was looked up.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::Challenge) asks for a right answer. Nothing was
    ///   looked up, and nothing counted.
    /// - [`ConfirmationError::InvalidToken`]: wrong, expired, spent, of another address or website, ended meanwhile; a
    ///   disabled account; or another account has the address by now. Not told apart. If the customer's tokens were ended
    ///   by somebody else while a new address was written, it does not stand: the earlier one is back, in its canonical
    ///   spelling, and all tokens end.
    /// - [`ConfirmationError::AlreadyConfirmed`]: the token was right, and its account is active already.
    /// - [`SignInError::WrongPassword`]: the token is right and still good, the password is not the account's.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting; the token is still good.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, and the address may be confirmed. If it was a
    ///   new one, tokens from before may live: call [`customer_changed`](Self::customer_changed). An account that is still
    ///   unconfirmed can ask for another token.
    ///
    /// The same holds for a call that is dropped midway, as some servers do when a client goes away: run it to its end
    /// (in a task of its own).
    #[doc(alias("confirmEmail", "/V1/customers/me/activate"))]
    pub async fn confirm_email(&self, confirmation: EmailConfirmation) -> Result<Confirmed, Error> {
        flow::confirm_email(&self.services, confirmation).await
    }

    /// Asks for another e-mail address of a signed-in customer, who confirms it by the mail that goes there. The account
    /// keeps its address until then.
    ///
    /// The current password is checked as by [`confirm_password`](Self::confirm_password). A free address and one that has
    /// an account are the same work and the same answer: if it is free, it gets the token
    /// ([`Notice::EmailChangeRequested`]); if not, its owner is told ([`Notice::RegisteredAgain`]). The present address is
    /// told in both cases ([`Notice::EmailChangeAsked`]). The newest three tokens stay good, and all end with a new password,
    /// a reset, and the change itself.
    ///
    /// # Errors
    ///
    /// - As [`confirm_password`](Self::confirm_password), and [`InputError::Email`]: nothing was looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::TooManyRequests`]: for the new address, or from this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made; none was mailed.
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
