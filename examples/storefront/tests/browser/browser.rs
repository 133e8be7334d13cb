use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
    key::Key,
    wd::{Capabilities, WebDriverCompatibleCommand, WindowHandle},
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use url::{ParseError, Url};

use crate::storefront::{Account, answer_after};

pub(crate) const REQUIRE: &str = "COMMERCE_AUTH_REQUIRE_SERVERS";
/// Far more than any of it takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(25);

/// Looks again and again until it is so.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        sleep(PAUSE).await;
    }
}

/// One Chromium with a separate profile, and the acts of a person who uses it. Each act waits until it is
/// possible.
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// None, and a loud word, where the machine has no browser.
    pub(crate) async fn start() -> Option<Self> {
        let (chromium, chromedriver) = (binary("chromium")?, binary("chromedriver")?);
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port =
            answer_after(driver.stdout.take().unwrap(), "ChromeDriver was started successfully on port ");
        let profile = TempDir::new().unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&chromium, &profile))
            .connect(&format!("http://127.0.0.1:{}", port.trim_end_matches('.')))
            .await;
        match client {
            Ok(client) => Some(Self { client, driver, _profile: profile }),
            Err(error) => {
                let _ = driver.kill();
                panic!("no browser: {error}");
            }
        }
    }

    pub(crate) async fn close(mut self) {
        let _ = self.client.close().await;
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }

    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn url(&self) -> String {
        self.client.current_url().await.unwrap().into()
    }

    /// An element that is shown.
    pub(crate) async fn see(&self, css: &str) -> Element {
        until(&format!("{css} is shown"), async || self.shown(css).await).await
    }

    async fn shown(&self, css: &str) -> Option<Element> {
        let element = self.client.find(Locator::Css(css)).await.ok()?;
        element.is_displayed().await.ok()?.then_some(element)
    }

    pub(crate) async fn gone(&self, css: &str) {
        until(&format!("{css} is gone"), async || self.shown(css).await.is_none().then_some(())).await;
    }

    /// Waits until an element reads so, among other words.
    pub(crate) async fn reads(&self, css: &str, words: &str) {
        until(&format!("{css} reads “{words}”"), async || {
            self.shown(css).await?.text().await.ok()?.contains(words).then_some(())
        })
        .await;
    }

    pub(crate) async fn click(&self, css: &str) {
        until(&format!("{css} is clicked"), async || {
            // Away from the edge, where a message may lie over it.
            let scroll = "document.querySelector(arguments[0])?.scrollIntoView({block: 'center'})";
            self.client.execute(scroll, vec![css.into()]).await.ok()?;
            self.shown(css).await?.click().await.ok()
        })
        .await;
    }

    pub(crate) async fn write(&self, css: &str, text: &str) {
        let field = self.see(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub(crate) async fn value(&self, css: &str) -> String {
        self.see(css).await.prop("value").await.unwrap().unwrap()
    }

    /// Types on the keyboard, wherever the focus is.
    pub(crate) async fn types(&self, text: &str) {
        let keys = text.chars().fold(KeyActions::new("keyboard".into()), |keys, key| {
            keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key })
        });
        self.client.perform_actions(keys).await.unwrap();
    }

    pub(crate) async fn press(&self, key: Key) {
        self.types(&char::from(key).to_string()).await;
    }

    /// Goes on by the Tab key until the focus is there, and sees that it shows at every stop.
    pub(crate) async fn tab_to(&self, id: &str) {
        self.tab_until("document.activeElement.id", id).await;
    }

    /// The same, to an element with this text.
    pub(crate) async fn tab_to_text(&self, text: &str) {
        self.tab_until("document.activeElement.textContent", text).await;
    }

    async fn tab_until(&self, of_focus: &str, wanted: &str) {
        for _ in 0..20 {
            self.press(Key::Tab).await;
            let outline = self.ask("return getComputedStyle(document.activeElement).outlineStyle").await;
            assert_ne!(outline, "none", "the focus does not show on the way to {wanted}");
            if self.ask(&format!("return {of_focus}")).await == wanted {
                return;
            }
        }
        panic!("the Tab key does not come to {wanted}");
    }

    /// Waits until the focus is on an element with this text.
    pub(crate) async fn focus_reads(&self, text: &str) {
        until(&format!("the focus is on “{text}”"), async || {
            (self.ask("return document.activeElement.textContent").await == text).then_some(())
        })
        .await;
    }

    pub(crate) async fn sign_in(&self, account: Account) {
        self.write("#sign-in-form input[autocomplete=username]", account.name).await;
        self.write("#password", account.password).await;
        self.click("#sign-in-submit").await;
    }

    /// The names under which this tab keeps something.
    pub(crate) async fn kept(&self) -> Value {
        self.ask("return Object.keys(sessionStorage)").await
    }

    /// The value of a cookie, and true if scripts cannot read it.
    pub(crate) async fn cookie(&self, name: &str) -> Option<(String, bool)> {
        let cookie = self.client.get_named_cookie(name).await.ok()?;
        Some((cookie.value().to_owned(), cookie.http_only() == Some(true)))
    }

    /// The answer that a script of the page would get.
    pub(crate) async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    pub(crate) async fn tab(&self) -> WindowHandle {
        self.client.window().await.unwrap()
    }

    pub(crate) async fn turn_to(&self, tab: &WindowHandle) {
        self.client.switch_to_window(tab.clone()).await.unwrap();
    }

    pub(crate) async fn open_tab(&self, url: &str) -> WindowHandle {
        let tab = self.client.new_window(true).await.unwrap().handle;
        self.turn_to(&tab).await;
        self.go(url).await;
        tab
    }

    pub(crate) async fn tabs(&self) -> Vec<WindowHandle> {
        self.client.windows().await.unwrap()
    }

    /// Clicks, and turns to the tab that opens.
    pub(crate) async fn click_into_tab(&self, css: &str) -> WindowHandle {
        self.turn_to_new_tab(css, self.click(css)).await
    }

    /// Does something, and turns to the tab that opens by it.
    pub(crate) async fn turn_to_new_tab(&self, what: &str, act: impl Future<Output = ()>) -> WindowHandle {
        let before = self.tabs().await;
        act.await;
        let opened = until(&format!("{what} opens a tab"), async || {
            self.tabs().await.into_iter().find(|tab| !before.contains(tab))
        })
        .await;
        self.turn_to(&opened).await;
        opened
    }

    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn chromium(&self, command: &str, parameters: Value) {
        let body = json!({"cmd": command, "params": parameters});
        self.client.issue_cmd(Beyond { path: "goog/cdp/execute", body }).await.unwrap();
    }

    pub(crate) async fn offline(&self, offline: bool) {
        let network =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.chromium("Network.enable", json!({})).await;
        self.chromium("Network.emulateNetworkConditions", network).await;
    }

    /// The browser's complaints since the last call: scripts that failed, loads that were refused.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries =
            self.client.issue_cmd(Beyond { path: "se/log", body: json!({"type": "browser"}) }).await;
        let Value::Array(entries) = entries.unwrap() else { panic!("the log is no list") };
        entries.into_iter().map(|entry| entry["message"].to_string()).collect()
    }
}

/// A command that chromedriver has beyond the standard.
#[derive(Debug)]
struct Beyond {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Beyond {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

fn capabilities(chromium: &Path, profile: &TempDir) -> Capabilities {
    let profile = format!("--user-data-dir={}", profile.path().display());
    // It sees nothing but this test's own pages, so it may do without a sandbox, which root cannot have.
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--window-size=1280,900",
        &profile,
    ];
    let capabilities = json!({
        "goog:chromeOptions": {"binary": chromium, "args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    });
    serde_json::from_value(capabilities).unwrap()
}

fn binary(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert_ne!(env::var(REQUIRE).as_deref(), Ok("1"), "{name} is not on PATH");
        // Not by `eprintln!`, whose words a passing test keeps to itself.
        let _ = writeln!(io::stderr(), "SKIPPED: {name} is not on PATH, so the pages are not tested");
    }
    found
}
