use std::net::IpAddr;

use super::{
    scopes::{
        ADMIN, CUSTOMER, RECOVERY_CODE, SECOND_FACTOR, account_partition, admin_partition, partition,
        recovery_code_partition, second_factor_partition, source_scope,
    },
    tallies::Tallies,
};
use crate::{
    account::{AdminId, CustomerId, Username},
    config::AuthConfig,
    credential::{Lane, Line},
    service::accounts::Address,
    state::{
        budgets::{Budget, CallerDigests, Lock, Standing},
        factor::EnrolmentId,
    },
    store::{DocumentId, Partition, Purpose},
    token::{DeviceSecret, Digest},
};

/// An attempt at a known or unknown account, and the budgets that it is charged to.
pub(crate) struct Attempted {
    /// The kind of account. If the store is full, then accounts of one kind share slots.
    pub(super) kind: &'static str,
    pub(super) account: Partition,
    /// The account's budget over all sources.
    pub(super) wide: Option<Budget>,
    /// A narrow scope at the account, and its budget.
    pub(super) narrow: Option<(DocumentId, Budget)>,
    /// True if exhausting a budget locks the account's password or second factor; false if the
    /// budget is only a rate limit.
    pub(super) locks: bool,
    /// The caller, if the account remembers its devices. Such an attempt has a narrow scope.
    pub(super) caller: Option<CallerDigests>,
    /// The caller's standing if its device and source are unknown.
    pub(super) standing: Standing,
    /// The tallies of the source over all accounts. If a tally is spent, then the source is
    /// refused. Only an attempt with the secret of a device that the account knows is not refused.
    pub(super) source: Option<Tallies>,
    /// A tally of the account over all sources. If it is spent, then credentials are still
    /// verified, but failures are no longer counted.
    pub(super) tally: Option<Tallies>,
    /// True if the watch over the shop counts the attempt. It counts the credentials that anybody
    /// may present.
    pub(super) watched: bool,
    /// The line in which the attempt's password hash waits.
    pub(super) line: Line,
}

impl Attempted {
    /// Creates a sign-in. It has the budget of this source at this account, and the account's wider
    /// budget over all sources.
    pub(crate) fn sign_in(
        address: &Address,
        source: Option<IpAddr>,
        device: Option<&DeviceSecret>,
        config: &AuthConfig,
    ) -> Self {
        Self::of(CUSTOMER, account_partition(address), source_scope(source), config)
            .in_line(Lane::Strangers, source)
            .by_caller(source, device, config)
    }

    /// Creates a check of the current password by a signed-in customer. It has a separate budget.
    /// The holder of a live token counts as a known caller, so that attackers cannot keep a
    /// customer from changing the password.
    pub(crate) fn confirmation(address: &Address, config: &AuthConfig) -> Self {
        Self::of(CUSTOMER, account_partition(address), DocumentId::of(&[b"confirmation"]), config)
            .in_line(Lane::Known, None)
            .signed_in()
    }

    /// Creates an admin user's sign-in. It has separate budgets of the same size.
    pub(crate) fn admin_sign_in(
        username: &Username,
        source: Option<IpAddr>,
        device: Option<&DeviceSecret>,
        config: &AuthConfig,
    ) -> Self {
        Self::of(ADMIN, admin_partition(username), source_scope(source), config)
            .in_line(Lane::Admins, source)
            .by_caller(source, device, config)
    }

    /// Creates a check of an admin user's second factor, with one budget for all sources: only a
    /// caller who knows the password or has a token reaches it.
    pub(crate) fn second_factor(admin: &AdminId, config: &AuthConfig) -> Self {
        let narrow = Some((DocumentId::of(&[b"second factor"]), config.budgets.second_factor));
        let wide = Some(config.budgets.account);
        Self { wide, narrow, locks: true, ..Self::new(SECOND_FACTOR, second_factor_partition(admin)) }
    }

    /// Creates a check of a recovery code. It has a budget for each source, like a one-time
    /// credential.
    pub(crate) fn recovery_code(admin: &AdminId, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let narrow = Some((source_scope(source), config.budgets.second_factor));
        Self { narrow, ..Self::new(RECOVERY_CODE, recovery_code_partition(admin)) }
    }

    /// Creates a check of the first code of an enrolment. The holder of the enrolment token knows
    /// the secret, so the budget is only a rate limit.
    pub(crate) fn activation(admin: &AdminId, config: &AuthConfig) -> Self {
        Self::request("activation", &[admin.to_string().as_bytes()], config.budgets.second_factor)
    }

    /// Creates a request of an enrolment's secret by the holder of the enrolment token. Its number
    /// is limited, because every request writes to the store.
    pub(crate) fn showing(enrolment: EnrolmentId, config: &AuthConfig) -> Self {
        Self::request("enrolment showing", &[enrolment.as_bytes()], config.budgets.second_factor)
    }

    /// Creates a request for an enrolment mail by a caller who knows the password.
    pub(crate) fn enrolment_request(admin: &AdminId, config: &AuthConfig) -> Self {
        Self::request("enrolment request", &[admin.to_string().as_bytes()], config.budgets.reset_account)
    }

    /// Creates a notice of wrong codes to an admin user. Each source causes at most one notice in
    /// the window of the second factor's budget.
    pub(crate) fn wrong_code_notice(admin: &AdminId, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let window = config.budgets.second_factor.window;
        let budget = Budget { failures: 1, window, lock: Lock::For(window) };
        Self::request(
            "wrong code notice",
            &[admin.to_string().as_bytes(), source_scope(source).as_bytes()],
            budget,
        )
    }

