//! What the server may answer.

use redis::Value;

use super::failure::Failure;

pub(super) type Pair<'a> = (&'a [u8], &'a [u8]);

const CORRUPT: Failure = Failure::Corrupt("an answer");

pub(super) fn items<const N: usize>(answer: Value) -> Result<[Value; N], Failure> {
    let Value::Array(items) = answer else { return Err(CORRUPT) };
    items.try_into().map_err(|_| CORRUPT)
}

/// Texts that come two by two.
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

/// A counter's value; none before it was first raised.
pub(super) fn count(answer: &Value) -> Result<u64, Failure> {
    let Some(digits) = bytes(answer)? else { return Ok(0) };
    str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(Failure::Corrupt("a counter"))
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
