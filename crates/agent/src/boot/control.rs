//! How other programs speak to `run`: a socket in `/run/nvmeroot`. They send one
//! word, `wait` or `stop`, and get one answer when it is true. A lock beside it
//! lets one `run` work at a time; the kernel drops the lock with the process, so
//! what a crashed one left behind is known as that.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock, inotify};
use rustix::io::Errno;

use crate::sys::events::Events;
use crate::sys::paths::Paths;
use crate::sys::spawn;

/// A value that is set once and waited for.
#[derive(Debug)]
pub struct Latch<T> {
    value: Mutex<Option<T>>,
    set: Condvar,
}

impl<T> Default for Latch<T> {
    fn default() -> Self {
        Self {
            value: Mutex::new(None),
            set: Condvar::new(),
        }
    }
}

impl<T: Clone> Latch<T> {
    /// Sets it; the first value stays.
    pub fn set(&self, value: T) {
        let mut slot = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(value);
        drop(slot);
        self.set.notify_all();
    }

    /// Waits for it.
    pub fn wait(&self) -> T {
        let mut slot = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(value) = slot.as_ref() {
                return value.clone();
            }
            slot = self.set.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What the clients wait for.
#[derive(Debug, Default)]
pub struct Control {
    /// The goal is reached (`done`) or given up (`failed`, then the report).
    pub decided: Latch<String>,
    /// The program is at its end.
    pub ended: Latch<()>,
}

/// How often one that waits looks whether the program at work, which has no
/// socket yet or no more, is still there: nobody tells of a lock that is free.
const LOOK: Duration = Duration::from_millis(50);

/// The right to be the one that works, held until it is dropped or the process
/// ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it; `None` while another process has it.
    ///
    /// # Errors
    /// When its file can't be made.
    pub fn take(paths: &Paths) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(paths.lock())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Some process has it.
    pub fn is_taken(paths: &Paths) -> bool {
        File::open(paths.lock()).is_ok_and(|file| {
            flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
        })
    }
}

/// Listens at `socket` in a thread of its own. Whoever calls this holds the
/// lock: a socket that is there already is a dead one's.
///
/// # Errors
/// When the socket can't be made.
pub fn serve(socket: &Path, events: &Arc<Events>, control: &Arc<Control>) -> io::Result<()> {
    match std::fs::remove_file(socket) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    let (events, control) = (Arc::clone(events), Arc::clone(control));
    spawn("control", move || {
        for client in listener.incoming().flatten() {
            let (events, control) = (Arc::clone(&events), Arc::clone(&control));
            let _ = spawn("client", move || {
                let _ = answer(client, &events, &control);
            });
        }
    })?;
    Ok(())
}

fn answer(mut client: UnixStream, events: &Events, control: &Control) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut word = String::new();
    BufReader::new((&mut client).take(64)).read_line(&mut word)?;
    match word.trim() {
        "wait" => client.write_all(control.decided.wait().as_bytes()),
        "stop" => {
            events.stop();
            control.ended.wait();
            client.write_all(b"stopped\n")
        }
        _ => client.write_all(b"unknown\n"),
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No `run` is at work.
    #[error("`nvmeroot-agent run` is not at work")]
    Absent,
    /// No answer in time.
    #[error("no answer from `nvmeroot-agent run`")]
    Late,
    /// It ended without an answer.
    #[error("`nvmeroot-agent run` ended without an answer")]
    Ended,
    /// The socket failed.
    #[error("the socket of `nvmeroot-agent run`: {0}")]
    Io(#[from] io::Error),
}

/// Sends a word and waits for the answer.
///
/// # Errors
/// When nobody is there, or no answer comes within `patience`.
pub fn ask(socket: &Path, word: &str, patience: Duration) -> Result<String, AskError> {
    let mut stream = UnixStream::connect(socket).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::Absent,
        _ => AskError::Io(e),
    })?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(format!("{word}\n").as_bytes())?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Ok(0) => Err(AskError::Ended),
        Ok(_) => Ok(answer),
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Err(AskError::Late)
        }
        Err(e) if e.kind() == io::ErrorKind::ConnectionReset => Err(AskError::Ended),
        Err(e) => Err(e.into()),
    }
}

