use super::{verify_admin::admin_behind, verify_customer};
use crate::{
    error::Error,
    service::Services,
    token::{Bearer, Identity, Subject},
};

pub(crate) async fn verify(services: &Services, bearer: Bearer<'_>) -> Result<Identity, Error> {
    let grant = services.tokens.present(bearer.token).await?;
    match &grant.subject {
        Subject::Customer(_) => {
            if let Some(assistance) = verify_customer::check(services, &grant, &bearer)? {
                assistance.await?;
            }
            verify_customer::identity(grant, bearer.website).map(Identity::Customer)
        }
        Subject::Admin(_) => Box::pin(admin_behind(services, grant, &bearer)).await.map(Identity::Admin),
    }
}
