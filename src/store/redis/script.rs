use std::sync::LazyLock;

use redis::{Arg, Cmd, Pipeline, ToRedisArgs, Value, cmd, pipe};

use super::{failure::Failure, link::Link};

/// A Lua script, and the name by which the server knows the script: the SHA-1 of its text.
pub(super) struct Script {
    text: &'static str,
    name: String,
}

macro_rules! scripts {
    ($($name:ident: $flags:literal $($file:literal)+;)+) => {
        $(pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($flags, "\n", $(include_str!(concat!("lua/", $file, ".lua"))),+)));)+
    };
}

// Every operation of a sign-in that writes is a script. For the server, each command within a script
// costs about as much as a plain command, and each argument costs a copy. So these scripts run few
// commands, and get few arguments.
//
// A script with the flag `allow-oom` runs even if the server's memory is full. Scripts have this
// flag if they only remove or replace records, or add a few bytes.
scripts! {
    VERSION: "#!lua flags=allow-oom" "version";
    PROBE: "#!lua flags=allow-oom" "probe";
    BEGIN_SHOP: "#!lua" "begin_shop";
    INSERT: "#!lua" "tokens" "order" "insert";
    REVOKE: "#!lua flags=allow-oom" "tokens" "revoke";
    REVOKE_ALL: "#!lua flags=allow-oom" "revoke_all";
    REVOKE_EVERYTHING: "#!lua flags=allow-oom" "revoke_everything";
    GRANTS: "#!lua flags=no-writes" "tokens" "order" "grants";
    PURGE_TOKENS: "#!lua flags=allow-oom" "tokens" "purge" "purge_tokens";
    CREATE: "#!lua" "create";
    COMMIT: "#!lua" "commit" "documents" "commit_indexed";
    COMMIT_IN_PLACE: "#!lua flags=allow-oom" "commit" "documents" "commit_indexed";
    LIST_DOCUMENTS: "#!lua flags=allow-oom" "documents" "list_documents";
    SWEEP_DOCUMENTS: "#!lua flags=allow-oom" "documents" "purge" "sweep_documents";
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { text, name: redis::Script::new(text).get_hash().to_owned() }
    }

    pub(super) fn on<K: IntoIterator<Item = Vec<u8>, IntoIter: ExactSizeIterator>>(
        &'static self,
        keys: K,
    ) -> Call {
        let keys = keys.into_iter();
        let mut by_name = Cmd::with_capacity(16, 1024);
        by_name.arg("EVALSHA").arg(&*self.name).arg(keys.len());
        for key in keys {
            by_name.arg(key);
        }
        Call { script: self, by_name }
    }
}

/// A call of a script, with the Redis keys and the arguments for this call.
pub(super) struct Call {
    script: &'static Script,
    /// The command that runs the script by its name.
    by_name: Cmd,
}

impl Call {
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.by_name.arg(argument);
        self
    }

    pub(super) async fn run(&self, link: &Link) -> Result<Value, Failure> {
        match link.ask(&self.by_name).await {
            Err(failure) if failure.is(Self::UNKNOWN) => self.run_in_full(link).await,
            answer => answer,
        }
    }

    /// Runs the script by its text, even if the server already knows the script by its name.
    pub(super) async fn run_in_full(&self, link: &Link) -> Result<Value, Failure> {
        link.ask(&self.in_full()).await
    }

    /// Runs the script, and waits until this number of replicas have confirmed the writes of the
    /// script.
    pub(super) async fn run_replicated(
        &self,
        link: &Link,
        wait: &Cmd,
        replicas: i64,
    ) -> Result<Value, Failure> {
        let mut answers = link.ask_all(&and(self.by_name.clone(), wait)).await?;
        if matches!(answers.first(), Some(Value::ServerError(error)) if error.code() == Self::UNKNOWN) {
            answers = link.ask_all(&and(self.in_full(), wait)).await?;
        }
        let mut answers = answers.into_iter().map(Value::extract_error);
        let (Some(answer), Some(reached)) = (answers.next(), answers.next()) else {
            return Err(Failure::Corrupt("too few answers"));
        };
        match (answer?, reached?) {
            (answer, Value::Int(reached)) if reached >= replicas => Ok(answer),
            _ => Err(Failure::NotReplicated),
        }
    }

    const UNKNOWN: &str = "NOSCRIPT";

    /// Builds the command that runs the script by its text. The server then also knows the script
    /// by its name. The command `SCRIPT LOAD` is not used, because the server could forget the
    /// script between `SCRIPT LOAD` and the call.
    fn in_full(&self) -> Cmd {
        let mut command = cmd("EVAL");
        command.arg(self.script.text);
        for argument in self.by_name.args_iter().skip(2) {
            if let Arg::Simple(argument) = argument {
                command.arg(argument);
            }
        }
        command
    }
}

fn and(first: Cmd, second: &Cmd) -> Pipeline {
    let mut both = pipe();
    both.add_command(first).add_command(second.clone());
    both
}
