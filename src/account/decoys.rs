use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};
use uuid::Uuid;

use super::{AdminId, CustomerId, Email, Username, Website};
use crate::random::{RandomError, SecureRandom, draw};

/// Assigns the id of a decoy account to each unknown e-mail address or user name. For an unknown
/// account, the library does the same work with the decoy's id as it does for an account that
/// exists. An attacker can therefore not see from the duration of a request if an account exists.
/// This also holds for parallel requests: two unknown accounts have two ids, so their requests do
/// not wait for each other, just like those for two existing accounts.
///
/// Each process draws a random hash key for the ids of decoys. An attacker does not know this hash
/// key. So the attacker cannot compute the id of a decoy, and cannot create an account with such an
/// id.
pub(crate) struct Decoys([u8; 16]);

impl Decoys {
    pub(crate) fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        draw(random).map(Self)
    }

    pub(crate) fn customer(&self, website: &Website, email: &Email) -> CustomerId {
        self.id(&["customer", website.as_str(), email.as_str()]).into()
    }

    pub(crate) fn admin(&self, username: &Username) -> AdminId {
        self.id(&["admin", username.as_str()]).into()
    }

    fn id(&self, parts: &[&str]) -> Uuid {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        for part in parts {
            // The length of each part is hashed, too. So two different lists of parts never have
            // the same hash input.
            hasher.write_u64(u64::try_from(part.len()).unwrap_or(u64::MAX));
            hasher.write(part.as_bytes());
        }
        Uuid::from_u128(hasher.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::ChaChaRandom;

    #[test]
    fn an_account_has_one_decoy_and_two_accounts_have_two() {
        let decoys = Decoys::draw(&ChaChaRandom::new()).unwrap();
        let (base, other): (Website, Website) = (Website::default(), "other".parse().unwrap());
        let [one, two]: [Email; 2] = ["one@example.com", "two@example.com"].map(|text| text.parse().unwrap());
        let name: Username = "one@example.com".parse().unwrap();
        assert_eq!(decoys.customer(&base, &one), decoys.customer(&base, &one));
        assert_eq!(decoys.admin(&name), decoys.admin(&name));
        let all = [decoys.customer(&base, &one), decoys.customer(&base, &two), decoys.customer(&other, &one)];
        let all = all.map(|id| id.to_string()).into_iter().chain([decoys.admin(&name).to_string()]);
        assert_eq!(all.collect::<std::collections::HashSet<_>>().len(), 4);
        let restarted = Decoys::draw(&ChaChaRandom::new()).unwrap();
        assert_ne!(decoys.customer(&base, &one), restarted.customer(&base, &one));
    }
}
