//! Documents in PostgreSQL: the server's refusals, its query plans, and changes to the tables by
//! others.

use commerce_auth::{
    StateStore,
    store::{Change, CommitOutcome, Put},
};
use futures_util::future::join_all;
use support::{
    documents::{self, add_to_both, commit, document, key, number, partition, put},
    records::{HOUR, NOW, said},
    size,
};

use crate::postgres::Schema;

/// The server has certainly not run the commit: the caller gets the current documents and decides
/// anew.
#[tokio::test]
async fn a_commit_that_the_server_refuses_to_run_is_a_conflict() {
    let Some(schema) = Schema::new() else { return };
    let (store, partition) = (schema.open().await, partition("a"));
    assert_eq!(
        commit(&store, &partition, vec![Change::Put(put(key(0), None, 1))]).await.unwrap(),
        CommitOutcome::Committed
    );
    for (state, is_conflict) in
        [("40001", true), ("40P01", true), ("55P03", true), ("57014", false), ("23514", false)]
    {
        schema.by_hand(&format!(
            "CREATE OR REPLACE FUNCTION {{}}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN RAISE EXCEPTION 'secret-marker' USING ERRCODE = '{state}'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON {{}}.documents EXECUTE FUNCTION {{}}.refuse()"
        ));
        let changes = vec![Change::Put(put(key(0), Some(1), 2)), Change::Put(put(key(1), None, 2))];
        match commit(&store, &partition, changes).await {
            Ok(outcome) => {
                let current = CommitOutcome::Conflict(vec![Some(document(1)), None]);
                assert!(is_conflict && outcome == current, "{state}: {outcome:?}");
            }
            Err(error) => {
                assert!(!is_conflict, "{state}: {error:?}");
                assert!(!said(&error).contains("marker"), "{}", said(&error));
            }
        }
        schema.by_hand("DROP TRIGGER refuse ON {}.documents");
        let found = store.load(&partition, &[key(0), key(1)]).await.unwrap();
        assert_eq!(found, [Some(document(1)), None], "{state}: a part of the commit was made");
    }
}

#[tokio::test]
async fn documents_are_read_by_hand_and_a_corrupt_one_is_an_error_of_its_own() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    let [whole, corrupt] = ["whole", "corrupt"].map(partition);
    let listed = || Put { index: vec![documents::entry(1)], ..put(key(0), None, 1) };
    for partition in [&whole, &corrupt] {
        let made = commit(&store, partition, vec![Change::Put(listed())]).await.unwrap();
        assert_eq!(made, CommitOutcome::Committed);
    }
    assert_eq!(schema.by_hand("SELECT DISTINCT convert_from(bytes, 'UTF8') FROM {}.documents"), "1");
    let hex: String = corrupt.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    schema.by_hand(&format!(
        "UPDATE {{}}.documents SET version = 'secret-marker' WHERE partition = '\\x{hex}'"
    ));
    let again = || vec![Change::Put(put(key(0), Some(1), 2))];
    let errors = [
        store.load(&corrupt, &[key(0)]).await.unwrap_err(),
        commit(&store, &corrupt, again()).await.unwrap_err(),
        store.list(&documents::index(corrupt), None, 10).await.unwrap_err(),
    ];
    for error in errors {
        let said = said(&error);
        assert!(!said.contains("marker") && !said.contains("SELECT"), "{said}");
    }
    assert_eq!(commit(&store, &whole, again()).await.unwrap(), CommitOutcome::Committed);
    assert_eq!(schema.by_hand("SELECT count(*) FROM {}.entries"), "1");
    assert_eq!(schema.by_hand("SELECT count(*) FROM {}.documents WHERE listed"), "1");
}

/// A sweep, and commits that change entries of the same documents, on two nodes.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_leaves_no_entry_behind() {
    let Some(schema) = Schema::new() else { return };
    let (one, other) = (schema.patient().await, schema.patient().await);
    let partition = partition("a");
    let over = |expects, next: u8| {
        let put = put(key(0), expects, u128::from(next));
        vec![Change::Put(Put {
            keep_until: Some(NOW),
            index: vec![documents::entry(i64::from(next))],
            ..put
        })]
    };
    let commits = async {
        for _ in 0..size(30, 100) {
            let mut present = None;
            for next in 1..20 {
                match commit(&one, &partition, over(present, next)).await.unwrap() {
                    CommitOutcome::Committed => present = Some(u128::from(next)),
                    CommitOutcome::Conflict(current) => present = current[0].as_ref().map(number),
                    CommitOutcome::Full => panic!("it is never full"),
                }
            }
        }
    };
    let mut swept = 0;
    let mut commits = std::pin::pin!(commits);
    while futures_util::future::poll_immediate(&mut commits).await.is_none() {
        swept += other.sweep(NOW, 10).await.unwrap();
    }
    assert!(swept > 10, "{swept} were swept");
    other.sweep(NOW, 10).await.unwrap();
    assert_eq!(schema.by_hand("SELECT count(*) FROM {}.documents"), "0");
    assert_eq!(schema.by_hand("SELECT count(*) FROM {}.entries"), "0");
}

/// Commits of overlapping documents, in any order, all end: there is no deadlock, and the sums
/// agree.
#[tokio::test(flavor = "multi_thread")]
async fn commits_in_any_order_of_keys_do_not_lock_each_other_out() {
    let Some(schema) = Schema::new() else { return };
    let nodes = [schema.open().await, schema.open().await];
    let partition = partition("a");
    let callers = (1..=8_u8).map(|own| {
        let (store, partition) = (nodes[usize::from(own % 2)].clone(), partition);
        tokio::spawn(async move {
            let mut made = 0;
            for round in 0..50 {
                let unique = u128::from(own) << 64 | round;
                made += u128::from(add_to_both(&store, &partition, own, unique).await.unwrap());
            }
            made
        })
    });
    let made: u128 = join_all(callers).await.into_iter().map(Result::unwrap).sum();
    let found = nodes[0].load(&partition, &[key(0)]).await.unwrap();
    assert_eq!(found[0].as_ref().map_or(0, number), made);
    assert_eq!(
        schema.by_hand("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
        "0"
    );
}

/// Ten thousand documents in one partition: each statement finds its rows by the primary key or by
/// its index.
#[tokio::test]
async fn a_large_partition_is_not_read_as_a_whole() {
    let Some(schema) = Schema::new() else { return };
    let (store, partition) = (schema.open().await, partition("a"));
    let hex: String = partition.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    schema.by_hand(&format!(
        "INSERT INTO {{}}.documents SELECT '\\x{hex}', 'document', sha256(number::text::bytea), \
         decode(repeat('00', 16), 'hex'), 1 + number, false, 'x' FROM generate_series(1, 10000) AS number; \
         ANALYZE {{}}.documents"
    ));
    let read = "SELECT coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0) FROM pg_stat_user_tables \
                WHERE schemaname = '{}' AND relname = 'documents'";
    let fetched = || -> i64 { schema.by_hand(read).parse().unwrap() };
    let before = fetched();
    for round in 1..=20_u8 {
        assert!(add_to_both(&store, &partition, round, u128::from(round)).await.unwrap());
    }
    assert_eq!(store.sweep(NOW + HOUR, 1).await.unwrap(), 1);
    drop(store);
    // A session reports its statistics when it ends.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let after = fetched() - before;
    assert!(after < 500, "{after} rows were read for 20 commits of two documents");
}
