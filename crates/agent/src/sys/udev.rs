//! Waits for udev to begin, which it does beside us.
//!
//! What has to come after udev (names of cards) is seen by its record of a
//! device; that it will come at all, by its socket.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::io::Errno;

use crate::sys::paths::Paths;

/// How long udev is given to begin; where there is none, we go on without.
const PATIENCE: Duration = Duration::from_secs(3);

/// Returns when udev listens, at the latest after a few seconds or a quarter
/// of the time until `limit`, or when `stop` is readable.
pub(crate) fn wait_until_it_listens(paths: &Paths, limit: Instant, stop: BorrowedFd<'_>) {
    let left = limit.saturating_duration_since(Instant::now());
    let until = Instant::now() + PATIENCE.min(left / 4);
    let directory = paths.run_root.join("udev");
    // It fails without inotify(7), and then nobody waits.
    let _ = wait(&paths.run_root, &directory, stop, until);
}

fn wait(run: &Path, directory: &Path, stop: BorrowedFd<'_>, until: Instant) -> io::Result<()> {
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    inotify::add_watch(&watch, run, inotify::WatchFlags::CREATE)?;
    loop {
        // It may have been made just now; again is no error.
        let news = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
        let _ = inotify::add_watch(&watch, directory, news);
        let left = until.saturating_duration_since(Instant::now());
        if directory.join("control").exists() || left.is_zero() {
            return Ok(());
        }
        let timeout = Timespec::try_from(left).unwrap_or_default();
        let mut ready = [
            PollFd::new(&watch, PollFlags::IN),
            PollFd::from_borrowed_fd(stop, PollFlags::IN),
        ];
        match poll(&mut ready, Some(&timeout)) {
            Ok(_) if !ready[1].revents().is_empty() => return Ok(()),
            Ok(_) => {
                let mut events = [0; 4096];
                let _ = rustix::io::read(&watch, &mut events[..]);
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::events::Events;
    use std::fs;
    use std::thread;

    const LATER: Duration = Duration::from_millis(100);
    /// A quarter of it is longer than udev is given.
    const FAR: Duration = Duration::from_secs(60);

    fn took(meanwhile: impl FnOnce(&Path, &Events) + Send, limit: Duration) -> Duration {
        let dir = tempfile::tempdir().expect("a directory");
        let paths = Paths {
            run_root: dir.path().to_owned(),
            ..Paths::default()
        };
        let events = Events::new().expect("a file descriptor");
        let started = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| meanwhile(dir.path(), &events));
            wait_until_it_listens(&paths, started + limit, events.stop_fd());
        });
        started.elapsed()
    }

    #[test]
    fn its_socket_ends_the_wait() {
        let at_once = took(
            |run, _| {
                thread::sleep(LATER);
                fs::create_dir(run.join("udev")).expect("a directory");
                thread::sleep(LATER);
                fs::write(run.join("udev/control"), "").expect("a file");
            },
            FAR,
        );
        assert!(at_once >= 2 * LATER && at_once < PATIENCE, "{at_once:?}");
    }

    #[test]
    fn without_udev_or_time_or_when_told_to_stop_it_goes_on() {
        let stopped = took(|_, events| events.stop(), FAR);
        assert!(stopped < PATIENCE, "{stopped:?}");
        let hurried = took(|_, _| {}, 4 * LATER);
        assert!(hurried >= LATER && hurried < PATIENCE, "{hurried:?}");
        let none = took(|_, _| {}, FAR);
        assert!(none >= PATIENCE, "{none:?}");
    }
}
