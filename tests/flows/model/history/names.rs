//! Translates the crate's names into the model's.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use commerce_auth::{
    AdminId, CustomerId, Website,
    audit::{AccountKey, Action, AuditEvent},
    token::{Assistance, Grant, GrantId, Identity, Subject},
};

use super::{REASON, SITES, SOURCES};
use crate::model::shop::{Assist, Counted, NO_REASON, Name, Token, Told, Who};

/// The ids that were seen so far.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) grants: BTreeMap<GrantId, Name>,
    pub(crate) accounts: BTreeMap<AccountKey, Counted>,
}

impl Names {
    pub(crate) fn of(&self, id: &GrantId) -> Name {
        self.grants.get(id).copied().unwrap_or(Name::Unissued)
    }

    /// Returns the model's token for a grant that the crate accepts.
    pub(crate) fn token(&self, grant: &Grant) -> Token {
        Token {
            owner: who(&grant.subject),
            site: grant.website.as_ref().map(site),
            obtained: grant.obtained,
            assist: grant.assistance.as_deref().map(|assistance| self.assist(assistance)),
            issued: grant.issued_at(),
            expires: grant.expires_at(),
            revoked: false,
        }
    }

    /// As above, for the bearer's identity. The parent of an assistance is not part of an identity.
    pub(crate) fn identity(&self, who: &Identity, parent: Option<usize>) -> (Name, Token) {
        let token = |owner, site, obtained, assist, issued, expires| Token {
            owner,
            site,
            obtained,
            assist,
            issued,
            expires,
            revoked: false,
        };
        match who {
            Identity::Customer(who) => {
                let assist = who.actor().map(|actor| Assist {
                    actor: admin(actor),
                    parent: parent.unwrap_or(usize::MAX),
                    reason: reason(who.reason().unwrap_or_default()),
                });
                let owner = Who::Customer(customer(who.customer_id()));
                let site = Some(site(who.website()));
                let (issued, expires) = (who.auth_time(), who.expires_at());
                (self.of(who.grant()), token(owner, site, who.obtained(), assist, issued, expires))
            }
            Identity::Admin(who) => {
                let owner = Who::Admin(admin(who.admin_id()));
                let password = commerce_auth::token::Obtained::Password;
                let token = token(owner, None, password, None, who.auth_time(), who.expires_at());
                (self.of(who.grant()), token)
            }
            other => panic!("{other:?}"),
        }
    }

    fn assist(&self, assistance: &Assistance) -> Assist {
        let parent = match self.of(&assistance.parent) {
            Name::Token(parent) => parent,
            Name::Secret(_) | Name::Unissued => usize::MAX,
        };
        Assist { actor: admin(&assistance.actor), parent, reason: reason(&assistance.reason) }
    }

    pub(crate) fn told(&self, event: &AuditEvent) -> Told {
        let parent = event.parent.as_ref().map(|parent| match self.of(parent) {
            Name::Token(parent) => parent,
            Name::Secret(_) | Name::Unissued => usize::MAX,
        });
        Told {
            action: event.action,
            outcome: event.outcome,
            site: event.website.as_ref().map(site),
            account: event.account.map(|account| self.accounts[&account]),
            subject: event.subject.as_ref().map(who),
            actor: event.actor.as_ref().map(admin),
            parent,
            reason: event.reason.as_deref().map(reason),
            grant: event.grant.as_ref().map(|grant| self.of(grant)),
        }
    }
}

/// True if a successful event of this action has the expiry of the issued object.
pub(crate) const fn issues(action: Action) -> bool {
    matches!(
        action,
        Action::SignIn
            | Action::CodeRedemption
            | Action::AssistanceToken
            | Action::AdminSignIn
            | Action::CodeMint
    )
}

fn reason(text: &str) -> &'static str {
    [REASON, NO_REASON].into_iter().find(|known| *known == text).unwrap_or("another reason")
}

fn who(subject: &Subject) -> Who {
    match subject {
        Subject::Customer(id) => Who::Customer(customer(id)),
        Subject::Admin(id) => Who::Admin(admin(id)),
        other => panic!("{other:?}"),
    }
}

fn customer(id: &CustomerId) -> usize {
    (0..).take(16).find(|customer| customer_id(*customer) == *id).unwrap_or(usize::MAX)
}

fn admin(id: &AdminId) -> usize {
    (0..).take(16).find(|admin| admin_id(*admin) == *id).unwrap_or(usize::MAX)
}

fn site(website: &Website) -> usize {
    SITES.iter().position(|site| *site == website.as_str()).unwrap_or(usize::MAX)
}

pub(crate) fn website(site: usize) -> Website {
    SITES[site].parse().unwrap()
}

pub(crate) fn customer_id(customer: usize) -> CustomerId {
    CustomerId::from(i64::try_from(customer).unwrap())
}

pub(crate) fn admin_id(admin: usize) -> AdminId {
    format!("admin-{admin}").parse().unwrap()
}

pub(crate) fn grant_id(secret: &str) -> GrantId {
    GrantId::of(secret.as_bytes())
}

pub(crate) fn source(place: usize) -> (Option<IpAddr>, u32) {
    let (address, name) = SOURCES[place];
    (address.map(|address| address.parse().unwrap()), name)
}

/// Returns the source with that name: one of the list, or one of a flood.
pub(crate) fn source_called(name: u32) -> (Option<IpAddr>, u32) {
    let listed = SOURCES.iter().position(|(_, listed)| *listed == name).map(|place| source(place).0);
    (listed.unwrap_or_else(|| Some(Ipv4Addr::from_bits(name).into())), name)
}
