//! Bytes of one live token in the memory store.

use commerce_auth_benches::{Bar, Row, bytes_of_tokens, is_measuring_process, sizes};

/// The numbers of live tokens, each of a different customer. A table that grows in steps has much
/// free memory just after a step, and little just before one. So the bars are for the mean.
const TOKENS: [usize; 3] = [800_000, 1_000_000, 1_400_000];
/// The kinds of token, with or without an origin, and the largest number of bytes that a token may
/// take.
const KINDS: [(&str, bool, f64); 2] =
    [("with source address and user agent", true, 260.0), ("without origin", false, 190.0)];

fn main() {
    if is_measuring_process() {
        return;
    }
    let numbers = if sizes().len() > 1 { TOKENS } else { [1_000; 3] };
    for (kind, with_origin, bar) in KINDS {
        // Each number is measured in its own process.
        let bytes = numbers.map(|tokens| bytes_of_tokens(&[tokens], with_origin)[0] / tokens as f64);
        for (tokens, bytes) in numbers.iter().zip(bytes) {
            let what = format!("bytes of each of {tokens} tokens, {kind}");
            Row { what: &what, ours: None, peer: None, result: bytes, bar: None }.print();
        }
        let what = format!("bytes of a token {kind}, the mean");
        let result = bytes.iter().sum::<f64>() / bytes.len() as f64;
        Row { what: &what, ours: None, peer: None, result, bar: Some(Bar::Maximum(bar)) }.print();
    }
}
