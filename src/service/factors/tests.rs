use std::{sync::atomic::Ordering, thread};

use futures_lite::future::block_on;

use super::*;
use crate::{
    keyring::{KeyId, Sealed},
    random::danger::SeededRandom,
    service::testing::{Node, WatchedStore, at, digest, enrolment_id, factor_id, generation},
    state::factor::Earlier,
    store::StateStore,
    token::{Digest, Subject},
};

/// The time step whose code activates the enrolment.
const FIRST: u64 = 84_150_000;
/// The newest time step that can be used if no clock is ahead.
const NEWEST: u64 = u64::MAX;

fn sealed(key: u32, name: &str) -> Sealed {
    Sealed { key: KeyId(key), bytes: name.as_bytes().to_vec() }
}

/// An enrolment that expires at second 60. The digest of its token is made from `name`.
fn enrolment(name: &str, admin: u32, replaces: Option<&str>) -> Enrolment {
    Enrolment {
        id: enrolment_id(name),
        admin: AdminId::from(admin),
        secret: sealed(1, name),
        replaces: replaces.map(factor_id),
        begun_with: None,
        generation: generation(3),
        expires_at: at(60),
    }
}

fn codes(name: &str) -> Vec<Digest> {
    (0..10).map(|number| digest(format!("{name} {number}"))).collect()
}

fn service(node: &Node) -> Factors {
    let random = Arc::new(SeededRandom::from_seed([9; 32]));
    Factors::new(node.documents.clone(), None, node.clock.clone(), random)
}

/// Gives an admin user a second factor whose id belongs to this name.
fn enrol(factors: &Factors, name: &str, admin: u32) {
    let (enrolment, codes) = (enrolment(name, admin, None), codes(name));
    block_on(factors.begin_enrolment(&enrolment)).unwrap();
    let activated = block_on(factors.activate(&enrolment, FIRST, &codes)).unwrap();
    assert_eq!(activated, Some(Earlier { factor: None, enrolment: Some(enrolment) }));
}

/// Lets 20 callers on two nodes make the same call. Returns how many of them get true.
fn raced(factors: &[Factors; 2], call: impl Fn(&Factors, usize) -> bool + Sync) -> usize {
    thread::scope(|scope| {
        let callers: Vec<_> = (0..20)
            .map(|caller| {
                let (factors, call) = (&factors[caller % 2], &call);
                scope.spawn(move || call(factors, caller))
            })
            .collect();
        callers.into_iter().map(|caller| usize::from(caller.join().unwrap())).sum()
    })
}

#[test]
fn an_enrolment_is_found_by_its_token_and_accepted_under_its_generation() {
    let store = Arc::new(WatchedStore::default());
    let node = store.node(1);
    let factors = service(&node);
    let begun = enrolment("next", 1, Some("one"));
    enrol(&factors, "one", 1);
    store.calls();
    block_on(factors.begin_enrolment(&begun)).unwrap();
    assert_eq!(store.calls(), [2, 2, 0]);
    let find = |name: &str| block_on(factors.enrolment(enrolment_id(name))).unwrap();
    let found = find("next").unwrap();
    assert_eq!(store.calls(), [2, 0, 0], "the pointer, then the factor and the enrolment together");
    assert_eq!(found.admin(), &AdminId::from(1));
    for moved in [generation(4), generation(0)] {
        assert_eq!(find("next").unwrap().under(moved), None);
    }
    let (enrolment, present) = found.under(generation(3)).unwrap();
    assert_eq!((enrolment, present.unwrap().id), (begun, factor_id("one")));
    assert_eq!((find("never"), find("one")), (None, None), "an activated one is gone");
    node.set(60);
    assert_eq!(find("next"), None);
}

