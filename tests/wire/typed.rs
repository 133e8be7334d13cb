//! Texts that people type, with the additions of keyboards, forms and copying.

use commerce_auth::{AdminId, credential::TotpSecret, store::memory::MemoryStore};
use serde_json::{Value, json};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop,
    authenticator::Authenticator,
    fast, keyring,
    site::{Answer, Site, site},
    with_second_factor,
};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const SIGN_IN: &str = "/V1/integration/customer/token";
const AUTHENTICATE: &str = "/V1/tfa/provider/google/authenticate";
const ACTIVATE: &str = "/V1/tfa/provider/google/activate";
const STEP_UP: &str = "/V1/tfa/me/step-up";
const INVALID: &str = "Invalid code.";

async fn post(site: &Site, path: &str, body: Value) -> Answer {
    site.rest(None, "POST", path, body).await
}

fn enrolled() -> (Site, Authenticator) {
    enrolled_with(&TotpSecret::from_base32(SECRET).unwrap())
}

fn enrolled_with(secret: &TotpSecret) -> (Site, Authenticator) {
    let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring()));
    let id = AdminId::from(7);
    pollster::block_on(shop.auth.import_admin_factor(&id, secret)).unwrap();
    (Site::of(shop), Authenticator::new(SECRET))
}

async fn authenticate(site: &Site, otp: impl Into<Value>) -> Answer {
    let body = json!({"username": ADMIN, "password": ADMIN_PASSWORD, "otp": otp.into()});
    post(site, AUTHENTICATE, body).await
}

/// Returns spellings of one code of six digits.
fn spellings(code: &str) -> Vec<String> {
    let (first, last) = code.split_at(3);
    let shifted = |zero: char| -> String {
        let digit = |digit: char| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap();
        code.chars().map(digit).collect()
    };
    vec![
        code.to_owned(),
        format!("{first} {last}"),
        format!("{code} "),
        format!("\t{code}\n"),
        format!("{first}-{last}"),
        format!("{first}\u{a0}{last}"),
        format!("{first}\u{3000}{last}"),
        format!("\u{202a}{code}\u{202c}"),
        shifted('０'),
        shifted('٠'),
    ]
}

