//! Invalid settings are refused when the parts are put together.

use std::time::Duration;

use commerce_auth::{
    Auth, AuthConfig,
    config::{ConfigError, Lock, SecondFactorPolicy},
    error::StoreError,
    notifier::{Notification, Notifier},
    random::{RandomError, SecureRandom},
    store::memory::{MemoryCustomers, MemoryStore},
};

fn build(change: impl FnOnce(&mut AuthConfig)) -> Result<Auth, ConfigError> {
    let mut config = AuthConfig::commerce();
    change(&mut config);
    let builder = Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new());
    builder.without_notifier().config(config).build()
}

#[test]
fn the_defaults_are_commerces_numbers() {
    let config = AuthConfig::default();
    assert_eq!(config, AuthConfig::commerce());
    let lifetimes = [
        (config.lifetimes.customer_token, 3600),
        (config.lifetimes.admin_token, 4 * 3600),
        (config.lifetimes.assistance_token, 15 * 60),
        (config.lifetimes.one_time_code, 30),
        (config.lifetimes.reset_token, 2 * 3600),
        (config.lifetimes.enrolment_token, 3600),
        (config.lifetimes.fresh_sign_in, 15 * 60),
        (config.assistance.history, 365 * 24 * 3600),
    ];
    for (lifetime, seconds) in lifetimes {
        assert_eq!(lifetime, Duration::from_secs(seconds));
    }
    assert_eq!((config.budgets.source.failures, config.budgets.account.failures), (6, 100));
    assert_eq!(config.budgets.source.lock, Lock::For(Duration::from_secs(1800)));
    let hour = Duration::from_secs(3600);
    for (budget, requests) in [(config.budgets.reset_account, 5), (config.budgets.reset_source, 20)] {
        assert_eq!((budget.failures, budget.window, budget.lock), (requests, hour, Lock::For(hour)));
    }
    let quarter = Duration::from_secs(15 * 60);
    let budget = config.budgets.second_factor;
    assert_eq!((budget.failures, budget.window, budget.lock), (5, quarter, Lock::For(quarter)));
    assert_eq!(config.admin_second_factor, SecondFactorPolicy::Required);
    assert!(!config.assistance.step_up && AuthConfig::strict().assistance.step_up);
    assert_eq!(AuthConfig::strict().lifetimes.fresh_sign_in, quarter);
    assert!(config.assistance.enabled && config.assistance.default_reason.is_some());
    assert_eq!(AuthConfig::strict().assistance.default_reason, None);
    for config in [AuthConfig::commerce(), AuthConfig::strict()] {
        build(|other| *other = config).expect("both ready-made configurations are sound");
    }
}

#[test]
fn a_subject_has_a_cap_of_tokens() {
    assert_eq!(AuthConfig::commerce().tokens_per_subject.get(), 100);
    let build = |cap: usize| build(|config| config.tokens_per_subject = cap.try_into().unwrap());
    for cap in [1, 10_000] {
        build(cap).expect("a cap that there may be");
    }
    let refused = build(10_001);
    assert!(matches!(refused, Err(ConfigError::OutOfRange("tokens_per_subject"))));
}

