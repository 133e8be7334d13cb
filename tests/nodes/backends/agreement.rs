//! Every backend returns the same answers as the memory store, which is tested against a model.

mod documents;

use std::{net::IpAddr, num::NonZero, sync::Arc, time::Duration};

use commerce_auth::{
    AdminId, Origin, Store, Website,
    store::{Generation, GenerationId, memory::MemoryStore},
    token::{Assistance, Grant, GrantId, Obtained, Subject},
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use support::fresh::fresh;
use time::OffsetDateTime;

use crate::backends::{Result, engine::Engine};

/// Small enough that subjects reach their cap.
const FEW: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(1);
/// The number of histories on each backend, and of verbs in each.
const HISTORIES: u32 = 40;
const VERBS: usize = 90;

/// More than the number of grants in all histories.
const ALL: usize = 10_000;

/// A verb with numbers in place of ids, subjects and generations.
#[derive(Clone, Debug)]
enum Verb {
    Generation { subject: u8 },
    Insert { grant: u8, subject: u8, assisted: bool, stale: bool, lives: u64 },
    Find { grant: u8 },
    Revoke { grant: u8, bar: u64 },
    RevokeAll { subject: u8, keep: Option<u8> },
    RevokeEverything,
    List { subject: u8 },
    OnDocuments(documents::Verb),

    Purge { limit: usize },
    Later { seconds: u64 },
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        5 => verb_of_customers(),
        4 => documents::verb().prop_map(Verb::OnDocuments),

    ]
}

fn verb_of_customers() -> impl Strategy<Value = Verb> {
    let (grant, subject) = (0..8_u8, 0..3_u8);
    prop_oneof![
        1 => subject.clone().prop_map(|subject| Verb::Generation { subject }),
        5 => (grant.clone(), subject.clone(), any::<bool>(), prop::bool::weighted(0.1), 1..60_u64)
            .prop_map(|(grant, subject, assisted, stale, lives)| Verb::Insert { grant, subject, assisted, stale, lives }),
        4 => grant.clone().prop_map(|grant| Verb::Find { grant }),
        2 => (grant.clone(), 0..30_u64).prop_map(|(grant, bar)| Verb::Revoke { grant, bar }),
        1 => (subject.clone(), prop::option::of(grant)).prop_map(|(subject, keep)| Verb::RevokeAll { subject, keep }),
        1 => Just(Verb::RevokeEverything),
        2 => subject.prop_map(|subject| Verb::List { subject }),
        1 => (0..9_usize).prop_map(|limit| Verb::Purge { limit }),
        2 => (0..15_u64).prop_map(|seconds| Verb::Later { seconds }),
    ]
}

/// The state that a history keeps between verbs.
struct History {
    now: OffsetDateTime,
    /// Keeps the names of histories on one database apart.
    number: u32,
    /// The number of the verb in the history.
    step: u32,
    /// The expiry of each id, as it was first stored. After that time a store may have
    /// forgotten the id.
    grants: Vec<(u8, OffsetDateTime)>,
}

impl History {
    fn grant_id(&self, kind: &str, number: u8) -> GrantId {
        GrantId::of(format!("{kind} {number} of {}", self.number).as_bytes())
    }

    /// Odd numbers are admin users.
    fn subject(&self, number: u8) -> Subject {
        let id = format!("{}-{}", self.number, number / 2);
        if number.is_multiple_of(2) {
            Subject::Customer(id.parse().unwrap())
        } else {
            Subject::Admin(id.parse().unwrap())
        }
    }

    fn assistance(&self, number: u8) -> Assistance {
        Assistance::new(AdminId::from(7), self.grant_id("parent", number), &format!("reason '{number}'"))
    }

    fn in_so_many(&self, seconds: u64) -> OffsetDateTime {
        self.now + Duration::from_secs(seconds)
    }

