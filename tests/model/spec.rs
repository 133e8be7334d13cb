//! What the verbs of a store promise, as plain sequential data: one model for each trait.
//!
//! A store may sweep a record from the moment at which a verb is told that it has expired. A clock that then goes back
//! finds it or does not: such a record is `unsure`, and the store's next answer settles it.

use std::collections::{BTreeMap, BTreeSet};

use commerce_auth::{
    AdminId, Assistance, CustomerId, Digest, Grant, MemoryStore, Obtained, Origin, Subject, Website,
    store::{
        Attempt, AttemptId, Budget, Charge, Generation, Insert, Lock, OneTimeCredential, OtcStore, Outcome,
        Presented, Purpose, Purposes, Reserve, Take, ThrottleKey, ThrottleStore, TokenStore,
    },
};
use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

/// A verb that was called: `Op` is the script's line, the rest comes from the thread that runs it.
#[derive(Clone, Debug)]
pub(crate) struct Asked<Op, Known> {
    pub(crate) now: i64,
    /// Names the call, and what it brings into the store.
    pub(crate) tag: u8,
    pub(crate) op: Op,
    pub(crate) known: Known,
}

/// A sequential model of some verbs.
pub(crate) trait Spec: Clone + Default + PartialEq {
    type Op: Copy + std::fmt::Debug + Send + Sync;
    /// What a thread has learnt from the answers it got, and hands on to later calls.
    type Known: Clone + Default + std::fmt::Debug + Send;
    type Answer: std::fmt::Debug + Send;

    fn call(store: &MemoryStore, asked: &Asked<Self::Op, Self::Known>) -> Self::Answer;

    fn learn(_known: &mut Self::Known, _asked: &Asked<Self::Op, Self::Known>, _answer: &Self::Answer) {}

    /// The steps of which a verb over several records may be seen to consist while it has not returned: the first comes
    /// first, the others in any order.
    fn steps(op: Self::Op) -> Vec<Self::Op> {
        vec![op]
    }

    /// Whether the answer is right at this point; if it is, the model moves on.
    fn step(&mut self, asked: &Asked<Self::Op, Self::Known>, answer: &Self::Answer) -> bool;
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds)
}

fn seconds(at: OffsetDateTime) -> i64 {
    at.unix_timestamp()
}

fn number(digest: &Digest) -> u8 {
    digest.as_bytes()[0]
}

/// Half of them share a shard of the store.
fn digest(number: u8) -> Digest {
    let mut bytes = [number; 32];
    bytes[31] = number % 2;
    Digest::from_bytes(bytes)
}

/// The memory store never waits.
fn done<T, E: std::fmt::Debug>(verb: impl Future<Output = Result<T, E>>) -> T {
    verb.now_or_never().expect("a verb that waits").unwrap()
}

// ---- Tokens ------------------------------------------------------------------------------------------------------

/// Grants are numbered; even ones are a customer's, odd ones those of an admin user of the same id.
pub(crate) const GRANTS: u8 = 4;

#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenOp {
    Generation {
        subject: u8,
    },
    /// Under the generation that this thread read last.
    Insert {
        grant: u8,
        lives: i64,
    },
    Find {
        grant: u8,
    },
    Revoke {
        grant: u8,
        bar: i64,
    },
    RevokeAll {
        subject: u8,
        keep: Option<u8>,
    },
    RevokeEverything,
    List {
        subject: u8,
    },
    Purge {
        limit: usize,
    },
    /// Steps of the verbs above.
    Bar {
        grant: u8,
        bar: i64,
    },
    Remove {
        grant: u8,
    },
    Raise {
        subject: u8,
    },
    End {
        grant: u8,
    },
}

#[derive(Debug)]
pub(crate) enum TokenAnswer {
    Generation(Generation),
    Insert(Insert),
    Find(Option<Row>),
    Revoke(bool),
    Done,
    List(Vec<(Row, u8)>),
    Purge(usize),
}

/// A grant, as it was inserted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    grant: u8,
    tag: u8,
    issued: i64,
    expires: i64,
}

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Tokens {
    generations: [u64; 2],
    everything: u64,
    held: BTreeMap<u8, Held>,
    barred: BTreeMap<u8, Bar>,
}

