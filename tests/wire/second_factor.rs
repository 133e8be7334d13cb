//! An admin user's second factor, by Commerce's routes and by the crate's additional ones.

use commerce_auth::{
    AdminId, AuthConfig, ErrorKind,
    config::SecondFactorPolicy,
    error::StoreError,
    notifier::{Notification, Notifier},
    store::memory::MemoryStore,
};
use serde_json::{Value, json};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, Shop, WRONG,
    authenticator::Authenticator,
    factors::meddle,
    fast, keyring,
    site::{Answer, Site, site},
    with_second_factor,
};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const REFUSED: &str = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later.";
const BY_PASSWORD: &str = "/V1/integration/admin/token";
const AUTHENTICATE: &str = "/V1/tfa/provider/google/authenticate";
const CONFIGURE: &str = "/V1/tfa/provider/google/configure";
const ACTIVATE: &str = "/V1/tfa/provider/google/activate";
/// The operations that an admin user can do with the own token, with the body of each.
const OWN: [(&str, &str); 5] = [
    ("GET", "/V1/tfa/me"),
    ("POST", "/V1/tfa/me/enrolment"),
    ("POST", "/V1/tfa/me/recovery-codes"),
    ("POST", "/V1/tfa/me/step-up"),
    ("PUT", "/V1/admins/me/password"),
];

fn open(config: AuthConfig) -> Site {
    Site::of(Shop::open(MemoryStore::new(), config, |builder| builder.keyring(keyring())))
}

/// Returns a site whose admin user has an authenticator.
fn enrolled(config: AuthConfig) -> (Site, Authenticator) {
    let (site, authenticator) = (open(config), Authenticator::new(SECRET));
    let id = AdminId::from(7);
    let imported = site.shop.auth.import_admin_factor(&id, authenticator.secret());
    pollster::block_on(imported).unwrap();
    (site, authenticator)
}

async fn post(site: &Site, path: &str, body: Value) -> Answer {
    site.rest(None, "POST", path, body).await
}

fn by_password(password: &str) -> Value {
    json!({"username": ADMIN, "password": password})
}

fn with_code(password: &str, otp: &str) -> Value {
    json!({"username": ADMIN, "password": password, "otp": otp})
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json())
}

fn message(text: &str) -> Value {
    json!({ "message": text })
}

fn required(fields: &[&str]) -> Value {
    let each = fields.iter().map(|field| {
        json!({
            "message": r#""%fieldName" is required. Enter and try again."#,
            "parameters": {"fieldName": field},
        })
    });
    let errors: Vec<Value> = each.collect();
    match &errors[..] {
        [one] => one.clone(),
        _ => json!({"message": "One or more input exceptions have occurred.", "errors": errors}),
    }
}

fn own_body(path: &str) -> Value {
    match path {
        "/V1/tfa/me/step-up" => json!({"otp": "000000"}),
        "/V1/admins/me/password" => json!({"currentPassword": ADMIN_PASSWORD, "newPassword": "N3w-password"}),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn a_code_signs_in_where_a_password_does_not() {
    let (site, authenticator) = enrolled(with_second_factor());
    let code = authenticator.code_at(site.shop.now());
    let needed = json!({
        "message": "Please use the 2fa provider-specific endpoints to obtain a token.",
        "parameters": {"active_providers": ["google"]},
    });
    for (path, body, status, answered) in [
        (BY_PASSWORD, by_password(ADMIN_PASSWORD), 400, needed),
        (BY_PASSWORD, by_password(WRONG), 401, message(REFUSED)),
        (AUTHENTICATE, with_code(WRONG, &code), 401, message(REFUSED)),
        (AUTHENTICATE, with_code(ADMIN_PASSWORD, "bad"), 401, message("Invalid code.")),
        (AUTHENTICATE, with_code("", ""), 400, required(&["password", "otp"])),
        (AUTHENTICATE, json!({}), 400, required(&["username", "password", "otp"])),
        (AUTHENTICATE, by_password(ADMIN_PASSWORD), 400, required(&["otp"])),
        (
            AUTHENTICATE,
            json!({"username": "no\u{200b}body", "password": WRONG, "otp": "1"}),
            401,
            message(REFUSED),
        ),
    ] {
        assert_eq!(told(&post(&site, path, body.clone()).await), (status, answered), "{path} {body}");
    }
    let answer = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, &code)).await;
    let token = answer.json().as_str().unwrap().to_owned();
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(site.rest(Some(&token), "GET", "/V1/admins/me", Value::Null).await.text, "7");
    // Each code works once.
    let again = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, &code)).await;
    assert_eq!(told(&again), (401, message("Invalid code.")));
    // Too many wrong codes get the same answer as a wrong password.
    for _ in 0..4 {
        post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, "bad")).await;
    }
    site.shop.advance(30);
    let code = authenticator.code_at(site.shop.now());
    let locked = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, &code)).await;
    assert_eq!(told(&locked), (401, message(REFUSED)));
}

