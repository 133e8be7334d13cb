//! Reads words, one a line, and writes their filter: the descriptor of a `BinaryFuse16`, then its
//! fingerprints, all little-endian.

use std::{
    error::Error,
    io::{self, Read, Write},
};

use siphasher::sip::SipHasher24;
use xorf::{BinaryFuse16, DmaSerializable};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = String::new();
    io::stdin().read_to_string(&mut words)?;
    // The key of a word is the same as in `CommonPasswords::contains`.
    let keys: Vec<u64> = words.lines().map(|word| SipHasher24::new().hash(word.as_bytes())).collect();
    let filter = BinaryFuse16::try_from(&keys)?;
    let mut descriptor = [0; BinaryFuse16::DESCRIPTOR_LEN];
    filter.dma_copy_descriptor_to(&mut descriptor);
    let fingerprints: Vec<u8> = filter.fingerprints.iter().flat_map(|print| print.to_le_bytes()).collect();
    let mut out = io::stdout().lock();
    out.write_all(&descriptor)?;
    out.write_all(&fingerprints)?;
    eprintln!("{} words, {} bytes", keys.len(), descriptor.len() + fingerprints.len());
    Ok(())
}
