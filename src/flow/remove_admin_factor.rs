use super::steps::{credentials::end_credentials, ending::conclude, second_factor::clear_budgets};
use crate::{
    account::AdminId,
    audit::{Action, Draft},
    error::Error,
    notifier::AdminNotice,
    service::{Services, stop::Stop},
    token::{Origin, Subject},
};

pub(crate) async fn remove_admin_factor(services: &Services, admin: &AdminId) -> Result<bool, Error> {
    let event = Draft::awaited(Action::FactorRemoval, &Origin::default()).of_admin(admin);
    let ended = remove(services, admin, &event).await;
    conclude(services, &event, ended).await
}

async fn remove(services: &Services, admin: &AdminId, event: &Draft) -> Result<bool, Stop> {
    services.trail.begin(event).await?;
    let removed = services.factors.remove(admin).await?;
    // The admin user is notified, even if the account is not active.
    if removed
        && let Ok(admins) = services.admins()
        && let Some(row) = admins.find_by_id(admin).await?
    {
        services.notices.tell_admin(&row, AdminNotice::FactorRemoved, &event.origin);
    }
    clear_budgets(services, admin).await?;
    end_credentials(services, &Subject::Admin(admin.clone()), None, &event.origin).await?;
    Ok(removed)
}
