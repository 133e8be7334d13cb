//! The steps of a history.

use std::fmt;

use commerce_auth::{
    account::AccountStatus,
    flow::{AdminChange, CustomerChange},
};
use time::Duration;

use crate::model::shop::{Door, New, Setup};

/// One step. Secrets and tokens are counted back from the newest, so that a history stays
/// meaningful if a step is left out.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    SignIn {
        at: At,
        from: From,
        with: With,
        times: usize,
    },
    Exchange {
        at: At,
        from: From,
        with: With,
        times: usize,
    },
    /// Each attempt comes from a new source.
    Flood {
        of: Flooded,
        times: usize,
    },
    /// Wrong credentials from one source, at all accounts in turn.
    Spray {
        from: From,
        times: usize,
    },
    AdminSignIn {
        name: usize,
        from: From,
        with: With,
        times: usize,
    },
    TokenAsAdmin {
        by: Pick,
        site: usize,
        address: usize,
        why: Why,
    },
    OneTimeCode {
        by: Pick,
        customer: usize,
        why: Why,
    },
    Confirm {
        by: Pick,
        on: Filed,
        with: With,
        times: usize,
    },
    Change {
        by: Pick,
        on: Filed,
        with: With,
        new: New,
    },
    RequestReset {
        at: At,
        from: From,
        times: usize,
    },
    Reset {
        at: At,
        from: From,
        with: With,
        new: New,
        times: usize,
    },
    Consent {
        by: Pick,
        on: Filed,
        allowed: bool,
    },
    List {
        by: Pick,
        on: Filed,
    },
    Revoke {
        by: Pick,
        on: Filed,
    },
    RevokeAll {
        by: Pick,
        on: Filed,
        keep: bool,
    },
    RevokeListed {
        by: Pick,
        other: Pick,
    },
    RevokeAdmin {
        by: Pick,
    },
    AdminChanged {
        admin: usize,
        change: AdminChange,
    },
    CustomerChanged {
        customer: usize,
        change: CustomerChange,
    },
    RevokeEverything,
    UnlockCustomer {
        at: At,
    },
    UnlockAdmin {
        name: usize,
    },
    /// By a mailed link, counted back from the newest.
    UnlockByLink {
        name: usize,
        from: From,
        back: usize,
    },
    Wait(Duration),
    WaitFor {
        of: EndOf,
        early: bool,
    },
    /// A change by the host to its tables.
    HostStatus {
        customer: usize,
        status: AccountStatus,
    },
    HostConsent {
        customer: usize,
        given: bool,
    },
    HostPassword {
        customer: usize,
        password: Option<usize>,
    },
    /// To another address or website. Nothing happens if that is taken.
    HostMoves {
        customer: usize,
        site: usize,
        address: usize,
    },
    HostAdmin {
        admin: usize,
        active: bool,
    },
    HostPermission {
        admin: usize,
        permission: usize,
        has: bool,
    },
    /// A credential that no flow made. It may be of any website, and a code may outlive the admin
    /// user's token.
    Stored {
        customer: usize,
        on: Filed,
        by: Option<Pick>,
    },
    /// The new `Auth` uses the same store.
    Restart(Setup),
    Purge,
}

/// The `Debug` output has one line for each step.
#[derive(Clone)]
pub(crate) struct History(pub(crate) Vec<Op>);

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|op| write!(f, "\n    {op:?}"))
    }
}

/// Selects an account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    Door {
        site: usize,
        address: usize,
        shouted: bool,
    },
    /// The account of the one-time credential.
    Owner,
    /// The account at which a failure was last counted.
    LastFailure,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum From {
    Source(usize),
    /// The source for which a failure was last counted.
    LastFailure,
    /// A source that was never used before.
    Stranger,
    /// A source, and the secret of a device, counted back from the newest.
    Device(usize, usize),
}

/// The request that many sources send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flooded {
    SignIn(Door),
    /// A sign-in with the right password.
    RightSignIn(Door),
    AdminSignIn(usize),
    Exchange(Door),
    Reset(Door),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum With {
    /// The account's password, if it has one.
    Own,
    Password(usize),
    Code(usize),
    Mailed(usize),
    Bearer(Pick),
    Wrong,
    Zero,
    Empty,
    TooLong,
}

/// A token, counted back from the newest of its kind. If there is none, an unknown token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) kind: Kind,
    pub(crate) back: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Own,
    Assisted,
    Admin,
    Any,
    /// A one-time credential, presented as a token.
    Secret,
    Nobodys,
}

/// On the token's website, or on the other one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Filed {
    Right,
    Wrong,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Why {
    Given,
    Blank,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EndOf {
    Secret(usize),
    Token(Pick),
    /// The lock or the window in which a failure was last counted, of the source or of the account.
    Failures {
        account: bool,
    },
    /// The lock or the window over all accounts of the source for which a failure was last counted.
    Total,
    /// The known devices and sources of the account at which a failure was last counted.
    Memory,
}

impl Filed {
    pub(crate) const fn site(self, own: usize) -> usize {
        match self {
            Self::Right => own,
            Self::Wrong => 1 - own,
        }
    }
}