#[derive(Clone, PartialEq)]
struct Held {
    row: Row,
    generation: u64,
    /// Revoked: not found any more, and maybe not there any more.
    dead: bool,
    unsure: bool,
}

/// Barred surely until the one, and maybe until the other.
#[derive(Clone, Default, PartialEq)]
struct Bar {
    surely: Option<i64>,
    maybe: i64,
}

impl Held {
    fn lives(&self, now: i64) -> bool {
        !self.dead && now < self.row.expires
    }
}

fn subject(number: u8) -> Subject {
    match number {
        0 => Subject::Customer("7".parse().unwrap()),
        _ => Subject::Admin("7".parse().unwrap()),
    }
}

impl Row {
    fn grant(self) -> Grant {
        let (issued, expires) = (at(self.issued), at(self.expires));
        let name = digest(self.grant);
        let grant = match subject(self.grant % 2) {
            Subject::Customer(id) => {
                Grant::customer(name, id, Website::default(), Obtained::Password, issued, expires)
            }
            Subject::Admin(id) => Grant::admin(name, id, Obtained::Password, issued, expires),
            _ => unreachable!(),
        };
        grant.assisted(Assistance::new(AdminId::from(1), digest(0), &self.tag.to_string()))
    }

    fn of(grant: &Grant) -> Self {
        let tag = grant.assistance.as_ref().unwrap().reason.parse().unwrap();
        let (issued, expires) = (seconds(grant.issued_at), seconds(grant.expires_at));
        let row = Self { grant: number(&grant.digest), tag, issued, expires };
        assert_eq!(row.grant(), *grant, "a grant comes back as it went in");
        row
    }
}

fn origin(tag: u8) -> Origin {
    Origin::new(None, Some(&tag.to_string()))
}

impl Tokens {
    fn generation(&self, subject: u8) -> Generation {
        Generation { subject: self.generations[usize::from(subject)], everything: self.everything }
    }

    /// What expires now may be swept from now on.
    fn pass(&mut self, now: i64) {
        for held in self.held.values_mut() {
            held.unsure |= now >= held.row.expires;
        }
        for bar in self.barred.values_mut() {
            bar.surely = bar.surely.filter(|until| now < *until);
        }
    }

    /// Whether a live grant may be said to be there or not; a grant that turns out to be swept is gone.
    fn may_be_seen(&mut self, grant: u8, now: i64, seen: Option<&Row>) -> bool {
        let lives = self.held.get(&grant).filter(|held| held.lives(now));
        match (lives, seen) {
            (Some(held), Some(row)) => held.row == *row,
            (Some(held), None) if held.unsure => self.held.remove(&grant).is_some(),
            (Some(_), None) | (None, Some(_)) => false,
            (None, None) => true,
        }
    }
}

impl Spec for Tokens {
    type Op = TokenOp;
    type Known = [Option<Generation>; 2];
    type Answer = TokenAnswer;

    fn call(store: &MemoryStore, Asked { now, tag, op, known }: &Asked<TokenOp, Self::Known>) -> TokenAnswer {
        let then = at(*now);
        match *op {
            TokenOp::Generation { subject } => {
                TokenAnswer::Generation(done(store.generation(&self::subject(subject))))
            }
            TokenOp::Insert { grant, lives } => {
                let row = Row { grant, tag: *tag, issued: *now, expires: now + lives };
                let read = read(known, grant % 2);
                TokenAnswer::Insert(done(store.insert(&row.grant(), &origin(*tag), read, then)))
            }
            TokenOp::Find { grant } => {
                TokenAnswer::Find(done(store.find(&digest(grant), then)).as_ref().map(Row::of))
            }
            TokenOp::Revoke { grant, bar } => {
                TokenAnswer::Revoke(done(store.revoke(&digest(grant), then, at(now + bar))))
            }
            TokenOp::RevokeAll { subject, keep } => {
                let keep = keep.map(digest);
                done(store.revoke_all(&self::subject(subject), keep.as_ref(), then));
                TokenAnswer::Done
            }
            TokenOp::RevokeEverything => {
                done(store.revoke_everything(then));
                TokenAnswer::Done
            }
            TokenOp::List { subject } => {
                let listed = done(store.list(&self::subject(subject), then)).into_iter();
                let tag = |origin: Origin| origin.user_agent.unwrap().parse().unwrap();
                TokenAnswer::List(listed.map(|(grant, origin)| (Row::of(&grant), tag(origin))).collect())
            }
            TokenOp::Purge { limit } => TokenAnswer::Purge(done(store.purge_tokens(then, limit))),
            TokenOp::Bar { .. } | TokenOp::Remove { .. } | TokenOp::Raise { .. } | TokenOp::End { .. } => {
                unreachable!("no verb")
            }
        }
    }

