//! The bare drivers: the same statements on the same rows, over as many connections, without the
//! crate.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use commerce_auth::token::{Grant, GrantId};
use redis::aio::MultiplexedConnection;
use rusqlite::{Connection, params};
use time::OffsetDateTime;
use tokio_postgres::{Client, NoTls, Statement, types::ToSql};

use crate::Attempt;

/// One operation.
#[derive(Debug)]
pub enum Work {
    /// A bearer token, and its id for drivers that look up the id alone.
    Verify(GrantId, String),
    Issue(Grant),
    /// The documents of an attempt, which do not exist yet.
    Commit(Attempt),
}

/// Runs operations.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    async fn run(&self, work: Work);
}

fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).expect("a time of this age")
}

fn now() -> i64 {
    micros(OffsetDateTime::now_utc())
}

/// rusqlite: prepared statements. Each write is a synced transaction.
#[derive(Debug)]
pub struct BareSqlite {
    readers: Vec<Mutex<Connection>>,
    writer: Mutex<Connection>,
    next: AtomicUsize,
}

impl BareSqlite {
    pub fn open(path: &Path) -> Self {
        let connect = || {
            let connection = Connection::open(path).expect("the file is there");
            connection.busy_timeout(std::time::Duration::from_secs(60)).expect("a timeout");
            connection.pragma_update(None, "synchronous", "FULL").expect("a pragma");
            Mutex::new(connection)
        };
        Self { readers: vec![connect(), connect()], writer: connect(), next: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Driver for BareSqlite {
    async fn run(&self, work: Work) {
        let write = |sql, parameters: &[&dyn rusqlite::ToSql]| {
            let writer = self.writer.lock().expect("no task panics");
            assert_eq!(writer.prepare_cached(sql).expect("a statement").execute(parameters), Ok(1));
        };
        match work {
            Work::Verify(id, _) => {
                let reader = &self.readers[self.next.fetch_add(1, Ordering::Relaxed) % self.readers.len()];
                let reader = reader.lock().expect("no task panics");
                let mut find = reader
                    .prepare_cached(
                        "SELECT digest, subject_kind, subject_id, website, obtained, actor, parent, reason, \
                         issued_at, expires_at FROM grants WHERE digest = ?1 AND expires_at > ?2 \
                         AND shop_generation = (SELECT shop_generation FROM epoch)",
                    )
                    .expect("a statement");
                let found = find.query_row(params![id.as_bytes(), now()], |row| {
                    let text = |column| row.get::<_, Option<String>>(column);
                    let blob = |column| row.get::<_, Option<Vec<u8>>>(column);
                    let texts = (text(1)?, text(2)?, text(3)?, text(4)?, text(5)?, text(7)?);
                    Ok((texts, blob(0)?, blob(6)?, row.get::<_, i64>(8)?, row.get::<_, i64>(9)?))
                });
                found.expect("a live token");
            }
            Work::Issue(grant) => write(
                "INSERT INTO grants VALUES (?1, 'customer', ?2, 'base', 'password', NULL, NULL, NULL, ?3, ?4, zeroblob(16), \
                 '10.0.0.1', 'Mozilla/5.0', NULL)",
                &[
                    grant.id.as_bytes(),
                    &format!("{:?}", grant.subject),
                    &micros(grant.issued_at()),
                    &micros(grant.expires_at()),
                ],
            ),
            Work::Commit(attempt) => {
                let account = attempt.account.as_bytes();
                let [head, scope] = attempt.puts();
                let ids = [&head, &scope].map(|put| (put.key.kind.as_str(), put.key.id.as_bytes()));
                let mut writer = self.writer.lock().expect("no task panics");
                let transaction = writer.transaction().expect("a transaction");
                {
                    let mut insert = transaction
                        .prepare_cached(
                            "INSERT INTO documents (partition, kind, id, version, keep_until, bytes) \
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        )
                        .expect("a statement");
                    for (put, (kind, id)) in [&head, &scope].into_iter().zip(ids) {
                        let keep_until = put.keep_until.map(micros);
                        let row = params![account, kind, id, put.version.as_bytes(), keep_until, put.bytes];
                        assert_eq!(insert.execute(row), Ok(1));
                    }
                }
                transaction.commit().expect("a commit");
            }
        }
    }
}

/// tokio-postgres: prepared statements, over 2 pipelined connections for look-ups and 8 for other
/// statements.
pub struct BarePostgres {
    readers: Vec<(Client, Statement)>,
    writers: Vec<(Client, [Statement; 2])>,
    next: AtomicUsize,
}

impl BarePostgres {
    pub async fn connect(url: &str) -> Self {
        let client = async || {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server listens");
            tokio::spawn(connection);
            client
        };
        let mut bare = Self { readers: Vec::new(), writers: Vec::new(), next: AtomicUsize::new(0) };
        for _ in 0..2 {
            let client = client().await;
            let find = "SELECT digest, subject_kind, subject_id, website, obtained, actor, parent, reason, issued_at, \
                        expires_at FROM commerce_auth.grants \
                        JOIN commerce_auth.epoch USING (shop_generation) WHERE digest = $1 AND expires_at > $2";
            let find = client.prepare(find).await.expect("a statement");
            bare.readers.push((client, find));
        }
        for _ in 0..8 {
            let client = client().await;
            let insert = "SELECT commerce_auth.insert_grant($1, 'customer', $2, 'base', 'password', NULL, NULL, NULL, \
                          $3, $4, '10.0.0.1', 'Mozilla/5.0', NULL, NULL, \
                          (SELECT shop_generation FROM commerce_auth.epoch), 100, $3)";
            let commit = "SELECT * FROM commerce_auth.commit_documents($1, $2, $3, '{null, null}', '{f, f}', $4, $5, $6, \
                          '{}', '{}', '{}', '{}')";
            let statements = [
                client.prepare(insert).await.expect("a statement"),
                client.prepare(commit).await.expect("a statement"),
            ];
            bare.writers.push((client, statements));
        }
        bare
    }
}

#[async_trait]
impl Driver for BarePostgres {
    async fn run(&self, work: Work) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let (writer, statements) = &self.writers[turn % self.writers.len()];
        let ask = async |statement: usize, parameters: &[&(dyn ToSql + Sync)]| {
            writer.query_one(&statements[statement], parameters).await.expect("one row");
        };
        match work {
            Work::Verify(id, _) => {
                let (reader, find) = &self.readers[turn % self.readers.len()];
                let row = reader.query_one(find, &[&&id.as_bytes()[..], &now()]).await.expect("a live token");
                let texts: Vec<Option<String>> = [1, 2, 3, 4, 5, 7].map(|column| row.get(column)).into();
                let blobs: [Option<Vec<u8>>; 2] = [row.get(0), row.get(6)];
                drop((texts, blobs, row.get::<_, i64>(8), row.get::<_, i64>(9)));
            }
            Work::Issue(grant) => {
                let (id, subject) = (&grant.id.as_bytes()[..], format!("{:?}", grant.subject));
                ask(0, &[&id, &subject, &micros(grant.issued_at()), &micros(grant.expires_at())]).await;
            }
            Work::Commit(attempt) => {
                let (account, puts) = (&attempt.account.as_bytes()[..], attempt.puts());
                let kinds = puts.each_ref().map(|put| put.key.kind.as_str());
                let ids = puts.each_ref().map(|put| &put.key.id.as_bytes()[..]);
                let versions = puts.each_ref().map(|put| &put.version.as_bytes()[..]);
                let ends = puts.each_ref().map(|put| put.keep_until.map(micros));
                let contents = puts.each_ref().map(|put| &put.bytes[..]);
                let columns: [&(dyn ToSql + Sync); 6] =
                    [&account, &&kinds[..], &&ids[..], &&versions[..], &&ends[..], &&contents[..]];
                ask(1, &columns).await;
            }
        }
    }
}

/// redis: the same command for a look-up. The store's other operations are scripts. To store a grant
/// is compared with the commands that the script runs, in a transaction. To commit documents is
/// compared with one `SET` of as many bytes.
pub struct BareRedis(MultiplexedConnection);

impl BareRedis {
    pub async fn connect(url: &str) -> Self {
        let client = redis::Client::open(url).expect("an address");
        Self(client.get_multiplexed_async_connection().await.expect("the server listens"))
    }
}

/// The bytes of a stored grant, with the usual source address and user agent.
const ROW_BYTES: usize = 190;
/// The lifetime of a Redis key: an hour, and the hour for which the store keeps it beyond this.
const LIFETIME_MS: i64 = 2 * 3_600_000;

#[async_trait]
impl Driver for BareRedis {
    async fn run(&self, work: Work) {
        let mut connection = self.0.clone();
        match work {
            Work::Verify(id, _) => {
                let key = [b"{commerce_auth}:t", &id.as_bytes()[..]].concat();
                let (row, _): (Option<Vec<u8>>, Option<Vec<u8>>) = redis::cmd("MGET")
                    .arg(key)
                    .arg("{commerce_auth}:everything")
                    .query_async(&mut connection)
                    .await
                    .expect("the server answers");
                row.expect("a live token");
            }
            Work::Issue(grant) => {
                let id = &grant.id.as_bytes()[..];
                let key = [b"{bare}:t", id].concat();
                let [index, generation] =
                    ["s", "g"].map(|kind| format!("{{bare}}:{kind}{:?}", grant.subject));
                let _: redis::Value = redis::pipe()
                    .atomic()
                    .cmd("MGET")
                    .arg(&generation)
                    .arg("{bare}:everything")
                    .arg(&key)
                    .cmd("ZCARD")
                    .arg(&index)
                    .cmd("ZADD")
                    .arg(&index)
                    .arg(micros(grant.expires_at()))
                    .arg(id)
                    .cmd("PEXPIRE")
                    .arg(&index)
                    .arg(LIFETIME_MS)
                    .cmd("SET")
                    .arg(&key)
                    .arg(&[0_u8; ROW_BYTES][..])
                    .arg("PX")
                    .arg(LIFETIME_MS)
                    .query_async(&mut connection)
                    .await
                    .expect("the server answers");
            }
            Work::Commit(attempt) => {
                let key = [b"{bare}:d", &attempt.account.as_bytes()[..]].concat();
                let bytes = attempt.puts().map(|put| put.bytes).concat();
                let _: redis::Value = redis::cmd("SET")
                    .arg(key)
                    .arg(bytes)
                    .arg("PX")
                    .arg(LIFETIME_MS)
                    .query_async(&mut connection)
                    .await
                    .expect("the server answers");
            }
        }
    }
}
