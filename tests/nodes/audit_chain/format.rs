//! The format on which releases agree: records written by hand and signed by another program.

use commerce_auth::audit::{AuditRecord, Checkpoint, Verifier};

use crate::audit_chain::{database::verified, keyring};

/// The checkpoint of the trail, as it is kept elsewhere: the position, the link of that record and
/// the link before it.
const KNOWN_HEAD: &str = "2:7076a05e87bdda21d59cfc53523ea925a7e0401eca461b1808b1bf066eeaa23c:\
                          0cfbde639471d2dc9954b0fc02c83ec7e8559599e8995793f05af307ba96aa1a";

fn known() -> [AuditRecord; 3] {
    let read = |line| serde_json::from_str(line).expect("a record");
    let records: Vec<AuditRecord> = include_str!("known.jsonl").lines().map(read).collect();
    records.try_into().expect("three records")
}

#[test]
fn what_another_program_has_signed_verifies() {
    let [first, second, first_erased] = known();
    let head: Checkpoint = KNOWN_HEAD.parse().unwrap();
    assert_eq!((head.position, Some(head.link), head.previous), (2, second.link, first.link));
    assert_eq!(head.to_string(), KNOWN_HEAD);
    let verifier = || Verifier::new(&keyring(), &[head]);
    let report = verified(verifier(), &[first.clone(), second.clone()]);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.records, report.signed, report.erased, report.head), (2, 2, 0, Some(head)));
    let report = verified(verifier(), &[first_erased.clone(), second]);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!((report.signed, report.erased), (2, 1));
    assert_eq!(first.read().unwrap().origin.user_agent.as_deref(), Some("curl"));
    assert_eq!(first_erased.read().unwrap().subject, None);
}

#[test]
fn a_record_is_the_same_after_a_copy() {
    for record in known() {
        let copy = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<AuditRecord>(&copy).unwrap(), record);
    }
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let link = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let whole = format!("12:{link}");
    let checkpoint: Checkpoint = whole.parse().unwrap();
    assert_eq!(serde_json::to_string(&checkpoint).unwrap(), format!("\"{whole}\""));
    assert_eq!(serde_json::from_str::<Checkpoint>(&format!("\"{whole}\"")).unwrap(), checkpoint);
    // The checkpoint is also valid without the link before it.
    assert_eq!((checkpoint.to_string(), checkpoint.previous), (whole.clone(), None));
    let longer = format!("{whole}:{link}");
    assert_eq!(longer.parse::<Checkpoint>().unwrap().to_string(), longer);
    for more in ["", ":", &link[1..], &format!("{link}:"), &format!("{link}:{link}")] {
        assert!(format!("{whole}:{more}").parse::<Checkpoint>().is_err(), "{more}");
    }
    for text in
        ["", ":", "12", &format!("+12:{link}"), &format!("-1:{link}"), &format!(":{link}"), &whole[..66]]
    {
        assert!(text.parse::<Checkpoint>().is_err(), "{text}");
    }
    assert!(whole.to_uppercase().parse::<Checkpoint>().is_err());
}
