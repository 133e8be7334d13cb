//! Password hashes as PHC strings, as a host's table has them.

use std::time::Duration;

use bolero::{TypeGenerator, check};
use commerce_auth::{CustomerId, CustomerStore, Error, PasswordHash, error::SignInError};
use support::{PASSWORD, WRONG};

use crate::{
    pace::keeping_pace,
    text::{Text, boundary, pick},
    world::{World, with_world},
};

#[derive(Clone, Debug, TypeGenerator)]
enum Input {
    Parts {
        algorithm: u8,
        version: u8,
        memory: u8,
        passes: u8,
        lanes: u8,
        salt: u8,
        output: u8,
    },
    /// The right hash, with parameters or parts of other hashes, in another order.
    Near([Option<Change>; 3]),
    Text(Text),
    Joined([Option<(u8, Text)>; 8]),
}

#[derive(Clone, Debug, TypeGenerator)]
enum Change {
    Insert(u8, Text),
    Letter { place: u8, by: u8 },
    Cut { from: u8, letters: u8 },
    Memory(u8),
    Passes(u8),
    Lanes(u8),
    Order,
    NoVersion,
}

const ALGORITHMS: [&str; 8] =
    ["argon2id", "argon2i", "argon2d", "ARGON2ID", "2y", "scrypt", "pbkdf2-sha256", ""];
const VERSIONS: [&str; 8] = ["$v=19", "$v=16", "", "$v=0", "$v=4294967296", "$v=", "$19", "$v=19,x=1"];
/// Either beyond 512 MiB of work or little: values in between are bounded, and slow.
const MEMORY: [&str; 10] =
    ["m=8", "m=9", "m=64", "m=7", "m=0", "m=131073", "m=4294967295", "m=4294967296", "m=-8", "m=08"];
const PASSES: [&str; 8] =
    ["t=1", "t=2", "t=0", "t=1000000", "t=4294967295", "t=18446744073709551616", "t=+1", "t="];
const LANES: [&str; 8] =
    ["p=1", "p=2", "p=0", "p=16", "p=17", "p=16777216", "p=1,keyid=AAAA", "p=1,data=AAAA,m=8"];
/// Salts and outputs: short ones, long ones, and with letters that are not base64.
const BASE64: [&str; 10] = [
    "AAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAA",
    "A",
    "",
    "AAAAAAAAAAAAAAAAAAAAAB",
    "AAAAAAAAAAAAAAAAAAAA==",
    "AAAA/+AAAAAAAAAAAAAAAA",
    "AAAA_-AAAAAAAAAAAAAAAA",
    "ßAAAAAAAAAAAAAAAAAAAAA",
];

#[test]
fn a_stored_hash_is_bounded_before_it_is_believed() {
    check!()
        .with_type::<Input>()
        .with_test_time(Duration::from_secs(1))
        .for_each(|input| with_world(|world| input.try_in(world)));
}

impl Input {
    fn try_in(&self, world: &World) {
        let shop = &world.site.shop;
        let right = stored(world).expose().to_owned();
        let stored_text = self.text(&right);
        let store = |hash: &str| shop.set_customer(|row| row.password_hash = Some(PasswordHash::from(hash)));
        let sign_in = |password: &str| {
            // Otherwise a budget would refuse before the hash is read.
            shop.advance(25 * 60 * 60);
            world.run(shop.sign_in(password))
        };
        let trivial = || {
            store(&right);
            assert!(matches!(sign_in(WRONG), Err(Error::SignIn(SignInError::Refused))));
        };
        for (password, is_right) in [(WRONG, false), (PASSWORD, true)] {
            let attempt = || {
                store(&stored_text);
                sign_in(password)
            };
            // A hash that names no memory uses Argon2's default of 19 MiB, which is bounded and
            // slow.
            let signed_in = match stored_text.contains("m=") {
                true => keeping_pace(stored_text.len(), trivial, attempt),
                false => attempt(),
            };
            match signed_in {
                Ok(_) => assert!(is_right && same(&stored_text, &right), "{stored_text}"),
                Err(Error::SignIn(SignInError::Refused)) => {
                    assert!(!is_right || stored_text != right, "the hash the crate made is refused");
                }
                Err(error) => panic!("{error:?} for {stored_text:?}"),
            }
        }
        store(&right);
        assert!(sign_in(PASSWORD).is_ok(), "the pool lives");
    }

    fn text(&self, right: &str) -> String {
        match self {
            Self::Parts { algorithm, version, memory, passes, lanes, salt, output } => format!(
                "${}{}${},{},{}${}${}",
                pick(&ALGORITHMS, *algorithm),
                pick(&VERSIONS, *version),
                pick(&MEMORY, *memory),
                pick(&PASSES, *passes),
                pick(&LANES, *lanes),
                pick(&BASE64, *salt),
                pick(&BASE64, *output),
            ),
            Self::Near(changes) => {
                let mut near = right.to_owned();
                changes.iter().flatten().for_each(|change| change.apply(&mut near));
                near
            }
            Self::Text(text) => text.text(),
            Self::Joined(parts) => parts
                .iter()
                .flatten()
                .map(|(number, text)| match number % 4 {
                    0 => "$".into(),
                    1 => format!("${}", pick(&ALGORITHMS, *number)),
                    2 => format!("${}", pick(&BASE64, *number)),
                    _ => text.text(),
                })
                .collect(),
        }
    }
}

impl Change {
    fn apply(&self, hash: &mut String) {
        let place_in = |hash: &str, place: u8| boundary(hash, usize::from(place) % (hash.len() + 1));
        match self {
            Self::Insert(place, text) => hash.insert_str(place_in(hash, *place), &text.text()),
            Self::Letter { place, by } => {
                let place = place_in(hash, *place);
                if let Some(letter) = hash[place..].chars().next() {
                    let changed = char::from(u8::try_from(letter).unwrap_or(b'x').wrapping_add(*by) & 0x7f);
                    hash.replace_range(place..place + letter.len_utf8(), changed.encode_utf8(&mut [0; 4]));
                }
            }
            Self::Cut { from, letters } => {
                let from = place_in(hash, *from);
                let to = boundary(hash, from + usize::from(*letters));
                hash.replace_range(from..to.max(from), "");
            }
            Self::Memory(number) => *hash = hash.replace("m=8", pick(&MEMORY, *number)),
            Self::Passes(number) => *hash = hash.replace("t=1", pick(&PASSES, *number)),
            Self::Lanes(number) => *hash = hash.replace("p=1", pick(&LANES, *number)),
            Self::Order => *hash = hash.replace("m=8,t=1,p=1", "p=1,t=1,m=8"),
            Self::NoVersion => *hash = hash.replace("$v=19", ""),
        }
    }
}

fn stored(world: &World) -> PasswordHash {
    let row = world.run(world.site.shop.customers.find_by_id(&CustomerId::from(1)));
    row.unwrap().and_then(|row| row.password_hash).expect("the customer has a password")
}

/// True if two texts are the same hash, with its parameters possibly in another order.
fn same(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let mut parts: Vec<String> = text.split(['$', ',']).map(str::to_owned).collect();
        parts.sort_unstable();
        parts
    };
    parts(one) == parts(other)
}
