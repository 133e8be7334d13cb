use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    keyring::KeyId,
    state::testing::{
        Kept, any_bytes, at, digest, enrolment_id, factor_id, generation, grant_id, refuses_bent, survives,
    },
    store::IndexEntry,
};

/// The time step whose code activates the enrolment.
const FIRST: u64 = 84_150_000;
/// The newest time step that can be used if no clock is ahead.
const NEWEST: u64 = u64::MAX;

fn sealed(name: &str) -> Sealed {
    Sealed { key: KeyId(1), bytes: [b"\0\xff'\\\n", name.as_bytes()].concat() }
}

/// An enrolment that expires at second 60. The digest of its token is made from `name`.
fn enrolment(name: &str, replaces: Option<&str>) -> Enrolment {
    Enrolment {
        id: enrolment_id(name),
        admin: AdminId::from(1),
        secret: sealed(name),
        replaces: replaces.map(factor_id),
        begun_with: replaces.map(|_| grant_id("a grant")),
        generation: generation(3),
        expires_at: at(60),
    }
}

fn codes(name: &str) -> Vec<Digest> {
    (0..10).map(|number| digest(format!("{name} {number}"))).collect()
}

/// The second factor that results from an enrolment that is activated at second 1.
fn fresh(name: &str) -> Factor {
    Factor {
        admin: AdminId::from(1),
        id: factor_id(name),
        secret: sealed(name),
        activated_at: at(1),
        last_step: FIRST,
        recovery_codes: codes(name),
    }
}

impl Kept {
    fn enrol(&mut self, enrolment: &Enrolment) {
        self.run(&Enrolling { enrolment }, at(0));
    }

    fn activate(&mut self, name: &str, now: i64) -> bool {
        self.activation(name, now).is_some()
    }

    fn activation(&mut self, name: &str, now: i64) -> Option<Earlier> {
        let (enrolment, recovery_codes) = (enrolment(name, None), codes(name));
        let activating = Activating { enrolment: &enrolment, step: FIRST, recovery_codes: &recovery_codes };
        self.run(&activating, at(now))
    }

    fn enrolled(name: &str) -> Self {
        let mut kept = Self::default();
        kept.enrol(&enrolment(name, None));
        assert!(kept.activate(name, 1));
        kept
    }

    fn factor(&mut self) -> Option<Factor> {
        self.run(&ReadingFactor { enrolment: None }, at(1)).0
    }

    fn enrolment(&mut self, name: &str, now: i64) -> Option<Enrolment> {
        self.run(&ReadingFactor { enrolment: Some(enrolment_id(name)) }, at(now)).1
    }

    fn use_step(&mut self, name: &str, step: u64, newest: u64) -> bool {
        self.run(&UsingStep { id: factor_id(name), step, newest }, at(1))
    }

    fn use_code(&mut self, name: &str, code: &str) -> bool {
        self.run(&UsingRecoveryCode { id: factor_id(name), code: &digest(code) }, at(1))
    }

    fn reseal(&mut self, name: &str, expected: &Sealed, new: &Sealed) -> bool {
        self.run(&Resealing { id: factor_id(name), expected, new }, at(1))
    }
}

#[test]
fn an_enrolment_lives_until_its_end_and_is_activated_once() {
    let mut kept = Kept::default();
    let begun = enrolment("one", None);
    kept.enrol(&begun);
    assert_eq!(kept.only().keep_until, Some(at(60)));
    assert_eq!((kept.enrolment("one", 59), kept.enrolment("one", 60)), (Some(begun), None));
    assert_eq!((kept.enrolment("never", 1), kept.factor()), (None, None));
    assert!(!kept.activate("one", 60) && !kept.activate("never", 1));
    assert!(kept.activate("one", 1));
    assert_eq!((kept.factor(), kept.enrolment("one", 1)), (Some(fresh("one")), None));
    assert!(!kept.activate("one", 1));
    assert_eq!(kept.only().keep_until, None, "a factor is never swept");
}

