//! What the customer's ways to a token by credential have in common.

use futures_lite::future;
use time::OffsetDateTime;

use super::{ending::Stop, issue::Drawn};
use crate::{
    account::{AccountStatus, CustomerId, CustomerRecord, Email, Website},
    audit::{Action, Draft, Refusal},
    auth::Auth,
    clock::after,
    credential::{Credential, Match, Steps},
    error::{Error, Field},
    service::{
        attempts::{Attempted, Charged, Opened, account_partition},
        codes::Judged,
    },
    state::budgets::Outcome,
    store::{Generation, OneTimeCredential, Presented, Purpose},
    token::{AssistanceEnd, BearerToken, Digest, Grant, Obtained, Origin, Subject},
};

/// A customer's sign-in, as a client sent it.
///
/// ```
/// # fn peer() -> std::net::SocketAddr { ([192, 0, 2, 1], 4711).into() }
/// use commerce_auth::{Origin, SignIn};
///
/// let sign_in = SignIn::new("bobloblaw@example.com", "b0bl0bl@w").from(peer());
/// let sign_in = SignIn::new("bobloblaw@example.com", "b0bl0bl@w")
///     .from(Origin::from(peer()).user_agent("Mozilla/5.0").correlation_id("7f3a9c"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SignIn {
    pub(super) email: String,
    pub(super) credential: Credential,
    pub(super) website: Website,
    pub(super) origin: Origin,
}

impl SignIn {
    /// A sign-in on the default website with the `email` argument, and the `password` or `otp` argument, as they came:
    /// neither is trimmed.
    pub fn new(email: impl Into<String>, credential: impl Into<Credential>) -> Self {
        let (email, credential) = (email.into(), credential.into());
        Self { email, credential, website: Website::default(), origin: Origin::default() }
    }

    /// The website that is signed in on.
    pub fn on(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// Where the request came from: an address, or an [`Origin`] that tells more. Failures are counted by the address,
    /// so give the client's own and not a proxy's; without one, all clients share one budget for each account.
    pub fn from(self, origin: impl Into<Origin>) -> Self {
        Self { origin: origin.into(), ..self }
    }

    /// Refuses what is malformed before any work is done on it.
    pub(super) fn check(&self, credential: Field) -> Result<Email, Error> {
        if self.email.is_empty() {
            return Err(Error::Required(Field::Email));
        }
        self.credential.check_bounds(credential)?;
        self.email.parse().map_err(|_| Error::InvalidEmail)
    }
}

/// A customer's token that was issued.
#[derive(Clone, Debug)]
pub struct SignedIn {
    token: BearerToken,
    customer: CustomerId,
    obtained: Obtained,
    expires_at: OffsetDateTime,
}

impl SignedIn {
    pub(super) fn new(token: BearerToken, customer: CustomerId, grant: &Grant) -> Self {
        Self { token, customer, obtained: grant.obtained, expires_at: grant.expires_at }
    }

    /// The new bearer token, for the client alone.
    #[must_use]
    pub const fn token(&self) -> &BearerToken {
        &self.token
    }

    /// The customer it speaks for.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// How it was obtained.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// When the token ends: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// The customer of an address, or the decoy that stands in for none.
pub(super) struct Sought {
    pub(super) email: Email,
    pub(super) row: Option<CustomerRecord>,
    pub(super) customer: CustomerId,
    /// Read after the row and before any credential is checked.
    pub(super) generation: Generation,
}

/// A right credential of an account that may sign in.
struct Admitted {
    row: CustomerRecord,
    matched: Match,
    /// Read before the credential was checked.
    generation: Generation,
    /// What the token must not outlive: the admin user's own, if it is born of assistance.
    until: Option<OffsetDateTime>,
}

impl Auth {
    /// Signs in by these steps of the chain, within these budgets; beyond them the answer is `spent`.
    pub(super) async fn sign_in(
        &self,
        sign_in: &SignIn,
        email: &Email,
        steps: Steps,
        attempted: Attempted,
        spent: Error,
    ) -> Result<SignedIn, Error> {
        let action = if steps.password { Action::SignIn } else { Action::CodeRedemption };
        let mut event = Draft::about(action, &sign_in.origin)
            .on(&sign_in.website)
            .at_account(account_partition(&sign_in.website, email).digest());
        let ended = match self.parts.attempts.open(attempted).await {
            Ok(Some(opened)) => self.sign_in_within(sign_in, email, steps, opened, &mut event).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error.into()),
        };
        let ended = ended.and_then(|signed_in| signed_in.ok_or(Refusal::BudgetSpent.told(spent)));
        self.conclude(&event, ended).await
    }

