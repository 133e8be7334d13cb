//! Random histories, with the answers of the verbs that this service takes the place of.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::store::{LedgerStore, memory::MemoryStore};

const CUSTOMERS: u32 = 3;
const ENTRIES: u8 = 12;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Each number is one grant, of one customer.
    Begin {
        number: u8,
    },
    End {
        number: u8,
        end: AssistanceEnd,
    },
    Find {
        number: u8,
    },
    Of {
        customer: u32,
        limit: usize,
    },
    Open {
        limit: usize,
    },
    Erase {
        customer: u32,
    },
    Purge,
    Later {
        seconds: i64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let end = prop_oneof![Just(AssistanceEnd::Expired), Just(AssistanceEnd::SignedOut)];
    prop_oneof![
        6 => (0..ENTRIES).prop_map(|number| Op::Begin { number }),
        4 => (0..ENTRIES, end).prop_map(|(number, end)| Op::End { number, end }),
        1 => (0..ENTRIES).prop_map(|number| Op::Find { number }),
        2 => (0..CUSTOMERS, 0..6_usize).prop_map(|(customer, limit)| Op::Of { customer, limit }),
        2 => (0..8_usize).prop_map(|limit| Op::Open { limit }),
        1 => (0..CUSTOMERS).prop_map(|customer| Op::Erase { customer }),
        1 => Just(Op::Purge),
        3 => (1..500_i64).prop_map(|seconds| Op::Later { seconds }),
    ]
}

/// An entry that begins at a time of its own, out of the order of the numbers.
fn numbered(number: u8) -> AssistanceEntry {
    let customer = u32::from(number) % CUSTOMERS;
    entry(&format!("{number}"), customer, i64::from(number) * 7 % i64::from(ENTRIES))
}

fn every_answer_is_that_of_the_verbs_before(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let store = Arc::new(Watched::default());
    let (ledger, before) = (service(&store.node(1)), MemoryStore::new());
    let mut now = 0;
    for op in ops {
        match op {
            Op::Begin { number } => {
                let entry = numbered(number);
                block_on(ledger.begin(&entry)).unwrap();
                block_on(before.begin_assistance(&entry)).unwrap();
            }
            Op::End { number, end } => {
                let AssistanceEntry { customer, grant, .. } = numbered(number);
                let new = block_on(ledger.end(&customer, &grant, end, at(now))).unwrap();
                prop_assert_eq!(new, block_on(before.end_assistance(&grant, end, at(now))).unwrap());
            }
            Op::Find { number } => {
                let AssistanceEntry { customer, grant, .. } = numbered(number);
                let new = block_on(ledger.find(&customer, &grant)).unwrap();
                prop_assert_eq!(new, block_on(before.find_assistance(&grant)).unwrap());
            }
            Op::Of { customer, limit } => {
                let customer = CustomerId::from(customer);
                let new = block_on(ledger.of(&customer, None, limit)).unwrap().entries;
                prop_assert_eq!(new, block_on(before.assistance_of(&customer, limit)).unwrap());
            }
            Op::Open { limit } => {
                let new = block_on(ledger.open(None, limit)).unwrap().entries;
                prop_assert_eq!(new, block_on(before.open_assistance(limit)).unwrap());
            }
            Op::Erase { customer } => {
                let customer = CustomerId::from(customer);
                let new = block_on(ledger.erase(&customer)).unwrap();
                prop_assert_eq!(new, block_on(before.erase_assistance(&customer)).unwrap());
            }
            Op::Purge => {
                let until = at(now) - HISTORY;
                let new = block_on(StateStore::sweep(&store.inner, at(now), usize::MAX)).unwrap();
                prop_assert_eq!(new, block_on(before.purge_assistance(until, usize::MAX)).unwrap());
            }
            Op::Later { seconds } => now += seconds,
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn histories(ops in vec(op(), 0..100)) {
        every_answer_is_that_of_the_verbs_before(ops)?;
    }
}
