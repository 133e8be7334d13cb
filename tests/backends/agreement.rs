//! Whatever is asked of a backend, it answers as the memory store does, which has a model of its own.

mod documents;

use std::{net::IpAddr, num::NonZero, sync::Arc, time::Duration};

use commerce_auth::{
    AdminId, Assistance, CustomerId, Digest, Grant, KeyId, MemoryStore, Obtained, Origin, Sealed, Subject,
    Website,
    store::{Enrolment, Factor, Generation, GenerationId, Store},
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
    OnDocuments(documents::Verb),
    BeginEnrolment { token: u8, replaces: Named, lives: u64 },
    Enrolment { token: u8 },
    Activate { token: u8, step: u64, codes: u8 },
    Factor { admin: u8 },
    UseStep { admin: u8, factor: Named, step: u64 },
    LowerStep { admin: u8, factor: Named, from: u64, to: u64 },
    UseRecoveryCode { admin: u8, factor: Named, code: u8 },
    ReplaceRecoveryCodes { admin: u8, factor: Named, codes: u8 },
    Reseal { admin: u8, factor: Named, right: bool, new: u8 },
    SealedByOthers { key: u32 },
    RemoveFactor { admin: u8 },
    Purge { limit: usize },
    Later { seconds: u64 },
}

/// A factor: the one that the admin user has, or that of an enrolment's number.
#[derive(Clone, Copy, Debug)]
enum Named {
    Present,
    Of(u8),
}

/// So many enrolments may be begun for one admin user.
const ENROLMENTS: u8 = 8;

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![
        5 => verb_of_customers(),
        4 => documents::verb().prop_map(Verb::OnDocuments),
        3 => verb_of_factors(),
    ]
}