#[test]
fn nonsense_is_refused_by_name() {
    let day = Duration::from_secs(24 * 60 * 60);
    let second = Duration::from_secs(1);
    type Change = fn(&mut AuthConfig, Duration);
    let lifetimes: [(&str, Change, Duration); 9] = [
        ("lifetimes.customer_token", |config, value| config.lifetimes.customer_token = value, 366 * day),
        ("lifetimes.admin_token", |config, value| config.lifetimes.admin_token = value, 366 * day),
        ("lifetimes.assistance_token", |config, value| config.lifetimes.assistance_token = value, day),
        (
            "lifetimes.one_time_code",
            |config, value| config.lifetimes.one_time_code = value,
            Duration::from_secs(600),
        ),
        ("lifetimes.reset_token", |config, value| config.lifetimes.reset_token = value, day),
        ("lifetimes.confirmation_token", |config, value| config.lifetimes.confirmation_token = value, day),
        ("lifetimes.enrolment_token", |config, value| config.lifetimes.enrolment_token = value, day),
        ("lifetimes.fresh_sign_in", |config, value| config.lifetimes.fresh_sign_in = value, day),
        ("assistance.history", |config, value| config.assistance.history = value, 36_600 * day),
    ];
    for (name, set, most) in lifetimes {
        build(|config| set(config, most)).expect("the largest allowed number");
        for value in [Duration::ZERO, most + second, Duration::MAX] {
            let refused = build(|config| set(config, value));
            assert!(
                matches!(refused, Err(ConfigError::OutOfRange(field)) if field == name),
                "{name} of {value:?}"
            );
        }
    }
    build(|config| config.assistance.default_reason = Some("x".repeat(1024)))
        .expect("the longest allowed text");
    type Nonsense = fn(&mut AuthConfig);
    let others: [(&str, Nonsense); 27] = [
        ("budgets.source", |config| config.budgets.source.failures = 0),
        ("budgets.source", |config| config.budgets.source.window = Duration::ZERO),
        ("budgets.source", |config| config.budgets.source.lock = Lock::For(Duration::MAX)),
        ("budgets.account", |config| config.budgets.account.lock = Lock::For(Duration::ZERO)),
        ("budgets.second_factor", |config| config.budgets.second_factor.failures = 0),
        ("budgets.source", |config| config.budgets.source.lock = Lock::UntilCleared { kept_for_known: 1 }),
        ("budgets.second_factor", |config| {
            config.budgets.second_factor.lock = Lock::UntilCleared { kept_for_known: 1 };
        }),
        ("budgets.source_total", |config| config.budgets.source_total.failures = 0),
        ("budgets.network", |config| config.budgets.network.failures = 0),
        ("budgets.redemption", |config| config.budgets.redemption.failures = 0),
        ("budgets.registration", |config| config.budgets.registration.failures = 0),
        ("steps", |config| config.steps.confirmation = true),
        ("issuer", |config| config.issuer = " ".into()),
        ("issuer", |config| config.issuer = "x".repeat(65)),
        ("password_policy", |config| config.password_policy.min_length = 7),
        ("password_policy", |config| config.password_policy.max_length = 63),
        ("password_policy", |config| config.password_policy.min_classes = 5),
        ("hashing.threads", |config| config.hashing.threads = 1025.try_into().unwrap()),
        ("password_policy", |config| config.password_policy.max_length = 1025),
        ("budgets.reset_account", |config| config.budgets.reset_account.failures = 0),
        ("budgets.reset_source", |config| config.budgets.reset_source.window = Duration::MAX),
        ("assistance.default_reason", |config| config.assistance.default_reason = Some(" ".into())),
        ("assistance.default_reason", |config| config.assistance.default_reason = Some("\0 \u{1}".into())),
        ("assistance.default_reason", |config| config.assistance.default_reason = Some("x".repeat(1025))),
        ("audit_queue", |config| config.audit_queue = 65_537.try_into().unwrap()),
        ("hashing.queue", |config| config.hashing.queue = 0),
        ("hashing.queue", |config| config.hashing.queue = usize::MAX),
    ];
    for (name, change) in others {
        let refused = build(change);
        assert!(matches!(refused, Err(ConfigError::OutOfRange(field)) if field == name), "{name}");
    }
}

#[test]
fn a_customer_table_is_required() {
    assert!(matches!(Auth::builder(MemoryStore::new()).build(), Err(ConfigError::NoCustomers)));
}

/// Without this check, a host that forgot the notifier would notice only at the first reset
/// request, which would be a 500.
#[test]
fn a_notifier_is_given_or_done_without() {
    let builder = || Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new());
    let Err(refused) = builder().build() else { panic!("the notifier is missing") };
    assert!(matches!(refused, ConfigError::NoNotifier));
    for way_out in ["AuthBuilder::notifier", "AuthBuilder::without_notifier"] {
        assert!(refused.to_string().contains(way_out), "{refused}");
    }
    builder().without_notifier().build().unwrap();
    builder().notifier(Mails).build().unwrap();
    builder().without_notifier().notifier(Mails).build().unwrap();
}

#[derive(Debug)]
struct Mails;

impl Notifier for Mails {
    fn notify(&self, _: Notification) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A source of randomness that always fails.
#[derive(Debug)]
struct Dry;

impl SecureRandom for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError)
    }
}

#[test]
fn without_randomness_nothing_starts() {
    let builder = Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new());
    let built = builder.without_notifier().random(Dry).build();
    assert!(matches!(built, Err(ConfigError::Random(_))));
}