#[tokio::test]
async fn an_authenticator_is_set_up_by_mail() {
    let site = open(with_second_factor());
    let by_mail = json!({
        "message": "You are required to configure personal Two-Factor Authorization in order to login. Please check your email.",
        "parameters": {"providers": ["google"], "active_providers": []},
    });
    assert_eq!(told(&post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await), (400, by_mail));
    let token = site.shop.outbox.enrolment_token().unwrap();
    let answer = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, "000000")).await;
    assert_eq!(told(&answer), (400, message("Provider is not configured.")));

    let setup = post(&site, CONFIGURE, json!({"tfaToken": token})).await;
    assert_eq!(setup.status, 200);
    let setup = setup.json();
    let secret = setup["secret_code"].as_str().unwrap();
    match cfg!(feature = "qr") {
        true => {
            use base64::{Engine, engine::general_purpose::STANDARD};
            let png = STANDARD.decode(setup["qr_code_base64"].as_str().unwrap()).unwrap();
            assert!(png.starts_with(b"\x89PNG"));
        }
        false => assert_eq!(setup.get("qr_code_base64"), None),
    }
    let authenticator = Authenticator::new(secret);
    let code = authenticator.code_at(site.shop.now());
    let invalid = "Invalid two-factor authorization token";
    for (path, body, status, answered) in [
        (CONFIGURE, json!({}), 400, required(&["tfaToken"])),
        (CONFIGURE, json!({"tfaToken": "abc"}), 401, message(invalid)),
        (ACTIVATE, json!({}), 400, required(&["tfaToken", "otp"])),
        (ACTIVATE, json!({"tfaToken": "abc", "otp": code}), 401, message(invalid)),
        (ACTIVATE, json!({"tfaToken": token, "otp": "bad"}), 401, message("Invalid code.")),
        (ACTIVATE, json!({"tfaToken": token, "otp": code}), 200, json!([])),
        (ACTIVATE, json!({"tfaToken": token, "otp": code}), 401, message(invalid)),
        (CONFIGURE, json!({"tfaToken": token}), 401, message(invalid)),
    ] {
        assert_eq!(told(&post(&site, path, body.clone()).await), (status, answered), "{path} {body}");
    }
    site.shop.advance(30);
    let code = authenticator.code_at(site.shop.now());
    assert_eq!(post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, &code)).await.status, 200);
}

#[tokio::test]
async fn an_authenticator_that_came_meanwhile_is_not_replaced() {
    let site = open(with_second_factor());
    post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await;
    let token = site.shop.outbox.enrolment_token().unwrap();
    let setup = post(&site, CONFIGURE, json!({"tfaToken": token})).await.json();
    // The order of events at other nodes does not matter: the enrolment names the factor that it
    // will replace.
    let another = json!("0".repeat(64));
    meddle(&*site.shop.store, 7, "enrolment", |enrolment| enrolment["document"]["replaces"] = another).await;
    let there = message("Provider is already configured.");
    let code = Authenticator::new(setup["secret_code"].as_str().unwrap()).code_at(site.shop.now());
    for (path, body) in [
        (CONFIGURE, json!({"tfaToken": token})),
        (ACTIVATE, json!({"tfaToken": token, "otp": code})),
        ("/V1/tfa/me/activate", json!({"tfaToken": token, "otp": code})),
    ] {
        assert_eq!(told(&post(&site, path, body).await), (400, there.clone()), "{path}");
    }
}

#[tokio::test]
async fn too_many_are_told_so() {
    let site = open(with_second_factor());
    for _ in 0..5 {
        assert_eq!(post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await.status, 400);
    }
    let token = site.shop.outbox.enrolment_token().unwrap();
    let answer = post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("3600")));
    for _ in 0..5 {
        assert_eq!(post(&site, ACTIVATE, json!({"tfaToken": token, "otp": "bad"})).await.status, 401);
    }
    let answer = post(&site, ACTIVATE, json!({"tfaToken": token, "otp": "bad"})).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("3600")));
}

