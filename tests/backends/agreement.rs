//! Whatever is asked of a backend, it answers as the memory store does, which has a model of its own.

use std::{net::IpAddr, sync::Arc, time::Duration};

use commerce_auth::{
    AdminId, Assistance, CustomerId, Digest, Grant, MemoryStore, Obtained, Origin, Subject, Website,
    store::{
        Attempt, AttemptId, Budget, Charge, Generation, Lock, OneTimeCredential, Outcome, Presented,
        Purposes, Store, ThrottleKey,
    },
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use time::OffsetDateTime;

use crate::{Result, engine::Engine};

/// Histories on each backend, and verbs in each.
const HISTORIES: u32 = 40;
const VERBS: usize = 60;

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
    Reserve { attempt: u8, account: u8, source: u8, lease: u64 },
    Settle { attempt: u8, outcome: Outcome },
    Clear { account: u8 },
    Purge { limit: usize },
    Later { seconds: u64 },
}

fn verb() -> impl Strategy<Value = Verb> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Failed),
        1 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Withdrawn)
    ];
    let (grant, subject, code, customer, attempt) = (0..8_u8, 0..3_u8, 0..8_u8, 0..2_u8, 0..12_u8);
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
        1 => customer.clone().prop_map(|customer| Verb::Discard { customer }),
        8 => (attempt.clone(), customer.clone(), 0..2_u8, 1..20_u64)
            .prop_map(|(attempt, account, source, lease)| Verb::Reserve { attempt, account, source, lease }),
        8 => (attempt, outcome).prop_map(|(attempt, outcome)| Verb::Settle { attempt, outcome }),
        1 => customer.prop_map(|account| Verb::Clear { account }),
        1 => (0..9_usize).prop_map(|limit| Verb::Purge { limit }),
        4 => (0..15_u64).prop_map(|seconds| Verb::Later { seconds }),
    ]
}

/// What a history carries from verb to verb.
struct History {
    now: OffsetDateTime,
    /// So that no two histories on one database meet.
    number: u32,
    /// When what a digest names ends, as it was first stored. A store need not know its digest after that.
    grants: Vec<(u8, OffsetDateTime)>,
    codes: Vec<((u8, u8), OffsetDateTime)>,
    /// The attempts as they were reserved last.
    attempts: Vec<(u8, Attempt)>,
}

impl History {
    fn digest(&self, kind: &str, number: u8) -> Digest {
        Digest::of(format!("{kind} {number} of {}", self.number).as_bytes())
    }

    fn key(&self, name: &str) -> ThrottleKey {
        ThrottleKey::of(&[name.as_bytes(), &self.number.to_be_bytes()])
    }

