use std::fs;

use commerce_auth::{
    audit::{Checkpoint, Verifier},
    keyring::{KeyId, Keyring},
};

use super::Result;

pub const USAGE: &str = "\
audit_verify ADDRESS --key-file [ID=]FILE… [--anchor CHECKPOINT]… [--since CHECKPOINT] [--schema NAME]

  ADDRESS                sqlite:PATH or postgres://…
  --key-file [ID=]FILE   the bytes of a key that signed, by its number in the shop's keyring; 1 if there is no number
  --anchor CHECKPOINT    what was kept elsewhere, as POSITION:LINK:PREVIOUS
  --since CHECKPOINT     what comes before it was pruned, and is not looked at; its own record is proved
  --schema NAME          the schema of the tables in PostgreSQL; commerce_auth if there is none";

/// The arguments of the command line.
pub struct Args {
    pub address: String,
    pub schema: String,
    keyring: Keyring,
    anchors: Vec<Checkpoint>,
    since: Option<Checkpoint>,
}

impl Args {
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self> {
        let (mut address, mut schema, mut keyring) = (None, "commerce_auth".to_owned(), None);
        let (mut anchors, mut since) = (Vec::new(), None);
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--key-file" => add_key(&mut keyring, &value()?)?,
                "--anchor" => anchors.push(value()?.parse()?),
                "--since" => since = Some(value()?.parse()?),
                "--schema" => schema = value()?,
                _ if !arg.starts_with("--") && address.is_none() => address = Some(arg),
                _ => return Err(format!("{arg} is not known").into()),
            }
        }
        let address = address.ok_or("there is no address of a database")?;
        let keyring = keyring.ok_or("without a key nothing can be verified")?;
        Ok(Self { address, schema, keyring, anchors, since })
    }

    pub fn verifier(&self) -> Verifier {
        let verifier = Verifier::new(&self.keyring, &self.anchors);
        match self.since {
            Some(since) => verifier.since(since),
            None => verifier,
        }
    }
}

fn add_key(keyring: &mut Option<Keyring>, named: &str) -> Result {
    let numbered = named.split_once('=').and_then(|(id, file)| Some((id.parse().ok()?, file)));
    let (id, file) = numbered.unwrap_or((1, named));
    let key = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    match keyring {
        Some(keyring) => keyring.accept(KeyId(id), key)?,
        None => *keyring = Some(Keyring::new(KeyId(id), key)?),
    }
    Ok(())
}
