use super::{steps::ending::conclude, verify_admin};
use crate::{
    account::Permission,
    audit::{Action, Draft, Refusal},
    error::{Error, TokenError},
    service::{Services, assistance::Assistances},
    token::{AssistanceEntry, Bearer},
};

pub(crate) async fn current_assistance(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<Vec<AssistanceEntry>, Error> {
    let who = verify_admin(services, bearer.clone()).await?;
    if !who.has_permission(Permission::AssistanceLog) {
        let event = Draft::awaited(Action::AssistanceList, bearer.origin).of_admin(who.admin_id());
        let refused = Err(Refusal::NoPermission.told(TokenError::NotAuthorized));
        return conclude(services, &event, refused).await;
    }
    services.assistance.settle_open(Assistances::ENTRIES, bearer.origin).await
}
