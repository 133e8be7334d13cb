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

/// A Redis (or Valkey) server that by default appends every write to its file before it answers.
#[derive(Debug)]
pub struct Redis {
    keeper: Keeper,
    port: u16,
}

impl Redis {
    const SOCKET: &str = "redis.sock";

    /// Starts a server. Prints a notice and returns none if Redis is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts a server with arguments beyond the defaults, such as `["--maxmemory-policy",
    /// "allkeys-lru"]`.
    #[must_use]
    pub fn start_with(arguments: &[&str]) -> Option<Self> {
        Some(Self::of(&binary_or_skip("redis-server")?, arguments))
    }

    /// Starts a Valkey server. Prints a notice and returns none if it is not installed. This is
    /// never a failure, because not every system has a package of it.
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

    /// Returns its address: `redis://127.0.0.1:…/`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// As above, through another loopback port, such as a [`Proxy`](crate::Proxy)'s.
    #[must_use]
    pub fn url_through(&self, port: u16) -> String {
        format!("redis://127.0.0.1:{port}/")
    }

    /// As above, through its Unix socket: `redis+unix:///…`.
    #[must_use]
    pub fn socket_url(&self) -> String {
        format!("redis+unix://{}", self.folder().join(Self::SOCKET).display())
    }

    /// Returns the port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns its folder, which contains its files and its log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.keeper.folder()
    }

    /// Returns the content of its log.
    #[must_use]
    pub fn log(&self) -> String {
        self.keeper.log()
    }

    /// Kills it. Unlike after a loss of power, the system keeps all writes.
    pub fn kill(&self) {
        self.keeper.tell("kill");
    }

    /// Stops it in good order.
    pub fn stop(&self) {
        self.keeper.tell("stop");
    }

    /// Suspends it: connections stay open, and nothing is answered.
    pub fn pause(&self) {
        self.keeper.tell("pause");
    }

    /// Resumes it after a pause.
    pub fn resume(&self) {
        self.keeper.tell("resume");
    }

    /// Starts it after it was killed or stopped, and returns once it answers.
    pub fn restart(&self) {
        self.keeper.tell("start");
        wait_until("the start of Redis", || answers(self.port, "PING").is_some_and(|answer| is_up(&answer)));
    }

    /// Returns the first 64 KiB of the answer to a command, such as `DBSIZE`, in wire format. None
    /// if there is no answer.
    #[must_use]
    pub fn command(&self, command: &str) -> Option<String> {
        answers(self.port, command)
    }
}

/// A Redis Sentinel that watches one primary by the name `shop`. It makes a replica the primary
/// once the primary is gone for 3 s.
#[derive(Debug)]
pub struct Sentinel {
    keeper: Keeper,
    port: u16,
}

impl Sentinel {
    /// Starts a Sentinel of the primary at a loopback port, with lines of configuration beyond the
    /// defaults. Prints a notice and returns none if Redis is not installed. `quorum` Sentinels
    /// must agree that the primary is gone.
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
            // Sentinel checks a new primary for the first time after 1 s, or after this time if it
            // is shorter. With less than 1 s, Sentinel may at once take a living primary for dead,
            // and make the old one the primary again.
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

    /// Returns the port on which it listens.
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

    /// Returns the content of its log.
    #[must_use]
    pub fn log(&self) -> String {
        self.keeper.log()
    }
}

/// A server that demands a password is up, too.
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
