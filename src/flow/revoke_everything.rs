use super::steps::ending::conclude;
use crate::{
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::Origin,
};

pub(crate) async fn revoke_everything(services: &Services) -> Result<(), Error> {
    let event = Draft::awaited(Action::EverythingRevoke, &Origin::default());
    let ended = services.tokens.revoke_everything().await;
    conclude(services, &event, ended.map_err(Into::into)).await
}
