//! Hashes of passwords, compared with those of the crate `argon2`. With the feature `fast-argon2`,
//! another implementation makes them.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version, password_hash::phc};
use bolero::{TypeGenerator, check};
use commerce_auth::{CustomerId, CustomerStore, Error, PasswordHash, error::SignInError};
use icu_normalizer::ComposingNormalizer;

use crate::{
    text::{Text, pick},
    world::{World, with_world},
};

#[derive(Clone, Debug, TypeGenerator)]
struct Input {
    algorithm: u8,
    old_version: bool,
    memory: u8,
    passes: u8,
    lanes: u8,
    salt: Vec<u8>,
    output: u8,
    password: Text,
    /// The bit of the output that is changed in the wrong hash.
    wrong: u16,
}

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Argon2id, Algorithm::Argon2i, Algorithm::Argon2d];
/// In KiB for each lane. The last value takes other memory from the system than small ones.
const MEMORY: [u32; 12] = [8, 9, 11, 12, 15, 16, 31, 32, 64, 100, 257, 2500];

#[test]
fn every_hash_is_that_of_the_other_implementation() {
    check!()
        .with_type::<Input>()
        .with_test_time(Duration::from_secs(1))
        .for_each(|input| with_world(|world| input.try_in(world)));
}

impl Input {
    fn try_in(&self, world: &World) {
        let shop = &world.site.shop;
        // The password begins with letters, so that it is not empty and not a one-time code.
        let password = format!("password{:.100}", self.password.text());
        let hashed = ComposingNormalizer::new_nfc().normalize(&password).into_owned();
        let sign_in = |hash: &phc::PasswordHash| {
            shop.set_customer(|row| row.password_hash = Some(PasswordHash::from(hash.to_string())));
            // Otherwise a budget would refuse before the hash is read.
            shop.advance(25 * 60 * 60);
            world.run(shop.sign_in(&password))
        };
        let right = self.hash(&hashed);
        assert!(sign_in(&right).is_ok(), "{right} of {password:?}");
        // The sign-in replaced the hash by one of the shop's cost.
        let row = world.run(shop.customers.find_by_id(&CustomerId::from(1))).unwrap();
        let current = row.and_then(|row| row.password_hash).expect("the customer has a password");
        assert!(verifies(current.expose(), &hashed), "{} of {password:?}", current.expose());

        let wrong = self.with_a_wrong_bit(right);
        assert!(matches!(sign_in(&wrong), Err(Error::SignIn(SignInError::Refused))), "{wrong}");
        shop.set_customer(|_| ());
    }

    /// Makes a hash with the crate `argon2`.
    fn hash(&self, password: &str) -> phc::PasswordHash {
        let version = if self.old_version { Version::V0x10 } else { Version::V0x13 };
        let lanes = u32::from(self.lanes % 4) + 1;
        let memory_kib = pick(&MEMORY, self.memory) * lanes + u32::from(self.salt.len() % 4 == 1);
        // Little work with much memory, so that many inputs are tried.
        let passes = if memory_kib > 1000 { 1 } else { u32::from(self.passes % 4) + 1 };
        let length = 10 + usize::from(self.output) % 55;
        let params = Params::new(memory_kib, passes, lanes, Some(length)).expect("bounded parameters");
        let mut salt = [b'a'; 48];
        let salt_length = self.salt.len().clamp(8, salt.len());
        salt.iter_mut().zip(&self.salt).for_each(|(place, byte)| *place = *byte);
        let salt = &salt[..salt_length];
        let algorithm = pick(&ALGORITHMS, self.algorithm);
        let mut output = vec![0; length];
        Argon2::new(algorithm, version, params.clone())
            .hash_password_into(password.as_bytes(), salt, &mut output)
            .expect("valid lengths");
        phc::PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: (&params).try_into().expect("parameters of Argon2"),
            salt: Some(phc::Salt::new(salt).expect("a salt of 8 to 48 bytes")),
            hash: Some(phc::Output::new(&output).expect("10 to 64 bytes")),
        }
    }

    fn with_a_wrong_bit(&self, mut hash: phc::PasswordHash) -> phc::PasswordHash {
        let mut output = hash.hash.expect("an output").as_bytes().to_vec();
        let bit = usize::from(self.wrong) % (8 * output.len());
        output[bit / 8] ^= 1 << (bit % 8);
        hash.hash = Some(phc::Output::new(&output).expect("10 to 64 bytes"));
        hash
    }
}

/// True if the crate `argon2` makes the same hash of the password.
fn verifies(hash: &str, password: &str) -> bool {
    let hash = phc::PasswordHash::new(hash).expect("a PHC string");
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).expect("an algorithm of Argon2");
    let version = Version::try_from(hash.version.expect("a version")).expect("a version of Argon2");
    let params = Params::try_from(&hash).expect("parameters of Argon2");
    let expected = hash.hash.expect("an output");
    let mut output = vec![0; expected.len()];
    Argon2::new(algorithm, version, params)
        .hash_password_into(password.as_bytes(), &hash.salt.expect("a salt"), &mut output)
        .expect("valid lengths");
    output == expected.as_bytes()
}
