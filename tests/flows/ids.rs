//! The text forms of ids, which clients, documents and the audit trail keep.

use std::{fmt::Debug, str::FromStr};

use commerce_auth::{
    Website,
    audit::{AccountKey, EventId},
    token::{Digest, Grant, GrantId, Obtained},
};
use serde::{Serialize, de::DeserializeOwned};
use time::macros::datetime;

/// The SHA-256 of `test`.
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn assert_text<T>(id: T, text: &str)
where
    T: Copy + Debug + PartialEq + ToString + FromStr + Serialize + DeserializeOwned,
{
    let json = format!("\"{text}\"");
    assert_eq!(id.to_string(), text);
    assert_eq!(text.parse().ok(), Some(id));
    assert_eq!(serde_json::to_string(&id).unwrap(), json);
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), id);
}

fn refuses<T: FromStr + DeserializeOwned>(text: &str) {
    assert!(text.parse::<T>().is_err(), "{text:?}");
    assert!(serde_json::from_str::<T>(&format!("{text:?}")).is_err(), "{text:?}");
}

#[test]
fn the_text_forms_are_stable() {
    let digest = Digest::of(b"test");
    assert_text(digest, SHA256);
    assert_text(GrantId::of(b"test"), SHA256);
    assert_text(GrantId::from_bytes(*digest.as_bytes()), SHA256);
    assert_text(AccountKey::from_bytes(*digest.as_bytes()), SHA256);
    assert_eq!(format!("{:?}", GrantId::of(b"test")), format!("GrantId({SHA256})"));
    let bytes = 0x0123_4567_89ab_4def_8123_4567_89ab_cdef_u128.to_be_bytes();
    assert_text(EventId::from_bytes(bytes), "01234567-89ab-4def-8123-456789abcdef");
}

#[test]
fn another_text_is_no_id() {
    let (upper, short, long) = (SHA256.to_uppercase(), &SHA256[1..], format!("{SHA256}0"));
    for text in
        ["", "test", &upper, short, &SHA256[2..], &long, &format!("{long}0"), &SHA256.replace('a', "g")]
    {
        refuses::<Digest>(text);
        refuses::<GrantId>(text);
        refuses::<AccountKey>(text);
        refuses::<EventId>(text);
    }
}

/// Backends keep grants as JSON.
#[test]
fn the_json_of_a_grant_is_stable() {
    let (issued, expires) = (datetime!(2026-01-01 12:00 UTC), datetime!(2026-01-01 13:00 UTC));
    let id = GrantId::of(b"test");
    let grant = Grant::customer(id, 7.into(), Website::default(), Obtained::Password, issued, expires);
    let json = format!(
        r#"{{"digest":"{SHA256}","subject":{{"customer":"7"}},"website":"base","obtained":"password","assistance":null,"issued_at":"2026-01-01T12:00:00Z","expires_at":"2026-01-01T13:00:00Z"}}"#
    );
    assert_eq!(serde_json::to_string(&grant).unwrap(), json);
    assert_eq!(serde_json::from_str::<Grant>(&json).unwrap(), grant);
}
