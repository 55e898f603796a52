//! What can go wrong while the lab builds images and runs machines.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// An error of the lab itself; a scenario whose assertions fail is no error
/// but an [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lab can't run on this machine.
    #[error("the lab can't run here: {reason}\nhint: {hint}")]
    Unavailable {
        /// Which requirement is missing.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// A program could not be started.
    #[error("cannot run `{program}`")]
    Spawn {
        /// The program's name.
        program: String,
        /// Why the kernel refused.
        source: io::Error,
    },
    /// A program ended with another status than 0.
    #[error("`{program}` failed ({status}):\n{output}")]
    Command {
        /// The program's name.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines that it printed on either stream.
        output: String,
    },
    /// A file operation failed.
    #[error("cannot {what} `{}`", path.display())]
    File {
        /// The operation, as a verb.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// What an image would hold differs with each run.
    #[error("`{}` names the lab's directory of this run, so its image would never be used again\nhint: give the program that writes it a relative path", .0.display())]
    Fleeting(PathBuf),
    /// Something did not appear on a console in time.
    #[error(
        "{vm}: no `{what}` on the console within {seconds} s\nhint: `{vm}.txt` in the run's directory is its console: its last line says how far it came; a machine beside others is slow, so try the scenario alone"
    )]
    Timeout {
        /// The machine's name.
        vm: String,
        /// What was waited for.
        what: String,
        /// The bound, in seconds.
        seconds: u64,
    },
    /// A machine ended while something was waited for.
    #[error(
        "{vm}: the machine ended before `{what}`\nhint: the end of `{vm}.txt` in the run's directory says why (a panic, a restart, `Power down`); an empty one means that the machine never ran"
    )]
    Ended {
        /// The machine's name.
        vm: String,
        /// What was waited for.
        what: String,
    },
    /// A machine, or who runs it, refused a command or answered nonsense.
    #[error(
        "{vm}: refused: {what}\nhint: `{vm}.txt` in the run's directory is its console; under emulation `{vm}.errors` holds what QEMU said"
    )]
    Monitor {
        /// The machine's name.
        vm: String,
        /// The command and the answer, or what can't be done.
        what: String,
    },
    /// The simulated world does not go on.
    #[error("the simulation: {source}")]
    Simulation {
        /// What it says.
        #[from]
        source: machinesim::Error,
    },
    /// The host's report can't be read.
    #[error("the host's report: section `{section}`: {what}")]
    Report {
        /// The section of the report.
        section: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// A file of the differential test's configurations makes no sense.
    #[error("`{}`: {source}", path.display())]
    Configurations {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: crate::differential::FormatError,
    },
    /// nvmeroot's plan of a configuration is of no use to the differential test.
    #[error("`{configuration}`: {what}")]
    Plan {
        /// The configuration.
        configuration: String,
        /// Why.
        what: String,
    },
    /// No scenario has that name.
    #[error("no scenario is called `{name}`\nhint: `--list` prints their names")]
    UnknownScenario {
        /// The name as given.
        name: String,
    },
}

/// Short for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Makes an I/O error name its operation and file.
pub(crate) trait Context<T> {
    fn context(self, what: &'static str, path: &Path) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::File {
            what,
            path: path.to_owned(),
            source,
        })
    }
}
