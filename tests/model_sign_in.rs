//! Random histories of a shop against a model of accounts, credentials and time: every answer is foretold,
//! and after every step every token ever issued is looked at again.

#[path = "model/shop.rs"]
mod shop;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    net::{IpAddr, Ipv4Addr},
    num::NonZero,
    sync::{Arc, LazyLock},
};

use commerce_auth::{
    AccountStatus, AdminId, AdminRecord, Assistance, Auth, AuthConfig, Bearer, CustomerChange, CustomerId,
    CustomerIdentity, CustomerRecord, CustomerStore, Digest, Error, Grant, Identity, Keep, MemoryAdmins,
    MemoryCustomers, MemoryStore, Obtained, Origin, PasswordHash, Permission, SignIn, Subject, Website,
    clock::{Clock, ManualClock},
    random::danger::SeededRandom,
    store::{OneTimeCredential, OtcStore, TokenStore},
};
use pollster::block_on;
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestCaseError};
use shop::{Account, Admin, CODES_KEPT, Parent, Presented, RESET_TOKENS_KEPT, Scope, Shop, Token};
use time::{Duration, OffsetDateTime as Time, macros::datetime};

const START: Time = datetime!(2026-01-01 00:00 UTC);
const SITES: [&str; 2] = ["base", "outlet"];
const ADDRESSES: [&str; 5] =
    ["ada@example.com", "uli@example.com", "nora@example.com", "carl@example.com", "nobody@example.com"];
const PASSWORDS: [&str; 2] = ["Passw0rd-0", "Passw0rd-1"];
/// Where a sign-in comes from, and which of them are the same source.
const SOURCES: [(Option<&str>, u32); 5] = [
    (Some("192.0.2.1"), 0),
    (Some("::ffff:192.0.2.1"), 0),
    (Some("2001:db8::1"), 1),
    (Some("2001:db8::2"), 1),
    (None, 2),
];
/// Sources from here on have the addresses 10.0.0.0 and up.
const FLOOD: u32 = 0x0a00_0000;
const REASON: &str = "the basket is stuck";

/// One step. Secrets and tokens are counted back from the newest, so that a history still means something
/// when a step is left out.
#[derive(Clone, Debug)]
enum Op {
    SignIn {
        address: usize,
        shouted: bool,
        site: usize,
        source: usize,
        with: With,
        times: usize,
    },
    /// At the account at which a failure was last counted, from the same source; maybe once the lock of the
    /// source or of the account ends, or else the window of the failures.
    Again {
        after: Option<Reopens>,
        with: With,
        times: usize,
    },
    /// By the one it was made for.
    Redeem {
        secret: usize,
        source: usize,
    },
    /// Wrong passwords, each from a source of its own.
    Flood {
        address: usize,
        site: usize,
        times: usize,
    },
    Confirm {
        token: usize,
        with: With,
        times: usize,
    },
    PutResetToken {
        customer: usize,
        filed: Filed,
    },
    PutCode {
        customer: usize,
        filed: Filed,
        admin: usize,
    },
    Wait(Duration),
    WaitFor {
        of: EndOf,
        early: bool,
    },
    Revoke {
        token: usize,
        filed: Filed,
    },
    RevokeListed {
        token: usize,
        other: usize,
    },
    RevokeAll {
        token: usize,
        filed: Filed,
        keep: bool,
    },
    CustomerChanged {
        customer: usize,
        change: CustomerChange,
    },
    Status {
        customer: usize,
        status: AccountStatus,
    },
    Consent {
        customer: usize,
        given: bool,
    },
    Password {
        customer: usize,
        password: Option<usize>,
    },
    AdminActive {
        admin: usize,
        active: bool,
    },
    AdminPermission {
        admin: usize,
        permission: usize,
        has: bool,
    },
    AdminSignsIn {
        admin: usize,
    },
    AdminSignsOut {
        admin: usize,
    },
    RevokeEverything,
    Purge {
        limit: usize,
    },
}

#[derive(Clone, Copy, Debug)]
enum With {
    /// The account's password, if it has one.
    Own,
    Password(usize),
    Secret(usize),
    Wrong,
    Zero,
    Empty,
    TooLong,
}

/// Under the website of the customer, or under the other.
#[derive(Clone, Copy, Debug)]
enum Filed {
    Right,
    Wrong,
}

