use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// A proxy between a client and a server on loopback. It can delay, withhold or cut the traffic,
/// and counts the round trips.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: u16,
    delay_micros: AtomicU64,
    silent: AtomicBool,
    refusing: AtomicBool,
    /// How often a client sent something after its server had answered, over all connections.
    turns: AtomicU64,
    /// True if a server has answered since a client last sent something, over all connections.
    answered: AtomicBool,
    /// How often a client sent something after a server had answered on any connection.
    waits: AtomicU64,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Starts a proxy to a loopback port. It ends with the process.
    #[must_use]
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared {
            server,
            delay_micros: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            turns: AtomicU64::new(0),
            answered: AtomicBool::new(true),
            waits: AtomicU64::new(0),
            streams: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.connect(client);
            }
        });
        Self { port, shared }
    }

    /// Returns the port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Delays everything that the server sends by this time.
    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.shared.delay_micros.store(micros, Ordering::SeqCst);
    }

    /// With `true`, keeps connections open and forwards nothing. With `false`, forwards again.
    pub fn silence(&self, silent: bool) {
        self.shared.silent.store(silent, Ordering::SeqCst);
    }

    /// With `true`, closes new connections at once.
    pub fn refuse(&self, refusing: bool) {
        self.shared.refusing.store(refusing, Ordering::SeqCst);
    }

    /// Cuts every open connection.
    pub fn cut(&self) {
        let mut streams = self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Returns the number of exchanges between client and server. These are round trips if one
    /// client sends at a time.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.shared.turns.load(Ordering::SeqCst)
    }

    /// Returns the number of round trips that the clients waited for in sequence. Requests on
    /// several connections, all sent before the first answer, count once. So set a
    /// [`delay`](Self::delay) that is longer than the pauses between these requests.
    #[must_use]
    pub fn waits(&self) -> u64 {
        self.shared.waits.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        if self.refusing.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server)) else { return };
        let answered = Arc::new(AtomicBool::new(true));
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        for (from, to, is_client) in [(&client, &server, true), (&server, &client, false)] {
            let _ = from.set_nodelay(true);
            let (Ok(from), Ok(to), Ok(kept)) = (from.try_clone(), to.try_clone(), from.try_clone()) else {
                return;
            };
            streams.push(kept);
            let (shared, answered) = (Arc::clone(self), Arc::clone(&answered));
            thread::spawn(move || shared.pump(from, to, is_client, &answered));
        }
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream, is_client: bool, answered: &AtomicBool) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if is_client && answered.swap(false, Ordering::SeqCst) {
                self.turns.fetch_add(1, Ordering::SeqCst);
            }
            if is_client && self.answered.swap(false, Ordering::SeqCst) {
                self.waits.fetch_add(1, Ordering::SeqCst);
            }
            if !is_client {
                thread::sleep(Duration::from_micros(self.delay_micros.load(Ordering::SeqCst)));
                answered.store(true, Ordering::SeqCst);
                self.answered.store(true, Ordering::SeqCst);
            }
            while self.silent.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(5));
            }
            if buffer.get(..length).is_none_or(|said| to.write_all(said).is_err()) {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
