use std::{ops::Deref, thread};

use futures_lite::future::block_on;

use super::*;
use crate::{
    account::{AdminId, Website},
    service::testing::{Node, WatchedStore, at, grant_id},
    store::StateStore,
    token::{Assistance, Grant, Obtained, Origin},
};

const HISTORY: Duration = Duration::from_secs(1000);

/// An assistance that begins at `second` and expires a minute later.
fn entry(name: &str, customer: u32, second: i64) -> AssistanceEntry {
    let (customer, website) = (CustomerId::from(customer), Website::default());
    let grant =
        Grant::customer(grant_id(name), customer, website, Obtained::AsAdmin, at(second), at(second + 60));
    let grant = grant.assisted(Assistance::new(AdminId::from(9), grant_id("parent"), "a reason"));
    AssistanceEntry::of(&grant, &Origin::default()).unwrap()
}

/// The ledger of a node.
struct Service {
    ledger: Ledger,
    node: Node,
}

impl Deref for Service {
    type Target = Ledger;

    fn deref(&self) -> &Ledger {
        &self.ledger
    }
}

fn service(node: Node) -> Service {
    Service { ledger: Ledger::new(node.documents.clone(), HISTORY), node }
}

fn begin(ledger: &Ledger, name: &str, customer: u32, second: i64) {
    block_on(ledger.begin(&entry(name, customer, second))).unwrap();
}

fn end(service: &Service, name: &str, customer: u32, second: i64) -> Option<AssistanceEntry> {
    let customer = CustomerId::from(customer);
    service.node.set(second);
    block_on(service.end(&customer, &grant_id(name), AssistanceEnd::SignedOut)).unwrap()
}

fn names(page: &LedgerPage) -> Vec<GrantId> {
    page.entries.iter().map(|entry| entry.grant).collect()
}

fn of(ledger: &Ledger, customer: u32, limit: usize) -> Vec<GrantId> {
    names(&block_on(ledger.of(&CustomerId::from(customer), None, limit)).unwrap())
}

fn open(ledger: &Ledger, limit: usize) -> Vec<GrantId> {
    names(&block_on(ledger.open(None, limit)).unwrap())
}

fn grant_ids<const N: usize>(names: [&str; N]) -> Vec<GrantId> {
    names.map(grant_id).to_vec()
}

#[test]
fn entries_stand_in_their_order_and_nobody_elses() {
    let store = Arc::new(WatchedStore::default());
    let ledger = service(store.node(1));
    for (name, customer, second) in
        [("third", 1, 3), ("first", 2, 1), ("fourth", 1, 4), ("second", 1, 2), ("ended", 1, 0)]
    {
        begin(&ledger, name, customer, second);
    }
    assert!(end(&ledger, "ended", 1, 5).is_some());
    assert_eq!(of(&ledger, 1, 9), grant_ids(["fourth", "third", "second", "ended"]));
    assert_eq!(of(&ledger, 2, 9), grant_ids(["first"]));
    assert_eq!((of(&ledger, 3, 9), of(&ledger, 1, 0)), (Vec::new(), Vec::new()));
    assert_eq!(open(&ledger, 9), grant_ids(["first", "second", "third", "fourth"]));
    assert_eq!(open(&ledger, 2), grant_ids(["first", "second"]));
    assert!(end(&ledger, "first", 1, 5).is_none(), "it is another customer's");
    let own = |customer| block_on(ledger.find(&CustomerId::from(customer), &grant_id("first"))).unwrap();
    assert_eq!((own(1), own(2)), (None, Some(entry("first", 2, 1))));
}

#[test]
fn pages_follow_each_other_to_the_end() {
    let store = Arc::new(WatchedStore::default());
    let ledger = service(store.node(1));
    for number in 0..7 {
        begin(&ledger, &format!("{number}"), 1, number);
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = block_on(ledger.of(&CustomerId::from(1), after.as_ref(), 3)).unwrap();
        found.extend(names(&page));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, grant_ids(["6", "5", "4", "3", "2", "1", "0"]));
    let page = block_on(ledger.open(None, 7)).unwrap();
    assert!(page.next.is_some());
    let rest = block_on(ledger.open(page.next.as_ref(), 7)).unwrap();
    assert_eq!(rest, LedgerPage { entries: Vec::new(), next: None });
}

#[test]
fn an_end_costs_two_calls_and_a_list_one() {
    let store = Arc::new(WatchedStore::default());
    let ledger = service(store.node(1));
    begin(&ledger, "one", 1, 0);
    assert_eq!(store.calls(), [1, 1, 0]);
    assert!(end(&ledger, "one", 1, 1).is_some());
    assert_eq!(store.calls(), [1, 1, 0]);
    assert!(end(&ledger, "one", 1, 1).is_none());
    assert_eq!(store.calls(), [1, 0, 0], "a second end writes nothing");
    let _ = of(&ledger, 1, 1000);
    assert_eq!(store.calls(), [0, 0, 1]);
}

