use std::net::{IpAddr, Ipv6Addr};

use time::OffsetDateTime;

use super::{
    Attempts,
    scopes::{partition, source_scope},
};
use crate::{
    audit::Refusal,
    config::AuthConfig,
    error::{SignInError, StoreError},
    service::{documents::Changed, stop::Stop},
    state::budgets::{Budget, CountedFailure, Counting, Looked, ReadingTallies, Suspected, Tallied},
    store::{DocumentId, Partition},
};

/// The tallies of one partition, for example of one source. A failed attempt is counted in each
/// tally of the partition.
#[derive(Clone, Debug)]
pub(crate) struct Tallies {
    partition: Partition,
    tallied: Vec<Tallied>,
}

impl Tallies {
    /// Returns the tallies of a source over all accounts. An IPv4 address has one tally. An IPv6
    /// address has two tallies, for its /64 network and for its /48 network. Returns none for a
    /// caller without an IP address, because such callers possibly come from many sources.
    pub(crate) fn of_source(source: Option<IpAddr>, config: &AuthConfig) -> Option<Self> {
        let source = source?;
        let narrow = Tallied { id: source_scope(Some(source)), budget: config.budgets.source_total };
        let wide = match source.to_canonical() {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).octets()),
        };
        let Some(network) = wide else {
            return Some(Self {
                partition: partition("source", &[narrow.id.as_bytes()]),
                tallied: vec![narrow],
            });
        };
        let wide = Tallied { id: DocumentId::of(&[b"network", &network]), budget: config.budgets.network };
        Some(Self { partition: partition("source", &[wide.id.as_bytes()]), tallied: vec![narrow, wide] })
    }

    /// Returns 32 bits of the digest of the source's network: an IPv4 address or an IPv6 /48
    /// network.
    pub(super) fn network(&self) -> u32 {
        self.partition.first_bits()
    }

    /// Returns the tally of an account over all sources.
    pub(super) fn of_account(partition: Partition, budget: Budget) -> Self {
        Self { partition, tallied: vec![Tallied { id: DocumentId::ONLY, budget }] }
    }
}

impl Attempts {
    /// Maximum number of tries to write a failure to the tallies. A try fails if another caller
    /// changes a tally at the same time.
    const COUNTED_IN_TRIES: u32 = 3;

    /// Reads the state of the given tallies. If there are none, the result is that no budget is
    /// spent and no source is suspicious.
    pub(super) async fn look(&self, tallies: Option<&Tallies>) -> Result<Looked, StoreError> {
        let Some(Tallies { partition, tallied }) = tallies else { return Ok(Looked::default()) };
        let looking = ReadingTallies { tallied };
        let held = self.documents.load(partition, &looking).await?;
        Ok(self.documents.propose(&held, &looking)?.answer)
    }

    /// Refuses a source whose budget over all accounts is spent.
    pub(crate) async fn admit(&self, source: Option<&Tallies>) -> Result<(), Stop> {
        if self.look(source).await?.spent { Err(too_many()) } else { Ok(()) }
    }

    /// Counts a failure at the time `at` in the given tallies. If this failure makes a tally
    /// suspicious, returns the counts of that tally. If the tallies cannot be written, the failure
    /// is not counted, and the caller's operation continues.
    pub(crate) async fn count(
        &self,
        tallies: Option<&Tallies>,
        failure: CountedFailure,
        at: OffsetDateTime,
    ) -> Option<Suspected> {
        let Tallies { partition, tallied } = tallies?;
        let counting = Counting { tallied, failure, at };
        let changed = self.documents.change_within(partition, &counting, Self::COUNTED_IN_TRIES).await;
        match changed {
            Ok(Changed::Answer(suspected)) => suspected,
            Ok(Changed::Full) | Err(_) => None,
        }
    }
}

/// Returns the refusal of a source whose budget over all accounts is spent. The refusal does not
/// depend on the account, so it does not reveal if the account exists.
pub(super) fn too_many() -> Stop {
    Refusal::SourceBudgetSpent.told(SignInError::TooManyRequests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_source_is_counted_by_64_and_by_48_bits() {
        let config = AuthConfig::commerce();
        let tallies = |source: &str| Tallies::of_source(Some(source.parse().unwrap()), &config).unwrap();
        let [a, b, c] = ["2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:2:1::1"].map(tallies);
        assert_eq!((a.partition, a.tallied[1]), (b.partition, b.tallied[1]));
        assert_ne!(a.tallied[0], b.tallied[0]);
        assert_ne!(a.partition, c.partition);
        assert_eq!(tallies("192.0.2.1").tallied.len(), 1);
        assert_eq!(tallies("192.0.2.1").partition, tallies("::ffff:192.0.2.1").partition);
    }
}
