//! Verifies the audit trail of a database for an auditor of the shop. It only needs a keyring and
//! the checkpoints that were kept elsewhere. It exits with 1 if anything is wrong, or if no record
//! is signed: an emptied trail, or one without its signatures, has nothing that could be wrong.
//!
//! ```text
//! audit_verify sqlite:auth.db --key-file auth.key --anchor 12345:9f86…
//! ```
//!
//! Without arguments, it shows on a separate file how tampering with a trail is found.

mod args;
mod demonstration;

use std::{env, process::ExitCode};

use args::{Args, USAGE};
use commerce_auth::{
    audit::Report,
    store::{postgres::PostgresStore, sqlite::SqliteStore},
};

/// The program ends with the first error.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args: Vec<_> = env::args().skip(1).collect();
    if args.is_empty() {
        demonstration::run().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let args = match Args::parse(args) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };
    let report = verify(&args).await?;
    print(&report);
    let proved = report.is_clean() && report.signed > 0;
    Ok(if proved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn verify(args: &Args) -> Result<Report> {
    let verifier = args.verifier();
    match args.address.split_once(':') {
        // Opening a missing file would create it.
        Some(("sqlite", path)) if !std::fs::exists(path)? => Err(format!("there is no file {path}").into()),
        Some(("sqlite", path)) => Ok(SqliteStore::open(path)?.audit(None).verify(verifier).await?),
        Some(("postgres" | "postgresql", _)) => {
            let options = commerce_auth::store::postgres::PostgresOptions::new(&args.address)
                .schema(&args.schema)
                .migrate(false);
            let store: PostgresStore = options.connect().await?;
            Ok(store.audit(None).verify(verifier).await?)
        }
        _ => Err(format!("{} is neither sqlite:PATH nor postgres://…", args.address).into()),
    }
}

/// Prints the report for people.
fn print(report: &Report) {
    let unsigned = report.records - report.signed;
    println!("   {} records, {} of them signed, {} erased", report.records, report.signed, report.erased);
    if unsigned > 0 && report.is_clean() {
        println!("   the first {unsigned} are not signed: nothing is known about them");
    }
    for finding in &report.findings {
        println!("   {finding}");
    }
    let told = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    if report.found > told {
        println!("   and {} more", report.found - told);
    }
    match (report.is_clean(), report.head) {
        (true, Some(head)) => println!("   nothing is wrong up to {head}"),
        (true, None) => println!("   nothing is signed, so nothing is proved"),
        (false, _) => println!("   findings: {}", report.found),
    }
}
