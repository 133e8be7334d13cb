//! The verbs of an `OtcStore`, in sequence.

use commerce_auth::{
    AdminId, Assistance, CustomerId, MemoryStore, Website,
    store::{OneTimeCredential, OtcStore, Presented, Purpose, Purposes, Take},
};

use crate::spec::{Asked, Spec, at, digest, done, number, seconds};

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