#[test]
fn a_later_enrolment_replaces_the_earlier_and_only_the_factor_that_it_names() {
    let mut kept = Kept::enrolled("first");
    for name in ["earlier", "later"] {
        kept.enrol(&enrolment(name, Some("first")));
    }
    assert!(kept.enrolment("earlier", 1).is_none() && !kept.activate("earlier", 1));
    assert!(kept.activate("later", 1));
    assert_eq!(kept.factor(), Some(fresh("later")));
    for stale in [enrolment("for nobody", None), enrolment("too late", Some("first"))] {
        kept.enrol(&stale);
        let activating = Activating { enrolment: &stale, step: FIRST, recovery_codes: &[] };
        assert_eq!(kept.run(&activating, at(1)), None);
        assert_eq!(kept.factor(), Some(fresh("later")));
    }
    // No recovery code and no step of the replaced factor is accepted.
    for name in ["first", "later"] {
        assert!(
            codes("first")
                .iter()
                .all(|code| { !kept.run(&UsingRecoveryCode { id: factor_id(name), code }, at(1)) })
        );
    }
    assert!(!kept.use_step("first", FIRST + 1, NEWEST));
}

/// Two nodes whose clocks are two minutes apart activate an enrolment. For the node whose clock is
/// ahead, the enrolment has expired.
#[test]
fn nodes_whose_clocks_are_apart_activate_an_enrolment_once() {
    for times in [[121, 1], [1, 121]] {
        let mut kept = Kept::default();
        kept.enrol(&enrolment("one", None));
        let done: Vec<_> = times.into_iter().map(|now| kept.activate("one", now)).collect();
        assert_eq!(done, times.map(|now| now == 1));
        assert_eq!(kept.factor().unwrap().id, factor_id("one"));
    }
    // The node that is ahead has begun a later enrolment. The earlier enrolment has ended, also for
    // the node that is behind.
    let mut kept = Kept::default();
    kept.enrol(&enrolment("earlier", None));
    kept.enrol(&Enrolment { expires_at: at(181), ..enrolment("later", None) });
    assert!(!kept.activate("earlier", 1) && kept.activate("later", 121));
}

#[test]
fn a_step_is_used_once_and_none_after_a_newer_one() {
    let mut kept = Kept::enrolled("one");
    for (step, used) in [(0, false), (1, true), (1, false), (3, true), (2, false), (3, false), (4, true)] {
        assert_eq!(kept.use_step("one", FIRST + step, NEWEST), used, "step {step}");
    }
    assert!(!kept.use_step("never", FIRST + 9, NEWEST));
    assert_eq!(kept.factor(), Some(Factor { last_step: FIRST + 4, ..fresh("one") }));
}

#[test]
fn a_step_of_a_clock_that_was_ahead_does_not_lock_the_owner_out() {
    let mut kept = Kept::enrolled("one");
    let ahead = FIRST + 1_000;
    assert!(kept.use_step("one", ahead, NEWEST));
    // A last step up to `newest` is not lowered.
    assert!(!kept.use_step("one", FIRST + 5, ahead));
    assert_eq!(kept.factor().unwrap().last_step, ahead, "a refusal lowers nothing");
    assert!(kept.use_step("one", FIRST + 5, ahead - 1));
    for (step, used) in [(4, false), (5, false), (6, true), (6, false)] {
        assert_eq!(kept.use_step("one", FIRST + step, FIRST + 8), used, "step {step}");
    }
    // Step 0 is never used, because the last step cannot be lowered below it.
    assert!(!kept.use_step("one", 0, 0));
}

#[test]
fn a_recovery_code_is_spent_once_and_all_are_replaced_as_a_set() {
    let mut kept = Kept::enrolled("one");
    assert!(!kept.use_code("another", "one 3"));
    assert!(kept.use_code("one", "one 3") && !kept.use_code("one", "one 3") && kept.use_code("one", "one 4"));
    assert_eq!(kept.factor().unwrap().recovery_codes.len(), 8);
    let (new, one, another) = (codes("new"), factor_id("one"), factor_id("another"));
    assert_eq!(kept.run(&ReplacingRecoveryCodes { id: another, codes: &new }, at(1)), None);
    let left = kept.run(&ReplacingRecoveryCodes { id: one, codes: &new }, at(1)).unwrap();
    assert_eq!(left.len(), 8, "those that were left");
    assert!(!kept.use_code("one", "one 5") && kept.use_code("one", "new 5"));
    assert!(kept.run(&ReplacingRecoveryCodes { id: one, codes: &[] }, at(1)).is_some());
    assert!(!kept.use_code("one", "new 6"));
}

