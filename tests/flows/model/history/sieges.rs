//! Sequences of many failures, and of the devices and sources that an account knows.

use commerce_auth::flow::{AdminChange, CustomerChange};
use proptest::{collection::vec, prelude::*};
use time::Duration;

use super::{
    SITES, SOURCES,
    chance::{door, from, meanwhile, new, wait, with},
    op::{At, EndOf, Flooded, From, Op, With},
};
use crate::model::shop::Door;

const fn at((site, address): Door) -> At {
    At::Door { site, address, shouted: false }
}

const fn sign_in(door: Door, from: From, with: With) -> Op {
    Op::SignIn { at: at(door), from, with, times: 1 }
}

const fn admins(name: usize, from: From, with: With) -> Op {
    Op::AdminSignIn { name, from, with, times: 1 }
}

const fn flood(of: Flooded, times: usize) -> Op {
    Op::Flood { of, times }
}

/// Generates a caller that may be known to the account, or become known.
fn known() -> BoxedStrategy<From> {
    prop_oneof![
        (0..SOURCES.len()).prop_map(From::Source),
        (0..SOURCES.len()).prop_map(|source| From::Device(source, 0)),
        from(),
    ]
    .boxed()
}

/// Enough failures that strangers or a source must wait, and callers that may still sign in.
pub(super) fn siege() -> BoxedStrategy<Vec<Op>> {
    let until = |of| any::<bool>().prop_map(move |early| Op::WaitFor { of, early });
    let wide = || until(EndOf::Failures { account: true });
    prop_oneof![
        // A customer who signs in from many places while many sources try the account.
        (
            (door(), [known(), known()], prop::option::weighted(0.3, 14..=18_usize), 98..=101_usize),
            (meanwhile(), [with(), with(), with()], wide(), vec(any::<bool>(), 0..9), wide()),
        )
            .prop_map(
                move |((door, [own, other], homes, times), (between, with, first, rounds, last))| {
                    let mut ops = vec![sign_in(door, own, With::Own)];
                    ops.extend(homes.map(|homes| flood(Flooded::RightSignIn(door), homes)));
                    ops.push(flood(Flooded::SignIn(door), times));
                    ops.extend(between);
                    ops.extend([sign_in(door, own, with[0]), sign_in(door, other, with[1]), first]);
                    for early in rounds {
                        ops.push(sign_in(door, From::Stranger, With::Wrong));
                        ops.push(Op::WaitFor { of: EndOf::Failures { account: true }, early });
                    }
                    ops.extend([last, sign_in(door, From::Stranger, with[2])]);
                    ops
                }
            ),
        // An admin user whose account many sources try, and an unlock link.
        (0..2_usize, [known(), known()], 98..=101_usize, meanwhile(), with(), wide(), 0..3_usize).prop_map(
            move |(name, [own, other], times, between, with, wait, linked)| {
                let mut ops = vec![admins(name, own, With::Own)];
                ops.push(flood(Flooded::AdminSignIn(name), times));
                ops.extend(between);
                ops.extend([admins(name, own, with), admins(name, From::Stranger, with), wait]);
                ops.extend((0..linked).map(|_| Op::UnlockByLink { name, from: other, back: 0 }));
                ops.push(admins(name, From::Stranger, With::Own));
                ops
            }
        ),
        // One source that tries all accounts, sources in the same network, and the source of an
        // honest caller.
        (door(), from(), [known(), known()], 95..=105_usize, meanwhile(), with(), until(EndOf::Total))
            .prop_map(move |(door, from, [own, other], times, between, with, wait)| {
                let spray = |from, times| Op::Spray { from, times };
                let mut ops =
                    vec![sign_in(door, own, With::Own), spray(from, times), spray(other, times / 2)];
                ops.extend(between);
                ops.extend([sign_in(door, own, with), sign_in(door, From::LastFailure, With::Own), wait]);
                ops.push(sign_in(door, From::LastFailure, With::Own));
                ops.push(sign_in(door, other, With::Own));
                ops
            }),
        // Wrong one-time credentials from many sources, and then from one.
        (door(), any::<bool>(), from(), 96..=101_usize, new(), 5..8_usize, wide()).prop_map(
            move |(door, reset, from, times, new, own, wait)| {
                let of = if reset { Flooded::Reset(door) } else { Flooded::Exchange(door) };
                let (at, with) = (at(door), With::Wrong);
                let redeem = |times| match reset {
                    true => Op::Reset { at, from, with, new, times },
                    false => Op::Exchange { at, from, with, times },
                };
                vec![flood(of, times), redeem(own), wait, redeem(own)]
            }
        ),
        // More sources at one account than there are separate budgets. A success resets the wide
        // budget.
        (0..SITES.len(), [90..=99_usize, 20..=45_usize], meanwhile(), known(), wait()).prop_map(
            move |(site, [first, second], between, own, wait)| {
                let door = (site, 0);
                let mut ops = vec![flood(Flooded::SignIn(door), first)];
                ops.extend([flood(Flooded::RightSignIn(door), 1), flood(Flooded::SignIn(door), second)]);
                ops.extend(between);
                ops.extend([sign_in(door, own, With::Wrong), sign_in(door, own, With::Own), wait]);
                ops.push(sign_in(door, From::Stranger, With::Own));
                ops
            }
        ),
    ]
    .boxed()
}