    /// Returns the answers of both stores to one verb.
    async fn ask(&mut self, verb: &Verb, stores: [&dyn Store; 2]) -> Result<[String; 2]> {
        let now = self.now;
        let mut answers = [String::new(), String::new()];
        match *verb {
            Verb::Later { seconds } => {
                self.now = self.in_so_many(seconds);
                return Ok(answers);
            }
            // An expired id may be known or not.
            Verb::Insert { grant, .. }
                if self.grants.iter().any(|(known, end)| *known == grant && *end <= now) =>
            {
                return Ok(answers);
            }
            // Grants that revoke-everything ended may stay stored until they expire.
            Verb::RevokeEverything => self.grants.iter_mut().for_each(|(_, end)| *end = now.min(*end)),
            Verb::Insert { grant, lives, .. } => self.grants.push((grant, self.in_so_many(lives))),

            _ => {}
        }
        let handed = fresh();
        for (store, answer) in stores.into_iter().zip(&mut answers) {
            *answer = self.answer(verb, store, handed, now).await?;
        }
        Ok(answers)
    }

    /// The library passes a generation to three verbs. Here both stores get the same one.
    async fn answer(
        &self,
        verb: &Verb,
        store: &dyn Store,
        handed: GenerationId,
        now: OffsetDateTime,
    ) -> Result<String> {
        Ok(match *verb {
            Verb::Generation { subject } => {
                format!("{:?}", store.generation(&self.subject(subject), handed).await?)
            }
            Verb::Insert { grant, subject, assisted, stale, lives } => {
                let (id, subject) = (self.grant_id("grant", grant), self.subject(subject));
                let end = self.in_so_many(lives);
                let read = store.generation(&subject, handed).await?;
                let other = Some(GenerationId::from_bytes([0; 16]));
                let generation = Generation { subject: if stale { other } else { read.subject }, ..read };
                let row = match subject {
                    Subject::Admin(admin) => Grant::admin(id, admin, Obtained::Password, now, end),
                    Subject::Customer(customer) => {
                        Grant::customer(id, customer, Website::default(), Obtained::AsAdmin, now, end)
                    }
                    other => return Err(format!("{other:?}").into()),
                };
                let row = if assisted { row.assisted(self.assistance(grant)) } else { row };
                let origin = Origin::from(IpAddr::from([192, 0, 2, grant])).user_agent("Mozilla/5.0");
                format!("{:?}", store.insert(&row, &origin, generation, FEW, now).await?)
            }
            Verb::Find { grant } => format!("{:?}", store.find(&self.grant_id("grant", grant), now).await?),
            Verb::Revoke { grant, bar } => {
                let until = self.in_so_many(bar);
                format!("{:?}", store.revoke(&self.grant_id("grant", grant), now, until).await?)
            }
            Verb::RevokeAll { subject, keep } => {
                let keep = keep.map(|keep| self.grant_id("grant", keep));
                format!("{:?}", store.revoke_all(&self.subject(subject), keep.as_ref(), handed, now).await?)
            }
            Verb::RevokeEverything => format!("{:?}", store.revoke_everything(handed, now).await?),
            Verb::List { subject } => {
                format!("{:?}", store.grants(&self.subject(subject), 3, now).await?)
            }
            Verb::OnDocuments(ref verb) => {
                let names = documents::Names { history: self.number, step: self.step };
                names.answer(verb, store, now).await?
            }
            Verb::Purge { limit } => {
                let removed = store.purge_tokens(now, limit).await?;
                assert!(removed <= limit, "{removed} of at most {limit}");
                String::new()
            }
            Verb::Later { .. } => String::new(),
        })
    }
}

pub(crate) async fn every_verb_answers_as_in_memory(engine: &Engine) -> Result {
    let nodes = [engine.node().await?.store, engine.node().await?.store];
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..Default::default() });
    // The shop's generation is changed in memory as on the backend, so one memory store is used for
    // all histories.
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    for number in 0..HISTORIES {
        let script = vec(verb(), VERBS).new_tree(&mut runner).map_err(|why| why.to_string())?.current();
        let now = OffsetDateTime::now_utc();
        let now = now.replace_microsecond(now.microsecond())?;
        let mut history = History { now, number, step: 0, grants: Vec::new() };
        for (step, verb) in script.iter().enumerate() {
            let node = &nodes[step % 2];
            history.step = u32::try_from(step)?;
            let [expected, answer] = history.ask(verb, [&*memory, &**node]).await?;
            let told = &script[..=step];
            assert_eq!(answer, expected, "history {number}, at {verb:?} after {told:#?}");
        }
    }
    Ok(())
}
