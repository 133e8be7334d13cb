//! A sequential model of the verbs of a `TokenStore`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
};

use commerce_auth::{
    AdminId, Origin, TokenStore, Website,
    store::{Generation, GenerationId, Insert, memory::MemoryStore},
    token::{Assistance, Grant, Obtained, Subject},
};

use crate::memory_model::spec::{Asked, Spec, at, done, grant_id, number, seconds};

/// Grants are numbered. Even ones are a customer's, odd ones are those of an admin user with the
/// same id.
pub(crate) const GRANTS: u8 = 4;

#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenOp {
    Generation {
        subject: u8,
    },
    /// Inserts under the generation that this thread read last.
    Insert {
        grant: u8,
        lives: i64,
        cap: u8,
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
        limit: usize,
    },
    Purge {
        limit: usize,
    },
    /// The separate steps of the verbs above.
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
    Evict {
        grant: u8,
        cap: u8,
    },
}

#[derive(Debug)]
pub(crate) enum TokenAnswer {
    Generation(Generation),
    Insert(Insert),
    Find(Option<Row>),
    Revoke(bool),
    Moved(Generation),
    Everybodys(GenerationId),
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
    generations: [Option<GenerationId>; 2],
    shop: Option<GenerationId>,
    held: BTreeMap<u8, Held>,
    barred: BTreeMap<u8, Bar>,
}

#[derive(Clone, PartialEq)]
struct Held {
    row: Row,
    generation: Option<GenerationId>,
    /// Revoked: not found any more, and possibly removed.
    dead: bool,
    unsure: bool,
}

/// A bar that certainly lasts until the first time, and possibly until the second.
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
        let name = grant_id(self.grant);
        let grant = match subject(self.grant % 2) {
            Subject::Customer(id) => {
                Grant::customer(name, id, Website::default(), Obtained::Password, issued, expires)
            }
            Subject::Admin(id) => Grant::admin(name, id, Obtained::Password, issued, expires),
            _ => unreachable!(),
        };
        grant.assisted(Assistance::new(AdminId::from(1), grant_id(0), &self.tag.to_string()))
    }

    fn of(grant: &Grant) -> Self {
        let tag = grant.assistance.as_ref().unwrap().reason.parse().unwrap();
        let (issued, expires) = (seconds(grant.issued_at()), seconds(grant.expires_at()));
        let row = Self { grant: number(&grant.id), tag, issued, expires };
        assert_eq!(row.grant(), *grant, "a grant is returned as it was inserted");
        row
    }
}

/// Returns the fresh generation that the library passes to the call with this tag.
fn fresh(tag: u8) -> GenerationId {
    GenerationId::from_bytes([tag; 16])
}

fn origin(tag: u8) -> Origin {
    Origin::default().user_agent(&tag.to_string())
}

impl Tokens {
    /// Returns the generation. A shop without one takes the fresh one.
    fn generation(&mut self, subject: u8, fresh: GenerationId) -> Generation {
        let shop = *self.shop.get_or_insert(fresh);
        Generation { shop, subject: self.generations[usize::from(subject)] }
    }

    /// Ends grants of a subject beyond its cap: at a cap of one the other of its two grants, at a cap
    /// of two none.
    fn evict(&mut self, inserted: u8, cap: u8, now: i64) {
        let other = (inserted + GRANTS / 2) % GRANTS;
        if cap == 1
            && let Some(held) = self.held.get_mut(&other)
        {
            held.dead |= held.lives(now);
        }
    }

    /// True if a grant is certainly live and comes before this one in a list.
    fn is_newer(&self, grant: u8, now: i64, last: Option<&Row>) -> bool {
        let place = |row: &Row| (row.issued, grant_id(row.grant));
        let lives = self.held.get(&grant).filter(|held| held.lives(now) && !held.unsure);
        lives.zip(last).is_some_and(|(held, last)| place(&held.row) > place(last))
    }

    /// A grant that expires at this time may be swept from now on.
    fn pass(&mut self, now: i64) {
        for held in self.held.values_mut() {
            held.unsure |= now >= held.row.expires;
        }
        for bar in self.barred.values_mut() {
            bar.surely = bar.surely.filter(|until| now < *until);
        }
    }

