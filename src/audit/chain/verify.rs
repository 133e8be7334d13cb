use hmac::Mac;

use super::{
    AuditRecord, Checkpoint, FindingKind, Report,
    link::{self, START},
    record::Personal,
};
use crate::{
    keyring::{KeyId, Keyring},
    token::Digest,
};

/// Finds records that were changed, inserted, reordered or removed in a signed audit trail.
///
/// Call [`feed`](Self::feed) with the records in the order of their positions, from the `verify`
/// method of a database or from a copy. The verifier needs every key that signed one of the
/// records, so give it a separate keyring that also has the retired keys.
///
/// An attacker who can write to the database but has no key cannot change, insert or remove a
/// signed record unnoticed. The signatures alone do not detect the following:
///
/// - a change of the records before the first signed one;
/// - the removal of the newest records;
/// - the removal of the whole trail, or of all its signatures;
/// - another trail in its place that was signed with the same keys, because a link names no
///   database.
///
/// Stored checkpoints detect all of these except the first, up to the newest checkpoint. Store a
/// [`Checkpoint`] elsewhere from time to time, and give all stored checkpoints to the verifier.
///
/// An attacker who has a copy of erased personal data can restore the data unnoticed, because the
/// data then matches the signed digest again.
///
/// An attacker who has a key can forge records. Only a stored checkpoint then reveals the change.
#[derive(Clone, Debug)]
#[must_use]
pub struct Verifier {
    keyring: Keyring,
    /// The checkpoints in the order of positions. The checkpoint that the verification begins with
    /// is one of them.
    anchors: Vec<Checkpoint>,
    since: Option<Checkpoint>,
    /// The expected position of the next record.
    next: u64,
    /// The link before the next record. None if it is not known.
    previous: Option<Digest>,
    /// True if a signed record comes before the next one.
    after_signed: bool,
    report: Report,
}

impl Verifier {
    /// Verifies a trail from its first record on, against the checkpoints that were kept elsewhere.
    pub fn new(keyring: &Keyring, anchors: &[Checkpoint]) -> Self {
        let mut anchors = anchors.to_vec();
        anchors.sort_unstable_by_key(|anchor| anchor.position);
        Self {
            keyring: keyring.clone(),
            anchors,
            since: None,
            next: 1,
            previous: Some(START),
            after_signed: false,
            report: Report::default(),
        }
    }

    /// Begins the verification with a trusted checkpoint.
    ///
    /// Records before the checkpoint may have been pruned, and are ignored. The record of the
    /// checkpoint must be present. It is verified with the [link before it](Checkpoint::previous)
    /// that the checkpoint holds. Earlier checkpoints are ignored.
    pub fn since(mut self, checkpoint: Checkpoint) -> Self {
        self.anchors.retain(|anchor| anchor.position >= checkpoint.position);
        self.anchors.insert(0, checkpoint);
        Self {
            since: Some(checkpoint),
            next: checkpoint.position,
            previous: checkpoint.previous,
            after_signed: true,
            ..self
        }
    }

    /// The checkpoint that the verification begins with.
    pub(crate) const fn first(&self) -> Option<Checkpoint> {
        self.since
    }

    /// Verifies the next record.
    pub fn feed(&mut self, record: &AuditRecord) {
        if self.since.is_some_and(|since| record.position < since.position) {
            return;
        }
        self.report.records += 1;
        if record.position < self.next {
            return self.report.find(record.position, FindingKind::OutOfOrder);
        }
        if record.position > self.next {
            self.report.find(self.next, FindingKind::Missing { to: record.position - 1 });
            self.previous = None;
        }
        self.next = record.position.saturating_add(1);
        self.check(record);
        self.compare(record);
    }

    /// Returns the report.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.anchors.dedup_by_key(|anchor| anchor.position);
        for anchor in self.anchors.iter().filter(|anchor| anchor.position >= self.next) {
            self.report.find(anchor.position, FindingKind::CutOff);
        }
        self.report
    }

    /// Verifies the signature and the content of a record.
    fn check(&mut self, record: &AuditRecord) {
        let linked = match (record.key, record.link) {
            (Some(key), Some(link)) => {
                let linked = self.is_linked(record, key, link);
                self.report.signed += 1;
                let previous = self.previous;
                self.report.head = Some(Checkpoint { position: record.position, link, previous });
                self.previous = Some(link);
                self.after_signed = true;
                linked
            }
            (None, None) if self.after_signed => Err(FindingKind::Unsigned),
            (None, None) => Ok(()),
            // The record has a key without a link, or a link without a key.
            (_, link) => {
                self.previous = link;
                Err(FindingKind::Changed)
            }
        };
        let found = linked.and_then(|()| match record.agrees() {
            None => Err(FindingKind::Changed),
            Some(Personal::Whole) => Ok(()),
            Some(Personal::Gone(erasure)) => {
                self.report.erased += 1;
                match (record.link, erasure) {
                    (Some(link), Some(erasure)) => self.is_erased(record, link, erasure.key, &erasure.mac),
                    // An unsigned record needs no proof that its personal part was erased.
                    (None, None) => Ok(()),
                    _ => Err(FindingKind::ErasedWithoutRight),
                }
            }
        });
        if let Err(kind) = found {
            self.report.find(record.position, kind);
        }
    }

    fn is_linked(&self, record: &AuditRecord, key: KeyId, link: Digest) -> Result<(), FindingKind> {
        let mac = self.keyring.audit_mac(key).ok_or(FindingKind::UnknownKey(key))?;
        // After a gap, the link of the previous record is unknown. An attacker who made the gap may
        // have written this record, too.
        let previous = self.previous.ok_or(FindingKind::Unproven)?;
        let expected = link::link(mac, record.position, previous, &record.event);
        expected.verify_slice(link.as_bytes()).map_err(|_| FindingKind::Changed)
    }

    fn is_erased(
        &self,
        record: &AuditRecord,
        link: Digest,
        key: KeyId,
        mac: &Digest,
    ) -> Result<(), FindingKind> {
        let expected = self.keyring.audit_mac(key).ok_or(FindingKind::UnknownKey(key))?;
        let expected = link::erasure(expected, record.position, link);
        expected.verify_slice(mac.as_bytes()).map_err(|_| FindingKind::ErasedWithoutRight)
    }

    /// Compares a record with the checkpoints of its position.
    fn compare(&mut self, record: &AuditRecord) {
        let first = self.anchors.partition_point(|anchor| anchor.position < record.position);
        let mut here =
            self.anchors.iter().skip(first).take_while(|anchor| anchor.position == record.position);
        if here.any(|anchor| record.link != Some(anchor.link)) {
            self.report.find(record.position, FindingKind::AnchorDiffers);
        }
    }
}
