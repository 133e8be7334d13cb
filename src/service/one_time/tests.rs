use std::{sync::atomic::Ordering, thread};

use futures_lite::future::block_on;

use super::*;
use crate::{
    account::{AdminId, Website},
    random::danger::SeededRandom,
    service::testing::{Node, WatchedStore, at, digest, generation, grant_id},
    store::{Purpose, Purposes},
    token::Assistance,
};

const BOTH: Purposes = Purposes { reset_token: true, one_time_code: true, confirmation: true };

fn random() -> Arc<dyn SecureRandom> {
    Arc::new(SeededRandom::from_seed([9; 32]))
}

fn customer() -> CustomerId {
    CustomerId::from(1)
}

fn code(name: &str) -> OneTimeCredential {
    let assistance = Assistance::new(AdminId::from(9), grant_id("parent"), "a reason");
    let (digest, website) = (digest(name), Website::default());
    OneTimeCredential::one_time_code(digest, website, customer(), generation(7), assistance, at(0), at(30))
}

fn presented(credential: &OneTimeCredential) -> Presented {
    let OneTimeCredential { website, customer, digest, .. } = credential.clone();
    Presented { website, customer, digest, purposes: BOTH }
}

fn service(node: &Node) -> OneTimeCredentials {
    OneTimeCredentials::new(node.documents.clone(), None, random())
}

fn replayed<T>(bought: Digest) -> Verdict<T> {
    let (purpose, generation) = (Purpose::OneTimeCode, generation(7));
    Verdict::Replayed(Spent { purpose, generation, bought: Some(bought) })
}

