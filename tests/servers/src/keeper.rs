use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use tempfile::TempDir;

/// Starts, kills and stops one server when it reads a command on its standard input. When the input
/// closes, because the test has ended in any way, it kills the server and removes the folder.
const SCRIPT: &str = r#"
# A test that is interrupted takes its whole process group with it, and would take this one, too, before its server.
trap '' HUP INT TERM
folder=$1; shift
pid=
end() {
  [ -n "$pid" ] || return 0
  # Stopped first, so that a server of several processes does not notice the death of one of them.
  [ "$1" != KILL ] || { kill -STOP "$pid"; pkill -KILL -P "$pid"; }
  kill "-$1" "$pid"; wait "$pid"; pid=
}
while read -r word; do
  case $word in
    start) "$@" >>"$folder/log" 2>&1 & pid=$! ;;
    stop) end INT ;;
    kill) end KILL ;;
    pause) pkill -STOP -P "$pid"; kill -STOP "$pid" ;;
    resume) pkill -CONT -P "$pid"; kill -CONT "$pid" ;;
  esac
  echo "$pid"
done
end KILL
cd / && rm -rf "$folder"
"#;

/// A server process and its folder.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: PathBuf,
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    shell: Child,
}

impl Keeper {
    /// Makes a keeper of a server that is not started yet. The server's command line may contain
    /// the folder.
    pub(crate) fn new(folder: Folder, command: Vec<OsString>) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "keeper"]).arg(&folder.path).args(command).current_dir(&folder.path);
        folder.owner.apply(&mut shell);
        let mut shell = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let talk = (shell.stdin.take(), shell.stdout.take());
        let (Some(words), Some(answers)) = talk else { unreachable!("both were asked for") };
        Self { folder: folder.path, talk: Mutex::new((words, BufReader::new(answers))), shell }
    }

    /// Sends a command. Returns the id of the server's process, if there is one.
    pub(crate) fn tell(&self, word: &str) -> Option<u32> {
        let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
        let (words, answers) = &mut *talk;
        writeln!(words, "{word}").expect("the keeper lives");
        let mut answer = String::new();
        answers.read_line(&mut answer).expect("the keeper answers");
        answer.trim().parse().ok()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let talk = self.talk.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Closes its input, which ends its loop.
        let mut answers = String::new();
        let _ = writeln!(talk.0, "kill").and_then(|()| talk.1.read_line(&mut answers).map(drop));
        let _ = self.shell.kill();
        let _ = self.shell.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A new folder, and its owner.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    owner: Owner,
}

impl Folder {
    /// Makes a folder for a server that may run as this process's user.
    pub(crate) fn new() -> Self {
        Self::of(Owner(None))
    }

    /// Makes a folder for a server that refuses to run as root. If this process is root's, the
    /// folder belongs to another user.
    pub(crate) fn of_no_root() -> Self {
        let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        Self::of(if root { Owner::unprivileged() } else { Owner(None) })
    }

    fn of(owner: Owner) -> Self {
        let path = TempDir::with_prefix("commerce-auth-").expect("a folder can be made").keep();
        if let Owner(Some((user, group))) = owner {
            chown(&path, Some(user), Some(group)).expect("root may give a folder away");
        }
        Self { path, owner }
    }

    /// Returns a command that runs as the folder's owner.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path);
        self.owner.apply(&mut command);
        command
    }
}

/// A user and a group other than this process's.
#[derive(Clone, Copy)]
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn unprivileged() -> Self {
        let users = fs::read_to_string("/etc/passwd").expect("the machine has users");
        let find = |name: &str| {
            let mut fields = users.lines().map(|line| line.split(':')).find_map(|mut fields| {
                (fields.next() == Some(name))
                    .then(|| fields.skip(1).take(2).map(str::parse).collect::<Vec<_>>())
            })?;
            Some((fields.remove(0).ok()?, fields.remove(0).ok()?))
        };
        let found = find("postgres").or_else(|| find("nobody"));
        Self(Some(found.expect("the machine has a user without privileges")))
    }

    fn apply(self, command: &mut Command) {
        if let Self(Some((user, group))) = self {
            command.uid(user).gid(group);
        }
    }
}
