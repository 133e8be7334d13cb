//! A server that does not run the next script.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A proxy between a store and its server. It can answer a script itself, so that the server never
/// gets it.
#[derive(Debug)]
pub struct Refusing {
    port: u16,
    answer: Arc<Mutex<Option<&'static str>>>,
}

impl Refusing {
    /// Starts the proxy, which ends with the process.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::<Mutex<Option<&'static str>>>::default();
        let shared = Arc::clone(&answer);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).unwrap();
                let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || forward(from, to, |_| None::<()>));
                let (shared, mut refused) = (Arc::clone(&shared), client.try_clone().unwrap());
                thread::spawn(move || {
                    forward(client, server, |said| {
                        let is_script = said.windows(4).any(|word| word == b"EVAL");
                        let answer = if is_script { shared.lock().unwrap().take() } else { None };
                        answer.inspect(|answer| {
                            write!(refused, "-{answer}\r\n").unwrap();
                        })
                    });
                });
            }
        });
        Self { port, answer }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Answers the next script with this error.
    pub fn refuse(&self, error: &'static str) {
        *self.answer.lock().unwrap() = Some(error);
    }

    /// True once the error was sent.
    pub fn has_refused(&self) -> bool {
        self.answer.lock().unwrap().is_none()
    }
}

/// Forwards the traffic, except the script that is held back.
fn forward<K>(mut from: TcpStream, mut to: TcpStream, mut keeps: impl FnMut(&[u8]) -> Option<K>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let said = &buffer[..length];
        if keeps(said).is_none() && to.write_all(said).is_err() {
            break;
        }
    }
}
