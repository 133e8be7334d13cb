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

/// Finds what was changed, inserted, reordered or taken away in a signed audit trail.
///
/// It is fed the records in the order of their positions, from a database's own `verify` or from a copy. It needs every key
/// that signed any of them: a keyring of its own, in which retired keys are kept, beside or instead of the running shop's.
///
/// Whoever writes to the database without a key cannot change a signed record, put one in, or take one out without being found.
/// What has no key to it: the records before the first signed one can be changed at will; the end of a trail can be cut off;
/// and a whole trail can be taken away, or its signatures, or be replaced by another one that was signed with the same keys:
/// a link names no database. For all but the first, keep a [`Checkpoint`] elsewhere from time to time and hand all that were
/// kept to the verifier. What was erased can be put back by whoever has a copy of it: it is what was signed.
///
/// Whoever has a key can write what he likes, and only an anchored checkpoint contradicts him.
#[derive(Clone, Debug)]
#[must_use]
pub struct Verifier {
    keyring: Keyring,
    /// In the order of positions; the checkpoint that it begins with is one of them.
    anchors: Vec<Checkpoint>,
    since: Option<Checkpoint>,
    /// The next record's position.
    next: u64,
    /// The last link before it; none where that is not known.
    previous: Option<Digest>,
    /// True if something signed comes before it.
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

    /// Verifies from a checkpoint on that is trusted: what comes before it may have been pruned, and is not looked at. Its own
    /// record is the first that must be there, and is proved by what the checkpoint says of the
    /// [link before it](Checkpoint::previous). Earlier anchors are passed over.
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

    /// The checkpoint that it begins with.
    pub(crate) const fn first(&self) -> Option<Checkpoint> {
        self.since
    }

    /// Looks at the next record.
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

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.anchors.dedup_by_key(|anchor| anchor.position);
        for anchor in self.anchors.iter().filter(|anchor| anchor.position >= self.next) {
            self.report.find(anchor.position, FindingKind::CutOff);
        }
        self.report
    }

    /// True if a record is what was signed, after what came before it.
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
            // Half a signature.
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
                    // What is not signed may be taken away by anybody.
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
        // After a gap nobody knows what it was signed with: whoever made the gap may have written this one, too.
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

    /// True if a record is what the checkpoints of its place vouch for.
    fn compare(&mut self, record: &AuditRecord) {
        let first = self.anchors.partition_point(|anchor| anchor.position < record.position);
        let mut here =
            self.anchors.iter().skip(first).take_while(|anchor| anchor.position == record.position);
        if here.any(|anchor| record.link != Some(anchor.link)) {
            self.report.find(record.position, FindingKind::AnchorDiffers);
        }
    }
}