#[test]
fn replaced_recovery_codes_are_put_back_unless_they_were_replaced_again() {
    let mut kept = Kept::enrolled("one");
    let (earlier, new, one, another) = (codes("one"), codes("new"), factor_id("one"), factor_id("another"));
    let restoring = |id| RestoringRecoveryCodes { id, written: &new, replaced: &earlier };
    assert!(!kept.run(&restoring(one), at(1)), "they were not written");
    kept.run(&ReplacingRecoveryCodes { id: one, codes: &new }, at(1));
    // A caller has already used one of the new codes.
    assert!(kept.use_code("one", "new 5") && kept.use_step("one", FIRST + 1, NEWEST));
    assert!(!kept.run(&restoring(another), at(1)));
    assert!(kept.run(&restoring(one), at(1)));
    assert_eq!(kept.factor(), Some(Factor { last_step: FIRST + 1, ..fresh("one") }));
    for codes in [new.clone(), codes("newer")] {
        kept.run(&ReplacingRecoveryCodes { id: one, codes: &codes }, at(1));
    }
    assert!(!kept.run(&restoring(one), at(1)));
    assert_eq!(kept.factor().unwrap().recovery_codes, codes("newer"));
}

#[test]
fn the_secret_that_was_drawn_last_is_the_one_that_activates() {
    let mut kept = Kept::default();
    let begun = enrolment("one", None);
    kept.enrol(&begun);
    let (first, last) = (sealed("first"), sealed("last"));
    for secret in [&first, &last] {
        assert!(kept.run(&Redrawing { id: begun.id, secret }, at(1)));
    }
    let redrawn = Enrolment { secret: last.clone(), ..begun.clone() };
    assert_eq!(kept.enrolment("one", 1), Some(redrawn.clone()), "nothing else has changed");
    assert_eq!(kept.only().keep_until, Some(at(60)));
    let shown_first = Enrolment { secret: first, ..begun.clone() };
    for (stale, now) in [(&begun, 1), (&shown_first, 1), (&redrawn, 60)] {
        let activating = Activating { enrolment: stale, step: FIRST, recovery_codes: &[] };
        assert_eq!(kept.run(&activating, at(now)), None);
    }
    let secret = &sealed("late");
    assert!(!kept.run(&Redrawing { id: begun.id, secret }, at(60)));
    assert!(!kept.run(&Redrawing { id: enrolment_id("never"), secret }, at(1)));
    let activating = Activating { enrolment: &redrawn, step: FIRST, recovery_codes: &[] };
    let earlier = Earlier { factor: None, enrolment: Some(redrawn.clone()) };
    assert_eq!(kept.run(&activating, at(1)), Some(earlier));
    assert_eq!(kept.factor().unwrap().secret, last);
    assert!(!kept.run(&Redrawing { id: begun.id, secret }, at(1)), "it is no enrolment any more");
}

#[test]
fn the_write_of_a_factor_is_undone_unless_there_is_another_by_now() {
    let mut kept = Kept::enrolled("first");
    assert!(kept.use_step("first", FIRST + 1, NEWEST) && kept.use_code("first", "first 3"));
    let (first, next) = (kept.factor().unwrap(), enrolment("next", Some("first")));
    kept.enrol(&next);
    let earlier = kept.activation("next", 1).unwrap();
    assert_eq!(earlier, Earlier { factor: Some(first.clone()), enrolment: Some(next.clone()) });
    let (id, another) = (factor_id("next"), factor_id("another"));
    assert!(!kept.run(&Restoring { id: another, earlier: &earlier }, at(1)));
    assert_eq!(kept.factor(), Some(fresh("next")));
    assert!(kept.run(&Restoring { id, earlier: &earlier }, at(1)));
    assert_eq!(kept.factor(), Some(first.clone()), "what was used of it stays used");
    assert_eq!(kept.enrolment("next", 1), Some(next));
    assert_eq!(kept.entries(), [&IndexEntry { shop_wide: true, name: sealed_index().name, rank: 1 }]);
    // The change can be undone only once.
    assert!(!kept.run(&Restoring { id, earlier: &earlier }, at(1)));
    // A later enrolment stays.
    assert!(kept.activate("next", 1));
    let later = enrolment("later", Some("next"));
    kept.enrol(&later);
    assert!(kept.run(&Restoring { id, earlier: &earlier }, at(1)));
    assert_eq!((kept.factor(), kept.enrolment("later", 1)), (Some(first), Some(later)));
    // If there was no factor before, the undo removes the new one. A second undo changes nothing.
    assert!(kept.run(&Removing, at(1)));
    let brought = fresh("brought");
    let earlier = kept.run(&Importing { factor: &brought }, at(1)).unwrap();
    assert_eq!(earlier, Earlier { factor: None, enrolment: None });
    assert!(kept.run(&Restoring { id: brought.id, earlier: &earlier }, at(1)) && kept.0.is_empty());
    assert!(!kept.run(&Restoring { id: brought.id, earlier: &earlier }, at(1)) && kept.0.is_empty());
}

