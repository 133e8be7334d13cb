use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use commerce_auth::{
    AdminId, CustomerId, CustomerStore, Email, account::AccountStatus, async_trait, error::StoreError,
    store::memory::MemoryCustomers,
};

use super::{Edit, Profile, Profiles};

/// Profiles in this process: gone with it.
pub(super) struct MemoryProfiles {
    customers: MemoryCustomers,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    last_id: i64,
    rows: BTreeMap<CustomerId, Profile>,
    admin_names: BTreeMap<AdminId, String>,
}

impl MemoryProfiles {
    pub(super) fn beside(customers: MemoryCustomers) -> Self {
        Self { customers, table: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Profiles for MemoryProfiles {
    async fn add(&self, profile: &Profile) -> Result<CustomerId, StoreError> {
        let mut table = self.lock();
        table.last_id += 1;
        let id = CustomerId::from(table.last_id);
        table.rows.insert(id.clone(), profile.clone());
        Ok(id)
    }

    async fn find(&self, id: &CustomerId) -> Result<Option<Profile>, StoreError> {
        Ok(self.lock().rows.get(id).cloned())
    }

    async fn edit(&self, id: &CustomerId, edit: Edit) -> Result<(), StoreError> {
        if let Some(profile) = self.lock().rows.get_mut(id) {
            edit(profile);
        }
        Ok(())
    }

    async fn remove(&self, id: &CustomerId) -> Result<(), StoreError> {
        self.lock().rows.remove(id);
        Ok(())
    }

    /// The table in memory has no verb for it: an account that is confirmed in the microsecond between the two is removed.
    async fn remove_unconfirmed(&self, id: &CustomerId) -> Result<bool, StoreError> {
        let row = self.customers.find_by_id(id).await?;
        let is_unconfirmed = row.is_some_and(|row| row.status == AccountStatus::Unconfirmed);
        Ok(is_unconfirmed && self.customers.remove(id))
    }

    async fn search(&self, part: &str, limit: u32) -> Result<Vec<CustomerId>, StoreError> {
        let ids: Vec<_> = self.lock().rows.keys().cloned().collect();
        let part = part.to_lowercase();
        let mut found = Vec::new();
        for id in ids {
            let row = self.customers.find_by_id(&id).await?;
            if row.is_some_and(|row| row.email.to_lowercase().contains(&part)) {
                found.push(id);
            }
        }
        found.truncate(limit as usize);
        Ok(found)
    }

    /// The table in memory has no verb for it: a password change in the microsecond between the two is undone.
    async fn change_email(&self, id: &CustomerId, email: &Email) -> Result<bool, StoreError> {
        let Some(row) = self.customers.find_by_id(id).await? else { return Ok(false) };
        Ok(self.customers.upsert(row.with_email(email.to_string())).is_ok())
    }

    async fn name_admin(&self, id: &AdminId, name: &str) -> Result<(), StoreError> {
        self.lock().admin_names.insert(id.clone(), name.to_owned());
        Ok(())
    }

    async fn admin_name(&self, id: &AdminId) -> Result<Option<String>, StoreError> {
        Ok(self.lock().admin_names.get(id).cloned())
    }
}
