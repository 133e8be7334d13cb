//! The growth curves: verifications, sign-ins and memory, against live tokens or callers at once.
//! Prints one line of JSON for each point. Keeps the points in `growth/points.jsonl`, and draws
//! them into `docs/pictures`. `benches/curves` runs this program.

mod growth {
    pub mod lookups;
    pub mod memory;
    pub mod pictures;
    pub mod points;
    pub mod sign_ins;
}

use std::{fs, path::Path};

use commerce_auth_benches::{is_chosen, is_measuring_process, sizes};
use growth::{lookups, memory, pictures, points::Points, sign_ins};

/// Measures a part, and adds its points.
type Measure = fn(&mut Points);

fn main() {
    if is_measuring_process() {
        return;
    }
    // A test keeps nothing.
    let is_test = sizes().len() == 1;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = folder.join("growth/points.jsonl");
    let mut points = if is_test { Points::default() } else { Points::read(&kept) };
    let parts: [(&str, Measure); 3] =
        [("lookups", lookups::measure), ("sign-ins", sign_ins::measure), ("memory", memory::measure)];
    for (_, measure) in parts.into_iter().filter(|(part, _)| is_chosen(part)) {
        let mut measured = Points::default();
        measure(&mut measured);
        points = points.replaced_by(measured);
        if !is_test {
            points.write(&kept);
        }
    }
    for (name, svg) in pictures::draw(&points) {
        if !is_test {
            let path = folder.join("../docs/pictures").join(name).with_extension("svg");
            fs::write(path, svg).expect("the folder can be written");
        }
    }
}