    /// Returns none once a budget is spent.
    async fn sign_in_within(
        &self,
        sign_in: &SignIn,
        email: &Email,
        steps: Steps,
        opened: Opened<'_>,
        event: &mut Draft,
    ) -> Result<Option<SignedIn>, Stop> {
        let drawn = self.draw_token()?;
        let (charged, sought) = self.reserve_beside(opened, &sign_in.website, email).await?;
        let Some(charged) = charged else { return Ok(None) };
        let admitted = self.admit(sign_in, steps, &drawn.digest, sought, &charged, event).await;
        let outcome = match &admitted {
            Ok(Admitted { matched: Match::Password { .. }, .. }) => Outcome::Succeeded,
            Ok(_) | Err(Stop { told: Error::NotConfirmed, .. }) => Outcome::Withdrawn,
            Err(Stop { told: Error::SignInRefused, .. }) => Outcome::Failed,
            // What failed was behind a right code.
            Err(_) if event.actor.is_some() => Outcome::Withdrawn,
            Err(_) => charged.unknown_outcome(),
        };
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(stop) => {
                // What failed first is what is told.
                let _ = self.settle(charged, outcome, event).await;
                return Err(stop);
            }
        };
        // Neither waits for the other: how the attempt went is settled by the credential alone.
        let issue = self.issue(sign_in, &admitted, drawn, event);
        let (settled, signed_in) = future::zip(charged.settle(outcome), issue).await;
        // The credential is right: a charge that could not be settled now is settled later.
        drop(settled);
        let signed_in = signed_in?;
        if let Match::Password { outdated: true } = admitted.matched {
            self.rehash(&sign_in.credential, &admitted.row).await;
        }
        Ok(Some(signed_in))
    }

