//! Random histories, with the answers of the verbs that this service takes the place of.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::store::{self, FactorStore, memory::MemoryStore};

const ADMINS: u32 = 2;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Begins one for an admin user, to replace the present factor, or none, or one of another name.
    Begin {
        admin: u32,
        replaces: Replaces,
        lives: i64,
    },
    /// Those that were begun are counted back from the newest.
    Enrolment {
        back: usize,
    },
    Activate {
        back: usize,
        step: u64,
    },
    UseStep {
        admin: u32,
        stale: bool,
        step: u64,
        newest: u64,
    },
    UseCode {
        admin: u32,
        stale: bool,
        number: usize,
    },
    ReplaceCodes {
        admin: u32,
        stale: bool,
        number: usize,
    },
    Reseal {
        admin: u32,
        stale: bool,
        expected: bool,
        key: u32,
    },
    SealedByOthers {
        key: u32,
    },
    Remove {
        admin: u32,
    },
    Later {
        seconds: i64,
    },
    Sweep,
}

#[derive(Clone, Copy, Debug)]
enum Replaces {
    Present,
    Nothing,
    Another,
}

fn op() -> impl Strategy<Value = Op> {
    let replaces = prop_oneof![
        4 => Just(Replaces::Present),
        1 => Just(Replaces::Nothing),
        1 => Just(Replaces::Another),
    ];
    let stale = || prop::bool::weighted(0.1);
    prop_oneof![
        4 => (0..ADMINS, replaces, 1..20_i64)
            .prop_map(|(admin, replaces, lives)| Op::Begin { admin, replaces, lives }),
        1 => (0..4_usize).prop_map(|back| Op::Enrolment { back }),
        4 => (0..4_usize, 0..5_u64).prop_map(|(back, step)| Op::Activate { back, step }),
        6 => (0..ADMINS, stale(), 1..12_u64, 0..14_u64)
            .prop_map(|(admin, stale, step, newest)| Op::UseStep { admin, stale, step, newest }),
        3 => (0..ADMINS, stale(), 0..12_usize)
            .prop_map(|(admin, stale, number)| Op::UseCode { admin, stale, number }),
        1 => (0..ADMINS, stale(), 0..9_usize)
            .prop_map(|(admin, stale, number)| Op::ReplaceCodes { admin, stale, number }),
        2 => (0..ADMINS, stale(), prop::bool::weighted(0.8), 1..4_u32)
            .prop_map(|(admin, stale, expected, key)| Op::Reseal { admin, stale, expected, key }),
        1 => (0..5_u32).prop_map(|key| Op::SealedByOthers { key }),
        1 => (0..ADMINS).prop_map(|admin| Op::Remove { admin }),
        3 => (0..6_i64).prop_map(|seconds| Op::Later { seconds }),
        1 => Just(Op::Sweep),
    ]
}

/// The service, and the verbs of before on another memory store.
struct History {
    store: Arc<Watched>,
    node: Node,
    factors: Factors,
    before: MemoryStore,
    begun: Vec<Enrolment>,
    now: i64,
}

fn old_enrolment(enrolment: &Enrolment) -> store::Enrolment {
    let Enrolment { token, admin, secret, replaces, begun_with, expires_at, .. } = enrolment.clone();
    store::Enrolment { token, admin, secret, replaces, begun_with, expires_at }
}

/// The admin user and the factor, its recovery codes in order.
fn old_factor(factor: Factor) -> (AdminId, store::Factor) {
    let Factor { admin, name, secret, activated_at, last_step, mut recovery_codes } = factor;
    recovery_codes.sort_unstable();
    (admin, store::Factor { name, secret, activated_at, last_step, recovery_codes })
}

fn in_order(mut factor: store::Factor) -> store::Factor {
    factor.recovery_codes.sort_unstable();
    factor
}

impl History {
    fn new() -> Self {
        let store = Arc::new(Watched::default());
        let node = store.node(1);
        let factors = service(&node);
        Self { store, node, factors, before: MemoryStore::new(), begun: Vec::new(), now: 0 }
    }

    fn present(&self, admin: &AdminId) -> Option<store::Factor> {
        block_on(self.before.factor(admin)).unwrap()
    }

    /// The name of the present factor, or of one that there is not.
    fn name(&self, admin: &AdminId, stale: bool) -> Digest {
        let present = self.present(admin).filter(|_| !stale);
        present.map_or(digest("another"), |factor| factor.name)
    }

    /// What the flow did: lower a step that was used by a clock ahead, then use the right one.
    fn use_step_before(&self, admin: &AdminId, name: &Digest, step: u64, newest: u64) -> bool {
        if let Some(factor) = self.present(admin).filter(|factor| factor.last_step > newest) {
            let lowered = self.before.lower_step(admin, name, factor.last_step, step.saturating_sub(1));
            block_on(lowered).unwrap();
        }
        block_on(self.before.use_step(admin, name, step)).unwrap()
    }

