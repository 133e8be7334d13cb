//! Random histories, with the answers of the verbs that this service takes the place of.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::store::{self, memory::MemoryStore};

#[derive(Clone, Copy, Debug)]
enum Op {
    Put {
        customer: u8,
        site: u8,
        reset: bool,
        lives: i64,
    },
    /// Puts a live one again, counted back from the newest.
    PutAgain {
        back: usize,
    },
    /// Presents one of those that were put, counted back from the newest.
    Present {
        back: usize,
        customer: Option<u8>,
        site: Option<u8>,
        reset: bool,
        assist: bool,
        take: bool,
    },
    End {
        customer: u8,
    },
    Later {
        seconds: i64,
    },
    Sweep,
}

fn op() -> impl Strategy<Value = Op> {
    let other = || prop_oneof![5 => Just(None), 1 => (0..2_u8).prop_map(Some)];
    let put = (0..2_u8, 0..2_u8, any::<bool>(), 1..20_i64)
        .prop_map(|(customer, site, reset, lives)| Op::Put { customer, site, reset, lives });
    let present = (0..8_usize, other(), other(), prop::bool::weighted(0.8), prop::bool::weighted(0.8))
        .prop_flat_map(|(back, customer, site, reset, assist)| {
            any::<bool>().prop_map(move |take| Op::Present { back, customer, site, reset, assist, take })
        });
    prop_oneof![
        6 => put,
        1 => (0..4_usize).prop_map(|back| Op::PutAgain { back }),
        8 => present,
        1 => (0..2_u8).prop_map(|customer| Op::End { customer }),
        4 => (0..6_i64).prop_map(|seconds| Op::Later { seconds }),
        1 => Just(Op::Sweep),
    ]
}

/// The service, and the verbs of before on another memory store.
struct History {
    store: Arc<Watched>,
    node: Node,
    codes: OneTimeCredentials,
    before: MemoryStore,
    /// The present generation of each customer.
    generations: [u8; 2],
    put: Vec<OneTimeCredential>,
    now: i64,
}

fn site(number: u8) -> Website {
    format!("site{number}").parse().unwrap()
}

fn old(credential: &OneTimeCredential) -> store::OneTimeCredential {
    let OneTimeCredential { digest, website, customer, assistance, issued_at, expires_at, .. } =
        credential.clone();
    match assistance {
        None => store::OneTimeCredential::reset_token(digest, website, customer, issued_at, expires_at),
        Some(assistance) => {
            let assistance = (*assistance).clone();
            let make = store::OneTimeCredential::one_time_code;
            make(digest, website, customer, assistance, issued_at, expires_at)
        }
    }
}

impl History {
    fn new() -> Self {
        let store = Arc::new(Watched::default());
        let node = store.node(1);
        let codes = service(&node);
        let (before, generations, put) = (MemoryStore::new(), [1, 1], Vec::new());
        Self { store, node, codes, before, generations, put, now: 0 }
    }

    fn back(&self, back: usize) -> Option<&OneTimeCredential> {
        self.put.iter().rev().nth(back)
    }

    fn put(&self, credential: &OneTimeCredential) -> (bool, bool) {
        let new = block_on(self.codes.put(credential)).unwrap();
        let old = old(credential);
        (new, block_on(store::OtcStore::put(&self.before, &old, 3, old.issued_at)).unwrap())
    }

