//! `Email`: each address has one spelling, and look-alikes are refused.

use commerce_auth::{Email, account::EmailError};
use proptest::prelude::*;
use support::size;

fn parse(text: &str) -> Result<String, EmailError> {
    text.parse::<Email>().map(|email| email.as_str().to_owned())
}

/// Unicode's Default_Ignorable_Code_Point: characters that are drawn as nothing.
const INVISIBLE: [(u32, u32); 17] = [
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
];

fn invisible() -> impl Iterator<Item = char> {
    INVISIBLE.into_iter().flat_map(|(first, last)| first..=last).filter_map(char::from_u32)
}

fn is_invisible(char: char) -> bool {
    INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&char.into()))
}

/// Generates common addresses.
fn plain() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,20}@[A-Za-z0-9]{1,10}(\\.[A-Za-z]{2,6}){0,2}"
}

/// Generates addresses, near misses and arbitrary text.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => plain(),
        2 => "\\PC{1,6}@[a-zäßς]{1,6}\\.example",
        2 => "[\\pL\\pM\\pN]{1,6}@\\PC{1,6}",
        2 => (plain(), any::<prop::sample::Index>(), any::<char>()).prop_map(|(mut text, place, char)| {
            text.insert(place.index(text.len()), char);
            text
        }),
        1 => any::<String>(),
        1 => prop::collection::vec(any::<u8>(), 0..300)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(size(500, 4000)) })]

    #[test]
    fn what_is_accepted_is_canonical(text in text()) {
        let parsed = text.parse::<Email>();
        if let Ok(email) = parsed {
            let canonical = email.as_str();
            prop_assert_eq!(parse(canonical), Ok(canonical.to_owned()), "canonicalised again");
            prop_assert!(canonical.len() <= 254);
            prop_assert_eq!(canonical.matches('@').count(), 1);
            let seen = |char: char| !(char.is_control() || char.is_whitespace() || is_invisible(char));
            prop_assert!(canonical.chars().all(seen), "{:?}", canonical);
            let (local, domain) = canonical.split_once('@').unwrap();
            prop_assert!((1..=64).contains(&local.len()));
            let ldh = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
            prop_assert!(domain.bytes().all(ldh), "{}", domain);
            prop_assert_eq!(local, local.to_lowercase());
            prop_assert_eq!(email.to_string(), canonical);
            let json = serde_json::to_string(&email).unwrap();
            prop_assert_eq!(serde_json::from_str::<Email>(&json).unwrap(), email);
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated(text in text()) {
        let messages = [
            "the e-mail address is too long",
            "the text is not exactly one e-mail address",
            "the e-mail address has a character that is not allowed",
            "the e-mail address has a look-alike character",
            "the domain of the e-mail address is not valid",
        ];
        if let Err(error) = text.parse::<Email>() {
            prop_assert!(messages.contains(&error.to_string().as_str()));
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<Email>(&json).unwrap_err().to_string(), error.to_string());
        }
    }

    #[test]
    fn case_does_not_matter_and_nothing_else_is_folded(
        one in plain(),
        flips in prop::collection::vec(any::<bool>(), 40),
        other in plain(),
    ) {
        let flipped = one.chars().zip(flips.into_iter().chain(std::iter::repeat(false)));
        let flipped: String =
            flipped.map(|(char, flip)| if flip { char.to_ascii_uppercase() } else { char }).collect();
        prop_assert_eq!(parse(&one), Ok(one.to_ascii_lowercase()));
        prop_assert_eq!(parse(&flipped), parse(&one));
        prop_assert_eq!(parse(&other) == parse(&one), other.eq_ignore_ascii_case(&one));
    }

    #[test]
    fn letters_of_other_scripts_have_a_case_too(local in "[a-zà-öø-þа-яα-ρτ-ω]{1,12}") {
        let address = format!("{local}@example.com");
        prop_assert_eq!(parse(&address), Ok(address.clone()));
        prop_assert_eq!(parse(&address.to_uppercase()), Ok(address));
    }

    #[test]
    fn a_domain_has_one_form(label in "[a-zäöüéñжя]{1,10}") {
        let written = format!("a@{label}.example");
        let canonical = parse(&written);
        prop_assert!(canonical.is_ok());
        let again = canonical.as_ref().unwrap().to_uppercase();
        prop_assert_eq!(&parse(&written.to_uppercase()), &canonical);
        prop_assert_eq!(&parse(&again), &canonical);
    }

    #[test]
    fn only_one_address_is_one(
        one in plain(),
        other in plain(),
        between in "[,;@ \t\r\n<>\"]|, |\r\n|\nBcc: ",
    ) {
        let both = format!("{one}{between}{other}");
        prop_assert!(parse(&both).is_err());
    }
}

#[test]
fn look_alikes_are_refused() {
    let ranges = ['\u{FF01}'..='\u{FF5E}', '\u{FB00}'..='\u{FB06}', '\u{1D400}'..='\u{1D454}', '①'..='⑳'];
    let singles = ['\u{212A}', '\u{212B}', 'ſ', 'ª', '²', 'ĳ', 'ℌ', '℡', '﷼', '…', '＠'];
    for char in ranges.into_iter().flatten().chain(singles) {
        let refused = parse(&format!("a{char}b@example.com"));
        assert!(
            matches!(refused, Err(EmailError::LookAlike | EmailError::Character)),
            "{char:?}: {refused:?}"
        );
    }
    // The decomposed form would look the same as the composed one.
    assert_eq!(parse("jose\u{301}@example.com"), Err(EmailError::LookAlike));
    assert!(parse("a＠example.com").is_err() && parse("a@b＠example.com").is_err());
    // These addresses look different and stay different.
    assert_eq!(parse("Mıke@example.com").unwrap(), "mıke@example.com");
    assert_ne!(parse("mıke@example.com"), parse("mike@example.com"));
    assert_ne!(parse("İ@example.com"), parse("i@example.com"));
    assert_ne!(parse("josé@example.com"), parse("jose@example.com"));
    assert_ne!(parse("straße@example.com"), parse("strasse@example.com"));
}