    fn step(&mut self, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Begin { admin, replaces, lives } => {
                let admin = AdminId::from(admin);
                let replaces = match replaces {
                    Replaces::Present => self.present(&admin).map(|factor| factor.name),
                    Replaces::Nothing => None,
                    Replaces::Another => Some(digest("another")),
                };
                let name = format!("{}", self.begun.len());
                let expires_at = at(self.now + lives);
                let begun = Enrolment { admin, replaces, expires_at, ..enrolment(&name, 0, None) };
                block_on(self.factors.begin_enrolment(&begun)).unwrap();
                block_on(self.before.begin_enrolment(&old_enrolment(&begun), at(self.now))).unwrap();
                self.begun.push(begun);
            }
            Op::Enrolment { back } => {
                let Some(begun) = self.begun.iter().rev().nth(back) else { return Ok(()) };
                let new = block_on(self.factors.enrolment(&begun.token)).unwrap();
                let new = new.map(|found| old_enrolment(&found.under(generation(3)).unwrap().0));
                let old = block_on(self.before.enrolment(&begun.token, at(self.now))).unwrap();
                prop_assert_eq!(new, old);
            }
            Op::Activate { back, step } => {
                let Some(begun) = self.begun.iter().rev().nth(back) else { return Ok(()) };
                let codes = codes(&begun.token.to_string());
                let new = block_on(self.factors.activate(&begun.admin, &begun.token, step, &codes)).unwrap();
                let old = self.before.activate(&begun.token, step, &codes, at(self.now));
                prop_assert_eq!(new, block_on(old).unwrap());
            }
            Op::UseStep { admin, stale, step, newest } => {
                let admin = AdminId::from(admin);
                let name = self.name(&admin, stale);
                // A step that lies further ahead than any clock's is no right code's.
                let newest = newest.max(step);
                let new = block_on(self.factors.use_step(&admin, &name, step, newest)).unwrap();
                prop_assert_eq!(new, self.use_step_before(&admin, &name, step, newest));
            }
            Op::UseCode { admin, stale, number } => {
                let admin = AdminId::from(admin);
                let name = self.name(&admin, stale);
                let code = codes(&name.to_string()).get(number).copied().unwrap_or(digest("no code"));
                let new = block_on(self.factors.use_recovery_code(&admin, &name, &code)).unwrap();
                let old = self.before.use_recovery_code(&admin, &name, &code);
                prop_assert_eq!(new, block_on(old).unwrap());
            }
            Op::ReplaceCodes { admin, stale, number } => {
                let admin = AdminId::from(admin);
                let name = self.name(&admin, stale);
                let codes = &codes(&name.to_string())[number..];
                let new = block_on(self.factors.replace_recovery_codes(&admin, &name, codes)).unwrap();
                let old = self.before.replace_recovery_codes(&admin, &name, codes);
                prop_assert_eq!(new, block_on(old).unwrap());
            }
            Op::Reseal { admin, stale, expected, key } => {
                let admin = AdminId::from(admin);
                let name = self.name(&admin, stale);
                let present = self.present(&admin).filter(|_| expected).map(|factor| factor.secret);
                let (expected, new) = (present.unwrap_or(sealed(9, "another")), sealed(key, "resealed"));
                let old = block_on(self.before.reseal(&admin, &name, &expected, &new)).unwrap();
                prop_assert_eq!(block_on(self.factors.reseal(&admin, &name, &expected, &new)).unwrap(), old);
            }
            Op::SealedByOthers { key } => {
                let new = block_on(self.factors.sealed_by_others(KeyId(key), 99)).unwrap();
                let mut new: Vec<_> = new.into_iter().map(old_factor).collect();
                let mut old = block_on(self.before.sealed_by_others(KeyId(key), 99)).unwrap();
                new.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                old.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                let old: Vec<_> = old.into_iter().map(|(admin, factor)| (admin, in_order(factor))).collect();
                prop_assert_eq!(new, old);
            }
            Op::Remove { admin } => {
                let admin = AdminId::from(admin);
                let new = block_on(self.factors.remove(&admin)).unwrap();
                prop_assert_eq!(new, block_on(self.before.remove_factor(&admin)).unwrap());
            }
            Op::Later { seconds } => self.now += seconds,
            Op::Sweep => {
                block_on(self.before.purge_enrolments(at(self.now), usize::MAX)).unwrap();
                block_on(StateStore::sweep(&self.store.inner, at(self.now), usize::MAX)).unwrap();
            }
        }
        self.node.set(self.now);
        for admin in (0..ADMINS).map(AdminId::from) {
            let new = block_on(self.factors.factor(&admin)).unwrap();
            let old = self.present(&admin).map(|factor| (admin, in_order(factor)));
            prop_assert_eq!(new.map(old_factor), old);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn every_answer_is_that_of_the_verbs_before(ops in vec(op(), 0..100)) {
        let mut history = History::new();
        for op in ops {
            history.step(op)?;
        }
    }
}
