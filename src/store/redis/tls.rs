//! Connections to a Redis server through TLS. They need the feature `redis-rustls`.

#[cfg(feature = "redis-rustls")]
pub(super) use rustls::{Certificates, Tls};
#[cfg(not(feature = "redis-rustls"))]
pub(super) use without::{Certificates, Tls};

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream to a server: a TCP connection, a TLS connection or a Unix socket.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

#[cfg(feature = "redis-rustls")]
mod rustls {
    use std::{io, sync::Arc};

    use tokio::net::TcpStream;
    use tokio_rustls::{
        TlsConnector,
        rustls::{
            ClientConfig, Error, RootCertStore,
            crypto::ring,
            pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
        },
    };
    use zeroize::Zeroizing;

    use super::{super::failure::Failure, Stream};
    use crate::store::OpenError;

    /// The certificates that the host configures, in PEM: trusted root certificates, and the
    /// certificate of the client.
    #[derive(Clone, Default)]
    pub(in super::super) struct Certificates {
        /// The root certificates. None if the root certificates of the system are used.
        pub(in super::super) roots: Option<Vec<u8>>,
        pub(in super::super) client: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
    }

    /// The TLS client.
    #[derive(Clone)]
    pub(in super::super) struct Tls(TlsConnector);

    impl Certificates {
        pub(in super::super) const fn is_empty(&self) -> bool {
            self.roots.is_none() && self.client.is_none()
        }

        pub(in super::super) fn to_tls(&self) -> Result<Tls, OpenError> {
            const NO_TLS: OpenError = OpenError::Invalid("the client's certificate and key do not match");
            let roots = match &self.roots {
                Some(pem) => roots_of(pem)?,
                None => system_roots()?,
            };
            // Sets the cryptography provider explicitly, because the process may have no default
            // provider.
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|_| NO_TLS)?
                .with_root_certificates(roots);
            let config = match &self.client {
                None => config.with_no_client_auth(),
                Some((chain, key)) => {
                    let chain = certificates(chain)?;
                    let key = PrivateKeyDer::from_pem_slice(key)
                        .map_err(|_| OpenError::Invalid("the client's key is not a private key in PEM"))?;
                    config.with_client_auth_cert(chain, key).map_err(|_| NO_TLS)?
                }
            };
            Ok(Tls(Arc::new(config).into()))
        }
    }

    impl Tls {
        pub(in super::super) async fn connect(
            &self,
            host: &str,
            stream: TcpStream,
        ) -> Result<Box<dyn Stream>, Failure> {
            let name = ServerName::try_from(host.to_owned())
                .map_err(|_| Failure::Connection("the host name is not valid in a certificate"))?;
            let connected = self.0.connect(name, stream).await.map_err(|error| refused(&error))?;
            Ok(Box::new(connected))
        }
    }

    fn refused(error: &io::Error) -> Failure {
        let why = error.get_ref().and_then(|error| error.downcast_ref());
        Failure::Connection(match why {
            Some(Error::InvalidCertificate(_)) => "the server's certificate is not trusted",
            _ => "the TLS handshake failed",
        })
    }

    fn roots_of(pem: &[u8]) -> Result<RootCertStore, OpenError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(|_| OpenError::Invalid("a root certificate is not valid"))?;
        }
        Ok(roots)
    }

    fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, OpenError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match read {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            _ => Err(OpenError::Invalid("a certificate is not PEM")),
        }
    }

    fn system_roots() -> Result<RootCertStore, OpenError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(OpenError::Invalid(
                "the system has no root certificates: install them, or set root_certificates",
            ));
        }
        Ok(roots)
    }
}

#[cfg(not(feature = "redis-rustls"))]
mod without {
    use tokio::net::TcpStream;

    use super::{super::failure::Failure, Stream};
    use crate::store::OpenError;

    #[derive(Clone, Default)]
    pub(in super::super) struct Certificates {}

    /// The TLS client when the feature is off. No value of this type can exist.
    #[derive(Clone)]
    pub(in super::super) enum Tls {}

    impl Certificates {
        #[allow(clippy::unused_self, reason = "as with the feature")]
        pub(in super::super) const fn is_empty(&self) -> bool {
            true
        }

        #[allow(clippy::unused_self, reason = "as with the feature")]
        pub(in super::super) const fn to_tls(&self) -> Result<Tls, OpenError> {
            Err(OpenError::Invalid("TLS to Redis needs the feature `redis-rustls`"))
        }
    }

    impl Tls {
        #[allow(clippy::unused_async, reason = "as with the feature")]
        pub(in super::super) async fn connect(
            &self,
            _host: &str,
            _stream: TcpStream,
        ) -> Result<Box<dyn Stream>, Failure> {
            match *self {}
        }
    }
}
