use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::json;
use tempfile::TempDir;

use crate::browser::until;

pub(crate) const CUSTOMER: Account = Account { name: "customer@example.com", password: "password" };
/// Allows assistance from the beginning.
pub(crate) const ASSISTED: Account = Account { name: "customer1@mail.com", password: "password" };
pub(crate) const ADMIN: Account = Account { name: "admin", password: "Adm1nPassw0rd" };
/// An admin user who has an authenticator, and its secret.
pub(crate) const ENROLLED: Account = Account { name: "admin2fa", password: "Adm1nPassw0rd" };
pub(crate) const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// An admin user without the permission to assist.
pub(crate) const CLERK: Account = Account { name: "clerk", password: "Adm1nPassw0rd" };

#[derive(Clone, Copy)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
}

/// The server, with the demo's accounts in memory and a separate outbox.
pub(crate) struct Storefront {
    pub(crate) url: String,
    outbox: TempDir,
    server: Child,
}

impl Storefront {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let outbox = TempDir::new().unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_storefront"))
            .args(["--listen", "127.0.0.1:0", "--database", "memory:", "--demo", "--outbox"])
            .arg(outbox.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let url = answer_after(server.stdout.take().unwrap(), "listening on ");
        Self { url, outbox, server }
    }

    /// Strangers use up the attempts at an admin user's account: six from each of 17 addresses. The server must trust
    /// its own address as a proxy.
    pub(crate) fn lock_admin(&self, account: Account) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        for number in 0..102 {
            let answer = agent
                .post(format!("{}/rest/V1/integration/admin/token", self.url))
                .header("x-forwarded-for", format!("10.0.0.{}", number / 6))
                .send_json(json!({ "username": account.name, "password": "wrong" }));
            assert_eq!(answer.unwrap().status(), 401);
        }
    }

    /// The text of the first mail that holds `phrase`, once it is there.
    pub(crate) async fn mail(&self, phrase: &str) -> String {
        until(&format!("a mail says {phrase}"), async || {
            mails(self.outbox.path()).find(|mail| mail.contains(phrase))
        })
        .await
    }
}

impl Drop for Storefront {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Reads until a line begins with the text, and returns the rest of that line. The later output is read
/// and dropped, because the process would stop at a full pipe.
pub(crate) fn answer_after(output: impl Read + Send + 'static, beginning: &str) -> String {
    let mut lines = BufReader::new(output).lines();
    let rest = lines.by_ref().find_map(|line| Some(line.unwrap().strip_prefix(beginning)?.to_owned()));
    thread::spawn(move || lines.for_each(drop));
    rest.unwrap_or_else(|| panic!("it ended before it said “{beginning}…”"))
}

fn mails(outbox: &Path) -> impl Iterator<Item = String> {
    let files = fs::read_dir(outbox).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|extension| extension == "eml"))
        .map(|file| fs::read_to_string(file).unwrap())
}
