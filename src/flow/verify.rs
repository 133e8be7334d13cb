use super::{verify_admin::admin_behind, verify_customer};
use crate::{
    error::Error,
    service::Services,
    token::{Bearer, Grant, Identity, Subject},
};

pub(crate) async fn verify(services: &Services, bearer: Bearer<'_>) -> Result<Identity, Error> {
    let grant = services.tokens.present(bearer.token).await?;
    match grant {
        Grant { subject: Subject::Admin(_), .. } => {
            Box::pin(admin_behind(services, grant, &bearer)).await.map(Identity::Admin)
        }
        Grant { assistance: None, .. } => {
            verify_customer::identity(grant, bearer.website).map(Identity::Customer)
        }
        _ => verify_customer::assisted(services, grant, bearer).await.map(Identity::Customer),
    }
}
