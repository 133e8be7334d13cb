//! The counts of failed and successful sign-ins of the whole shop, per minute. One document holds
//! these counts. If a node has counted enough failures, it adds its counts to this document, at
//! most once in 5 s.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    DocumentError, Step, Transition, Write,
    format::{Stored, put, read},
};
use crate::{
    clock::{after, micros},
    store::{DocumentId, Key, Name, Partition},
};

const WATCH: Name = Name::of("watch");

/// The counts of finished sign-ins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Numbers {
    pub(crate) succeeded: u32,
    /// Number of failed sign-ins: those with a wrong credential, and those at an account whose
    /// budget over all sources is spent.
    pub(crate) failed: u32,
    /// Number of the failures at names without an account.
    pub(crate) unknown: u32,
}

/// The networks from which sign-ins failed, each as 32 bits of a digest. At most
/// [`MANY`](Self::MANY) networks are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Networks(BTreeSet<u32>);

/// The state of the shop, as the watch sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watched {
    /// True if the shop is under attack.
    pub(crate) attacked: bool,
    /// The counts that cause a new alarm. None if no new alarm begins now.
    pub(crate) alarm: Option<Numbers>,
}

/// The document that counts the sign-ins of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    /// The minute of the present counts, in minutes since 1970.
    minute: i64,
    present: Count,
    /// The counts of the previous minute.
    before: Count,
    #[serde(with = "micros")]
    attacked_until: OffsetDateTime,
    #[serde(with = "micros")]
    alarmed_until: OffsetDateTime,
}

/// The counts of one minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    numbers: Numbers,
    networks: Networks,
}

/// Adds the counts of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reporting<'a> {
    pub(crate) numbers: Numbers,
    pub(crate) networks: &'a Networks,
}

/// Reads the state of the shop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading;

impl Stored for Watch {
    const FORMAT: u32 = 1;
}

impl Networks {
    /// Minimum number of networks with failed sign-ins for an alarm of the whole shop. If the
    /// failures come from fewer networks, the tallies of these sources detect the attack.
    const MANY: usize = 20;

    pub(crate) fn add(&mut self, network: u32) {
        if self.0.len() < Self::MANY {
            self.0.insert(network);
        }
    }

    fn plus(mut self, other: &Self) -> Self {
        other.0.iter().for_each(|network| self.add(*network));
        self
    }

    fn are_many(&self) -> bool {
        self.0.len() >= Self::MANY
    }
}

impl Count {
    fn plus(self, numbers: Numbers, networks: &Networks) -> Self {
        Self { numbers: self.numbers.plus(numbers), networks: self.networks.plus(networks) }
    }
}

impl Numbers {
    fn plus(self, other: Self) -> Self {
        Self {
            succeeded: self.succeeded.saturating_add(other.succeeded),
            failed: self.failed.saturating_add(other.failed),
            unknown: self.unknown.saturating_add(other.unknown),
        }
    }

    /// True if an automated attack is likely. These counts, of one to two minutes, then have at
    /// least 120 failures, and at least three failures for each success. Without an attack, people
    /// succeed more often than they fail.
    ///
    /// The count of failures at unknown names is not used here. If this function detects an attack,
    /// the host can demand more challenges, and callers can notice this. If unknown names had an
    /// effect, callers could learn from the challenges if an account exists.
    const fn show_attack(self) -> bool {
        self.failed >= 120 && self.failed / 3 >= self.succeeded
    }

    /// True if an attacker is probably guessing names: there are at least 40 failures at unknown
    /// names, and more such failures than successful sign-ins. This only causes an alarm in the
    /// audit trail.
    const fn show_unknown_names(self) -> bool {
        self.unknown >= 40 && self.unknown > self.succeeded
    }
}

impl Watch {
    /// Time for which an attack is assumed to continue after the last counts that show the attack:
    /// 10 min.
    const HOLD: Duration = Duration::from_secs(10 * 60);

    fn new(minute: i64) -> Self {
        let (attacked_until, alarmed_until) = (OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH);
        Self { minute, present: Count::default(), before: Count::default(), attacked_until, alarmed_until }
    }

    /// Begins a new minute, if `minute` is later than the minute of the present counts. So a node
    /// whose clock is ahead begins a minute early. The counts of a node whose clock is behind are
    /// added to the present counts.
    fn turn(&mut self, minute: i64) {
        match minute.saturating_sub(self.minute) {
            ..=0 => return,
            1 => self.before = std::mem::take(&mut self.present),
            2.. => self.before = Count::default(),
        }
        (self.minute, self.present) = (minute, Count::default());
    }

    /// True if the shop is under attack. If `attacked_until` is more than twice
    /// [`HOLD`](Self::HOLD) ahead, the clock of the node that wrote it was ahead, so
    /// `attacked_until` is ignored.
    fn is_attacked(&self, now: OffsetDateTime) -> bool {
        now < self.attacked_until && self.attacked_until <= after(now, 2 * Self::HOLD)
    }

    fn add(&mut self, Reporting { numbers, networks }: Reporting<'_>, now: OffsetDateTime) -> Watched {
        self.present = std::mem::take(&mut self.present).plus(numbers, networks);
        let Count { numbers: sum, networks } =
            self.before.clone().plus(self.present.numbers, &self.present.networks);
        let was_alarmed = now < self.alarmed_until && self.alarmed_until <= after(now, 2 * Self::HOLD);
        let was_attacked = self.is_attacked(now);
        let until = after(now, Self::HOLD);
        let [shows_attack, shows_names] =
            [sum.show_attack(), sum.show_unknown_names()].map(|shows| shows && networks.are_many());
        if shows_attack {
            self.attacked_until = until;
        }
        if shows_attack || shows_names {
            self.alarmed_until = until;
        }
        let attacked = self.is_attacked(now);
        let begins = (attacked && !was_attacked) || (self.alarmed_until == until && !was_alarmed);
        Watched { attacked, alarm: begins.then_some(sum) }
    }
}