/// Generates sequences about the devices and sources that an account knows.
pub(super) fn devices() -> BoxedStrategy<Vec<Op>> {
    prop_oneof![
        // More devices than an account remembers.
        (0..SOURCES.len(), 14..=17_usize, meanwhile()).prop_map(|(own, back, between)| {
            let (door, from) = ((0, 0), From::Source(own));
            let mut ops = vec![Op::SignIn { at: at(door), from, with: With::Own, times: 17 }];
            ops.extend(between);
            ops.push(sign_in(door, From::Device(own, back), With::Own));
            ops
        }),
        // A customer who comes back after a long time.
        (door(), known(), prop::option::of(20..28_i64), any::<(bool, bool)>(), [known(), known()]).prop_map(
            |(door, own, hours, (early, tried), [back, later])| {
                let mut ops = vec![sign_in(door, own, With::Own)];
                if let Some(hours) = hours {
                    ops.extend([Op::Wait(Duration::hours(hours)), sign_in(door, own, With::Own)]);
                }
                ops.extend([sign_in(door, own, With::Wrong), Op::WaitFor { of: EndOf::Memory, early }]);
                if tried {
                    ops.push(flood(Flooded::SignIn(door), 100));
                }
                ops.extend([sign_in(door, back, With::Own), sign_in(door, later, With::Own)]);
                ops
            }
        ),
        // An owner whose account the host has changed.
        (0..2_usize, any::<bool>(), known(), meanwhile()).prop_map(|(place, is_admin, own, between)| {
            let back = From::Device(0, 0);
            let (signed_in, changed, again) = if is_admin {
                let changed = Op::AdminChanged { admin: place, change: AdminChange::PasswordChanged };
                (admins(place, own, With::Own), changed, admins(place, back, With::Own))
            } else {
                let changed = Op::CustomerChanged { customer: place, change: CustomerChange::Disabled };
                (sign_in((place, 0), own, With::Own), changed, sign_in((place, 0), back, With::Own))
            };
            [Some(signed_in), Some(changed), between, Some(again)].into_iter().flatten().collect()
        }),
        // An address that is given to another customer.
        (known(), 0..3_usize, meanwhile(), [with(), with()]).prop_map(move |(own, back, between, with)| {
            let (door, device) = ((0, 0), From::Device(0, back));
            let moved = |customer, (site, address)| Op::HostMoves { customer, site, address };
            let mut ops = vec![sign_in(door, own, With::Own), moved(0, (0, 4)), moved(1, door)];
            ops.extend(between);
            ops.extend([sign_in(door, device, with[0]), sign_in(door, device, With::Own)]);
            ops.push(flood(Flooded::SignIn(door), 100));
            ops.push(sign_in(door, own, with[1]));
            ops
        }),
    ]
    .boxed()
}
