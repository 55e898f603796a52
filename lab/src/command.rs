//! Running programs, so that they end when the lab ends.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::error::{Context, Error, Result};

/// Lines of a failed program's output that its error carries.
const TAIL: usize = 25;

/// A program with its arguments, started through `setpriv` (util-linux), which
/// asks the kernel to kill it when the thread that started it ends: whatever
/// happens to the lab, nothing of it is left running.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    command: Command,
}

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg("KILL").arg(name.as_ref());
        Program {
            name: Path::new(name.as_ref())
                .file_name()
                .unwrap_or(name.as_ref())
                .to_string_lossy()
                .into_owned(),
            command,
        }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn in_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs it to its end, its output kept in `log`; `see` is shown each line of
    /// the standard output as it comes.
    pub(crate) fn run_watched(self, log: &Path, see: &mut dyn FnMut(&str)) -> Result<()> {
        let name = self.name.clone();
        let errors = log.with_extension("errors");
        let mut child = self.spawn_piped(&errors)?;
        let mut out = BufWriter::new(File::create(log).context("create", log)?);
        if let Some(pipe) = child.stdout.take() {
            for line in BufReader::new(pipe).lines() {
                let line = line.context("read", log)?;
                writeln!(out, "{line}").context("write", log)?;
                see(&line);
            }
        }
        let status = child.wait().context("wait for", Path::new(&name))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Command {
            program: name,
            status,
            output: last_lines(&errors)?,
        })
    }

    /// Runs it to its end, its output kept in `log`.
    pub(crate) fn run(mut self, log: &Path) -> Result<()> {
        let out = File::create(log).context("create", log)?;
        let err = out.try_clone().context("share", log)?;
        let status = self
            .command
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .status()
            .map_err(|source| self.spawn_error(source))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Command {
            program: self.name,
            status,
            output: last_lines(log)?,
        })
    }

    /// Runs it to its end and returns what it printed.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self
            .command
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| self.spawn_error(source))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Command {
            program: self.name,
            status: output.status,
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts it with its standard output in a pipe and its errors beside it.
    pub(crate) fn spawn_piped(mut self, errors: &Path) -> Result<Child> {
        let err = File::create(errors).context("create", errors)?;
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(err)
            .spawn()
            .map_err(|source| self.spawn_error(source))
    }

    fn spawn_error(&self, source: std::io::Error) -> Error {
        Error::Spawn {
            program: self.name.clone(),
            source,
        }
    }
}

fn last_lines(log: &Path) -> Result<String> {
    let bytes = std::fs::read(log).context("read", log)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL)..].join("\n"))
}

/// `name=value` as one word, for paths that need not be UTF-8.
pub(crate) fn joined(name: &str, value: &Path) -> OsString {
    let mut word = OsString::from(name);
    word.push(value);
    word
}
