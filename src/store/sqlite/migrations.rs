/// What makes each version of the tables from the one before. A step that was released is never changed again.
const STEPS: &[(u32, &str)] = &[
    (1, include_str!("schema.sql")),
    (2, include_str!("schema_2.sql")),
    (3, include_str!("schema_3.sql")),
    (4, include_str!("documents.sql")),
];

/// The version of the tables that this release knows.
pub(super) const VERSION: u32 = match STEPS.last() {
    Some((version, _)) => *version,
    None => 0,
};

/// What a file of that version lacks, in order.
pub(super) fn steps_after(found: u32) -> impl Iterator<Item = &'static str> {
    STEPS.iter().filter(move |(version, _)| *version > found).map(|(_, step)| *step)
}
