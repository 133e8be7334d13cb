use std::sync::Arc;

use commerce_auth::{Auth, AuthBuilder};

use crate::{accounts::Database, audit::LoggedAudit};

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
        .audit(LoggedAudit(Arc::clone(&database.audit)))
}
