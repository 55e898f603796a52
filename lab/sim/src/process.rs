//! A machine's process: started in a group of its own, ended with us.
//!
//! One of the few modules with `unsafe`: what is done between fork and exec.
use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::thread::CpuSet;

/// What a pipe holds without special rights (`/proc/sys/fs/pipe-max-size`). A machine that writes more at once is
/// read meanwhile.
const PIPE: usize = 1 << 20;

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
    /// Open for it under the same number; ttyS1.
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
        let report = start.report.as_fd().as_raw_fd();
        // There are no more in a set; a machine without that one says so itself.
        let known = start.processor.filter(|number| *number < CpuSet::MAX_CPU);
        let processors = known.map(|number| {
            let mut set = CpuSet::new();
            set.set(number);
            set
        });
        let parent = rustix::process::getpid();
        // SAFETY: only system calls that are allowed between fork and exec, and no allocation. The descriptor is
        // open: `start.report` outlives the call of `spawn`.
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
                Ok(rustix::io::fcntl_setfd(
                    BorrowedFd::borrow_raw(report),
                    FdFlags::empty(),
                )?)
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

    /// Reads what it has written, without waiting.
    pub(crate) fn read(&mut self, into: &mut Vec<u8>) {
        let mut buffer = [0; 16384];
        loop {
            match self.output.read(&mut buffer) {
                Ok(n @ 1..) => into.extend(&buffer[..n]),
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

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
