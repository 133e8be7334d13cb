//! The promises of the ready-made account tables, through two nodes of one database.

use commerce_auth::{
    AdminId, AdminStore, CustomerId, CustomerStore, Email, PasswordHash, Website,
    account::{
        AccountStatus, AdminRecord, CustomerRecord, EmailReplacement, Permission, UpsertError, Username,
    },
    error::StoreError,
    store::memory::MemoryCustomers,
};
use futures_util::future::join_all;

/// Fills a ready-made table, because the table's traits have no method for it.
pub trait Table<Row, Id> {
    async fn upsert(&self, row: Row) -> Result<(), UpsertError>;
    async fn remove(&self, id: &Id) -> Result<bool, StoreError>;
}

macro_rules! tables {
    ($feature:literal, $backend:ident: $customers:ident, $admins:ident) => {
        tables!(@ $feature, $backend: $customers, CustomerRecord, CustomerId);
        tables!(@ $feature, $backend: $admins, AdminRecord, AdminId);
    };
    (@ $feature:literal, $backend:ident: $table:ident, $row:ident, $id:ident) => {
        #[cfg(feature = $feature)]
        impl Table<$row, $id> for commerce_auth::store::$backend::$table {
            async fn upsert(&self, row: $row) -> Result<(), UpsertError> {
                Self::upsert(self, row).await
            }

            async fn remove(&self, id: &$id) -> Result<bool, StoreError> {
                Self::remove(self, id).await
            }
        }
    };
}

tables!("sqlite", sqlite: SqliteCustomers, SqliteAdmins);
tables!("postgres", postgres: PostgresCustomers, PostgresAdmins);

impl Table<CustomerRecord, CustomerId> for MemoryCustomers {
    async fn upsert(&self, row: CustomerRecord) -> Result<(), UpsertError> {
        Ok(Self::upsert(self, row)?)
    }

    async fn remove(&self, id: &CustomerId) -> Result<bool, StoreError> {
        Ok(Self::remove(self, id))
    }
}

#[tokio::test]
async fn the_customer_table_in_memory_keeps_what_the_trait_asks_for() {
    let table = MemoryCustomers::new();
    customers([table.clone(), table]).await;
}

/// Texts that often break tables.
const ODD: [&str; 6] = ["'", "\"; DROP TABLE customers; --", "%", "a\\", "$1", "🦀"];

fn hash(text: &str) -> PasswordHash {
    PasswordHash::from(text)
}

fn exposed(hash: Option<&PasswordHash>) -> Option<&str> {
    hash.map(PasswordHash::expose)
}

fn customer(id: &str, email: &str) -> CustomerRecord {
    CustomerRecord::new(id.parse::<CustomerId>().unwrap(), email).with_password(hash("first"))
}

/// Tests the customer table.
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

    // A row is replaced as a whole, including its address.
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

    confirmations(&one, &other).await;

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

