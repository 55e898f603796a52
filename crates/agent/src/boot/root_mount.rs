//! Sees that root is mounted, which the initramfs does beside us.

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::sys::paths::{NEW_ROOTS, Paths};

/// Waits until root is mounted. False if `stop` became readable before, or the
/// kernel does not tell.
pub(super) fn wait(paths: &Paths, stop: BorrowedFd<'_>) -> bool {
    let path = &paths.mounts;
    // Its own number of changes begins with the opening, so before the first look.
    let Ok(changes) = File::open(path) else {
        return false;
    };
    loop {
        match is_mounted(path) {
            Ok(false) => {}
            Ok(true) => return true,
            Err(_) => return false,
        }
        // proc_pid_mountinfo(5): a change of the mounts is an error and priority.
        let mut ready = [
            PollFd::new(&changes, PollFlags::PRI),
            PollFd::from_borrowed_fd(stop, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Ok(_) if !ready[1].revents().is_empty() => return false,
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

fn is_mounted(mountinfo: &Path) -> std::io::Result<bool> {
    // A source may have any name.
    let text = std::fs::read(mountinfo)?;
    Ok(String::from_utf8_lossy(&text).lines().any(is_new_root))
}

/// A line of mountinfo: numbers, device, what of it, mount point, and more.
fn is_new_root(line: &str) -> bool {
    line.split(' ')
        .nth(4)
        .is_some_and(|point| NEW_ROOTS.contains(&point))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::events::Events;
    use std::fs;

    const BEFORE: &str = "22 1 0:21 / /proc rw - proc proc rw\n\
        25 1 0:5 / /dev rw,nosuid - devtmpfs udev rw,size=1k\n\
        26 25 0:24 /root /dev/root ro - tmpfs /root rw\n";

    fn waits(mountinfo: &str) -> bool {
        let root = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(root.path());
        fs::create_dir_all(root.path().join("proc/self")).expect("a directory");
        fs::write(&paths.mounts, mountinfo).expect("a file");
        let events = Events::new().expect("a file descriptor");
        events.stop();
        wait(&paths, events.stop_fd())
    }

    #[test]
    fn root_is_known_by_where_it_is_mounted() {
        assert!(!waits(BEFORE));
        for line in [
            "30 1 259:1 / /root ro,relatime - ext4 /dev/nvme0n1p1 ro\n",
            "30 1 0:31 /@ /sysroot rw - btrfs /dev/nvme0n1 rw\n",
        ] {
            assert!(waits(&format!("{BEFORE}{line}")), "{line}");
        }
    }

    #[test]
    fn where_the_kernel_does_not_tell_nobody_waits() {
        let root = tempfile::tempdir().expect("a directory");
        let events = Events::new().expect("a file descriptor");
        let paths = Paths::under(root.path());
        assert!(!wait(&paths, events.stop_fd()));
    }
}
