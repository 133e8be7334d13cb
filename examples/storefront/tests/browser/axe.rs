//! axe-core, which finds what keeps people with disabilities from a page. npm installs it once, beside the build.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::browser::{Browser, REQUIRE};

/// WCAG 2.2 at the levels A and AA, and what axe calls best practice.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// Fails if axe has a finding on the page as it is now.
pub(crate) async fn finds_nothing(browser: &Browser, state: &str) {
    static SOURCE: OnceLock<Option<String>> = OnceLock::new();
    let Some(source) = SOURCE.get_or_init(source) else { return };
    if browser.ask("return typeof axe").await == "undefined" {
        browser.ask(source).await;
    }
    let run = format!(
        "return axe.run({{ runOnly: {}, resultTypes: ['violations'] }}).then(({{ violations, passes }}) => ({{ \
         passes: passes.length, \
         violations: violations.map(({{ id, help, nodes }}) => \
         `${{id}}: ${{help}}: ${{nodes.map(({{ html, failureSummary }}) => `${{html}} ${{failureSummary}}`)}}`) }}))",
        json!(TAGS)
    );
    let found = browser.ask(&run).await;
    assert!(found["passes"].as_u64().is_some_and(|passes| passes > 10), "axe looked at nothing: {found}");
    let Value::Array(violations) = &found["violations"] else { panic!("{found}") };
    let violations: Vec<_> = violations.iter().filter_map(Value::as_str).collect();
    assert!(violations.is_empty(), "{state}:\n{}", violations.join("\n"));
}

/// None, and a loud word, where npm cannot install it.
fn source() -> Option<String> {
    match install() {
        Ok(folder) => Some(fs::read_to_string(folder.join("node_modules/axe-core/axe.min.js")).unwrap()),
        Err(error) => {
            assert_ne!(env::var(REQUIRE).as_deref(), Ok("1"), "npm cannot install axe-core: {error}");
            // Not by `eprintln!`, whose words a passing test keeps to itself.
            let _ = writeln!(
                io::stderr(),
                "SKIPPED: npm cannot install axe-core, so the pages are not checked by it"
            );
            None
        }
    }
}

/// Installs what the lock file pins, unless it is there.
fn install() -> io::Result<PathBuf> {
    let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/axe");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe");
    let lock = fs::read(pinned.join("package-lock.json"))?;
    let installed = folder.join("installed");
    if fs::read(&installed).ok().as_ref() == Some(&lock) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(pinned.join(file), folder.join(file))?;
    }
    let npm = Command::new("npm")
        .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(&folder)
        .status()?;
    if !npm.success() {
        return Err(io::Error::other(npm.to_string()));
    }
    fs::write(installed, lock)?;
    Ok(folder)
}
