//! A signed-in customer changes the e-mail address: the request needs the password, and the account
//! gets the address once it is confirmed.

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use commerce_auth::{
    Auth, AuthConfig, CustomerId, CustomerStore, Email, Error, PasswordHash, SignIn, Store, TokenStore,
    Website,
    account::{AccountStatus, CustomerRecord, EmailReplacement},
    audit::{Action, Outcome, Refusal},
    error::{ConfirmationError, SignInError, StoreError, TokenError},
    flow::{ConfirmationRequest, CustomerChange, EmailConfirmation},
    notifier::{Notice, Notification},
    store::memory::{MemoryCustomers, MemoryStore},
    token::Subject,
};
use futures_util::future::join_all;
use support::{EMAIL, PASSWORD, Shop, WRONG, fast, fresh::fresh, hooked::Hooked, sink::told};

const NEW: &str = "bob@example.org";
const OTHERS: &str = "other@example.com";

fn customer(id: i64, email: &str) -> CustomerRecord {
    CustomerRecord::new(id, email)
}

async fn confirm(auth: &Auth, email: &str, token: &str) -> Result<bool, Error> {
    auth.confirm_email(EmailConfirmation::new(email, token)).await.map(|confirmed| confirmed.replaced)
}

#[track_caller]
fn assert_invalid<T: std::fmt::Debug>(result: &Result<T, Error>, of: &str) {
    let invalid = matches!(result, Err(Error::Confirmation(ConfirmationError::InvalidToken)));
    assert!(invalid, "{of}: {result:?}");
}

/// Returns the recipients of mails, each with the notice.
fn mails(mails: &[Notification]) -> Vec<(&str, &'static str)> {
    let mut mails: Vec<_> = mails
        .iter()
        .map(|mail| {
            let told = match &mail.notice {
                Notice::EmailChangeRequested { .. } => "token",
                Notice::EmailChangeAsked => "asked",
                Notice::EmailChanged => "changed",
                Notice::RegisteredAgain => "registered again",
                _ => "something else",
            };
            (mail.email.as_str(), told)
        })
        .collect();
    mails.sort_unstable();
    mails
}

async fn email(customers: &MemoryCustomers) -> String {
    customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap().email
}

/// Requests a change of customer 1 to this address and returns the mailed token.
async fn asked<S: Store>(shop: &Shop<S>, new: &str) -> String {
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    shop.auth.request_email_change(signed_in.token(), PASSWORD, new).await.unwrap();
    shop.outbox.confirmation_token().expect("a mail to the new address")
}

#[tokio::test]
async fn a_confirmed_change_gives_the_account_its_address_and_ends_what_the_old_one_had() {
    let shop = support::shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    shop.auth.request_email_change(signed_in.token(), PASSWORD, "Bob@Example.ORG").await.unwrap();
    let sent = shop.outbox.take();
    assert_eq!(mails(&sent), [(NEW, "token"), (EMAIL, "asked")]);
    assert!(sent.iter().all(|mail| mail.customer == CustomerId::from(1)));
    let token = sent.iter().find_map(|mail| match &mail.notice {
        Notice::EmailChangeRequested { token, .. } => Some(token.expose().to_owned()),
        _ => None,
    });
    assert_eq!(email(&shop.customers).await, EMAIL, "the address stays until then");
    let (token, reset) = (token.unwrap(), shop.reset_token().await);
    assert_invalid(&confirm(&shop.auth, EMAIL, &token).await, "the token at the old address");
    assert!(confirm(&shop.auth, NEW, &token).await.unwrap());
    assert_eq!(email(&shop.customers).await, NEW);
    assert_eq!(mails(&shop.outbox.take()), [(NEW, "changed"), (EMAIL, "changed")]);
    let ended = shop.auth.verify_customer(signed_in.token()).await;
    assert!(matches!(ended, Err(Error::Token(TokenError::Invalid))), "{ended:?}");
    for (email, credential) in [(EMAIL, PASSWORD), (EMAIL, &reset), (NEW, &reset)] {
        let refused = shop.auth.generate_customer_token(SignIn::new(email, credential)).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::Refused))), "{refused:?}");
    }
    shop.auth.generate_customer_token(SignIn::new(NEW, PASSWORD)).await.unwrap();
    let trail = told(&shop.trail().await);
    for expected in [
        (Action::EmailChangeRequest, Outcome::Succeeded),
        (Action::EmailChange, Outcome::Begun),
        (Action::EmailChange, Outcome::Succeeded),
    ] {
        assert!(trail.contains(&expected), "{expected:?} is not in {trail:?}");
    }
    let again = confirm(&shop.auth, NEW, &token).await;
    let already = matches!(again, Err(Error::Confirmation(ConfirmationError::AlreadyConfirmed)));
    assert!(already, "{again:?}");
    assert_invalid(&confirm(&shop.auth, EMAIL, &token).await, "the spent token at the old address");
    // The devices known at the old address are forgotten, even if the customer gets that address
    // again later.
    shop.set_customer(|_| ());
    let sign_in = SignIn::new(EMAIL, PASSWORD).device(signed_in.device().unwrap().expose());
    assert!(shop.auth.generate_customer_token(sign_in).await.unwrap().device().is_some());
}

