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

/// The description of an attempt, and the budgets that the attempt is charged to. The account does
/// not always exist, because attempts at unknown names are charged, too.
pub(crate) struct Attempted {
    /// The kind of attempt. If the store is full, attempts of one kind at different accounts share
    /// counters.
    pub(super) kind: &'static str,
    pub(super) account: Partition,
    /// The account's budget over all sources.
    pub(super) wide: Option<Budget>,
    /// A narrow scope at the account, for example a source, and the budget of this scope.
    pub(super) narrow: Option<(DocumentId, Budget)>,
    /// True if a spent budget locks the account's password or second factor. False if the budget is
    /// only a rate limit.
    pub(super) locks: bool,
    /// The digests of the caller's source and device. None if the attempt is not treated
    /// differently for a known device. An attempt with these digests also has a narrow scope.
    pub(super) caller: Option<CallerDigests>,
    /// The standing of a caller whose device and source are unknown to the account.
    pub(super) standing: Standing,
    /// The tallies of the source over all accounts. If one of these tallies is spent, attempts from
    /// this source are refused. Attempts from a device that the account knows are still accepted.
    pub(super) source: Option<Tallies>,
    /// A tally of the account over all sources. If this tally is spent, credentials are still
    /// verified, but failures are no longer counted.
    pub(super) tally: Option<Tallies>,
    /// True if the watch over the whole shop counts the attempt. It counts sign-ins, and wrong
    /// credentials at redemptions.
    pub(super) watched: bool,
    /// The line of the hashing queue in which the attempt waits.
    pub(super) line: Line,
}

impl Attempted {
    /// Creates the attempt of a customer's sign-in. The attempt is charged to the budget of this
    /// source at this account, and to the account's wide budget over all sources.
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

    /// Creates the attempt of a signed-in customer to present the current password. Its narrow
    /// budget counts only such attempts, and not sign-ins. The holder of a live token counts as a
    /// known caller, so that attackers cannot keep the customer from changing the password.
    pub(crate) fn confirmation(address: &Address, config: &AuthConfig) -> Self {
        Self::of(CUSTOMER, account_partition(address), DocumentId::of(&[b"confirmation"]), config)
            .in_line(Lane::Known, None)
            .signed_in()
    }

    /// Creates the attempt of an admin user's sign-in. The allowed failures are the same as for a
    /// customer's sign-in. Failures at an admin user's account do not count at a customer's
    /// account, even if the username equals the e-mail address.
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

    /// Creates the attempt of an admin user to present a code of the authenticator. Failures from
    /// all sources count in the same budgets. A stranger cannot spend these budgets, because a
    /// caller must present the password or a token before the code.
    pub(crate) fn second_factor(admin: &AdminId, config: &AuthConfig) -> Self {
        let narrow = Some((DocumentId::of(&[b"second factor"]), config.budgets.second_factor));
        let wide = Some(config.budgets.account);
        Self { wide, narrow, locks: true, ..Self::new(SECOND_FACTOR, second_factor_partition(admin)) }
    }

    /// Creates the attempt of an admin user to present a recovery code. Failures from one source do
    /// not count for other sources.
    pub(crate) fn recovery_code(admin: &AdminId, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let narrow = Some((source_scope(source), config.budgets.second_factor));
        Self { narrow, ..Self::new(RECOVERY_CODE, recovery_code_partition(admin)) }
    }

    /// Creates the attempt to activate an enrolment with its first code. The holder of the
    /// enrolment token knows the secret of the authenticator, so nobody needs to guess the code.
    /// The budget is only a rate limit.
    pub(crate) fn activation(admin: &AdminId, config: &AuthConfig) -> Self {
        Self::request("activation", &[admin.to_string().as_bytes()], config.budgets.second_factor)
    }

    /// Creates the request to show the secret of an enrolment. The caller holds the enrolment
    /// token. A budget limits these requests, because each one writes to the store.
    pub(crate) fn showing(enrolment: EnrolmentId, config: &AuthConfig) -> Self {
        Self::request("enrolment showing", &[enrolment.as_bytes()], config.budgets.second_factor)
    }