    fn learn(known: &mut Self::Known, asked: &Asked<TokenOp, Self::Known>, answer: &TokenAnswer) {
        if let (TokenOp::Generation { subject }, TokenAnswer::Generation(read)) = (asked.op, answer) {
            known[usize::from(subject)] = Some(*read);
        }
    }

    fn steps(op: TokenOp) -> Vec<TokenOp> {
        match op {
            TokenOp::Revoke { grant, bar } => vec![TokenOp::Bar { grant, bar }, TokenOp::Remove { grant }],
            TokenOp::RevokeAll { subject, keep } => {
                let ended = (0..GRANTS).filter(|grant| grant % 2 == subject && Some(*grant) != keep);
                let ended = ended.map(|grant| TokenOp::End { grant });
                [TokenOp::Raise { subject }].into_iter().chain(ended).collect()
            }
            _ => vec![op],
        }
    }

    fn step(&mut self, asked: &Asked<TokenOp, Self::Known>, answer: &TokenAnswer) -> bool {
        let Asked { now, tag, op, known } = asked;
        self.pass(*now);
        match (*op, answer) {
            (TokenOp::Generation { subject }, TokenAnswer::Generation(read)) => {
                *read == self.generation(subject)
            }
            (TokenOp::Insert { grant, lives }, TokenAnswer::Insert(answer)) => {
                let generation = read(known, grant % 2);
                let moved = generation != self.generation(grant % 2);
                let bar = self.barred.entry(grant).or_default();
                match answer {
                    Insert::Revoked => moved,
                    Insert::Barred => *now < bar.maybe,
                    Insert::Collision => self.held.contains_key(&grant),
                    Insert::Stored => {
                        let there = self.held.get(&grant).is_some_and(|held| !held.dead && !held.unsure);
                        if moved || there || bar.surely.is_some() {
                            return false;
                        }
                        bar.maybe = bar.maybe.min(*now);
                        let row = Row { grant, tag: *tag, issued: *now, expires: now + lives };
                        let generation = generation.subject;
                        self.held.insert(grant, Held { row, generation, dead: false, unsure: false });
                        true
                    }
                }
            }
            (TokenOp::Find { grant }, TokenAnswer::Find(found)) => {
                self.may_be_seen(grant, *now, found.as_ref())
            }
            (TokenOp::Bar { grant, bar }, _) => {
                let (until, barred) = (now + bar, self.barred.entry(grant).or_default());
                barred.surely = barred.surely.max(Some(until)).filter(|until| now < until);
                barred.maybe = barred.maybe.max(until);
                true
            }
            (TokenOp::Remove { grant }, TokenAnswer::Revoke(was_there)) => {
                let Some(held) = self.held.get_mut(&grant) else { return !was_there };
                let right = if held.lives(*now) { *was_there || held.unsure } else { !was_there };
                held.dead = true;
                right
            }
            (TokenOp::Raise { subject }, _) => {
                self.generations[usize::from(subject)] += 1;
                true
            }
            (TokenOp::End { grant }, _) => {
                let current = self.generations[usize::from(grant % 2)];
                if let Some(held) = self.held.get_mut(&grant) {
                    held.dead |= held.generation < current;
                }
                true
            }
            (TokenOp::RevokeEverything, _) => {
                self.everything += 1;
                self.held.values_mut().for_each(|held| held.dead = true);
                true
            }
            (TokenOp::List { subject }, TokenAnswer::List(listed)) => {
                let names: BTreeSet<_> = listed.iter().map(|(row, _)| row.grant).collect();
                let of_subject = |grant: &u8| grant % 2 == subject;
                names.len() == listed.len()
                    && names.iter().all(of_subject)
                    && listed.iter().all(|(row, origin)| row.tag == *origin)
                    && listed.is_sorted_by_key(|(row, _)| -row.issued)
                    && (0..GRANTS).filter(of_subject).all(|grant| {
                        let seen = listed.iter().map(|(row, _)| row).find(|row| row.grant == grant);
                        self.may_be_seen(grant, *now, seen)
                    })
            }
            (TokenOp::Purge { limit }, TokenAnswer::Purge(removed)) => {
                let over = |held: &Held| held.dead || *now >= held.row.expires;
                let most = limit.min(self.held.values().filter(|held| over(held)).count());
                if *removed < limit {
                    self.held.retain(|_, held| !over(held));
                }
                *removed <= most
            }
            _ => unreachable!("{op:?} does not answer {answer:?}"),
        }
    }
}