/// Returns the partition of the shop's document.
pub(crate) fn partition() -> Partition {
    Partition::of(&[b"watch"])
}

impl Transition for Reporting<'_> {
    type Answer = Watched;

    fn keys(&self) -> Vec<Key> {
        vec![key()]
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Watched>, DocumentError> {
        let now = micros::to_time(micros::from_time(now));
        let minute = now.unix_timestamp().div_euclid(60);
        let present = read::<Watch>(documents, 0)?;
        // If a node whose clock was more than an hour ahead wrote the document, the document is
        // ignored and replaced. Otherwise no new minute would begin until this node's clock reaches
        // the same time.
        let usable = present.filter(|watch| watch.minute <= minute.saturating_add(60));
        let mut watch = usable.unwrap_or_else(|| Watch::new(minute));
        watch.turn(minute);
        let answer = watch.add(*self, now);
        let write = put(&watch, Some(after(now, Watch::HOLD)), Vec::new())?;
        Ok(Step { answer, writes: vec![write] })
    }
}

impl Transition for Reading {
    type Answer = Watched;

    fn keys(&self) -> Vec<Key> {
        vec![key()]
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Watched>, DocumentError> {
        let attacked = read::<Watch>(documents, 0)?.is_some_and(|watch| watch.is_attacked(now));
        Ok(Step { answer: Watched { attacked, alarm: None }, writes: vec![Write::Keep] })
    }
}

const fn key() -> Key {
    Key { kind: WATCH, id: DocumentId::ONLY }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_764_000_000 + seconds)
    }

    #[derive(Default)]
    struct Shop(Option<Vec<u8>>);

    impl Shop {
        fn report(&mut self, [succeeded, failed, unknown]: [u32; 3], seconds: i64) -> Watched {
            self.report_from(20, [succeeded, failed, unknown], seconds)
        }

        fn report_from(
            &mut self,
            networks: u32,
            [succeeded, failed, unknown]: [u32; 3],
            seconds: i64,
        ) -> Watched {
            let numbers = Numbers { succeeded, failed, unknown };
            let networks = Networks((0..networks).collect());
            let step =
                Reporting { numbers, networks: &networks }.apply(&[self.0.as_deref()], at(seconds)).unwrap();
            let Some(Write::Put(content)) = step.writes.into_iter().next() else { panic!() };
            self.0 = Some(content.bytes);
            step.answer
        }

        fn is_attacked(&self, seconds: i64) -> bool {
            Reading.apply(&[self.0.as_deref()], at(seconds)).unwrap().answer.attacked
        }
    }

    #[test]
    fn many_failures_for_few_successes_are_an_attack_that_is_told_once() {
        let mut shop = Shop::default();
        assert_eq!(shop.report([10, 100, 0], 0), Watched::default());
        let sum = Numbers { succeeded: 20, failed: 130, unknown: 0 };
        assert_eq!(shop.report([10, 30, 0], 30), Watched { attacked: true, alarm: Some(sum) });
        assert_eq!(shop.report([10, 30, 0], 35), Watched { attacked: true, alarm: None });
        assert!(shop.is_attacked(35 + 599));
        assert!(!shop.is_attacked(35 + 600));
    }

    #[test]
    fn a_busy_shop_is_not_under_attack() {
        let mut shop = Shop::default();
        for minute in 0..10 {
            assert_eq!(shop.report([1_000, 400, 30], minute * 60), Watched::default(), "{minute}");
        }
    }

    #[test]
    fn unknown_names_are_told_and_change_nothing_else() {
        let mut shop = Shop::default();
        let sum = Numbers { succeeded: 5, failed: 50, unknown: 45 };
        assert_eq!(shop.report([5, 50, 45], 0), Watched { attacked: false, alarm: Some(sum) });
        assert_eq!(shop.report([0, 1, 1], 5), Watched::default());
        let looks = |unknown| Shop::default().report([0, 120, unknown], 0).attacked;
        assert_eq!(looks(120), looks(0));
    }

    #[test]
    fn failures_of_few_networks_are_no_attack_on_the_shop() {
        let mut shop = Shop::default();
        assert_eq!(shop.report_from(19, [0, 10_000, 10_000], 0), Watched::default());
        assert!(shop.report_from(20, [0, 1, 0], 61).attacked, "the networks of two minutes");
        let mut shop = Shop::default();
        shop.report_from(10_000, [0, 1_000, 0], 0);
        assert!(shop.0.unwrap().len() < 1_000, "networks are counted up to many");
    }

    #[test]
    fn numbers_count_for_one_to_two_minutes() {
        let mut shop = Shop::default();
        shop.report([0, 100, 0], 0);
        assert!(!Shop(shop.0.clone()).report([0, 19, 0], 119).attacked);
        assert!(Shop(shop.0.clone()).report([0, 20, 0], 119).attacked);
        assert!(!Shop(shop.0.clone()).report([0, 119, 0], 120).attacked);
    }

    #[test]
    fn a_clock_that_was_ahead_neither_stops_the_count_nor_holds_the_alarm() {
        let mut shop = Shop::default();
        shop.report([0, 1_000, 0], 365 * 86_400);
        assert!(!shop.is_attacked(0));
        assert!(!shop.report([0, 1, 0], 0).attacked);
        assert!(shop.report([0, 200, 0], 1).attacked);
    }
}