#[test]
fn what_cannot_be_seen_is_refused() {
    let spaces =
        (0..0x11_0000).filter_map(char::from_u32).filter(|char| char.is_whitespace() || char.is_control());
    for char in invisible().chain(spaces) {
        for local in [format!("a{char}b"), format!("{char}a"), format!("a{char}"), char.to_string()] {
            assert!(parse(&format!("{local}@example.com")).is_err(), "{local:?}");
        }
    }
    for text in
        [" a@example.com", "a@example.com ", "a @example.com", "a@ example.com", "a@exam ple.com", "\0"]
    {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn signs_are_refused() {
    for char in ['\u{2800}', '€', '♥', '😀', '—', '“', '·', '¬', '′', '\u{E000}', '\u{FFFD}', '\u{10FFFF}']
    {
        assert_eq!(parse(&format!("a{char}b@example.com")), Err(EmailError::Character), "{char:?}");
    }
}

#[test]
fn what_cannot_be_seen_in_a_domain_does_not_survive() {
    for char in invisible() {
        if let Ok(canonical) = parse(&format!("a@exam{char}ple.com")) {
            assert_eq!(canonical, "a@example.com", "{char:?}");
        }
    }
}

#[test]
fn several_addresses_are_none() {
    for text in [
        "",
        "@",
        "a",
        "a@",
        "@example.com",
        "a.example.com",
        "a@b@example.com",
        "a@@example.com",
        "a@example.com@",
        "a@example.com,b@example.com",
        "a@example.com;b@example.com",
        "a@example.com b@example.com",
        "a,b@example.com",
        "<a@example.com>",
        "Name <a@example.com>",
        "\"a\"@example.com",
        "\"a@b\"@example.com",
        "a(comment)@example.com",
        "a@example.com\n",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com%0d%0aBcc:b",
        "a\0@example.com",
        "a@example.com\0",
        "a@exam\0ple.com",
        "mailto:a@example.com",
        "a@[127.0.0.1]",
        "a\\@example.com",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    assert_eq!(parse("a%0a@example.com").unwrap(), "a%0a@example.com", "a percent sign is only that");
    assert_eq!(parse("o'neil+shop=1@example.com").unwrap(), "o'neil+shop=1@example.com");
}

#[test]
fn the_forms_of_a_domain_agree() {
    for domain in [
        "bücher.example",
        "BÜCHER.example",
        "bu\u{308}cher.example",
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.EXAMPLE",
        "bücher。example",
        "ｂücher.example",
    ] {
        assert_eq!(parse(&format!("a@{domain}")).unwrap(), "a@xn--bcher-kva.example", "{domain}");
    }
    for domain in [
        ".",
        "example.com.",
        "example.com。",
        ".example.com",
        "example..com",
        "exa_mple.com",
        "exa/mple.com",
        "exa:25",
        "xn--bcher-kv.example",
        "xn--example-.example",
        "xn--.example",
        "a\u{200D}b.example",
    ] {
        assert_eq!(parse(&format!("a@{domain}")), Err(EmailError::Domain), "{domain}");
    }
}

#[test]
fn lengths_are_bounded_in_the_canonical_form() {
    let local = |length| "a".repeat(length);
    let domain = |length: usize| format!("{0}.{0}.{1}", "b".repeat(63), "c".repeat(length - 128));
    let address = |local_length, domain_length| format!("{}@{}", local(local_length), domain(domain_length));
    assert_eq!(parse(&address(64, 189)), Ok(address(64, 189)));
    assert_eq!(address(64, 189).len(), 254);
    assert_eq!(parse(&address(65, 188)), Err(EmailError::TooLong));
    assert_eq!(parse(&address(64, 190)), Err(EmailError::TooLong));
    assert_eq!(parse(&format!("a@{}.example", "b".repeat(64))), Err(EmailError::Domain));
    assert_eq!(parse(&format!("a@{}", "b".repeat(1 << 20))), Err(EmailError::TooLong));
    // Lower case turns two bytes into three.
    assert_eq!(parse(&format!("{}@example.com", "Ⱥ".repeat(21))).unwrap().len(), 63 + 12);
    assert_eq!(parse(&format!("{}@example.com", "Ⱥ".repeat(22))), Err(EmailError::TooLong));
    // IDNA turns two bytes into seven.
    let long = format!("{}@{}", local(10), vec!["é"; 31].join("."));
    assert!(long.len() < 254);
    assert_eq!(parse(&long), Err(EmailError::TooLong));
    let short = format!("a@{}", vec!["é"; 31].join("."));
    assert_eq!(parse(&short).unwrap().len(), 2 + 31 * 8 - 1);
}

#[test]
fn a_stored_address_is_read_as_strictly() {
    for json in ["\"a@b@c\"", "\"\"", "\"a b@example.com\"", "7", "null", "[\"a@example.com\"]"] {
        assert!(serde_json::from_str::<Email>(json).is_err(), "{json}");
    }
    let read: Email = serde_json::from_str("\"Roni_Cost@Example.COM\"").unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), "\"roni_cost@example.com\"");
}