    /// Creates a check of the current password by a signed-in admin user.
    pub(crate) fn admin_confirmation(username: &Username, config: &AuthConfig) -> Self {
        Self::of(ADMIN, admin_partition(username), DocumentId::of(&[b"confirmation"]), config)
            .in_line(Lane::Admins, None)
            .signed_in()
    }

    /// Creates a redemption of a one-time credential without a password.
    ///
    /// Each source has a separate budget in a separate partition, so sources do not wait for each
    /// other. A lock of the password does not affect a redemption. Nobody can guess such a secret,
    /// so the wide budget of the address refuses nobody. Once the wide budget is spent, wrong
    /// credentials create no more counters.
    pub(crate) fn redemption(
        purpose: Purpose,
        address: &Address,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        let kind = match purpose {
            Purpose::ResetToken => "password reset",
            Purpose::OneTimeCode => "code exchange",
            Purpose::Confirmation => "email confirmation",
        };
        let [website, email] = [address.website.as_str().as_bytes(), address.email.as_str().as_bytes()];
        let scope = source_scope(source);
        Self {
            narrow: Some((scope, config.budgets.source)),
            source: Tallies::of_source(source, config),
            watched: true,
            tally: Some(Tallies::of_account(partition(kind, &[website, email]), config.budgets.redemption)),
            ..Self::new(kind, partition(kind, &[website, email, scope.as_bytes()]))
        }
    }

    /// Creates a reset request for an address.
    pub(crate) fn reset_request(address: &Address, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let names = [address.website.as_str().as_bytes(), address.email.as_str().as_bytes()];
        let source = Tallies::of_source(source, config);
        Self { source, ..Self::request("reset request", &names, config.budgets.reset_account) }
    }

    /// Creates a reset request of a source, for any address.
    pub(crate) fn reset_request_from(source: IpAddr, config: &AuthConfig) -> Self {
        let source = source_scope(Some(source));
        Self::request("reset requests", &[source.as_bytes()], config.budgets.reset_source)
    }

    /// Creates a confirmation request for an address that an account has or wants to have.
    pub(crate) fn confirmation_request(
        address: &Address,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        let names = [address.website.as_str().as_bytes(), address.email.as_str().as_bytes()];
        let source = Tallies::of_source(source, config);
        Self { source, ..Self::request("confirmation request", &names, config.budgets.reset_account) }
    }

    /// Creates a confirmation request of a source, for any address.
    pub(crate) fn confirmation_request_from(source: IpAddr, config: &AuthConfig) -> Self {
        let source = source_scope(Some(source));
        Self::request("confirmation requests", &[source.as_bytes()], config.budgets.reset_source)
    }

    /// Creates a registration of a source, for any address.
    pub(crate) fn registration_from(source: IpAddr, config: &AuthConfig) -> Self {
        let scope = source_scope(Some(source));
        let source = Tallies::of_source(Some(source), config);
        Self { source, ..Self::request("registrations", &[scope.as_bytes()], config.budgets.registration) }
    }

    /// Creates a check of a customer's reset token without spending it, with a budget for each
    /// source.
    pub(crate) fn reset_token_check(
        customer: &CustomerId,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        const KIND: &str = "reset token check";
        let scope = source_scope(source);
        Self {
            narrow: Some((scope, config.budgets.source)),
            source: Tallies::of_source(source, config),
            ..Self::new(KIND, partition(KIND, &[customer.to_string().as_bytes(), scope.as_bytes()]))
        }
    }

    fn of(kind: &'static str, account: Partition, narrow: DocumentId, config: &AuthConfig) -> Self {
        let (wide, narrow) = (Some(config.budgets.account), Some((narrow, config.budgets.source)));
        Self { wide, narrow, locks: true, ..Self::new(kind, account) }
    }

    fn request(kind: &'static str, names: &[&[u8]], budget: Budget) -> Self {
        Self { wide: Some(budget), ..Self::new(kind, partition(kind, names)) }
    }

    fn new(kind: &'static str, account: Partition) -> Self {
        let line = Line::default();
        Self {
            kind,
            account,
            wide: None,
            narrow: None,
            locks: false,
            caller: None,
            standing: Standing::Unknown,
            source: None,
            tally: None,
            watched: false,
            line,
        }
    }

    fn in_line(self, lane: Lane, source: Option<IpAddr>) -> Self {
        Self { line: Line::new(lane, source), ..self }
    }

    fn signed_in(self) -> Self {
        Self { standing: Standing::Known, ..self }
    }

    fn by_caller(self, source: Option<IpAddr>, device: Option<&DeviceSecret>, config: &AuthConfig) -> Self {
        let (caller, source) = (Some(caller(source, device)), Tallies::of_source(source, config));
        Self { caller, source, watched: true, ..self }
    }
}

/// Returns the digests of a caller's source and device. The source digest of a caller without an
/// address is none, because such callers cannot be distinguished.
pub(crate) fn caller(source: Option<IpAddr>, device: Option<&DeviceSecret>) -> CallerDigests {
    let source = source.map(|source| Digest::from_bytes(*source_scope(Some(source)).as_bytes()));
    CallerDigests { source, device: device.map(DeviceSecret::digest) }
}
