//! The fresh sign-in that a change of credentials asks for: a stolen token is not enough.

use crate::{
    service::{Services, stop::Stop},
    state::factor::Factor,
    token::AdminIdentity,
};

/// Refuses a change of an admin user's own credentials to a sign-in that is not fresh, or was without the
/// second factor that there is. Returns that factor.
pub(in crate::flow) async fn require_fresh_sign_in(
    services: &Services,
    who: &AdminIdentity,
) -> Result<Option<Factor>, Stop> {
    let factor = services.factors.factor(who.admin_id()).await?;
    services.freshness.require(who.auth_time(), who.obtained, factor.is_some())?;
    Ok(factor)
}
