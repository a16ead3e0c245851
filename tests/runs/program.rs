//! The harness: a folder of its own, the program run in it, what it printed, what it left.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// An empty folder in which the program runs, with nothing of the user's environment but what a test gives.
pub(crate) struct Folder {
    dir: TempDir,
    env: Vec<(String, String)>,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code; `None` if it was killed.
    pub(crate) code: Option<i32>,
    /// What it printed for programs.
    pub(crate) stdout: String,
    /// What it printed for people.
    pub(crate) stderr: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), env: Vec::new() }
    }

    /// The same, with the secret `api_key`.
    pub(crate) fn with_key(key: &str) -> Self {
        let mut folder = Self::new();
        folder.env("SANDERLING_SECRET_API_KEY", key);
        folder
    }

    pub(crate) fn env(&mut self, name: &str, value: &str) {
        self.env.push((name.into(), value.into()));
    }

    /// What the program sees under this name.
    pub(crate) fn variable(&self, name: &str) -> String {
        self.env.iter().rfind(|(known, _)| known == name).unwrap().1.clone()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn read_bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The program with these arguments, to be started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_sanderling"), args)
    }

    /// Any program with these arguments, in the same folder and environment.
    pub(crate) fn command_of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dir.path()).env_clear();
        // One cache of compiled components for all tests, beside the program.
        let cache = Path::new(env!("CARGO_BIN_EXE_sanderling")).with_file_name("test-cache");
        command.env("XDG_CACHE_HOME", cache).env("HOME", self.dir.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    /// A database of this folder.
    pub(crate) fn database(&self, name: &str) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path(name)).unwrap()
    }

    /// All rows of a table as JSON texts without the system columns, in an order of their own.
    pub(crate) fn table(&self, database: &str, table: &str) -> Vec<String> {
        let database = self.database(database);
        let mut statement = database.prepare(&format!("select * from \"{table}\"")).unwrap();
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows: Vec<String> = statement
            .query_map([], |row| {
                let mut fields: Vec<String> = names
                    .iter()
                    .enumerate()
                    .filter(|(_, name)| !name.starts_with("_load"))
                    .map(|(at, name)| format!("{name}={:?}", row.get_ref(at).unwrap()))
                    .collect();
                fields.sort();
                Ok(fields.join(" "))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        rows.sort();
        rows
    }

    /// A single number from a database.
    pub(crate) fn count(&self, database: &str, query: &str) -> i64 {
        self.database(database).query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// What is in the folder, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The lines of a JSONL file.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(Into::into).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Fails with everything that was printed unless the program exited with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails unless stderr holds each of `parts`.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "`{part}` is not in stderr:\n{}", self.stderr);
        }
        self
    }
}
