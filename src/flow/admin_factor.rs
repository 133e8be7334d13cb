use time::OffsetDateTime;

use super::verify_admin;
use crate::{error::Error, service::Services, token::Bearer};

/// The part of an admin user's second factor that the admin user may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminFactor {
    /// The time at which the second factor was activated.
    pub activated_at: OffsetDateTime,
    /// Number of recovery codes that are not used yet.
    pub recovery_codes_left: usize,
}

pub(crate) async fn admin_factor(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<Option<AdminFactor>, Error> {
    let who = verify_admin(services, bearer).await?;
    let factor = services.factors.factor(who.admin_id()).await?;
    Ok(factor.map(|factor| AdminFactor {
        activated_at: factor.activated_at,
        recovery_codes_left: factor.recovery_codes.len(),
    }))
}
