use commerce_auth::{AdminId, CustomerId, Email, async_trait, error::StoreError};

use super::Profile;

/// A change to a profile, made while nobody else changes it. It is made again if the database has undone it.
pub(crate) type Edit = Box<dyn Fn(&mut Profile) + Send + Sync>;

/// The requests that the shop makes to its database, in addition to those of the library.
#[async_trait]
pub(crate) trait Profiles: Send + Sync {
    /// Adds a profile; answers its id, which the database gives, and gives only once.
    async fn add(&self, profile: &Profile) -> Result<CustomerId, StoreError>;

    async fn find(&self, id: &CustomerId) -> Result<Option<Profile>, StoreError>;

    /// Edits a profile, if it is there, in one transaction.
    async fn edit(&self, id: &CustomerId, edit: Edit) -> Result<(), StoreError>;

    async fn remove(&self, id: &CustomerId) -> Result<(), StoreError>;

    /// Removes the account of a customer who has not confirmed the address, and keeps the profile.
    /// Returns true if it did. It is one atomic statement: an account that is confirmed meanwhile stays.
    async fn remove_unconfirmed(&self, id: &CustomerId) -> Result<bool, StoreError>;

    /// The customers whose address contains the text, at most `limit` of them.
    async fn search(&self, part: &str, limit: u32) -> Result<Vec<CustomerId>, StoreError>;

    /// Gives an account another address, and changes nothing else of its row, since writing back the whole
    /// row would undo a password change in between. Returns false if another account has the address.
    async fn change_email(&self, id: &CustomerId, email: &Email) -> Result<bool, StoreError>;

    /// Sets the display name of an admin user: what customers read, in place of the name to sign in with.
    async fn name_admin(&self, id: &AdminId, name: &str) -> Result<(), StoreError>;

    /// Returns the display name of an admin user, if it was set.
    async fn admin_name(&self, id: &AdminId) -> Result<Option<String>, StoreError>;
}