/// A notifier that reaches customers only.
#[derive(Debug)]
struct NoAdmins;

impl Notifier for NoAdmins {
    fn notify(&self, _: Notification) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_mail_that_cannot_be_sent_is_told() {
    let site = Site::of(Shop::open(MemoryStore::new(), with_second_factor(), |builder| {
        builder.keyring(keyring()).notifier(NoAdmins)
    }));
    let answer = post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await;
    let words = "Failed to send the message. Please contact the administrator";
    assert_eq!(told(&answer), (400, message(words)));
}

#[tokio::test]
async fn without_a_keyring_there_is_no_provider() {
    let site = site();
    let not_allowed = message("Provider is not allowed.");
    for (path, body) in [
        (AUTHENTICATE, with_code(ADMIN_PASSWORD, "000000")),
        (CONFIGURE, json!({"tfaToken": "abc"})),
        (ACTIVATE, json!({"tfaToken": "abc", "otp": "000000"})),
    ] {
        assert_eq!(told(&post(&site, path, body).await), (400, not_allowed.clone()), "{path}");
    }
    let refused = post(&site, AUTHENTICATE, with_code(WRONG, "000000")).await;
    assert_eq!(told(&refused), (401, message(REFUSED)));
    assert_eq!(post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await.status, 200);
    // An admin user who must have a second factor is told whom to ask, and the host's log has the
    // reason.
    let mut config = fast();
    config.admin_second_factor = SecondFactorPolicy::PerAdmin;
    let site = Site::of(Shop::open(MemoryStore::new(), config, |builder| builder));
    let answer = post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await;
    let words = "Please ask an administrator with sufficient access to configure 2FA first";
    assert_eq!(told(&answer), (400, message(words)));
    assert_eq!(answer.cause, Some(ErrorKind::Internal));
}

#[tokio::test]
async fn recovery_codes_are_shown_once() {
    let site = open(with_second_factor());
    post(&site, BY_PASSWORD, by_password(ADMIN_PASSWORD)).await;
    let token = site.shop.outbox.enrolment_token().unwrap();
    let setup = post(&site, CONFIGURE, json!({"tfaToken": token})).await.json();
    let authenticator = Authenticator::new(setup["secret_code"].as_str().unwrap());
    let code = authenticator.unused_code(site.shop.now()).unwrap();
    let answer = post(&site, "/V1/tfa/me/activate", json!({"tfaToken": token, "otp": code})).await.json();
    let codes = answer["recovery_codes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), 10);

    let signed_in = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, codes[0].as_str().unwrap())).await;
    let admin = signed_in.json().as_str().unwrap().to_owned();
    let mine = site.rest(Some(&admin), "GET", "/V1/tfa/me", Value::Null).await;
    let factor = json!({"activated_at": "2026-01-01T12:00:00Z", "recovery_codes_left": 9});
    assert_eq!(told(&mine), (200, factor));
    let anew = site.rest(Some(&admin), "POST", "/V1/tfa/me/recovery-codes", Value::Null).await.json();
    let anew = anew["recovery_codes"].as_array().unwrap();
    assert!(anew.len() == 10 && anew.iter().all(|code| !codes.contains(code)));
    let spent = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, codes[1].as_str().unwrap())).await;
    assert_eq!(told(&spent), (401, message("Invalid code.")));
}

#[tokio::test]
async fn an_authenticator_is_replaced() {
    let (site, authenticator) = enrolled(with_second_factor());
    let code = authenticator.unused_code(site.shop.now()).unwrap();
    let admin = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, &code)).await.json();
    let admin = admin.as_str().unwrap();
    let begun = site.rest(Some(admin), "POST", "/V1/tfa/me/enrolment", Value::Null).await.json();
    assert_eq!(begun["expires_at"], "2026-01-01T13:00:00Z");
    let setup = post(&site, CONFIGURE, json!({"tfaToken": begun["tfa_token"]})).await.json();
    let code = Authenticator::new(setup["secret_code"].as_str().unwrap()).code_at(site.shop.now());
    let body = json!({"tfaToken": begun["tfa_token"], "otp": code});
    assert_eq!(told(&post(&site, ACTIVATE, body).await), (200, json!([])));
    assert_eq!(site.rest(Some(admin), "GET", "/V1/admins/me", Value::Null).await.status, 401);
}