/// Tests the methods for addresses, which compare with the stored spelling.
async fn confirmations<T>(one: &T, other: &T)
where
    T: CustomerStore<Row = CustomerRecord> + Table<CustomerRecord, CustomerId> + Sync,
{
    let id = CustomerId::from(20);
    let find = async || other.find_by_id(&id).await.unwrap().unwrap();
    for status in [AccountStatus::Active, AccountStatus::Disabled] {
        one.upsert(customer("20", "Confirm@Example.com").with_status(status)).await.unwrap();
        assert!(!one.confirm(&id, "Confirm@Example.com").await.unwrap(), "{status:?}");
        assert_eq!(find().await.status, status);
    }
    let status = AccountStatus::Unconfirmed;
    one.upsert(customer("20", "Confirm@Example.com").with_status(status)).await.unwrap();
    for email in ["confirm@example.com", "other@example.com", "", "%"] {
        assert!(!one.confirm(&id, email).await.unwrap(), "{email}");
    }
    assert!(!one.confirm(&CustomerId::from(9), "Confirm@Example.com").await.unwrap());
    assert_eq!(find().await.status, AccountStatus::Unconfirmed);
    let racers = (0..50).map(|racer| {
        let table = if racer % 2 == 0 { one } else { other };
        let id = &id;
        async move { table.confirm(id, "Confirm@Example.com").await.unwrap() }
    });
    let confirmed = join_all(racers).await.into_iter().filter(|confirmed| *confirmed).count();
    assert_eq!(confirmed, 1, "of 50 that confirmed the same account");
    assert_eq!(find().await.status, AccountStatus::Active);

    one.upsert(customer("21", "Taken@Example.com")).await.unwrap();
    let replace = async |id: &CustomerId, expected: &str, new: &str| {
        one.replace_email(id, expected, &new.parse().unwrap()).await.unwrap()
    };
    for expected in ["confirm@example.com", "other@example.com", ""] {
        let replaced = replace(&id, expected, "new@example.com").await;
        assert_eq!(replaced, EmailReplacement::Changed, "{expected}");
    }
    let gone = replace(&CustomerId::from(9), "Confirm@Example.com", "new@example.com").await;
    assert_eq!(gone, EmailReplacement::Changed);
    let taken = replace(&id, "Confirm@Example.com", "taken@example.com").await;
    assert_eq!(taken, EmailReplacement::Taken);
    assert_eq!(find().await.email, "Confirm@Example.com");
    let replaced = replace(&id, "Confirm@Example.com", "new@example.com").await;
    assert_eq!(replaced, EmailReplacement::Replaced);
    let (base, outlet) = (Website::default(), "outlet".parse::<Website>().unwrap());
    let by_email = async |website: &Website, email: &str| {
        let found = other.find_by_email(website, &email.parse().unwrap()).await.unwrap();
        found.map(|row| (row.id, row.email))
    };
    assert_eq!(by_email(&base, "new@example.com").await, Some((id.clone(), "new@example.com".into())));
    assert_eq!(by_email(&base, "confirm@example.com").await, None, "the earlier address is free");
    one.upsert(customer("22", "confirm@example.com")).await.unwrap();
    // The customer's own address in another spelling, and an address of another website's customer.
    assert_eq!(replace(&id, "new@example.com", "NEW@example.com").await, EmailReplacement::Replaced);
    let elsewhere = customer("23", "elsewhere@example.com").with_website(outlet.clone());
    one.upsert(elsewhere).await.unwrap();
    let replaced = replace(&id, "new@example.com", "elsewhere@example.com").await;
    assert_eq!(replaced, EmailReplacement::Replaced);
    assert!(by_email(&outlet, "elsewhere@example.com").await.is_some());
    // Two customers change to the same address at once. Then one customer changes to fifty
    // addresses at once.
    let ids = [CustomerId::from(21), CustomerId::from(22)];
    let wants = ids.iter().zip(["Taken@Example.com", "confirm@example.com"]).zip([one, other]);
    let wants = wants.map(|((id, expected), table)| async move {
        table.replace_email(id, expected, &"wanted@example.com".parse().unwrap()).await.unwrap()
    });
    let mut wants = join_all(wants).await;
    wants.sort_unstable_by_key(|replaced| *replaced == EmailReplacement::Taken);
    assert_eq!(wants, [EmailReplacement::Replaced, EmailReplacement::Taken]);
    let racers = (0..50).map(|racer| {
        let (table, id) = (if racer % 2 == 0 { one } else { other }, &id);
        let new: Email = format!("{racer}@example.com").parse().unwrap();
        async move { table.replace_email(id, "elsewhere@example.com", &new).await.unwrap() }
    });
    let replaced = join_all(racers).await;
    let replaced = replaced.into_iter().filter(|replaced| *replaced == EmailReplacement::Replaced).count();
    assert_eq!(replaced, 1, "of 50 that replaced the same address");
}

/// Tests the admin user table.
pub async fn admins<T>([one, other]: [T; 2])
where
    T: AdminStore<Row = AdminRecord> + Table<AdminRecord, AdminId> + Sync,
{
    let row = |id: &str, username: &str| {
        AdminRecord::new(id.parse::<AdminId>().unwrap(), username)
            .with_password(hash("first"))
            .with_permissions(Permission::ALL.to_vec())
            .with_second_factor_required(true)
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
