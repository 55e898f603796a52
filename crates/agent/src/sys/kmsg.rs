//! The kernel log: short lines that start with `nvmeroot:`, and what the
//! kernel itself says meanwhile (Documentation/ABI/testing/dev-kmsg).

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};

use crate::sys::paths::Paths;

/// The longest line; the kernel cuts or refuses at about 1000 bytes.
const LONGEST: usize = 900;

/// How urgent a line is (syslog(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing can go on.
    Error,
    /// Something is wrong.
    Warning,
    /// Progress.
    Info,
    /// Only with `nvmeroot.debug`.
    Debug,
}

impl Level {
    fn number(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            // Shown as information: a debug line of the kernel's own level 7
            // would not reach the console even when asked for.
            Self::Info | Self::Debug => 6,
        }
    }
}

/// Writes to the kernel log; without one, to standard error.
#[derive(Debug)]
pub struct Kmsg {
    log: Option<Mutex<File>>,
    debug: bool,
}

impl Kmsg {
    /// Opens the kernel log and lifts the limit of ten lines in five seconds
    /// that the kernel sets to writers (`printk_devkmsg`, sysctl/kernel.rst).
    pub fn open(paths: &Paths, debug: bool) -> Self {
        let log = OpenOptions::new().write(true).open(paths.dev.join("kmsg"));
        if log.is_ok() {
            // Fails when `printk.devkmsg=` is on the command line, which locks it.
            let _ = std::fs::write(paths.proc.join("sys/kernel/printk_devkmsg"), "on\n");
        }
        Self {
            log: log.ok().map(Mutex::new),
            debug,
        }
    }

    /// Writes one line.
    pub fn say(&self, level: Level, text: &str) {
        if level == Level::Debug && !self.debug {
            return;
        }
        let line = line(level, text);
        match &self.log {
            // One write is one line, whole or not at all.
            Some(log) => {
                let _ = log
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .write_all(line.as_bytes());
            }
            None => eprint!(
                "{}",
                line.trim_start_matches(|c| c != '>')
                    .trim_start_matches('>')
            ),
        }
    }
}

fn line(level: Level, text: &str) -> String {
    let mut line = format!("<{}>nvmeroot: ", level.number());
    for c in text.chars() {
        if line.len() + c.len_utf8() > LONGEST {
            while line.len() + '…'.len_utf8() > LONGEST {
                line.pop();
            }
            line.push('…');
            break;
        }
        // A line break would start a record without the prefix.
        line.push(if c.is_control() { ' ' } else { c });
    }
    line.push('\n');
    line
}

/// Reads what the kernel says from now on.
#[derive(Debug)]
pub struct KernelLog {
    log: File,
}

/// One record of the kernel log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelLine {
    /// Microseconds of the kernel log's own clock.
    pub microseconds: u64,
    /// The text, without the dictionary lines that may follow it.
    pub text: String,
}

impl KernelLog {
    /// From the end of the log on; `None` where it can't be read.
    pub fn from_now(paths: &Paths) -> Option<Self> {
        let mut log = OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0))
            .open(paths.dev.join("kmsg"))
            .ok()?;
        log.seek(SeekFrom::End(0)).ok()?;
        Some(Self { log })
    }

    /// All that was said since the last look; never waits.
    pub fn lines(&mut self) -> Vec<KernelLine> {
        let mut lines = Vec::new();
        let mut record = [0; 8192];
        // Bounded: a kernel that never falls silent must not hold us up.
        for _ in 0..4096 {
            match self.log.read(&mut record) {
                Ok(0) => break,
                Ok(n) => lines.extend(KernelLine::parse(&record[..n])),
                // Records were overwritten before we read them; the next read
                // goes on with the oldest one that is left.
                Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => {}
                Err(_) => break,
            }
        }
        lines
    }
}

impl KernelLine {
    /// Reads a record of `/dev/kmsg` (Documentation/ABI/testing/dev-kmsg):
    /// `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,…];TEXT`, then lines of
    /// `KEY=VALUE`; `None` where it is none.
    pub fn parse(record: &[u8]) -> Option<Self> {
        let record = String::from_utf8_lossy(record);
        let (head, text) = record.split_once(';')?;
        let microseconds = head.split(',').nth(2)?.parse().ok()?;
        Some(Self {
            microseconds,
            text: text.lines().next().unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_are_read() {
        let record =
            b"3,1234,5678901,-,caller=T1;nvme nvme0: Connect command failed\n SUBSYSTEM=nvme\n";
        assert_eq!(
            KernelLine::parse(record),
            Some(KernelLine {
                microseconds: 5_678_901,
                text: "nvme nvme0: Connect command failed".to_owned()
            })
        );
        assert_eq!(KernelLine::parse(b"3,1234"), None);
        assert_eq!(KernelLine::parse(b"3,1,x,-;text"), None);
    }

    #[test]
    fn lines_have_their_prefix_and_one_end() {
        assert_eq!(line(Level::Warning, "a\nb\tc"), "<4>nvmeroot: a b c\n");
    }

    #[test]
    fn without_a_kernel_log_nothing_breaks() {
        let root = tempfile_dir("kmsg");
        let paths = Paths::under(&root);
        Kmsg::open(&paths, true).say(Level::Debug, "to standard error");
        assert!(KernelLog::from_now(&paths).is_none());
    }

    fn tempfile_dir(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("nvmeroot-{name}-{}", std::process::id()))
    }

    proptest! {
        #[test]
        fn no_line_is_too_long(text in "\\PC{0,2000}") {
            let line = line(Level::Info, &text);
            prop_assert!(line.len() <= LONGEST + 4);
            prop_assert_eq!(line.matches('\n').count(), 1);
        }

        #[test]
        fn any_record_is_read(record in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = KernelLine::parse(&record);
        }
    }
}
