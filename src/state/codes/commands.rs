use time::OffsetDateTime;

use super::{Codes, Found};
use crate::{
    state::{
        DocumentError, Step, Transition, Write,
        format::{put, read},
    },
    store::{DocumentId, Key, Name, OneTimeCredential, Presented, Purposes, Take},
    token::Digest,
};

const CODES: Name = Name::of("codes");

/// Adds a one-time credential. Returns false if the customer already has one with this digest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Putting<'a> {
    pub(crate) credential: &'a OneTimeCredential,
    pub(crate) keep: usize,
    pub(crate) now: OffsetDateTime,
}

/// Looks up a presented one-time credential without spending it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peeking<'a> {
    pub(crate) presented: &'a Presented,
    pub(crate) now: OffsetDateTime,
}

/// Spends a one-time credential that [`Peeking`] has found live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taking<'a> {
    pub(crate) credential: &'a OneTimeCredential,
    pub(crate) bought: Option<&'a Digest>,
    pub(crate) now: OffsetDateTime,
}

/// Removes the document with the one-time credentials of a customer who is erased.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErasingCodes;

impl Transition for Putting<'_> {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        keys()
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        let present = read::<Codes>(documents, 0)?;
        let mut codes = present.clone().unwrap_or_else(|| Codes::new(self.credential.customer.clone()));
        if !codes.put(self.credential, self.keep, self.now) {
            return Ok(Step { answer: false, writes: vec![Write::Keep] });
        }
        step(present.as_ref(), &codes, true)
    }
}

impl Transition for Peeking<'_> {
    type Answer = Found;

    fn keys(&self) -> Vec<Key> {
        keys()
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<Found>, DocumentError> {
        let codes = read::<Codes>(documents, 0)?;
        let answer = codes.map_or(Found::Nothing, |codes| codes.find(self.presented, self.now));
        Ok(Step { answer, writes: vec![Write::Keep] })
    }
}

impl Transition for Taking<'_> {
    type Answer = Take;

    fn keys(&self) -> Vec<Key> {
        keys()
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<Take>, DocumentError> {
        let nothing = Step { answer: Take::Nothing, writes: vec![Write::Keep] };
        let Some(present) = read::<Codes>(documents, 0)? else { return Ok(nothing) };
        let OneTimeCredential { website, customer, digest, purpose, .. } = self.credential;
        let presented = Presented {
            website: website.clone(),
            customer: customer.clone(),
            digest: *digest,
            purposes: Purposes::only(*purpose),
        };
        let mut codes = present.clone();
        let answer = codes.take(&presented, self.bought, self.now);
        step(Some(&present), &codes, answer)
    }
}

impl Transition for ErasingCodes {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        keys()
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        // A document of a newer format is not changed.
        let write = read::<Codes>(documents, 0)?.map_or(Write::Keep, |_| Write::Delete);
        Ok(Step { answer: (), writes: vec![write] })
    }
}

fn keys() -> Vec<Key> {
    vec![Key { kind: CODES, id: DocumentId::ONLY }]
}

fn step<A>(present: Option<&Codes>, codes: &Codes, answer: A) -> Result<Step<A>, DocumentError> {
    let write = match codes.keep_until() {
        _ if present == Some(codes) => Write::Keep,
        None if present.is_none() => Write::Keep,
        None => Write::Delete,
        keep_until => put(codes, keep_until, Vec::new())?,
    };
    Ok(Step { answer, writes: vec![write] })
}