fn verb_of_factors() -> impl Strategy<Value = Verb> {
    let (token, admin, step, codes) = (0..2 * ENROLMENTS, 0..2_u8, 0..9_u64, any::<u8>());
    let factor = prop_oneof![6 => Just(Named::Present), 1 => token.clone().prop_map(Named::Of)];
    prop_oneof![
        4 => (token.clone(), factor.clone(), 1..60_u64)
            .prop_map(|(token, replaces, lives)| Verb::BeginEnrolment { token, replaces, lives }),
        2 => token.clone().prop_map(|token| Verb::Enrolment { token }),
        6 => (token, step.clone(), codes)
            .prop_map(|(token, step, codes)| Verb::Activate { token, step, codes }),
        2 => admin.clone().prop_map(|admin| Verb::Factor { admin }),
        3 => (admin.clone(), factor.clone(), step.clone())
            .prop_map(|(admin, factor, step)| Verb::UseStep { admin, factor, step }),
        2 => (admin.clone(), factor.clone(), step.clone(), step)
            .prop_map(|(admin, factor, from, to)| Verb::LowerStep { admin, factor, from, to }),
        3 => (admin.clone(), factor.clone(), 0..8_u8)
            .prop_map(|(admin, factor, code)| Verb::UseRecoveryCode { admin, factor, code }),
        1 => (admin.clone(), factor.clone(), codes)
            .prop_map(|(admin, factor, codes)| Verb::ReplaceRecoveryCodes { admin, factor, codes }),
        2 => (admin.clone(), factor, prop::bool::weighted(0.8), 0..4_u8)
            .prop_map(|(admin, factor, right, new)| Verb::Reseal { admin, factor, right, new }),
        1 => (0..3_u32).prop_map(|key| Verb::SealedByOthers { key }),
        1 => admin.prop_map(|admin| Verb::RemoveFactor { admin }),
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

/// What a history carries from verb to verb.
struct History {
    now: OffsetDateTime,
    /// So that no two histories on one database meet.
    number: u32,
    /// The number of the verb in the history.
    step: u32,
    /// When what a digest names ends, as it was first stored. A store need not know its digest after that.
    grants: Vec<(u8, OffsetDateTime)>,
    /// The enrolments that were begun.
    enrolments: Vec<u8>,
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

    fn admin(&self, number: u8) -> AdminId {
        format!("{}-{number}", self.number).parse().unwrap()
    }

    fn sealed(&self, number: u8) -> Sealed {
        Sealed { key: KeyId(u32::from(number % 3)), bytes: vec![number; usize::from(number)] }
    }

    /// A code for each bit.
    fn recovery_codes(&self, bits: u8) -> Vec<Digest> {
        let codes = (0..8).filter(|bit| bits & (1 << bit) != 0);
        codes.map(|bit| self.digest("recovery code", bit)).collect()
    }

    async fn factor(&self, admin: &AdminId, named: Named, store: &dyn Store) -> Result<Option<Digest>> {
        Ok(match named {
            Named::Present => store.factor(admin).await?.map(|factor| factor.name),
            Named::Of(token) => Some(self.digest("enrolment", token)),
        })
    }

    fn in_so_many(&self, seconds: u64) -> OffsetDateTime {
        self.now + Duration::from_secs(seconds)
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
            // What everybody's revoke ended may be kept until it expires.
            Verb::RevokeEverything => self.grants.iter_mut().for_each(|(_, end)| *end = now.min(*end)),
            Verb::Insert { grant, lives, .. } => self.grants.push((grant, self.in_so_many(lives))),
            Verb::BeginEnrolment { token, .. } => {
                // Names are random in life: never used again.
                if self.enrolments.contains(&token) {
                    return Ok(answers);
                }
                self.enrolments.push(token);
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
            Verb::OnDocuments(ref verb) => {
                let names = documents::Names { history: self.number, step: self.step };
                names.answer(verb, store, now).await?
            }
            Verb::BeginEnrolment { token, replaces, lives } => {
                let admin = self.admin(token / ENROLMENTS);
                let row = Enrolment {
                    token: self.digest("enrolment", token),
                    secret: self.sealed(token),
                    replaces: self.factor(&admin, replaces, store).await?,
                    admin,
                    begun_with: (lives % 2 == 0).then(|| self.digest("grant", token)),
                    expires_at: self.in_so_many(lives),
                };
                format!("{:?}", store.begin_enrolment(&row, now).await?)
            }
            Verb::Enrolment { token } => {
                format!("{:?}", store.enrolment(&self.digest("enrolment", token), now).await?)
            }
            Verb::Activate { token, step, codes } => {
                let (token, codes) = (self.digest("enrolment", token), self.recovery_codes(codes));
                format!("{:?}", store.activate(&token, step, &codes, now).await?)
            }
            Verb::Factor { admin } => {
                format!("{:?}", store.factor(&self.admin(admin)).await?.map(in_order))
            }
            Verb::UseStep { admin, factor, step } => {
                let admin = self.admin(admin);
                let Some(factor) = self.factor(&admin, factor, store).await? else {
                    return Ok("none".into());
                };
                format!("{:?}", store.use_step(&admin, &factor, step).await?)
            }
            Verb::LowerStep { admin, factor, from, to } => {
                let admin = self.admin(admin);
                let Some(factor) = self.factor(&admin, factor, store).await? else {
                    return Ok("none".into());
                };
                format!("{:?}", store.lower_step(&admin, &factor, from, to).await?)
            }
            Verb::UseRecoveryCode { admin, factor, code } => {
                let admin = self.admin(admin);
                let Some(factor) = self.factor(&admin, factor, store).await? else {
                    return Ok("none".into());
                };
                let code = self.digest("recovery code", code);
                format!("{:?}", store.use_recovery_code(&admin, &factor, &code).await?)
            }
            Verb::ReplaceRecoveryCodes { admin, factor, codes } => {
                let (admin, codes) = (self.admin(admin), self.recovery_codes(codes));
                let Some(factor) = self.factor(&admin, factor, store).await? else {
                    return Ok("none".into());
                };
                format!("{:?}", store.replace_recovery_codes(&admin, &factor, &codes).await?)
            }
            Verb::Reseal { admin, factor, right, new } => {
                let admin = self.admin(admin);
                let present = store.factor(&admin).await?.filter(|_| right).map(|factor| factor.secret);
                let expected = present.unwrap_or_else(|| self.sealed(new + 1));
                let Some(factor) = self.factor(&admin, factor, store).await? else {
                    return Ok("none".into());
                };
                format!("{:?}", store.reseal(&admin, &factor, &expected, &self.sealed(new)).await?)
            }
            Verb::SealedByOthers { key } => {
                let found = store.sealed_by_others(KeyId(key), ALL).await?.into_iter();
                let mut found: Vec<_> = found.map(|(admin, factor)| (admin, in_order(factor))).collect();
                found.sort_by_key(|(admin, _)| admin.clone());
                format!("{found:?}")
            }
            Verb::RemoveFactor { admin } => {
                format!("{:?}", store.remove_factor(&self.admin(admin)).await?)
            }
            Verb::Purge { limit } => {
                let removed =
                    [store.purge_tokens(now, limit).await?, store.purge_enrolments(now, limit).await?];
                assert!(removed.iter().all(|removed| *removed <= limit), "{removed:?} of at most {limit}");
                String::new()
            }
            Verb::Later { .. } => String::new(),
        })
    }
}

fn in_order(mut factor: Factor) -> Factor {
    factor.recovery_codes.sort_unstable();
    factor
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
        let (grants, enrolments) = (Vec::new(), Vec::new());
        let mut history = History { now, number, step: 0, grants, enrolments };
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
