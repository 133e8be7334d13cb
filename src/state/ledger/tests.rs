use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    account::AdminId,
    state::testing::{Kept, any_bytes, at, grant_id, refuses_bent, survives},
    store::{IndexEntry, Key, Name},
    token::Grant,
};

const ENDS: [AssistanceEnd; 6] = [
    AssistanceEnd::Expired,
    AssistanceEnd::SignedOut,
    AssistanceEnd::EndedByCustomer,
    AssistanceEnd::ConsentWithdrawn,
    AssistanceEnd::Withdrawn,
    AssistanceEnd::NotIssued,
];
const HISTORY: Duration = Duration::from_secs(1000);

/// An assistance to customer 1 that begins at `second` and expires a minute later.
fn entry(name: &str, second: i64) -> AssistanceEntry {
    let (customer, website) = (CustomerId::from(1), Website::default());
    let grant =
        Grant::customer(grant_id(name), customer, website, Obtained::AsAdmin, at(second), at(second + 60));
    let grant = grant.assisted(Assistance::new(AdminId::from(9), grant_id("parent"), "a reason"));
    AssistanceEntry::of(&grant, &Origin::default().user_agent("an agent")).unwrap()
}

fn ended(entry: &AssistanceEntry, end: AssistanceEnd, second: i64) -> AssistanceEntry {
    AssistanceEntry { ended_at: Some(at(second)), end: Some(end), ..entry.clone() }
}

impl Kept {
    fn begin(&mut self, entry: &AssistanceEntry) {
        self.run(&Beginning { entry }, at(0));
    }

    fn end(&mut self, name: &str, end: AssistanceEnd, second: i64) -> Option<AssistanceEntry> {
        let grant = grant_id(name);
        self.run(&Ending { grant: &grant, end, history: HISTORY }, at(second))
    }

    fn find(&mut self, name: &str) -> Option<AssistanceEntry> {
        self.run(&FindingEntry { grant: &grant_id(name) }, at(0))
    }
}

#[test]
fn an_entry_comes_back_as_it_was_begun_and_ended() {
    let mut direct = entry("direct", 0);
    direct.origin = Origin::default();
    let mut elsewhere = entry("elsewhere", 1);
    elsewhere.website = "outlet_fr".parse().unwrap();
    elsewhere.obtained = Obtained::OneTimeCode;
    elsewhere.origin = Origin::from("::1".parse::<std::net::IpAddr>().unwrap()).correlation_id("7f3a9c");
    // The constructors of an assistance remove control characters from texts. A host can still set
    // control characters in the public fields. They are stored unchanged.
    elsewhere.origin.user_agent = Some("\0Mozilla (it's \"me\")\n".into());
    elsewhere.assistance =
        Arc::new(Assistance { reason: "\0é\u{2028}".into(), ..(*elsewhere.assistance).clone() });
    for (name, entry) in [("direct", direct), ("elsewhere", elsewhere)] {
        let mut kept = Kept::default();
        assert_eq!(kept.find(name), None);
        kept.begin(&entry);
        assert_eq!(kept.find(name), Some(entry.clone()));
        assert!(!kept.only().bytes.contains(&0), "a NUL is written as text");
        for end in ENDS {
            let mut kept = Kept::default();
            kept.begin(&entry);
            let expected = Some(ended(&entry, end, 5));
            assert_eq!(kept.end(name, end, 5), expected);
            assert_eq!(kept.find(name), expected);
        }
    }
}

#[test]
fn beginning_twice_keeps_the_first_and_the_first_end_stays() {
    let mut kept = Kept::default();
    assert_eq!(kept.end("same", AssistanceEnd::Expired, 1), None, "it never began");
    let first = entry("same", 0);
    kept.begin(&first);
    kept.begin(&entry("same", 9));
    assert_eq!(kept.find("same"), Some(first.clone()));
    let expected = ended(&first, AssistanceEnd::SignedOut, 3);
    assert_eq!(kept.end("same", AssistanceEnd::SignedOut, 3), Some(expected.clone()));
    kept.begin(&first);
    for end in ENDS {
        assert_eq!(kept.end("same", end, 4), None);
    }
    assert_eq!(kept.find("same"), Some(expected));
}

#[test]
fn no_end_is_later_than_the_expiry() {
    for (second, expected) in [(59, 59), (60, 60), (61, 60), (9000, 60)] {
        for end in ENDS {
            let mut kept = Kept::default();
            let open = entry("one", 0);
            kept.begin(&open);
            assert_eq!(kept.end("one", end, second), Some(ended(&open, end, expected)));
            assert_eq!(kept.only().keep_until, Some(at(expected + 1000)));
        }
    }
}

/// The clocks of two nodes are two minutes apart. The time for which the entry is kept has ended
/// long ago.
#[test]
fn an_end_is_not_written_over_by_a_clock_that_is_apart() {
    for (first, second) in [(2000, 2120), (2120, 2000)] {
        let mut kept = Kept::default();
        let open = entry("one", 0);
        kept.begin(&open);
        let expected = ended(&open, AssistanceEnd::Expired, 60);
        assert_eq!(kept.end("one", AssistanceEnd::Expired, 60), Some(expected.clone()));
        for now in [first, second] {
            kept.run(&Beginning { entry: &open }, at(now));
            assert_eq!(kept.end("one", AssistanceEnd::Withdrawn, now), None);
        }
        assert_eq!(kept.find("one"), Some(expected));
        assert_eq!(kept.only().keep_until, Some(at(1060)));
    }
}

