//! Signals that ask to stop, while the tree is between two states.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::error::RootError;

const SIGNALS: [(i32, &str); 3] = [(SIGHUP, "SIGHUP"), (SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")];

/// While it lives, a signal that would end the program is only remembered.
pub(super) struct Stop {
    received: Arc<AtomicUsize>,
    idle: Arc<AtomicBool>,
    ids: Vec<SigId>,
}

impl Stop {
    pub(super) fn watch() -> Self {
        let received = Arc::new(AtomicUsize::new(0));
        let idle = Arc::new(AtomicBool::new(false));
        let mut ids = Vec::new();
        for (signal, _) in SIGNALS {
            // Afterwards a signal does again what it always does; but for
            // SIGHUP, which nohup(1) had ignored.
            if signal != SIGHUP {
                let default =
                    signal_hook::flag::register_conditional_default(signal, Arc::clone(&idle));
                drop(default);
            }
            let number = usize::try_from(signal).unwrap_or(0);
            ids.extend(signal_hook::flag::register_usize(
                signal,
                Arc::clone(&received),
                number,
            ));
        }
        Self {
            received,
            idle,
            ids,
        }
    }

    /// An error where a signal has come.
    pub(super) fn check(&self) -> Result<(), RootError> {
        let received = self.received.load(Ordering::Relaxed);
        let found = SIGNALS
            .into_iter()
            .find(|(number, _)| usize::try_from(*number) == Ok(received));
        match found {
            Some((number, signal)) => Err(RootError::Stopped { signal, number }),
            None => Ok(()),
        }
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.idle.store(true, Ordering::Relaxed);
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
