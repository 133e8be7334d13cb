//! Conversions of the server's replies to the types of this crate.

use redis::Value;

use super::failure::Failure;
use crate::store::GenerationId;

pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

const CORRUPT: Failure = Failure::Corrupt("an answer");

pub(super) fn items<const N: usize>(answer: Value) -> Result<[Value; N], Failure> {
    let Value::Array(items) = answer else { return Err(CORRUPT) };
    items.try_into().map_err(|_| CORRUPT)
}

/// Returns the items of an array in pairs: the first with the second, the third with the fourth,
/// and so on.
pub(super) fn pairs(answer: &Value) -> Result<Vec<Pair<'_>>, Failure> {
    let Value::Array(items) = answer else { return Err(CORRUPT) };
    items.chunks(2).map(pair).collect()
}

fn pair(items: &[Value]) -> Result<Pair<'_>, Failure> {
    match items {
        [first, second] => Ok((word(first)?, word(second)?)),
        _ => Err(CORRUPT),
    }
}

pub(super) fn bytes(answer: &Value) -> Result<Option<&[u8]>, Failure> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(CORRUPT),
    }
}

pub(super) fn word(answer: &Value) -> Result<&[u8], Failure> {
    bytes(answer)?.ok_or(CORRUPT)
}

pub(super) fn generation(answer: &Value) -> Result<Option<GenerationId>, Failure> {
    let id = |bytes: &[u8]| bytes.try_into().map(GenerationId::from_bytes);
    bytes(answer)?.map(id).transpose().map_err(|_| Failure::Corrupt("a generation"))
}

pub(super) fn size(answer: &Value) -> Result<usize, Failure> {
    match answer {
        Value::Int(size) => usize::try_from(*size).map_err(|_| CORRUPT),
        _ => Err(CORRUPT),
    }
}

pub(super) fn flag(answer: &Value) -> Result<bool, Failure> {
    Ok(size(answer)? > 0)
}
