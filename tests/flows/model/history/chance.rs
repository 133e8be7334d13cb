//! Generates random histories.

use commerce_auth::{
    account::AccountStatus,
    flow::{AdminChange, CustomerChange},
};
use proptest::{collection::vec, prelude::*, sample::select};
use time::Duration;

use super::{
    ADDRESSES, PASSWORDS, SITES, SOURCES, USERNAMES,
    op::{At, EndOf, Filed, Flooded, From, History, Kind, Op, Pick, Why, With},
    sieges::{devices, siege},
};
use crate::model::shop::{New, Setup};

fn back() -> BoxedStrategy<usize> {
    prop_oneof![4 => Just(0_usize), 1 => 1..4_usize].boxed()
}

fn pick(kinds: &[(u32, Kind)]) -> BoxedStrategy<Pick> {
    let kinds = kinds.iter().map(|(weight, kind)| (*weight, Just(*kind).boxed())).collect();
    (proptest::strategy::Union::new_weighted(kinds), back())
        .prop_map(|(kind, back)| Pick { kind, back })
        .boxed()
}

fn customers() -> BoxedStrategy<Pick> {
    pick(&[(12, Kind::Own), (4, Kind::Assisted), (1, Kind::Admin), (1, Kind::Secret), (1, Kind::Nobodys)])
        .boxed()
}

fn admins() -> BoxedStrategy<Pick> {
    pick(&[(16, Kind::Admin), (1, Kind::Own), (1, Kind::Assisted), (1, Kind::Any), (1, Kind::Nobodys)])
        .boxed()
}

pub(super) fn door() -> BoxedStrategy<(usize, usize)> {
    // The first address is the one of the accounts that may sign in, on both websites.
    (0..SITES.len(), prop_oneof![3 => Just(0), 2 => 0..ADDRESSES.len()]).boxed()
}

fn at() -> BoxedStrategy<At> {
    prop_oneof![
        3 => (door(), any::<bool>())
            .prop_map(|((site, address), shouted)| At::Door { site, address, shouted }),
        3 => Just(At::Owner),
        3 => Just(At::LastFailure),
    ]
    .boxed()
}

pub(super) fn from() -> BoxedStrategy<From> {
    prop_oneof![
        5 => (0..SOURCES.len()).prop_map(From::Source),
        5 => Just(From::LastFailure),
        1 => Just(From::Stranger),
        2 => (0..SOURCES.len(), back()).prop_map(|(source, back)| From::Device(source, back)),
    ]
    .boxed()
}

pub(super) fn with() -> BoxedStrategy<With> {
    prop_oneof![
        6 => Just(With::Own),
        1 => (0..PASSWORDS.len()).prop_map(With::Password),
        4 => back().prop_map(With::Code),
        3 => back().prop_map(With::Mailed),
        1 => pick(&[(1, Kind::Any)]).prop_map(With::Bearer),
        5 => Just(With::Wrong),
        1 => select(vec![With::Zero, With::Empty, With::TooLong]),
    ]
    .boxed()
}

pub(super) fn new() -> BoxedStrategy<New> {
    prop_oneof![
        6 => (0..PASSWORDS.len()).prop_map(New::Good),
        1 => select(vec![
            New::Empty, New::Short, New::Long, New::Huge, New::Edge, New::TwoClasses, New::Address,
        ]),
    ]
    .boxed()
}

fn times() -> BoxedStrategy<usize> {
    prop_oneof![4 => Just(1_usize), 1 => 2..=7_usize].boxed()
}

fn filed() -> BoxedStrategy<Filed> {
    prop_oneof![9 => Just(Filed::Right), 1 => Just(Filed::Wrong)].boxed()
}

fn why() -> BoxedStrategy<Why> {
    prop_oneof![3 => Just(Why::Given), 1 => Just(Why::Blank)].boxed()
}

fn mostly() -> BoxedStrategy<bool> {
    prop::bool::weighted(0.6).boxed()
}

fn flooded() -> BoxedStrategy<Flooded> {
    prop_oneof![
        4 => door().prop_map(Flooded::SignIn),
        1 => (0..USERNAMES.len()).prop_map(Flooded::AdminSignIn),
        1 => door().prop_map(Flooded::Exchange),
        1 => door().prop_map(Flooded::Reset),
    ]
    .boxed()
}

