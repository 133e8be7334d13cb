//! The shop's private key, from which the crate derives what it seals and signs with.

use std::{
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use commerce_auth::{
    KeyId, Keyring,
    random::{ChaChaRandom, SecureRandom},
};

use crate::args::DatabaseAddress;

/// The only key there is. Who rotates keys names the next one 2.
const KEY: KeyId = KeyId(1);

/// The keyring of a shop: from its file, which is made if it is missing, or, for one in memory that names no file, anew.
pub(crate) fn keyring(file: Option<&Path>, database: &DatabaseAddress) -> Result<Keyring, Box<dyn Error>> {
    let file = match (file, database) {
        (Some(file), _) => file.to_owned(),
        (None, DatabaseAddress::Sqlite(path)) => path.with_file_name("storefront.key"),
        (None, DatabaseAddress::Postgres(_)) => PathBuf::from("storefront.key"),
        (None, DatabaseAddress::Memory) => return Ok(Keyring::new(KEY, draw()?)?),
    };
    if !file.try_exists()? {
        make(&file)?;
    }
    Ok(Keyring::new(KEY, fs::read(&file)?).map_err(|error| format!("{}: {error}", file.display()))?)
}

fn draw() -> Result<[u8; Keyring::MIN_BYTES], Box<dyn Error>> {
    let mut bytes = [0; Keyring::MIN_BYTES];
    ChaChaRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

/// Makes the file, readable by its owner alone. It is there as a whole or not at all: of two processes that make it at once
/// one is too late, and reads what the other made.
fn make(file: &Path) -> Result<(), Box<dyn Error>> {
    let mut draft = file.to_owned().into_os_string();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write(&draft).and_then(|()| Ok(fs::hard_link(&draft, file)?));
    let _ = fs::remove_file(&draft);
    match written {
        Err(error) if !file.try_exists()? => Err(error),
        _ => Ok(()),
    }
}

fn write(draft: &Path) -> Result<(), Box<dyn Error>> {
    let mut open = create_own(draft)?;
    open.write_all(&draw()?)?;
    Ok(open.sync_all()?)
}

fn create_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