fn offered(codes: &OneTimeCredentials, credential: &OneTimeCredential) -> Offer {
    match block_on(codes.peek(&presented(credential), credential.generation)).unwrap() {
        Verdict::Good(offer) => offer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_secret_costs_one_call_and_a_right_one_two() {
    let store = Arc::new(WatchedStore::default());
    let codes = service(&store.node(1));
    let unknown = presented(&code("nothing at all"));
    assert_eq!(block_on(codes.peek(&unknown, generation(7))).unwrap(), Verdict::Refused);
    assert_eq!(store.calls(), [1, 0, 0]);
    block_on(codes.put(&code("code"))).unwrap();
    assert_eq!(store.calls(), [1, 1, 0]);
    assert_eq!(block_on(codes.peek(&unknown, generation(7))).unwrap(), Verdict::Refused);
    assert_eq!(store.calls(), [1, 0, 0], "as many with other codes outstanding");
    let offer = offered(&codes, &code("code"));
    assert_eq!(store.calls(), [1, 0, 0]);
    assert_eq!(block_on(codes.spend(offer, Some(&digest("bought")))).unwrap(), Verdict::Good(()));
    assert_eq!(store.calls(), [0, 1, 0], "the offer is taken without another look-up");
    let again = block_on(codes.peek(&presented(&code("code")), generation(8))).unwrap();
    assert_eq!(again, replayed(digest("bought")), "a replay is told under any generation");
    assert_eq!(store.calls(), [1, 0, 0]);
}

#[test]
fn a_credential_of_another_generation_is_refused() {
    let store = Arc::new(WatchedStore::default());
    let codes = service(&store.node(1));
    block_on(codes.put(&code("code"))).unwrap();
    // `wiped` is the generation after the token store has lost its data. The subject's part of the
    // generation is missing, and the shop's part is new.
    let wiped = Generation { subject: None, ..generation(7) };
    let shop = Generation { shop: generation(9).subject.unwrap(), ..generation(7) };
    for moved in [generation(8), generation(0), wiped, shop] {
        assert_eq!(block_on(codes.peek(&presented(&code("code")), moved)).unwrap(), Verdict::Refused);
    }
    let _ = offered(&codes, &code("code"));
}

/// A store of the host that returns its only credential without any comparison.
#[derive(Debug)]
struct Careless(OneTimeCredential);

#[async_trait]
impl OtcStore for Careless {
    async fn put(
        &self,
        _credential: &OneTimeCredential,
        _keep: usize,
        _now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn peek(&self, _presented: &Presented, _now: OffsetDateTime) -> Result<Peek, StoreError> {
        Ok(Peek::Live(Offer { credential: self.0.clone(), found_in: None }))
    }

    async fn take(
        &self,
        _offer: Offer,
        _bought: Option<&Digest>,
        _now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        Ok(Take::Taken)
    }
}

#[test]
fn a_store_of_the_hosts_cannot_forget_to_compare() {
    let right = code("code");
    let careless = |credential: OneTimeCredential| {
        let node = Arc::new(WatchedStore::default()).node(1);
        node.set(1);
        OneTimeCredentials::new(node.documents, Some(Arc::new(Careless(credential))), random())
    };
    let _ = offered(&careless(right.clone()), &right);
    for other in [
        OneTimeCredential { digest: digest("another"), ..right.clone() },
        OneTimeCredential { website: "outlet_fr".parse().unwrap(), ..right.clone() },
        OneTimeCredential { customer: CustomerId::from(2), ..right.clone() },
        OneTimeCredential { generation: generation(8), ..right.clone() },
        OneTimeCredential { expires_at: at(1), ..right.clone() },
    ] {
        let answer = block_on(careless(other.clone()).peek(&presented(&right), generation(7))).unwrap();
        assert_eq!(answer, Verdict::Refused, "{other:?}");
    }
    let purposes = Purposes::only(Purpose::ResetToken);
    let other_purpose = Presented { purposes, ..presented(&right) };
    let answer = block_on(careless(right).peek(&other_purpose, generation(7))).unwrap();
    assert_eq!(answer, Verdict::Refused);
}

#[test]
fn an_offer_survives_another_credential_and_no_other_take() {
    let store = Arc::new(WatchedStore::default());
    let codes = service(&store.node(1));
    block_on(codes.put(&code("code"))).unwrap();
    let [first, second] = [offered(&codes, &code("code")), offered(&codes, &code("code"))];
    block_on(codes.put(&code("another"))).unwrap();
    store.calls();
    assert_eq!(block_on(codes.spend(first, Some(&digest("bought")))).unwrap(), Verdict::Good(()));
    assert_eq!(store.calls(), [0, 2, 0], "a conflict, and a commit on the documents that it answered");
    let late = block_on(codes.spend(second, Some(&digest("in vain")))).unwrap();
    assert_eq!(late, replayed(digest("bought")));
    let _ = offered(&codes, &code("another"));
}

#[test]
fn an_offer_that_has_expired_or_gone_is_refused() {
    let store = Arc::new(WatchedStore::default());
    let node = store.node(1);
    let codes = service(&node);
    block_on(codes.put(&code("code"))).unwrap();
    let [late, gone] = [offered(&codes, &code("code")), offered(&codes, &code("code"))];
    store.calls();
    node.set(30);
    assert_eq!(block_on(codes.spend(late, None)).unwrap(), Verdict::Refused);
    assert_eq!(store.calls(), [0, 0, 0]);
    node.set(1);
    block_on(codes.erase(&customer())).unwrap();
    assert_eq!(block_on(codes.spend(gone, None)).unwrap(), Verdict::Refused);
    block_on(codes.erase(&customer())).unwrap();
}

#[test]
fn a_take_whose_reply_is_lost_is_not_sent_again() {
    let store = Arc::new(WatchedStore::default());
    let codes = service(&store.node(1));
    block_on(codes.put(&code("code"))).unwrap();
    let offer = offered(&codes, &code("code"));
    store.calls();
    store.loses_replies.store(true, Ordering::Relaxed);
    assert!(block_on(codes.spend(offer, Some(&digest("bought")))).is_err());
    assert_eq!(store.calls(), [0, 1, 0], "sent again, it would look like a replay");
}

#[test]
fn of_fifty_callers_on_two_nodes_one_takes_a_credential() {
    for round in 0..20 {
        let store = Arc::new(WatchedStore::default());
        let nodes = [1, 2].map(|seed| service(&store.node(seed)));
        let name = code(&format!("round {round}"));
        block_on(nodes[0].put(&name)).unwrap();
        let answers: Vec<_> = thread::scope(|scope| {
            let callers: Vec<_> = (0..50)
                .map(|caller| {
                    let (codes, name) = (&nodes[caller % 2], &name);
                    scope.spawn(move || {
                        let bought = digest(format!("bought {caller}"));
                        match block_on(codes.peek(&presented(name), name.generation)).unwrap() {
                            Verdict::Good(offer) => {
                                (bought, block_on(codes.spend(offer, Some(&bought))).unwrap())
                            }
                            Verdict::Replayed(by) => (bought, Verdict::Replayed(by)),
                            Verdict::Refused => panic!("a live code was refused"),
                        }
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let taken: Vec<_> =
            answers.iter().filter(|(_, answer)| *answer == Verdict::Good(())).map(|(by, _)| *by).collect();
        assert_eq!(taken.len(), 1);
        assert!(answers.iter().all(|(by, answer)| *by == taken[0] || *answer == replayed(taken[0])));
    }
}

#[test]
fn parallel_puts_keep_no_more_than_three() {
    let store = Arc::new(WatchedStore::default());
    let nodes = [1, 2].map(|seed| service(&store.node(seed)));
    thread::scope(|scope| {
        for caller in 0..20 {
            let codes = &nodes[caller % 2];
            scope.spawn(move || block_on(codes.put(&code(&format!("{caller}")))).unwrap());
        }
    });
    let live = (0..20).filter(|caller| {
        let presented = presented(&code(&format!("{caller}")));
        matches!(block_on(nodes[0].peek(&presented, generation(7))).unwrap(), Verdict::Good(_))
    });
    assert_eq!(live.count(), OneTimeCredentials::OUTSTANDING);
}

fn confirmation(name: &str, number: i64) -> OneTimeCredential {
    let (digest, website, confirms) = (digest(name), Website::default(), digest("address"));
    let customer = CustomerId::from(number);
    OneTimeCredential::confirmation(digest, website, customer, generation(7), confirms, at(0), at(60))
}

#[test]
fn a_pointer_is_written_before_its_token() {
    let store = Arc::new(WatchedStore::default());
    let codes = service(&store.node(1));
    let token = confirmation("token", 1);
    store.fails_from.store(2, Ordering::Relaxed);
    assert!(block_on(codes.put(&token)).is_err());
    store.fails_from.store(0, Ordering::Relaxed);
    assert_eq!(block_on(codes.owner(&token.digest)).unwrap(), Some(customer()));
    assert_eq!(block_on(codes.peek(&presented(&token), generation(7))).unwrap(), Verdict::Refused);
    block_on(codes.put(&token)).unwrap();
    assert_eq!(offered(&codes, &token).credential, token);
}

#[test]
fn a_pointer_is_not_trusted() {
    let store = Arc::new(WatchedStore::default());
    let node = store.node(1);
    let codes = service(&node);
    let token = confirmation("token", 1);
    block_on(codes.put(&token)).unwrap();
    let forged = confirmation("token", 2);
    let owner = Subject::Customer(forged.customer.clone());
    block_on(node.documents.point(&forged.digest, &owner, forged.expires_at)).unwrap();
    assert_eq!(block_on(codes.owner(&token.digest)).unwrap(), Some(forged.customer.clone()));
    assert_eq!(block_on(codes.peek(&presented(&forged), generation(7))).unwrap(), Verdict::Refused);
    assert_eq!(block_on(codes.owner(&digest("unknown"))).unwrap(), None);
}
