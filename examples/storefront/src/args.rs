//! The command line.

use std::{
    fmt,
    io::{IsTerminal, stderr},
    path::PathBuf,
    str::FromStr,
};

use axum::http::{HeaderValue, uri::Authority};
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use commerce_auth::{Email, Website, config::SecondFactorPolicy};
use ipnet::IpNet;

use crate::{
    logging::LogFormat,
    values::{DisplayName, ListenAddress, PublicUrl, network},
};

/// A web shop's server that signs its customers and admin users in with commerce-auth.
#[derive(Debug, Parser)]
#[command(name = "storefront", version, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,

    /// Format of the log on the standard error [default: text on a terminal, for a demo and for a sub-command; else
    /// json]
    #[arg(long, value_enum, value_name = "FORMAT", global = true)]
    log: Option<LogFormat>,
}

impl CommandLine {
    /// Returns the format that was asked for, or else the one for who reads the log.
    pub(crate) fn log_format(&self) -> LogFormat {
        let is_for_people = self.command.is_some() || self.serve.demo || stderr().is_terminal();
        self.log.unwrap_or(if is_for_people { LogFormat::Text } else { LogFormat::Json })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an admin user, whose password is the first line of the standard input.
    CreateAdmin(CreateAdmin),
    /// Set the name of an admin user that customers read.
    NameAdmin(NameAdmin),
    /// Remove the second factor of an admin user who has lost it, and end all the admin user's tokens.
    #[command(name = "remove-admin-2fa")]
    RemoveAdminFactor(RemoveAdminFactor),
    /// Open a customer's account that failed attempts have locked, once it is certain who asks.
    UnlockCustomer(UnlockCustomer),
    /// Open an admin user's account that wrong passwords or codes have locked, once it is certain who asks.
    UnlockAdmin(UnlockAdmin),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen: a host, by name or address, and a port. Port 0 is any that is free.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: ListenAddress,

    /// Where accounts are kept, and everything else: memory:, sqlite:PATH or postgres://…
    #[arg(long, value_name = "DATABASE", default_value = "sqlite:storefront.db")]
    pub(crate) database: DatabaseAddress,

    /// Keep bearer tokens there instead: redis://…, rediss://… through TLS, redis+unix:///PATH, or
    /// redis+sentinel://HOST,HOST/NAME. Of TLS, the certificates of the system are believed, or those of SSL_CERT_FILE.
    #[arg(long, value_name = "REDIS")]
    pub(crate) tokens: Option<RedisAddress>,

    /// The shop's private key: 32 bytes, made at the first start [default: storefront.key beside the database; none is
    /// kept for memory:]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Start although the private key is not the one that the database was used with, for a key that is
    /// lost. Records that the lost key signed are no longer verified. Remove the second factors that it
    /// sealed with remove-admin-2fa.
    #[arg(long)]
    pub(crate) new_key: bool,

    /// Which admin users must sign in with a second factor.
    #[arg(long = "admin-2fa", value_enum, default_value_t = AdminFactor::Required)]
    pub(crate) admin_factor: AdminFactor,

    /// Customers are assisted only by an admin user whose sign-in with a second factor is fresh.
    #[arg(long)]
    pub(crate) assistance_step_up: bool,

    /// How long an admin user's sign-in counts as fresh, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = value_parser!(u64).range(1..))]
    pub(crate) fresh_for: u64,

    /// New customers confirm their e-mail address by a mailed link before they sign in, and so do customers who change it.
    /// Nobody is told who has an account.
    #[arg(long)]
    pub(crate) confirm_email: bool,

    /// When a browser must prove some work before a sign-in or a password reset.
    #[arg(long, value_enum, default_value_t = Asked::Pressure)]
    pub(crate) challenge: Asked,

    /// The folder that mails are written to, as .eml files.
    #[arg(long, value_name = "FOLDER", default_value = "outbox")]
    pub(crate) outbox: PathBuf,

    /// The shop's public address, for links in mails [default: http:// and the address it listens on]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<PublicUrl>,

    /// A proxy, or a network of proxies, whose X-Forwarded-For is believed. May be given several times.
    #[arg(long = "trusted-proxy", value_name = "ADDRESS|CIDR", value_parser = network)]
    pub(crate) trusted_proxies: Vec<IpNet>,

    /// The origin of a storefront on another host, whose pages may call the APIs:
    /// https://shop.example; may be given several times.
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub(crate) cors_origins: Vec<Origin>,

    /// Put demo customers and admin users with known passwords into the database. Only on loopback.
    #[arg(long)]
    pub(crate) demo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CreateAdmin {
    /// Where accounts are kept: sqlite:PATH or postgres://…
    #[arg(long, value_name = "DATABASE", default_value = "sqlite:storefront.db")]
    pub(crate) database: DatabaseAddress,

    /// The shop's private key, as of the server.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// The name to sign in with.
    #[arg(long)]
    pub(crate) username: String,

    /// The name that customers read [default: customers read "our staff"]
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: Option<DisplayName>,

    /// Without the permission to give remote shopping assistance.
    #[arg(long)]
    pub(crate) no_assistance: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NameAdmin {
    /// Where accounts are kept: sqlite:PATH or postgres://…
    #[arg(long, value_name = "DATABASE", default_value = "sqlite:storefront.db")]
    pub(crate) database: DatabaseAddress,

    /// The shop's private key, as of the server.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// The name that the admin user signs in with.
    #[arg(long)]
    pub(crate) username: String,

    /// The name that customers read.
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: DisplayName,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveAdminFactor {
    /// Where accounts are kept: sqlite:PATH or postgres://…
    #[arg(long, value_name = "DATABASE", default_value = "sqlite:storefront.db")]
    pub(crate) database: DatabaseAddress,

    /// Where tokens are kept instead, if they are, as of the server.
    #[arg(long, value_name = "REDIS")]
    pub(crate) tokens: Option<RedisAddress>,

    /// The shop's private key, as of the server.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// The folder that mails are written to, as of the server: the admin user is told.
    #[arg(long, value_name = "FOLDER", default_value = "outbox")]
    pub(crate) outbox: PathBuf,

    /// Whose it is.
    #[arg(long)]
    pub(crate) username: String,
}

#[derive(Debug, Args)]
pub(crate) struct UnlockCustomer {
    /// Where accounts are kept: sqlite:PATH or postgres://…
    #[arg(long, value_name = "DATABASE", default_value = "sqlite:storefront.db")]
    pub(crate) database: DatabaseAddress,

    /// The shop's private key, as of the server.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// The website of the account.
    #[arg(long, value_name = "CODE", default_value_t)]
    pub(crate) website: Website,

    /// The customer's address.
    #[arg(value_name = "EMAIL")]
    pub(crate) email: Email,
}

#[derive(Debug, Args)]
pub(crate) struct UnlockAdmin {
    /// Where accounts are kept: sqlite:PATH or postgres://…
    #[arg(long, value_name = "DATABASE", default_value = "sqlite:storefront.db")]
    pub(crate) database: DatabaseAddress,

    /// The shop's private key, as of the server.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// The name that the admin user signs in with.
    #[arg(value_name = "USERNAME")]
    pub(crate) username: String,
}

/// Which admin users must sign in with a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdminFactor {
    /// All of them, as in Commerce. Who has none is mailed how to set one up.
    Required,
    /// Those who have set one up.
    Optional,
}

impl From<AdminFactor> for SecondFactorPolicy {
    fn from(factor: AdminFactor) -> Self {
        match factor {
            AdminFactor::Required => Self::Required,
            AdminFactor::Optional => Self::Optional,
        }
    }
}

/// When a proof of work is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Asked {
    /// Before each attempt.
    Always,
    /// While many password hashes wait, or the attempt is suspicious.
    Pressure,
}

/// Where accounts are kept.
#[derive(Clone)]
pub(crate) enum DatabaseAddress {
    Memory,
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for DatabaseAddress {
    type Err = &'static str;

    fn from_str(address: &str) -> Result<Self, Self::Err> {
        match address.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(address.into())),
            _ => Err("it is none of memory:, sqlite:PATH and postgres://…"),
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres:…"),
        }
    }
}

/// A web origin as browsers send it.
#[derive(Clone, Debug)]
pub(crate) struct Origin(pub(crate) HeaderValue);

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_plain = |authority: &str| {
            !authority.contains(['/', '?', '#', '@', '*']) && authority.parse::<Authority>().is_ok()
        };
        let is_lower_case = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match text.parse() {
            Ok(value) if is_lower_case && authority.is_some_and(is_plain) => Ok(Self(value)),
            _ => Err("it is no origin in small letters and without a path, as https://shop.example"),
        }
    }
}

/// Where tokens are kept, if not in the database.
#[derive(Clone)]
pub(crate) struct RedisAddress(pub(crate) String);

impl FromStr for RedisAddress {
    type Err = &'static str;

    /// Only what kind it is: the crate tells what is wrong with the rest.
    fn from_str(address: &str) -> Result<Self, Self::Err> {
        let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
        let family = scheme.split(['+', '-']).next().unwrap_or_default();
        match family {
            "redis" | "rediss" | "valkey" | "valkeys" | "unix" => Ok(Self(address.into())),
            _ => Err("it is none of redis://…, rediss://…, redis+unix:///… and redis+sentinel://…"),
        }
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redis:…")
    }
}
