//! The password hash that the feature `fast-argon2` makes, compared with other programs that
//! compute the same hash. They take turns, on one thread. Prints one line of JSON for each row.

use std::{
    hint::black_box,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use argon2::{Argon2, Block, Params};
use commerce_auth::credential::Argon2Params;
use commerce_auth_benches::{Bar, Row, Shop, Turns};
use commerce_auth_test_servers::binary_or_skip;

const PASSWORD: &str = "b0bl0bl@wW";
const SALT: &[u8; 16] = b"sixteen bytes of";
/// The number of hashes in the shortest turn.
const LEAST: usize = 8;

fn main() {
    let shop = Shop::new(Argon2Params::default());
    // The default of the argon2 crate is the same as the library's.
    let argon2 = Argon2::default();
    let mut output = [0; 32];
    let mut blocks = vec![Block::new(); Params::default().block_count()];
    let mut whole = repeated(|| {
        let hash = shop.auth.hash_new_password("nobody@example.com", PASSWORD);
        black_box(pollster::block_on(hash).expect("the password is a good one"));
    });
    let mut customers = 0..;
    let mut sign_in = repeated(|| drop(shop.sign_in(customers.next().unwrap_or_default())));
    let mut kept = repeated(|| {
        let (password, salt) = (black_box(PASSWORD.as_bytes()), &SALT[..]);
        let hashed = argon2.hash_password_into_with_memory(password, salt, &mut output, &mut blocks);
        hashed.expect("the parameters are argon2's own");
        black_box(output);
    });
    let mut plain = repeated(|| {
        let mut output = [0; 32];
        let hashed = argon2.hash_password_into(black_box(PASSWORD.as_bytes()), SALT, &mut output);
        hashed.expect("the parameters are argon2's own");
        black_box(output);
    });
    let (libargon2, rust_crypto) = bars();
    let mut compare = |what: &str, peer: &mut dyn FnMut(usize) -> Duration, bar| {
        let turns = Turns::take(LEAST, [&mut whole, peer]);
        Row::comparing(&format!("{what} : hash with fast-argon2"), &turns, bar).print();
    };
    compare("argon2 crate, called plainly", &mut plain, Some(Bar::Minimum(rust_crypto)));
    compare("argon2 crate, memory kept", &mut kept, None);
    compare("whole sign-in", &mut sign_in, None);
    if let Some(program) = binary_or_skip("argon2") {
        let mut passes = |hashes| passes_of_libargon2(&program, hashes);
        compare("libargon2, memory kept", &mut passes, Some(Bar::Minimum(libargon2)));
    }
}

/// Returns the bars for libargon2 and for the argon2 crate. The feature gains more from AVX-512
/// than from AVX2.
fn bars() -> (f64, f64) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512f") {
        return (2.0, 3.0);
    }
    (1.3, 2.0)
}

/// Returns a way that runs the operation again and again.
fn repeated(mut operation: impl FnMut()) -> impl FnMut(usize) -> Duration {
    move |steps| {
        let start = Instant::now();
        (0..steps).for_each(|_| operation());
        start.elapsed()
    }
}

/// Runs the passes of this many hashes of two passes in one process, by the command `argon2` of
/// libargon2. The process takes its memory once. So the time of a hash is nearly that of a program
/// that keeps the memory.
fn passes_of_libargon2(program: &Path, hashes: usize) -> Duration {
    let (passes, salt) = ((2 * hashes).to_string(), String::from_utf8_lossy(SALT));
    let mut command = Command::new(program);
    command.args([&salt, "-id", "-t", &passes, "-k", "19456", "-p", "1"]);
    let mut running =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the command starts");
    let mut stdin = running.stdin.take().expect("a pipe");
    stdin.write_all(PASSWORD.as_bytes()).expect("the command reads its input");
    drop(stdin);
    let output = running.wait_with_output().expect("the command ends").stdout;
    // The command prints the time of the hash alone, and then verifies the hash.
    let seconds = String::from_utf8_lossy(&output)
        .lines()
        .find_map(|line| line.strip_suffix(" seconds")?.parse().ok())
        .expect("the command prints the time");
    Duration::from_secs_f64(seconds)
}
