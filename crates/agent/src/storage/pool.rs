//! The threads that see to all controllers: few, however many controllers there
//! are.
//!
//! A discovery log may name thousands. Each is a task that never waits in its
//! thread: it says after which changes, or when, it is to be looked at again.
//! One idle thread waits for all of them; as soon as there is something to do,
//! it does that and another one waits.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::sys::events::{Change, Seen};
use crate::sys::kmsg::Level;
use crate::sys::netlink::Netlink;
use crate::sys::spawn;
use crate::task::{Context, LONG, Next, SLOWEST_RETRY};

/// Threads at most. Each may be held up by a portal that does not answer.
const MOST_THREADS: usize = 32;

/// Threads at most for the tasks of one controller of the plan, so that one
/// broken discovery log does not keep the others from being served.
const MOST_FOR_ONE: usize = MOST_THREADS / 2;

/// Work on one portal or subsystem.
pub(super) trait Task: Send {
    /// The controller of the plan that it belongs to, by index.
    fn controller(&self) -> usize;

    /// Does the next thing, if that can be done now.
    fn step(&mut self, netlink: &mut Netlink) -> Result<(), Next>;

    /// Does what can be done now.
    fn advance(&mut self, netlink: &mut Netlink) -> Next {
        loop {
            if let Err(next) = self.step(netlink) {
                return next;
            }
        }
    }
}

/// The tasks and their threads.
#[derive(Debug)]
pub(super) struct Pool {
    context: Arc<Context>,
    state: Mutex<State>,
    /// Wakes a thread that waits for being the one that watches.
    relieved: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// The controller that each thread works for.
    running: Vec<usize>,
    threads: usize,
    /// Threads that have nothing to do.
    idle: usize,
    /// One of them waits for what the tasks wait for.
    watched: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("waiting", &self.waiting.len())
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

struct Waiting {
    task: Box<dyn Task>,
    kinds: &'static [Change],
    /// The changes before its last look.
    seen: Seen,
    at: Instant,
}

impl State {
    fn running_for(&self, controller: usize) -> usize {
        self.running.iter().filter(|c| **c == controller).count()
    }

    /// The task to do now: of those that are due and whose controller has not its
    /// share of threads, one of the controller with the fewest, the first come
    /// first.
    fn take_due(
        &mut self,
        now: Instant,
        changed: impl Fn(&Waiting) -> bool,
    ) -> Option<Box<dyn Task>> {
        let due = |waiting: &Waiting| waiting.at <= now || changed(waiting);
        let place = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| due(waiting))
            .map(|(place, waiting)| (self.running_for(waiting.task.controller()), place))
            .min()
            .filter(|(running, _)| *running < MOST_FOR_ONE);
        let (_, place) = place?;
        let task = self.waiting.remove(place).task;
        self.running.push(task.controller());
        Some(task)
    }

    fn is_done(&mut self, controller: usize) {
        if let Some(place) = self.running.iter().position(|c| *c == controller) {
            self.running.swap_remove(place);
        }
    }
}

