use proptest::prelude::*;

use super::*;
use crate::{
    account::AdminId,
    state::{
        Content,
        testing::{Kept, any_bytes, at, digest, generation, grant_id, refuses_bent, survives},
    },
    store::Purposes,
};

const BOTH: Purposes = Purposes { reset_token: true, one_time_code: true, confirmation: true };

/// A reset token that is valid from second 0 to second 60.
fn reset_token(name: &str) -> OneTimeCredential {
    let (customer, website) = (CustomerId::from(1), Website::default());
    OneTimeCredential::reset_token(digest(name), website, customer, generation(0), at(0), at(60))
}

/// A confirmation token that is valid from second 0 to second 60.
fn confirmation(name: &str) -> OneTimeCredential {
    let (token, confirms) = (digest(name), digest("address"));
    let (customer, website) = (CustomerId::from(1), Website::default());
    OneTimeCredential::confirmation(token, website, customer, generation(0), confirms, at(0), at(60))
}

/// A one-time code that is valid from second 0 to second 30.
fn code(name: &str) -> OneTimeCredential {
    let (customer, website) = (CustomerId::from(1), Website::default());
    let assistance = Assistance::new(AdminId::from(9), grant_id("parent"), "a reason");
    let (digest, generation) = (digest(name), generation(7));
    OneTimeCredential::one_time_code(digest, website, customer, generation, assistance, at(0), at(30))
}

fn presented(credential: &OneTimeCredential) -> Presented {
    let OneTimeCredential { website, customer, digest, .. } = credential.clone();
    Presented { website, customer, digest, purposes: BOTH }
}

impl Kept {
    fn put(&mut self, credential: &OneTimeCredential, now: i64) -> bool {
        self.run(&Putting { credential, keep: 3, now: at(now) }, at(now))
    }

    fn peek(&mut self, presented: &Presented, now: i64) -> Found {
        self.run(&Peeking { presented, now: at(now) }, at(now))
    }

    fn take(&mut self, credential: &OneTimeCredential, now: i64) -> Take {
        let bought = digest("bought");
        self.run(&Taking { credential, bought: Some(&bought), now: at(now) }, at(now))
    }
}

fn spent(credential: &OneTimeCredential) -> Spent {
    let OneTimeCredential { purpose, generation, .. } = *credential;
    Spent { purpose, generation, bought: Some(digest("bought")) }
}

#[test]
fn a_credential_is_found_as_it_was_put_and_taken_once() {
    for credential in [reset_token("reset"), code("code"), confirmation("confirmation")] {
        let mut kept = Kept::default();
        assert!(kept.put(&credential, 0));
        assert_eq!(kept.peek(&presented(&credential), 1), Found::Live(credential.clone()));
        assert_eq!(kept.take(&credential, 1), Take::Taken);
        for now in [1, 2] {
            assert_eq!(kept.take(&credential, now), Take::Spent(spent(&credential)));
            assert_eq!(kept.peek(&presented(&credential), now), Found::Spent(spent(&credential)));
        }
        assert!(!kept.texts()[0].contains("reason"), "a mark keeps nobody's reason");
    }
}

#[test]
fn a_credential_and_its_mark_end_at_the_instant() {
    let mut kept = Kept::default();
    let (early, late) = (code("early"), code("late"));
    assert!(kept.put(&early, 0) && kept.put(&late, 0));
    assert_eq!(kept.take(&early, 29), Take::Taken);
    assert_eq!(kept.take(&late, 30), Take::Nothing);
    assert_eq!(kept.take(&early, 30), Take::Nothing);
    for credential in [&early, &late] {
        assert_eq!(kept.peek(&presented(credential), 30), Found::Nothing);
    }
}

#[test]
fn a_wrong_tuple_finds_nothing() {
    for credential in [reset_token("reset"), code("code")] {
        let mut kept = Kept::default();
        assert!(kept.put(&credential, 0));
        let right = presented(&credential);
        let is_code = credential.purpose == Purpose::OneTimeCode;
        let wrong = [
            Presented { website: "outlet_fr".parse().unwrap(), ..right.clone() },
            Presented { customer: CustomerId::from(2), ..right.clone() },
            Presented { digest: digest("another"), ..right.clone() },
            Presented {
                purposes: Purposes { reset_token: is_code, one_time_code: !is_code, confirmation: true },
                ..right.clone()
            },
        ];
        for _ in 0..2 {
            for wrong in &wrong {
                assert_eq!(kept.peek(wrong, 1), Found::Nothing, "{wrong:?}");
            }
            // In the second round, the document has the mark of the spent credential in place of
            // the credential.
            let _ = kept.take(&credential, 1);
        }
        for other in [
            OneTimeCredential { website: "outlet_fr".parse().unwrap(), ..credential.clone() },
            OneTimeCredential { customer: CustomerId::from(2), ..credential.clone() },
        ] {
            assert_eq!(kept.take(&other, 1), Take::Nothing, "{other:?}");
        }
    }
}

