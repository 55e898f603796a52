//! A machine's serial console: every line with the time at which it arrived,
//! in memory and in a file.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};

/// One line of a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it began to arrive, counted from the start of the machine.
    pub at: Duration,
    /// Its text without control sequences.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8.2} {}", self.at.as_secs_f64(), self.text)
    }
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    partial: Vec<u8>,
    partial_at: Duration,
    ended: bool,
}

/// A console being read by a thread of its own until the machine ends.
#[derive(Debug, Clone)]
pub struct Console {
    vm: String,
    file: PathBuf,
    began: Instant,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Console {
    pub(crate) fn read(vm: &str, stream: impl Read + Send + 'static, file: &Path) -> Result<Self> {
        let console = Console {
            vm: vm.to_owned(),
            file: file.to_owned(),
            began: Instant::now(),
            shared: Arc::default(),
        };
        let out = BufWriter::new(File::create(file).context("create", file)?);
        let reader = console.clone();
        thread::spawn(move || reader.follow(stream, out));
        Ok(console)
    }

    fn follow(&self, mut stream: impl Read, mut out: impl Write) {
        let mut buffer = [0; 4096];
        loop {
            let count = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let at = self.began.elapsed();
            let mut state = self.lock();
            for byte in &buffer[..count] {
                if state.partial.is_empty() {
                    state.partial_at = at;
                }
                if *byte == b'\n' {
                    let line = state.take_partial();
                    // The file is a help to the reader; a full disk shows elsewhere.
                    let _ = writeln!(out, "{line}");
                    state.lines.push(line);
                } else {
                    state.partial.push(*byte);
                }
            }
            let _ = out.flush();
            self.shared.1.notify_all();
        }
        let mut state = self.lock();
        if !state.partial.is_empty() {
            let line = state.take_partial();
            let _ = writeln!(out, "{line}");
            state.lines.push(line);
        }
        let _ = out.flush();
        state.ended = true;
        self.shared.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines so far, an unfinished one included (a prompt has no end).
    pub fn lines(&self) -> Vec<Line> {
        let state = self.lock();
        let mut lines = state.lines.clone();
        if !state.partial.is_empty() {
            lines.push(state.partial_line());
        }
        lines
    }

    /// The first line that contains `text`, if there is one by now.
    pub fn find(&self, text: &str) -> Option<Line> {
        self.lock().find(text, 0)
    }

    /// Waits until a line from number `from` on contains one of `texts`.
    ///
    /// # Errors
    /// [`Error::Timeout`] after `bound`, [`Error::Ended`] when the machine ends.
    pub fn wait_any(&self, texts: &[&str], from: usize, bound: Duration) -> Result<Line> {
        let deadline = Instant::now() + bound;
        let what = texts.join("` or `");
        let mut state = self.lock();
        loop {
            if let Some(line) = texts.iter().find_map(|text| state.find(text, from)) {
                return Ok(line);
            }
            if state.ended {
                let vm = self.vm.clone();
                return Err(Error::Ended { vm, what });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Timeout {
                    vm: self.vm.clone(),
                    what,
                    seconds: bound.as_secs(),
                });
            }
            state = self
                .shared
                .1
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until a line contains `text`.
    ///
    /// # Errors
    /// As [`Console::wait_any`].
    pub fn wait(&self, text: &str, bound: Duration) -> Result<Line> {
        self.wait_any(&[text], 0, bound)
    }

    /// How many lines there are: what to pass to [`Console::wait_any`] so that
    /// only news count.
    pub fn count(&self) -> usize {
        self.lock().lines.len()
    }

    /// When the machine was started.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// The file that holds the lines.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl State {
    fn partial_line(&self) -> Line {
        Line {
            at: self.partial_at,
            text: plain(&self.partial),
        }
    }

    fn take_partial(&mut self) -> Line {
        let line = self.partial_line();
        self.partial.clear();
        line
    }

    fn find(&self, text: &str, from: usize) -> Option<Line> {
        let known = self.lines.get(from..).unwrap_or_default();
        let found = known.iter().find(|line| line.text.contains(text)).cloned();
        found.or_else(|| Some(self.partial_line()).filter(|line| line.text.contains(text)))
    }
}

/// The text of a line as a reader sees it: no escape sequences, no carriage
/// returns, and bytes that are not UTF-8 replaced.
fn plain(bytes: &[u8]) -> String {
    let mut text = String::new();
    let decoded = String::from_utf8_lossy(bytes);
    let mut chars = decoded.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // ECMA-48 section 5.4: parameters, then one final byte from @ to ~.
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // Operating system command, ended by BEL or ESC \.
                Some(']') => while chars.next().is_some_and(|c| c != '\u{7}' && c != '\\') {},
                _ => {}
            },
            '\t' => text.push(' '),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_go() {
        assert_eq!(
            plain(b"[\x1b[0;32m  OK  \x1b[0m] Started x\r"),
            "[  OK  ] Started x"
        );
        assert_eq!(plain(b"a\xffb\x1b]0;t\x07c"), "a\u{fffd}bc");
    }

    #[test]
    fn waits_see_prompts_and_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c");
        let console = Console::read("m", &b"one\ntwo\n(initramfs) "[..], &file).unwrap();
        let bound = Duration::from_secs(5);
        assert_eq!(
            console.wait("(initramfs)", bound).unwrap().text,
            "(initramfs) "
        );
        assert!(matches!(
            console.wait("three", bound),
            Err(Error::Ended { .. })
        ));
        let saved = std::fs::read_to_string(&file).unwrap();
        assert!(
            saved.lines().nth(1).is_some_and(|l| l.ends_with(" two")),
            "{saved}"
        );
    }
}
