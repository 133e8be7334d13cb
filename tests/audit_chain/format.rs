//! The format that releases agree on: written by hand and signed by another program.

use commerce_auth::audit::{AuditRecord, Checkpoint, Verifier};

use crate::{database::verified, keyring};

fn known() -> [AuditRecord; 3] {
    let read = |line| serde_json::from_str(line).expect("a record");
    let records: Vec<AuditRecord> = include_str!("known.jsonl").lines().map(read).collect();
    records.try_into().expect("three records")
}

#[test]
fn what_another_program_has_signed_verifies() {
    let [first, second, first_erased] = known();
    let head = "2:LINK".replace("LINK", &second.link.unwrap().to_string());
    let head: Checkpoint = head.parse().unwrap();
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
    for text in
        ["", ":", "12", &format!("+12:{link}"), &format!("-1:{link}"), &format!(":{link}"), &whole[..66]]
    {
        assert!(text.parse::<Checkpoint>().is_err(), "{text}");
    }
    assert!(whole.to_uppercase().parse::<Checkpoint>().is_err());
}
