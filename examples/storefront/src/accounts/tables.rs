use commerce_auth::{
    AdminStore, CustomerId, CustomerStore,
    account::{AdminRecord, CustomerRecord, UpsertError},
    async_trait,
    audit::{AuditEvent, MemoryAudit, Report, Verifier},
    error::StoreError,
    keyring::Keyring,
    store::{
        memory::{MemoryAdmins, MemoryCustomers},
        sqlite::{SqliteAdmins, SqliteAudit, SqliteCustomers},
    },
};

/// A ready-made customer table of the crate's, whichever database it is in.
#[async_trait]
pub(crate) trait CustomerTable: CustomerStore<Row = CustomerRecord> {
    async fn put(&self, row: CustomerRecord) -> Result<(), UpsertError>;

    /// Removes the row of a customer, if it is there.
    async fn remove(&self, id: &CustomerId) -> Result<(), StoreError>;
}

/// A ready-made admin user table of the crate's.
#[async_trait]
pub(crate) trait AdminTable: AdminStore<Row = AdminRecord> {
    async fn put(&self, row: AdminRecord) -> Result<(), UpsertError>;
}

/// An audit trail that can be read.
#[async_trait]
pub(crate) trait Trail: Send + Sync {
    /// The newest events, the oldest of them first.
    async fn newest(&self, events: usize) -> Result<Vec<AuditEvent>, StoreError>;

    /// True if the trail is as it was written. None for a trail that is not signed.
    async fn verify(&self, keyring: &Keyring) -> Result<Option<Report>, StoreError>;
}

macro_rules! tables {
    ($customers:ty, $admins:ty, $audit:ty) => {
        #[async_trait]
        impl CustomerTable for $customers {
            async fn put(&self, row: CustomerRecord) -> Result<(), UpsertError> {
                self.upsert(row).await
            }

            async fn remove(&self, id: &CustomerId) -> Result<(), StoreError> {
                self.remove(id).await.map(drop)
            }
        }

        #[async_trait]
        impl AdminTable for $admins {
            async fn put(&self, row: AdminRecord) -> Result<(), UpsertError> {
                self.upsert(row).await
            }
        }

        #[async_trait]
        impl Trail for $audit {
            async fn newest(&self, events: usize) -> Result<Vec<AuditEvent>, StoreError> {
                self.events(events).await
            }

            async fn verify(&self, keyring: &Keyring) -> Result<Option<Report>, StoreError> {
                self.verify(Verifier::new(keyring, &[])).await.map(Some)
            }
        }
    };
}

tables!(SqliteCustomers, SqliteAdmins, SqliteAudit);
#[cfg(feature = "postgres")]
tables!(
    commerce_auth::store::postgres::PostgresCustomers,
    commerce_auth::store::postgres::PostgresAdmins,
    commerce_auth::store::postgres::PostgresAudit
);

#[async_trait]
impl CustomerTable for MemoryCustomers {
    async fn put(&self, row: CustomerRecord) -> Result<(), UpsertError> {
        Ok(self.upsert(row)?)
    }

    async fn remove(&self, id: &CustomerId) -> Result<(), StoreError> {
        self.remove(id);
        Ok(())
    }
}

#[async_trait]
impl AdminTable for MemoryAdmins {
    async fn put(&self, row: AdminRecord) -> Result<(), UpsertError> {
        Ok(self.upsert(row)?)
    }
}

#[async_trait]
impl Trail for MemoryAudit {
    async fn newest(&self, events: usize) -> Result<Vec<AuditEvent>, StoreError> {
        let mut all = self.events();
        Ok(all.split_off(all.len().saturating_sub(events)))
    }

    async fn verify(&self, _: &Keyring) -> Result<Option<Report>, StoreError> {
        Ok(None)
    }
}
