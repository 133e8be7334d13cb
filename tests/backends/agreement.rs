//! Whatever is asked of a backend, it answers as the memory store does, which has a model of its own.

mod documents;

use std::{net::IpAddr, num::NonZero, sync::Arc, time::Duration};

use commerce_auth::{
    AdminId, Assistance, CustomerId, Digest, Grant, MemoryStore, Obtained, Origin, Subject, Website,
    store::{
        AssistanceEnd, AssistanceEntry, Generation, GenerationId, OneTimeCredential, Presented, Purposes,
        Store,
    },
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use time::OffsetDateTime;

use crate::{Result, engine::Engine, fresh::fresh};

/// So few that subjects are at their cap.
const FEW: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(1);
/// Histories on each backend, and verbs in each.
const HISTORIES: u32 = 40;
const VERBS: usize = 90;

/// More than all histories begin.
const ALL: usize = 10_000;

/// A verb, its nouns numbered.
#[derive(Clone, Debug)]
enum Verb {
    Generation { subject: u8 },
    Insert { grant: u8, subject: u8, assisted: bool, stale: bool, lives: u64 },
    Find { grant: u8 },
    Revoke { grant: u8, bar: u64 },
    RevokeAll { subject: u8, keep: Option<u8> },
    RevokeEverything,
    List { subject: u8 },
    Put { code: u8, customer: u8, reset: bool, keep: usize, lives: u64 },
    Peek { code: u8, customer: u8, reset: bool, assist: bool },
    Take { code: u8, customer: u8, reset: bool, assist: bool },
    Discard { customer: u8 },
    OnDocuments(documents::Verb),
    BeginAssistance { entry: u8, customer: u8, lives: u64 },
    EndAssistance { entry: u8, end: u8 },
    FindAssistance { entry: u8 },
    OpenAssistance,
    AssistanceOf { customer: u8, limit: usize },
    EraseAssistance { customer: u8 },
    PurgeAssistance { ago: u64 },
    Purge { limit: usize },
    Later { seconds: u64 },
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        5 => verb_of_customers(),
        4 => documents::verb().prop_map(Verb::OnDocuments),
        2 => verb_of_the_ledger(),
    ]
}

fn verb_of_the_ledger() -> impl Strategy<Value = Verb> {
    let (entry, customer) = (0..8_u8, 0..2_u8);
    prop_oneof![
        4 => (entry.clone(), customer.clone(), 1..60_u64)
            .prop_map(|(entry, customer, lives)| Verb::BeginAssistance { entry, customer, lives }),
        3 => (entry.clone(), 0..6_u8).prop_map(|(entry, end)| Verb::EndAssistance { entry, end }),
        2 => entry.prop_map(|entry| Verb::FindAssistance { entry }),
        2 => Just(Verb::OpenAssistance),
        2 => (customer.clone(), 0..5_usize).prop_map(|(customer, limit)| Verb::AssistanceOf { customer, limit }),
        1 => customer.prop_map(|customer| Verb::EraseAssistance { customer }),
        1 => (0..30_u64).prop_map(|ago| Verb::PurgeAssistance { ago }),
    ]
}

fn verb_of_customers() -> impl Strategy<Value = Verb> {
    let (grant, subject, code, customer) = (0..8_u8, 0..3_u8, 0..8_u8, 0..2_u8);
    prop_oneof![
        1 => subject.clone().prop_map(|subject| Verb::Generation { subject }),
        5 => (grant.clone(), subject.clone(), any::<bool>(), prop::bool::weighted(0.1), 1..60_u64)
            .prop_map(|(grant, subject, assisted, stale, lives)| Verb::Insert { grant, subject, assisted, stale, lives }),
        4 => grant.clone().prop_map(|grant| Verb::Find { grant }),
        2 => (grant.clone(), 0..30_u64).prop_map(|(grant, bar)| Verb::Revoke { grant, bar }),
        1 => (subject.clone(), prop::option::of(grant)).prop_map(|(subject, keep)| Verb::RevokeAll { subject, keep }),
        1 => Just(Verb::RevokeEverything),
        2 => subject.prop_map(|subject| Verb::List { subject }),
        4 => (code.clone(), customer.clone(), any::<bool>(), 1..4_usize, 1..60_u64)
            .prop_map(|(code, customer, reset, keep, lives)| Verb::Put { code, customer, reset, keep, lives }),
        2 => (code.clone(), customer.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(code, customer, reset, assist)| Verb::Peek { code, customer, reset, assist }),
        4 => (code, customer.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(code, customer, reset, assist)| Verb::Take { code, customer, reset, assist }),
        1 => customer.prop_map(|customer| Verb::Discard { customer }),
        1 => (0..9_usize).prop_map(|limit| Verb::Purge { limit }),
        2 => (0..15_u64).prop_map(|seconds| Verb::Later { seconds }),
    ]
}

