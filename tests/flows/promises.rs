//! Each test that `tests/README.md` and `SECURITY.md` name exists.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder for the first part of a name.
const FOLDERS: [(&str, &str); 10] = [
    ("conformance", "src/conformance/cases"),
    ("faults", "tests/faults"),
    ("flows", "tests/flows"),
    ("fuzz", "tests/fuzz"),
    ("nodes", "tests/nodes"),
    ("src", "src"),
    ("storefront", "examples/storefront/tests"),
    ("stores", "tests/stores"),
    ("support", "tests/support/src"),
    ("wire", "tests/wire"),
];

fn read(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// Returns the source of a module. A module `tests` may be in the file of its parent.
fn source(folder: &str, modules: &[&str]) -> Option<String> {
    let path: PathBuf = [folder].iter().chain(modules).collect();
    read(path.with_extension("rs")).or_else(|| read(path.join("mod.rs"))).or_else(|| {
        let (last, parent) = modules.split_last()?;
        if *last == "tests" { source(folder, parent) } else { None }
    })
}

/// True if the source has a test of this name, or a function that a list of cases or backends turns
/// into a test.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let is_function = |line: &&str| {
        let signature = line.split_once("fn ").map(|(_, signature)| signature);
        let rest = signature.and_then(|signature| signature.strip_prefix(name));
        !line.starts_with("//") && rest.is_some_and(|rest| rest.starts_with(['(', '<']))
    };
    lines.iter().any(is_function)
}

/// Returns the names of tests in a text.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).collect()
}

fn exists(name: &str) -> bool {
    let parts: Vec<_> = name.split("::").collect();
    let [room, modules @ .., test] = &*parts else { return false };
    let folder = FOLDERS.iter().find(|(first, _)| first == room);
    let source = folder.and_then(|(_, folder)| source(folder, modules));
    source.is_some_and(|source| has_test(&source, test))
}

#[test]
fn every_named_test_exists() {
    let page = read("tests/README.md").expect("the page is beside this folder");
    let promises = page.split_once("\n### ").expect("it has promises").1;
    let named = names(promises);
    assert!(named.len() > 100, "the page is read: {} names", named.len());
    let missing: Vec<_> = named.iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "tests/README.md names tests that do not exist: {missing:#?}");
}

#[test]
fn every_threat_names_its_tests() {
    let page = read("SECURITY.md").expect("the page is at the root");
    let (_, table) = page.split_once("\n|---|---|---|\n").expect("it has a table of three columns");
    let rows: Vec<_> = table.lines().take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30, "the table is read: {} rows", rows.len());
    for row in rows {
        let cells: Vec<_> = row.split('|').collect();
        let ["", threat, _, tests, ""] = *cells else { panic!("not three cells: {row}") };
        let named = names(tests);
        assert!(!named.is_empty(), "SECURITY.md names no test for{threat}");
        let missing: Vec<_> = named.iter().filter(|name| !exists(name)).collect();
        assert!(missing.is_empty(), "SECURITY.md names tests that do not exist for{threat}: {missing:#?}");
    }
}
