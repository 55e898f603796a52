//! One program at a time changes a root tree.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::error::{RootError, failed};
use super::tree::RootTree;

/// How long another one is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_millis(50);

impl RootTree {
    /// Waits until nobody else changes the tree, and keeps others from it as
    /// long as the tree is open. `waiting` is called once where another one is
    /// at work.
    ///
    /// The lock is on the tree's top directory itself (flock(2)), whatever
    /// path leads there: a killed program leaves none behind.
    pub(crate) fn lock(&self, waiting: impl FnOnce()) -> Result<(), RootError> {
        let try_it = || match rustix::fs::flock(&self.top, FlockOperation::NonBlockingLockExclusive)
        {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
            Err(error) => Err(failed("lock", "/")(error)),
        };
        if try_it()? {
            return Ok(());
        }
        waiting();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            sleep(INTERVAL);
            if try_it()? {
                return Ok(());
            }
        }
        Err(RootError::Busy {
            seconds: PATIENCE.as_secs(),
        })
    }
}
