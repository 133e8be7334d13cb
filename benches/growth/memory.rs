use commerce_auth_benches::{bytes_of_tokens, sizes};

use super::points::Points;

/// The measured numbers of tokens in each decade. A table that grows in steps needs many.
const IN_A_DECADE: i32 = 20;

/// Measures the bytes of a live token in the memory store, with and without an origin.
pub fn measure(points: &mut Points) {
    let last = if sizes().len() > 1 { 7 * IN_A_DECADE } else { 4 * IN_A_DECADE };
    let number = |step| 10_f64.powf(f64::from(step) / f64::from(IN_A_DECADE)).round() as usize;
    let numbers: Vec<_> = (4 * IN_A_DECADE..=last).map(number).collect();
    for (series, with_origin) in [("with source address and user agent", true), ("without origin", false)] {
        for (tokens, bytes) in numbers.iter().zip(bytes_of_tokens(&numbers, with_origin)) {
            points.add("memory", series, *tokens, bytes / *tokens as f64);
        }
    }
}