#[derive(Clone, Copy, Debug)]
enum EndOf {
    Secret(usize),
    Token(usize),
    /// An admin user's own, newest one.
    Admin(usize),
}

#[derive(Clone, Copy, Debug)]
struct Reopens {
    account: bool,
    early: bool,
}

impl Filed {
    const fn site(self, own: usize) -> usize {
        match self {
            Self::Right => own,
            Self::Wrong => 1 - own,
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    // The first address is that of the accounts that may sign in, on both websites.
    let address = prop_oneof![2 => Just(0), 3 => 0..ADDRESSES.len()];
    let (site, source) = (0..SITES.len(), 0..SOURCES.len());
    let (customer, admin, back) =
        (0..5_usize, 0..2_usize, || prop_oneof![3 => Just(0_usize), 1 => 0..5_usize]);
    let filed = || prop_oneof![7 => Just(Filed::Right), 1 => Just(Filed::Wrong)];
    let times = || prop_oneof![3 => Just(1_usize), 2 => 2..=7_usize];
    let with = || {
        prop_oneof![
            6 => Just(With::Own),
            1 => (0..PASSWORDS.len()).prop_map(With::Password),
            2 => back().prop_map(With::Secret),
            6 => Just(With::Wrong),
            1 => select(vec![With::Zero, With::Empty, With::TooLong]),
        ]
    };
    let end = prop_oneof![
        2 => back().prop_map(EndOf::Secret),
        2 => back().prop_map(EndOf::Token),
        1 => admin.clone().prop_map(EndOf::Admin),
    ];
    let spans = [1, 29, 30, 60 * 15, 60 * 30, 3600, 2 * 3600, 24 * 3600].map(Duration::seconds);
    let status = prop_oneof![
        2 => Just(AccountStatus::Active),
        1 => Just(AccountStatus::Unconfirmed),
        1 => Just(AccountStatus::Disabled),
    ];
    let change =
        select(vec![CustomerChange::Disabled, CustomerChange::Deleted, CustomerChange::EmailChanged]);
    let reopens = any::<(bool, bool)>().prop_map(|(account, early)| Reopens { account, early });
    let mostly = || prop::bool::weighted(0.6);
    let sign_in = prop_oneof![
        16 => (address.clone(), any::<bool>(), site.clone(), source.clone(), with(), times())
            .prop_map(|(address, shouted, site, source, with, times)| {
                Op::SignIn { address, shouted, site, source, with, times }
            }),
        24 => (prop::option::weighted(0.3, reopens), with(), times())
            .prop_map(|(after, with, times)| Op::Again { after, with, times }),
        24 => (back(), source).prop_map(|(secret, source)| Op::Redeem { secret, source }),
        2 => (address, site, 90..=101_usize)
            .prop_map(|(address, site, times)| Op::Flood { address, site, times }),
        6 => (back(), with(), times()).prop_map(|(token, with, times)| Op::Confirm { token, with, times }),
    ];
    let put = prop_oneof![
        2 => (customer.clone(), filed())
            .prop_map(|(customer, filed)| Op::PutResetToken { customer, filed }),
        3 => (customer.clone(), filed(), admin.clone())
            .prop_map(|(customer, filed, admin)| Op::PutCode { customer, filed, admin }),
    ];
    let wait = prop_oneof![
        1 => select(spans.to_vec()).prop_map(Op::Wait),
        2 => (end, any::<bool>()).prop_map(|(of, early)| Op::WaitFor { of, early }),
    ];
    let revoke = prop_oneof![
        3 => (back(), filed()).prop_map(|(token, filed)| Op::Revoke { token, filed }),
        1 => (back(), back()).prop_map(|(token, other)| Op::RevokeListed { token, other }),
        2 => (back(), filed(), any::<bool>())
            .prop_map(|(token, filed, keep)| Op::RevokeAll { token, filed, keep }),
        2 => (customer.clone(), change)
            .prop_map(|(customer, change)| Op::CustomerChanged { customer, change }),
        1 => Just(Op::RevokeEverything),
    ];
    let host = prop_oneof![
        2 => (customer.clone(), status).prop_map(|(customer, status)| Op::Status { customer, status }),
        2 => (customer.clone(), mostly()).prop_map(|(customer, given)| Op::Consent { customer, given }),
        1 => (customer, prop::option::weighted(0.8, 0..PASSWORDS.len()))
            .prop_map(|(customer, password)| Op::Password { customer, password }),
        1 => (admin.clone(), mostly()).prop_map(|(admin, active)| Op::AdminActive { admin, active }),
        1 => (admin.clone(), 0..2_usize, mostly())
            .prop_map(|(admin, permission, has)| Op::AdminPermission { admin, permission, has }),
        3 => admin.clone().prop_map(|admin| Op::AdminSignsIn { admin }),
        1 => admin.prop_map(|admin| Op::AdminSignsOut { admin }),
        1 => (0..4_usize).prop_map(|limit| Op::Purge { limit }),
    ];
    prop_oneof![10 => sign_in, 6 => put, 3 => wait, 2 => revoke, 4 => host]
}

/// The real thing, the model of it, and what the one calls the other's.
struct World {
    auth: Auth,
    store: Arc<MemoryStore>,
    customers: MemoryCustomers,
    admins: MemoryAdmins,
    clock: Arc<ManualClock>,
    shop: Shop,
    /// The texts of the model's tokens, and of the admin users' own.
    tokens: Vec<String>,
    parents: Vec<String>,
    /// Which secrets have ever signed somebody in.
    redeemed: BTreeSet<usize>,
    floods: u32,
}

type Checked = Result<(), TestCaseError>;

fn config() -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.argon2 = commerce_auth::Argon2Params::danger_fast();
    config.hashing_threads = NonZero::<usize>::MIN;
    config
}

/// A shop of its own, which makes hashes and tokens in the right format.
struct Mint {
    auth: Auth,
    hashes: Vec<PasswordHash>,
}

static MINT: LazyLock<Mint> = LazyLock::new(|| {
    let customers = MemoryCustomers::new();
    let auth =
        Auth::builder(MemoryStore::new()).customers(customers.clone()).config(config()).build().unwrap();
    let hash = |password: &&str| block_on(auth.hash_new_password("mint@example.com", *password)).unwrap();
    let hashes: Vec<_> = PASSWORDS.iter().map(hash).collect();
    let row = CustomerRecord {
        id: CustomerId::from(0),
        website: Website::default(),
        email: "mint@example.com".into(),
        password_hash: Some(hashes[0].clone()),
        status: AccountStatus::Active,
        allows_assistance: false,
    };
    customers.upsert(row).unwrap();
    Mint { auth, hashes }
});

impl Mint {
    fn token(&self) -> String {
        let sign_in = SignIn::new("mint@example.com", PASSWORDS[0]);
        block_on(self.auth.generate_customer_token(sign_in)).unwrap().token().expose().to_owned()
    }
}

impl World {
    fn new() -> Self {
        let account =
            |site, address, password, status, consents| Account { site, address, password, status, consents };
        let shop = Shop {
            now: START,
            customers: vec![
                account(0, 0, Some(0), AccountStatus::Active, true),
                // The same address on the other website is another account, here with the same password.
                account(1, 0, Some(0), AccountStatus::Active, true),
                account(0, 1, Some(1), AccountStatus::Unconfirmed, true),
                account(0, 2, None, AccountStatus::Active, true),
                account(1, 3, Some(1), AccountStatus::Disabled, false),
            ],
            admins: (0..2).map(|_| Admin { active: true, permissions: [true; 2] }).collect(),
            parents: Vec::new(),
            secrets: Vec::new(),
            tokens: Vec::new(),
            budgets: BTreeMap::new(),
            last_failure: None,
        };
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(START)));
        let (customers, admins) = (MemoryCustomers::new(), MemoryAdmins::new());
        let auth = Auth::builder(store.clone())
            .customers(customers.clone())
            .admins(admins.clone())
            .config(config())
            .clock(clock.clone())
            .random(SeededRandom::from_seed([7; 32]))
            .build()
            .unwrap();
        let (tokens, parents, redeemed) = Default::default();
        let mut world =
            Self { auth, store, customers, admins, clock, shop, tokens, parents, redeemed, floods: 0 };
        (0..world.shop.customers.len()).for_each(|customer| world.upsert_customer(customer));
        for admin in 0..world.shop.admins.len() {
            world.upsert_admin(admin);
            world.admin_signs_in(admin);
        }
        world
    }

    fn upsert_customer(&self, customer: usize) {
        let Account { site, address, password, status, consents } = self.shop.customers[customer];
        let row = CustomerRecord {
            id: customer_id(customer),
            website: website(site),
            email: ADDRESSES[address].into(),
            password_hash: password.map(|password| MINT.hashes[password].clone()),
            status,
            allows_assistance: consents,
        };
        self.customers.upsert(row).unwrap();
    }

    fn upsert_admin(&self, admin: usize) {
        let Admin { active, permissions } = self.shop.admins[admin];
        let held = Permission::ALL.into_iter().zip(permissions).filter(|(_, has)| *has);
        let row = AdminRecord {
            id: admin_id(admin),
            username: format!("admin{admin}"),
            password_hash: None,
            status: if active { AccountStatus::Active } else { AccountStatus::Disabled },
            permissions: held.map(|(permission, _)| permission).collect(),
        };
        self.admins.upsert(row).unwrap();
    }

    fn admin_signs_in(&mut self, admin: usize) {
        let (token, now) = (MINT.token(), self.shop.now);
        let (id, expires) = (admin_id(admin), now + Duration::hours(4));
        let grant = Grant::admin(digest(&token), id.clone(), Obtained::Password, now, expires);
        let stored = block_on(async {
            let generation = self.store.generation(&Subject::Admin(id)).await?;
            self.store.insert(&grant, &Origin::default(), generation, now).await
        });
        assert_eq!(stored.unwrap(), commerce_auth::store::Insert::Stored);
        self.parents.push(token);
        self.shop.parents.push(Parent { admin, expires, revoked: false });
    }

    /// The newest grant of an admin user.
    fn parent_of(&self, admin: usize) -> usize {
        self.shop.parents.iter().rposition(|parent| parent.admin == admin).unwrap()
    }

    fn put(&mut self, customer: usize, site: usize, admin: Option<usize>) {
        let (now, id, site_code) = (self.shop.now, customer_id(customer), website(site));
        let digest = digest(&secret_text(self.shop.secrets.len()));
        let parent = admin.map(|admin| self.parent_of(admin));
        let (credential, keep) = match admin.zip(parent) {
            None => {
                let expires = now + self.auth.config().reset_token_lifetime;
                (OneTimeCredential::reset_token(digest, site_code, id, now, expires), RESET_TOKENS_KEPT)
            }
            Some((admin, parent)) => {
                let expires = now + self.auth.config().one_time_code_lifetime;
                let parent = self::digest(&self.parents[parent]);
                let assistance = Assistance::new(admin_id(admin), parent, REASON);
                let code = OneTimeCredential::one_time_code(digest, site_code, id, assistance, now, expires);
                (code, CODES_KEPT)
            }
        };
        assert!(block_on(self.store.put(&credential, keep, now)).unwrap());
        self.shop.put(customer, site, parent, credential.expires_at);
    }

    /// The model's name for a credential at an account, and its text.
    fn present(&self, with: With, customer: Option<usize>) -> (Presented, String) {
        match with {
            With::Own => match customer.and_then(|customer| self.shop.customers[customer].password) {
                Some(n) => (Presented::Password(n), PASSWORDS[n].into()),
                None => (Presented::Wrong, "none".into()),
            },
            With::Password(n) => (Presented::Password(n), PASSWORDS[n].into()),
            With::Secret(back) => match nth_back(back, self.shop.secrets.len()) {
                Some(secret) => (Presented::Secret(secret), secret_text(secret)),
                None => (Presented::Wrong, secret_text(usize::MAX)),
            },
            With::Wrong => (Presented::Wrong, "wrong".into()),
            With::Zero => (Presented::Wrong, "0".into()),
            With::Empty => (Presented::Empty, String::new()),
            With::TooLong => (Presented::TooLong, "x".repeat(1025)),
        }
    }

    fn sign_in(
        &mut self,
        (site, address): (usize, usize),
        spelled: &str,
        (from, source): (Option<IpAddr>, u32),
        with: With,
    ) -> Checked {
        let (presented, text) = self.present(with, self.shop.find(site, address));
        let sign_in = SignIn::new(spelled, text).on(website(site));
        let sign_in = match from {
            Some(from) => sign_in.from(from),
            None => sign_in,
        };
        let begun = self.auth.hashing_stats().begun;
        let got = block_on(self.auth.generate_customer_token(sign_in));
        let hashes = self.auth.hashing_stats().begun - begun;
        let (expected, expected_hashes) = self.shop.sign_in((site, address), source, presented);
        prop_assert_eq!(hashes, expected_hashes, "hashes");
        let (got, text) = match got {
            Ok(signed_in) => {
                let text = signed_in.token().expose().to_owned();
                (Ok((signed_in.customer_id().clone(), signed_in.obtained(), signed_in.expires_at())), text)
            }
            Err(error) => (Err(error), String::new()),
        };
        let expected = expected.map(|token| {
            let token = &self.shop.tokens[token];
            (customer_id(token.customer), token.obtained, token.expires)
        });
        same(&got, &expected)?;
        if got.is_ok() {
            let looks =
                text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
            prop_assert!(looks, "the look of a token");
            prop_assert!(!self.tokens.contains(&text), "a token anew");
            self.tokens.push(text);
            if let Presented::Secret(secret) = presented {
                prop_assert!(self.redeemed.insert(secret), "a one-time credential worked twice");
            }
        }
        Ok(())
    }

    fn confirm(&mut self, token: usize, with: With) -> Checked {
        let Token { customer, site, .. } = self.shop.tokens[token];
        let (presented, text) = self.present(with, Some(customer));
        let bearer = Bearer::from(&self.tokens[token]).on(website(site));
        let begun = self.auth.hashing_stats().begun;
        let got = block_on(self.auth.confirm_password(bearer, text));
        let hashes = self.auth.hashing_stats().begun - begun;
        let (expected, expected_hashes) = self.shop.confirm(token, site, presented);
        same(&got, &expected)?;
        prop_assert_eq!(hashes, expected_hashes, "hashes");
        Ok(())
    }

    fn step(&mut self, op: &Op) -> Checked {
        match *op {
            Op::SignIn { address, shouted, site, source, with, times } => {
                let spelled = ADDRESSES[address];
                let spelled = if shouted { spelled.to_uppercase() } else { spelled.to_owned() };
                for _ in 0..times {
                    self.sign_in((site, address), &spelled, named(source), with)?;
                }
            }
            Op::Again { after, with, times } => {
                if let Some((site, address, scope @ Scope::Source(source))) = self.shop.last_failure {
                    if let Some(Reopens { account, early }) = after {
                        let scope = if account { Scope::AllSources } else { scope };
                        let at = self.shop.reopens(site, address, scope).unwrap_or(START);
                        self.wait_until(at, early);
                    }
                    for _ in 0..times {
                        self.sign_in((site, address), ADDRESSES[address], called(source), with)?;
                    }
                }
            }
            Op::Redeem { secret, source } => {
                if let Some(place) = nth_back(secret, self.shop.secrets.len()) {
                    let Account { site, address, .. } =
                        self.shop.customers[self.shop.secrets[place].customer];
                    self.sign_in((site, address), ADDRESSES[address], named(source), With::Secret(secret))?;
                }
            }
            Op::Flood { address, site, times } => {
                for _ in 0..times {
                    self.floods += 1;
                    let source = called(FLOOD + self.floods);
                    self.sign_in((site, address), ADDRESSES[address], source, With::Wrong)?;
                }
            }
            Op::Confirm { token, with, times } => {
                let Some(token) = nth_back(token, self.tokens.len()) else { return Ok(()) };
                for _ in 0..times {
                    self.confirm(token, with)?;
                }
            }
            Op::PutResetToken { customer, filed } => {
                self.put(customer, filed.site(self.shop.customers[customer].site), None);
            }
            Op::PutCode { customer, filed, admin } => {
                self.put(customer, filed.site(self.shop.customers[customer].site), Some(admin));
            }
            Op::Wait(span) => self.wait_until(self.shop.now + span, false),
            Op::WaitFor { of, early } => {
                if let Some(at) = self.end(of) {
                    self.wait_until(at, early);
                }
            }
            Op::Revoke { token, filed } => {
                let Some((token, bearer)) = self.bearer(token, filed) else { return Ok(()) };
                let got = block_on(self.auth.revoke_customer_token(bearer));
                let site = filed.site(self.shop.tokens[token].site);
                same(&got, &self.shop.revoke(token, site))?;
            }
            Op::RevokeListed { token, other } => {
                let Some((token, bearer)) = self.bearer(token, Filed::Right) else { return Ok(()) };
                let Some(other) = nth_back(other, self.tokens.len()) else { return Ok(()) };
                let named = digest(&self.tokens[other]);
                let got = block_on(self.auth.revoke_listed_customer_token(bearer, &named));
                let site = self.shop.tokens[token].site;
                same(&got, &self.shop.revoke_listed(token, site, other))?;
            }
            Op::RevokeAll { token, filed, keep } => {
                let Some((token, bearer)) = self.bearer(token, filed) else { return Ok(()) };
                let kept = if keep { Keep::Presented } else { Keep::Nothing };
                let got = block_on(self.auth.revoke_all_customer_tokens(bearer, kept));
                let site = filed.site(self.shop.tokens[token].site);
                same(&got, &self.shop.revoke_all(token, site, keep))?;
            }
            Op::CustomerChanged { customer, change } => {
                block_on(self.auth.customer_changed(&customer_id(customer), change)).unwrap();
                self.shop.customer_changed(customer);
            }
            Op::Status { customer, status } => {
                self.shop.customers[customer].status = status;
                self.upsert_customer(customer);
            }
            Op::Consent { customer, given } => {
                self.shop.customers[customer].consents = given;
                assert!(block_on(self.customers.set_assistance(&customer_id(customer), given)).unwrap());
            }
            Op::Password { customer, password } => {
                self.shop.customers[customer].password = password;
                self.upsert_customer(customer);
            }
            Op::AdminActive { admin, active } => {
                self.shop.admins[admin].active = active;
                self.upsert_admin(admin);
            }
            Op::AdminPermission { admin, permission, has } => {
                self.shop.admins[admin].permissions[permission] = has;
                self.upsert_admin(admin);
            }
            Op::AdminSignsIn { admin } => self.admin_signs_in(admin),
            Op::AdminSignsOut { admin } => {
                let parent = self.parent_of(admin);
                self.shop.parents[parent].revoked = true;
                let (named, now) = (digest(&self.parents[parent]), self.shop.now);
                block_on(self.store.revoke(&named, now, now)).unwrap();
            }
            Op::RevokeEverything => {
                block_on(self.auth.revoke_everything()).unwrap();
                self.shop.tokens.iter_mut().for_each(|token| token.revoked = true);
                self.shop.parents.iter_mut().for_each(|parent| parent.revoked = true);
            }
            Op::Purge { limit } => {
                block_on(self.auth.purge(limit)).unwrap();
            }
        }
        self.look_around()
    }

    /// A token counted back from the newest, and how it is presented.
    fn bearer(&self, back: usize, filed: Filed) -> Option<(usize, Bearer<'_>)> {
        let token = nth_back(back, self.tokens.len())?;
        let site = filed.site(self.shop.tokens[token].site);
        Some((token, Bearer::from(&self.tokens[token]).on(website(site))))
    }

    fn end(&self, of: EndOf) -> Option<Time> {
        match of {
            EndOf::Secret(back) => {
                nth_back(back, self.shop.secrets.len()).map(|n| self.shop.secrets[n].expires)
            }
            EndOf::Token(back) => nth_back(back, self.tokens.len()).map(|n| self.shop.tokens[n].expires),
            EndOf::Admin(admin) => Some(self.shop.parents[self.parent_of(admin)].expires),
        }
    }

    fn wait_until(&mut self, at: Time, early: bool) {
        // In microseconds, the finest grain that every store keeps.
        let at = if early { at - Duration::microseconds(1) } else { at };
        if at > self.shop.now {
            self.shop.now = at;
            self.clock.set(at);
        }
    }

    /// Every token ever issued is what the model says it is, on its own website and on the other.
    fn look_around(&self) -> Checked {
        prop_assert_eq!(self.clock.now(), self.shop.now);
        for (place, text) in self.tokens.iter().enumerate() {
            for site in 0..SITES.len() {
                let got = block_on(self.auth.verify_customer(Bearer::from(text).on(website(site))));
                let got = got.map(|who| seen(&who));
                let expected = self.shop.verify(place, site).map(|token| Seen {
                    customer: customer_id(token.customer),
                    website: website(site),
                    actor: token.parent.map(|parent| admin_id(self.shop.parents[parent].admin)),
                    reason: token.parent.map(|_| REASON.to_owned()),
                    obtained: token.obtained,
                    issued: token.issued,
                    expires: token.expires,
                    grant: digest(text),
                });
                same(&got, &expected)?;
            }
        }
        for (place, text) in self.parents.iter().enumerate() {
            let as_customer = block_on(self.auth.verify_customer(text)).map(|who| seen(&who));
            let got = block_on(self.auth.verify(text)).map(|who| match who {
                Identity::Admin(admin) => Some(admin.admin_id().clone()),
                _ => None,
            });
            let admin = Some(admin_id(self.shop.parents[place].admin));
            let expected = if self.shop.is_admin(place) { Ok(admin) } else { Err(Error::InvalidToken) };
            same(&got, &expected)?;
            let lives = self.shop.is_signed_in(place);
            same(&as_customer, &Err(if lives { Error::NotAuthorized } else { Error::InvalidToken }))?;
        }
        for customer in 0..self.shop.customers.len() {
            let subject = Subject::Customer(customer_id(customer));
            let listed = block_on(self.store.list(&subject, self.shop.now)).unwrap();
            let listed: BTreeSet<_> = listed.into_iter().map(|(grant, _)| grant.digest).collect();
            let live = (0..self.tokens.len())
                .filter(|token| self.shop.is_live(*token) && self.shop.tokens[*token].customer == customer);
            let live: BTreeSet<_> = live.map(|token| digest(&self.tokens[token])).collect();
            prop_assert_eq!(listed, live, "the live tokens of customer {}", customer);
        }
        Ok(())
    }
}

