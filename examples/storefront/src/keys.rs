//! The shop's private key, from which the crate derives what it seals and signs with.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use commerce_auth::{
    flow::KeyringCheckError,
    keyring::{KeyId, Keyring},
    random::{ChaChaRandom, SecureRandom},
};
use tracing::warn;

use crate::{
    accounts::Database,
    args::{DatabaseAddress, RedisAddress},
    shop,
};

/// The only key there is. Who rotates keys names the next one 2.
const KEY: KeyId = KeyId(1);

type Material = [u8; Keyring::MIN_BYTES];

/// The reaction to a database that holds data sealed or signed by another key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherKey {
    /// Refuse to go on.
    Refuse,
    /// Refuse to make a key file, and go on with one that is there.
    RefuseToMake,
    /// Go on with a warning, and make the file if it is missing.
    Warn,
}

/// Opens the database with the shop's key. The key file is made at the first start, and never beside data that an earlier key
/// sealed or signed. A shop in memory that names no file gets a new key.
pub(crate) async fn open(
    file: Option<&Path>,
    address: &DatabaseAddress,
    tokens: Option<&RedisAddress>,
    other_key: OtherKey,
) -> Result<Database, Box<dyn Error>> {
    let Some(file) = path(file, address) else {
        return Database::open(address, tokens, Keyring::new(KEY, draw()?)?).await;
    };
    loop {
        let drawn = if file.try_exists()? { None } else { Some(draw()?) };
        let material = match drawn {
            Some(drawn) => drawn.to_vec(),
            None => fs::read(&file)?,
        };
        let keyring = Keyring::new(KEY, material).map_err(|error| format!("{}: {error}", file.display()))?;
        let database = Database::open(address, tokens, keyring).await?;
        let checked = check(&database, &file, drawn.is_some(), other_key).await;
        let Some(drawn) = drawn else { return checked.map(|()| database) };
        // Another process may have made the file meanwhile, and have signed with its key: begin again with that one.
        if file.try_exists()? {
            continue;
        }
        checked?;
        if make(&file, &drawn)? {
            return Ok(database);
        }
    }
}

fn path(file: Option<&Path>, address: &DatabaseAddress) -> Option<PathBuf> {
    match (file, address) {
        (Some(file), _) => Some(file.to_owned()),
        (None, DatabaseAddress::Sqlite(path)) => Some(path.with_file_name("storefront.key")),
        (None, DatabaseAddress::Postgres(_)) => Some(PathBuf::from("storefront.key")),
        (None, DatabaseAddress::Memory) => None,
    }
}

/// Compares the key with what the database was used with.
async fn check(
    database: &Database,
    file: &Path,
    is_missing: bool,
    other_key: OtherKey,
) -> Result<(), Box<dyn Error>> {
    let auth = shop::auth_on(database).without_notifier().build()?;
    let held = match auth.check_keyring().await {
        Ok(report) => {
            if !report.unopened.is_empty() {
                warn!(count = report.unopened.len(), "the key does not open all second factors");
            }
            for admin in report.unopened {
                warn!(%admin, "the key does not open a second factor: remove it with remove-admin-2fa");
            }
            return Ok(());
        }
        Err(KeyringCheckError::Factors(_)) => "second factors that were sealed with another key",
        Err(KeyringCheckError::AuditTrail) => "an audit trail that was signed with another key",
        Err(error) => return Err(error.into()),
    };
    let file = file.display();
    match (other_key, is_missing) {
        (OtherKey::RefuseToMake, false) => return Ok(()),
        (OtherKey::Warn, _) => {
            warn!(%file, "the database holds {held}");
            return Ok(());
        }
        _ => {}
    }
    let state = if is_missing { "is missing" } else { "is not the one that the database was used with" };
    Err(format!(
        "the key file {file} {state}: the database holds {held}. Restore the key file. If the key is lost, start the server \
         with --new-key until the second factors are removed with remove-admin-2fa"
    )
    .into())
}

fn draw() -> Result<Material, Box<dyn Error>> {
    let mut bytes = Material::default();
    ChaChaRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

/// Makes the file, readable by its owner alone. It is there as a whole or not at all. Answers false if another process has
/// made it meanwhile.
fn make(file: &Path, material: &Material) -> Result<bool, Box<dyn Error>> {
    let mut draft = file.to_owned().into_os_string();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write(&draft, material).and_then(|()| fs::hard_link(&draft, file));
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Ok(true),
        Err(_) if file.try_exists()? => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn write(draft: &Path, material: &Material) -> io::Result<()> {
    let mut open = create_own(draft)?;
    open.write_all(material)?;
    open.sync_all()
}

fn create_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
