use std::{sync::Arc, time::Duration};

use commerce_auth::{Auth, AuthBuilder, AuthConfig};

use crate::{accounts::Database, args::Serve, audit::LoggedAudit};

/// True if a new account waits for a mail to be confirmed. This shop sends none.
pub(crate) const CONFIRMS_ACCOUNTS: bool = false;

/// What every request needs: the sign-in, and the database beside it.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) auth: Auth,
    pub(crate) database: Database,
}

/// The crate, on the shop's tables.
pub(crate) fn auth_on(database: &Database) -> AuthBuilder {
    Auth::builder(Arc::clone(&database.store))
        .customers(Arc::clone(&database.customers))
        .admins(Arc::clone(&database.admins))
        .state(Arc::clone(&database.durable))
        .ledger(Arc::clone(&database.durable))
        .keyring(database.keyring.clone())
        .audit(LoggedAudit(Arc::clone(&database.audit)))
}

/// Commerce's rules, but for what the command line says.
pub(crate) fn config(args: &Serve) -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.issuer = "Storefront".into();
    config.admin_second_factor = args.admin_factor.into();
    config.assistance_step_up = args.assistance_step_up;
    config.fresh_for = Duration::from_secs(args.fresh_for);
    config
}
