//! A loopback server that replaces Have I Been Pwned.

use std::{
    future::pending,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use sha1::{Digest, Sha1};
use tokio::net::TcpListener;

/// The behaviour of the service.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    Well,
    /// Answers 503.
    Failing,
    /// Never answers.
    Silent,
    /// Answers with more data than a client should read.
    Endless,
}

/// A request, as the service received it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub add_padding: Option<String>,
}

#[derive(Clone)]
pub struct Service {
    url: String,
    state: Arc<Mutex<Inner>>,
}

struct Inner {
    mood: Mood,
    requests: Vec<Seen>,
    /// Each SHA-1 in hexadecimal, with the number of breaches.
    hashes: Vec<(String, u32)>,
}

impl Service {
    pub async fn start(known: &[&str], padding: &[&str]) -> io::Result<Self> {
        let counted =
            known.iter().map(|password| (*password, 2)).chain(padding.iter().map(|password| (*password, 0)));
        let hashes = counted.map(|(password, count)| (base16(password), count)).collect();
        let state = Arc::new(Mutex::new(Inner { mood: Mood::Well, requests: Vec::new(), hashes }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let service = Self { url: format!("http://{}", listener.local_addr()?), state };
        let router = Router::new().route("/range/{prefix}", get(answer)).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(service)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn set(&self, mood: Mood) {
        self.with(|inner| inner.mood = mood);
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.with(|inner| inner.requests.clone())
    }

    fn with<T>(&self, run: impl FnOnce(&mut Inner) -> T) -> T {
        run(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn base16(password: &str) -> String {
    Sha1::digest(password).iter().map(|byte| format!("{byte:02X}")).collect()
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let prefix = path.trim_start_matches("/range/").to_owned();
    let padding = request.headers().get("Add-Padding");
    let add_padding = padding.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mood = service.with(|inner| {
        inner.requests.push(Seen { path, add_padding });
        inner.mood
    });
    match mood {
        Mood::Well => service.with(|inner| {
            let lines = inner
                .hashes
                .iter()
                .filter_map(|(hash, count)| Some(format!("{}:{count}\r\n", hash.strip_prefix(&prefix)?)));
            // The padding that the real service adds, too.
            lines.chain([format!("{}:0\r\n", "0".repeat(35))]).collect::<String>().into_response()
        }),
        Mood::Failing => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Silent => pending().await,
        Mood::Endless => "0".repeat(1024 * 1024).into_response(),
    }
}
