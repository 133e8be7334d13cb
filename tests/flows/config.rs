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
        (config.customer_token_lifetime, 3600),
        (config.admin_token_lifetime, 4 * 3600),
        (config.assistance_token_lifetime, 15 * 60),
        (config.one_time_code_lifetime, 30),
        (config.reset_token_lifetime, 2 * 3600),
        (config.enrolment_lifetime, 3600),
        (config.fresh_for, 15 * 60),
        (config.assistance_history, 365 * 24 * 3600),
    ];
    for (lifetime, seconds) in lifetimes {
        assert_eq!(lifetime, Duration::from_secs(seconds));
    }
    assert_eq!((config.source_budget.failures, config.account_budget.failures), (6, 100));
    assert_eq!(config.source_budget.lock, Lock::For(Duration::from_secs(1800)));
    let hour = Duration::from_secs(3600);
    for (budget, requests) in [(config.reset_account_budget, 5), (config.reset_source_budget, 20)] {
        assert_eq!((budget.failures, budget.window, budget.lock), (requests, hour, Lock::For(hour)));
    }
    let quarter = Duration::from_secs(15 * 60);
    let budget = config.second_factor_budget;
    assert_eq!((budget.failures, budget.window, budget.lock), (5, quarter, Lock::For(quarter)));
    assert_eq!(config.admin_second_factor, SecondFactorPolicy::Required);
    assert!(!config.assistance_step_up && AuthConfig::strict().assistance_step_up);
    assert_eq!(AuthConfig::strict().fresh_for, quarter);
    assert!(config.assistance && config.default_assistance_reason.is_some());
    assert_eq!(AuthConfig::strict().default_assistance_reason, None);
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
    let lifetimes: [(&str, Change, Duration); 8] = [
        ("customer_token_lifetime", |config, value| config.customer_token_lifetime = value, 366 * day),
        ("admin_token_lifetime", |config, value| config.admin_token_lifetime = value, 366 * day),
        ("assistance_token_lifetime", |config, value| config.assistance_token_lifetime = value, day),
        (
            "one_time_code_lifetime",
            |config, value| config.one_time_code_lifetime = value,
            Duration::from_secs(600),
        ),
        ("reset_token_lifetime", |config, value| config.reset_token_lifetime = value, day),
        ("enrolment_lifetime", |config, value| config.enrolment_lifetime = value, day),
        ("fresh_for", |config, value| config.fresh_for = value, day),
        ("assistance_history", |config, value| config.assistance_history = value, 36_600 * day),
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
    build(|config| config.default_assistance_reason = Some("x".repeat(1024)))
        .expect("the longest allowed text");
    type Nonsense = fn(&mut AuthConfig);
    let others: [(&str, Nonsense); 20] = [
        ("source_budget", |config| config.source_budget.failures = 0),
        ("source_budget", |config| config.source_budget.window = Duration::ZERO),
        ("source_budget", |config| config.source_budget.lock = Lock::For(Duration::MAX)),
        ("account_budget", |config| config.account_budget.lock = Lock::For(Duration::ZERO)),
        ("second_factor_budget", |config| config.second_factor_budget.failures = 0),
        ("issuer", |config| config.issuer = " ".into()),
        ("issuer", |config| config.issuer = "x".repeat(65)),
        ("password_policy", |config| config.password_policy.min_length = 7),
        ("password_policy", |config| config.password_policy.max_length = 63),
        ("password_policy", |config| config.password_policy.min_classes = 5),
        ("hashing_threads", |config| config.hashing_threads = 1025.try_into().unwrap()),
        ("password_policy", |config| config.password_policy.max_length = 1025),
        ("reset_account_budget", |config| config.reset_account_budget.failures = 0),
        ("reset_source_budget", |config| config.reset_source_budget.window = Duration::MAX),
        ("default_assistance_reason", |config| config.default_assistance_reason = Some(" ".into())),
        ("default_assistance_reason", |config| config.default_assistance_reason = Some("\0 \u{1}".into())),
        ("default_assistance_reason", |config| config.default_assistance_reason = Some("x".repeat(1025))),
        ("audit_queue", |config| config.audit_queue = 65_537.try_into().unwrap()),
        ("hashing_queue", |config| config.hashing_queue = 0),
        ("hashing_queue", |config| config.hashing_queue = usize::MAX),
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
