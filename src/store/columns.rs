//! Conversions between types and the columns of the SQL backends.

use std::{net::IpAddr, sync::Arc};

use crate::{
    account::{AccountStatus, AdminId, CustomerId, Permission, Website},
    error::StoreError,
    store::{Document, DocumentId, GenerationId, Key, Partition, Position, Version},
    token::{Assistance, GrantId, Obtained, Origin, Subject},
};

/// The error of a column whose value cannot be read. There are three possible causes: the database
/// row was changed by hand, is damaged, or was written by a newer release of this library.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("column {0} of a row cannot be read")]
pub(super) struct CorruptColumn(pub(super) &'static str);

impl From<CorruptColumn> for StoreError {
    fn from(error: CorruptColumn) -> Self {
        Self::new(error)
    }
}

/// Implements the conversions between an enum and a column. For each value of the enum, the column
/// stores a word. One function converts a value to its word, another function a word to its value.
macro_rules! words {
    ($type:ty, $column:literal, $write:ident, $read:ident: $($value:pat => $word:literal => $made:expr,)*) => {
        pub(super) const fn $write(value: $type) -> &'static str {
            match value { $($value => $word,)* }
        }

        pub(super) fn $read(word: &str) -> Result<$type, CorruptColumn> {
            match word { $($word => Ok($made),)* _ => Err(CorruptColumn($column)) }
        }
    };
}

words! { Obtained, "obtained", obtained_word, obtained:
    Obtained::Password => "password" => Obtained::Password,
    Obtained::PasswordAndTotp => "password_and_totp" => Obtained::PasswordAndTotp,
    Obtained::PasswordAndRecoveryCode => "password_and_recovery_code" => Obtained::PasswordAndRecoveryCode,
    Obtained::ResetToken => "reset_token" => Obtained::ResetToken,
    Obtained::OneTimeCode => "one_time_code" => Obtained::OneTimeCode,
    Obtained::AsAdmin => "as_admin" => Obtained::AsAdmin,
}
words! { AccountStatus, "status", status_word, status:
    AccountStatus::Active => "active" => AccountStatus::Active,
    AccountStatus::Unconfirmed => "unconfirmed" => AccountStatus::Unconfirmed,
    AccountStatus::Disabled => "disabled" => AccountStatus::Disabled,
}
words! { Permission, "permissions", permission_word, permission:
    Permission::Login => "login" => Permission::Login,
    Permission::AllowShoppingAssistance => "allow_shopping_assistance" => Permission::AllowShoppingAssistance,
    Permission::AssistanceLog => "assistance_log" => Permission::AssistanceLog,
}

/// Returns the kind and the id of a subject, in the form in which two columns of a table store
/// them.
pub(super) fn subject_columns(subject: &Subject) -> (&'static str, String) {
    let (kind, id) = subject.parts();
    (kind, id.to_string())
}

pub(super) fn subject(kind: &str, id: &str) -> Result<Subject, CorruptColumn> {
    Subject::from_parts(kind, id).map_err(|_| CorruptColumn("subject"))
}

pub(super) fn customer(id: &str) -> Result<CustomerId, CorruptColumn> {
    id.parse().map_err(|_| CorruptColumn("customer"))
}

pub(super) fn admin(id: &str) -> Result<AdminId, CorruptColumn> {
    id.parse().map_err(|_| CorruptColumn("admin"))
}

/// Encodes the permissions of an admin user in one column.
pub(super) fn permission_words(permissions: &[Permission]) -> String {
    permissions.iter().copied().map(permission_word).collect::<Vec<_>>().join(" ")
}

pub(super) fn permissions(words: &str) -> Result<Vec<Permission>, CorruptColumn> {
    words.split_whitespace().map(permission).collect()
}

pub(super) fn website(code: &str) -> Result<Website, CorruptColumn> {
    code.parse().map_err(|_| CorruptColumn("website"))
}

pub(super) fn grant_id(bytes: &[u8]) -> Result<GrantId, CorruptColumn> {
    bytes.try_into().map(GrantId::from_bytes).map_err(|_| CorruptColumn("digest"))
}

pub(super) fn generation(bytes: &[u8]) -> Result<GenerationId, CorruptColumn> {
    bytes.try_into().map(GenerationId::from_bytes).map_err(|_| CorruptColumn("generation"))
}

/// Reads an assistance from its three columns: the actor, the id of the actor's grant as an admin
/// user, and the reason. None if all three columns are null.
pub(super) fn assistance(
    actor: Option<&str>,
    parent: Option<&[u8]>,
    reason: Option<String>,
) -> Result<Option<Arc<Assistance>>, CorruptColumn> {
    match (actor, parent, reason) {
        (None, None, None) => Ok(None),
        (Some(actor), Some(parent), Some(reason)) => {
            Ok(Some(Arc::new(Assistance { actor: admin(actor)?, parent: grant_id(parent)?, reason })))
        }
        _ => Err(CorruptColumn("actor")),
    }
}

pub(super) fn origin(
    source: Option<&str>,
    user_agent: Option<String>,
    correlation_id: Option<String>,
) -> Result<Origin, CorruptColumn> {
    let source = source.map(str::parse::<IpAddr>).transpose().map_err(|_| CorruptColumn("source"))?;
    Ok(Origin { source, user_agent, correlation_id })
}

pub(super) fn document(version: &[u8], bytes: &[u8]) -> Result<Document, CorruptColumn> {
    let version = version.try_into().map_err(|_| CorruptColumn("version"))?;
    Ok(Document { version: Version::from_bytes(version), bytes: bytes.to_vec() })
}

/// Returns the column values of the position after which a list continues. If `after` is `None`,
/// then the list begins at the first entry, so this returns values that sort before every index
/// entry.
pub(super) fn behind(after: Option<&Position>) -> (i64, &[u8], &str, &[u8]) {
    after.map_or((i64::MIN, &[], "", &[]), |Position { rank, partition, key }| {
        (*rank, partition.as_bytes(), key.kind.as_str(), key.id.as_bytes())
    })
}

/// Builds the position of an index entry from its columns.
pub(super) fn place(rank: i64, partition: &[u8], kind: &str, id: &[u8]) -> Result<Position, CorruptColumn> {
    let partition = partition.try_into().map_err(|_| CorruptColumn("partition"))?;
    let kind = kind.parse().map_err(|_| CorruptColumn("kind"))?;
    let id = id.try_into().map_err(|_| CorruptColumn("id"))?;
    let key = Key { kind, id: DocumentId::from_bytes(id) };
    Ok(Position { rank, partition: Partition::from_bytes(partition), key })
}
