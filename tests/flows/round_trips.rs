//! The verbs that a flow calls, and the number that it waits for in sequence. Each is a round trip
//! if the store has a server.

use std::{
    collections::BTreeSet,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use support::{PASSWORD, Shop, WRONG, fast, hooked::Hooked};

/// The called verbs, each with the poll of the flow in which it begins.
#[derive(Clone, Debug, Default)]
struct Log {
    poll: Arc<AtomicUsize>,
    begun: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Log {
    /// Runs a flow. Returns its result, the verbs it called, and the number of round trips it waits
    /// for.
    async fn of<T>(&self, flow: impl Future<Output = T>) -> (T, Vec<String>, usize) {
        self.begun.lock().unwrap().clear();
        let mut flow = pin!(flow);
        let result = poll_fn(|context| {
            self.poll.fetch_add(1, Ordering::SeqCst);
            flow.as_mut().poll(context)
        })
        .await;
        let begun = std::mem::take(&mut *self.begun.lock().unwrap());
        let in_sequence = begun.iter().map(|(poll, _)| poll).collect::<BTreeSet<_>>().len();
        (result, begun.into_iter().map(|(_, verb)| verb).collect(), in_sequence)
    }
}

fn logged() -> (Shop<Hooked>, Log) {
    let log = Log::default();
    let store = Hooked::new({
        let log = log.clone();
        move |verb| {
            log.begun.lock().unwrap().push((log.poll.load(Ordering::SeqCst), verb.into()));
            Ok(())
        }
    });
    (Shop::open(store, fast(), |builder| builder), log)
}

#[tokio::test]
async fn a_sign_in_by_password_waits_for_three() {
    let (shop, log) = logged();
    let (signed_in, verbs, in_sequence) = log.of(shop.sign_in(PASSWORD)).await;
    signed_in.unwrap();
    assert_eq!(verbs, ["load budgets", "commit budgets", "generation", "commit budgets", "insert"]);
    assert_eq!(
        in_sequence, 3,
        "the reservation runs with the read of the generation, the settlement with the insertion"
    );
}

#[tokio::test]
async fn a_refusal_waits_for_four() {
    let (shop, log) = logged();
    let (refused, verbs, in_sequence) = log.of(shop.sign_in(WRONG)).await;
    refused.unwrap_err();
    assert_eq!(verbs, ["load budgets", "commit budgets", "generation", "load codes", "commit budgets"]);
    assert_eq!(in_sequence, 4, "a wrong credential is looked up once and spends nothing");
}

#[tokio::test]
async fn verification_and_sign_out_are_one_each() {
    let (shop, log) = logged();
    let token = shop.sign_in(PASSWORD).await.unwrap().token().clone();
    let (_, verbs, _) = log.of(shop.auth.verify_customer(&token)).await;
    assert_eq!(verbs, ["find"]);
    let (_, verbs, _) = log.of(shop.auth.revoke_customer_token(&token)).await;
    assert_eq!(verbs, ["find", "revoke"], "the owner of the token, and its expiry");
}

#[tokio::test]
async fn a_token_with_wrong_check_characters_reaches_no_store() {
    let (shop, log) = logged();
    let mut forged = shop.sign_in(PASSWORD).await.unwrap().token().expose().to_owned();
    let last = forged.pop();
    forged.push(if last == Some('0') { '1' } else { '0' });
    let (refused, verbs, _) = log.of(shop.auth.verify_customer(&forged)).await;
    refused.unwrap_err();
    assert_eq!(verbs, [""; 0]);
}

#[tokio::test]
async fn assistance_looks_at_two_grants() {
    let (shop, log) = logged();
    let token = shop.assisting(&shop.admin_token().await, 0).await.unwrap();
    let (who, verbs, _) = log.of(shop.auth.verify_customer(token.as_str())).await;
    assert!(who.unwrap().actor().is_some());
    assert_eq!(verbs, ["find", "find"], "its own, and the admin user's");
}
