//! Every flow that writes a credential is held at each of its calls to the store and to the host's
//! tables, while another caller revokes. The calls are counted in an undisturbed run, so that a new
//! call is covered automatically.
//!
//! A flow that began before a revocation leaves no valid new credential. The flow is refused, and
//! the earlier credential is valid again. A token that was obtained with the new credential in
//! between has ended. If the revocation begins after the flow's last check of the tokens, the
//! credential counts as set before it. Then the credential stays, and every token has ended.

mod addresses;
mod admin_passwords;
mod customers;
mod factors;

use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use commerce_auth::{AuthConfig, Error, ErrorKind};
use support::{Shop, hooked::Hooked, keyring, table::Table};

const NEW: &str = "N3w-password";
/// The password that the host sets.
const HOSTS: &str = "H0sts-password";

/// The calls of a flow, and the hook that runs at them.
#[derive(Default)]
struct Calls {
    /// True while a flow runs undisturbed and its calls are counted.
    counts: AtomicBool,
    names: Mutex<Vec<String>>,
    /// The hook for each call; it gets the number of the call.
    act: OnceLock<Box<dyn Fn(usize) + Send + Sync>>,
}

impl Calls {
    fn comes(&self, name: &str) {
        if !self.counts.swap(false, Ordering::SeqCst) {
            return;
        }
        let number = {
            let mut names = self.names.lock().unwrap();
            names.push(name.to_owned());
            names.len()
        };
        if let Some(act) = self.act.get() {
            act(number);
        }
        self.counts.store(true, Ordering::SeqCst);
    }
}

struct World {
    shop: Shop<Hooked>,
    calls: Arc<Calls>,
}

impl World {
    fn new(config: AuthConfig) -> Self {
        let calls = Arc::<Calls>::default();
        let noticing = || {
            let calls = Arc::clone(&calls);
            move |name: &str| calls.comes(name)
        };
        let (customers, admins) = (Table::new(noticing()), Table::new(noticing()));
        let verb = noticing();
        let store = Hooked::new(move |name| {
            verb(name);
            Ok(())
        });
        let shop = Shop::open(store, config, |builder| {
            builder.keyring(keyring()).customers(customers.clone()).admins(admins.clone())
        });
        customers.fill(shop.customers.clone());
        admins.fill(shop.admins.clone());
        Self { shop, calls }
    }
}

/// A flow that writes a credential, the ways to revoke it, and how the test reads the credential.
trait Flow: Sized + Send + Sync + 'static {
    /// True if the flow checks the tokens in its last call, so that it is refused at each call.
    /// False if it checks the generation and afterwards only ends tokens.
    const LOOKS_LAST: bool;
    /// The number of ways to revoke.
    const REVOCATIONS: usize;
    /// True for an action of the host. It begins under the tokens that it checks first.
    const IS_THE_HOSTS: bool = false;

    fn config() -> AuthConfig;
    async fn begin(world: &World) -> Self;
    async fn run(&self, world: &World) -> Result<(), Error>;
    /// Revokes. Returns false if the flow has already ended the object that the revocation needs.
    async fn revoke(&self, world: &World, how: usize) -> bool;
    /// True if the new credential is written at this moment.
    async fn is_written(&self, world: &World) -> bool;
    /// Returns a token obtained with the new credential, if that is valid and known outside the
    /// flow.
    async fn sign_in(&self, world: &World, how: usize) -> Option<String>;
    async fn lives(world: &World, token: &str) -> bool;
    /// Returns the token that authorises the flow, if it needs one.
    fn presented(&self) -> Option<&str>;
    /// Fails unless the earlier credential is valid, or the one that the revocation has set.
    async fn expect_earlier(&self, world: &World, how: usize);
}

impl World {
    async fn run<F: Flow>(&self, flow: &F) -> Result<(), Error> {
        self.calls.counts.store(true, Ordering::SeqCst);
        let result = flow.run(self).await;
        self.calls.counts.store(false, Ordering::SeqCst);
        result
    }
}

/// Holds a flow at each of its calls, for each way to revoke.
async fn hold<F: Flow>(has_tokens: bool) {
    let world = World::new(F::config());
    let flow = F::begin(&world).await;
    world.run(&flow).await.expect("no other caller disturbs the flow");
    let names = world.calls.names.lock().unwrap().clone();
    let mut looks = (1..).zip(&names).filter(|(_, name)| *name == "generation").map(|(number, _)| number);
    let first_look = looks.next().expect("it looks before");
    let last_look = looks.last().expect("it looks again");
    let last_look = if F::LOOKS_LAST { names.len() } else { last_look };
    let mut all_had = 0;
    for how in 0..F::REVOCATIONS {
        let (mut had, mut undone) = (0, 0);
        for number in 1..=names.len() {
            let at = format!("revocation {how} at call {number}, {}", names[number - 1]);
            let world = Arc::new(World::new(F::config()));
            let flow = Arc::new(F::begin(&world).await);
            let (revoked, written) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
            let token = Arc::<OnceLock<String>>::default();
            let act = {
                let (world, flow) = (Arc::clone(&world), Arc::clone(&flow));
                let (revoked, written) = (Arc::clone(&revoked), Arc::clone(&written));
                let token = Arc::clone(&token);
                move |call| {
                    pollster::block_on(async {
                        if call == number {
                            written.store(flow.is_written(&world).await, Ordering::SeqCst);
                            revoked.store(flow.revoke(&world, how).await, Ordering::SeqCst);
                        }
                        if call >= number && token.get().is_none() && flow.is_written(&world).await {
                            written.store(true, Ordering::SeqCst);
                            if let Some(by_new) = flow.sign_in(&world, how).await {
                                token.set(by_new).unwrap();
                            }
                        }
                    });
                }
            };
            assert!(world.calls.act.set(Box::new(act)).is_ok());
            let result = world.run(&*flow).await;
            if !revoked.load(Ordering::SeqCst) {
                assert!(result.is_ok(), "{at}: {result:?}");
                continue;
            }
            if let Some(presented) = flow.presented() {
                assert!(!F::lives(&world, presented).await, "{at}: {result:?}");
            }
            let Err(error) = result else {
                let is_before = F::IS_THE_HOSTS && number <= first_look;
                assert!(is_before || number > last_look, "{at}: the flow was not refused");
                continue;
            };
            let refused = [ErrorKind::Authentication, ErrorKind::Overloaded, ErrorKind::Input];
            assert!(refused.contains(&error.kind()), "{at}: {error:?}");
            if let Some(token) = token.get() {
                had += 1;
                assert!(
                    !F::lives(&world, token).await,
                    "{at}: a token obtained with the new credential is live"
                );
            }
            undone += usize::from(written.load(Ordering::SeqCst));
            assert!(!flow.is_written(&world).await, "{at}: the new credential was not undone");
            assert!(flow.sign_in(&world, how).await.is_none(), "{at}: the new credential signs in");
            flow.expect_earlier(&world, how).await;
        }
        assert!(undone > 0, "revocation {how}: nothing was written and undone");
        // If the revocation replaces the credential itself, there is nothing to sign in with.
        all_had += had;
    }
    assert!(!has_tokens || all_had > 1, "no sign-in succeeded in the meantime");
}
