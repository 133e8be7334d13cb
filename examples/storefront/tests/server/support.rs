//! The built binary, on a separate port with a separate folder, and a client for it.

#![allow(dead_code)] // Each test target uses its part.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::{
    Agent,
    http::{Request, Response},
};

pub const RONI: &str = "roni_cost@example.com";
pub const RONIS_PASSWORD: &str = "roni_cost3@example.com";
pub const BOB: &str = "bobloblaw@example.com";
pub const BOBS_PASSWORD: &str = "b0bl0bl@w";
/// A new customer's.
pub const NORAS_PASSWORD: &str = "N3w-password";
pub const ADMIN: &str = "admin";
pub const CLERK: &str = "clerk";
/// The demo's admin user who has an authenticator, and its secret.
pub const ENROLLED: &str = "admin2fa";
pub const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
pub const ADMINS_PASSWORD: &str = "Adm1nPassw0rd";

/// Long enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a database and an outbox, in which servers are started one after the other.
pub struct Place(Arc<TempDir>);

/// A running server. It is killed when it is dropped.
pub struct Server {
    child: Child,
    url: String,
    printed: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    agent: Agent,
    /// Its folder outlives it.
    _place: Arc<TempDir>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Place {
    pub fn new() -> Self {
        Self(Arc::new(TempDir::with_prefix("storefront-").unwrap()))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn outbox(&self) -> PathBuf {
        self.0.path().join("outbox")
    }

    /// The binary with these arguments, in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_storefront"));
        command.args(arguments).current_dir(self.0.path()).env("RUST_LOG", "trace");
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// A server on the SQLite file of the folder.
    pub fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// The same with the demo data.
    pub fn demo(&self) -> Server {
        self.start_with(&["--demo"])
    }

    /// Its admin users sign in by password, unless the arguments say otherwise: most tests are about something else.
    pub fn start_with(&self, arguments: &[&str]) -> Server {
        let by_password: &[&str] =
            if arguments.contains(&"--admin-2fa") { &[] } else { &["--admin-2fa", "optional"] };
        self.start_as_told(&[arguments, by_password].concat())
    }

    pub fn start_as_told(&self, arguments: &[&str]) -> Server {
        self.start_exactly(&[&["--listen", "127.0.0.1:0"], arguments].concat())
    }

    /// The same on SQLite, with tokens at an address of Redis and a file of root certificates.
    pub fn start_beside_redis(&self, address: &str, roots: &str) -> Server {
        let mut command = self.command(&["--listen", "127.0.0.1:0", "--demo", "--tokens", address]);
        Server::start(command.env("SSL_CERT_FILE", roots), Arc::clone(&self.0))
    }

    /// With nothing added: the arguments say where it listens.
    pub fn start_exactly(&self, arguments: &[&str]) -> Server {
        Server::start(&mut self.command(arguments), Arc::clone(&self.0))
    }

    /// Every mail as it is in its file, the oldest first.
    pub fn mails(&self) -> Vec<String> {
        let Ok(folder) = self.outbox().read_dir() else { return Vec::new() };
        let mut mails: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        mails.sort_by_key(|mail| mail.metadata().unwrap().modified().unwrap());
        // One that is there and empty is being written.
        mails
            .iter()
            .map(|mail| std::fs::read_to_string(mail).unwrap())
            .filter(|mail| !mail.is_empty())
            .collect()
    }

    /// Waits for so many mails.
    pub fn wait_for_mails(&self, count: usize) -> Vec<String> {
        wait_until("the mails", || Some(self.mails()).filter(|mails| mails.len() >= count))
    }
}

impl Server {
    fn start(command: &mut Command, place: Arc<TempDir>) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (printed, log) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let readers = vec![
            gather(child.stdout.take().unwrap(), Arc::clone(&printed)),
            gather(child.stderr.take().unwrap(), Arc::clone(&log)),
        ];
        let url = wait_until("the server's start", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", log.lock().unwrap());
            }
            let printed = printed.lock().unwrap();
            let (_, rest) = printed.split_once("listening on ")?;
            rest.split_once('\n').map(|(url, _)| url.to_owned())
        });
        // A connection for each request: a server closes one whose request it refused before all of it came, and the next
        // request on it would fail.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(0);
        Self { child, url, printed, log, readers, agent: config.build().into(), _place: place }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The output so far.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends the server by SIGTERM. Returns its exit status, its output and its log.
    pub fn terminate(self) -> (ExitStatus, String, String) {
        signal("TERM", self.child.id());
        self.ended()
    }