    fn step(&mut self, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Put { customer, site: on, reset, lives } => {
                let (issued, expires) = (at(self.now), at(self.now + lives));
                let generation = generation(self.generations[usize::from(customer)]);
                let (digest, website) = (digest(format!("{}", self.put.len())), site(on));
                let customer = CustomerId::from(u32::from(customer));
                let credential = if reset {
                    let make = OneTimeCredential::reset_token;
                    make(digest, website, customer, generation, issued, expires)
                } else {
                    let assistance = Assistance::new(AdminId::from(1), digest, "");
                    let make = OneTimeCredential::one_time_code;
                    make(digest, website, customer, generation, assistance, issued, expires)
                };
                prop_assert_eq!(self.put(&credential), (true, true));
                self.put.push(credential);
            }
            Op::PutAgain { back } => {
                let Some(credential) = self.back(back) else { return Ok(()) };
                let again = OneTimeCredential { issued_at: at(self.now), ..credential.clone() };
                let ended = again.generation
                    != generation(self.generations[usize::from(again.customer == CustomerId::from(1))]);
                // What is over or ended was forgotten sooner before.
                if at(self.now) < again.expires_at && !ended && self.is_known(&again) {
                    prop_assert_eq!(self.put(&again), (false, false));
                }
            }
            Op::Present { back, customer, site: on, reset, assist, take } => {
                let Some(credential) = self.back(back) else { return Ok(()) };
                let mut presented = presented(credential);
                presented.purposes = Purposes { reset_token: reset, one_time_code: assist };
                if let Some(customer) = customer {
                    presented.customer = CustomerId::from(u32::from(customer));
                }
                if let Some(on) = on {
                    presented.website = site(on);
                }
                self.present(&presented, take)?;
            }
            Op::End { customer } => {
                self.generations[usize::from(customer)] += 1;
                let customer = CustomerId::from(u32::from(customer));
                block_on(store::OtcStore::discard(&self.before, &customer)).unwrap();
            }
            Op::Later { seconds } => self.now += seconds,
            Op::Sweep => {
                block_on(store::OtcStore::purge_codes(&self.before, at(self.now), usize::MAX)).unwrap();
                let until = at(self.now - 3600);
                block_on(store::StateStore::sweep(&self.store.inner, until, usize::MAX)).unwrap();
            }
        }
        self.node.set(self.now);
        Ok(())
    }

    fn old_presented(presented: &Presented) -> store::Presented {
        let Presented { website, customer, digest, purposes } = presented.clone();
        let Purposes { reset_token, one_time_code } = purposes;
        let purposes = store::Purposes { reset_token, one_time_code };
        store::Presented { website, customer, digest, purposes }
    }

    /// True if the verbs of before have the credential, live.
    fn is_known(&self, credential: &OneTimeCredential) -> bool {
        let presented = Self::old_presented(&presented(credential));
        block_on(store::OtcStore::peek(&self.before, &presented, at(self.now))).unwrap().is_some()
    }

    fn present(&self, presented: &Presented, take: bool) -> Result<(), TestCaseError> {
        let (now, bought) = (at(self.now), digest(format!("bought at {}", self.now)));
        let generation = generation(self.generations[usize::from(presented.customer == CustomerId::from(1))]);
        let before = Self::old_presented(presented);
        let shown = block_on(store::OtcStore::peek(&self.before, &before, now)).unwrap();
        let judged = block_on(self.codes.peek(presented, generation)).unwrap();
        let good = if let Judged::Good(offer) = &judged { Some(old(&offer.credential)) } else { None };
        prop_assert_eq!(good, shown);
        if !take {
            return Ok(());
        }
        let judged = match judged {
            Judged::Good(offer) => block_on(self.codes.take(offer, Some(&bought))).unwrap(),
            Judged::Replayed(bought) => Judged::Replayed(bought),
            Judged::Refused => Judged::Refused,
        };
        let taken = match block_on(store::OtcStore::take(&self.before, &before, Some(&bought), now)).unwrap()
        {
            store::Take::Taken(_) => Judged::Good(()),
            store::Take::Spent { purpose: store::Purpose::OneTimeCode, bought: Some(bought) } => {
                Judged::Replayed(bought)
            }
            store::Take::Spent { .. } | store::Take::Nothing => Judged::Refused,
        };
        prop_assert_eq!(judged, taken);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn every_answer_is_that_of_the_verbs_before(ops in vec(op(), 0..120)) {
        let mut history = History::new();
        for op in ops {
            history.step(op)?;
        }
        // Nothing is left an hour after the last expiry.
        block_on(store::StateStore::sweep(&history.store.inner, at(history.now + 20), usize::MAX)).unwrap();
        history.store.calls();
        for credential in &history.put {
            let answer = block_on(history.codes.peek(&presented(credential), credential.generation)).unwrap();
            prop_assert_eq!(answer, Judged::Refused);
        }
    }
}