#[tokio::test]
async fn white_space_round_an_address_is_trimmed() {
    let site = site();
    for email in [
        " EMAIL",
        "EMAIL ",
        "\tEMAIL\r\n",
        "EMAIL\u{c}",
        // Characters that PHP's trim removes.
        "\u{b}EMAIL\0",
        // Characters that phones and copying add.
        "EMAIL\u{a0}",
        "\u{200b}EMAIL\u{200b} ",
        "\u{feff}EMAIL\u{3000}",
        "\u{202a}EMAIL\u{202c}",
    ]
    .map(|text| text.replace("EMAIL", EMAIL))
    {
        let answer = post(&site, SIGN_IN, json!({"username": email, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{email:?}");
        let query = json!({
            "query": "mutation($email: String!, $password: String!) { generateCustomerToken(email: $email, password: $password) { token } }",
            "variables": {"email": email, "password": PASSWORD},
        });
        let answer = site.graphql_with(None, &[], query).await;
        assert_eq!(answer.status, 200, "{email:?}");
        assert!(answer.json()["data"]["generateCustomerToken"]["token"].is_string(), "{}", answer.text);
    }
    // Inside an address, the character makes another address. In a password, it is a part of the
    // password.
    for (email, password) in [
        (EMAIL.replace('@', " @"), PASSWORD.to_owned()),
        (EMAIL.replace('@', "\u{a0}@"), PASSWORD.to_owned()),
        (EMAIL.replace('@', "\0@"), PASSWORD.to_owned()),
        (EMAIL.to_owned(), format!("{PASSWORD}\u{a0}")),
        (EMAIL.to_owned(), format!("{PASSWORD} ")),
    ] {
        let answer = post(&site, SIGN_IN, json!({"username": email, "password": password})).await;
        assert_eq!(answer.status, 401, "{email:?} {password:?}");
    }
    for empty in [" ", "\u{200b}", "\0"] {
        let answer = post(&site, SIGN_IN, json!({"username": empty, "password": PASSWORD})).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["parameters"]["fieldName"]),
            (400, &json!("username")),
            "{empty:?}"
        );
    }
}

#[tokio::test]
async fn a_reset_and_a_code_find_the_trimmed_address() {
    let site = site();
    let email = format!(" {EMAIL}\n");
    let ask = json!({"email": email, "template": "email_reset"});
    let asked = site.rest(None, "PUT", "/V1/customers/password", ask).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let token = site.shop.outbox.reset_token().expect("a mail");
    let reset = json!({"email": email, "resetToken": token, "newPassword": "N3w-password"});
    assert_eq!(post(&site, "/V1/customers/resetPassword", reset).await.status, 200);

    let ask = json!({
        "query": "mutation($email: String!) { requestPasswordResetEmail(email: $email) }",
        "variables": {"email": email},
    });
    assert_eq!(site.graphql_with(None, &[], ask).await.json()["data"]["requestPasswordResetEmail"], true);
    let token = site.shop.outbox.reset_token().expect("a mail");
    let reset = json!({
        "query": "mutation($email: String!, $token: String!, $new: String!) { resetPassword(email: $email, resetPasswordToken: $token, newPassword: $new) }",
        "variables": {"email": email, "token": token, "new": PASSWORD},
    });
    assert_eq!(site.graphql_with(None, &[], reset).await.json()["data"]["resetPassword"], true);

    let admin = site.shop.admin_token().await;
    let assist = json!({
        "query": "mutation($email: String!) { generateCustomerTokenAsAdmin(input: {customer_email: $email}) { customer_token } }",
        "variables": {"email": email},
    });
    let answer = site.graphql_with(Some(&admin), &[], assist).await;
    assert!(
        answer.json()["data"]["generateCustomerTokenAsAdmin"]["customer_token"].is_string(),
        "{}",
        answer.text
    );
    let otp = site.rest(Some(&admin), "POST", "/V1/customer/1/otp", json!({})).await.json()["otp"].clone();
    let exchange = json!({
        "query": "mutation($email: String!, $otp: String!) { exchangeOtpForCustomerToken(email: $email, otp: $otp) { token } }",
        "variables": {"email": email, "otp": otp},
    });
    let answer = site.graphql_with(None, &[], exchange).await;
    assert!(answer.json()["data"]["exchangeOtpForCustomerToken"]["token"].is_string(), "{}", answer.text);
}

#[tokio::test]
async fn white_space_round_an_admin_users_name_is_trimmed() {
    let by_password = Site::of(Shop::open(MemoryStore::new(), fast(), |builder| builder));
    let (site, authenticator) = enrolled();
    for name in ["admin ", " admin", "\tAdmin\n", "admin\u{a0}", "\u{200b}admin\0"] {
        let body = json!({"username": name, "password": ADMIN_PASSWORD});
        let answer = post(&by_password, "/V1/integration/admin/token", body).await;
        assert_eq!(answer.status, 200, "{name:?}");
        site.shop.advance(30);
        let code = authenticator.unused_code(site.shop.now()).unwrap();
        let body = json!({"username": name, "password": ADMIN_PASSWORD, "otp": code});
        assert_eq!(post(&site, AUTHENTICATE, body).await.status, 200, "{name:?}");
    }
}

#[tokio::test]
async fn a_code_is_accepted_as_it_is_typed() {
    let (site, authenticator) = enrolled();
    let mut token = String::new();
    for number in 0..spellings("000000").len() {
        site.shop.advance(30);
        let code = authenticator.code_at(site.shop.now());
        let spelt = &spellings(&code)[number];
        let answer = authenticate(&site, spelt.as_str()).await;
        assert_eq!(answer.status, 200, "{spelt:?}");
        // It is the same code in every spelling.
        for spelt in &spellings(&code)[..2] {
            assert_eq!(authenticate(&site, spelt.as_str()).await.json()["message"], INVALID, "{spelt:?}");
        }
        token = answer.json().as_str().unwrap().to_owned();
    }
    for number in 0..spellings("000000").len() {
        site.shop.advance(30);
        let code = authenticator.code_at(site.shop.now());
        let otp = &spellings(&code)[number];
        let answer = site.rest(Some(&token), "POST", STEP_UP, json!({ "otp": otp })).await;
        assert_eq!(answer.status, 200, "{otp:?}");
        token = answer.json()["token"].as_str().unwrap().to_owned();
    }
}

/// A JSON number has no leading zeros.
#[tokio::test]
async fn a_code_may_be_a_number() {
    let (site, authenticator) = enrolled();
    let mut was_short = 0;
    // One code in ten begins with a zero.
    while was_short < 2 {
        site.shop.advance(30);
        let code = authenticator.code_at(site.shop.now());
        if code.starts_with('0') {
            let text = code.trim_start_matches('0');
            assert_eq!(
                authenticate(&site, text).await.json()["message"],
                INVALID,
                "a digit is missing: {text}"
            );
            was_short += 1;
        }
        let answer = authenticate(&site, code.parse::<u32>().unwrap()).await;
        assert_eq!(answer.status, 200, "{code}");
        let token = answer.json().as_str().unwrap().to_owned();
        site.shop.advance(30);
        let code: u32 = authenticator.code_at(site.shop.now()).parse().unwrap();
        assert_eq!(
            site.rest(Some(&token), "POST", STEP_UP, json!({ "otp": code })).await.status,
            200,
            "{code}"
        );
    }
}

#[tokio::test]
async fn an_authenticator_is_activated_by_a_code_as_it_is_typed() {
    for number in 0..=spellings("000000").len() {
        let shop = Shop::open(MemoryStore::new(), with_second_factor(), |builder| builder.keyring(keyring()));
        let site = Site::of(shop);
        post(&site, "/V1/integration/admin/token", json!({"username": ADMIN, "password": ADMIN_PASSWORD}))
            .await;
        let token = site.shop.outbox.enrolment_token().unwrap();
        let setup =
            post(&site, "/V1/tfa/provider/google/configure", json!({"tfa_token": token})).await.json();
        let code = Authenticator::new(setup["secret_code"].as_str().unwrap()).code_at(site.shop.now());
        let otp = match spellings(&code).get(number) {
            Some(spelt) => json!(spelt),
            None => json!(code.parse::<u32>().unwrap()),
        };
        let answer = post(&site, ACTIVATE, json!({"tfa_token": token, "otp": otp})).await;
        assert_eq!(answer.status, 200, "{otp:?} {}", answer.text);
    }
}

#[tokio::test]
async fn a_recovery_code_is_accepted_as_it_is_typed() {
    let (site, authenticator) = enrolled();
    let code = authenticator.unused_code(site.shop.now()).unwrap();
    let token = authenticate(&site, code).await.json().as_str().unwrap().to_owned();
    let made = site.rest(Some(&token), "POST", "/V1/tfa/me/recovery-codes", Value::Null).await.json();
    let codes: Vec<&str> =
        made["recovery_codes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let in_groups = |code: &str, of: usize, by: &str| -> String {
        let groups: Vec<&str> =
            code.as_bytes().chunks(of).map(|group| str::from_utf8(group).unwrap()).collect();
        groups.join(by)
    };
    let wide = |code: &str| -> String {
        code.chars().map(|char| char::from_u32(u32::from(char) + 0xFEE0).unwrap()).collect()
    };
    for (code, spell) in codes.iter().zip([
        &(|code: &str| in_groups(code, 4, "-")) as &dyn Fn(&str) -> String,
        &|code| in_groups(code, 8, " "),
        &|code| in_groups(code, 8, "\u{2013}"),
        &|code| format!(" {}\n", code.to_uppercase()),
        &wide,
    ]) {
        let spelt = spell(code);
        assert_eq!(authenticate(&site, spelt.as_str()).await.status, 200, "{spelt:?}");
        assert_eq!(authenticate(&site, *code).await.json()["message"], INVALID, "it works once");
    }
}

#[tokio::test]
async fn a_secret_is_accepted_as_it_is_written_elsewhere() {
    for text in [
        "gezdgnbvgy3tqojqgezdgnbvgy3tqojq",
        "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
        "gezd-gnbv-gy3t-qojq-gezd-gnbv-gy3t-qojq",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======",
        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\r\n",
    ] {
        let secret = TotpSecret::from_base32(text);
        let Ok(secret) = secret else { panic!("{text:?} is a secret") };
        let (site, authenticator) = enrolled_with(&secret);
        let code = authenticator.unused_code(site.shop.now()).unwrap();
        assert_eq!(authenticate(&site, code).await.status, 200, "{text:?}");
    }
}

/// Eighty bits, as many systems issued.
#[tokio::test]
async fn a_short_secret_signs_in_where_the_shop_asked_for_it() {
    let text = "JBSWY3DPEHPK3PXP";
    assert!(TotpSecret::from_base32(text).is_err());
    let secret = TotpSecret::danger_short_from_base32(text).unwrap();
    let (site, _) = enrolled_with(&secret);
    let code = secret.code_at(site.shop.now()).unwrap();
    assert_eq!(authenticate(&site, code).await.status, 200);
}
