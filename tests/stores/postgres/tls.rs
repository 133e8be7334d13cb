//! Connections through TLS, with a connector that the host provides.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
    pin::Pin,
    process::{Command, Stdio},
    sync::Arc,
    task::{Context, Poll},
};

use commerce_auth::{
    TokenStore,
    store::{
        OpenError,
        postgres::{PostgresOptions, PostgresStore},
    },
};
use commerce_auth_test_servers::Postgres;
use futures_util::future::BoxFuture;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use support::{
    fresh::fresh,
    records::{NOW, said, subject},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_rustls::TlsConnector;

/// `rustls` for `tokio-postgres`.
#[derive(Clone)]
struct Rustls(TlsConnector);

impl Rustls {
    /// Returns a connector that trusts these certificates.
    fn trusting(certificate: Option<CertificateDer<'static>>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificate);
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self(Arc::new(config).into())
    }
}

impl MakeTlsConnect<Socket> for Rustls {
    type Stream = Encrypted;
    type TlsConnect = Self;
    type Error = io::Error;

    fn make_tls_connect(&mut self, _domain: &str) -> io::Result<Self> {
        Ok(self.clone())
    }
}

impl TlsConnect<Socket> for Rustls {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Encrypted>>;

    fn connect(self, socket: Socket) -> Self::Future {
        let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
        Box::pin(async move { Ok(Encrypted(self.0.connect(name, socket).await?)) })
    }
}

struct Encrypted(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

const REQUEST: &str = "[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = localhost
[extensions]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1
";

/// Starts a server that accepts only TLS connections, with a self-signed certificate. Returns both.
fn server() -> Option<(Postgres, CertificateDer<'static>)> {
    let server = Postgres::start()?;
    let data = server.folder().join("data");
    fs::write(data.join("request.cnf"), REQUEST).unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", "request.cnf"])
        .args(["-keyout", "server.key", "-out", "server.crt"])
        .current_dir(&data)
        .stderr(Stdio::null())
        .status();
    let Ok(made) = made else {
        eprintln!("SKIPPED: openssl is not on PATH, so TLS is not tested");
        return None;
    };
    assert!(made.success(), "openssl created no certificate");
    give_to_the_server(&data.join("server.key"), &data);
    fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    server.query("ALTER SYSTEM SET ssl = on").unwrap();
    server.stop();
    server.restart();
    let certificate = CertificateDer::from_pem_file(data.join("server.crt")).unwrap();
    Some((server, certificate))
}

/// The server only accepts a key file that it owns.
fn give_to_the_server(key: &Path, data: &Path) {
    let owner = fs::metadata(data).unwrap();
    chown(key, Some(owner.uid()), Some(owner.gid())).unwrap();
}

#[tokio::test]
async fn a_connector_of_the_hosts_encrypts_every_connection() {
    let Some((server, certificate)) = server() else { return };
    let trusting = Rustls::trusting(Some(certificate));
    for mode in ["", "?sslmode=require"] {
        let options = PostgresOptions::new(format!("{}{mode}", server.url()));
        let store = options.connect_tls(trusting.clone()).await.unwrap();
        store.revoke_everything(fresh(), NOW).await.unwrap();
        store.generation(&subject(), fresh()).await.unwrap();
        let plain = "SELECT count(*) FILTER (WHERE NOT ssl), count(*) > 2 FROM pg_stat_ssl JOIN pg_stat_activity \
                     USING (pid) WHERE backend_type = 'client backend'";
        assert_eq!(server.query(plain).unwrap(), "0|t");
    }
}

#[tokio::test]
async fn a_server_that_is_not_believed_is_not_spoken_to() {
    let Some((server, _)) = server() else { return };
    let options = PostgresOptions::new(format!("{}?sslmode=require", server.url()));
    let refused = options.connect_tls(Rustls::trusting(None)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused:?}");
    assert!(!said(&refused).contains("127.0.0.1"), "{}", said(&refused));
    // The server refuses clients without encryption.
    PostgresStore::connect(&server.url()).await.unwrap_err();
}