fn read(known: &[Option<Generation>; 2], subject: u8) -> Generation {
    known[usize::from(subject)].unwrap_or(Generation { subject: 0, everything: 0 })
}

// ---- One-time credentials ----------------------------------------------------------------------------------------

/// Credentials are numbered; even ones are the one customer's, odd ones the other's.
pub(crate) const CODES: u8 = 6;

#[derive(Clone, Copy, Debug)]
pub(crate) enum CodeOp {
    Put { code: u8, site: u8, reset: bool, lives: i64, keep: usize },
    Take { code: u8, site: u8, customer: u8, reset: bool, assist: bool },
    Discard { customer: u8 },
    Purge { limit: usize },
}

#[derive(Debug)]
pub(crate) enum CodeAnswer {
    Put(bool),
    Taken(Code),
    Spent { reset: bool, bought: u8 },
    Nothing,
    Done,
    Purge(usize),
}

/// A credential, as it was put.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Code {
    code: u8,
    site: u8,
    reset: bool,
    issued: i64,
    expires: i64,
}

/// In the order of their arrival.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Codes(Vec<Kept>);

#[derive(Clone, PartialEq)]
struct Kept {
    code: Code,
    spent_on: Option<u8>,
    unsure: bool,
}

fn site(number: u8) -> Website {
    format!("site{number}").parse().unwrap()
}

fn customer(number: u8) -> CustomerId {
    CustomerId::from(i64::from(number))
}

impl Code {
    fn credential(self) -> OneTimeCredential {
        let (name, site, customer) = (digest(self.code), site(self.site), customer(self.code % 2));
        let (issued, expires) = (at(self.issued), at(self.expires));
        if self.reset {
            OneTimeCredential::reset_token(name, site, customer, issued, expires)
        } else {
            let assistance = Assistance::new(AdminId::from(1), digest(0), "");
            OneTimeCredential::one_time_code(name, site, customer, assistance, issued, expires)
        }
    }

    fn of(credential: &OneTimeCredential) -> Self {
        let code = number(&credential.digest);
        let site = u8::from(credential.website == site(1));
        let reset = credential.purpose == Purpose::ResetToken;
        let (issued, expires) = (seconds(credential.issued_at), seconds(credential.expires_at));
        let code = Self { code, site, reset, issued, expires };
        assert_eq!(code.credential(), *credential, "a credential comes back as it went in");
        code
    }
}

impl Codes {
    /// Of the live, unspent ones of its customer and purpose only the newest stay.
    fn push(&mut self, code: Code, keep: usize, now: i64) {
        self.0.push(Kept { code, spent_on: None, unsure: false });
        let (mut surely_newer, mut maybe_newer) = (0, 0);
        for place in (0..self.0.len()).rev() {
            let kept = &mut self.0[place];
            let same = (kept.code.code % 2, kept.code.reset) == (code.code % 2, code.reset);
            if !same || kept.spent_on.is_some() || now >= kept.code.expires {
                continue;
            }
            let unsure = kept.unsure;
            kept.unsure |= maybe_newer >= keep;
            if surely_newer >= keep {
                self.0.remove(place);
            }
            maybe_newer += 1;
            surely_newer += usize::from(!unsure);
        }
    }
}

