//! Compares the real shop with the model.

use std::{collections::BTreeSet, fmt::Write};

use commerce_auth::{
    AdminStore, Error, Origin, OtcStore, TokenStore,
    account::{AccountStatus, Permission},
    audit::{Action, Outcome},
    clock::Clock,
    notifier::{AdminNotice, AdminNotification, Notice},
    store::{Peek, Presented},
    token::{Bearer, DeviceSecret, Digest, Identity, Subject},
};
use pollster::block_on;
use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    ADDRESSES, USERNAMES,
    names::{admin_id, customer_id, grant_id, issues, website},
    sink::ANY_PURPOSE,
    world::{Checked, World},
};
use crate::model::shop::{Answer, Assist, LedTo, Name, Notified, Secret, Token, Told, ToldAdmin, Who};

/// The permissions of an admin user who assists.
pub(super) const ASSISTING: [Permission; 2] = [Permission::Login, Permission::AllowShoppingAssistance];

impl World {
    /// Names a token that the crate has issued.
    pub(super) fn issued(&mut self, text: &str) -> Result<(usize, Token), TestCaseError> {
        let looks = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        prop_assert!(looks, "the form of a token");
        prop_assert!(!self.tokens.iter().any(|other| other == text), "a token was issued twice");
        let (place, named) = (self.tokens.len(), grant_id(text));
        self.tokens.push(text.to_owned());
        self.names.grants.insert(named, Name::Token(place));
        let grant = block_on(self.store.find(&named, self.shop.now)).unwrap();
        let Some(grant) = grant else { return Err(TestCaseError::fail("an issued token is not stored")) };
        Ok((place, self.names.token(&grant)))
    }

    pub(super) fn made(&mut self, secret: &str) -> Result<usize, TestCaseError> {
        let hexadecimal = secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        prop_assert!(secret.len() == 32 && hexadecimal, "the form of a secret");
        prop_assert!(!self.secrets.iter().any(|other| other == secret), "a secret was issued twice");
        self.secrets.push(secret.to_owned());
        self.names.grants.insert(grant_id(secret), Name::Secret(self.secrets.len() - 1));
        Ok(self.secrets.len() - 1)
    }

    /// Names the secret of a device that the crate has handed out.
    pub(super) fn handed_out(
        &mut self,
        device: Option<&DeviceSecret>,
    ) -> Result<Option<usize>, TestCaseError> {
        let Some(device) = device else { return Ok(None) };
        prop_assert!(DeviceSecret::parse(device.expose()).is_some(), "the form of a device's secret");
        prop_assert!(
            !self.devices.iter().any(|other| other == device.expose()),
            "a device's secret was issued twice"
        );
        self.devices.push(device.expose().to_owned());
        Ok(Some(self.devices.len() - 1))
    }

    /// Compares the crate's answer and all effects of the call with the model's.
    pub(super) fn compare(
        &mut self,
        got: &Result<Answer, Error>,
        expected: &Result<Answer, Error>,
    ) -> Checked {
        let _ = writeln!(self.story, "    crate: {got:?}\n    model: {expected:?}");
        // Errors have no equality, so their text is compared.
        prop_assert_eq!(format!("{got:?}"), format!("{expected:?}"), "the answer");
        let begun = self.auth.hashing_stats().begun;
        let hashes = begun - self.hashes_begun;
        self.hashes_begun = begun;
        let notices = self.notices()?;
        let admin_notices = self.admin_notices()?;
        self.compare_trail()?;
        let LedTo {
            hashes: expected, notices: expected_notices, admin_notices: expected_admin_notices, ..
        } = std::mem::take(&mut self.shop.led_to);
        prop_assert_eq!(admin_notices, expected_admin_notices, "the notices to admin users");
        prop_assert_eq!(hashes, expected, "hashes");
        prop_assert_eq!(notices, expected_notices, "the notices to customers");
        Ok(())
    }