#[tokio::test]
async fn a_taken_address_gets_the_same_answer_and_its_owner_is_told() {
    let shop = support::shop();
    shop.customers.upsert(customer(2, OTHERS)).unwrap();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    shop.auth.request_email_change(signed_in.token(), PASSWORD, OTHERS).await.unwrap();
    let sent = shop.outbox.take();
    assert_eq!(mails(&sent), [(EMAIL, "asked"), (OTHERS, "registered again")]);
    // The new address is taken in the meantime.
    let token = asked(&shop, NEW).await;
    shop.customers.upsert(customer(2, NEW)).unwrap();
    assert_invalid(&confirm(&shop.auth, NEW, &token).await, "an address that was taken meanwhile");
    assert_eq!(email(&shop.customers).await, EMAIL);
    let refused = (Action::EmailChange, Outcome::Refused(Refusal::AddressTaken));
    assert!(told(&shop.trail().await).contains(&refused));
    shop.auth.verify_customer(signed_in.token()).await.expect("nothing has ended");
}

#[tokio::test]
async fn a_change_needs_the_password_and_the_customer() {
    let shop = support::shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    let assisted = shop.assisting(&shop.admin_token().await, 0).await.unwrap();
    shop.outbox.take();
    let refused = shop.auth.request_email_change(assisted.as_str(), PASSWORD, NEW).await;
    assert!(matches!(refused, Err(Error::Token(TokenError::NotAuthorized))), "{refused:?}");
    for _ in 0..6 {
        let refused = shop.auth.request_email_change(signed_in.token(), WRONG, NEW).await;
        assert!(matches!(refused, Err(Error::SignIn(SignInError::WrongPassword))), "{refused:?}");
    }
    let locked = shop.auth.request_email_change(signed_in.token(), PASSWORD, NEW).await;
    assert!(matches!(locked, Err(Error::SignIn(SignInError::Locked))), "{locked:?}");
    assert_eq!(mails(&shop.outbox.take()), []);
}

#[tokio::test]
async fn the_new_address_is_asked_for_five_times_in_an_hour() {
    let shop = support::shop();
    let signed_in = shop.sign_in(PASSWORD).await.unwrap();
    for _ in 0..5 {
        shop.auth.request_email_change(signed_in.token(), PASSWORD, NEW).await.unwrap();
    }
    let beyond = shop.auth.request_email_change(signed_in.token(), PASSWORD, NEW).await;
    assert!(matches!(beyond, Err(Error::SignIn(SignInError::TooManyRequests))), "{beyond:?}");
    shop.auth.request_email_change(signed_in.token(), PASSWORD, OTHERS).await.unwrap();
}

#[tokio::test]
async fn a_stale_change_is_good_for_nothing() {
    let shop = support::shop();
    let (first, second) = (asked(&shop, NEW).await, asked(&shop, OTHERS).await);
    confirm(&shop.auth, OTHERS, &second).await.unwrap();
    assert_invalid(&confirm(&shop.auth, NEW, &first).await, "a change from before another one");
    assert_eq!(email(&shop.customers).await, OTHERS);
    // The host has changed the address and has not called `customer_changed` yet.
    let shop = support::shop();
    let token = asked(&shop, NEW).await;
    let change = CustomerChange::EmailChanged { from: EMAIL.into() };
    shop.set_customer(|row| row.email = OTHERS.into());
    shop.auth.customer_changed(&CustomerId::from(1), change).await.unwrap();
    assert_invalid(&confirm(&shop.auth, NEW, &token).await, "a change from before the host's");
    assert_eq!(email(&shop.customers).await, OTHERS);
    // The host does not call `customer_changed`: a token for the customer's earlier address does
    // not restore that address.
    let shop = support::shop();
    shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    shop.auth.request_confirmation(ConfirmationRequest::new(EMAIL)).await.unwrap();
    let token = shop.outbox.confirmation_token().unwrap();
    for status in [AccountStatus::Unconfirmed, AccountStatus::Active] {
        shop.set_customer(|row| (row.email, row.status) = (OTHERS.into(), status));
        for at in [EMAIL, OTHERS] {
            assert_invalid(&confirm(&shop.auth, at, &token).await, "a token of an address that was replaced");
        }
        assert_eq!(email(&shop.customers).await, OTHERS);
    }
}

