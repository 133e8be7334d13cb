//! The host's account tables, with a hook before and after every call.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AdminStore, CustomerId, CustomerStore, Email, PasswordHash, Website,
    account::{AdminRecord, CustomerRecord, EmailReplacement, Username},
    error::StoreError,
    store::memory::{MemoryAdmins, MemoryCustomers},
};

type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// Calls its hook with `before` and the name of each call, and with `after` and the name once the
/// call is done. Its rows are those of a [`Shop`](crate::Shop), which it gets once the shop is
/// open.
#[derive(Clone)]
pub struct Table<T> {
    rows: Arc<OnceLock<T>>,
    hook: Hook,
}

impl<T> Table<T> {
    pub fn new(hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { rows: Arc::default(), hook: Arc::new(hook) }
    }

    pub fn fill(&self, rows: T) {
        assert!(self.rows.set(rows).is_ok(), "a table has the rows of one shop");
    }

    async fn call<A>(&self, name: &str, call: impl AsyncFnOnce(&T) -> A) -> A {
        (self.hook)(&format!("before {name}"));
        let answer = call(self.rows.get().expect("the shop is open")).await;
        (self.hook)(&format!("after {name}"));
        answer
    }
}

#[async_trait]
impl CustomerStore for Table<MemoryCustomers> {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        self.call("find_by_email", async |rows| rows.find_by_email(website, email).await).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        self.call("find_by_id", async |rows| rows.find_by_id(id).await).await
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replace = async |rows: &MemoryCustomers| rows.replace_password_hash(id, expected, new).await;
        self.call("replace_password_hash", replace).await
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.call("set_assistance", async |rows| rows.set_assistance(id, allowed).await).await
    }

    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        self.call("confirm", async |rows| rows.confirm(id, email).await).await
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        self.call("replace_email", async |rows| rows.replace_email(id, expected, new).await).await
    }
}

#[async_trait]
impl AdminStore for Table<MemoryAdmins> {
    type Row = AdminRecord;

    async fn find_by_username(&self, username: &Username) -> Result<Option<AdminRecord>, StoreError> {
        self.call("find_by_username", async |rows| rows.find_by_username(username).await).await
    }

    async fn find_by_id(&self, id: &AdminId) -> Result<Option<AdminRecord>, StoreError> {
        self.call("find_by_id", async |rows| rows.find_by_id(id).await).await
    }

    async fn replace_password_hash(
        &self,
        id: &AdminId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replace = async |rows: &MemoryAdmins| rows.replace_password_hash(id, expected, new).await;
        self.call("replace_password_hash", replace).await
    }
}