#[test]
fn erasing_takes_more_than_a_page_of_what_has_ended() {
    let store = Arc::new(WatchedStore::default());
    let ledger = service(store.node(1));
    for number in 0..100 {
        begin(&ledger, &format!("{number}"), 1, number);
        // Every tenth assistance continues.
        assert!(number % 10 == 0 || end(&ledger, &format!("{number}"), 1, number).is_some());
    }
    begin(&ledger, "another's", 2, 0);
    assert!(end(&ledger, "another's", 2, 1).is_some());
    store.calls();
    let erase = |customer: u32| block_on(ledger.erase(&CustomerId::from(customer))).unwrap();
    assert_eq!((erase(3), erase(1), erase(1)), (0, 90, 0));
    assert_eq!(of(&ledger, 1, 1000).len(), 10);
    assert_eq!(of(&ledger, 2, 1000).len(), 1);
    for number in (0..100).step_by(10) {
        assert!(end(&ledger, &format!("{number}"), 1, 200).is_some());
    }
    assert_eq!((erase(1), of(&ledger, 1, 1)), (10, Vec::new()));
}

#[test]
fn a_sweep_takes_what_ended_longer_ago_than_the_history() {
    let store = Arc::new(WatchedStore::default());
    let ledger = service(store.node(1));
    for number in 0..4 {
        begin(&ledger, &format!("{number}"), 1, number);
        assert!(end(&ledger, &format!("{number}"), 1, 10 + number).is_some());
    }
    begin(&ledger, "open", 1, 0);
    let sweep = |until| block_on(StateStore::sweep(&*store, at(until), usize::MAX)).unwrap();
    assert_eq!((sweep(1009), sweep(1011), sweep(1_000_000_000)), (0, 2, 2));
    assert_eq!(of(&ledger, 1, 9), grant_ids(["open"]));
}

#[test]
fn of_callers_on_two_nodes_one_notes_the_end() {
    for round in 0..20 {
        let store = Arc::new(WatchedStore::default());
        let nodes = [1, 2].map(|seed| service(store.node(seed)));
        thread::scope(|scope| {
            for caller in 0..20 {
                scope.spawn({
                    let ledger = &nodes[caller % 2];
                    move || begin(ledger, "raced", 1, 0)
                });
            }
        });
        let ends: Vec<_> = thread::scope(|scope| {
            let callers: Vec<_> = (0..20)
                .map(|caller| {
                    let ledger = &nodes[caller % 2];
                    scope.spawn(move || end(ledger, "raced", 1, i64::try_from(caller).unwrap() + round))
                })
                .collect();
            callers.into_iter().filter_map(|caller| caller.join().unwrap()).collect()
        });
        let kept = block_on(nodes[0].of(&CustomerId::from(1), None, 9)).unwrap();
        assert_eq!((ends.len(), ends), (1, kept.entries));
    }
}

#[test]
fn a_document_of_a_newer_format_is_unavailable() {
    use crate::{
        random::danger::SeededRandom,
        store::{Change, Changes, CommitOutcome, DocumentId, IndexEntry, Key, Name, Put, Version},
    };
    let store = Arc::new(WatchedStore::default());
    let ledger = service(store.node(1));
    let put = Put {
        key: Key { kind: Name::of("assistance"), id: DocumentId::from_bytes(*grant_id("newer").as_bytes()) },
        expects: None,
        version: Version::draw(&SeededRandom::from_seed([3; 32])).unwrap(),
        keep_until: None,
        expendable: false,
        index: vec![
            IndexEntry { shop_wide: false, name: Name::of("assistance"), rank: 0 },
            IndexEntry { shop_wide: true, name: Name::of("open-assistance"), rank: 0 },
        ],
        bytes: br#"{"format":2,"document":1}"#.to_vec(),
    };
    let customer = CustomerId::from(1);
    let changes = Changes::new(vec![Change::Put(put)]).unwrap();
    let outcome = block_on(store.commit(&of_customer(&customer), &changes, at(0))).unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
    store.calls();
    let grant = grant_id("newer");
    assert!(block_on(ledger.of(&customer, None, 9)).is_err());
    assert!(block_on(ledger.open(None, 9)).is_err());
    assert!(block_on(ledger.find(&customer, &grant)).is_err());
    assert!(block_on(ledger.end(&customer, &grant, AssistanceEnd::Expired)).is_err());
    assert!(block_on(ledger.begin(&entry("newer", 1, 0))).is_err());
    assert!(block_on(ledger.erase(&customer)).is_err());
    let [_, commits, _] = store.calls();
    assert_eq!(commits, 0, "it is untouched");
}
