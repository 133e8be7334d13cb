//! The real shop beside the model of it, and what is compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    num::NonZero,
    sync::{Arc, LazyLock},
};

use commerce_auth::{
    AccountStatus, AdminRecord, AdminStore, Argon2Params, Auth, AuthConfig, Bearer, CustomerRecord,
    CustomerStore, Digest, Error, Identity, MemoryAdmins, MemoryCustomers, MemoryStore, Notice, Origin,
    PasswordHash, Permission, Subject,
    audit::Outcome,
    clock::{Clock, ManualClock},
    random::danger::SeededRandom,
    store::{OtcStore, Presented as PresentedCode, Purposes, TokenStore},
};
use pollster::block_on;
use proptest::{prelude::*, test_runner::TestCaseError};
use time::{OffsetDateTime as Time, macros::datetime};

use super::{
    ADDRESSES, PASSWORDS, SITES, USERNAMES,
    names::{Names, admin_id, customer_id, digest, issues, website},
    sink::{ANY_PURPOSE, Sink},
};
use crate::{
    outbox::Outbox,
    shop::{
        Account, Admin, Answer, Assist, Counted, LedTo, Name, Notified, Secret, Setup, Shop, Token, Told,
    },
};

pub(super) const START: Time = datetime!(2026-01-01 00:00 UTC);
const OPENED: Setup =
    Setup { assistance: true, demands_reason: false, codes_in_chain: true, revokes_all: false };

pub(crate) type Checked = Result<(), TestCaseError>;

/// The real shop, the model of it, and what the one calls the other's.
pub(crate) struct World {
    pub(super) auth: Auth,
    pub(super) store: Arc<MemoryStore>,
    pub(super) customers: MemoryCustomers,
    pub(super) admins: MemoryAdmins,
    pub(super) clock: Arc<ManualClock>,
    pub(super) sink: Arc<Sink>,
    outbox: Outbox,
    pub(super) shop: Shop,
    /// The texts of the model's tokens and secrets.
    pub(super) tokens: Vec<String>,
    pub(super) secrets: Vec<String>,
    pub(super) names: Names,
    /// The grants whose records began.
    begun: BTreeSet<Digest>,
    event_ids: BTreeSet<[u8; 16]>,
    /// How often a flow had set a customer's password when its hash was last looked at.
    hashes_seen: Vec<(usize, Option<String>)>,
    hashes_begun: u64,
    pub(super) floods: u32,
    restarts: u8,
    /// Where the requests of the step come from.
    pub(super) origin: Origin,
    /// The story so far, for whoever must find out what went wrong.
    pub(super) story: String,
}

fn config(setup: Setup) -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.argon2 = Argon2Params::danger_fast();
    config.hashing_threads = NonZero::<usize>::MIN;
    config.assistance = setup.assistance;
    config.default_assistance_reason = config.default_assistance_reason.filter(|_| !setup.demands_reason);
    config.steps = Purposes { reset_token: true, one_time_code: setup.codes_in_chain };
    if setup.revokes_all {
        config.revoke = commerce_auth::RevokeScope::All;
    }
    config
}

/// Made by a shop of its own, once: hashes, and the digests by which accounts are named in the trail.
struct Mint {
    hashes: Vec<PasswordHash>,
    accounts: BTreeMap<Digest, Counted>,
}

