//! Plays one attack: the whole attack, and its beginning in real time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use commerce_auth::credential::Argon2Params;
use tokio::time::{interval, sleep};

use crate::{
    Result,
    attack::Attack,
    people::{People, Person, Tally},
    report::Row,
    site::{Site, Storage},
};

/// Time between two tries on the shop's clock: 200 in a second.
const PACE: Duration = Duration::from_millis(5);
/// Tries at once in a whole play.
const CALLERS: usize = 16;
/// Tries between two sign-ins of each honest person in a whole play: 2.5 s.
const TRIES_BETWEEN: u64 = 500;
/// Owners of attacked accounts who sign in after a whole play.
const OWNERS: usize = 100;
/// Length of the beginning that is played in real time.
const BEGINNING: Duration = Duration::from_secs(20);
/// Time for which the honest people are alone, before the beginning and again after it.
const IDLE: Duration = Duration::from_secs(3);
/// Time between two sign-ins of an honest person in real time.
const TIME_BETWEEN: Duration = Duration::from_millis(100);

/// Plays an attack whole, and its beginning in real time.
pub async fn play(storage: Storage, attack: Attack) -> Result<Row> {
    let mut row = play_whole(storage, attack).await?;
    let mut alone = play_nothing(storage).await?;
    let timed = play_beginning(storage, attack).await?;
    // The load of other programs may have changed in the meantime.
    for (alone, later) in alone.iter_mut().zip(play_nothing(storage).await?) {
        alone.add(later);
    }
    row.idle = alone.map(|tally| tally.time(50));
    // Only the times with real hashes count.
    for (tally, timed) in row.people.iter_mut().zip(timed) {
        tally.times.clear();
        tally.add(timed);
    }
    Ok(row)
}

/// Plays all tries as fast as the machine goes.
async fn play_whole(storage: Storage, attack: Attack) -> Result<Row> {
    let (site, people) = open(storage, Argon2Params::danger_fast()).await?;
    let (before, next) = (site.hashes(), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (site, people, next) = (Arc::clone(&site), Arc::clone(&people), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= attack.tries() {
                        break;
                    }
                    site.clock.advance(PACE);
                    try_once(&site, attack, number).await;
                    if number.is_multiple_of(TRIES_BETWEEN) {
                        for person in Person::ALL {
                            people.sign_in(&site, person).await;
                        }
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await?;
    }
    for _ in 0..OWNERS {
        people.sign_in(&site, Person::UnknownSource).await;
    }
    let people = people.take_tallies();
    let honest: u64 = people.iter().map(|tally| tally.signed_in).sum();
    Ok(Row {
        attack,
        // A failed honest sign-in may have reached a hash, too. It is counted as the attacker's.
        hashed: site.hashes() - before - honest,
        flagged: site.flagged().await,
        documents: site.remove_documents().await?,
        people,
        idle: [None; 3],
    })
}

/// Sends the first tries at their pace, whether or not the earlier ones are answered.
async fn play_beginning(storage: Storage, attack: Attack) -> Result<[Tally; 3]> {
    let (site, people) = open(storage, Argon2Params::default()).await?;
    let end = Instant::now() + BEGINNING;
    let attacking = {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let mut pace = interval(PACE);
            for number in 0..attack.tries() {
                pace.tick().await;
                if Instant::now() >= end {
                    break;
                }
                site.clock.advance(PACE);
                let site = Arc::clone(&site);
                tokio::spawn(async move { try_once(&site, attack, number).await });
            }
        })
    };
    sign_in_until(&site, &people, end).await?;
    attacking.await?;
    Ok(people.take_tallies())
}

/// Lets the honest people sign in while nobody attacks.
async fn play_nothing(storage: Storage) -> Result<[Tally; 3]> {
    let (site, people) = open(storage, Argon2Params::default()).await?;
    sign_in_until(&site, &people, Instant::now() + IDLE).await?;
    Ok(people.take_tallies())
}

/// Opens a shop at which each honest person has signed in once.
async fn open(storage: Storage, argon2: Argon2Params) -> Result<(Arc<Site>, Arc<People>)> {
    let (site, people) = (Arc::new(Site::open(storage, argon2).await?), Arc::new(People::default()));
    for person in Person::ALL {
        people.sign_in(&site, person).await;
    }
    people.take_tallies();
    Ok((site, people))
}

/// Makes one of the attacker's tries. Its result is ignored.
async fn try_once(site: &Site, attack: Attack, number: u64) {
    let _ = site.node(number).generate_customer_token(attack.sign_in(number)).await;
}

/// Signs each honest person in again and again.
async fn sign_in_until(site: &Arc<Site>, people: &Arc<People>, end: Instant) -> Result {
    let visits = Person::ALL.map(|person| {
        let (site, people) = (Arc::clone(site), Arc::clone(people));
        tokio::spawn(async move {
            while Instant::now() < end {
                people.sign_in(&site, person).await;
                sleep(TIME_BETWEEN).await;
            }
        })
    });
    for visits in visits {
        visits.await?;
    }
    Ok(())
}