    /// Odd ones are admin users.
    fn subject(&self, number: u8) -> Subject {
        let id = format!("{}-{}", self.number, number / 2);
        if number % 2 == 0 {
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

    fn attempt(&self, number: u8, account: u8, source: u8, lease: u64) -> Attempt {
        let narrow =
            Budget { failures: 2, window: Duration::from_secs(30), lock: Lock::For(Duration::from_secs(20)) };
        let wide = Budget { failures: 4, window: Duration::from_secs(60), lock: Lock::UntilCleared };
        let mut id = [number; 16];
        id[..4].copy_from_slice(&self.number.to_be_bytes());
        Attempt {
            id: AttemptId(id),
            account: self.key(&format!("account {account}")),
            charges: vec![
                Charge { scope: self.key(&format!("source {source}")), budget: narrow },
                Charge { scope: self.key("all"), budget: wide },
            ],
            lease_until: self.in_so_many(lease),
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
            // To clear is not told the time: a lease that has ended may have become a failure by then, or not yet.
            Verb::Clear { account }
                if self.attempts.iter().any(|(_, attempt)| {
                    attempt.account == self.key(&format!("account {account}")) && attempt.lease_until <= now
                }) =>
            {
                return Ok(answers);
            }
            // What everybody's revoke ended may be kept until it expires.
            Verb::RevokeEverything => self.grants.iter_mut().for_each(|(_, end)| *end = now.min(*end)),
            Verb::Insert { grant, lives, .. } => self.grants.push((grant, self.in_so_many(lives))),
            Verb::Put { code, customer, lives, .. } => {
                self.codes.push(((code, customer), self.in_so_many(lives)));
            }
            Verb::Reserve { attempt, account, source, lease } => {
                // Names are random in life: never used again.
                if self.attempts.iter().any(|(known, _)| *known == attempt) {
                    return Ok(answers);
                }
                self.attempts.push((attempt, self.attempt(attempt, account, source, lease)));
            }
            _ => {}
        }
        for (store, answer) in stores.into_iter().zip(&mut answers) {
            *answer = self.answer(verb, store, now).await?;
        }
        Ok(answers)
    }

    async fn answer(&self, verb: &Verb, store: &dyn Store, now: OffsetDateTime) -> Result<String> {
        Ok(match *verb {
            Verb::Generation { subject } => format!("{:?}", store.generation(&self.subject(subject)).await?),
            Verb::Insert { grant, subject, assisted, stale, lives } => {
                let (digest, subject) = (self.digest("grant", grant), self.subject(subject));
                let end = self.in_so_many(lives);
                let read = store.generation(&subject).await?;
                let generation = Generation { subject: read.subject + u64::from(stale), ..read };
                let row = match subject {
                    Subject::Admin(admin) => Grant::admin(digest, admin, Obtained::Password, now, end),
                    Subject::Customer(customer) => {
                        Grant::customer(digest, customer, Website::default(), Obtained::AsAdmin, now, end)
                    }
                    other => return Err(format!("{other:?}").into()),
                };
                let row = if assisted { row.assisted(self.assistance(grant)) } else { row };
                let origin = Origin::from(IpAddr::from([192, 0, 2, grant])).user_agent("Mozilla/5.0");
                format!("{:?}", store.insert(&row, &origin, generation, now).await?)
            }
            Verb::Find { grant } => format!("{:?}", store.find(&self.digest("grant", grant), now).await?),
            Verb::Revoke { grant, bar } => {
                let until = self.in_so_many(bar);
                format!("{:?}", store.revoke(&self.digest("grant", grant), now, until).await?)
            }
            Verb::RevokeAll { subject, keep } => {
                let keep = keep.map(|keep| self.digest("grant", keep));
                format!("{:?}", store.revoke_all(&self.subject(subject), keep.as_ref(), now).await?)
            }
            Verb::RevokeEverything => format!("{:?}", store.revoke_everything(now).await?),
            Verb::List { subject } => {
                let mut listed = store.list(&self.subject(subject), now).await?;
                // Of one instant, in any order.
                listed.sort_by_key(|(grant, _)| (std::cmp::Reverse(grant.issued_at), grant.digest));
                format!("{listed:?}")
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
            Verb::Reserve { attempt, .. } => {
                match self.attempts.iter().find(|(known, _)| *known == attempt) {
                    Some((_, attempt)) => format!("{:?}", store.reserve(attempt, now).await?),
                    None => String::new(),
                }
            }
            Verb::Settle { attempt, outcome } => {
                match self.attempts.iter().find(|(known, _)| *known == attempt) {
                    Some((_, attempt)) => format!("{:?}", store.settle(attempt, outcome, now).await?),
                    None => String::new(),
                }
            }
            Verb::Clear { account } => {
                format!("{:?}", store.clear(&self.key(&format!("account {account}"))).await?)
            }
            Verb::Purge { limit } => {
                let removed = [
                    store.purge_tokens(now, limit).await?,
                    store.purge_codes(now, limit).await?,
                    store.purge_attempts(now, limit).await?,
                ];
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
        let (grants, codes, attempts) = (Vec::new(), Vec::new(), Vec::new());
        let mut history = History { now, number, grants, codes, attempts };
        for (step, verb) in script.iter().enumerate() {
            let node = &nodes[step % 2];
            let [expected, answer] = history.ask(verb, [&*memory, &**node]).await?;
            let told = &script[..=step];
            assert_eq!(answer, expected, "history {number}, at {verb:?} after {told:#?}");
        }
    }
    Ok(())
}
