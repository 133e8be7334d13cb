//! The test's own binary as another process, which runs one part of a test.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const PART: &str = "COMMERCE_AUTH_TEST_PART";
const FILE: &str = "COMMERCE_AUTH_TEST_FILE";

/// The part that this process was started for, and the path of its file.
pub fn part() -> Option<(String, PathBuf)> {
    Some((env::var(PART).ok()?, env::var_os(FILE)?.into()))
}

/// Sends a line to the parent, without buffering.
pub fn say(line: &str) {
    println!("\n> {line}");
}

/// In a child process: waits for a line from the parent.
pub fn wait() {
    std::io::stdin().read_line(&mut String::new()).expect("the parent lives");
}

/// Returns the arguments that make this binary run a part. `test` is the name of the test that
/// calls [`part`].
pub fn arguments(test: &str) -> [&str; 4] {
    ["--exact", test, "--nocapture", "--test-threads=1"]
}

/// Returns the command that runs this binary, or a program that starts it, with its part.
pub fn cast(program: impl AsRef<Path>, part: &str, file: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env(PART, part).env(FILE, file);
    command
}

pub fn this_binary() -> PathBuf {
    env::current_exe().expect("the test runs")
}

/// A child process that sends lines to its parent. It is killed (SIGKILL on Unix) when this is
/// dropped.
pub struct Talking {
    child: Child,
    said: Box<dyn Iterator<Item = String>>,
}

impl Talking {
    pub fn start(test: &str, part: &str, file: &Path) -> Self {
        let mut command = cast(this_binary(), part, file);
        command.args(arguments(test)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the test's binary can be started");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let said = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("> ").map(str::to_owned));
        Self { child, said: Box::new(said) }
    }

    /// Ends the child's [`wait`].
    pub fn go(&mut self) {
        self.child.stdin.as_mut().expect("it is piped").write_all(b"go\n").expect("the child lives");
    }

    /// Returns the child's next line. None once the child has ended.
    pub fn next(&mut self) -> Option<String> {
        self.said.next()
    }

    /// Kills the child as a loss of power would, and returns the lines that it had sent by then.
    pub fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("the child lives");
        self.said.by_ref().collect()
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
