//! Two processes over one database are one shop. The test starts its own binary twice.

use std::{
    env,
    io::{BufRead, BufReader, Lines, Write},
    process::{Child, ChildStdout, Command, Stdio},
};

use commerce_auth::{StateStore, store::postgres::PostgresOptions};
use futures_util::future::join_all;
use support::documents::{add_to_both, key, number, partition};

use crate::postgres::Schema;

/// Passes the addresses of the server and the schema to a child process.
const URL: &str = "COMMERCE_AUTH_NODE_URL";
const SCHEMA: &str = "COMMERCE_AUTH_NODE_SCHEMA";

/// The number of callers in each process.
const CALLERS: u32 = 50;
/// The number of attempts of each caller to add one to a number.
const TRIES: u32 = 10;

/// Does nothing except in a child process, where it is a node.
#[tokio::test(flavor = "multi_thread")]
async fn a_node() {
    let (Ok(url), Ok(schema)) = (env::var(URL), env::var(SCHEMA)) else { return };
    let store = PostgresOptions::new(url).schema(&schema).connect().await.unwrap();
    println!("\nready");
    std::io::stdin().lines().next().expect("a word to start").unwrap();
    let process = std::process::id();
    let callers = (0..CALLERS).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut added = 0;
            for count in 0..TRIES {
                let unique = u128::from(process) << 64 | u128::from(caller * TRIES + count);
                added += usize::from(add_to_both(&store, &partition("a"), 1, unique).await.unwrap());
            }
            added
        })
    });
    let added: usize = join_all(callers).await.into_iter().map(Result::unwrap).sum();
    println!("\ncounted {added}");
}

/// Another process of this test.
struct Node {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Node {
    fn start(schema: &Schema) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["postgres::processes::a_node", "--exact", "--nocapture"])
            .env(URL, schema.server.url())
            .env(SCHEMA, &schema.name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test can start itself");
        let says = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, says }
    }

    /// Returns the text after a word at the start of a line.
    fn hear(&mut self, word: &str) -> String {
        let mut lines = self.says.by_ref().map(Result::unwrap);
        lines.find_map(|line| line.strip_prefix(word).map(str::to_owned)).expect("the node reports it")
    }

    fn begin(&mut self) {
        self.process.stdin.take().unwrap().write_all(b"begin\n").unwrap();
    }

    /// Returns the number of successful additions.
    fn counted(mut self) -> usize {
        let counted = self.hear("counted ");
        assert!(self.process.wait().unwrap().success());
        counted.parse().unwrap()
    }
}

#[tokio::test]
async fn two_processes_lose_no_update() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    let mut nodes = [Node::start(&schema), Node::start(&schema)];
    nodes.iter_mut().for_each(|node| drop(node.hear("ready")));
    nodes.iter_mut().for_each(Node::begin);
    let [one, other] = nodes.map(Node::counted);
    assert!(one > 0 && other > 0, "the processes did not run at the same time: {one:?}, {other:?}");
    let found = store.load(&partition("a"), &[key(0), key(1)]).await.unwrap();
    let found = found.iter().map(|document| document.as_ref().map(number));
    let made = u128::try_from(one + other).unwrap();
    assert!(found.eq([Some(made), Some(made)]), "an update was lost");
}