fn credential() -> BoxedStrategy<Op> {
    prop_oneof![
        8 => (at(), from(), with(), times())
            .prop_map(|(at, from, with, times)| Op::SignIn { at, from, with, times }),
        3 => (at(), from(), with(), times())
            .prop_map(|(at, from, with, times)| Op::Exchange { at, from, with, times }),
        1 => (flooded(), 90..=101_usize).prop_map(|(of, times)| Op::Flood { of, times }),
        4 => (0..3_usize, from(), with(), times())
            .prop_map(|(name, from, with, times)| Op::AdminSignIn { name, from, with, times }),
        3 => (at(), from(), prop_oneof![4 => Just(1_usize), 1 => 5..22_usize])
            .prop_map(|(at, from, times)| Op::RequestReset { at, from, times }),
        4 => (at(), from(), with(), new(), times())
            .prop_map(|(at, from, with, new, times)| Op::Reset { at, from, with, new, times }),
    ]
    .boxed()
}

fn assistance() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => (admins(), door(), why())
            .prop_map(|(by, (site, address), why)| Op::TokenAsAdmin { by, site, address, why }),
        3 => (admins(), prop_oneof![3 => 0..2_usize, 2 => 0..6_usize], why())
            .prop_map(|(by, customer, why)| Op::OneTimeCode { by, customer, why }),
    ]
    .boxed()
}

fn bearer() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => (customers(), filed(), with(), times())
            .prop_map(|(by, on, with, times)| Op::Confirm { by, on, with, times }),
        4 => (customers(), filed(), with(), new())
            .prop_map(|(by, on, with, new)| Op::Change { by, on, with, new }),
        3 => (customers(), filed(), mostly())
            .prop_map(|(by, on, allowed)| Op::Consent { by, on, allowed }),
        1 => (customers(), filed()).prop_map(|(by, on)| Op::List { by, on }),
        2 => (customers(), filed()).prop_map(|(by, on)| Op::Revoke { by, on }),
        2 => (customers(), filed(), any::<bool>())
            .prop_map(|(by, on, keep)| Op::RevokeAll { by, on, keep }),
        2 => (customers(), pick(&[(2, Kind::Own), (2, Kind::Assisted), (2, Kind::Any), (1, Kind::Secret)]))
            .prop_map(|(by, other)| Op::RevokeListed { by, other }),
        1 => admins().prop_map(|by| Op::RevokeAdmin { by }),
    ]
    .boxed()
}

pub(super) fn wait() -> BoxedStrategy<Op> {
    let spans = [1, 29, 30, 60 * 15, 60 * 30, 3600, 2 * 3600, 24 * 3600].map(Duration::seconds);
    let end = prop_oneof![
        3 => back().prop_map(EndOf::Secret),
        4 => pick(&[(3, Kind::Any), (2, Kind::Admin), (1, Kind::Assisted)]).prop_map(EndOf::Token),
        3 => any::<bool>().prop_map(|account| EndOf::Failures { account }),
        1 => select(vec![EndOf::Total, EndOf::Memory]),
    ];
    prop_oneof![
        1 => select(spans.to_vec()).prop_map(Op::Wait),
        3 => (end, any::<bool>()).prop_map(|(of, early)| Op::WaitFor { of, early }),
    ]
    .boxed()
}

/// Generates a step that may come in between.
pub(super) fn meanwhile() -> BoxedStrategy<Option<Op>> {
    prop_oneof![3 => Just(None), 2 => host().prop_map(Some), 1 => wait().prop_map(Some)].boxed()
}