/// What a history carries from verb to verb.
struct History {
    now: OffsetDateTime,
    /// So that no two histories on one database meet.
    number: u32,
    /// The number of the verb in the history.
    step: u32,
    /// When what a digest names ends, as it was first stored. A store need not know its digest after that.
    grants: Vec<(u8, OffsetDateTime)>,
    codes: Vec<((u8, u8), OffsetDateTime)>,
}

impl History {
    fn digest(&self, kind: &str, number: u8) -> Digest {
        Digest::of(format!("{kind} {number} of {}", self.number).as_bytes())
    }

    /// Odd ones are admin users.
    fn subject(&self, number: u8) -> Subject {
        let id = format!("{}-{}", self.number, number / 2);
        if number.is_multiple_of(2) {
            Subject::Customer(id.parse().unwrap())
        } else {
            Subject::Admin(id.parse().unwrap())
        }
    }

    fn customer(&self, number: u8) -> CustomerId {
        format!("{}-{number}", self.number).parse().unwrap()
    }

    fn assistance(&self, number: u8) -> Assistance {
        Assistance::new(AdminId::from(7), self.digest("parent", number), &format!("reason '{number}'"))
    }

    /// No two begin at the same instant.
    fn entry(&self, number: u8, customer: u8, lives: u64) -> Option<AssistanceEntry> {
        let (digest, customer) = (self.digest("assisted", number), self.customer(customer));
        let begins = self.now + Duration::from_micros(number.into());
        let website = Website::default();
        let ends = self.in_so_many(lives);
        let grant = Grant::customer(digest, customer, website, Obtained::OneTimeCode, begins, ends);
        let origin = Origin::from(IpAddr::from([192, 0, 2, number])).user_agent("Mozilla/5.0");
        AssistanceEntry::of(&grant.assisted(self.assistance(number)), &origin)
    }

    fn in_so_many(&self, seconds: u64) -> OffsetDateTime {
        self.now + Duration::from_secs(seconds)
    }

    fn presented(&self, code: u8, customer: u8, reset: bool, assist: bool) -> Presented {
        Presented {
            website: Website::default(),
            customer: self.customer(customer),
            digest: self.digest("code", code),
            purposes: Purposes { reset_token: reset, one_time_code: assist },
        }
    }

    /// What each of two stores answers.
    async fn ask(&mut self, verb: &Verb, stores: [&dyn Store; 2]) -> Result<[String; 2]> {
        let now = self.now;
        let mut answers = [String::new(), String::new()];
        match *verb {
            Verb::Later { seconds } => {
                self.now = self.in_so_many(seconds);
                return Ok(answers);
            }
            // A digest that has expired may be known or not.
            Verb::Insert { grant, .. }
                if self.grants.iter().any(|(known, end)| *known == grant && *end <= now) =>
            {
                return Ok(answers);
            }
            Verb::Put { code, customer, .. }
                if self.codes.iter().any(|(known, end)| *known == (code, customer) && *end <= now) =>
            {
                return Ok(answers);
            }
            // What everybody's revoke ended may be kept until it expires.
            Verb::RevokeEverything => self.grants.iter_mut().for_each(|(_, end)| *end = now.min(*end)),
            Verb::Insert { grant, lives, .. } => self.grants.push((grant, self.in_so_many(lives))),
            Verb::Put { code, customer, lives, .. } => {
                self.codes.push(((code, customer), self.in_so_many(lives)));
            }
            _ => {}
        }
        let handed = fresh();
        for (store, answer) in stores.into_iter().zip(&mut answers) {
            *answer = self.answer(verb, store, handed, now).await?;
        }
        Ok(answers)
    }