#[test]
fn a_pointer_is_not_trusted() {
    let store = Arc::new(WatchedStore::default());
    let node = store.node(1);
    let factors = service(&node);
    enrol(&factors, "one", 1);
    // The pointer leads to an admin user who does not have this enrolment. In the three cases, that
    // admin user has another enrolment, an ended enrolment, or no enrolment.
    for admin in [1, 2] {
        let forged = Enrolment { admin: AdminId::from(admin), ..enrolment("forged", 1, None) };
        let owner = Subject::Admin(forged.admin.clone());
        block_on(node.documents.point(&forged.id.digest(), &owner, forged.expires_at)).unwrap();
        assert_eq!(block_on(factors.enrolment(enrolment_id("forged"))).unwrap(), None);
        let activated = factors.activate(&forged, FIRST, &[]);
        assert_eq!(block_on(activated).unwrap(), None);
    }
    block_on(factors.begin_enrolment(&enrolment("earlier", 2, None))).unwrap();
    block_on(factors.begin_enrolment(&enrolment("later", 2, None))).unwrap();
    assert_eq!(block_on(factors.enrolment(enrolment_id("earlier"))).unwrap(), None);
    block_on(factors.remove(&AdminId::from(2))).unwrap();
    assert_eq!(block_on(factors.enrolment(enrolment_id("later"))).unwrap(), None);
}

#[test]
fn a_pointer_is_written_before_its_enrolment() {
    let store = Arc::new(WatchedStore::default());
    let node = store.node(1);
    let factors = service(&node);
    let begun = enrolment("one", 1, None);
    store.fails_from.store(2, Ordering::Relaxed);
    assert!(block_on(factors.begin_enrolment(&begun)).is_err());
    let pointed = block_on(node.documents.follow(&begun.id.digest())).unwrap();
    assert_eq!(pointed, Some(Subject::Admin(begun.admin.clone())));
    assert_eq!(block_on(factors.enrolment(begun.id)).unwrap(), None);
    store.fails_from.store(0, Ordering::Relaxed);
    block_on(factors.begin_enrolment(&begun)).unwrap();
    assert!(block_on(factors.enrolment(begun.id)).unwrap().is_some());
}

#[test]
fn a_change_whose_reply_is_lost_is_not_sent_again() {
    let store = Arc::new(WatchedStore::default());
    let factors = service(&store.node(1));
    enrol(&factors, "one", 1);
    let (admin, id, code) = (AdminId::from(1), factor_id("one"), digest("one 3"));
    store.calls();
    store.loses_replies.store(true, Ordering::Relaxed);
    assert!(block_on(factors.use_step(&admin, id, FIRST + 1, NEWEST)).is_err());
    assert!(block_on(factors.use_recovery_code(&admin, id, &code)).is_err());
    assert_eq!(store.calls(), [2, 2, 0]);
    store.loses_replies.store(false, Ordering::Relaxed);
    assert!(!block_on(factors.use_step(&admin, id, FIRST + 1, NEWEST)).unwrap());
    assert!(!block_on(factors.use_recovery_code(&admin, id, &code)).unwrap());
}

#[test]
fn what_expired_is_swept_and_a_factor_is_not() {
    let store = Arc::new(WatchedStore::default());
    let factors = service(&store.node(1));
    enrol(&factors, "one", 1);
    block_on(factors.begin_enrolment(&enrolment("next", 1, Some("one")))).unwrap();
    let sweep = |until| block_on(StateStore::sweep(&*store, at(until), usize::MAX)).unwrap();
    assert_eq!((sweep(59), sweep(60)), (0, 3), "two pointers and an enrolment");
    assert!(block_on(factors.factor(&AdminId::from(1))).unwrap().is_some());
}

#[test]
fn a_step_costs_two_calls_whatever_the_clock() {
    let store = Arc::new(WatchedStore::default());
    let factors = service(&store.node(1));
    enrol(&factors, "one", 1);
    let (admin, id) = (AdminId::from(1), factor_id("one"));
    store.calls();
    assert!(block_on(factors.use_step(&admin, id, FIRST + 100, NEWEST)).unwrap());
    assert!(block_on(factors.use_step(&admin, id, FIRST + 5, FIRST + 6)).unwrap());
    assert_eq!(store.calls(), [2, 2, 0]);
    assert!(!block_on(factors.use_step(&admin, id, FIRST + 5, FIRST + 6)).unwrap());
    assert_eq!(store.calls(), [1, 0, 0]);
}

