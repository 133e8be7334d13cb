//! E-mail addresses.

use std::time::{Duration, Instant};

use bolero::{TypeGenerator, check};
use commerce_auth::{Email, SignIn};
use support::{EMAIL, PASSWORD};

use crate::{text::Text, world::with_world};

#[derive(Clone, Debug, TypeGenerator)]
enum Input {
    Parts(Text, Text),
    /// The customer's own address with an insertion.
    Near(u8, Text),
    Cased(u32),
    Any(Text),
}

impl Input {
    fn text(&self) -> String {
        match self {
            Self::Parts(local, domain) => format!("{}@{}.example", local.text(), domain.text()),
            Self::Near(place, text) => {
                let mut near = EMAIL.to_owned();
                near.insert_str(usize::from(*place) % near.len(), &text.text());
                near
            }
            Self::Cased(bits) => {
                let upper = |(place, letter): (usize, char)| match bits >> (place % 32) & 1 {
                    1 => letter.to_ascii_uppercase(),
                    _ => letter,
                };
                EMAIL.chars().enumerate().map(upper).collect()
            }
            Self::Any(text) => text.text(),
        }
    }
}

#[test]
fn an_address_has_one_spelling() {
    check!().with_type::<Input>().with_test_time(Duration::from_secs(1)).for_each(|input| {
        let text = input.text();
        let begun = Instant::now();
        let parsed = text.parse::<Email>();
        let took = begun.elapsed();
        // Far more than needed: an address is short, and a long text is refused unread.
        assert!(took < Duration::from_secs(2), "{took:?} for {} bytes", text.len());
        let json = serde_json::to_string(&text).unwrap();
        assert_eq!(serde_json::from_str::<Email>(&json).ok(), parsed.clone().ok(), "from JSON");
        let signs_in = |text: &str| {
            let sign_in = SignIn::new(text, PASSWORD);
            with_world(|world| world.run(world.site.shop.auth.generate_customer_token(sign_in)).is_ok())
        };
        let Ok(email) = parsed else {
            assert!(!signs_in(&text), "{text:?}");
            return;
        };
        let canonical = email.as_str();
        assert_eq!(canonical.parse::<Email>().as_ref(), Ok(&email), "canonicalised again: {text:?}");
        assert_eq!(email.to_string(), canonical);
        assert_eq!(serde_json::from_str::<Email>(&serde_json::to_string(&email).unwrap()).unwrap(), email);
        assert!(text.len() <= 254 && canonical.len() <= 254, "{} bytes", canonical.len());
        assert_eq!(canonical.matches('@').count(), 1, "{canonical:?}");
        assert_eq!(canonical, canonical.to_lowercase(), "{canonical:?}");
        assert!(!canonical.contains(|char: char| char.is_control() || char.is_whitespace()), "{canonical:?}");
        assert_eq!(signs_in(&text), canonical == EMAIL, "{text:?}");
    });
}