impl Spec for Codes {
    type Op = CodeOp;
    type Known = ();
    type Answer = CodeAnswer;

    fn call(store: &MemoryStore, Asked { now, tag, op, .. }: &Asked<CodeOp, ()>) -> CodeAnswer {
        let then = at(*now);
        match *op {
            CodeOp::Put { code, site, reset, lives, keep } => {
                let code = Code { code, site, reset, issued: *now, expires: now + lives };
                CodeAnswer::Put(done(store.put(&code.credential(), keep, then)))
            }
            CodeOp::Take { code, site, customer, reset, assist } => {
                let presented = Presented {
                    website: self::site(site),
                    customer: self::customer(customer),
                    digest: digest(code),
                    purposes: Purposes { reset_token: reset, one_time_code: assist },
                };
                match done(store.take(&presented, Some(&digest(*tag)), then)) {
                    Take::Taken(credential) => CodeAnswer::Taken(Code::of(&credential)),
                    Take::Spent { purpose, bought } => CodeAnswer::Spent {
                        reset: purpose == Purpose::ResetToken,
                        bought: number(&bought.unwrap()),
                    },
                    Take::Nothing => CodeAnswer::Nothing,
                }
            }
            CodeOp::Discard { customer } => {
                done(store.discard(&self::customer(customer)));
                CodeAnswer::Done
            }
            CodeOp::Purge { limit } => CodeAnswer::Purge(done(store.purge_codes(then, limit))),
        }
    }

    fn step(&mut self, Asked { now, tag, op, .. }: &Asked<CodeOp, ()>, answer: &CodeAnswer) -> bool {
        for kept in &mut self.0 {
            kept.unsure |= *now >= kept.code.expires;
        }
        match (*op, answer) {
            (CodeOp::Put { code, site, reset, lives, keep }, CodeAnswer::Put(stored)) => {
                let there = self.0.iter().position(|kept| kept.code.code == code);
                if !stored {
                    return there.is_some();
                }
                if there.is_some_and(|place| !self.0[place].unsure) {
                    return false;
                }
                there.map(|place| self.0.remove(place));
                self.push(Code { code, site, reset, issued: *now, expires: now + lives }, keep, *now);
                true
            }
            (CodeOp::Take { code, site, customer, reset, assist }, answer) => {
                let fits = |kept: &Kept| {
                    (kept.code.code, kept.code.code % 2, kept.code.site) == (code, customer, site)
                        && (if kept.code.reset { reset } else { assist })
                        && *now < kept.code.expires
                };
                let Some(place) = self.0.iter().position(fits) else {
                    return matches!(answer, CodeAnswer::Nothing);
                };
                let kept = &mut self.0[place];
                match (answer, kept.spent_on) {
                    (CodeAnswer::Nothing, _) if kept.unsure => {
                        self.0.remove(place);
                        true
                    }
                    (CodeAnswer::Taken(taken), None) => {
                        kept.spent_on = Some(*tag);
                        kept.code == *taken
                    }
                    (CodeAnswer::Spent { reset, bought }, Some(spent_on)) => {
                        (kept.code.reset, spent_on) == (*reset, *bought)
                    }
                    _ => false,
                }
            }
            (CodeOp::Discard { customer }, _) => {
                self.0.retain(|kept| kept.code.code % 2 != customer || kept.spent_on.is_some());
                true
            }
            (CodeOp::Purge { limit }, CodeAnswer::Purge(removed)) => {
                let over = |kept: &Kept| *now >= kept.code.expires;
                let most = limit.min(self.0.iter().filter(|kept| over(kept)).count());
                if *removed < limit {
                    self.0.retain(|kept| !over(kept));
                }
                *removed <= most
            }
            _ => unreachable!("{op:?} does not answer {answer:?}"),
        }
    }
}

// ---- Attempt budgets ---------------------------------------------------------------------------------------------

