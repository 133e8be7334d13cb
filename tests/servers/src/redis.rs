use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    time::Duration,
};

use crate::{
    binary_or_skip, free_port,
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
    /// A running server; none, loudly, if the machine has none.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// A running server with arguments beyond the defaults, such as `["--maxmemory-policy", "allkeys-lru"]`.
    #[must_use]
    pub fn start_with(arguments: &[&str]) -> Option<Self> {
        let server = binary_or_skip("redis-server")?;
        let folder = Folder::new();
        let port = free_port();
        let (place, number) = (folder.path.display().to_string(), port.to_string());
        let own = [
            ["--bind", "127.0.0.1"],
            ["--port", &number],
            ["--dir", &place],
            ["--appendonly", "yes"],
            ["--appendfsync", "always"],
            ["--save", ""],
            ["--rdbcompression", "no"],
        ];
        let mut command = vec![server.into_os_string()];
        command.extend(own.as_flattened().iter().chain(arguments).map(Into::into));
        let server = Self { keeper: Keeper::new(folder, command), port };
        server.restart();
        Some(server)
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
        wait_until("the start of Redis", || {
            self.command("PING").is_some_and(|answer| answer.starts_with("+PONG"))
        });
    }

    /// The first 64 KiB of the answer to a command, such as `DBSIZE`, as it comes over the wire; none if it is not to
    /// be had.
    #[must_use]
    pub fn command(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut answer = vec![0; 64 * 1024];
        let length = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(answer.get(..length)?).into_owned())
    }
}
