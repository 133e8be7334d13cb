use tokio_postgres::{Client, Transaction};

use super::{OpenError, proof::refused};

/// What makes each version of the tables from the one before; `{schema}` stands for the schema. A step that was released is
/// never changed again.
const STEPS: &[(u32, &str)] = &[
    (1, include_str!("schema.sql")),
    (2, include_str!("schema_2.sql")),
    (3, include_str!("schema_3.sql")),
    (4, include_str!("schema_4.sql")),
];

/// The version of the tables that this release knows.
const VERSION: u32 = match STEPS.last() {
    Some((version, _)) => *version,
    None => 0,
};

/// Sees to it that the tables are there and current. Any number of nodes may do so at once: they take turns.
pub(super) async fn migrate(client: &mut Client, schema: &str) -> Result<(), OpenError> {
    let not_permitted = |error| refused(error, "make the schema and its tables");
    let transaction = client.transaction().await.map_err(not_permitted)?;
    let turn = format!("SELECT pg_advisory_xact_lock(hashtextextended('{schema} migrations', 0))");
    transaction.batch_execute(&turn).await.map_err(not_permitted)?;
    let found = version(&transaction, schema).await?;
    if found < VERSION {
        let mut make = Vec::new();
        // Where the schema is there already, its owner need not be allowed to make another one.
        if !exists(&transaction, schema).await? {
            make.push(format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""));
        }
        if found == 0 {
            make.push(format!("CREATE TABLE \"{schema}\".schema_version (version integer NOT NULL)"));
            make.push(format!("INSERT INTO \"{schema}\".schema_version VALUES (0)"));
        }
        let missing = STEPS.iter().filter(|(version, _)| *version > found);
        make.extend(missing.map(|(_, step)| step.replace("{schema}", schema)));
        make.push(format!("UPDATE \"{schema}\".schema_version SET version = {VERSION}"));
        transaction.batch_execute(&make.join(";\n")).await.map_err(not_permitted)?;
    }
    transaction.commit().await.map_err(not_permitted)
}

/// Looks whether an administrator has made the tables.
pub(super) async fn check(client: &mut Client, schema: &str) -> Result<(), OpenError> {
    let transaction = client.transaction().await.map_err(|error| refused(error, "connect"))?;
    let found = version(&transaction, schema).await?;
    if found < VERSION { Err(OpenError::NotMigrated { found, needed: VERSION }) } else { Ok(()) }
}

/// The version of the tables; 0 if there are none.
async fn version(transaction: &Transaction<'_>, schema: &str) -> Result<u32, OpenError> {
    let not_permitted = |error| refused(error, "use the tables");
    let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'schema_version')";
    let there = transaction.query_one(there, &[&schema]).await.map_err(not_permitted)?;
    if !there.try_get::<_, bool>(0).map_err(not_permitted)? {
        return Ok(0);
    }
    let newest = format!("SELECT coalesce(max(version), 0) FROM \"{schema}\".schema_version");
    let newest = transaction.query_one(&newest, &[]).await.map_err(not_permitted)?;
    let found = newest.try_get::<_, i32>(0).map_err(not_permitted)?;
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > VERSION { Err(OpenError::NewerSchema { found, known: VERSION }) } else { Ok(found) }
}

async fn exists(transaction: &Transaction<'_>, schema: &str) -> Result<bool, OpenError> {
    let exists = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
    let row = transaction.query_one(exists, &[&schema]).await.map_err(|error| refused(error, "look"))?;
    row.try_get(0).map_err(|error| refused(error, "look"))
}
