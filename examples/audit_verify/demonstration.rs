use std::{net::IpAddr, path::Path};

use commerce_auth::{
    Auth, CustomerId, SignIn,
    account::CustomerRecord,
    audit::{AuditSink, Checkpoint, FindingKind, Verifier},
    keyring::{KeyId, Keyring},
    store::sqlite::{SqliteAudit, SqliteStore},
    token::Subject,
};
use rusqlite::Connection;

use super::{Result, print};

const BOB: &str = "bobloblaw@example.com";
const PASSWORD: &str = "b0bl0bl@w";

/// A trail in a separate file is recorded, anchored, tampered with, and verified.
pub async fn run() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("auth.db");
    // The key is the output of `openssl rand 32`, stored where the database's administrators cannot
    // read it.
    let keyring = Keyring::new(KeyId(1), [7; 32])?;
    let store = SqliteStore::open(&path)?;
    let trail = store.audit(Some(&keyring));
    let auth = Auth::builder(store.clone())
        .customers(store.customers())
        .audit(trail.clone())
        .without_notifier()
        .keyring(keyring.clone())
        .build()?;

    println!("\nA shop keeps its trail");
    let bob = CustomerRecord::new(1, BOB).with_password(auth.hash_new_password(BOB, PASSWORD).await?);
    store.customers().upsert(bob).await?;
    let peer = IpAddr::from([192, 0, 2, 1]);
    auth.generate_customer_token(SignIn::new(BOB, PASSWORD).origin(peer)).await?;
    for number in 0..9 {
        let sign_in = SignIn::new(format!("nobody{number}@example.com"), "Wr0ng-password");
        let refused = auth.generate_customer_token(sign_in.origin(peer)).await;
        refused.err().ok_or("nobody has signed in")?;
    }
    auth.flush_audit().await;
    let shop = Shop { path: &path, trail: &trail, keyring: &keyring };
    let anchor = trail.checkpoint().await?.ok_or("nothing is signed")?;
    println!("   a checkpoint, to be kept elsewhere: {anchor}");
    shop.finds(&[anchor], &[]).await?;

    println!("\nA customer is forgotten: the chain holds");
    let erased = trail.erase(&Subject::Customer(CustomerId::from(1))).await?;
    println!("   {erased} of the records told of the customer");
    shop.finds(&[anchor], &[]).await?;

    println!("\nSomebody changes what a record says");
    shop.by_hand(
        "UPDATE audit_events SET event = replace(event, 'refused', 'succeeded') WHERE position = 4",
    )?;
    shop.finds(&[anchor], &[FindingKind::Changed]).await?;
    shop.by_hand(
        "UPDATE audit_events SET event = replace(event, 'succeeded', 'refused') WHERE position = 4",
    )?;

    println!("\nSomebody takes away from where it was");
    shop.by_hand("UPDATE audit_events SET personal = NULL, account = NULL WHERE position = 5")?;
    shop.finds(&[anchor], &[FindingKind::ErasedWithoutRight]).await?;

    println!("\nSomebody takes it away altogether: what followed on it cannot be proved any more");
    shop.by_hand("DELETE FROM audit_events WHERE position = 5")?;
    shop.finds(&[anchor], &[FindingKind::Missing { to: 5 }, FindingKind::Unproven]).await?;

    println!("\nSomebody cuts off the end: without the checkpoint it would not show");
    shop.by_hand("DELETE FROM audit_events WHERE position >= 5")?;
    shop.finds(&[], &[]).await?;
    shop.finds(&[anchor], &[FindingKind::CutOff]).await
}

struct Shop<'shop> {
    path: &'shop Path,
    trail: &'shop SqliteAudit,
    keyring: &'shop Keyring,
}

impl Shop<'_> {
    /// Changes the database as its administrator could.
    fn by_hand(&self, statement: &str) -> Result {
        Ok(Connection::open(self.path)?.execute_batch(statement)?)
    }

    /// Prints the findings. Returns an error if they are not the expected ones.
    async fn finds(&self, anchors: &[Checkpoint], expected: &[FindingKind]) -> Result {
        let report = self.trail.verify(Verifier::new(self.keyring, anchors)).await?;
        print(&report);
        let found: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
        if found == expected { Ok(()) } else { Err(format!("{found:?} is not {expected:?}").into()) }
    }
}
