//! A machine's serial console: every line with the time at which it arrived,
//! in memory and in a file.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Context, Result};
use crate::machine::parts::{Line, plain};

#[derive(Debug, Default)]
struct State {
    lines: Vec<Line>,
    partial: Vec<u8>,
    partial_at: Duration,
    ended: bool,
}

/// A console being read by a thread of its own until the machine ends.
#[derive(Debug, Clone)]
pub(super) struct Console {
    began: Instant,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Console {
    pub(super) fn read(stream: impl Read + Send + 'static, file: &Path) -> Result<Self> {
        let console = Console {
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

    /// The lines from number `from` on, an unfinished one included (a prompt has
    /// no end).
    pub(super) fn lines(&self, from: usize) -> Vec<Line> {
        let state = self.lock();
        let mut lines = state.lines.get(from..).unwrap_or_default().to_vec();
        if !state.partial.is_empty() {
            lines.push(state.partial_line());
        }
        lines
    }

    /// Waits until a line from number `from` on contains one of `texts`, or the
    /// machine ends, or `deadline`.
    pub(super) fn wait(&self, texts: &[&str], from: usize, deadline: Instant) {
        let mut state = self.lock();
        while !state.ended && !texts.iter().any(|text| state.has(text, from)) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .shared
                .1
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// When the machine was started.
    pub(super) fn began(&self) -> Instant {
        self.began
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

    fn has(&self, text: &str, from: usize) -> bool {
        let known = self.lines.get(from..).unwrap_or_default();
        known.iter().any(|line| line.text.contains(text)) || self.partial_line().text.contains(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_see_prompts_and_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c");
        let console = Console::read(&b"one\ntwo\n(initramfs) "[..], &file).unwrap();
        let bound = Instant::now() + Duration::from_secs(60);
        console.wait(&["(initramfs)"], 0, bound);
        assert_eq!(console.lines(2)[0].text, "(initramfs) ");
        // Returns, for the machine has ended.
        console.wait(&["three"], 0, bound);
        assert_eq!(console.lines(0).len(), 3);
        let saved = std::fs::read_to_string(&file).unwrap();
        assert!(
            saved.lines().nth(1).is_some_and(|l| l.ends_with(" two")),
            "{saved}"
        );
    }
}
