use super::verify_customer::customer_self;
use crate::{
    audit::Action,
    error::Error,
    service::Services,
    token::{AssistanceEntry, Bearer},
};

pub(crate) async fn list_assistance(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<Vec<AssistanceEntry>, Error> {
    let who = customer_self(services, &bearer, Action::AssistanceList).await?;
    services.assistance.list_of(who.customer_id(), bearer.origin).await
}
