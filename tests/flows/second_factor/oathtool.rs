//! Codes that another program, `oathtool`, generates.

use std::process::Command;

use commerce_auth::credential::TotpSecret;

use super::{SECRET, enrolled, sign_in};

/// Returns the output of `oathtool`, if it is installed. If `COMMERCE_AUTH_REQUIRE_SERVERS` is set,
/// it must be installed.
fn oathtool(arguments: &[&str]) -> Option<String> {
    match Command::new("oathtool").args(arguments).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8(output.stdout).expect("digits").trim().to_owned())
        }
        Err(error) => {
            assert!(std::env::var_os("COMMERCE_AUTH_REQUIRE_SERVERS").is_none(), "oathtool: {error}");
            eprintln!("SKIPPED: there is no oathtool on this machine: {error}");
            None
        }
    }
}

#[tokio::test]
async fn a_code_of_oathtool_is_accepted() {
    let (shop, _) = enrolled();
    for _ in 0..20 {
        let now = format!("@{}", shop.now().unix_timestamp());
        let Some(code) = oathtool(&["--totp", "--base32", "--now", &now, SECRET]) else { return };
        sign_in(&shop, &code).await.unwrap();
        shop.advance(86_437);
    }
}

#[test]
fn secrets_of_any_length_make_the_same_codes() {
    let now = time::macros::datetime!(2026-11-26 12:00 UTC);
    for length in [20, 32, 64, 132, 256] {
        let text: String = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".chars().cycle().take(length * 8 / 5).collect();
        let Ok(secret) = TotpSecret::from_base32(&text) else { panic!("{length} bytes") };
        let text = secret.to_base32().expose().to_owned();
        let at = format!("@{}", now.unix_timestamp());
        let Some(code) = oathtool(&["--totp", "--base32", "--now", &at, &text]) else { return };
        assert_eq!(secret.code_at(now), Some(code), "{length} bytes");
    }
}
