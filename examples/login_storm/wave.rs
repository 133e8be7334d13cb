//! The customers who come after the mail. All of their numbers are random, but the same in each run.

use std::{f64::consts::E, time::Duration};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Time from the mail to the peak of the wave.
pub const PEAK: Duration = Duration::from_secs(2);
/// Share of the customers who first mistype the password.
const MISTYPING: f64 = 0.10;
/// Share of the customers who have forgotten the password.
const FORGETTING: f64 = 0.05;
/// Mean number of hashes of a customer: a sign-in, a mistyped password, and for a forgotten password
/// a wrong one and the hash of the new one.
pub const HASHES: f64 = 1.0 + MISTYPING + 2.0 * FORGETTING;

const SEED: u64 = 4_711;

/// A customer who comes because of the mail.
pub struct Customer {
    pub number: u64,
    /// Time from the mail to the first try.
    pub comes_after: Duration,
    pub recall: Recall,
    random: ChaCha8Rng,
}

/// How well a customer remembers the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recall {
    Right,
    /// The first try has a typing error.
    Mistyped,
    /// The first try is wrong, and the customer then asks for a mail to set a new password.
    Forgotten,
}

impl Customer {
    /// Draws a customer. The numbers of customers who come at each time follow a gamma distribution
    /// of shape 2: they rise steeply up to the peak, and then fall slowly.
    pub fn new(number: u64, peak: Duration) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(SEED.wrapping_add(number));
        // The sum of two exponential distributions.
        let waits = -((1.0 - share(&mut random)) * (1.0 - share(&mut random))).ln();
        let recall = match share(&mut random) {
            draw if draw < FORGETTING => Recall::Forgotten,
            draw if draw < FORGETTING + MISTYPING => Recall::Mistyped,
            _ => Recall::Right,
        };
        Self { number, comes_after: peak.mul_f64(waits), recall, random }
    }

    /// Returns a time between one and two times `least`, so that customers who were refused together
    /// do not return together.
    pub fn jittered(&mut self, least: Duration) -> Duration {
        least.mul_f64(1.0 + share(&mut self.random))
    }
}

/// Returns the number of customers in a wave whose peak has this many arrivals in a second.
pub fn customers_for(arrivals: f64, peak: Duration) -> u64 {
    // The density of the distribution at its peak is 1 / (e * peak).
    Duration::from_secs_f64(arrivals * E * peak.as_secs_f64()).as_secs()
}

/// Returns a random number from 0 up to 1.
fn share(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / (f64::from(u32::MAX) + 1.0)
}
