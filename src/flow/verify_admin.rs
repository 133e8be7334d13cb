use super::steps::ending::refused_in_use;
use crate::{
    audit::Action,
    error::{Error, TokenError},
    service::Services,
    token::{AdminIdentity, Bearer, Grant, Subject},
};

pub(crate) async fn verify_admin(services: &Services, bearer: Bearer<'_>) -> Result<AdminIdentity, Error> {
    let grant = services.tokens.present(bearer.token).await?;
    admin_behind(services, grant, &bearer).await
}

/// Returns the admin user of a grant. Refuses an account that is not active now. Also refuses a
/// grant that was obtained without a second factor, if the policy now requires one.
pub(super) async fn admin_behind(
    services: &Services,
    grant: Grant,
    bearer: &Bearer<'_>,
) -> Result<AdminIdentity, Error> {
    let Subject::Admin(id) = &grant.subject else { return Err(Error::Token(TokenError::NotAuthorized)) };
    let acting = services.admins()?.acting(id, &grant, services.config.admin_second_factor).await;
    let refused = |stop| refused_in_use(services, stop, Action::AdminUse, &grant, bearer.origin);
    let admin = acting.map_err(refused)?;
    Ok(AdminIdentity {
        admin,
        grant: grant.id,
        obtained: grant.obtained,
        issued_micros: grant.issued_micros,
        expires_micros: grant.expires_micros,
    })
}