/// Scopes of an account: two sources, and all of them together.
const SCOPES: [Budget; 3] = [
    Budget { failures: 2, window: seconds_of(5), lock: Lock::For(seconds_of(4)) },
    Budget { failures: 2, window: seconds_of(5), lock: Lock::For(seconds_of(4)) },
    Budget { failures: 3, window: seconds_of(9), lock: Lock::UntilCleared },
];

const fn seconds_of(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ThrottleOp {
    Reserve {
        account: u8,
        source: u8,
        lease: i64,
    },
    /// This thread's attempts, counted back from the newest; also those that were refused, or settled before.
    Settle {
        back: usize,
        outcome: Outcome,
    },
    Clear {
        account: u8,
    },
    Purge {
        limit: usize,
    },
}

#[derive(Debug)]
pub(crate) enum ThrottleAnswer {
    Reserve(Reserve),
    Done,
    Purge(usize),
}

/// An attempt that a thread has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    id: u8,
    account: u8,
    source: u8,
    lease_until: i64,
}

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Throttle(BTreeMap<(u8, u8), Counter>);

#[derive(Clone, Default, PartialEq)]
struct Counter {
    failures: u32,
    window_ends: i64,
    /// Without an end, until it is cleared.
    locked: Option<Option<i64>>,
    /// The leases of attempts on their way.
    reserved: BTreeMap<u8, i64>,
}

fn attempt_key(kind: &[u8], number: u8) -> ThrottleKey {
    ThrottleKey::of(&[kind, &[number]])
}

impl Begun {
    fn new(asked: &Asked<ThrottleOp, Vec<Self>>) -> Option<Self> {
        match asked.op {
            ThrottleOp::Reserve { account, source, lease } => {
                Some(Self { id: asked.tag, account, source, lease_until: asked.now + lease })
            }
            ThrottleOp::Settle { back, .. } => asked.known.iter().rev().nth(back).copied(),
            _ => None,
        }
    }

    fn attempt(self) -> Attempt {
        let charge =
            |scope| Charge { scope: attempt_key(b"scope", scope), budget: SCOPES[usize::from(scope)] };
        Attempt {
            id: AttemptId([self.id; 16]),
            account: attempt_key(b"account", self.account),
            charges: self.scopes().map(charge).to_vec(),
            lease_until: at(self.lease_until),
        }
    }

    const fn scopes(self) -> [u8; 2] {
        [self.source, 2]
    }
}

impl Counter {
    fn is_locked(&self, now: i64) -> bool {
        self.locked.is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// Lets time pass: leases that ended count as failures of that moment, locks and windows end.
    fn pass(&mut self, scope: u8, now: i64) {
        let mut lapsed: Vec<_> = self.reserved.values().copied().filter(|lease| now >= *lease).collect();
        self.reserved.retain(|_, lease| now < *lease);
        lapsed.sort_unstable();
        lapsed.into_iter().for_each(|lease| self.fail(scope, lease));
        self.reopen(now);
    }

    fn reopen(&mut self, now: i64) {
        let lock_is_over = self.locked.is_some() && !self.is_locked(now);
        if lock_is_over || (self.locked.is_none() && now >= self.window_ends) {
            (self.failures, self.locked) = (0, None);
        }
    }

    fn fail(&mut self, scope: u8, now: i64) {
        self.reopen(now);
        let Budget { failures, window, lock } = SCOPES[usize::from(scope)];
        if self.failures == 0 {
            self.window_ends = now + i64::try_from(window.as_secs()).unwrap();
        }
        self.failures += 1;
        if self.failures >= failures {
            self.locked = Some(match lock {
                Lock::For(span) => Some(now + i64::try_from(span.as_secs()).unwrap()),
                _ => None,
            });
        }
    }

    fn answer(&self, scope: u8, now: i64) -> Reserve {
        let charged = self.failures + u32::try_from(self.reserved.len()).unwrap();
        if self.is_locked(now) {
            Reserve::Spent
        } else if charged >= SCOPES[usize::from(scope)].failures {
            Reserve::Busy
        } else {
            Reserve::Reserved
        }
    }

    fn counts(&self, now: i64) -> bool {
        self.is_locked(now)
            || !self.reserved.is_empty()
            || (self.locked.is_none() && self.failures > 0 && now < self.window_ends)
    }
}

impl Spec for Throttle {
    type Op = ThrottleOp;
    type Known = Vec<Begun>;
    type Answer = ThrottleAnswer;