static MINT: LazyLock<Mint> = LazyLock::new(|| {
    let store = Arc::new(MemoryStore::new());
    let customers = MemoryCustomers::new();
    let auth = Auth::builder(store.clone()).customers(customers).config(config(OPENED)).build().unwrap();
    let hash = |password: &&str| block_on(auth.hash_new_password("mint@example.com", *password)).unwrap();
    let hashes = PASSWORDS.iter().map(hash).collect();
    let doors = (0..SITES.len()).flat_map(|site| (0..ADDRESSES.len()).map(move |address| (site, address)));
    let mut named: Vec<_> = doors.map(Counted::Customer).collect();
    named.extend((0..USERNAMES.len()).map(Counted::Admin));
    for counted in &named {
        block_on(async {
            match *counted {
                Counted::Customer((site, address)) => {
                    auth.unlock_customer(&website(site), ADDRESSES[address]).await
                }
                Counted::Admin(name) => auth.unlock_admin(USERNAMES[name]).await,
                _ => Ok(()),
            }
        })
        .unwrap();
    }
    block_on(auth.flush_audit());
    let accounts: BTreeMap<_, _> =
        store.audit_events().iter().map(|event| event.account.unwrap()).zip(named).collect();
    assert_eq!(accounts.len(), 13, "names are told apart");
    Mint { hashes, accounts }
});

pub(super) fn password_hash(password: usize) -> PasswordHash {
    MINT.hashes[password].clone()
}