    /// Creates the request for an enrolment mail. The caller knows the admin user's password.
    pub(crate) fn enrolment_request(admin: &AdminId, config: &AuthConfig) -> Self {
        Self::request("enrolment request", &[admin.to_string().as_bytes()], config.budgets.reset_account)
    }

    /// Creates the charge for a notice that tells an admin user of wrong codes. Each source causes
    /// at most one such notice in the period of the second factor's budget.
    pub(crate) fn wrong_code_notice(admin: &AdminId, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let window = config.budgets.second_factor.window;
        let budget = Budget { failures: 1, window, lock: Lock::For(window) };
        Self::request(
            "wrong code notice",
            &[admin.to_string().as_bytes(), source_scope(source).as_bytes()],
            budget,
        )
    }

    /// Creates the attempt of a signed-in admin user to present the current password.
    pub(crate) fn admin_confirmation(username: &Username, config: &AuthConfig) -> Self {
        Self::of(ADMIN, admin_partition(username), DocumentId::of(&[b"confirmation"]), config)
            .in_line(Lane::Admins, None)
            .signed_in()
    }

    /// Creates the attempt to redeem a one-time credential in an operation that accepts no
    /// password.
    ///
    /// Each source has a budget in a partition that only this source changes. So attempts from
    /// different sources do not wait for each other. A lock of the account's password does not
    /// affect a redemption.
    ///
    /// Nobody can guess a one-time credential. So a redemption is not refused because of failures
    /// from other sources: they are only counted in a tally of the account. Once this tally is
    /// spent, a wrong credential creates no counter for its source, so that a flood of attempts
    /// does not fill the store.
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

    /// Creates the request for a reset mail, charged to the e-mail address.
    pub(crate) fn reset_request(address: &Address, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let names = [address.website.as_str().as_bytes(), address.email.as_str().as_bytes()];
        let source = Tallies::of_source(source, config);
        Self { source, ..Self::request("reset request", &names, config.budgets.reset_account) }
    }

    /// Creates the request for a reset mail to any e-mail address, charged to the source.
    pub(crate) fn reset_request_from(source: IpAddr, config: &AuthConfig) -> Self {
        let source = source_scope(Some(source));
        Self::request("reset requests", &[source.as_bytes()], config.budgets.reset_source)
    }

    /// Creates the request for a confirmation mail, charged to the e-mail address. It is the
    /// address of an account, or the new address of a customer who wants to change it.
    pub(crate) fn confirmation_request(
        address: &Address,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        let names = [address.website.as_str().as_bytes(), address.email.as_str().as_bytes()];
        let source = Tallies::of_source(source, config);
        Self { source, ..Self::request("confirmation request", &names, config.budgets.reset_account) }
    }

    /// Creates the request for a confirmation mail to any e-mail address, charged to the source.
    pub(crate) fn confirmation_request_from(source: IpAddr, config: &AuthConfig) -> Self {
        let source = source_scope(Some(source));
        Self::request("confirmation requests", &[source.as_bytes()], config.budgets.reset_source)
    }

    /// Creates the registration of any e-mail address, charged to the source.
    pub(crate) fn registration_from(source: IpAddr, config: &AuthConfig) -> Self {
        let scope = source_scope(Some(source));
        let source = Tallies::of_source(Some(source), config);
        Self { source, ..Self::request("registrations", &[scope.as_bytes()], config.budgets.registration) }
    }

    /// Creates the attempt to check a customer's reset token without spending the token. Failures
    /// from one source do not count for other sources.
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

/// Returns the digests of a caller's source and device. A caller without an IP address has no
/// source digest. Such callers cannot be distinguished from each other, so their common source must
/// not become known.
pub(crate) fn caller(source: Option<IpAddr>, device: Option<&DeviceSecret>) -> CallerDigests {
    let source = source.map(|source| Digest::from_bytes(*source_scope(Some(source)).as_bytes()));
    CallerDigests { source, device: device.map(DeviceSecret::digest) }
}
