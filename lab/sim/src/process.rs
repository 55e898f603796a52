//! A machine's process: started in a group of its own, ended with us.
//!
//! One of the few modules with `unsafe`: what is done between fork and exec.
use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::thread::CpuSet;

use crate::console::Unheard;

/// What a pipe holds without special rights (`/proc/sys/fs/pipe-max-size`). A machine that writes more at once is
/// read meanwhile.
const PIPE: usize = 1 << 20;

/// The number of a machine's descriptor for its report. Always the same: it stands on the kernel's command line, which
/// is part of its randomness. Above what a program has open when it starts its first machine, below every limit.
pub(crate) const REPORT: RawFd = 100;

/// A running machine's process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pidfd: OwnedFd,
    output: PipeReader,
}

/// How it is started.
pub(crate) struct Start<'a> {
    /// Where it runs.
    pub(crate) directory: &'a Path,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Open for it as [`REPORT`]; ttyS1.
    pub(crate) report: &'a File,
    /// The only processor on which it runs.
    pub(crate) processor: Option<usize>,
}

impl Process {
    pub(crate) fn start(start: Start<'_>) -> io::Result<Self> {
        let (output, input) = io::pipe()?;
        // Less is fine where the user has used up what he may.
        let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE);
        fcntl_setfl(&output, OFlags::NONBLOCK)?;
        let mut command = Command::new(start.program);
        command
            .args(&start.arguments)
            .current_dir(start.directory)
            .env_clear()
            .envs(start.environment)
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input)
            .process_group(0);
        let report = start.report.as_raw_fd();
        reserve()?;
        // There are no more in a set; a machine without that one says so itself.
        let known = start.processor.filter(|number| *number < CpuSet::MAX_CPU);
        let processors = known.map(|number| {
            let mut set = CpuSet::new();
            set.set(number);
            set
        });
        let parent = rustix::process::getpid();
        // SAFETY: only system calls that are allowed between fork and exec, and no allocation. `report` is open:
        // `start.report` outlives the call of `spawn`. What `REPORT` was is the child's copy and nobody's there: of
        // all that is open only 0 to 2 and std's own pipe are used up to exec, and that has not this number, see
        // `reserve`. The new descriptor is never dropped.
        #[allow(unsafe_code)]
        unsafe {
            command.pre_exec(move || {
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                if rustix::process::getppid() != Some(parent) {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                if let Some(processors) = &processors {
                    rustix::thread::sched_setaffinity(None, processors)?;
                }
                // Would close on exec where it has that number already: `dup2` does nothing then.
                let report = BorrowedFd::borrow_raw(report);
                if report.as_raw_fd() == REPORT {
                    return Ok(rustix::io::fcntl_setfd(report, FdFlags::empty())?);
                }
                let mut at = ManuallyDrop::new(OwnedFd::from_raw_fd(REPORT));
                Ok(rustix::io::dup2(report, &mut at)?)
            });
        }
        let mut child = command.spawn()?;
        // Ours stay open only as long as the command.
        drop(command);
        let pid = Pid::from_child(&child);
        match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self {
                child,
                pidfd,
                output,
            }),
            Err(e) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(e.into())
            }
        }
    }

    /// Readable when the process has ended.
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(crate) fn output(&self) -> BorrowedFd<'_> {
        self.output.as_fd()
    }

    /// Reads what it has written, without waiting, and no more than the pipe holds: it may write on meanwhile.
    pub(crate) fn read(&mut self, into: &mut Unheard) {
        let mut buffer = [0; 16384];
        let mut got = 0;
        while got < PIPE {
            match self.output.read(&mut buffer) {
                Ok(n @ 1..) => {
                    into.push(&buffer[..n]);
                    got += n;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Ends the whole group and says how the process ended. The group is ended before the process is reaped, so its
    /// number is not another's yet.
    pub(crate) fn end(&mut self) -> io::Result<ExitStatus> {
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        self.child.wait()
    }
}

/// Keeps the number [`REPORT`] of this process for good, so that the pipe by which std hears of a failed exec never has
/// it. Where another descriptor of ours has it, that pipe has not: it is tried again at the next start.
fn reserve() -> io::Result<()> {
    static RESERVED: Mutex<Option<File>> = Mutex::new(None);
    let mut reserved = RESERVED.lock().unwrap_or_else(PoisonError::into_inner);
    if reserved.is_none() {
        let null = File::open("/dev/null")?;
        let number = rustix::io::fcntl_dupfd_cloexec(&null, REPORT)?;
        if number.as_raw_fd() == REPORT {
            *reserved = Some(File::from(number));
        }
    }
    Ok(())
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