    /// True if the store may report a live grant as present or absent. A grant that turns out to be
    /// swept is removed.
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
                TokenAnswer::Generation(done(store.generation(&self::subject(subject), fresh(*tag))))
            }
            TokenOp::Insert { grant, lives, cap } => {
                let row = Row { grant, tag: *tag, issued: *now, expires: now + lives };
                let (read, cap) = (read(known, grant % 2), NonZero::new(cap.into()).unwrap());
                TokenAnswer::Insert(done(store.insert(&row.grant(), &origin(*tag), read, cap, then)))
            }
            TokenOp::Find { grant } => {
                TokenAnswer::Find(done(store.find(&grant_id(grant), then)).as_ref().map(Row::of))
            }
            TokenOp::Revoke { grant, bar } => {
                TokenAnswer::Revoke(done(store.revoke(&grant_id(grant), then, at(now + bar))))
            }
            TokenOp::RevokeAll { subject, keep } => {
                let keep = keep.map(grant_id);
                let subject = self::subject(subject);
                TokenAnswer::Moved(done(store.revoke_all(&subject, keep.as_ref(), fresh(*tag), then)))
            }
            TokenOp::RevokeEverything => {
                TokenAnswer::Everybodys(done(store.revoke_everything(fresh(*tag), then)))
            }
            TokenOp::List { subject, limit } => {
                let listed = done(store.grants(&self::subject(subject), limit, then)).into_iter();
                let tag = |origin: Origin| origin.user_agent.unwrap().parse().unwrap();
                TokenAnswer::List(listed.map(|(grant, origin)| (Row::of(&grant), tag(origin))).collect())
            }
            TokenOp::Purge { limit } => TokenAnswer::Purge(done(store.purge_tokens(then, limit))),
            TokenOp::Bar { .. }
            | TokenOp::Remove { .. }
            | TokenOp::Raise { .. }
            | TokenOp::End { .. }
            | TokenOp::Evict { .. } => unreachable!("no verb"),
        }
    }

    fn learn(known: &mut Self::Known, asked: &Asked<TokenOp, Self::Known>, answer: &TokenAnswer) {
        match (asked.op, answer) {
            (TokenOp::Generation { subject }, TokenAnswer::Generation(read))
            | (TokenOp::RevokeAll { subject, .. }, TokenAnswer::Moved(read)) => {
                known[usize::from(subject)] = Some(*read);
            }
            _ => {}
        }
    }

    fn steps(op: TokenOp) -> Vec<TokenOp> {
        match op {
            TokenOp::Revoke { grant, bar } => vec![TokenOp::Bar { grant, bar }, TokenOp::Remove { grant }],
            TokenOp::Insert { grant, cap, .. } => vec![op, TokenOp::Evict { grant, cap }],
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
                *read == self.generation(subject, fresh(*tag))
            }
            (TokenOp::Insert { grant, lives, .. }, TokenAnswer::Insert(answer)) => {
                let generation = read(known, grant % 2);
                let current = (self.shop, self.generations[usize::from(grant % 2)]);
                let moved = (Some(generation.shop), generation.subject) != current;
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
            (TokenOp::Raise { subject }, TokenAnswer::Moved(moved)) => {
                self.generations[usize::from(subject)] = Some(fresh(*tag));
                *moved == self.generation(subject, fresh(*tag))
            }
            (TokenOp::Evict { grant, cap }, TokenAnswer::Insert(answer)) => {
                if *answer == Insert::Stored {
                    self.evict(grant, cap, *now);
                }
                true
            }
            (TokenOp::End { grant }, _) => {
                let current = self.generations[usize::from(grant % 2)];
                if let Some(held) = self.held.get_mut(&grant) {
                    held.dead |= held.generation != current;
                }
                true
            }
            (TokenOp::RevokeEverything, TokenAnswer::Everybodys(moved)) => {
                self.shop = Some(fresh(*tag));
                self.held.values_mut().for_each(|held| held.dead = true);
                *moved == fresh(*tag)
            }
            (TokenOp::List { subject, limit }, TokenAnswer::List(listed)) => {
                let names: BTreeSet<_> = listed.iter().map(|(row, _)| row.grant).collect();
                let of_subject = |grant: &u8| grant % 2 == subject;
                names.len() == listed.len()
                    && names.iter().all(of_subject)
                    && listed.iter().all(|(row, origin)| row.tag == *origin)
                    && listed.is_sorted_by_key(|(row, _)| Reverse((row.issued, grant_id(row.grant))))
                    && listed.len() <= limit
                    && (0..GRANTS).filter(of_subject).all(|grant| {
                        let seen = listed.iter().map(|(row, _)| row).find(|row| row.grant == grant);
                        // For the grants beyond the limit, the model only knows that they are not
                        // newer.
                        let is_cut = seen.is_none() && listed.len() == limit;
                        is_cut && !self.is_newer(grant, *now, listed.last().map(|(row, _)| row))
                            || self.may_be_seen(grant, *now, seen)
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
    known[usize::from(subject)].unwrap_or(Generation { shop: fresh(0), subject: None })
}
