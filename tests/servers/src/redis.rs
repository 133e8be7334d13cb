use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    time::Duration,
};

use crate::{
    binary, binary_or_skip, free_port,
    keeper::{Folder, Keeper},
    wait_until,
};

/// A Redis (or Valkey) server that appends every write to its file before it answers, unless told otherwise.
#[derive(Debug)]
pub struct Redis {
    keeper: Keeper,
    port: u16,
}

impl Redis {
    const SOCKET: &str = "redis.sock";

    /// A running server; none, loudly, if the machine has none.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// A running server with arguments beyond the defaults, such as `["--maxmemory-policy", "allkeys-lru"]`.
    #[must_use]
    pub fn start_with(arguments: &[&str]) -> Option<Self> {
        Some(Self::of(&binary_or_skip("redis-server")?, arguments))
    }

    /// A running Valkey server; none, loudly, if the machine has none. Never a failure: not every system has a package
    /// of it.
    #[must_use]
    pub fn start_valkey_with(arguments: &[&str]) -> Option<Self> {
        let server = binary("valkey-server");
        if server.is_none() {
            eprintln!("SKIPPED: valkey-server is not on PATH, so the suite runs on Redis alone");
        }
        Some(Self::of(&server?, arguments))
    }

    fn of(server: &Path, arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let port = free_port();
        let (place, number) = (folder.path.display().to_string(), port.to_string());
        let socket = folder.path.join(Self::SOCKET).display().to_string();
        let own = [
            ["--bind", "127.0.0.1"],
            ["--port", &number],
            ["--unixsocket", &socket],
            ["--dir", &place],
            ["--appendonly", "yes"],
            ["--appendfsync", "always"],
            ["--save", ""],
            ["--rdbcompression", "no"],
        ];
        let mut command = vec![server.into()];
        command.extend(own.as_flattened().iter().chain(arguments).map(Into::into));
        let server = Self { keeper: Keeper::new(folder, command), port };
        server.restart();
        server
    }

    /// Where it listens: `redis://127.0.0.1:…/`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// The same through another port of loopback, such as a [`Proxy`](crate::Proxy)'s.
    #[must_use]
    pub fn url_through(&self, port: u16) -> String {
        format!("redis://127.0.0.1:{port}/")
    }

    /// The same through its Unix socket: `redis+unix:///…`.
    #[must_use]
    pub fn socket_url(&self) -> String {
        format!("redis+unix://{}", self.folder().join(Self::SOCKET).display())
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, which holds its files and its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.keeper.folder()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.keeper.log()
    }

    /// Kills it: as a loss of power does, but that the system keeps what was written.
    pub fn kill(&self) {
        self.keeper.tell("kill");
    }

    /// Stops it in good order.
    pub fn stop(&self) {
        self.keeper.tell("stop");
    }

    /// Stops it in its tracks: connections stay open, and nothing is answered.
    pub fn pause(&self) {
        self.keeper.tell("pause");
    }

    /// Lets it go on after a pause.
    pub fn resume(&self) {
        self.keeper.tell("resume");
    }

    /// Starts it after it was killed or stopped, and returns once it answers.
    pub fn restart(&self) {
        self.keeper.tell("start");
        wait_until("the start of Redis", || answers(self.port, "PING").is_some_and(|answer| is_up(&answer)));
    }

    /// The first 64 KiB of the answer to a command, such as `DBSIZE`, as it comes over the wire; none if it is not to
    /// be had.
    #[must_use]
    pub fn command(&self, command: &str) -> Option<String> {
        answers(self.port, command)
    }
}

/// Redis Sentinel, which watches one primary by the name of `shop` and makes a replica the primary once it is gone for
/// 3 s.
#[derive(Debug)]
pub struct Sentinel {
    keeper: Keeper,
    port: u16,
}

impl Sentinel {
    /// A running Sentinel of the primary at a port of loopback, with lines of configuration beyond the defaults; none,
    /// loudly, if the machine has none. So many of them, `quorum`, must agree that the primary is gone.
    #[must_use]
    pub fn watch(primary: u16, quorum: usize, lines: &[&str]) -> Option<Self> {
        let server = binary_or_skip("redis-server")?;
        let (folder, port) = (Folder::new(), free_port());
        let file = folder.path.join("sentinel.conf");
        let own = [
            "bind 127.0.0.1",
            &format!("port {port}"),
            &format!("dir {}", folder.path.display()),
            &format!("sentinel monitor shop 127.0.0.1 {primary} {quorum}"),
            // Sentinel asks a new primary for the first time after 1 s, or after this time if it is shorter. With less than
            // 1 s it may take a living primary for dead at once and make the old one the primary again.
            "sentinel down-after-milliseconds shop 3000",
            "sentinel failover-timeout shop 3000",
        ];
        fs::write(&file, own.into_iter().chain(lines.iter().copied()).collect::<Vec<_>>().join("\n"))
            .expect("a file can be written");
        let command = vec![server.into(), file.into(), "--sentinel".into()];
        let sentinel = Self { keeper: Keeper::new(folder, command), port };
        sentinel.keeper.tell("start");
        wait_until("the start of Sentinel", || answers(port, "PING").is_some_and(|answer| is_up(&answer)));
        Some(sentinel)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it.
    pub fn kill(&self) {
        self.keeper.tell("kill");
    }

    /// As [`Redis::command`].
    #[must_use]
    pub fn command(&self, command: &str) -> Option<String> {
        answers(self.port, command)
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.keeper.log()
    }
}

/// A server that wants a password is up, too.
fn is_up(answer: &str) -> bool {
    ["+PONG", "-NOAUTH"].iter().any(|up| answer.starts_with(up))
}

fn answers(port: u16, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
    let mut answer = vec![0; 64 * 1024];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(answer.get(..length)?).into_owned())
}
