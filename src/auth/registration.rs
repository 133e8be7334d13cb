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

/// # Registration and passwords
///
/// Operations on customers' e-mail addresses and passwords: registration, confirmation and change
/// of an e-mail address; check, change, reset and hashing of a password.
impl Auth {
    /// Checks a new customer's e-mail address and password, and returns the values for the host's
    /// `INSERT`, with the password hash. This is the first step of Commerce's `createCustomerV2`.
    ///
    /// This method looks up no account. So its result does not show if the e-mail address already
    /// has an account. To keep this secret in the host's response too, the host looks the e-mail
    /// address up after the call:
    ///
    /// - If no account has the e-mail address, the host inserts a row for the new account.
    /// - If an active or disabled account has the e-mail address, the host inserts nothing.
    /// - If an *unconfirmed* account has the e-mail address, the host replaces that account.
    ///
    /// Then, for every e-mail address with or without an account, the host calls
    /// [`request_confirmation`](Self::request_confirmation) with
    /// [`ConfirmationRequest::after_registration`], and sends the client the same response.
    ///
    /// To replace an unconfirmed account, the host takes three steps:
    ///
    /// 1. Remove the unconfirmed account's row. The SQL statement must check that the account is
    ///    still unconfirmed: `DELETE … WHERE id = $id AND status = 'unconfirmed'`.
    /// 2. Insert the new account's row under another id. Do not write the new password hash into
    ///    the earlier row, because a confirmation of the earlier account may still be running. It
    ///    could then activate the account with an attacker's password.
    /// 3. Call [`customer_changed`](Self::customer_changed) with the id of the removed account.
    ///
    /// If the host replaces the unconfirmed account, the mails for the removed account no longer
    /// confirm anything. Only mails for the new account do. If the host kept the first account
    /// instead, an attacker could register the customer's e-mail address first, with a password
    /// that the attacker chose. The customer could then confirm the attacker's account. The
    /// replacement does not help if the attacker registers *after* the customer: see the defences
    /// in [`confirm_email`](Self::confirm_email).
    ///
    /// Do not replace an account that already has data, for example orders. The host may have set
    /// such an account back to unconfirmed.
    ///
    /// # Security
    ///
    /// A client needs no token for a registration, so an attacker could request many password
    /// hashes. To limit this, the library first charges the registration to the budget of its
    /// source ([`Budgets::registration`](crate::config::Budgets::registration)). It does not limit
    /// registrations from an unknown source. The hash waits in the queue of callers who are not
    /// signed in.
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
    /// result are the same for every well-formed address: without an account, or with an active,
    /// disabled or unconfirmed account. The rate limits count the requests for an e-mail address
    /// and from a source. So they do not depend on the account either.
    ///
    /// The confirmation token is valid for
    /// [`Lifetimes::confirmation_token`](crate::config::Lifetimes::confirmation_token) and works
    /// once, in [`confirm_email`](Self::confirm_email). Only the newest three confirmation tokens
    /// of an account are valid. After [`ConfirmationRequest::after_registration`], if the e-mail
    /// address has an active account, its customer gets a notice: a person tried to register with
    /// the address ([`Notice::RegisteredAgain`]).
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
    /// - [`Error::Overloaded`]: other attempts at the same account took too long.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias = "resendConfirmationEmail")]
    pub async fn request_confirmation(&self, request: ConfirmationRequest) -> Result<(), Error> {
        flow::request_confirmation(&self.services, request).await
    }

