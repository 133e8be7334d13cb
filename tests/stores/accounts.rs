//! What the ready-made account tables promise, through two nodes of one database.

use commerce_auth::{
    AccountStatus, AdminId, AdminRecord, AdminStore, CustomerId, CustomerRecord, CustomerStore, Email,
    PasswordHash, Permission, StoreError, UpsertError, Username, Website,
};
use futures_util::future::join_all;

/// A ready-made table: its traits have no verbs to fill it.
pub trait Table<Row, Id> {
    async fn upsert(&self, row: Row) -> Result<(), UpsertError>;
    async fn remove(&self, id: &Id) -> Result<bool, StoreError>;
}

macro_rules! tables {
    ($feature:literal: $customers:ident, $admins:ident) => {
        tables!(@ $feature: $customers, CustomerRecord, CustomerId);
        tables!(@ $feature: $admins, AdminRecord, AdminId);
    };
    (@ $feature:literal: $table:ident, $row:ident, $id:ident) => {
        #[cfg(feature = $feature)]
        impl Table<$row, $id> for commerce_auth::$table {
            async fn upsert(&self, row: $row) -> Result<(), UpsertError> {
                Self::upsert(self, row).await
            }

            async fn remove(&self, id: &$id) -> Result<bool, StoreError> {
                Self::remove(self, id).await
            }
        }
    };
}

tables!("sqlite": SqliteCustomers, SqliteAdmins);
tables!("postgres": PostgresCustomers, PostgresAdmins);

/// Texts that have broken a table somewhere.
const ODD: [&str; 6] = ["'", "\"; DROP TABLE customers; --", "%", "a\\", "$1", "🦀"];

fn hash(text: &str) -> PasswordHash {
    PasswordHash::from(text)
}

fn exposed(hash: Option<&PasswordHash>) -> Option<&str> {
    hash.map(PasswordHash::expose)
}

fn customer(id: &str, email: &str) -> CustomerRecord {
    CustomerRecord {
        id: id.parse().unwrap(),
        website: Website::default(),
        email: email.into(),
        password_hash: Some(hash("first")),
        status: AccountStatus::Active,
        allows_assistance: false,
    }
}

/// The customer table.
pub async fn customers<T>([one, other]: [T; 2])
where
    T: CustomerStore<Row = CustomerRecord> + Table<CustomerRecord, CustomerId> + Sync,
{
    let (base, outlet) = (Website::default(), "outlet".parse::<Website>().unwrap());
    let by_email = async |website: &Website, email: &str| {
        let email: Email = email.parse().unwrap();
        other.find_by_email(website, &email).await.unwrap()
    };
    one.upsert(customer("1", "BobLobLaw@EXAMPLE.com")).await.unwrap();
    let found = by_email(&base, "bobloblaw@example.com").await.expect("the canonical address finds the row");
    assert_eq!((found.email.as_str(), found.id), ("BobLobLaw@EXAMPLE.com", CustomerId::from(1)));
    assert!(by_email(&outlet, "bobloblaw@example.com").await.is_none(), "another website's");

    let taken = one.upsert(customer("2", "bobloblaw@example.COM")).await;
    assert!(matches!(taken, Err(UpsertError::Conflict(_))), "another customer's address");
    for invalid in ["", "bob", "a@example.com,b@example.com", "a\0@example.com"] {
        let refused = one.upsert(customer("2", invalid)).await;
        assert!(matches!(refused, Err(UpsertError::Conflict(_))), "{invalid:?}");
    }
    assert!(other.find_by_id(&CustomerId::from(2)).await.unwrap().is_none());
    let mut elsewhere = customer("2", "bobloblaw@example.com");
    elsewhere.website = outlet.clone();
    elsewhere.status = AccountStatus::Unconfirmed;
    elsewhere.password_hash = None;
    one.upsert(elsewhere).await.unwrap();
    let found =
        by_email(&outlet, "bobloblaw@example.com").await.expect("the same address on another website");
    assert_eq!((found.status, exposed(found.password_hash.as_ref())), (AccountStatus::Unconfirmed, None));

    // A row is replaced as a whole, its address too.
    let mut moved = customer("1", "bob@example.com");
    moved.status = AccountStatus::Disabled;
    other.upsert(moved).await.unwrap();
    assert!(by_email(&base, "bobloblaw@example.com").await.is_none());
    assert_eq!(by_email(&base, "bob@example.com").await.unwrap().status, AccountStatus::Disabled);

    let first = CustomerId::from(1);
    assert!(one.set_assistance(&first, true).await.unwrap());
    assert!(other.find_by_id(&first).await.unwrap().unwrap().allows_assistance);
    assert!(!one.set_assistance(&CustomerId::from(9), true).await.unwrap());

    let none: Option<&PasswordHash> = None;
    assert!(!one.replace_password_hash(&first, none, &hash("x")).await.unwrap());
    assert!(!one.replace_password_hash(&first, Some(&hash("other")), &hash("x")).await.unwrap());
    let racers = (0..50).map(|racer| {
        let table = if racer % 2 == 0 { &one } else { &other };
        let new = hash(&format!("new {racer}"));
        let first = &first;
        async move { table.replace_password_hash(first, Some(&hash("first")), &new).await.unwrap() }
    });
    let replaced = join_all(racers).await.into_iter().filter(|replaced| *replaced).count();
    assert_eq!(replaced, 1, "of 50 that replaced the same hash");
    let second = CustomerId::from(2);
    assert!(one.replace_password_hash(&second, none, &hash("a first one")).await.unwrap());
    assert!(!one.replace_password_hash(&second, none, &hash("another")).await.unwrap());

    for (number, odd) in ODD.iter().enumerate() {
        let mut row = customer(odd, &format!("odd{number}@example.com"));
        row.password_hash = Some(hash(odd));
        one.upsert(row).await.unwrap();
        let found = other.find_by_id(&odd.parse().unwrap()).await.unwrap().expect("an odd id finds its row");
        assert_eq!(exposed(found.password_hash.as_ref()), Some(*odd));
    }
    assert!(one.remove(&first).await.unwrap());
    assert!(!other.remove(&first).await.unwrap());
    assert!(by_email(&base, "bob@example.com").await.is_none());
}