    /// The library hands a generation to three verbs: here the same to both stores.
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
                let (digest, subject) = (self.digest("grant", grant), self.subject(subject));
                let end = self.in_so_many(lives);
                let read = store.generation(&subject, handed).await?;
                let other = Some(GenerationId::from_bytes([0; 16]));
                let generation = Generation { subject: if stale { other } else { read.subject }, ..read };
                let row = match subject {
                    Subject::Admin(admin) => Grant::admin(digest, admin, Obtained::Password, now, end),
                    Subject::Customer(customer) => {
                        Grant::customer(digest, customer, Website::default(), Obtained::AsAdmin, now, end)
                    }
                    other => return Err(format!("{other:?}").into()),
                };
                let row = if assisted { row.assisted(self.assistance(grant)) } else { row };
                let origin = Origin::from(IpAddr::from([192, 0, 2, grant])).user_agent("Mozilla/5.0");
                format!("{:?}", store.insert(&row, &origin, generation, FEW, now).await?)
            }
            Verb::Find { grant } => format!("{:?}", store.find(&self.digest("grant", grant), now).await?),
            Verb::Revoke { grant, bar } => {
                let until = self.in_so_many(bar);
                format!("{:?}", store.revoke(&self.digest("grant", grant), now, until).await?)
            }
            Verb::RevokeAll { subject, keep } => {
                let keep = keep.map(|keep| self.digest("grant", keep));
                format!("{:?}", store.revoke_all(&self.subject(subject), keep.as_ref(), handed, now).await?)
            }
            Verb::RevokeEverything => format!("{:?}", store.revoke_everything(handed, now).await?),
            Verb::List { subject } => {
                format!("{:?}", store.grants(&self.subject(subject), 3, now).await?)
            }
            Verb::Put { code, customer, reset, keep, lives } => {
                let (digest, website) = (self.digest("code", code), Website::default());
                let (customer, end) = (self.customer(customer), self.in_so_many(lives));
                let row = if reset {
                    OneTimeCredential::reset_token(digest, website, customer, now, end)
                } else {
                    let assistance = self.assistance(code);
                    OneTimeCredential::one_time_code(digest, website, customer, assistance, now, end)
                };
                format!("{:?}", store.put(&row, keep, now).await?)
            }
            Verb::Peek { code, customer, reset, assist } => {
                format!("{:?}", store.peek(&self.presented(code, customer, reset, assist), now).await?)
            }
            Verb::Take { code, customer, reset, assist } => {
                let buys = self.digest("bought", code);
                let presented = self.presented(code, customer, reset, assist);
                format!("{:?}", store.take(&presented, (code % 3 > 0).then_some(&buys), now).await?)
            }
            Verb::Discard { customer } => format!("{:?}", store.discard(&self.customer(customer)).await?),
            Verb::OnDocuments(ref verb) => {
                let names = documents::Names { history: self.number, step: self.step };
                names.answer(verb, store, now).await?
            }
            Verb::BeginAssistance { entry, customer, lives } => match self.entry(entry, customer, lives) {
                Some(entry) => format!("{:?}", store.begin_assistance(&entry).await?),
                None => return Err("no entry of assistance".into()),
            },
            Verb::EndAssistance { entry, end } => {
                let ends = [
                    AssistanceEnd::Expired,
                    AssistanceEnd::SignedOut,
                    AssistanceEnd::EndedByCustomer,
                    AssistanceEnd::ConsentWithdrawn,
                    AssistanceEnd::Withdrawn,
                    AssistanceEnd::NotIssued,
                ];
                let grant = self.digest("assisted", entry);
                format!("{:?}", store.end_assistance(&grant, ends[usize::from(end)], now).await?)
            }
            Verb::FindAssistance { entry } => {
                format!("{:?}", store.find_assistance(&self.digest("assisted", entry)).await?)
            }
            Verb::OpenAssistance => {
                // Those of other histories may have begun at the same instant.
                let mut open = store.open_assistance(ALL).await?;
                open.retain(|entry| [0, 1].map(|number| self.customer(number)).contains(&entry.customer));
                format!("{open:?}")
            }
            Verb::AssistanceOf { customer, limit } => {
                format!("{:?}", store.assistance_of(&self.customer(customer), limit).await?)
            }
            Verb::EraseAssistance { customer } => {
                format!("{:?}", store.erase_assistance(&self.customer(customer)).await?)
            }
            Verb::PurgeAssistance { ago } => {
                format!("{:?}", store.purge_assistance(now - Duration::from_secs(ago), ALL).await?)
            }
            Verb::Purge { limit } => {
                let removed = [store.purge_tokens(now, limit).await?, store.purge_codes(now, limit).await?];
                assert!(removed.iter().all(|removed| *removed <= limit), "{removed:?} of at most {limit}");
                String::new()
            }
            Verb::Later { .. } => String::new(),
        })
    }
}

pub(crate) async fn every_verb_answers_as_in_memory(engine: &Engine) -> Result {
    let nodes = [engine.node().await?.store, engine.node().await?.store];
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..Default::default() });
    // Everybody's generation is counted in memory as it is on the backend, so one memory store lives through all of it.
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    for number in 0..HISTORIES {
        let script = vec(verb(), VERBS).new_tree(&mut runner).map_err(|why| why.to_string())?.current();
        let now = OffsetDateTime::now_utc();
        let now = now.replace_microsecond(now.microsecond())?;
        let (grants, codes) = (Vec::new(), Vec::new());
        let mut history = History { now, number, step: 0, grants, codes };
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
