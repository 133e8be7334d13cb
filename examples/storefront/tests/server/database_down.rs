//! A database that stops and comes back, under load: 503 meanwhile, and never "not authorized".

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use commerce_auth_test_servers::Postgres;
use serde_json::json;

use crate::support::{Answer, BOB, BOBS_PASSWORD, Place, RONI, RONIS_PASSWORD, Server, wait_until};

const CALLERS: usize = 8;

/// How often each kind of request was answered with each status.
type Counts = BTreeMap<(&'static str, u16), usize>;

fn requests(server: &Server, token: &str, admin: &str) -> [(&'static str, Answer); 5] {
    [
        ("graphql", server.graphql(Some(token), "{ customer { email } }", json!({}))),
        ("rest", server.get_as("/rest/V1/customers/me", token)),
        ("admin", server.get_as("/admin/api/assistance", admin)),
        ("sign-in", server.sign_in(RONI, RONIS_PASSWORD)),
        ("health", server.get("/health", &[])),
    ]
}

/// Asks from several threads until it is told to stop.
fn load(server: &Server, token: &str, admin: &str, until: impl FnOnce()) -> Counts {
    let (counts, over) = (Mutex::new(Counts::new()), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    for (kind, answer) in requests(server, token, admin) {
                        if answer.status == 503 {
                            assert!(answer.header("retry-after").is_some(), "{kind}: {answer:?}");
                        }
                        *counts.lock().unwrap().entry((kind, answer.status)).or_default() += 1;
                    }
                }
            });
        }
        until();
        over.store(true, Ordering::SeqCst);
    });
    counts.into_inner().unwrap()
}

fn of_status(counts: &Counts, status: u16) -> usize {
    counts.iter().filter(|((_, known), _)| *known == status).map(|(_, count)| count).sum()
}

fn all(counts: &Counts) -> usize {
    counts.values().sum()
}

/// A server on a database, a customer's token, and an admin user's.
fn serve(postgres: &Postgres) -> (Server, String, String) {
    let server = Place::new().start_with(&["--demo", "--database", &postgres.url()]);
    let (token, admin) = (server.customer_token(BOB, BOBS_PASSWORD), server.admin_token("admin"));
    (server, token, admin)
}

fn wait_for_health(server: &Server, status: u16) {
    wait_until("the health to change", || (server.get("/health", &[]).status == status).then_some(()));
}

/// Everything is answered well again, the earlier tokens too.
fn has_recovered(server: &Server, token: &str, admin: &str) {
    // Connections are made anew as they are needed.
    wait_until("the recovery", || {
        let answers = requests(server, token, admin);
        answers.iter().all(|(_, answer)| answer.status == 200).then_some(())
    });
    let counts = load(server, token, admin, || thread::sleep(Duration::from_secs(1)));
    assert_eq!(of_status(&counts, 200), all(&counts), "afterwards: {counts:?}");
}

#[test]
fn nobody_is_refused_because_the_database_is_down() {
    let Some(postgres) = Postgres::start() else { return };
    let (server, token, admin) = serve(&postgres);
    for end in [Postgres::stop, Postgres::kill] {
        let counts = load(&server, &token, &admin, || {
            end(&postgres);
            wait_for_health(&server, 503);
            for (kind, answer) in requests(&server, &token, &admin) {
                assert_eq!(answer.status, 503, "{kind}: {answer:?}");
            }
            thread::sleep(Duration::from_secs(1));
            postgres.restart();
            wait_for_health(&server, 200);
        });
        assert_eq!(of_status(&counts, 200) + of_status(&counts, 503), all(&counts), "{counts:?}");
        has_recovered(&server, &token, &admin);
    }
    let (status, _, log) = server.terminate();
    assert!(status.success(), "{log}");
    assert!(log.contains("request failed"), "the cause of a 503 is logged");
}

#[test]
fn nobody_waits_for_ever_for_a_database_that_does_not_answer() {
    let Some(postgres) = Postgres::start() else { return };
    let (server, token, admin) = serve(&postgres);
    let counts = load(&server, &token, &admin, || {
        postgres.pause();
        wait_for_health(&server, 503);
        postgres.resume();
        wait_for_health(&server, 200);
    });
    assert_eq!(of_status(&counts, 200) + of_status(&counts, 503), all(&counts), "{counts:?}");
    has_recovered(&server, &token, &admin);
}

#[test]
fn a_database_that_is_not_there_is_told_of() {
    let place = Place::new();
    let ran =
        place.run(&["--database", "postgres://shop:s3cret@127.0.0.1:1/shop", "--listen", "127.0.0.1:0"], "");
    assert!(!ran.status.success());
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(told.contains("backend request failed") && !told.contains("s3cret"), "{told}");
}
