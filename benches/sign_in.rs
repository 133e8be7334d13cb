//! Sign-in at the default cost of a password hash, compared with the hash alone. The hash is made
//! in newly allocated memory, as by the argon2 crate's plain call, and in reused memory. The crate
//! argon2-rust computes the same hash in reused memory.

use std::hint::black_box;

use argon2::{Argon2, Block, Params};
use commerce_auth::credential::Argon2Params;
use commerce_auth_benches::Shop;
use criterion::{Criterion, criterion_group, criterion_main};

criterion_group!(benches, sign_in);
criterion_main!(benches);

fn sign_in(criterion: &mut Criterion) {
    const PASSWORD: &[u8] = b"b0bl0bl@wW";
    const SALT: &[u8; 16] = b"sixteen bytes of";
    let mut group = criterion.benchmark_group("sign-in");

    let shop = Shop::new(Argon2Params::default());
    let mut customers = 0..;
    group.bench_function("whole", |bencher| {
        bencher.iter(|| shop.sign_in(customers.next().unwrap_or_default()));
    });

    // The default of the argon2 crate is the same as the crate's.
    let argon2 = Argon2::default();
    let mut output = [0; 32];
    let mut blocks = vec![Block::new(); Params::default().block_count()];
    group.bench_function("argon2, memory kept", |bencher| {
        bencher.iter(|| {
            let hashed =
                argon2.hash_password_into_with_memory(black_box(PASSWORD), SALT, &mut output, &mut blocks);
            hashed.expect("the parameters are argon2's own");
            output
        });
    });
    group.bench_function("argon2, memory taken anew", |bencher| {
        bencher.iter(|| {
            argon2
                .hash_password_into(black_box(PASSWORD), SALT, &mut output)
                .expect("argon2's own parameters");
            output
        });
    });

    // The default of argon2-rust is the same, too.
    let (algorithm, version) = (argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13);
    let mut hasher = argon2_rust::Argon2::new(algorithm, version, argon2_rust::Params::DEFAULT).hasher();
    group.bench_function("argon2-rust, memory kept", |bencher| {
        bencher.iter(|| {
            hasher.hash_into(black_box(PASSWORD), SALT, &mut output).expect("argon2-rust's own parameters");
            output
        });
    });
}
