//! Bearer tokens, in headers and as a host passes them.

use std::time::Duration;

use axum::body::Body;
use bolero::{TypeGenerator, check};
use http::Request;
use support::{PASSWORD, shop};

use crate::{
    text::{Text, pick},
    world::{World, header, with_world},
};

#[derive(Clone, Debug, TypeGenerator)]
struct Input {
    scheme: u8,
    gap: u8,
    token: Token,
    /// A second header.
    again: Option<(u8, Token)>,
    after: u8,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Token {
    Live,
    Admins,
    /// Well formed, with the key of a shop without a private key.
    OtherShops,
    Changed {
        place: u8,
        by: u8,
    },
    Cut(u8),
    Longer(Text),
    UpperCase,
    Characters([u8; 32]),
    Text(Text),
    Bytes(Vec<u8>),
}

const SCHEMES: [&str; 8] = ["Bearer", "Bearer", "bearer", "BEARER", "Basic", "OAuth", "", "Bearer:"];
const GAPS: [&str; 6] = [" ", " ", " ", "", "  ", "\t"];
const AFTER: [&str; 6] = ["", "", "", " ", " a", "\t"];
const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

#[test]
fn no_invented_token_signs_in() {
    let other = pollster::block_on(shop().sign_in(PASSWORD)).unwrap().token().expose().to_owned();
    check!()
        .with_type::<Input>()
        .with_test_time(Duration::from_secs(1))
        .for_each(|input| with_world(|world| input.send(world, &other)));
}

impl Input {
    fn send(&self, world: &World, other: &str) {
        let token = self.token.bytes(world, other);
        self.is_none_for_a_host(world, &token);
        let value = |scheme: u8, token: &[u8]| {
            let (scheme, gap) = (pick(&SCHEMES, scheme).as_bytes(), pick(&GAPS, self.gap).as_bytes());
            [scheme, gap, token, pick(&AFTER, self.after).as_bytes()].concat()
        };
        let mut values = vec![value(self.scheme, &token)];
        values.extend(self.again.as_ref().map(|(scheme, token)| value(*scheme, &token.bytes(world, other))));
        let Some(headers) = values.iter().map(|value| header(value)).collect::<Option<Vec<_>>>() else {
            return;
        };
        let length: usize = values.iter().map(Vec::len).sum();
        let send = |path: &str| {
            let request = || {
                let mut request = Request::get(path);
                for header in &headers {
                    request = request.header("authorization", header);
                }
                request.body(Body::empty()).unwrap()
            };
            world.answer(length, request, &[200, 400, 401])
        };
        let presents = |token: &str| {
            let held = |value: &Vec<u8>| {
                value
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .any(|word| word == token.as_bytes())
            };
            values.len() == 1 && values.iter().any(held)
        };
        let (own, greeting) = (send("/rest/V1/customers/me"), send("/rest/V1/greeting"));
        let admins = send("/rest/V1/admins/me");
        let signed_in = own.status == 200 || greeting.text == "1";
        assert!(!signed_in || presents(&world.customer), "{} {}", own.text, greeting.text);
        assert!(admins.status != 200 || presents(&world.admin), "{}", admins.text);
        let right = format!("Bearer {}", world.customer).into_bytes();
        assert!(values != [right] || own.status == 200 && greeting.text == "1", "{}", own.text);
    }

    fn is_none_for_a_host(&self, world: &World, token: &[u8]) {
        let Ok(text) = str::from_utf8(token) else { return };
        let verified = world.run(world.site.shop.auth.verify(text));
        assert_eq!(verified.is_ok(), text == world.customer || text == world.admin, "{verified:?}");
    }
}

impl Token {
    fn bytes(&self, world: &World, other: &str) -> Vec<u8> {
        let mut live = world.customer.clone().into_bytes();
        match self {
            Self::Live => {}
            Self::Admins => live = world.admin.clone().into_bytes(),
            Self::OtherShops => live = other.into(),
            Self::Changed { place, by } => {
                let place = usize::from(*place) % live.len();
                live[place] = live[place].wrapping_add(*by);
            }
            Self::Cut(length) => live.truncate((*length).into()),
            Self::Longer(text) => live.extend(text.text().bytes()),
            Self::UpperCase => live.make_ascii_uppercase(),
            Self::Characters(numbers) => {
                live = numbers.iter().map(|number| pick(ALPHABET, *number)).collect();
            }
            Self::Text(text) => live = text.text().into_bytes(),
            Self::Bytes(bytes) => live.clone_from(bytes),
        }
        live
    }
}
