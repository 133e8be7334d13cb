use tokio_postgres::{Client, Transaction};

use super::{
    OpenError,
    proof::{self, refused},
};

/// The statements that create the tables and functions. In the text, `{schema}` stands for the name
/// of the database schema.
pub(super) const SCHEMA: &str = include_str!("schema.sql");

/// The version of the tables that this code creates and supports.
const VERSION: u32 = 1;

/// The result of a look at the database: if the schema exists, and which version its tables have.
struct Found {
    schema: bool,
    /// The version of the tables. It is 0 if there are no tables.
    version: u32,
}

/// Creates the tables if they are missing. If several nodes call this at the same time, then an
/// advisory lock makes them wait for each other, and only the first node finds the tables missing.
pub(super) async fn make(client: &mut Client, schema: &str) -> Result<(), OpenError> {
    let not_permitted = |error| refused(error, "make the schema and its tables");
    let transaction = client.transaction().await.map_err(not_permitted)?;
    let turn = format!("SELECT pg_advisory_xact_lock(hashtextextended('{schema} tables', 0))");
    let found = look(&transaction, &turn, schema).await?;
    if found.version < VERSION {
        let mut make = Vec::new();
        // If the schema exists, then `CREATE SCHEMA` is left out, because the database user may
        // lack the permission to create a schema.
        if !found.schema {
            make.push(format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""));
        }
        make.push(format!("CREATE TABLE \"{schema}\".schema_version (version integer NOT NULL)"));
        make.push(format!("INSERT INTO \"{schema}\".schema_version VALUES ({VERSION})"));
        make.push(SCHEMA.replace("{schema}", schema));
        // Sends all statements in one round trip, because each round trip to a distant server takes
        // a part of the timeout.
        transaction.batch_execute(&make.join(";\n")).await.map_err(not_permitted)?;
    }
    transaction.commit().await.map_err(not_permitted)
}

/// Checks that the tables exist and have the version [`VERSION`]. Creates nothing.
pub(super) async fn check(client: &mut Client, schema: &str) -> Result<(), OpenError> {
    let transaction = client.transaction().await.map_err(|error| refused(error, "connect"))?;
    let Found { version: found, .. } = look(&transaction, "SELECT 1", schema).await?;
    if found < VERSION { Err(OpenError::NotMigrated { found, needed: VERSION }) } else { Ok(()) }
}

/// Runs the statement `first`. Then reads if the schema exists, and which version the tables have.
async fn look(transaction: &Transaction<'_>, first: &str, schema: &str) -> Result<Found, OpenError> {
    let look = format!(
        "{first}; SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema}'), \
         EXISTS (SELECT FROM pg_tables WHERE schemaname = '{schema}' AND tablename = 'schema_version')"
    );
    let row = proof::row(transaction.client(), &look).await?;
    let (schema_is_there, tables_are_there) = (proof::text(&row, 0)? == "t", proof::text(&row, 1)? == "t");
    if !tables_are_there {
        return Ok(Found { schema: schema_is_there, version: 0 });
    }
    let newest = format!("SELECT coalesce(max(version), 0) FROM \"{schema}\".schema_version");
    let newest: i32 = proof::number(&proof::row(transaction.client(), &newest).await?, 0)?;
    let version = u32::try_from(newest).unwrap_or(u32::MAX);
    if version > VERSION {
        return Err(OpenError::NewerSchema { found: version, known: VERSION });
    }
    Ok(Found { schema: schema_is_there, version })
}