#[test]
fn each_is_done_for_one_caller_on_two_nodes() {
    for _ in 0..10 {
        let store = Arc::new(WatchedStore::default());
        let factors = [1, 2].map(|seed| service(&store.node(seed)));
        let (admin, one) = (AdminId::from(1), factor_id("one"));
        let begun = enrolment("one", 1, None);
        block_on(factors[0].begin_enrolment(&begun)).unwrap();
        let activated = raced(&factors, |factors, _| {
            block_on(factors.activate(&begun, FIRST, &codes("one"))).unwrap().is_some()
        });
        let used =
            raced(&factors, |factors, _| block_on(factors.use_step(&admin, one, FIRST + 1, NEWEST)).unwrap());
        // If a node whose clock was ahead has used the last step, exactly one of several callers
        // lowers the last step.
        assert!(block_on(factors[0].use_step(&admin, one, FIRST + 100, NEWEST)).unwrap());
        let lowered = raced(&factors, |factors, _| {
            block_on(factors.use_step(&admin, one, FIRST + 5, FIRST + 6)).unwrap()
        });
        let spent = raced(&factors, |factors, _| {
            block_on(factors.use_recovery_code(&admin, one, &digest("one 3"))).unwrap()
        });
        let resealed = raced(&factors, |factors, caller| {
            let new = sealed(2, &format!("raced {caller}"));
            block_on(factors.replace_sealed(&admin, one, &sealed(1, "one"), &new)).unwrap()
        });
        let removed = raced(&factors, |factors, _| block_on(factors.remove(&admin)).unwrap());
        assert_eq!([activated, used, lowered, spent, resealed, removed], [1; 6]);
        let imported = raced(&factors, |factors, caller| {
            let (id, secret) = (factor_id(format!("{caller}")), sealed(1, "brought"));
            let (last_step, recovery_codes) = (0, Vec::new());
            let admin = admin.clone();
            let factor = Factor { admin, id, secret, activated_at: at(0), last_step, recovery_codes };
            block_on(factors.import(&factor)).unwrap().is_some()
        });
        assert_eq!(imported, 1);
    }
}

#[test]
fn a_factor_sealed_by_another_key_is_found_until_it_is_resealed() {
    let store = Arc::new(WatchedStore::default());
    let factors = service(&store.node(1));
    let keys = [1, 5, 3, 5, 0, u32::MAX, 3, 3];
    for (admin, key) in (0..).zip(keys) {
        let name = format!("{admin}");
        enrol(&factors, &name, admin);
        let (admin, new) = (AdminId::from(admin), sealed(key, "new"));
        assert!(block_on(factors.replace_sealed(&admin, factor_id(&name), &sealed(1, &name), &new)).unwrap());
    }
    let others = |key, limit| {
        let found = block_on(factors.sealed_by_others(KeyId(key), None, limit)).unwrap();
        found.into_iter().map(|(_, factor)| factor.secret.key.0).collect::<Vec<_>>()
    };
    assert_eq!(others(3, 99), [0, 1, 5, 5, u32::MAX]);
    assert_eq!((others(3, 3), others(3, 2), others(3, 0)), (vec![0, 1, 5], vec![0, 1], Vec::new()));
    assert_eq!(others(0, 99), [1, 3, 3, 3, 5, 5, u32::MAX]);
    assert_eq!(others(u32::MAX, 99), [0, 1, 3, 3, 3, 5, 5]);
    assert_eq!(others(2, 99).len(), keys.len());
    // Pages of each size together return every factor.
    for (key, size) in [0, 2, 3, u32::MAX].into_iter().flat_map(|key| (1..9).map(move |size| (key, size))) {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = block_on(factors.sealed_by_others(KeyId(key), after.as_ref(), size)).unwrap();
            let is_last = page.len() < size;
            after = page.last().map(|(position, _)| position.clone());
            found.extend(page.into_iter().map(|(_, factor)| factor.secret.key.0));
            if is_last {
                break;
            }
        }
        assert_eq!(found, others(key, 99), "key {key}, pages of {size}");
    }
    for limit in 0..9 {
        for (_, factor) in block_on(factors.sealed_by_others(KeyId(3), None, limit)).unwrap() {
            let new = Sealed { key: KeyId(3), ..factor.secret.clone() };
            let resealed = factors.replace_sealed(&factor.admin, factor.id, &factor.secret, &new);
            assert!(block_on(resealed).unwrap());
        }
    }
    assert_eq!((others(3, 99), others(4, 99).len()), (Vec::new(), keys.len()));
}