impl Pool {
    pub(super) fn new(context: &Arc<Context>) -> Arc<Self> {
        Arc::new(Self {
            context: Arc::clone(context),
            state: Mutex::default(),
            relieved: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a task done. The program is not at its end before it is.
    pub(super) fn submit(self: &Arc<Self>, task: impl Task + 'static) {
        self.context.begin_work();
        let seen = self.context.events.seen();
        self.lock().waiting.push(Waiting {
            task: Box::new(task),
            kinds: &[],
            seen,
            at: Instant::now(),
        });
        self.call_thread();
        // The thread that watches does not know of the new task.
        self.context.events.raise(Change::Own);
    }

    /// Sees to it that a thread watches or is about to.
    fn call_thread(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.idle > 0 {
            drop(state);
            self.relieved.notify_one();
            return;
        }
        if state.threads == MOST_THREADS {
            return;
        }
        state.threads += 1;
        drop(state);
        let pool = Arc::clone(self);
        if let Err(e) = spawn("storage", move || pool.work()) {
            self.lock().threads -= 1;
            let text = format!(
                "can't start a further thread for the controllers: {e}; check that the machine has enough memory"
            );
            self.context.kmsg.say(Level::Warning, &text);
        }
    }

    /// What each thread of the pool does.
    fn work(self: &Arc<Self>) {
        let mut netlink = None;
        while let Some(mut task) = self.wait_for_task() {
            let controller = task.controller();
            // Somebody else has to watch meanwhile.
            self.call_thread();
            let seen = self.context.events.seen();
            if netlink.is_none() {
                netlink = Netlink::open().ok();
            }
            let next = match &mut netlink {
                Some(netlink) => task.advance(netlink),
                None => Next::After {
                    kinds: &[],
                    at: Instant::now() + SLOWEST_RETRY,
                },
            };
            let mut state = self.lock();
            state.is_done(controller);
            if let Next::After { kinds, at } = next {
                state.waiting.push(Waiting {
                    task,
                    kinds,
                    seen,
                    at,
                });
                continue;
            }
            drop(state);
            self.context.end_work();
        }
    }

    /// The next task that is due; `None` when the program is to stop.
    fn wait_for_task(self: &Arc<Self>) -> Option<Box<dyn Task>> {
        let mut state = self.lock();
        loop {
            let seen = self.context.events.seen();
            if self.context.events.is_stopping() {
                state.threads -= 1;
                drop(state);
                self.relieved.notify_all();
                return None;
            }
            let now = Instant::now();
            let due = state.take_due(now, |w| seen.differs(w.seen, w.kinds));
            if due.is_some() {
                return due;
            }
            state.idle += 1;
            // One whose time has come waits for a thread of its share.
            let times = state.waiting.iter().map(|w| w.at);
            let next = times.filter(|at| *at > now).min();
            if state.watched {
                // The thread that watches may not know of a task that was put back
                // since, and of its time.
                let rest = next.map_or(LONG, |at| at.saturating_duration_since(now));
                let woken = self.relieved.wait_timeout(state, rest);
                (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            } else {
                state.watched = true;
                let until = next.unwrap_or(now + LONG);
                drop(state);
                self.context.events.wait_past(seen, &Change::ALL, until);
                state = self.lock();
                state.watched = false;
            }
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use nvmeroot_plan::BootPlan;

    use super::*;
    use crate::sys::events::Events;
    use crate::sys::kmsg::Kmsg;
    use crate::sys::paths::Paths;
    use crate::task::Recorder;

    fn pool(directory: &std::path::Path) -> Arc<Pool> {
        let paths = Paths::under(directory);
        Pool::new(&Arc::new(Context::new(
            BootPlan::default(),
            paths.clone(),
            Arc::new(Events::new().expect("a file descriptor")),
            Kmsg::open(&paths, true),
            Recorder::start(paths.record(), LONG, None),
            Instant::now() + LONG,
        )))
    }

    /// Comes back once, at a time of which the thread that watches knows nothing.
    struct PutBack {
        pool: Arc<Pool>,
        looked: Sender<()>,
        is_second: bool,
    }

    impl Task for PutBack {
        fn controller(&self) -> usize {
            0
        }

        fn step(&mut self, _: &mut Netlink) -> Result<(), Next> {
            if std::mem::replace(&mut self.is_second, true) {
                let _ = self.looked.send(());
                return Err(Next::Done);
            }
            // The other thread's time is settled before this one's: it saw no task.
            while !self.pool.lock().watched {
                std::thread::yield_now();
            }
            Err(Next::After {
                kinds: &[],
                at: Instant::now() + Duration::from_millis(20),
            })
        }
    }

    #[test]
    fn a_task_put_back_while_another_thread_watches_is_looked_at_in_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let pool = pool(directory.path());
        let (looked, looks) = channel();
        pool.context.begin_work();
        // As `submit` does, but for the change that it raises: nothing else happens.
        pool.lock().waiting.push(Waiting {
            task: Box::new(PutBack {
                pool: Arc::clone(&pool),
                looked,
                is_second: false,
            }),
            kinds: &[],
            seen: pool.context.events.seen(),
            at: Instant::now(),
        });
        pool.call_thread();
        // The limit is for a pool that forgot it: that one looks after a day.
        let again = looks.recv_timeout(Duration::from_secs(30));
        pool.context.events.stop();
        assert_eq!(again, Ok(()));
    }
}