#[tokio::test]
async fn of_two_customers_who_confirm_one_address_one_gets_it() {
    let shop = support::shop();
    let one = asked(&shop, NEW).await;
    let mut row = shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap();
    row.id = CustomerId::from(2);
    shop.customers.upsert(row.with_email(OTHERS)).unwrap();
    let other = shop.auth.generate_customer_token(SignIn::new(OTHERS, PASSWORD)).await.unwrap();
    shop.auth.request_email_change(other.token(), PASSWORD, NEW).await.unwrap();
    let other = shop.outbox.confirmation_token().unwrap();
    let confirmed = join_all([&one, &other].map(|token| confirm(&shop.auth, NEW, token))).await;
    assert_eq!(confirmed.iter().filter(|confirmed| confirmed.is_ok()).count(), 1, "{confirmed:?}");
    let refused = confirmed.into_iter().find(Result::is_err).unwrap();
    assert_invalid(&refused, "the other");
}

type Act = Box<dyn Fn() + Send + Sync>;

/// A customer table that runs a hook once, just before or just after an address is written.
#[derive(Clone, Default)]
struct Table {
    rows: Arc<OnceLock<MemoryCustomers>>,
    before: Arc<Mutex<Option<Act>>>,
    after: Arc<Mutex<Option<Act>>>,
    written: Arc<AtomicUsize>,
}

impl Table {
    fn rows(&self) -> &MemoryCustomers {
        self.rows.get().expect("the shop is open")
    }
}

fn happens(act: &Mutex<Option<Act>>) {
    let act = act.lock().unwrap().take();
    act.iter().for_each(|act| act());
}

#[async_trait]
impl CustomerStore for Table {
    type Row = CustomerRecord;

    async fn find_by_email(
        &self,
        website: &Website,
        email: &Email,
    ) -> Result<Option<CustomerRecord>, StoreError> {
        self.rows().find_by_email(website, email).await
    }

    async fn find_by_id(&self, id: &CustomerId) -> Result<Option<CustomerRecord>, StoreError> {
        self.rows().find_by_id(id).await
    }

    async fn replace_password_hash(
        &self,
        id: &CustomerId,
        expected: Option<&PasswordHash>,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.rows().replace_password_hash(id, expected, new).await
    }

    async fn set_assistance(&self, id: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.rows().set_assistance(id, allowed).await
    }

    async fn confirm(&self, id: &CustomerId, email: &str) -> Result<bool, StoreError> {
        happens(&self.before);
        self.rows().confirm(id, email).await
    }

    async fn replace_email(
        &self,
        id: &CustomerId,
        expected: &str,
        new: &Email,
    ) -> Result<EmailReplacement, StoreError> {
        happens(&self.before);
        let replaced = self.rows().replace_email(id, expected, new).await;
        self.written.fetch_add(1, Ordering::SeqCst);
        happens(&self.after);
        replaced
    }
}

/// Returns a shop with this table. A revocation through the second store does not run the hook.
fn world(config: AuthConfig) -> (Shop, Arc<Hooked>, Table) {
    let (tokens, table) = (Arc::new(Hooked::default()), Table::default());
    let shop = Shop::open(MemoryStore::new(), config, |builder| {
        builder.tokens(tokens.clone()).customers(table.clone())
    });
    assert!(table.rows.set(shop.customers.clone()).is_ok());
    (shop, tokens, table)
}

fn revoke(tokens: &Hooked, shop_now: time::OffsetDateTime) {
    let subject = Subject::Customer(CustomerId::from(1));
    pollster::block_on(tokens.revoke_all(&subject, None, fresh(), shop_now)).unwrap();
}

