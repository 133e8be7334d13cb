//! Compares an answer with the documentation.

use serde_json::Value;

/// Returns the places where an answer differs in keys, nesting or values. At volatile pointers it compares
/// the types and the form only.
pub fn difference(documented: &Value, answered: &Value, volatile: &[String]) -> Option<String> {
    compare(documented, answered, "", volatile, false)
}

fn compare(
    documented: &Value,
    answered: &Value,
    at: &str,
    volatile: &[String],
    is_volatile: bool,
) -> Option<String> {
    let is_volatile = is_volatile || volatile.iter().any(|pointer| pointer == at);
    let differ = || Some(format!("at {at:?}: {documented} is documented, {answered} was answered"));
    match (documented, answered) {
        (Value::Object(of), Value::Object(is)) => {
            if !of.keys().all(|key| is.contains_key(key)) || of.len() != is.len() {
                return differ();
            }
            of.iter()
                .find_map(|(key, of)| compare(of, &is[key], &format!("{at}/{key}"), volatile, is_volatile))
        }
        (Value::Array(of), Value::Array(is)) => {
            // Of a volatile list, each is like one that is documented.
            let lengths_fit = if is_volatile { of.is_empty() == is.is_empty() } else { of.len() == is.len() };
            if !lengths_fit {
                return differ();
            }
            is.iter().enumerate().find_map(|(index, is)| {
                let of = &of[index.min(of.len() - 1)];
                compare(of, is, &format!("{at}/{index}"), volatile, is_volatile)
            })
        }
        (Value::String(of), Value::String(is)) if is_volatile => {
            if looks_alike(at, of, is) {
                None
            } else {
                differ()
            }
        }
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) if is_volatile => None,
        _ if documented == answered => None,
        _ => differ(),
    }
}

fn looks_alike(at: &str, documented: &str, answered: &str) -> bool {
    match at.rsplit('/').next().unwrap_or_default() {
        // The whole of an answer is a token, too.
        "" | "token" | "customer_token" => is_token(answered),
        "otp" => is_one_time_code(answered),
        "created_at" | "updated_at" => digits_as_zero(documented) == digits_as_zero(answered),
        _ => true,
    }
}

/// 32 characters, as those of the documentation.
pub fn is_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// As those of the REST page.
fn is_one_time_code(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn digits_as_zero(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect()
}

#[test]
fn differences_are_seen() {
    use serde_json::json;

    let documented = json!({ "a": { "token": "x", "b": [{ "c": 1 }] }, "d": null });
    let volatile = ["/a/token".to_owned(), "/a/b".to_owned()];
    let token = "cr0717abzoagxty1xjn4lj13kim36r6x";
    let same = json!({ "a": { "token": token, "b": [{ "c": 2 }, { "c": 3 }] }, "d": null });
    assert_eq!(difference(&documented, &same, &volatile), None);
    for other in [
        json!({ "a": { "token": "SHORT", "b": [{ "c": 2 }] }, "d": null }),
        json!({ "a": { "token": null, "b": [{ "c": 2 }] }, "d": null }),
        json!({ "a": { "token": token, "b": [] }, "d": null }),
        json!({ "a": { "token": token, "b": [{ "c": "2" }] }, "d": null }),
        json!({ "a": { "token": token, "b": [{ "c": 2, "e": 2 }] }, "d": null }),
        json!({ "a": { "token": token, "b": [{ "c": 2 }] }, "d": 1 }),
        json!({ "a": { "token": token, "b": [{ "c": 2 }] } }),
        json!({ "a": { "token": token, "b": [{ "c": 2 }] }, "d": null, "e": null }),
    ] {
        assert!(difference(&documented, &other, &volatile).is_some(), "{other}");
    }
    assert!(difference(&json!([1]), &json!([1, 1]), &[]).is_some());
}
