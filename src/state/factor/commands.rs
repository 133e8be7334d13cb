use time::OffsetDateTime;

use super::{Enrolment, EnrolmentId, Factor, FactorId};
use crate::{
    clock::micros,
    keyring::{KeyId, Sealed},
    state::{
        DocumentError, Step, Transition, Write,
        format::{decode, put, read},
    },
    store::{DocumentId, Index, IndexEntry, Key, Name, Partition, Position},
    token::Digest,
};

const FACTOR: Name = Name::of("factor");
const ENROLMENT: Name = Name::of("enrolment");
/// The index of all second factors of the shop, ordered by the id of the secret key that encrypted
/// them.
const SEALED: Name = Name::of("sealed-factors");
/// The highest possible name.
const LAST: Name = Name::of("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");

pub(crate) const fn sealed_index() -> Index {
    Index { partition: None, name: SEALED }
}

/// Returns a position in the index that follows every second factor encrypted with this secret key.
pub(crate) fn behind_key(key: KeyId) -> Position {
    let last = Key { kind: LAST, id: DocumentId::from_bytes([u8::MAX; 32]) };
    Position { rank: key.0.into(), partition: Partition::from_bytes([u8::MAX; 32]), key: last }
}

pub(crate) fn decode_factor(bytes: &[u8]) -> Result<Factor, DocumentError> {
    decode(bytes)
}

/// Stores a new enrolment. It replaces an earlier enrolment of the same admin user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Enrolling<'a> {
    pub(crate) enrolment: &'a Enrolment,
}

/// Reads an admin user's second factor, and the enrolment of this id if it is live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadingFactor {
    /// The id of the enrolment. None if only the second factor is read.
    pub(crate) enrolment: Option<EnrolmentId>,
}

/// Replaces the secret of the live enrolment of this id. Returns false if there is no such
/// enrolment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redrawing<'a> {
    pub(crate) id: EnrolmentId,
    pub(crate) secret: &'a Sealed,
}

/// Makes a live enrolment the admin user's second factor.
///
/// The enrolment must still have the secret whose code was verified. The admin user's present
/// second factor must still be the one that the enrolment replaces. If so, returns the documents
/// before the change. Otherwise changes nothing and returns none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activating<'a> {
    pub(crate) enrolment: &'a Enrolment,
    pub(crate) step: u64,
    pub(crate) recovery_codes: &'a [Digest],
}

/// The second factor and the enrolment of an admin user, as they were before a second factor was
/// written. The library needs them to undo this write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Earlier {
    pub(crate) factor: Option<Factor>,
    pub(crate) enrolment: Option<Enrolment>,
}

/// Undoes the write of a second factor, if the stored second factor still has this id. An enrolment
/// that was begun after the write stays. Returns true if the write was undone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restoring<'a> {
    pub(crate) id: FactorId,
    pub(crate) earlier: &'a Earlier,
}

/// Gives a second factor to an admin user who has none, and ends a pending enrolment. Returns the
/// documents before the change. Returns none if the admin user already has a second factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Importing<'a> {
    pub(crate) factor: &'a Factor,
}

/// Marks a time step of the second factor of this id as used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsingStep {
    pub(crate) id: FactorId,
    pub(crate) step: u64,
    /// The newest time step whose code a node can accept now if its clock equals this node's clock.
    /// If a later step was used, the clocks of the two nodes differ.
    pub(crate) newest: u64,
}

/// Spends a recovery code of the second factor of this id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsingRecoveryCode<'a> {
    pub(crate) id: FactorId,
    pub(crate) code: &'a Digest,
}

/// Replaces all recovery codes of the second factor of this id. Returns the digests of the replaced
/// codes that were not used. Returns none if there is no such second factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplacingRecoveryCodes<'a> {
    pub(crate) id: FactorId,
    pub(crate) codes: &'a [Digest],
}

/// Undoes a replacement of recovery codes, which wrote the codes `written`. If the second factor
/// has a code that is not in `written`, the codes were replaced once more since then, so nothing
/// changes. Returns true if the replacement was undone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestoringRecoveryCodes<'a> {
    pub(crate) id: FactorId,
    pub(crate) written: &'a [Digest],
    pub(crate) replaced: &'a [Digest],
}

/// Replaces the encrypted secret of the second factor of this id, if the stored secret still is
/// `expected`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resealing<'a> {
    pub(crate) id: FactorId,
    pub(crate) expected: &'a Sealed,
    pub(crate) new: &'a Sealed,
}

/// Removes the admin user's second factor and enrolment. Returns true if there was a second factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removing;

impl Transition for Enrolling<'_> {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        vec![only(ENROLMENT)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        read::<Enrolment>(documents, 0)?;
        Ok(Step { answer: (), writes: vec![self.enrolment.write()?] })
    }
}

impl Transition for ReadingFactor {
    type Answer = (Option<Factor>, Option<Enrolment>);

    fn keys(&self) -> Vec<Key> {
        let enrolment = self.enrolment.map(|_| only(ENROLMENT));
        [only(FACTOR)].into_iter().chain(enrolment).collect()
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Self::Answer>, DocumentError> {
        let (factor, enrolment) = (read(documents, 0)?, read::<Enrolment>(documents, 1)?);
        let live = |own: &Enrolment| self.enrolment.is_some_and(|id| own.is_live(id, now));
        let writes = documents.iter().map(|_| Write::Keep).collect();
        Ok(Step { answer: (factor, enrolment.filter(live)), writes })
    }
}

impl Transition for Redrawing<'_> {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![only(ENROLMENT)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        let live = read::<Enrolment>(documents, 0)?.filter(|own| own.is_live(self.id, now));
        let Some(enrolment) = live else {
            return Ok(Step { answer: false, writes: vec![Write::Keep] });
        };
        let redrawn = Enrolment { secret: self.secret.clone(), ..enrolment };
        Ok(Step { answer: true, writes: vec![redrawn.write()?] })
    }
}

