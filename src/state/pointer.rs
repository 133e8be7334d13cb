//! The pointer from the digest of a secret to the account to which the secret possibly belongs.
//!
//! A client presents some secrets without the id of the account, for example an enrolment token. So
//! the library looks up the account by the pointer. The pointer is written before the record of the
//! secret. The pointer is not trusted: the record of the secret must also be in the documents of
//! that account.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    DocumentError, Step, Transition, Write,
    format::{Stored, put, read},
};
use crate::{
    store::{DocumentId, Key, Name, Partition},
    token::{Digest, Subject},
};

const POINTER: Name = Name::of("pointer");

/// The document of a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pointer {
    owner: Subject,
}

impl Stored for Pointer {
    const FORMAT: u32 = 1;
}

/// Returns the partition of a secret's pointer.
pub(crate) fn of_secret(digest: &Digest) -> Partition {
    Partition::of(&[b"pointer", digest.as_bytes()])
}

/// Writes a pointer, which is kept until the secret expires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointing<'a> {
    pub(crate) owner: &'a Subject,
    pub(crate) expires_at: OffsetDateTime,
}

/// Reads a pointer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Following;

impl Transition for Pointing<'_> {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        keys()
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        // A pointer of a newer format is not changed.
        read::<Pointer>(documents, 0)?;
        let write = put(&Pointer { owner: self.owner.clone() }, Some(self.expires_at), Vec::new())?;
        Ok(Step { answer: (), writes: vec![write] })
    }
}

impl Transition for Following {
    type Answer = Option<Subject>;

    fn keys(&self) -> Vec<Key> {
        keys()
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        _now: OffsetDateTime,
    ) -> Result<Step<Option<Subject>>, DocumentError> {
        let answer = read::<Pointer>(documents, 0)?.map(|pointer| pointer.owner);
        Ok(Step { answer, writes: vec![Write::Keep] })
    }
}

fn keys() -> Vec<Key> {
    vec![Key { kind: POINTER, id: DocumentId::ONLY }]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        account::{AdminId, CustomerId},
        state::testing::{Kept, any_bytes, at, refuses_bent, survives},
    };

    fn pointed(owner: &Subject) -> Kept {
        let mut kept = Kept::default();
        kept.run(&Pointing { owner, expires_at: at(60) }, at(0));
        kept
    }

    #[test]
    fn a_pointer_names_the_account_until_the_secret_expires() {
        assert_eq!(Kept::default().run(&Following, at(0)), None);
        for (owner, text) in [
            (Subject::Customer(CustomerId::from(1)), r#"{"customer":"1"}"#),
            (Subject::Admin(AdminId::from(1)), r#"{"admin":"1"}"#),
        ] {
            let mut kept = pointed(&owner);
            assert_eq!(kept.run(&Following, at(0)), Some(owner));
            assert_eq!(kept.only().keep_until, Some(at(60)));
            assert_eq!(kept.texts(), [format!(r#"{{"format":1,"document":{{"owner":{text}}}}}"#)]);
        }
    }

    #[test]
    fn a_document_of_another_shape_is_refused() {
        let owner = Subject::Admin(AdminId::from(1));
        let text = pointed(&owner).texts().remove(0);
        refuses_bent(&Pointing { owner: &owner, expires_at: at(60) }, &[&text], at(1));
        refuses_bent(&Following, &[&text], at(1));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn no_stored_bytes_end_the_process(
            bytes in any_bytes(pointed(&Subject::Admin(AdminId::from(1))).texts().remove(0)),
            seconds: i32,
        ) {
            let (owner, now) = (Subject::Customer(CustomerId::from(1)), at(seconds.into()));
            survives(&Pointing { owner: &owner, expires_at: at(60) }, &bytes, now);
            survives(&Following, &bytes, now);
        }
    }
}