    /// Confirms a customer's e-mail address with a mailed confirmation token: Commerce's
    /// `confirmEmail`.
    ///
    /// The effect depends on the address to which the confirmation token was mailed:
    ///
    /// - If the token was mailed to the account's present e-mail address, the account becomes
    ///   active ([`CustomerStore::confirm`]).
    /// - If the token was mailed to a new e-mail address
    ///   ([`request_email_change`](Self::request_email_change)), the new address replaces the
    ///   present one ([`CustomerStore::replace_email`]). A notice goes to both addresses
    ///   ([`Notice::EmailChanged`]).
    ///
    /// A successful confirmation ends all tokens and one-time credentials of the customer, so the
    /// customer must sign in again.
    ///
    /// For each e-mail address and source, failed confirmations have a budget with the size of
    /// [`Budgets::source`](crate::config::Budgets::source). Failed sign-ins do not count in it.
    /// Until this budget is spent, every wrong token causes the same work, so the duration of the
    /// refusal reveals nothing about the account.
    ///
    /// # Security
    ///
    /// The confirmation of an e-mail address must resist pre-hijacking. In this attack, an attacker
    /// registers a victim's e-mail address with a password that the attacker chose. Then the
    /// attacker waits until the victim follows the link in the mail, and signs in to the victim's
    /// account. The confirmation token proves that a person read the mail. It does not prove that
    /// this person chose the password.
    ///
    /// Suppose that an attacker registered the account with a password that the attacker chose. The
    /// confirmation ends the bearer tokens, reset tokens and e-mail changes that the attacker
    /// requested before. But the attacker still knows the password. So the host needs a defence.
    /// Only the first of these defences is complete:
    ///
    /// - Ask for the password on the page behind the mailed link, and pass it with
    ///   [`EmailConfirmation::password`]. Then only a person who reads the mail *and* knows the
    ///   password can activate the account. A victim who does not know the attacker's password
    ///   resets it first. With this defence, the host does not need another one.
    ///   Commerce's `confirmEmail` has no such argument, so the host must pass the password
    ///   itself.
    /// - Let each new registration replace an earlier unconfirmed account of the same e-mail
    ///   address: see [`begin_registration`](Self::begin_registration). This helps if the attacker
    ///   registered before the victim, and does not help if the attacker registers later.
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
    /// - [`SignInError::WrongPassword`]: the password is not the account's password. The
    ///   confirmation token is right and still valid.
    /// - [`SignInError::TooManyRequests`]: too many wrong tokens were presented for this account
    ///   from this source, or the source has failed too often over all accounts.
    /// - [`Error::Overloaded`]: too many hashes are waiting, or other attempts at the account took
    ///   too long. The token is still valid.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, and the e-mail address
    ///   may be confirmed. If the token was for a new address, the customer's earlier bearer tokens
    ///   may still be valid: call [`customer_changed`](Self::customer_changed) to end them. If the
    ///   account is still unconfirmed, the customer can ask for another confirmation token.
    ///
    /// If the future of this call is dropped before it completes, the operation can be half done,
    /// as after [`Error::Unavailable`]. Some servers drop the future when a client disconnects. To
    /// prevent this, run the call in a separate task.
    #[doc(alias("confirmEmail", "/V1/customers/me/activate"))]
    pub async fn confirm_email(&self, confirmation: EmailConfirmation) -> Result<Confirmed, Error> {
        flow::confirm_email(&self.services, confirmation).await
    }

    /// Requests a change of a signed-in customer's e-mail address. A mail to the new address asks
    /// the customer to confirm it.
    ///
    /// The account keeps its present e-mail address until the customer confirms the new one.
    ///
    /// The current password is checked as in [`confirm_password`](Self::confirm_password). The
    /// customer cannot see if the new e-mail address already has an account, because the work and
    /// the result do not depend on it. Only the mails depend on it:
    ///
    /// - If the new e-mail address has no account, a confirmation token is mailed to it
    ///   ([`Notice::EmailChangeRequested`]).
    /// - If the new e-mail address has an account, the customer of that account gets a notice
    ///   ([`Notice::RegisteredAgain`]).
    /// - With or without such an account, a notice goes to the customer's present e-mail address
    ///   ([`Notice::EmailChangeAsked`]).
    ///
    /// Only the customer's newest three confirmation tokens are valid. All three end when all of
    /// the customer's tokens are revoked, for example after a reset of the password or a confirmed
    /// e-mail address. A change of the password ends them, too.
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
}