/// Once the address is written, another caller revokes all tokens, and someone signs in at the new
/// address.
#[tokio::test]
async fn a_new_address_does_not_outlive_a_revoke_that_came_first() {
    let (shop, tokens, table) = world(fast());
    let token = asked(&shop, NEW).await;
    let (auth, now, had) = (shop.auth.clone(), shop.now(), Arc::new(OnceLock::new()));
    *table.after.lock().unwrap() = Some(Box::new({
        let had = Arc::clone(&had);
        move || {
            revoke(&tokens, now);
            let sign_in = auth.generate_customer_token(SignIn::new(NEW, PASSWORD));
            let signed_in = pollster::block_on(sign_in).expect("the new address is written");
            had.set(signed_in.token().expose().to_owned()).unwrap();
        }
    }));
    assert_invalid(&confirm(&shop.auth, NEW, &token).await, "a change that was revoked meanwhile");
    assert_eq!(email(&shop.customers).await, EMAIL);
    assert_eq!(table.written.load(Ordering::SeqCst), 2, "written and put back");
    let ended = shop.auth.verify_customer(had.get().unwrap().as_str()).await;
    assert!(matches!(ended, Err(Error::Token(TokenError::Invalid))), "{ended:?}");
    shop.sign_in(PASSWORD).await.expect("the address is unchanged");
    assert_invalid(&confirm(&shop.auth, NEW, &token).await, "it is spent");
}

#[tokio::test]
async fn an_address_that_was_changed_again_is_not_put_back() {
    let (shop, tokens, table) = world(fast());
    let token = asked(&shop, NEW).await;
    let (customers, now) = (shop.customers.clone(), shop.now());
    *table.after.lock().unwrap() = Some(Box::new(move || {
        let id = CustomerId::from(1);
        let row = pollster::block_on(customers.find_by_id(&id)).unwrap().unwrap();
        customers.upsert(row.with_email(OTHERS)).unwrap();
        revoke(&tokens, now);
    }));
    assert_invalid(&confirm(&shop.auth, NEW, &token).await, "a change that was overtaken");
    assert_eq!(email(&shop.customers).await, OTHERS);
}

#[tokio::test]
async fn a_change_by_the_host_right_before_the_write_wins() {
    let (shop, _, table) = world(fast());
    let token = asked(&shop, NEW).await;
    let customers = shop.customers.clone();
    *table.before.lock().unwrap() = Some(Box::new(move || {
        let id = CustomerId::from(1);
        let row = pollster::block_on(customers.find_by_id(&id)).unwrap().unwrap();
        customers.upsert(row.with_email(OTHERS)).unwrap();
    }));
    assert_invalid(&confirm(&shop.auth, NEW, &token).await, "a change of an address that is another one");
    assert_eq!(email(&shop.customers).await, OTHERS);
    // As above, for an unconfirmed account, and for one that is disabled just before.
    for change in [(|row: &mut CustomerRecord| row.email = OTHERS.into()) as fn(&mut CustomerRecord), |row| {
        row.status = AccountStatus::Disabled;
    }] {
        let (shop, _, table) = world(fast());
        shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
        let request = ConfirmationRequest::new(EMAIL);
        shop.auth.request_confirmation(request).await.unwrap();
        let token = shop.outbox.confirmation_token().unwrap();
        let customers = shop.customers.clone();
        *table.before.lock().unwrap() = Some(Box::new(move || {
            let id = CustomerId::from(1);
            let mut row = pollster::block_on(customers.find_by_id(&id)).unwrap().unwrap();
            change(&mut row);
            customers.upsert(row).unwrap();
        }));
        assert_invalid(&confirm(&shop.auth, EMAIL, &token).await, "an account that was changed");
        let row = shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap();
        assert_ne!(row.status, AccountStatus::Active);
    }
}

/// `customer_changed` runs between the spending of a token and the write.
#[tokio::test]
async fn a_token_that_was_spent_before_a_revoke_writes_nothing() {
    for is_change in [true, false] {
        let left: Arc<OnceLock<Act>> = Arc::default();
        let store = Hooked::new({
            let left = Arc::clone(&left);
            move |verb| {
                if verb == "commit codes"
                    && let Some(act) = left.get()
                {
                    act();
                }
                Ok(())
            }
        });
        let tokens = Arc::new(Hooked::default());
        let shop = Shop::open(store, fast(), |builder| builder.tokens(tokens.clone()));
        let (new, token) = if is_change {
            (NEW, asked(&shop, NEW).await)
        } else {
            shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
            let request = ConfirmationRequest::new(EMAIL);
            shop.auth.request_confirmation(request).await.unwrap();
            (EMAIL, shop.outbox.confirmation_token().unwrap())
        };
        let now = shop.now();
        assert!(left.set(Box::new(move || revoke(&tokens, now))).is_ok());
        assert_invalid(&confirm(&shop.auth, new, &token).await, "a token that was ended meanwhile");
        let row = shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap();
        assert_eq!(row.email, EMAIL);
        assert_eq!(row.status == AccountStatus::Active, is_change);
    }
}