/// The admin user table.
pub async fn admins<T>([one, other]: [T; 2])
where
    T: AdminStore<Row = AdminRecord> + Table<AdminRecord, AdminId> + Sync,
{
    let row = |id: &str, username: &str| AdminRecord {
        id: id.parse().unwrap(),
        username: username.into(),
        password_hash: Some(hash("first")),
        status: AccountStatus::Active,
        permissions: Permission::ALL.to_vec(),
        requires_second_factor: true,
    };
    let by_name = async |name: &str| {
        let name: Username = name.parse().unwrap();
        other.find_by_username(&name).await.unwrap()
    };
    one.upsert(row("7", "Admin")).await.unwrap();
    let found = by_name("aDMIN").await.expect("the canonical name finds the row");
    assert_eq!((found.username.as_str(), found.permissions), ("Admin", Permission::ALL.to_vec()));
    assert!(found.requires_second_factor);
    assert!(matches!(other.upsert(row("8", "ADMIN")).await, Err(UpsertError::Conflict(_))));
    assert!(matches!(other.upsert(row("8", "a\0b")).await, Err(UpsertError::Conflict(_))));

    let mut changed = row("7", "clerk");
    changed.permissions = vec![Permission::Login];
    changed.status = AccountStatus::Disabled;
    changed.requires_second_factor = false;
    other.upsert(changed).await.unwrap();
    assert!(by_name("admin").await.is_none());
    let found = by_name("clerk").await.unwrap();
    assert_eq!((found.status, found.permissions), (AccountStatus::Disabled, vec![Permission::Login]));
    assert!(!found.requires_second_factor);
    assert!(!one.find_by_id(&found.id).await.unwrap().unwrap().requires_second_factor);
    let mut without = row("7", "clerk");
    without.permissions = Vec::new();
    one.upsert(without).await.unwrap();
    let found = by_name("clerk").await.unwrap();
    assert!(found.permissions.is_empty() && found.requires_second_factor);

    let id = AdminId::from(7);
    assert!(!one.replace_password_hash(&id, Some(&hash("other")), &hash("x")).await.unwrap());
    assert!(other.replace_password_hash(&id, Some(&hash("first")), &hash("second")).await.unwrap());
    let found = one.find_by_id(&id).await.unwrap().unwrap();
    assert_eq!(exposed(found.password_hash.as_ref()), Some("second"));
    assert!(one.remove(&id).await.unwrap());
    assert!(other.find_by_id(&id).await.unwrap().is_none());
}