fn host() -> BoxedStrategy<Op> {
    let (customer, admin) = (|| prop_oneof![2 => 0..2_usize, 1 => 0..5_usize], || 0..2_usize);
    let status = prop_oneof![
        2 => Just(AccountStatus::Active),
        1 => Just(AccountStatus::Unconfirmed),
        1 => Just(AccountStatus::Disabled),
    ];
    let admin_changed =
        select(vec![AdminChange::Disabled, AdminChange::Deleted, AdminChange::PasswordChanged]);
    let before =
        select(ADDRESSES.to_vec()).prop_map(|from| CustomerChange::EmailChanged { from: from.into() });
    let others = vec![CustomerChange::Disabled, CustomerChange::Deleted, CustomerChange::PasswordChanged];
    let customer_changed = prop_oneof![3 => select(others), 1 => before];
    prop_oneof![
        3 => (customer(), status).prop_map(|(customer, status)| Op::HostStatus { customer, status }),
        3 => (customer(), mostly()).prop_map(|(customer, given)| Op::HostConsent { customer, given }),
        1 => (customer(), prop::option::weighted(0.8, 0..PASSWORDS.len()))
            .prop_map(|(customer, password)| Op::HostPassword { customer, password }),
        1 => (customer(), door())
            .prop_map(|(customer, (site, address))| Op::HostMoves { customer, site, address }),
        2 => (admin(), mostly()).prop_map(|(admin, active)| Op::HostAdmin { admin, active }),
        2 => (admin(), 0..2_usize, mostly())
            .prop_map(|(admin, permission, has)| Op::HostPermission { admin, permission, has }),
        1 => (customer(), customer_changed)
            .prop_map(|(customer, change)| Op::CustomerChanged { customer, change }),
        1 => (admin(), admin_changed).prop_map(|(admin, change)| Op::AdminChanged { admin, change }),
        1 => Just(Op::RevokeEverything),
        1 => at().prop_map(|at| Op::UnlockCustomer { at }),
        1 => (0..3_usize).prop_map(|name| Op::UnlockAdmin { name }),
        1 => (0..3_usize, from(), back()).prop_map(|(name, from, back)| Op::UnlockByLink { name, from, back }),
        1 => (customer(), filed(), prop::option::of(pick(&[(1, Kind::Admin)])))
            .prop_map(|(customer, on, by)| Op::Stored { customer, on, by }),
        1 => setup().prop_map(Op::Restart),
        1 => Just(Op::Purge),
    ]
    .boxed()
}

fn setup() -> BoxedStrategy<Setup> {
    let usually = || prop::bool::weighted(0.7);
    (usually(), any::<bool>(), usually(), any::<bool>())
        .prop_map(|(assistance, demands_reason, codes_in_chain, revokes_all)| Setup {
            assistance,
            demands_reason,
            codes_in_chain,
            revokes_all,
        })
        .boxed()
}

fn any_op() -> BoxedStrategy<Op> {
    prop_oneof![6 => credential(), 4 => assistance(), 6 => bearer(), 3 => wait(), 4 => host()].boxed()
}