#[test]
fn resealing_compares_keeps_the_rest_and_moves_the_entry() {
    let mut kept = Kept::enrolled("one");
    assert!(kept.use_step("one", FIRST + 7, NEWEST) && kept.use_code("one", "one 0"));
    let expected = kept.factor().unwrap();
    let new = Sealed { key: KeyId(2), bytes: b"\0new".to_vec() };
    let entry = |rank| IndexEntry { shop_wide: true, name: sealed_index().name, rank };
    for wrong in [sealed("another"), Sealed { key: KeyId(2), ..sealed("one") }, new.clone()] {
        assert!(!kept.reseal("one", &wrong, &new) && !kept.reseal("another", &sealed("one"), &new));
    }
    assert_eq!(kept.entries(), [&entry(1)]);
    assert!(kept.reseal("one", &sealed("one"), &new) && !kept.reseal("one", &sealed("one"), &new));
    assert_eq!(kept.factor(), Some(Factor { secret: new, ..expected }));
    assert_eq!(kept.entries(), [&entry(2)]);
}

#[test]
fn removing_and_importing_end_the_enrolment() {
    let mut kept = Kept::enrolled("one");
    kept.enrol(&enrolment("next", Some("one")));
    assert_eq!(kept.run(&Importing { factor: &fresh("another") }, at(1)), None);
    assert!(kept.enrolment("next", 1).is_some());
    assert!(kept.run(&Removing, at(1)) && kept.0.is_empty());
    assert!(!kept.run(&Removing, at(1)));
    kept.enrol(&enrolment("only begun", None));
    assert!(!kept.run(&Removing, at(1)) && kept.0.is_empty());
    kept.enrol(&enrolment("only begun", None));
    let begun = Some(enrolment("only begun", None));
    let earlier = kept.run(&Importing { factor: &fresh("brought") }, at(1));
    assert_eq!(earlier, Some(Earlier { factor: None, enrolment: begun }));
    assert_eq!(kept.factor(), Some(fresh("brought")));
    assert!(kept.enrolment("only begun", 1).is_none() && !kept.activate("only begun", 1));
}

#[test]
fn documents_are_text_that_an_operator_can_read_and_hold_no_secret() {
    let mut kept = Kept::default();
    kept.run(
        &Importing { factor: &Factor { recovery_codes: codes("one")[..1].to_vec(), ..fresh("one") } },
        at(0),
    );
    kept.enrol(&enrolment("next", Some("one")));
    let secret = |name| base16ct::lower::encode_string(&sealed(name).bytes);
    let enrolment = format!(
        r#"{{"format":1,"document":{{"token":"{}","admin":"1","secret":{{"key":1,"bytes":"{}"}},"replaces":"{}","begun_with":"{}","generation":{{"shop":"{}","subject":"{}"}},"expires_at":1764000060000000}}}}"#,
        digest("next"),
        secret("next"),
        digest("one"),
        digest("a grant"),
        "01".repeat(16),
        "03".repeat(16),
    );
    let factor = format!(
        r#"{{"format":1,"document":{{"admin":"1","name":"{}","secret":{{"key":1,"bytes":"{}"}},"activated_at":1764000001000000,"last_step":{FIRST},"recovery_codes":["{}"]}}}}"#,
        digest("one"),
        secret("one"),
        digest("one 0"),
    );
    assert_eq!(kept.texts(), [enrolment, factor]);
}

