use std::{sync::Arc, time::Duration};

use commerce_auth::{Auth, AuthBuilder, AuthConfig};

use crate::{accounts::Database, args::Serve, audit::LoggedAudit};

/// The parts that every request needs: the sign-in and the database.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) auth: Auth,
    pub(crate) database: Database,
    /// True if new accounts and changed addresses wait for a mail to be confirmed. An account that is unconfirmed signs
    /// in to no shop, so that one from before this was switched off is still its mailbox's owner's alone.
    pub(crate) confirms_email: bool,
}

/// The crate, on the shop's tables.
pub(crate) fn auth_on(database: &Database) -> AuthBuilder {
    Auth::builder(Arc::clone(&database.store))
        .customers(Arc::clone(&database.customers))
        .admins(Arc::clone(&database.admins))
        .tokens(Arc::clone(&database.tokens))
        .keyring(database.keyring.clone())
        .audit(LoggedAudit(Arc::clone(&database.audit)))
}

/// Commerce's rules, with the changes of the command line.
pub(crate) fn config(args: &Serve) -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.issuer = "Storefront".into();
    config.admin_second_factor = args.admin_factor.into();
    config.assistance.step_up = args.assistance_step_up;
    config.lifetimes.fresh_sign_in = Duration::from_secs(args.fresh_for);
    config
}