#[test]
fn a_digest_is_put_once() {
    let mut kept = Kept::default();
    let credential = code("code");
    assert!(kept.put(&credential, 0) && !kept.put(&credential, 0));
    assert_eq!(kept.take(&credential, 1), Take::Taken);
    assert!(!kept.put(&credential, 1), "a spent code is not revived");
    let later = OneTimeCredential { expires_at: at(120), ..credential };
    assert!(!kept.put(&later, 40), "not even while only the mark of an expired one is left");
    assert_eq!(kept.peek(&presented(&later), 41), Found::Nothing);
}

#[test]
fn only_the_newest_of_a_purpose_stay() {
    let mut kept = Kept::default();
    let elsewhere = OneTimeCredential { website: "outlet_fr".parse().unwrap(), ..reset_token("old") };
    let spent = reset_token("spent");
    assert!(kept.put(&spent, 0) && kept.put(&code("a code"), 0));
    assert_eq!(kept.take(&spent, 0), Take::Taken);
    let four = [reset_token("oldest"), elsewhere, reset_token("new"), reset_token("newest")];
    for (now, credential) in (1..).zip(&four) {
        assert!(kept.put(credential, now));
    }
    assert_eq!(kept.take(&four[0], 5), Take::Nothing);
    for credential in [&four[1], &four[2], &four[3], &code("a code")] {
        assert_eq!(kept.take(credential, 5), Take::Taken, "{credential:?}");
    }
    assert!(matches!(kept.take(&spent, 5), Take::Spent(_)), "the mark of a spent one stays");
}

#[test]
fn none_kept_leaves_no_document() {
    let mut kept = Kept::default();
    let credential = reset_token("reset");
    assert!(kept.run(&Putting { credential: &credential, keep: 0, now: at(0) }, at(0)));
    assert!(kept.0.is_empty());
    assert!(kept.put(&credential, 0));
    let other = reset_token("other");
    assert!(kept.run(&Putting { credential: &other, keep: 0, now: at(0) }, at(0)));
    assert!(kept.0.is_empty());
}

#[test]
fn a_document_is_swept_after_its_last_expiry_and_erased_at_once() {
    let mut kept = Kept::default();
    assert!(kept.put(&reset_token("reset"), 0) && kept.put(&code("code"), 0));
    assert_eq!(kept.only().keep_until, Some(at(60)));
    assert_eq!(kept.take(&reset_token("reset"), 1), Take::Taken);
    assert_eq!(kept.only().keep_until, Some(at(60)), "the mark stays as long as its credential would");
    kept.sweep(at(59));
    kept.run(&ErasingCodes, at(1));
    assert!(kept.0.is_empty());
    kept.run(&ErasingCodes, at(1));
}

/// The clocks of two nodes are two minutes apart. The codes have expired for the node that is
/// ahead, and are live for the node that is behind.
#[test]
fn nodes_whose_clocks_are_apart_revive_nothing_and_lose_no_mark() {
    let (spent_one, live) = (code("spent"), code("live"));
    for ahead_first in [true, false] {
        let mut kept = Kept::default();
        assert!(kept.put(&spent_one, 0) && kept.put(&live, 0));
        assert_eq!(kept.take(&spent_one, 1), Take::Taken);
        let (ahead, behind) = (121, 1);
        for now in if ahead_first { [ahead, behind] } else { [behind, ahead] } {
            let next = OneTimeCredential { expires_at: at(now + 30), ..code(&format!("next {now}")) };
            assert!(kept.put(&next, now));
            let still = if now == behind { Take::Spent(spent(&spent_one)) } else { Take::Nothing };
            assert_eq!(kept.take(&spent_one, now), still, "at {now}");
        }
        // The node that is behind still detects a replay. It cannot use the code that the node that
        // is ahead has removed as expired.
        assert_eq!(kept.take(&spent_one, behind), Take::Spent(spent(&spent_one)));
        assert_eq!(kept.take(&live, behind), Take::Nothing);
        assert!(!kept.put(&spent_one, behind) && !kept.put(&spent_one, ahead));
    }
}

