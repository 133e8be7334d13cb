use time::OffsetDateTime;

use super::steps::ending::conclude;
use crate::{
    account::{CustomerId, Website},
    audit::{Action, Draft},
    credential::OneTimeCode,
    error::Error,
    service::{Services, stop::Stop},
    store::OneTimeCredential,
    token::{Bearer, Grant, GrantId, Subject},
};

/// A one-time code with which an admin user can act for a customer.
#[derive(Clone, Debug)]
pub struct GeneratedCode {
    code: OneTimeCode,
    customer: CustomerId,
    website: Website,
    expires_at: OffsetDateTime,
}

impl GeneratedCode {
    /// Returns the one-time code. Show it only to the admin user.
    #[must_use]
    pub const fn code(&self) -> &OneTimeCode {
        &self.code
    }

    /// Returns the customer for whom the admin user can act.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// Returns the website on which the code is valid.
    #[must_use]
    pub const fn website(&self) -> &Website {
        &self.website
    }

    /// Returns the time at which the code expires.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

pub(crate) async fn generate_one_time_code(
    services: &Services,
    bearer: Bearer<'_>,
    customer: &CustomerId,
    reason: &str,
) -> Result<GeneratedCode, Error> {
    let own = services.tokens.present(bearer.token).await?;
    let mut event = Draft::awaited(Action::CodeMint, bearer.origin).of_customer(customer);
    let ended = mint(services, &own, customer, reason, &mut event).await;
    conclude(services, &event, ended).await
}

async fn mint(
    services: &Services,
    own: &Grant,
    customer: &CustomerId,
    reason: &str,
    event: &mut Draft,
) -> Result<GeneratedCode, Stop> {
    let Services { assistance, one_time, tokens, config, .. } = services;
    let (offered, until) = assistance.offered_by(own, reason, event).await?;
    let generation = tokens.generation(&Subject::Customer(customer.clone())).await?;
    let row = assistance.consenting(customer).await?;
    let code = one_time.draw_one_time_code()?;
    let (now, end) = tokens.lifespan(config.lifetimes.one_time_code, Some(until));
    let record = OneTimeCredential::one_time_code(
        code.digest(),
        row.website.clone(),
        row.id.clone(),
        generation,
        offered,
        now,
        end,
    );
    event.website = Some(row.website.clone());
    event.grant = Some(GrantId::from_digest(record.digest));
    event.expires_at = Some(end);
    services.trail.begin(event).await?;
    one_time.put(&record).await?;
    Ok(GeneratedCode { code, customer: row.id, website: row.website, expires_at: end })
}
