use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What can go wrong in a simulation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory of the simulation.
    #[error("cannot {what} `{}`", path.display())]
    File {
        /// What was tried: `open`, `create`, …
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A system call of the simulation itself.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A machine's description can't be used.
    #[error("machine `{name}`: {why}")]
    Spec {
        /// The machine's name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// What was asked for does not fit the machine's state.
    #[error("machine `{name}` is {state}: {why}")]
    State {
        /// The machine's name.
        name: String,
        /// `off`, `running`, …
        state: &'static str,
        /// Why that does not work.
        why: &'static str,
    },
    /// A machine's memory does not fit into the directory in which it lies.
    #[error(
        "machine `{name}` has {needed} MiB of memory, and `{}` has room for {left} MiB\nhint: make it larger (`mount -o remount,size=4G /dev/shm`), or give the machine less memory",
        path.display()
    )]
    Room {
        /// The machine's name.
        name: String,
        /// Its memory in MiB.
        needed: u64,
        /// What is free, in MiB.
        left: u64,
        /// The directory.
        path: PathBuf,
    },
    /// Virtual time has not moved for too long.
    #[error(
        "virtual time has stood at {at:?} for {waited:?}: {who}\nhint: a machine that computes takes no virtual time; one that spins never gives it back"
    )]
    Stuck {
        /// The simulation's time.
        at: Duration,
        /// Our time.
        waited: Duration,
        /// Which machines run, and what they said last.
        who: String,
    },
    /// The C compiler could not build the entropy shim.
    #[error("`{}` could not build the entropy shim: {output}", cc.display())]
    Compiler {
        /// The compiler.
        cc: PathBuf,
        /// What it said.
        output: String,
    },
}