    /// Waits for its end, which it was told of.
    pub fn ended(mut self) -> (ExitStatus, String, String) {
        let status = wait_until("the server's end", || self.child.try_wait().unwrap());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (status, self.printed(), self.log())
    }

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.call().unwrap())
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send(body).unwrap())
    }

    /// Any method, with a body or without.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(
            match body {
                Some(body) => self.agent.run(request.body(body.to_owned()).unwrap()),
                None => self.agent.run(request.body(()).unwrap()),
            }
            .unwrap(),
        )
    }

    pub fn post_json(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
        self.post(path, &headers, &body.to_string())
    }

    /// A customer changes the own account by REST.
    pub fn put_me(&self, token: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        self.send("PUT", "/rest/V1/customers/me", &headers, Some(body))
    }

    pub fn put_json(&self, path: &str, body: &Value) -> Answer {
        let request =
            self.agent.put(format!("{}{path}", self.url)).header("content-type", "application/json");
        answer(request.send(body.to_string()).unwrap())
    }

    pub fn get_as(&self, path: &str, token: &str) -> Answer {
        self.get(path, &[("authorization", &format!("Bearer {token}"))])
    }

    #[allow(clippy::needless_pass_by_value)] // So that variables are written in place.
    pub fn graphql(&self, token: Option<&str>, query: &str, variables: Value) -> Answer {
        self.post_json("/graphql", token, &json!({ "query": query, "variables": variables }))
    }

    /// A customer's token, by `generateCustomerToken`.
    pub fn sign_in(&self, email: &str, password: &str) -> Answer {
        let query = "mutation($email: String!, $password: String!) \
                     { generateCustomerToken(email: $email, password: $password) { token } }";
        self.graphql(None, query, json!({ "email": email, "password": password }))
    }

    pub fn customer_token(&self, email: &str, password: &str) -> String {
        let answer = self.sign_in(email, password);
        answer.data("/generateCustomerToken/token").as_str().unwrap().to_owned()
    }

    pub fn admin_sign_in(&self, username: &str, password: &str) -> Answer {
        let body = json!({ "username": username, "password": password });
        self.post_json("/rest/V1/integration/admin/token", None, &body)
    }

    /// The sign-in by password and code.
    pub fn authenticate(&self, username: &str, password: &str, otp: &str) -> Answer {
        let body = json!({ "username": username, "password": password, "otp": otp });
        self.post_json("/rest/V1/tfa/provider/google/authenticate", None, &body)
    }

    pub fn admin_token(&self, username: &str) -> String {
        let answer = self.admin_sign_in(username, ADMINS_PASSWORD);
        answer.json().as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The data of a GraphQL answer that has no errors.
    pub fn data(&self, pointer: &str) -> Value {
        let json = self.json();
        assert!(json.get("errors").is_none(), "{self:?}");
        json.pointer(&format!("/data{pointer}")).unwrap_or_else(|| panic!("{self:?}")).clone()
    }

    /// The status, and the first error's category and message.
    pub fn refusal(&self) -> (u16, String, String) {
        let json = self.json();
        let text = |pointer| json.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        (self.status, text("/errors/0/extensions/category"), text("/errors/0/message"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn answer(mut response: Response<ureq::Body>) -> Answer {
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let status = response.status().as_u16();
    Answer { status, headers, text: response.body_mut().read_to_string().unwrap() }
}

/// Reads a pipe to its end, so that the server never waits for it.
fn gather(pipe: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut into = into.lock().unwrap();
            into.push_str(&line);
            into.push('\n');
        }
    })
}

pub fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Asks until there is an answer.
pub fn wait_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
