use commerce_auth::{
    audit::{AuditRecord, Erasure},
    keyring::KeyId,
    token::Digest,
};
use proptest::{prelude::*, sample::Index};

use crate::audit_chain::events::event;

/// One change to a trail by someone without a key.
#[derive(Clone, Debug)]
pub enum Mutation {
    /// Changes a byte of the event's text.
    Event {
        at: Index,
        flip: u8,
    },
    /// Changes a byte of the personal part, or adds one if there is none.
    Personal {
        at: Index,
        flip: u8,
    },
    DropPersonal,
    Link {
        at: usize,
        flip: u8,
    },
    Key(Option<u32>),
    StripSignature,
    /// Changes a byte of the erasure mark, or adds one if there is none.
    Erasure {
        at: usize,
        flip: u8,
    },
    DropErasure,
    ErasureKey(u32),
    Position(i8),
    At(i8),
    /// Replaces or removes a word in the columns.
    Word {
        column: usize,
        text: Option<&'static str>,
    },
    Delete,
    CutTail,
    /// Inserts a copy of the record elsewhere.
    Again {
        place: Index,
    },
    /// Inserts a forged record at this place. The later records may move up.
    Insert {
        make_room: bool,
    },
    /// Swaps two records: their rows, or all columns except the positions.
    Swap {
        with: Index,
        rows: bool,
    },
    /// Copies the content of another record and keeps this one's signature.
    Copy {
        from: Index,
    },
}

pub fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation::*;
    let flip = 1..=u8::MAX;
    let text = prop_oneof![Just(None), Just(Some("7")), Just(Some("customer")), Just(Some("sign_out"))];
    prop_oneof![
        3 => (any::<Index>(), flip.clone()).prop_map(|(at, flip)| Event { at, flip }),
        2 => (any::<Index>(), flip.clone()).prop_map(|(at, flip)| Personal { at, flip }),
        1 => Just(DropPersonal),
        1 => (0..32_usize, flip.clone()).prop_map(|(at, flip)| Link { at, flip }),
        1 => prop::option::of(0..4_u32).prop_map(Key),
        1 => Just(StripSignature),
        1 => (0..32_usize, flip).prop_map(|(at, flip)| Erasure { at, flip }),
        1 => Just(DropErasure),
        1 => (0..4_u32).prop_map(ErasureKey),
        1 => any::<i8>().prop_map(Position),
        1 => any::<i8>().prop_map(At),
        4 => (0..8_usize, text).prop_map(|(column, text)| Word { column, text }),
        1 => Just(Delete),
        1 => Just(CutTail),
        1 => any::<Index>().prop_map(|place| Again { place }),
        1 => any::<bool>().prop_map(|make_room| Insert { make_room }),
        2 => (any::<Index>(), any::<bool>()).prop_map(|(with, rows)| Swap { with, rows }),
        1 => any::<Index>().prop_map(|from| Copy { from }),
    ]
}

impl Mutation {
    /// Applies the change to the record with that number.
    pub fn apply(&self, trail: &mut Vec<AuditRecord>, number: usize) {
        let length = trail.len();
        let record = &mut trail[number];
        match *self {
            Self::Event { at, flip } => record.event = flipped(&record.event, at, flip),
            Self::Personal { at, flip } => {
                record.personal = Some(match &record.personal {
                    Some(personal) => flipped(personal, at, flip),
                    None => "{}".into(),
                });
            }
            Self::DropPersonal => record.personal = None,
            Self::Link { at, flip } => record.link = record.link.map(|link| flipped_digest(link, at, flip)),
            Self::Key(key) => record.key = key.map(KeyId),
            Self::StripSignature => (record.key, record.link) = (None, None),
            Self::Erasure { at, flip } => {
                let erasure = record.erased.unwrap_or(Erasure { key: KeyId(1), mac: record.link.unwrap() });
                record.erased = Some(Erasure { mac: flipped_digest(erasure.mac, at, flip), ..erasure });
            }
            Self::DropErasure => record.erased = None,
            Self::ErasureKey(key) => {
                record.erased = record.erased.map(|erasure| Erasure { key: KeyId(key), ..erasure });
            }
            Self::Position(by) => record.position = record.position.saturating_add_signed(by.into()),
            Self::At(by) => record.columns.at += i64::from(by),
            Self::Word { column, text } => {
                let columns = &mut record.columns;
                let text = text.map(str::to_owned);
                match column {
                    0 => columns.id = text.unwrap_or_default(),
                    1 => columns.action = text.unwrap_or_default(),
                    2 => columns.outcome = text.unwrap_or_default(),
                    3 => columns.why = text,
                    4 => columns.subject_kind = text,
                    5 => columns.subject_id = text,
                    6 => columns.actor = text,
                    _ => columns.account = text,
                }
            }
            Self::Delete => drop(trail.remove(number)),
            Self::CutTail => trail.truncate(number),
            Self::Again { place } => {
                let again = record.clone();
                trail.insert(place.index(length + 1), again);
            }
            Self::Insert { make_room } => {
                let mut forged = record.clone();
                forged.event = forged.event.replace("b5d1fcbe", "b5d1fcbf");
                forged.columns.id = forged.columns.id.replace("b5d1fcbe", "b5d1fcbf");
                if make_room {
                    trail[number..].iter_mut().for_each(|record| record.position += 1);
                }
                trail.insert(number, forged);
            }
            Self::Swap { with, rows } => {
                let with = with.index(length);
                trail.swap(number, with);
                if !rows {
                    let position = trail[number].position;
                    trail[number].position = trail[with].position;
                    trail[with].position = position;
                }
            }
            Self::Copy { from } => {
                let from = trail[from.index(length)].clone();
                let record = &mut trail[number];
                (record.event, record.personal, record.columns) = (from.event, from.personal, from.columns);
            }
        }
    }
}

fn flipped(text: &str, at: Index, flip: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] ^= flip;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn flipped_digest(digest: Digest, at: usize, flip: u8) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[at] ^= flip;
    Digest::from_bytes(bytes)
}

/// Records enough events of each kind, with a change of keys half way, and some erasures.
pub async fn eventful(
    trail: &dyn crate::audit_chain::database::Trail,
    keyring: &commerce_auth::keyring::Keyring,
    records: u64,
) {
    crate::audit_chain::events::record(trail, 0..records / 2).await;
    keyring.make_current(KeyId(2)).expect("it is accepted");
    crate::audit_chain::events::record(trail, records / 2..records).await;
    let erased = trail.erase(&crate::audit_chain::events::customer(1)).await.expect("it can be erased");
    assert!(erased > records / 20, "{erased} of {records}");
    assert_ne!(event(1), event(2));
}
