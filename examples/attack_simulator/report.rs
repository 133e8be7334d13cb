//! The tables and their limits.

use std::time::Duration;

use crate::{
    attack::Attack,
    people::{Person, Tally},
};

/// Longest time until a node knows of the attack.
const FLAG_BAR: Duration = Duration::from_secs(60);
/// Largest multiple of the idle time, for 19 of 20 sign-ins at a known device or by an admin user.
const TIME_BAR: f64 = 4.0;
/// Share of the sign-ins that is compared with the limit, in percent.
const SHARE: usize = 95;

/// The result of one attack.
pub struct Row {
    pub attack: Attack,
    /// Tries that reached a hash.
    pub hashed: u64,
    /// Documents left.
    pub documents: usize,
    /// Time until each node knew of the attack.
    pub flagged: [Option<Duration>; 2],
    /// In the order of [`Person::ALL`].
    pub people: [Tally; 3],
    /// Median times while nobody attacks, before and after the beginning.
    pub idle: [Option<Duration>; 3],
}

/// Prints both tables. Returns true if every limit is kept.
pub fn print(rows: &[Row]) -> bool {
    let mut held = true;
    println!(
        "| attack | tries | reached a hash | documents left | flagged after, s: node 1, node 2 | limits |"
    );
    println!("|---|--:|--:|--:|--:|---|");
    for Row { attack, hashed, documents, flagged, .. } in rows {
        let passed = flagged.iter().all(|after| after.is_some_and(|after| after <= FLAG_BAR));
        held &= passed;
        let [first, second] =
            flagged.map(|after| after.map_or("never".into(), |after| format!("{:.1}", after.as_secs_f64())));
        println!(
            "| {} | {} | {hashed} | {documents} | {first}, {second} | {} |",
            attack.name(),
            attack.tries(),
            verdict(passed)
        );
    }
    println!(
        "\n| attack | honest person | signed in | after a challenge | failed | idle time, ms | \
         multiple of it: median, 19 of 20 | limits |"
    );
    println!("|---|---|--:|--:|---|--:|--:|---|");
    for row in rows {
        for ((person, tally), idle) in Person::ALL.into_iter().zip(&row.people).zip(row.idle) {
            held &= print_person(row.attack, person, tally, idle);
        }
    }
    held
}

fn print_person(attack: Attack, person: Person, tally: &Tally, idle: Option<Duration>) -> bool {
    let Tally { signed_in, challenged, failures, .. } = tally;
    let multiple = |percent| {
        let (time, idle) = (tally.time(percent)?, idle?);
        Some(time.as_secs_f64() / idle.as_secs_f64())
    };
    // A shop cannot know an unknown source, so its customers may be challenged and may wait.
    let unknown = person == Person::UnknownSource;
    let in_time = multiple(SHARE).is_some_and(|multiple| multiple <= TIME_BAR);
    let passed = failures.is_empty() && (unknown || (*challenged == 0 && in_time));
    let failed: Vec<_> = failures.iter().map(|(code, count)| format!("{count} {code}")).collect();
    let shown = |figure: Option<f64>| figure.map_or("none".into(), |figure| format!("{figure:.1}"));
    println!(
        "| {} | {} | {signed_in} | {challenged} | {} | {} | {}, {} | {} |",
        attack.name(),
        person.name(),
        if failed.is_empty() { "0".to_owned() } else { failed.join(", ") },
        shown(idle.map(|idle| idle.as_secs_f64() * 1e3)),
        shown(multiple(50)),
        shown(multiple(SHARE)),
        verdict(passed),
    );
    passed
}

const fn verdict(passed: bool) -> &'static str {
    if passed { "pass" } else { "FAIL" }
}