impl Transition for Activating<'_> {
    type Answer = Option<Earlier>;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR), only(ENROLMENT)]
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Option<Earlier>>, DocumentError> {
        let (present, enrolment) = (read::<Factor>(documents, 0)?, read::<Enrolment>(documents, 1)?);
        let replaced = present.as_ref().map(|factor| factor.id);
        let Enrolment { id, secret, .. } = self.enrolment;
        let is_judged = |own: &Enrolment| own.is_live(*id, now) && own.secret == *secret;
        let enrolment = enrolment.filter(|own| is_judged(own) && own.replaces == replaced);
        let Some(enrolment) = enrolment else {
            return Ok(Step { answer: None, writes: vec![Write::Keep, Write::Keep] });
        };
        let factor = Factor {
            admin: enrolment.admin.clone(),
            id: enrolment.id.factor(),
            secret: enrolment.secret.clone(),
            activated_at: micros::to_time(micros::from_time(now)),
            last_step: self.step,
            recovery_codes: self.recovery_codes.to_vec(),
        };
        let earlier = Earlier { factor: present, enrolment: Some(enrolment) };
        Ok(Step { answer: Some(earlier), writes: vec![factor.write()?, Write::Delete] })
    }
}

impl Transition for Restoring<'_> {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR), only(ENROLMENT)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        let (factor, enrolment) = (read::<Factor>(documents, 0)?, read::<Enrolment>(documents, 1)?);
        if factor.is_none_or(|factor| factor.id != self.id) {
            return Ok(Step { answer: false, writes: vec![Write::Keep, Write::Keep] });
        }
        let factor = self.earlier.factor.as_ref().map_or(Ok(Write::Delete), Factor::write)?;
        let ended = self.earlier.enrolment.as_ref().filter(|_| enrolment.is_none());
        let enrolment = ended.map_or(Ok(Write::Keep), Enrolment::write)?;
        Ok(Step { answer: true, writes: vec![factor, enrolment] })
    }
}

impl Transition for Importing<'_> {
    type Answer = Option<Earlier>;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR), only(ENROLMENT)]
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        _now: OffsetDateTime,
    ) -> Result<Step<Option<Earlier>>, DocumentError> {
        if read::<Factor>(documents, 0)?.is_some() {
            return Ok(Step { answer: None, writes: vec![Write::Keep, Write::Keep] });
        }
        let enrolment = read::<Enrolment>(documents, 1)?;
        let writes = vec![self.factor.write()?, removal(&enrolment)];
        Ok(Step { answer: Some(Earlier { factor: None, enrolment }), writes })
    }
}

impl Transition for UsingStep {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        change(documents, self.id, |factor| factor.use_step(self.step, self.newest))
    }
}

impl Transition for UsingRecoveryCode<'_> {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        change(documents, self.id, |factor| factor.use_recovery_code(self.code))
    }
}

impl Transition for ReplacingRecoveryCodes<'_> {
    type Answer = Option<Vec<Digest>>;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR)]
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        _now: OffsetDateTime,
    ) -> Result<Step<Option<Vec<Digest>>>, DocumentError> {
        let mut replaced = None;
        let Step { writes, .. } = change(documents, self.id, |factor| {
            replaced = Some(std::mem::replace(&mut factor.recovery_codes, self.codes.to_vec()));
            true
        })?;
        Ok(Step { answer: replaced, writes })
    }
}

impl Transition for RestoringRecoveryCodes<'_> {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        change(documents, self.id, |factor| factor.restore_recovery_codes(self.written, self.replaced))
    }
}

impl Transition for Resealing<'_> {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        change(documents, self.id, |factor| factor.reseal(self.expected, self.new))
    }
}

impl Transition for Removing {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![only(FACTOR), only(ENROLMENT)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        // Documents of a newer format are not changed.
        let (factor, enrolment) = (read::<Factor>(documents, 0)?, read::<Enrolment>(documents, 1)?);
        let answer = factor.is_some();
        Ok(Step { answer, writes: vec![removal(&factor), removal(&enrolment)] })
    }
}

impl Factor {
    /// Encodes the second factor. A sweep does not remove the document. The rank of its index entry
    /// is the id of the secret key that encrypted the authenticator's secret.
    fn write(&self) -> Result<Write, DocumentError> {
        put(self, None, vec![IndexEntry { shop_wide: true, name: SEALED, rank: self.secret.key.0.into() }])
    }
}

impl Enrolment {
    fn write(&self) -> Result<Write, DocumentError> {
        put(self, Some(self.expires_at), Vec::new())
    }
}

const fn only(kind: Name) -> Key {
    Key { kind, id: DocumentId::ONLY }
}

const fn removal<T>(document: &Option<T>) -> Write {
    if document.is_some() { Write::Delete } else { Write::Keep }
}

/// Applies a change to the admin user's second factor, if this second factor has the given id. If
/// the change returns true, the second factor is written.
fn change(
    documents: &[Option<&[u8]>],
    id: FactorId,
    change: impl FnOnce(&mut Factor) -> bool,
) -> Result<Step<bool>, DocumentError> {
    let mut factor = read::<Factor>(documents, 0)?.filter(|factor| factor.id == id);
    let Some(factor) = factor.take_if(change) else {
        return Ok(Step { answer: false, writes: vec![Write::Keep] });
    };
    Ok(Step { answer: true, writes: vec![factor.write()?] })
}