/// The documents of a factor and of an enrolment that will replace it.
fn texts() -> [String; 2] {
    let mut kept = Kept::enrolled("one");
    kept.enrol(&enrolment("next", Some("one")));
    let [enrolment_text, factor] = kept.texts().try_into().unwrap();
    [factor, enrolment_text]
}

#[test]
fn documents_of_another_shape_are_refused() {
    let ([factor, pending], now) = (texts(), at(1));
    let (id, pending_id, code) = (factor_id("one"), enrolment_id("next"), digest("one 0"));
    let (begun, secret) = (enrolment("next", Some("one")), sealed("one"));
    refuses_bent(&Enrolling { enrolment: &begun }, &[&pending], now);
    refuses_bent(&ReadingFactor { enrolment: Some(pending_id) }, &[&factor, &pending], now);
    let activating = Activating { enrolment: &begun, step: FIRST, recovery_codes: &[] };
    refuses_bent(&activating, &[&factor, &pending], now);
    refuses_bent(&Redrawing { id: pending_id, secret: &secret }, &[&pending], now);
    let earlier = Earlier { factor: None, enrolment: None };
    refuses_bent(&Restoring { id, earlier: &earlier }, &[&factor, &pending], now);
    refuses_bent(&Removing, &[&factor, &pending], now);
    refuses_bent(&UsingStep { id, step: FIRST, newest: NEWEST }, &[&factor], now);
    refuses_bent(&UsingRecoveryCode { id, code: &code }, &[&factor], now);
    refuses_bent(&ReplacingRecoveryCodes { id, codes: &[] }, &[&factor], now);
    let restoring = RestoringRecoveryCodes { id, written: &[code], replaced: &[] };
    refuses_bent(&restoring, &[&factor], now);
    refuses_bent(&Resealing { id, expected: &secret, new: &secret }, &[&factor], now);
    assert_eq!(decode_factor(factor.as_bytes()), Ok(fresh("one")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// If all clocks are right, each accepted step is newer than the accepted step before it, for
    /// any sequence of presented steps.
    #[test]
    fn used_steps_go_up(steps in vec(0..20_u64, 0..60)) {
        let mut kept = Kept::enrolled("one");
        let mut newest = 0;
        for step in steps {
            let used = kept.use_step("one", FIRST + step, FIRST + 20);
            prop_assert_eq!(used, step > newest);
            newest = newest.max(step);
        }
    }

    #[test]
    fn no_stored_bytes_end_the_process(bytes in prop::strategy::Union::new(texts().map(any_bytes)), seconds: i32) {
        let bytes = &bytes;
        let (id, code, begun, secret) = (factor_id("one"), digest("one"), enrolment("next", Some("one")), sealed("one"));
        let now = at(seconds.into());
        survives(&Enrolling { enrolment: &begun }, bytes, now);
        survives(&ReadingFactor { enrolment: Some(enrolment_id("one")) }, bytes, now);
        survives(&Activating { enrolment: &begun, step: 1, recovery_codes: &[] }, bytes, now);
        survives(&Redrawing { id: enrolment_id("one"), secret: &secret }, bytes, now);
        let earlier = Earlier { factor: Some(fresh("one")), enrolment: None };
        survives(&Restoring { id, earlier: &earlier }, bytes, now);
        survives(&Importing { factor: &fresh("one") }, bytes, now);
        survives(&UsingStep { id, step: u64::MAX, newest: 0 }, bytes, now);
        survives(&UsingRecoveryCode { id, code: &code }, bytes, now);
        survives(&ReplacingRecoveryCodes { id, codes: &[] }, bytes, now);
        survives(&RestoringRecoveryCodes { id, written: &[code], replaced: &[] }, bytes, now);
        survives(&Resealing { id, expected: &secret, new: &secret }, bytes, now);
        survives(&Removing, bytes, now);
        let _ = decode_factor(bytes);
    }
}