/// Generates sequences of related steps, which seldom occur together by chance.
fn story() -> BoxedStrategy<Vec<Op>> {
    let door_at = || door().prop_map(|(site, address)| At::Door { site, address, shouted: false });
    let own = |back| Pick { kind: Kind::Own, back };
    let sign_in = |at, from, with, times| Op::SignIn { at, from, with, times };
    let admins_own = |name| Op::AdminSignIn { name, from: From::Source(0), with: With::Own, times: 1 };
    prop_oneof![
        siege(),
        devices(),
        // A lock, a way around it, and a check if the account is open again.
        (door_at(), from(), 5..8_usize, new(), meanwhile(), with()).prop_map(
            move |(at, from, times, new, between, with)| {
                let (last, there) = (From::LastFailure, At::LastFailure);
                let mailed = With::Mailed(0);
                let mut ops = vec![sign_in(at, from, With::Wrong, times)];
                ops.push(Op::RequestReset { at: there, from: last, times: 1 });
                ops.extend(between);
                ops.push(Op::Reset { at: At::Owner, from: last, with: mailed, new, times: 1 });
                ops.push(sign_in(there, last, With::Own, 1));
                ops.push(sign_in(there, last, with, 1));
                ops
            }
        ),
        // A lock, seen through the account's answers until the lock ends and afterwards.
        (door_at(), from(), 5..8_usize, any::<(bool, bool)>(), with()).prop_map(
            move |(at, from, times, (account, early), with)| {
                let of = EndOf::Failures { account };
                vec![
                    sign_in(at, from, With::Wrong, times),
                    Op::WaitFor { of, early },
                    sign_in(At::LastFailure, From::LastFailure, with, 1),
                ]
            }
        ),
        // An admin user who mistypes, and an attacker who guesses.
        (0..2_usize, from(), [1..8_usize, 1..8_usize], meanwhile()).prop_map(
            move |(name, from, guesses, between)| {
                let guess = |from, times| Op::AdminSignIn { name, from, with: With::Wrong, times };
                let right = Op::AdminSignIn { name, from: From::LastFailure, with: With::Own, times: 1 };
                let mut ops = vec![guess(from, guesses[0])];
                ops.extend(between);
                ops.extend([right.clone(), guess(From::LastFailure, guesses[1]), right]);
                ops
            }
        ),
        // A code that is redeemed twice, on either road.
        (0..2_usize, 0..2_usize, why(), meanwhile(), meanwhile(), any::<[bool; 2]>(), from()).prop_map(
            move |(name, customer, why, first, second, roads, from)| {
                let by = Pick { kind: Kind::Admin, back: 0 };
                let mut ops = vec![admins_own(name), Op::OneTimeCode { by, customer, why }];
                for (between, exchanged) in [first, second].into_iter().zip(roads) {
                    ops.extend(between);
                    let (at, with, times) = (At::Owner, With::Code(0), 1);
                    ops.push(match exchanged {
                        true => Op::Exchange { at, from, with, times },
                        false => sign_in(at, from, with, times),
                    });
                }
                ops
            }
        ),
        // A signed-in customer whose row the host changes.
        (0..2_usize, host(), bearer(), with()).prop_map(move |(customer, changed, act, with)| {
            let at = At::Door { site: customer, address: 0, shouted: false };
            let changed = match changed {
                Op::HostStatus { status, .. } => Op::HostStatus { customer, status },
                Op::HostMoves { site, address, .. } => Op::HostMoves { customer, site, address },
                Op::HostPassword { password, .. } => Op::HostPassword { customer, password },
                other => other,
            };
            let confirmed = Op::Confirm { by: own(0), on: Filed::Right, with, times: 1 };
            let signed_in = sign_in(at, From::Source(0), With::Own, 1);
            vec![signed_in, changed, confirmed, presenting(own(0), act)]
        }),
        // A code that outlives the admin user's token.
        (0..2_usize, 0..2_usize, any::<[bool; 2]>(), from()).prop_map(
            move |(name, customer, [early, exchanged], from)| {
                let by = Pick { kind: Kind::Admin, back: 0 };
                let until = |early| Op::WaitFor { of: EndOf::Token(by), early };
                let stored = Op::Stored { customer, on: Filed::Right, by: Some(by) };
                let (at, with, times) = (At::Owner, With::Code(0), 1);
                let redeemed = if exchanged {
                    Op::Exchange { at, from, with, times }
                } else {
                    sign_in(at, from, with, times)
                };
                vec![admins_own(name), until(true), stored, until(early), redeemed]
            }
        ),
        // Assistance, with allowed and forbidden operations.
        (0..2_usize, door(), why(), bearer(), meanwhile()).prop_map(
            move |(name, (site, address), why, act, between)| {
                let by = Pick { kind: Kind::Admin, back: 0 };
                let at = At::Door { site, address, shouted: false };
                let mut ops = vec![sign_in(at, From::Source(0), With::Own, 1), admins_own(name)];
                ops.push(Op::TokenAsAdmin { by, site, address, why });
                let assisted = Pick { kind: Kind::Assisted, back: 0 };
                ops.push(presenting(assisted, act));
                ops.extend(between);
                ops
            }
        ),
        // Several tokens and secrets of one customer, and an action that ends some of them.
        (door_at(), from(), 1..3_usize, any::<bool>(), bearer(), new()).prop_map(
            move |(at, from, times, mailed, act, new)| {
                let mut ops = vec![sign_in(at, from, With::Own, times)];
                if mailed {
                    ops.push(Op::RequestReset { at, from, times: 1 });
                }
                ops.push(presenting(own(0), act));
                ops.push(Op::Change { by: own(0), on: Filed::Right, with: With::Own, new });
                ops
            }
        ),
    ]
    .boxed()
}

/// Returns the action as done by the holder of this token.
fn presenting(by: Pick, act: Op) -> Op {
    let on = Filed::Right;
    match act {
        Op::Confirm { with, times, .. } => Op::Confirm { by, on, with, times },
        Op::Change { with, new, .. } => Op::Change { by, on, with, new },
        Op::Consent { allowed, .. } => Op::Consent { by, on, allowed },
        Op::List { .. } => Op::List { by, on },
        Op::Revoke { .. } => Op::Revoke { by, on },
        Op::RevokeAll { keep, .. } => Op::RevokeAll { by, on, keep },
        Op::RevokeListed { other, .. } => Op::RevokeListed { by, other },
        other => other,
    }
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    let opened = prop::option::weighted(0.3, setup()).prop_map(|setup| setup.map(Op::Restart));
    let part = prop_oneof![3 => any_op().prop_map(|op| vec![op]), 1 => story()];
    (opened, vec(part, 1..36)).prop_map(|(opened, parts)| {
        let steps = opened.into_iter().chain(parts.into_iter().flatten());
        History(steps.collect())
    })
}
