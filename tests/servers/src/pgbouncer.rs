use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
};

use crate::{
    Postgres, binary_or_skip, free_port,
    keeper::{Folder, Keeper},
    wait_until,
};

/// A PgBouncer in front of a [`Postgres`]. It accepts every user without a password.
#[derive(Debug)]
pub struct PgBouncer {
    keeper: Keeper,
    port: u16,
}

impl PgBouncer {
    /// Starts a pooler with settings beyond the defaults, each as `name=value`. Prints a notice and
    /// returns none if PgBouncer is not installed.
    #[must_use]
    pub fn start(server: &Postgres, settings: &[&str]) -> Option<Self> {
        let pgbouncer = binary_or_skip("pgbouncer")?;
        // PgBouncer refuses to run as root.
        let folder = Folder::of_no_root();
        let (port, users) = (free_port(), folder.path.join("users"));
        let configuration = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\n\
             unix_socket_dir=\nauth_type=trust\nauth_file={}\n{}\n",
            server.port(),
            users.display(),
            settings.join("\n"),
        );
        let file = folder.path.join("pgbouncer.ini");
        fs::write(&users, "\"postgres\" \"\"\n").expect("the folder can be written");
        fs::write(&file, configuration).expect("the folder can be written");
        let pooler = Self { keeper: Keeper::new(folder, vec![pgbouncer.into(), file.into()]), port };
        pooler.keeper.tell("start");
        wait_until("the start of PgBouncer", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        Some(pooler)
    }

    /// Returns the port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the content of its log.
    #[must_use]
    pub fn log(&self) -> String {
        self.keeper.log()
    }
}
