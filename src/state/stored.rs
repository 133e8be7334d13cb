//! The stored form of values that occur in several kinds of documents. Each form refuses unknown
//! and missing fields.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    account::AdminId,
    keyring::{KeyId, Sealed},
    store::{Generation, GenerationId},
    token::{Assistance, GrantId, Origin},
};

/// The stored form of bytes: hexadecimal digits.
pub(super) mod hex {
    use super::*;

    pub(in crate::state) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base16ct::lower::encode_string(bytes))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        base16ct::lower::decode_vec(text).map_err(|_| D::Error::custom("not hexadecimal digits"))
    }
}

/// An encrypted secret, and the id of the secret key that encrypted it.
pub(super) mod sealed {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stored {
        key: KeyId,
        #[serde(with = "hex")]
        bytes: Vec<u8>,
    }

    pub(in crate::state) fn serialize<S: Serializer>(
        sealed: &Sealed,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Stored { key: sealed.key, bytes: sealed.bytes.clone() }.serialize(serializer)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Sealed, D::Error> {
        let Stored { key, bytes } = Stored::deserialize(deserializer)?;
        Ok(Sealed { key, bytes })
    }
}

/// The stored form of a generation.
pub(super) mod generation {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stored {
        shop: Id,
        #[serde(deserialize_with = "Option::deserialize")]
        subject: Option<Id>,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Id(#[serde(with = "hex")] Vec<u8>);

    pub(in crate::state) fn serialize<S: Serializer>(
        generation: &Generation,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let id = |id: GenerationId| Id(id.as_bytes().to_vec());
        Stored { shop: id(generation.shop), subject: generation.subject.map(id) }.serialize(serializer)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Generation, D::Error> {
        let Stored { shop, subject } = Stored::deserialize(deserializer)?;
        let id = |Id(bytes): Id| {
            let bytes = bytes.try_into().map_err(|_| D::Error::custom("not a generation"))?;
            Ok(GenerationId::from_bytes(bytes))
        };
        Ok(Generation { shop: id(shop)?, subject: subject.map(id).transpose()? })
    }
}

/// The stored form of an assistance.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAssistance {
    actor: AdminId,
    parent: GrantId,
    reason: String,
}

/// The stored form of an assistance, as a module for `serde`.
pub(super) mod assistance {
    use super::*;

    pub(in crate::state) fn serialize<S: Serializer>(
        assistance: &Arc<Assistance>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        StoredAssistance::of(assistance).serialize(serializer)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Assistance>, D::Error> {
        StoredAssistance::deserialize(deserializer).map(StoredAssistance::into)
    }
}

/// The stored form of an optional assistance.
pub(super) mod any_assistance {
    use super::*;

    pub(in crate::state) fn serialize<S: Serializer>(
        assistance: &Option<Arc<Assistance>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        assistance.as_deref().map(StoredAssistance::of).serialize(serializer)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Assistance>>, D::Error> {
        Ok(Option::<StoredAssistance>::deserialize(deserializer)?.map(StoredAssistance::into))
    }
}

impl StoredAssistance {
    fn of(assistance: &Assistance) -> Self {
        let Assistance { actor, parent, reason } = assistance;
        Self { actor: actor.clone(), parent: *parent, reason: reason.clone() }
    }

    fn into(self) -> Arc<Assistance> {
        let Self { actor, parent, reason } = self;
        Arc::new(Assistance { actor, parent, reason })
    }
}

/// The stored form of the origin of a request.
pub(super) mod origin {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stored {
        #[serde(deserialize_with = "Option::deserialize")]
        source: Option<IpAddr>,
        #[serde(deserialize_with = "Option::deserialize")]
        user_agent: Option<String>,
        #[serde(deserialize_with = "Option::deserialize")]
        correlation_id: Option<String>,
    }

    pub(in crate::state) fn serialize<S: Serializer>(
        origin: &Origin,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Origin { source, user_agent, correlation_id } = origin.clone();
        Stored { source, user_agent, correlation_id }.serialize(serializer)
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Origin, D::Error> {
        let Stored { source, user_agent, correlation_id } = Stored::deserialize(deserializer)?;
        Ok(Origin { source, user_agent, correlation_id })
    }
}