#[test]
fn an_entry_is_kept_while_it_is_open_and_for_its_history() {
    let own = |second: i64| IndexEntry {
        shop_wide: false,
        name: Name::of("assistance"),
        rank: -(1_764_000_000 + second) * 1_000_000,
    };
    let open = |second: i64| IndexEntry {
        shop_wide: true,
        name: Name::of("open-assistance"),
        rank: (1_764_000_000 + second) * 1_000_000,
    };
    let mut kept = Kept::default();
    kept.begin(&entry("one", 7));
    assert_eq!((kept.only().keep_until, kept.entries()), (None, vec![&own(7), &open(7)]));
    assert!(kept.end("one", AssistanceEnd::Expired, 20).is_some());
    assert_eq!((kept.only().keep_until, kept.entries()), (Some(at(1020)), vec![&own(7)]));
    assert_eq!(
        of_customer_index(&CustomerId::from(1)),
        own(7).index(&crate::state::of_customer(&CustomerId::from(1)))
    );
    assert_eq!(open_index(), open(7).index(&crate::state::of_customer(&CustomerId::from(1))));
}

#[test]
fn the_longest_history_is_no_overflow() {
    let mut kept = Kept::default();
    kept.begin(&entry("one", 0));
    let grant = grant_id("one");
    let ending = Ending { grant: &grant, end: AssistanceEnd::Expired, history: Duration::MAX };
    assert!(kept.run(&ending, at(1)).is_some());
    assert!(kept.only().keep_until.unwrap().year() > 9000);
}

#[test]
fn erasing_takes_what_has_ended() {
    let mut kept = Kept::default();
    for (name, second) in [("one", 1), ("two", 2), ("open", 3)] {
        kept.begin(&entry(name, second));
    }
    let keys: Vec<Key> = kept.0.keys().cloned().collect();
    let erasing = ErasingEntries { keys };
    assert_eq!(kept.run(&erasing, at(9)), 0);
    for name in ["one", "two"] {
        assert!(kept.end(name, AssistanceEnd::Expired, 5).is_some());
    }
    assert_eq!(kept.run(&erasing, at(9)), 2);
    assert_eq!(kept.run(&erasing, at(9)), 0);
    assert!(kept.0.len() == 1 && kept.find("open").is_some());
}

#[test]
fn the_longest_entry_fits() {
    let quotes = |bytes| "\"".repeat(bytes);
    let mut entry = entry("one", 0);
    entry.customer = quotes(128).parse().unwrap();
    entry.origin = Origin::default().user_agent(&quotes(512)).correlation_id(&quotes(128));
    entry.assistance =
        Arc::new(Assistance::new(quotes(128).parse().unwrap(), grant_id("parent"), &quotes(1024)));
    let mut kept = Kept::default();
    kept.begin(&entry);
    assert!(kept.only().bytes.len() < 8 * 1024);
}

fn text() -> String {
    let mut kept = Kept::default();
    kept.begin(&entry("one", 0));
    assert!(kept.end("one", AssistanceEnd::EndedByCustomer, 5).is_some());
    kept.texts().remove(0)
}

#[test]
fn a_document_is_text_that_an_operator_can_read() {
    let expected = format!(
        r#"{{"format":1,"document":{{"grant":"{}","customer":"1","website":"base","assistance":{{"actor":"9","parent":"{}","reason":"a reason"}},"obtained":"as_admin","origin":{{"source":null,"user_agent":"an agent","correlation_id":null}},"began_at":1764000000000000,"expires_at":1764000060000000,"ended":{{"at":1764000005000000,"how":"ended_by_customer"}}}}}}"#,
        grant_id("one"),
        grant_id("parent")
    );
    assert_eq!(text(), expected);
}

#[test]
fn a_document_of_another_shape_is_refused() {
    let (text, entry, grant, now) = (text(), entry("one", 0), grant_id("one"), at(1));
    refuses_bent(&Beginning { entry: &entry }, &[&text], now);
    refuses_bent(&FindingEntry { grant: &grant }, &[&text], now);
    let ending = Ending { grant: &grant, end: AssistanceEnd::Expired, history: HISTORY };
    refuses_bent(&ending, &[&text], now);
    let mut kept = Kept::default();
    kept.begin(&entry);
    refuses_bent(&ErasingEntries { keys: kept.0.keys().cloned().collect() }, &[&text], now);
    assert_eq!(decode_entry(text.as_bytes()).unwrap().grant, grant);
    assert!(decode_entry(b"{}").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_stored_bytes_end_the_process(bytes in any_bytes(text()), seconds: i32) {
        let (entry, grant, now) = (entry("one", 0), grant_id("one"), at(seconds.into()));
        survives(&Beginning { entry: &entry }, &bytes, now);
        survives(&FindingEntry { grant: &grant }, &bytes, now);
        let ending = Ending { grant: &grant, end: AssistanceEnd::Expired, history: HISTORY };
        survives(&ending, &bytes, now);
        let mut kept = Kept::default();
        kept.begin(&entry);
        survives(&ErasingEntries { keys: kept.0.keys().cloned().collect() }, &bytes, now);
        let _ = decode_entry(&bytes);
    }
}