impl World {
    pub(crate) fn new() -> Self {
        let account = |site, address, password, status, consents| Account {
            site,
            address,
            password,
            password_sets: 0,
            status,
            consents,
        };
        let customers = vec![
            account(0, 0, Some(0), AccountStatus::Active, true),
            // The same address on the other website is another account, here with the same password.
            account(1, 0, Some(0), AccountStatus::Active, true),
            account(0, 1, Some(1), AccountStatus::Unconfirmed, true),
            account(0, 2, None, AccountStatus::Active, true),
            account(1, 3, Some(1), AccountStatus::Disabled, false),
        ];
        let admins = vec![Admin { active: true, permissions: [true; 2] }; 2];
        let shop = Shop::new(START, OPENED, customers, admins);
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(START)));
        let sink = Arc::new(Sink::new(store.clone()));
        let (customers, admins, outbox) = (MemoryCustomers::new(), MemoryAdmins::new(), Outbox::default());
        for (place, row) in shop.customers.iter().enumerate() {
            let row = CustomerRecord {
                id: customer_id(place),
                website: website(row.site),
                email: ADDRESSES[row.address].into(),
                password_hash: row.password.map(password_hash),
                status: row.status,
                allows_assistance: row.consents,
            };
            customers.upsert(row).unwrap();
        }
        for (admin, name) in USERNAMES.iter().enumerate().take(shop.admins.len()) {
            let row = AdminRecord {
                id: admin_id(admin),
                username: (*name).into(),
                password_hash: Some(password_hash(admin)),
                status: AccountStatus::Active,
                permissions: Permission::ALL.to_vec(),
            };
            admins.upsert(row).unwrap();
        }
        let builder = Auth::builder(store.clone()).customers(customers.clone()).config(config(OPENED));
        let names = Names { grants: BTreeMap::new(), accounts: MINT.accounts.clone() };
        let mut world = Self {
            // Another takes its place at once.
            auth: builder.build().unwrap(),
            store,
            customers,
            admins,
            clock,
            sink,
            outbox,
            shop,
            tokens: Vec::new(),
            secrets: Vec::new(),
            names,
            begun: BTreeSet::new(),
            event_ids: BTreeSet::new(),
            hashes_seen: Vec::new(),
            hashes_begun: 0,
            floods: 0,
            restarts: 0,
            origin: Origin::default(),
            story: String::new(),
        };
        world.restart(OPENED);
        for customer in 0..world.shop.customers.len() {
            let seen = world.hash_of(customer);
            world.hashes_seen.push(seen);
        }
        world
    }

    pub(super) fn restart(&mut self, setup: Setup) {
        self.restarts += 1;
        self.auth = Auth::builder(self.store.clone())
            .customers(self.customers.clone())
            .admins(self.admins.clone())
            .notifier(self.outbox.clone())
            .audit(self.sink.clone())
            .config(config(setup))
            .clock(self.clock.clone())
            .random(SeededRandom::from_seed([self.restarts; 32]))
            .build()
            .unwrap();
        self.shop.setup = setup;
        self.hashes_begun = 0;
    }

    pub(super) fn customer_row(&self, customer: usize) -> CustomerRecord {
        block_on(self.customers.find_by_id(&customer_id(customer))).unwrap().unwrap()
    }

    fn hash_of(&self, customer: usize) -> (usize, Option<String>) {
        let hash = self.customer_row(customer).password_hash;
        (self.shop.customers[customer].password_sets, hash.map(|hash| hash.expose().to_owned()))
    }

    /// The host changes a row of its table.
    pub(super) fn host_changes(&mut self, customer: usize, change: impl FnOnce(&mut CustomerRecord)) {
        let mut row = self.customer_row(customer);
        change(&mut row);
        self.customers.upsert(row).unwrap();
        self.hashes_seen[customer] = self.hash_of(customer);
    }

    pub(super) fn host_changes_admin(&self, admin: usize) {
        let Admin { active, permissions } = self.shop.admins[admin];
        let mut row = block_on(self.admins.find_by_id(&admin_id(admin))).unwrap().unwrap();
        row.status = if active { AccountStatus::Active } else { AccountStatus::Disabled };
        let held = Permission::ALL.into_iter().zip(permissions).filter(|(_, has)| *has);
        row.permissions = held.map(|(permission, _)| permission).collect();
        self.admins.upsert(row).unwrap();
    }

    /// A token that the crate has issued gets its name.
    pub(super) fn issued(&mut self, text: &str) -> Result<(usize, Token), TestCaseError> {
        let looks = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        prop_assert!(looks, "the look of a token");
        prop_assert!(!self.tokens.iter().any(|other| other == text), "a token anew");
        let (place, named) = (self.tokens.len(), digest(text));
        self.tokens.push(text.to_owned());
        self.names.grants.insert(named, Name::Token(place));
        let grant = block_on(self.store.find(&named, self.shop.now)).unwrap();
        let Some(grant) = grant else { return Err(TestCaseError::fail("an issued token is not stored")) };
        Ok((place, self.names.token(&grant)))
    }

    pub(super) fn made(&mut self, secret: &str) -> Result<usize, TestCaseError> {
        let hexadecimal = secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        prop_assert!(secret.len() == 32 && hexadecimal, "the look of a secret");
        prop_assert!(!self.secrets.iter().any(|other| other == secret), "a secret anew");
        self.secrets.push(secret.to_owned());
        self.names.grants.insert(digest(secret), Name::Secret(self.secrets.len() - 1));
        Ok(self.secrets.len() - 1)
    }

    /// Compares the crate's answer with the model's, and all that the call led to.
    pub(super) fn compare(
        &mut self,
        got: &Result<Answer, Error>,
        expected: &Result<Answer, Error>,
    ) -> Checked {
        let _ = writeln!(self.story, "    crate: {got:?}\n    model: {expected:?}");
        // Errors have no equality; what they show says all.
        prop_assert_eq!(format!("{got:?}"), format!("{expected:?}"), "the answer");
        let begun = self.auth.hashing_stats().begun;
        let hashes = begun - self.hashes_begun;
        self.hashes_begun = begun;
        let notices = self.notices()?;
        self.compare_trail()?;
        let LedTo { hashes: expected, notices: expected_notices, .. } = std::mem::take(&mut self.shop.led_to);
        prop_assert_eq!(hashes, expected, "hashes");
        prop_assert_eq!(notices, expected_notices, "what customers are told");
        Ok(())
    }

    fn notices(&mut self) -> Result<Vec<(usize, Notified)>, TestCaseError> {
        let mut notices = Vec::new();
        for notification in self.outbox.take() {
            let place = (0..self.shop.customers.len())
                .find(|customer| customer_id(*customer) == notification.customer)
                .unwrap_or(usize::MAX);
            let row = self.shop.customers[place];
            prop_assert_eq!(&notification.email, ADDRESSES[row.address], "mail goes to the stored address");
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
                Notice::AssistanceConsent { allowed } => Notified::Consent(allowed),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            notices.push((place, notified));
        }
        Ok(notices)
    }

    /// What must be kept when a call returns is there, in its order; the rest comes in its own.
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
        for event in self.sink.take() {
            prop_assert!(self.event_ids.insert(*event.id.as_bytes()), "an event told twice");
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

    /// Every token ever issued is what the model says it is, on its own website and on the other; so are one-time
    /// credentials and rows.
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
            let listed = block_on(self.store.list(&subject, self.shop.now)).unwrap();
            let listed: BTreeSet<_> = listed.into_iter().map(|(grant, _)| grant.digest).collect();
            let live: BTreeSet<_> =
                self.shop.live_of(customer).map(|token| digest(&self.tokens[token])).collect();
            prop_assert_eq!(listed, live, "the live tokens of customer {}", customer);

            let (row, expected) = (self.customer_row(customer), self.shop.customers[customer]);
            prop_assert_eq!(row.allows_assistance, expected.consents, "consent of customer {}", customer);
            prop_assert_eq!(row.status, expected.status, "standing of customer {}", customer);
            let (seen, before) = (self.hash_of(customer), &self.hashes_seen[customer]);
            prop_assert_eq!(seen.0 != before.0, seen.1 != before.1, "the hash of customer {}", customer);
            self.hashes_seen[customer] = seen;
        }
        for (place, text) in self.secrets.iter().enumerate() {
            let Secret { customer, site, .. } = self.shop.secrets[place];
            let outstanding = block_on(self.store.peek(&presented(text, customer, site), self.shop.now));
            let expected = self.shop.is_outstanding(place);
            prop_assert_eq!(outstanding.unwrap().is_some(), expected, "is secret {} outstanding", place);
        }
        Ok(())
    }

    fn look_at(&mut self, place: usize) -> Checked {
        let text = &self.tokens[place];
        let (Token { site, assist, .. }, token) = (self.shop.tokens[place], Some(place));
        let own = site.unwrap_or(0);
        let bearer = |site| Bearer::from(text).on(website(site)).sent_from(&self.origin);
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
                let has = Permission::ALL.map(|permission| admin.has_permission(permission));
                let expected = self.shop.tokens[place].owner;
                prop_assert_eq!(crate::shop::Who::Admin(0) == expected, admin.admin_id() == &admin_id(0));
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

    /// An assistance that was accepted, by the tables and the store alone.
    fn look_at_assistance(&self, place: usize, assist: Assist) -> Checked {
        let row = self.customer_row(match self.shop.tokens[place].owner {
            crate::shop::Who::Customer(customer) => customer,
            crate::shop::Who::Admin(_) => return Err(TestCaseError::fail("an admin user is assisted")),
        });
        prop_assert!(row.allows_assistance && row.status == AccountStatus::Active, "consent");
        let admin = block_on(self.admins.find_by_id(&admin_id(assist.actor))).unwrap().unwrap();
        let permitted = Permission::ALL.iter().all(|permission| admin.permissions.contains(permission));
        prop_assert!(permitted && admin.status == AccountStatus::Active, "permission");
        let parent = block_on(self.store.find(&digest(&self.tokens[assist.parent]), self.shop.now)).unwrap();
        prop_assert!(parent.is_some(), "a live parent");
        prop_assert!(self.auth.config().assistance, "the feature is on");
        prop_assert!(self.begun.contains(&digest(&self.tokens[place])), "a record that named the grant");
        Ok(())
    }
}

pub(super) fn presented(secret: &str, customer: usize, site: usize) -> PresentedCode {
    PresentedCode {
        website: website(site),
        customer: customer_id(customer),
        digest: digest(secret),
        purposes: ANY_PURPOSE,
    }
}
