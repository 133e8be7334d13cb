//! The two tables and their bars.

use commerce_auth_benches::median;

use crate::window::Window;

/// Largest ratio of the 99th percentiles, flood to control.
const FLOOD_BAR: f64 = 3.0;
/// Largest ratio of the 99th percentiles, old to young.
const AGE_BAR: f64 = 1.5;

/// Windows of the flood and the control that took turns on one store.
#[derive(Debug, Default)]
pub struct Pairs {
    pub flood: Vec<Window>,
    pub control: Vec<Window>,
    /// The number of wrong answers.
    pub failures: u64,
}

/// Windows of the flood on young stores and on an old one.
#[derive(Debug, Default)]
pub struct Ages {
    pub young: Vec<Window>,
    pub old: Vec<Window>,
    /// The number of documents before a window.
    pub young_documents: u64,
    /// The number of documents before the first window.
    pub old_documents: u64,
}

/// Prints the first table. Returns true if every row passes its bar.
pub fn print_pairs(rows: &[(String, Pairs)]) -> bool {
    println!(
        "| store | flood | requests/s | hashes/s, flood : control | p50, flood : control, µs | \
         p99, flood : control, µs | p99 ratio | bar {FLOOD_BAR} | failures |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|---|--:|");
    let mut held = true;
    for (name, Pairs { flood, control, failures }) in rows {
        let ratio = ratio(flood, control);
        held &= ratio <= FLOOD_BAR;
        println!(
            "| {name} | {:.0} | {} | {} | {} | {ratio:.2} | {} | {failures} |",
            middle(flood, |window| window.flooded),
            both(flood, control, |window| window.hashes),
            both(flood, control, |window| window.p50),
            both(flood, control, |window| window.p99),
            verdict(ratio <= FLOOD_BAR),
        );
    }
    println!();
    held
}

/// Prints the second table. Returns true if every row passes its bar.
pub fn print_ages(rows: &[(String, Ages)], young_requests: u64, old_requests: u64) -> bool {
    if rows.is_empty() {
        return true;
    }
    println!(
        "Before the windows a young store has had {young_requests} requests of the flood, an old one {old_requests}.\n"
    );
    println!(
        "| store | flood | p50, young : old, µs | p99, young : old, µs | p99 ratio | bar {AGE_BAR} | \
         documents, young : old |"
    );
    println!("|---|---|--:|--:|--:|---|--:|");
    let mut held = true;
    for (name, Ages { young, old, young_documents, old_documents }) in rows {
        let ratio = ratio(old, young);
        held &= ratio <= AGE_BAR;
        println!(
            "| {name} | {} | {} | {ratio:.2} | {} | {young_documents} : {old_documents} |",
            both(young, old, |window| window.p50),
            both(young, old, |window| window.p99),
            verdict(ratio <= AGE_BAR),
        );
    }
    held
}

/// The median of the rounds' ratios.
fn ratio(over: &[Window], under: &[Window]) -> f64 {
    median(over.iter().zip(under).map(|(over, under)| over.p99 / under.p99).collect())
}

fn both(left: &[Window], right: &[Window], figure: impl Fn(&Window) -> f64 + Copy) -> String {
    format!("{:.0} : {:.0}", middle(left, figure), middle(right, figure))
}

fn middle(windows: &[Window], figure: impl Fn(&Window) -> f64) -> f64 {
    median(windows.iter().map(figure).collect())
}

fn verdict(held: bool) -> &'static str {
    if held { "pass" } else { "FAIL" }
}