/// Waits until the program at work says whether the goal is reached. It may
/// have started only just now: it is waited for `grace` long. Where nobody is
/// at work, the decision of the last one counts.
///
/// # Errors
/// As for [`ask`].
pub fn wait_for_decision(
    paths: &Paths,
    grace: Duration,
    patience: Duration,
) -> Result<String, AskError> {
    std::fs::create_dir_all(&paths.run)?;
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
        .map_err(io::Error::from)?;
    let news = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&watch, &paths.run, news).map_err(io::Error::from)?;
    let until = Instant::now() + grace;
    loop {
        // Asked before the socket: who has the lock now and no socket yet is
        // about to throw the last one's decision away.
        let taken = Lock::is_taken(paths);
        match ask(&paths.socket(), "wait", patience) {
            Err(AskError::Absent) => {
                if !taken && let Some(decision) = decision(paths) {
                    return Ok(decision);
                }
            }
            // It may have written its decision and gone in between.
            Err(AskError::Ended) => return decision(paths).ok_or(AskError::Ended),
            other => return other,
        }
        let now = Instant::now();
        if now >= until {
            return Err(AskError::Absent);
        }
        let mut left = until - now;
        if taken {
            left = left.min(LOOK);
        }
        let timeout = Timespec::try_from(left).map_err(|_| AskError::Absent)?;
        let mut ready = [PollFd::new(&watch, PollFlags::IN)];
        match poll(&mut ready, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => {
                let mut events = [0; 4096];
                let _ = rustix::io::read(&watch, &mut events[..]);
            }
            Err(e) => return Err(io::Error::from(e).into()),
        }
    }
}

/// The decision of a program that is gone.
fn decision(paths: &Paths) -> Option<String> {
    let read = |path| std::fs::read_to_string(path).ok();
    read(paths.done()).or_else(|| read(paths.failed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn paths() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(dir.path());
        std::fs::create_dir_all(&paths.run).expect("a directory");
        (dir, paths)
    }

    #[test]
    fn a_waiter_that_came_first_gets_the_decision() {
        let (_dir, paths) = paths();
        let waiter = {
            let paths = paths.clone();
            std::thread::spawn(move || wait_for_decision(&paths, SOON, SOON))
        };
        std::thread::sleep(Duration::from_millis(100));
        let events = Arc::new(Events::new().expect("a file descriptor"));
        let control = Arc::new(Control::default());
        serve(&paths.socket(), &events, &control).expect("a socket");
        std::thread::sleep(Duration::from_millis(100));
        assert!(!waiter.is_finished());
        control.decided.set("done\n".to_owned());
        let answer = waiter.join().expect("no panic").expect("an answer");
        assert_eq!(answer, "done\n");
    }

    #[test]
    fn stop_is_answered_at_the_end() {
        let (_dir, paths) = paths();
        let events = Arc::new(Events::new().expect("a file descriptor"));
        let control = Arc::new(Control::default());
        serve(&paths.socket(), &events, &control).expect("a socket");
        let early = ask(&paths.socket(), "stop", Duration::from_millis(200));
        assert!(matches!(early, Err(AskError::Late)), "{early:?}");
        assert!(events.is_stopping());
        control.ended.set(());
        let answer = ask(&paths.socket(), "stop", SOON).expect("an answer");
        assert_eq!(answer, "stopped\n");
    }

    #[test]
    fn one_works_at_a_time_and_the_dead_hold_nothing() {
        let (_dir, paths) = paths();
        assert!(!Lock::is_taken(&paths));
        let first = Lock::take(&paths).expect("a file").expect("a free lock");
        assert!(Lock::is_taken(&paths));
        assert!(Lock::take(&paths).expect("a file").is_none());
        drop(first);
        assert!(!Lock::is_taken(&paths));
        assert!(Lock::take(&paths).expect("a file").is_some());
    }

    #[test]
    fn the_last_ones_decision_does_not_count_once_another_works() {
        let (_dir, paths) = paths();
        std::fs::write(paths.failed(), "failed\nno card\n").expect("a file");
        // A socket that nobody listens at any more.
        drop(UnixListener::bind(paths.socket()).expect("a socket"));
        let lock = Lock::take(&paths).expect("a file").expect("a free lock");
        let waiter = {
            let paths = paths.clone();
            std::thread::spawn(move || wait_for_decision(&paths, SOON, SOON))
        };
        std::thread::sleep(Duration::from_millis(200));
        assert!(!waiter.is_finished());
        let events = Arc::new(Events::new().expect("a file descriptor"));
        let control = Arc::new(Control::default());
        serve(&paths.socket(), &events, &control).expect("a socket");
        control.decided.set("done\n".to_owned());
        let answer = waiter.join().expect("no panic").expect("an answer");
        assert_eq!(answer, "done\n");
        drop(lock);
    }

    #[test]
    fn a_decision_outlives_the_program_and_absence_is_said() {
        let (_dir, paths) = paths();
        let none = wait_for_decision(&paths, Duration::from_millis(100), SOON);
        assert!(matches!(none, Err(AskError::Absent)), "{none:?}");
        std::fs::write(paths.failed(), "failed\nno card\n").expect("a file");
        let answer = wait_for_decision(&paths, SOON, SOON).expect("an answer");
        assert_eq!(answer, "failed\nno card\n");
    }
}
