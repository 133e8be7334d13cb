//! The real shop and its model.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZero,
    sync::{Arc, LazyLock},
};

use commerce_auth::{
    AdminStore, Auth, AuthConfig, CustomerStore, Origin, PasswordHash, TokenStore,
    account::{AccountStatus, AdminRecord, CustomerRecord, Permission},
    audit::{AccountKey, MemoryAudit},
    clock::ManualClock,
    config::{RevokeScope, SecondFactorPolicy},
    credential::Argon2Params,
    random::danger::SeededRandom,
    store::{
        Generation, GenerationId, Purposes,
        memory::{MemoryAdmins, MemoryCustomers, MemoryStore},
    },
    token::{GrantId, Subject},
};
use pollster::block_on;
use proptest::test_runner::TestCaseError;
use support::outbox::Outbox;
use time::{OffsetDateTime as Time, macros::datetime};

use super::{
    ADDRESSES, PASSWORDS, SITES, USERNAMES,
    names::{Names, admin_id, customer_id, website},
    sink::Sink,
};
use crate::{
    model::shop::{Account, Admin, Counted, NETWORK_FAILURES, Setup, Shop},
    native::NativeCodes,
};

pub(super) const START: Time = datetime!(2026-01-01 00:00 UTC);
const OPENED: Setup =
    Setup { assistance: true, demands_reason: false, codes_in_chain: true, revokes_all: false };

pub(crate) type Checked = Result<(), TestCaseError>;

/// The real shop, its model, and the names of one in the other.
pub(crate) struct World {
    pub(super) auth: Auth,
    pub(super) store: Arc<MemoryStore>,
    /// A host's own store of one-time credentials. None if they are in documents.
    pub(super) codes: Option<NativeCodes>,
    pub(super) customers: MemoryCustomers,
    pub(super) admins: MemoryAdmins,
    pub(super) clock: Arc<ManualClock>,
    pub(super) sink: Arc<Sink>,
    pub(super) outbox: Outbox,
    pub(super) shop: Shop,
    /// The texts of the model's tokens and secrets.
    pub(super) tokens: Vec<String>,
    pub(super) secrets: Vec<String>,
    pub(super) names: Names,
    /// The grants with a `Begun` record.
    pub(super) begun: BTreeSet<GrantId>,
    pub(super) event_ids: BTreeSet<[u8; 16]>,
    /// For each customer: how often flows had set the password when the hash was last read, and the
    /// hash.
    pub(super) hashes_seen: Vec<(usize, Option<String>)>,
    pub(super) hashes_begun: u64,
    /// The secrets of the model's devices, and its links.
    pub(super) devices: Vec<String>,
    pub(super) links: Vec<String>,
    /// The number of sources that were used once.
    pub(super) strangers: u32,
    restarts: u8,
    /// The origin of the requests of this step.
    pub(super) origin: Origin,
    /// The history so far, for the message of a failure.
    pub(super) story: String,
}

fn config(setup: Setup) -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.admin_second_factor = SecondFactorPolicy::Optional;
    config.hashing.argon2 = Argon2Params::danger_fast();
    config.hashing.threads = NonZero::<usize>::MIN;
    config.assistance.enabled = setup.assistance;
    config.budgets.network.failures = NETWORK_FAILURES;
    config.assistance.default_reason = config.assistance.default_reason.filter(|_| !setup.demands_reason);
    config.steps = Purposes { reset_token: true, one_time_code: setup.codes_in_chain, confirmation: false };
    if setup.revokes_all {
        config.revoke = RevokeScope::All;
    }
    config
}

/// Values made once, by a separate shop: hashes, and the keys by which the trail names accounts.
struct Mint {
    hashes: Vec<PasswordHash>,
    accounts: BTreeMap<AccountKey, Counted>,
}

static MINT: LazyLock<Mint> = LazyLock::new(|| {
    let (audit, customers) = (MemoryAudit::new(), MemoryCustomers::new());
    let auth = Auth::builder(MemoryStore::new())
        .customers(customers)
        .audit(audit.clone())
        .without_notifier()
        .config(config(OPENED))
        .build()
        .unwrap();
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
        audit.events().iter().map(|event| event.account.unwrap()).zip(named).collect();
    assert_eq!(accounts.len(), 13, "names are distinct");
    Mint { hashes, accounts }
});

pub(super) fn password_hash(password: usize) -> PasswordHash {
    MINT.hashes[password].clone()
}

impl World {
    pub(crate) fn new(codes: Option<NativeCodes>) -> Self {
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
            // The same address on the other website is another account. Here it has the same
            // password.
            account(1, 0, Some(0), AccountStatus::Active, true),
            account(0, 1, Some(1), AccountStatus::Unconfirmed, true),
            account(0, 2, None, AccountStatus::Active, true),
            account(1, 3, Some(1), AccountStatus::Disabled, false),
        ];
        let admins = vec![Admin { active: true, permissions: [true; 2] }; 2];
        let shop = Shop::new(START, OPENED, customers, admins);
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(START)));
        let sink = Arc::new(Sink::new(store.clone(), codes.clone()));
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
        for (admin, username) in USERNAMES.iter().take(shop.admins.len()).enumerate() {
            let row = AdminRecord {
                id: admin_id(admin),
                username: (*username).into(),
                password_hash: Some(password_hash(admin)),
                status: AccountStatus::Active,
                permissions: Permission::ALL.to_vec(),
                requires_second_factor: false,
            };
            admins.upsert(row).unwrap();
        }
        let builder = Auth::builder(store.clone())
            .customers(customers.clone())
            .without_notifier()
            .config(config(OPENED));
        let names = Names { grants: BTreeMap::new(), accounts: MINT.accounts.clone() };
        let mut world = Self {
            // The restarted shop takes its place at once.
            auth: builder.build().unwrap(),
            store,
            codes,
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
            devices: Vec::new(),
            links: Vec::new(),
            strangers: 0,
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
        let mut builder = Auth::builder(self.store.clone());
        if let Some(codes) = &self.codes {
            builder = builder.one_time_credentials(codes.clone());
        }
        self.auth = builder
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

    /// Returns the generation under which a customer's credential is made.
    pub(super) fn generation(&self, customer: usize) -> Generation {
        let fresh = GenerationId::from_bytes([0; 16]);
        block_on(self.store.generation(&Subject::Customer(customer_id(customer)), fresh)).unwrap()
    }

    pub(super) fn customer_row(&self, customer: usize) -> CustomerRecord {
        block_on(self.customers.find_by_id(&customer_id(customer))).unwrap().unwrap()
    }

    pub(super) fn hash_of(&self, customer: usize) -> (usize, Option<String>) {
        let hash = self.customer_row(customer).password_hash;
        (self.shop.customers[customer].password_sets, hash.map(|hash| hash.expose().to_owned()))
    }

    /// Changes a row of the host's table.
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
        let held = super::compare::ASSISTING.into_iter().zip(permissions).filter(|(_, has)| *has);
        row.permissions = held.map(|(permission, _)| permission).collect();
        self.admins.upsert(row).unwrap();
    }
}
