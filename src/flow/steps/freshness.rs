//! The requirement of a recent sign-in before an admin user changes credentials. So a thief who has
//! an older token cannot change credentials with it.

use crate::{
    service::{Services, stop::Stop},
    state::factor::Factor,
    token::AdminIdentity,
};

/// Refuses an admin user whose sign-in is too old, or whose sign-in did not use the admin user's
/// second factor. Returns the second factor, if the admin user has one.
pub(in crate::flow) async fn require_fresh_sign_in(
    services: &Services,
    who: &AdminIdentity,
) -> Result<Option<Factor>, Stop> {
    let factor = services.factors.factor(who.admin_id()).await?;
    services.freshness.require(who.auth_time(), who.obtained, factor.is_some())?;
    Ok(factor)
}