#[tokio::test]
async fn an_old_sign_in_is_told_to_step_up() {
    let mut config = with_second_factor();
    config.assistance_step_up = true;
    let (site, authenticator) = enrolled(config);
    let code = authenticator.unused_code(site.shop.now()).unwrap();
    let admin = post(&site, AUTHENTICATE, with_code(ADMIN_PASSWORD, &code)).await.json();
    let admin = admin.as_str().unwrap();
    site.shop.advance(15 * 60);
    let challenge = "Bearer error=\"insufficient_user_authentication\", error_description=\"Sign in again with your second factor to do this.\", max_age=\"900\"";
    let words = "Sign in again with your second factor to do this.";
    let change = own_body("/V1/admins/me/password");
    for (method, path, body) in [
        ("POST", "/V1/tfa/me/enrolment", Value::Null),
        ("POST", "/V1/tfa/me/recovery-codes", Value::Null),
        ("PUT", "/V1/admins/me/password", change.clone()),
        ("POST", "/V1/customer/1/otp", json!({})),
    ] {
        let answer = site.rest(Some(admin), method, path, body).await;
        let answered = json!({"message": words, "parameters": {"max_age": 900}});
        assert_eq!(told(&answer), (401, answered), "{path}");
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{path}");
    }
    let query = format!(
        r#"mutation {{ generateCustomerTokenAsAdmin(input: {{customer_email: "{EMAIL}"}}) {{ customer_token }} }}"#
    );
    let answer = site.graphql(Some(admin), &query).await;
    assert_eq!(answer.graphql_error(), (words.into(), "graphql-authentication".into(), 401));
    assert_eq!(answer.json()["errors"][0]["extensions"]["step_up"], json!({"max_age": 900}));
    assert_eq!(answer.header("www-authenticate"), Some(challenge));

    let step_up =
        async |otp: &str| site.rest(Some(admin), "POST", "/V1/tfa/me/step-up", json!({ "otp": otp })).await;
    assert_eq!(told(&step_up("").await), (400, required(&["otp"])));
    assert_eq!(told(&step_up("bad").await), (401, message("Invalid code.")));
    let fresh = step_up(&authenticator.unused_code(site.shop.now()).unwrap()).await.json();
    assert_eq!(fresh["expires_at"], "2026-01-01T16:00:00Z", "no later than the first");
    let fresh = fresh["token"].as_str().unwrap();
    assert_eq!(site.graphql(Some(fresh), &query).await.status, 200);
    assert_eq!(site.rest(Some(admin), "GET", "/V1/admins/me", Value::Null).await.status, 401);
    let changed = site.rest(Some(fresh), "PUT", "/V1/admins/me/password", change.clone()).await;
    assert_eq!(told(&changed), (200, json!(true)));
    let wrong = site.rest(Some(fresh), "PUT", "/V1/admins/me/password", change).await;
    let words = "The password doesn't match this account. Verify the password and try again.";
    assert_eq!(told(&wrong), (401, message(words)));
}

#[tokio::test]
async fn what_is_an_admin_users_own_wants_their_token() {
    let site = open(fast());
    let customer = site.customer_token().await;
    let refused = json!({
        "message": "The consumer isn't authorized to access %resources.",
        "parameters": {"resources": "Magento_Backend::admin"},
    });
    for (method, path) in OWN {
        for token in [None, Some(customer.as_str()), Some(&"0".repeat(32))] {
            let answer = site.rest(token, method, path, own_body(path)).await;
            assert_eq!(told(&answer), (401, refused.clone()), "{path}");
        }
    }
    // Without a second factor there is nothing to report, no recovery codes to make, and no
    // step-up.
    let admin = site.shop.admin_token().await;
    for (method, path, status, answered) in [
        ("GET", "/V1/tfa/me", 200, Value::Null),
        ("POST", "/V1/tfa/me/recovery-codes", 400, message("Provider is not configured.")),
        ("POST", "/V1/tfa/me/step-up", 400, message("Provider is not configured.")),
    ] {
        let answer = site.rest(Some(&admin), method, path, own_body(path)).await;
        assert_eq!(told(&answer), (status, answered), "{path}");
    }
    let short = json!({"currentPassword": ADMIN_PASSWORD, "newPassword": "Sh0rt"});
    let answer = site.rest(Some(&admin), "PUT", "/V1/admins/me/password", short).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["parameters"]), (400, &json!(["8"])));
}