    fn notices(&mut self) -> Result<Vec<(usize, Notified)>, TestCaseError> {
        let mut notices = Vec::new();
        for notification in self.outbox.take() {
            let place = (0..self.shop.customers.len())
                .find(|customer| customer_id(*customer) == notification.customer)
                .unwrap_or(usize::MAX);
            let row = self.shop.customers[place];
            let told_at = ADDRESSES.iter().position(|address| *address == notification.email);
            let is_told_elsewhere = matches!(notification.notice, Notice::EmailChanged);
            prop_assert!(
                told_at == Some(row.address) || is_told_elsewhere,
                "mail goes to the stored address: {:?}",
                notification
            );
            prop_assert_eq!(&notification.website, &website(row.site));
            prop_assert_eq!(&notification.origin, &self.origin);
            let notified = match notification.notice {
                Notice::ResetRequested { token, expires_at } => {
                    let secret = self.made(token.expose())?;
                    let expected = self.shop.secrets.get(secret).map(|secret| secret.expires);
                    prop_assert_eq!(Some(expires_at), expected, "the end of the reset token");
                    Notified::ResetToken(secret)
                }
                Notice::PasswordReset => Notified::PasswordReset,
                Notice::PasswordChanged => Notified::PasswordChanged,
                Notice::PasswordSetByHost => Notified::PasswordSetByHost,
                Notice::NewDevice => Notified::NewDevice,
                Notice::SignedInByResetToken => Notified::SignedInByResetToken,
                Notice::CredentialReplayed { obtained } => Notified::Replayed(obtained),
                Notice::EmailChanged => Notified::EmailChanged(told_at.unwrap_or(usize::MAX)),
                Notice::Locked => Notified::Locked,
                Notice::AssistanceConsent { allowed } => Notified::Consent(allowed),
                Notice::AssistanceBegan { grant, actor, expires_at, .. } => {
                    let Name::Token(token) = self.names.of(&grant) else {
                        return Err(TestCaseError::fail("an assistance that is no token's"));
                    };
                    let row = self.shop.tokens.get(token);
                    prop_assert_eq!(Some(expires_at), row.map(|row| row.expires));
                    prop_assert_eq!(
                        Some(actor),
                        row.and_then(|row| row.assist).map(|assist| admin_id(assist.actor))
                    );
                    Notified::Began(token)
                }
                Notice::AssistanceEnded { actor, began_at, end } => {
                    // The crate's answer does not name the token, and the model's does. Entries
                    // that began at the same instant are ended in any order.
                    let tokens = &self.shop.tokens;
                    let began = |notified| match notified {
                        Notified::Ended(token, _) => Some(tokens[token].issued),
                        _ => None,
                    };
                    let is_it = |expected: &(usize, Notified)| match expected.1 {
                        Notified::Ended(token, _) => {
                            *expected == (place, Notified::Ended(token, end))
                                && tokens[token].assist.map(|assist| admin_id(assist.actor)).as_ref()
                                    == Some(&actor)
                                && tokens[token].issued == began_at
                        }
                        _ => false,
                    };
                    let expected = self.shop.led_to.notices.get_mut(notices.len()..).unwrap_or_default();
                    match expected.iter().position(is_it) {
                        Some(found) if began(expected[0].1) == Some(began_at) => {
                            expected.swap(0, found);
                            expected[0].1
                        }
                        _ => Notified::Ended(usize::MAX, end),
                    }
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            notices.push((place, notified));
        }
        Ok(notices)
    }

    fn admin_notices(&mut self) -> Result<Vec<(usize, ToldAdmin)>, TestCaseError> {
        let mut notices = Vec::new();
        for AdminNotification { admin, username, notice, origin, .. } in self.outbox.take_admins() {
            prop_assert_eq!(&origin, &self.origin);
            let name = USERNAMES.iter().position(|name| *name == username).unwrap_or(usize::MAX);
            prop_assert_eq!(&admin, &admin_id(name), "the owner of the account");
            let (token, expires_at) = match notice {
                AdminNotice::Locked { token, expires_at } => (token, expires_at),
                AdminNotice::PasswordSetByHost => {
                    notices.push((name, ToldAdmin::PasswordSetByHost));
                    continue;
                }
                AdminNotice::NewDevice => {
                    notices.push((name, ToldAdmin::NewDevice));
                    continue;
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            prop_assert!(!self.links.iter().any(|other| other == token.expose()), "a link was issued twice");
            self.links.push(token.expose().to_owned());
            let link = self.links.len() - 1;
            let expected = self.shop.links.get(link).copied();
            let (owner, expires) =
                expected.map_or((usize::MAX, None), |link| (link.name, Some(link.expires)));
            prop_assert_eq!(Some(expires_at), expires, "the end of the link");
            prop_assert_eq!(name, owner, "the owner of the link");
            notices.push((name, ToldAdmin::Locked(link)));
        }
        Ok(notices)
    }

    /// Events that must be recorded when the call returns are there, in order. The others follow in
    /// their own order.
    fn compare_trail(&mut self) -> Checked {
        let at_once = self.events()?;
        block_on(self.auth.flush_audit());
        let later = self.events()?;
        let LedTo { kept, queued, .. } = &self.shop.led_to;
        if !(at_once.is_empty() && later.is_empty() && kept.is_empty() && queued.is_empty()) {
            let trails = [("crate", &at_once, &later), ("model", kept, queued)];
            for (whose, kept, queued) in trails {
                let _ = writeln!(self.story, "    {whose}'s trail: {kept:?}, later {queued:?}");
            }
        }
        let mut rest = at_once;
        let mut from = 0;
        for event in kept {
            let place = rest[from..].iter().position(|other| other == event);
            prop_assert!(place.is_some(), "not kept when the call returned: {:?}", event);
            from += place.unwrap_or_default();
            rest.remove(from);
        }
        rest.extend(later);
        prop_assert_eq!(&rest, queued, "the trail");
        Ok(())
    }

    fn events(&mut self) -> Result<Vec<Told>, TestCaseError> {
        let broken = self.sink.broken();
        prop_assert!(broken.is_empty(), "{:?}", broken);
        let mut told = Vec::new();
        // Suspicion depends on the number of accounts behind a source and on the sign-ins of the
        // whole shop in a minute. `src/state/watch.rs` and `src/state/budgets/tally.rs` have
        // separate tests for it.
        let events = self.sink.take().into_iter().filter(|event| event.action != Action::AttackSuspected);
        for event in events {
            prop_assert!(self.event_ids.insert(*event.id.as_bytes()), "an event was recorded twice");
            prop_assert_eq!(event.at, self.shop.now);
            prop_assert_eq!(&event.origin, &self.origin, "where {:?} came from", event.action);
            if event.outcome == Outcome::Begun {
                self.begun.extend(event.grant);
            }
            let event_ends = match event.grant.as_ref().map(|grant| self.names.of(grant)) {
                Some(Name::Token(token)) => self.shop.tokens.get(token).map(|token| token.expires),
                Some(Name::Secret(secret)) => self.shop.secrets.get(secret).map(|secret| secret.expires),
                Some(Name::Unissued) | None => None,
            };
            if event.expires_at.is_some() && event.grant.is_some()
                || event.outcome == Outcome::Succeeded && issues(event.action)
            {
                prop_assert_eq!(event.expires_at, event_ends, "when it ends, by {:?}", event);
            }
            told.push(self.names.told(&event));
        }
        Ok(told)
    }

    /// Every token ever issued has the state that the model predicts, on its website and on the
    /// other one. So have one-time credentials and rows.
    pub(super) fn look_around(&mut self) -> Checked {
        prop_assert_eq!(self.clock.now(), self.shop.now);
        self.origin = Origin::default().correlation_id("looking around");
        for place in 0..self.tokens.len() {
            self.look_at(place)?;
        }
        self.compare_trail()?;
        self.shop.led_to = LedTo::default();
        for customer in 0..self.shop.customers.len() {
            let subject = Subject::Customer(customer_id(customer));
            let listed = block_on(self.store.grants(&subject, 100, self.shop.now)).unwrap();
            let listed: BTreeSet<_> = listed.into_iter().map(|(grant, _)| grant.id).collect();
            let live: BTreeSet<_> =
                self.shop.live_of(customer).map(|token| grant_id(&self.tokens[token])).collect();
            prop_assert_eq!(listed, live, "the live tokens of customer {}", customer);

            let (row, expected) = (self.customer_row(customer), self.shop.customers[customer]);
            prop_assert_eq!(row.allows_assistance, expected.consents, "consent of customer {}", customer);
            prop_assert_eq!(row.status, expected.status, "standing of customer {}", customer);
            let (seen, before) = (self.hash_of(customer), &self.hashes_seen[customer]);
            prop_assert_eq!(seen.0 != before.0, seen.1 != before.1, "the hash of customer {}", customer);
            self.hashes_seen[customer] = seen;
        }
        let Some(codes) = &self.codes else { return Ok(()) };
        for (place, text) in self.secrets.iter().enumerate() {
            let Secret { customer, site, .. } = self.shop.secrets[place];
            let found = block_on(codes.peek(&presented(text, customer, site), self.shop.now)).unwrap();
            let outstanding = match found {
                Peek::Live(offer) => offer.credential.generation == self.generation(customer),
                Peek::Spent(_) | Peek::Nothing => false,
            };
            let expected = self.shop.is_outstanding(place);
            prop_assert_eq!(outstanding, expected, "is secret {} outstanding", place);
        }
        Ok(())
    }

    fn look_at(&mut self, place: usize) -> Checked {
        let text = &self.tokens[place];
        let (Token { site, assist, .. }, token) = (self.shop.tokens[place], Some(place));
        let own = site.unwrap_or(0);
        let bearer = |site| Bearer::from(text).website(website(site)).origin(&self.origin);
        let as_customer = |site| block_on(self.auth.verify_customer(bearer(site))).map(Identity::Customer);
        let looks = [
            ("verify", block_on(self.auth.verify(bearer(own))), self.shop.verify(token, own)),
            ("verify_customer", as_customer(own), self.shop.verify_customer(token, own)),
            ("on the other website", as_customer(1 - own), self.shop.verify_customer(token, 1 - own)),
            (
                "verify_admin",
                block_on(self.auth.verify_admin(bearer(own))).map(Identity::Admin),
                self.shop.verify_admin(token),
            ),
        ];
        for (how, got, expected) in looks {
            if let Ok(Identity::Admin(admin)) = &got {
                let has = ASSISTING.map(|permission| admin.has_permission(permission));
                let expected = self.shop.tokens[place].owner;
                prop_assert_eq!(Who::Admin(0) == expected, admin.admin_id() == &admin_id(0));
                let index = usize::from(admin.admin_id() != &admin_id(0));
                prop_assert_eq!(has, self.shop.admins[index].permissions, "permissions");
            }
            if let (Ok(Identity::Customer(_)), Some(assist)) = (&got, assist) {
                self.look_at_assistance(place, assist)?;
            }
            let got = got.map(|who| self.names.identity(&who, assist.map(|assist| assist.parent)));
            let expected = expected.map(|place| (Name::Token(place), self.shop.tokens[place]));
            prop_assert_eq!(format!("{got:?}"), format!("{expected:?}"), "{} of token {}", how, place);
        }
        Ok(())
    }

    /// An accepted assistance, checked against the tables and the store alone.
    fn look_at_assistance(&self, place: usize, assist: Assist) -> Checked {
        let row = self.customer_row(match self.shop.tokens[place].owner {
            Who::Customer(customer) => customer,
            Who::Admin(_) => return Err(TestCaseError::fail("an admin user is assisted")),
        });
        prop_assert!(row.allows_assistance && row.status == AccountStatus::Active, "consent");
        let admin = block_on(self.admins.find_by_id(&admin_id(assist.actor))).unwrap().unwrap();
        let permitted = ASSISTING.iter().all(|permission| admin.permissions.contains(permission));
        prop_assert!(permitted && admin.status == AccountStatus::Active, "permission");
        let parent =
            block_on(self.store.find(&grant_id(&self.tokens[assist.parent]), self.shop.now)).unwrap();
        prop_assert!(parent.is_some(), "a live parent");
        prop_assert!(self.auth.config().assistance.enabled, "the feature is on");
        prop_assert!(self.begun.contains(&grant_id(&self.tokens[place])), "a record that named the grant");
        Ok(())
    }
}

pub(super) fn presented(secret: &str, customer: usize, site: usize) -> Presented {
    Presented {
        website: website(site),
        customer: customer_id(customer),
        digest: Digest::of(secret.as_bytes()),
        purposes: ANY_PURPOSE,
    }
}
