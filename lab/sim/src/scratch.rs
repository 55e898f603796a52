//! A simulation's directory for sockets and the machines' memory: short, in memory, and gone with it.
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

const PREFIX: &str = "machinesim-";
/// Locked as long as its simulation lives; whoever can lock it has found what a killed one left.
const ALIVE: &str = "alive";
/// Without `ALIVE` it may just be in the making, but not for so long.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// The directory; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: tempfile::TempDir,
    _alive: File,
}

impl Scratch {
    pub(crate) fn new() -> io::Result<Self> {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            Self::below(memory)
        } else {
            Self::below(&std::env::temp_dir())
        }
    }

    fn below(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let alive = File::create(dir.path().join("new"))?;
        flock(&alive, FlockOperation::NonBlockingLockExclusive)?;
        // Never there without its lock.
        fs::rename(dir.path().join("new"), dir.path().join(ALIVE))?;
        Ok(Self { dir, _alive: alive })
    }

    /// Bytes that still fit in, for a machine's memory: one that finds no room dies of SIGBUS at any time.
    pub(crate) fn left(&self) -> io::Result<u64> {
        let there = rustix::fs::statvfs(self.dir.path())?;
        Ok(there.f_bavail.saturating_mul(there.f_frsize))
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes what simulations have left that were killed. What can't be removed is another user's.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        let left = || match File::open(entry.path().join(ALIVE)) {
            Ok(alive) => flock(&alive, FlockOperation::NonBlockingLockExclusive).is_ok(),
            Err(e) => e.kind() == io::ErrorKind::NotFound && is_stale(&entry),
        };
        if ours && left() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_stale(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > STALE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_one_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a directory");
        let left = |name: &str, with: Option<&str>| {
            let dir = parent.path().join(name);
            fs::create_dir(&dir).expect("made");
            with.map(|file| File::create(dir.join(file)).expect("made"));
            dir
        };
        let lives = Scratch::below(parent.path()).expect("made");
        let killed = left("machinesim-killed", Some(ALIVE));
        let begins = left("machinesim-begins", Some("new"));
        let foreign = left("foreign", Some(ALIVE));
        let stale = left("machinesim-stale", Some("new"));
        let old = std::time::SystemTime::now() - 2 * STALE;
        let opened = File::open(&stale).expect("opened");
        opened.set_modified(old).expect("made old");
        let another = Scratch::below(parent.path()).expect("made");
        assert_eq!(
            [&killed, &begins, &foreign, &stale].map(|dir| dir.exists()),
            [false, true, true, false]
        );
        assert!(lives.path().exists());
        assert!(lives.left().expect("asked") > 0);
        let path = another.path().to_owned();
        drop(another);
        assert!(!path.exists());
    }
}