#[test]
fn the_fullest_document_fits() {
    let id = "\"".repeat(128);
    let mut kept = Kept::default();
    let full = |name: &str, purpose: bool, expires: i64| {
        let assistance = Assistance::new(id.parse().unwrap(), grant_id("parent"), &"\"".repeat(1024));
        let mut credential = if purpose { code(name) } else { reset_token(name) };
        credential.website = "w".repeat(32).parse().unwrap();
        credential.customer = id.parse().unwrap();
        credential.generation = generation(9);
        credential.expires_at = at(expires);
        if purpose {
            credential.assistance = Some(Arc::new(assistance));
        }
        credential
    };
    for number in 0..140 {
        let next = full(&format!("spent {number}"), true, 10_000 - number);
        assert!(kept.put(&next, 0));
        assert_eq!(kept.take(&next, 0), Take::Taken);
    }
    for number in 0..6 {
        assert!(kept.put(&full(&format!("live {number}"), number % 2 == 0, 10_000), 0));
    }
    let bytes = kept.only().bytes.len();
    assert!((50_000..60_000).contains(&bytes), "{bytes} bytes");
    // The marks that would have expired first are removed.
    assert!(matches!(kept.take(&full("spent 127", true, 9_873), 0), Take::Spent(_)));
    assert_eq!(kept.take(&full("spent 139", true, 9_861), 0), Take::Nothing);
}

/// A document with a reset token, a one-time code, and a spent one-time code.
fn text() -> String {
    let mut kept = Kept::default();
    assert!(kept.put(&reset_token("reset"), 0) && kept.put(&code("spent"), 0) && kept.put(&code("code"), 0));
    assert!(kept.put(&confirmation("confirmation"), 0));
    assert_eq!(kept.take(&code("spent"), 0), Take::Taken);
    kept.texts().remove(0)
}

#[test]
fn a_document_is_text_that_an_operator_can_read() {
    let name = |name| digest(name).to_string();
    let (ones, sevens) = ("01".repeat(16), "07".repeat(16));
    let reset = format!(
        r#"{{"digest":"{}","purpose":"reset_token","website":"base","generation":{{"shop":"{ones}","subject":null}},"assistance":null,"confirms":null,"issued_at":1764000000000000,"expires_at":1764000060000000}}"#,
        name("reset")
    );
    let code = format!(
        r#"{{"digest":"{}","purpose":"one_time_code","website":"base","generation":{{"shop":"{ones}","subject":"{sevens}"}},"assistance":{{"actor":"9","parent":"{}","reason":"a reason"}},"confirms":null,"issued_at":1764000000000000,"expires_at":1764000030000000}}"#,
        name("code"),
        name("parent")
    );
    let confirmation = format!(
        r#"{{"digest":"{}","purpose":"confirmation","website":"base","generation":{{"shop":"{ones}","subject":null}},"assistance":null,"confirms":"{}","issued_at":1764000000000000,"expires_at":1764000060000000}}"#,
        name("confirmation"),
        name("address")
    );
    let spent = format!(
        r#"{{"digest":"{}","purpose":"one_time_code","website":"base","generation":{{"shop":"{ones}","subject":"{sevens}"}},"bought":"{}","expires_at":1764000030000000}}"#,
        name("spent"),
        name("bought")
    );
    let expected = format!(
        r#"{{"format":1,"document":{{"customer":"1","outstanding":[{reset},{code},{confirmation}],"spent":[{spent}]}}}}"#
    );
    assert_eq!(text(), expected);
}

#[test]
fn a_document_of_another_shape_is_refused_and_stays() {
    let (text, credential) = (text(), reset_token("reset"));
    let (presented, now) = (presented(&credential), at(1));
    refuses_bent(&Putting { credential: &credential, keep: 3, now }, &[&text], now);
    refuses_bent(&Peeking { presented: &presented, now }, &[&text], now);
    refuses_bent(&Taking { credential: &credential, bought: None, now }, &[&text], now);
    refuses_bent(&ErasingCodes, &[&text], now);
    let mut kept = Kept::default();
    assert!(kept.put(&credential, 0));
    let newer = br#"{"format":2,"document":{}}"#.to_vec();
    let content: &mut Content = kept.0.values_mut().next().unwrap();
    content.bytes.clone_from(&newer);
    assert!(kept.try_run(&ErasingCodes, now).is_err());
    assert_eq!(kept.only().bytes, newer);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_stored_bytes_end_the_process(bytes in any_bytes(text()), seconds: i32) {
        let (credential, now) = (reset_token("reset"), at(seconds.into()));
        let presented = presented(&credential);
        survives(&Putting { credential: &credential, keep: 3, now }, &bytes, now);
        survives(&Peeking { presented: &presented, now }, &bytes, now);
        survives(&Taking { credential: &credential, bought: None, now }, &bytes, now);
        survives(&ErasingCodes, &bytes, now);
    }
}