/// What a token is good for.
#[derive(Debug, PartialEq)]
struct Seen {
    customer: CustomerId,
    website: Website,
    actor: Option<AdminId>,
    reason: Option<String>,
    obtained: Obtained,
    issued: Time,
    expires: Time,
    grant: Digest,
}

fn seen(who: &CustomerIdentity) -> Seen {
    Seen {
        customer: who.customer_id().clone(),
        website: who.website().clone(),
        actor: who.actor().cloned(),
        reason: who.reason().map(str::to_owned),
        obtained: who.obtained(),
        issued: who.issued_at(),
        expires: who.expires_at(),
        grant: *who.grant(),
    }
}

fn same<T: Debug + PartialEq>(got: &Result<T, Error>, expected: &Result<T, Error>) -> Checked {
    // Errors have no equality; what they show says all.
    let same = match (got, expected) {
        (Ok(got), Ok(expected)) => got == expected,
        (Err(got), Err(expected)) => format!("{got:?}") == format!("{expected:?}"),
        _ => false,
    };
    prop_assert!(same, "got {got:?}, expected {expected:?}");
    Ok(())
}

fn nth_back(back: usize, length: usize) -> Option<usize> {
    length.checked_sub(1 + back)
}

fn named(source: usize) -> (Option<IpAddr>, u32) {
    let (address, name) = SOURCES[source];
    (address.map(|address| address.parse().unwrap()), name)
}

/// The source of that name: one of the list's, or of a flood.
fn called(source: u32) -> (Option<IpAddr>, u32) {
    let listed = SOURCES.iter().position(|(_, name)| *name == source).map(|place| named(place).0);
    (listed.unwrap_or_else(|| Some(Ipv4Addr::from_bits(source).into())), source)
}

fn website(site: usize) -> Website {
    SITES[site].parse().unwrap()
}

fn customer_id(customer: usize) -> CustomerId {
    CustomerId::from(i64::try_from(customer).unwrap())
}

fn admin_id(admin: usize) -> AdminId {
    format!("admin-{admin}").parse().unwrap()
}

fn secret_text(secret: usize) -> String {
    format!("{secret:032x}")
}

fn digest(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_time: 30_000,
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn every_answer_is_the_models(history in vec(op(), 1..60)) {
        let mut world = World::new();
        for (place, op) in history.iter().enumerate() {
            world.step(op).map_err(|error| TestCaseError::fail(format!("step {place}, {op:?}: {error}")))?;
        }
    }
}
