use std::{fs, path::Path, process::Command, process::Stdio};

use crate::{
    binary, binary_or_skip, free_port,
    keeper::{Folder, Keeper},
    wait_until,
};

/// A PostgreSQL server with one superuser, `postgres`, who needs no password.
#[derive(Debug)]
pub struct Postgres {
    keeper: Keeper,
    port: u16,
}

impl Postgres {
    /// Starts a server. Prints a notice and returns none if PostgreSQL is not installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts a server with settings beyond the defaults, each as `name=value`.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        let (initdb, postgres) = (binary_or_skip("initdb")?, binary_or_skip("postgres")?);
        let folder = Folder::of_no_root();
        let data = folder.path.join("data");
        let made = folder
            .command(&initdb)
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .expect("initdb can be started");
        assert!(made.success(), "initdb failed");
        let port = free_port();
        let mut command = vec![postgres.into_os_string(), "-D".into(), data.into_os_string()];
        let sockets = format!("unix_socket_directories={}", folder.path.display());
        let own = ["listen_addresses=127.0.0.1", &format!("port={port}"), "max_connections=300", &sockets];
        for setting in own.iter().chain(settings) {
            command.extend(["-c".into(), setting.into()]);
        }
        let server = Self { keeper: Keeper::new(folder, command), port };
        server.restart();
        Some(server)
    }

    /// Returns its address: `postgres://postgres@127.0.0.1:…/postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// As above, through another loopback port, such as a [`Proxy`](crate::Proxy)'s.
    #[must_use]
    pub fn url_through(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/postgres")
    }

    /// Returns the address of another database of the server.
    #[must_use]
    pub fn url_in(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Returns the port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns its folder, which contains its files, write-ahead log and log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.keeper.folder()
    }

    /// Returns the content of its log.
    #[must_use]
    pub fn log(&self) -> String {
        self.keeper.log()
    }

    /// Kills all its processes at once. Unlike after a loss of power, the system keeps all writes.
    pub fn kill(&self) {
        self.keeper.tell("kill");
    }

    /// Stops it in good order. Open connections are closed.
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
        // A kill leaves this file behind, and another process may have the number in it by now.
        let _ = fs::remove_file(self.folder().join("data/postmaster.pid"));
        self.keeper.tell("start");
        wait_until("the start of PostgreSQL", || self.query("SELECT 1").is_some());
    }

    /// Starts it as a standby from now on: it answers, and is read-only.
    pub fn become_standby(&self) {
        self.stop();
        fs::write(self.folder().join("data/standby.signal"), "").expect("the folder can be written");
        self.restart();
    }

    /// Returns the output of `psql` for a statement, without headers. None if the statement failed.
    #[must_use]
    pub fn query(&self, sql: &str) -> Option<String> {
        self.query_in("postgres", sql)
    }

    /// As above, in another database of the server.
    #[must_use]
    pub fn query_in(&self, database: &str, sql: &str) -> Option<String> {
        let psql = binary("psql").expect("psql comes with PostgreSQL");
        let url = self.url_in(database);
        let mut command = Command::new(psql);
        let asked = command.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql]).arg(url).output();
        let asked = asked.expect("psql can be started");
        asked.status.success().then(|| String::from_utf8_lossy(&asked.stdout).trim_end().to_owned())
    }

    /// Returns the whole database as `pg_dump` prints it.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let dump = binary("pg_dump").expect("pg_dump comes with PostgreSQL");
        let dumped = Command::new(dump).arg(self.url()).output().expect("pg_dump can be started");
        assert!(dumped.status.success(), "pg_dump failed: {}", String::from_utf8_lossy(&dumped.stderr));
        dumped.stdout
    }
}