    /// Reserves the charge of an attempt and looks up the customer meanwhile. If the charge had to wait for
    /// room, the customer is looked up again.
    pub(super) async fn reserve_beside<'a>(
        &self,
        opened: Opened<'a>,
        website: &Website,
        email: &Email,
    ) -> Result<(Option<Charged<'a>>, Sought), Stop> {
        let (charged, sought) = future::zip(opened.reserve(), self.seek(website, email)).await;
        let charged = charged?;
        let again = charged.as_ref().is_some_and(Charged::waited);
        let sought = if again { self.seek(website, email).await } else { sought };
        Ok((charged, sought?))
    }

    async fn seek(&self, website: &Website, email: &Email) -> Result<Sought, Stop> {
        let row = self.parts.customers.find_by_email(website, email).await?;
        // A row of another address, such as a lenient collation finds, is no row: an answer of its own would
        // tell strangers who has an account.
        let row = row.filter(|row| row.is_of(website, email));
        let decoy = self.parts.decoys.customer(website, email);
        let customer = row.as_ref().map_or(&decoy, |row| &row.id).clone();
        let generation = self.generation(&Subject::Customer(customer.clone())).await?;
        Ok(Sought { email: email.clone(), row, customer, generation })
    }

    /// Judges the credential and the account behind it. The same verbs in the same order for every refusal.
    async fn admit(
        &self,
        sign_in: &SignIn,
        steps: Steps,
        digest: &Digest,
        sought: Sought,
        charged: &Charged<'_>,
        event: &mut Draft,
    ) -> Result<Admitted, Stop> {
        event.subject = sought.row.as_ref().map(|row| Subject::Customer(row.id.clone()));
        let judged = self.evaluate(sign_in, steps, digest, &sought, charged, event).await?;
        let Sought { email, row, customer, generation } = sought;
        let (matched, seen) = match (judged, row) {
            (Judged::Good(matched), Some(row)) => (matched, row),
            (Judged::Replayed(bought), _) => {
                // Whoever holds a spent code may have stolen it, before it was spent or after: what it bought
                // ends. The token may not be stored yet: it is barred for as long as it could live.
                event.action = Action::CodeReplay;
                event.grant = Some(bought);
                let now = self.parts.clock.now();
                // Only for the trail: what cannot be found out must not keep it from ending.
                if let Ok(Some(grant)) = self.parts.tokens.find(&bought, now).await {
                    event.about_grant(&grant);
                }
                let until = after(now, self.config().assistance_token_lifetime);
                self.parts.tokens.revoke(&bought, now, until).await?;
                let end = AssistanceEnd::Withdrawn;
                self.close_assistance(&customer, &bought, end, &sign_in.origin).await;
                return Err(Refusal::SpentCode.told(Error::SignInRefused));
            }
            (Judged::Refused | Judged::Good(_), row) => {
                let why = match row.map(|row| row.status) {
                    None => Refusal::UnknownAccount,
                    Some(AccountStatus::Disabled) => Refusal::AccountDisabled,
                    Some(_) => Refusal::WrongCredential,
                };
                return Err(why.told(Error::SignInRefused));
            }
        };
        // The row was read before the generation, so the host may have changed it and revoked in between: it
        // is looked at again. A change from here on moves the generation, and the grant is not stored.
        let row = self.parts.customers.find_by_id(&seen.id).await?;
        let row = row.filter(|row| row.id == seen.id && row.is_of(&sign_in.website, &email));
        let row = row.ok_or(Refusal::UnknownAccount.told(Error::SignInRefused))?;
        if let Match::Password { .. } = matched
            && !row.has_hash_of(&seen)
            && !self.is_password(sign_in, &row, charged).await?
        {
            return Err(Refusal::WrongCredential.told(Error::SignInRefused));
        }
        match row.status {
            AccountStatus::Active => {}
            AccountStatus::Unconfirmed => {
                return Err(Refusal::AccountUnconfirmed.told(Error::NotConfirmed));
            }
            AccountStatus::Disabled => return Err(Refusal::AccountDisabled.told(Error::SignInRefused)),
        }
        let until = match &matched {
            Match::OneTimeCode(_) if !row.allows_assistance => {
                return Err(Refusal::NoConsent.told(Error::SignInRefused));
            }
            Match::OneTimeCode(assistance) => {
                let stands = self.assistance_stands_until(assistance).await;
                Some(stands.map_err(|stop| stop.refused_as(Error::SignInRefused))?)
            }
            Match::Password { .. } | Match::ResetToken => None,
        };
        Ok(Admitted { row, matched, generation, until })
    }

    /// Runs the ordered chain. A one-time credential that matches is spent, for the grant of this digest. A
    /// credential that matches nothing costs one hash and one look-up of one-time credentials.
    async fn evaluate(
        &self,
        sign_in: &SignIn,
        steps: Steps,
        digest: &Digest,
        sought: &Sought,
        charged: &Charged<'_>,
        event: &mut Draft,
    ) -> Result<Judged<Match>, Error> {
        let Sought { email: _, row, customer, generation } = sought;
        if steps.password {
            // A disabled account's password is as good as none, so that its refusal is the same work, too.
            let enabled = row.as_ref().filter(|row| row.status != AccountStatus::Disabled);
            let hash = enabled.and_then(|row| row.password_hash.as_ref());
            let matched = self.parts.evaluator.match_password(&sign_in.credential, hash, charged.begun());
            if let Some(matched) = matched.await? {
                return Ok(Judged::Good(matched));
            }
        }
        if !steps.one_time.reset_token && !steps.one_time.one_time_code {
            return Ok(Judged::Refused);
        }
        let presented = Presented {
            website: sign_in.website.clone(),
            customer: customer.clone(),
            digest: Digest::of(sign_in.credential.bytes()),
            purposes: steps.one_time,
        };
        let offer = match self.parts.codes.peek(&presented, *generation).await? {
            Judged::Good(offer) => offer,
            Judged::Replayed(bought) => return Ok(Judged::Replayed(bought)),
            Judged::Refused => return Ok(Judged::Refused),
        };
        let OneTimeCredential { purpose, assistance, .. } = &offer.credential;
        let matched = match (purpose, assistance) {
            (Purpose::ResetToken, None) => Match::ResetToken,
            (Purpose::OneTimeCode, Some(assistance)) => {
                // The record of the redemption comes before the code is spent.
                event.action = Action::CodeRedemption;
                event.grant = Some(*digest);
                event.about_assistance(assistance);
                self.parts.trail.begin(event).await?;
                Match::OneTimeCode(assistance.clone())
            }
            // A host's own store has mixed them up.
            (Purpose::ResetToken, Some(_)) | (Purpose::OneTimeCode, None) => return Ok(Judged::Refused),
        };
        Ok(self.parts.codes.take(offer, Some(digest)).await?.map(|()| matched))
    }

    /// Whether the password is the row's, which was changed since it was first checked: by another sign-in
    /// that made its hash anew, or by the customer.
    async fn is_password(
        &self,
        sign_in: &SignIn,
        row: &CustomerRecord,
        charged: &Charged<'_>,
    ) -> Result<bool, Error> {
        let hash = row.password_hash.as_ref();
        self.parts.evaluator.is_password(&sign_in.credential, hash, charged.begun()).await
    }

    /// Stores the grant behind the token.
    async fn issue(
        &self,
        sign_in: &SignIn,
        admitted: &Admitted,
        drawn: Drawn,
        event: &mut Draft,
    ) -> Result<SignedIn, Stop> {
        let (obtained, lifetime) = match admitted.matched {
            Match::Password { .. } => (Obtained::Password, self.config().customer_token_lifetime),
            Match::ResetToken => (Obtained::ResetToken, self.config().customer_token_lifetime),
            Match::OneTimeCode(_) => (Obtained::OneTimeCode, self.config().assistance_token_lifetime),
        };
        let (now, end) = self.lifespan(lifetime, admitted.until);
        let (customer, website) = (admitted.row.id.clone(), sign_in.website.clone());
        let mut grant = Grant::customer(drawn.digest, customer.clone(), website, obtained, now, end);
        if let Match::OneTimeCode(assistance) = &admitted.matched {
            grant.assistance = Some(assistance.clone());
        }
        event.about_grant(&grant);
        if grant.assistance.is_some() {
            self.store_assistance(&admitted.row, &grant, &sign_in.origin, admitted.generation).await?;
        } else {
            self.store_grant(&grant, &sign_in.origin, admitted.generation).await?;
        }
        Ok(SignedIn::new(drawn.token, customer, &grant))
    }

    /// Makes an outdated hash anew. If it cannot be done now, the next sign-in does it.
    async fn rehash(&self, password: &Credential, row: &CustomerRecord) {
        if let Ok(new) = self.parts.evaluator.pool().hash(password, self.parts.random.as_ref()).await {
            let expected = row.password_hash.as_ref();
            let _ = self.parts.customers.replace_password_hash(&row.id, expected, &new).await;
        }
    }
}
