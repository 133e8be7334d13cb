//! Every flow that writes a credential, held at each of its calls to the store and to the host's tables while somebody
//! else revokes. The calls are counted in a run that nobody disturbs, so that a new call is held, too.
//!
//! A flow that was begun before a revocation sets no credential that is good after it: it is refused, the credential of
//! before is good again, and a token that was had with the new one in between has ended. If the revocation begins after
//! the flow's last look at the tokens, the credential was set before it: then it stands, and every token has ended.

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

/// The calls of a flow, and what happens at them.
#[derive(Default)]
struct Calls {
    /// True while a flow runs and nothing happens beside it.
    counts: AtomicBool,
    names: Mutex<Vec<String>>,
    /// What happens at each call, with its number.
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

/// A flow that writes a credential, what revokes it, and how the credential is looked at.
trait Flow: Sized + Send + Sync + 'static {
    /// True if the flow looks at the tokens in its last call, so that it is refused at each of them. False if it looks at the
    /// generation, and only ends tokens after that.
    const LOOKS_LAST: bool;
    /// The number of ways to revoke.
    const REVOCATIONS: usize;
    /// True for a host's own act, which is begun under the tokens that it looks at first.
    const IS_THE_HOSTS: bool = false;

    fn config() -> AuthConfig;
    async fn begin(world: &World) -> Self;
    async fn run(&self, world: &World) -> Result<(), Error>;
    /// Revokes. Returns false if the flow itself has ended what the revocation needs.
    async fn revoke(&self, world: &World, how: usize) -> bool;
    /// True if the new credential is written at this moment.
    async fn is_written(&self, world: &World) -> bool;
    /// A token by the new credential, if it is good and known outside of the flow.
    async fn sign_in(&self, world: &World, how: usize) -> Option<String>;
    async fn lives(world: &World, token: &str) -> bool;
    /// The token that the flow rests on, if it does.
    fn presented(&self) -> Option<&str>;
    /// Fails unless the credential of before, or the one that the revocation has set, is good.
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
    world.run(&flow).await.expect("nobody disturbs it");
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
                assert!(!F::lives(&world, token).await, "{at}: a token by the new credential lives");
            }
            undone += usize::from(written.load(Ordering::SeqCst));
            assert!(!flow.is_written(&world).await, "{at}: the new credential stands");
            assert!(flow.sign_in(&world, how).await.is_none(), "{at}: the new credential signs in");
            flow.expect_earlier(&world, how).await;
        }
        assert!(undone > 0, "revocation {how}: nothing was written and undone");
        // A revocation that replaces the credential itself leaves nothing to sign in with.
        all_had += had;
    }
    assert!(!has_tokens || all_had > 1, "nobody signed in meanwhile");
}
