//! The text form of a subject, which backends keep.

use std::str::FromStr;

use commerce_auth::{AdminId, CustomerId, token::Subject};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

/// Generates numbers, UUIDs and texts, also texts that look like a subject.
fn id() -> impl Strategy<Value = String> {
    let subjects = select(vec!["customer:7", "admin:", ":", "007", "a:b:c", " 7"]).prop_map(str::to_owned);
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string()),
        subjects,
        "\\PC{1,32}",
    ]
}

fn subject() -> impl Strategy<Value = Subject> {
    (any::<bool>(), id()).prop_map(|(is_admin, id)| match is_admin {
        true => Subject::Admin(id.parse().expect("an id")),
        false => Subject::Customer(id.parse().expect("an id")),
    })
}

proptest! {
    #[test]
    fn a_text_is_its_subject(one in subject(), other in subject()) {
        prop_assert_eq!(one.to_string().parse::<Subject>(), Ok(one.clone()));
        prop_assert_eq!(one == other, one.to_string() == other.to_string());
        // The order agrees with equality and puts customers first.
        prop_assert_eq!(one.cmp(&other).is_eq(), one == other);
        if matches!((&one, &other), (Subject::Customer(_), Subject::Admin(_))) {
            prop_assert!(one < other);
        }
    }

    #[test]
    fn any_text_is_refused_or_comes_back(text in ".{0,40}") {
        if let Ok(subject) = Subject::from_str(&text) {
            prop_assert_eq!(subject.to_string(), text);
        }
    }
}

#[test]
fn the_text_form_is_stable() {
    let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    for (subject, text) in [
        (Subject::Customer(CustomerId::from(7)), "customer:7"),
        (Subject::Admin(AdminId::from(-3)), "admin:-3"),
        (Subject::Customer(CustomerId::from(uuid)), "customer:01234567-89ab-cdef-0123-456789abcdef"),
        (Subject::Admin("a:b".parse().unwrap()), "admin:a:b"),
    ] {
        assert_eq!(subject.to_string(), text);
        assert_eq!(text.parse(), Ok(subject));
    }
    for text in ["", "7", "customer", "customer:", "Customer:7", "user:7", " customer:7", "customer:a\nb"] {
        assert!(text.parse::<Subject>().is_err(), "{text:?}");
    }
}
