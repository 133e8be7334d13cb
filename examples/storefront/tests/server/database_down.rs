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

const CALLERS: usize = 4;

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

#[test]
fn nobody_is_refused_because_the_database_is_down() {
    let Some(postgres) = Postgres::start() else { return };
    let place = Place::new();
    let server = place.start_with(&["--demo", "--database", &postgres.url()]);
    let (token, admin) = (server.customer_token(BOB, BOBS_PASSWORD), server.admin_token("admin"));
    let healthy = |status| {
        wait_until("the health to change", || (server.get("/health", &[]).status == status).then_some(()));
    };

    for end in [Postgres::stop, Postgres::kill] {
        let counts = load(&server, &token, &admin, || thread::sleep(Duration::from_secs(1)));
        assert_eq!(of_status(&counts, 200), all(&counts), "before: {counts:?}");

        let counts = load(&server, &token, &admin, || {
            end(&postgres);
            healthy(503);
            thread::sleep(Duration::from_secs(2));
            postgres.restart();
            healthy(200);
        });
        let answered = of_status(&counts, 200) + of_status(&counts, 503);
        assert_eq!(answered, all(&counts), "meanwhile: {counts:?}");
        for kind in ["graphql", "rest", "admin", "sign-in", "health"] {
            assert!(counts.contains_key(&(kind, 503)), "{kind} was not down: {counts:?}");
        }

        // Connections are made anew as they are needed.
        wait_until("the recovery", || {
            let answers = requests(&server, &token, &admin);
            answers.iter().all(|(_, answer)| answer.status == 200).then_some(())
        });
        let counts = load(&server, &token, &admin, || thread::sleep(Duration::from_secs(1)));
        assert_eq!(of_status(&counts, 200), all(&counts), "afterwards: {counts:?}");
    }
    let (status, _, log) = server.terminate();
    assert!(status.success(), "{log}");
    assert!(log.contains("could not be answered"), "the cause of a 503 is logged");
}

#[test]
fn a_database_that_is_not_there_is_told_of() {
    let place = Place::new();
    let ran =
        place.run(&["--database", "postgres://shop:s3cret@127.0.0.1:1/shop", "--listen", "127.0.0.1:0"], "");
    assert!(!ran.status.success());
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(told.contains("could not be asked") && !told.contains("s3cret"), "{told}");
}
