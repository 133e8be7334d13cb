//! The guides agree with the repository.

use std::collections::BTreeSet;

/// The crates that compute hashes are optimised in the repository's own debug builds, and a host
/// copies the list from the guide.
#[test]
fn the_guide_names_the_crates_that_debug_builds_optimise() {
    let manifest = include_str!("../../Cargo.toml");
    let own: BTreeSet<_> = manifest
        .split("[profile.dev.package.")
        .skip(1)
        .filter_map(|section| section.split_once("]\nopt-level = 3\n"))
        .map(|(name, _)| name)
        .collect();
    let guide = include_str!("../../docs/go-live.md");
    let (_, block) = guide.split_once("[profile.dev.package]\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let told: BTreeSet<_> =
        block.lines().filter_map(|line| line.trim().strip_suffix(" = { opt-level = 3 }")).collect();
    assert!(own.contains("argon2"));
    assert_eq!(told, own);
}