    fn call(store: &MemoryStore, asked: &Asked<ThrottleOp, Vec<Begun>>) -> ThrottleAnswer {
        let now = at(asked.now);
        match (asked.op, Begun::new(asked)) {
            (ThrottleOp::Reserve { .. }, Some(begun)) => {
                ThrottleAnswer::Reserve(done(store.reserve(&begun.attempt(), now)))
            }
            (ThrottleOp::Settle { outcome, .. }, Some(begun)) => {
                done(store.settle(&begun.attempt(), outcome, now));
                ThrottleAnswer::Done
            }
            (ThrottleOp::Clear { account }, _) => {
                done(store.clear(&attempt_key(b"account", account)));
                ThrottleAnswer::Done
            }
            (ThrottleOp::Purge { limit }, _) => ThrottleAnswer::Purge(done(store.purge_attempts(now, limit))),
            (ThrottleOp::Reserve { .. } | ThrottleOp::Settle { .. }, None) => ThrottleAnswer::Done,
        }
    }

    fn learn(known: &mut Vec<Begun>, asked: &Asked<ThrottleOp, Vec<Begun>>, _answer: &ThrottleAnswer) {
        if let ThrottleOp::Reserve { .. } = asked.op {
            known.extend(Begun::new(asked));
        }
    }

    fn step(&mut self, asked: &Asked<ThrottleOp, Vec<Begun>>, answer: &ThrottleAnswer) -> bool {
        let now = asked.now;
        match (asked.op, Begun::new(asked), answer) {
            (ThrottleOp::Reserve { .. }, Some(begun), ThrottleAnswer::Reserve(reserve)) => {
                let answers = begun.scopes().map(|scope| {
                    let counter = self.0.entry((begun.account, scope)).or_default();
                    counter.pass(scope, now);
                    counter.answer(scope, now)
                });
                if answers == [Reserve::Reserved; 2] {
                    for scope in begun.scopes() {
                        let counter = self.0.entry((begun.account, scope)).or_default();
                        counter.reserved.insert(begun.id, begun.lease_until);
                    }
                }
                // A spent budget is said to be spent, though another may only be busy: to wait for it would be in vain.
                let worst = [Reserve::Spent, Reserve::Busy].into_iter().find(|worst| answers.contains(worst));
                *reserve == worst.unwrap_or(Reserve::Reserved)
            }
            (ThrottleOp::Settle { outcome, .. }, Some(begun), _) => {
                let holds = |scope| {
                    self.0
                        .get(&(begun.account, scope))
                        .is_some_and(|counter| counter.reserved.contains_key(&begun.id))
                };
                if !begun.scopes().into_iter().any(holds) {
                    return true;
                }
                for scope in begun.scopes() {
                    let counter = self.0.entry((begun.account, scope)).or_default();
                    counter.pass(scope, now);
                    if counter.reserved.remove(&begun.id).is_none() {
                        continue;
                    }
                    match outcome {
                        Outcome::Failed => counter.fail(scope, now),
                        Outcome::Succeeded if !counter.is_locked(now) => counter.failures = 0,
                        Outcome::Succeeded | Outcome::Withdrawn => {}
                    }
                }
                true
            }
            (ThrottleOp::Clear { account }, ..) => {
                for (_, counter) in self.0.iter_mut().filter(|((owner, _), _)| *owner == account) {
                    (counter.failures, counter.locked) = (0, None);
                }
                true
            }
            (ThrottleOp::Purge { limit }, _, ThrottleAnswer::Purge(removed)) => {
                let accounts: BTreeSet<_> = self.0.keys().map(|(account, _)| account).collect();
                let counts = |account: &u8| {
                    self.0.iter().any(|((owner, _), counter)| owner == account && counter.counts(now))
                };
                *removed <= limit.min(accounts.into_iter().filter(|account| !counts(account)).count())
            }
            _ => true,
        }
    }
}
