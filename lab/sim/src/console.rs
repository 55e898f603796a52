//! What a machine has said on its console.
use std::time::Duration;

/// A machine's console (ttyS0), over all its starts.
#[derive(Debug, Clone, Default)]
pub struct Console {
    lines: Vec<Line>,
    partial: Vec<u8>,
}

/// One line of a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The simulation's time at which its end was read.
    pub at: Duration,
    /// Without line end; what is not UTF-8 is replaced.
    pub text: String,
}

impl Console {
    /// The whole lines so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The last line so far, without an end yet: a prompt, for example.
    pub fn partial(&self) -> String {
        String::from_utf8_lossy(&self.partial).into_owned()
    }

    /// The first line from index `from` on that contains `text`, and its index.
    pub fn find(&self, text: &str, from: usize) -> Option<(usize, &Line)> {
        self.lines
            .iter()
            .enumerate()
            .skip(from)
            .find(|(_, line)| line.text.contains(text))
    }

    /// True when a whole line or the partial one contains `text`.
    pub fn shows(&self, text: &str) -> bool {
        self.find(text, 0).is_some() || self.partial().contains(text)
    }

    /// The machine is off: what it has begun to say is a line.
    pub(crate) fn end_line(&mut self, at: Duration) {
        if !self.partial.is_empty() {
            self.push(at, b"\n");
        }
    }

    pub(crate) fn push(&mut self, at: Duration, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.partial);
                let text = String::from_utf8_lossy(&line);
                self.lines.push(Line {
                    at,
                    text: text.trim_end_matches('\r').into(),
                });
            } else {
                self.partial.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_seen_before_its_line_ends() {
        let (one, two) = (Duration::from_secs(1), Duration::from_secs(2));
        let mut console = Console::default();
        console.push(one, b"up\r\nlogin: ");
        assert_eq!(
            console.lines(),
            [Line {
                at: one,
                text: "up".into()
            }]
        );
        assert_eq!(console.partial(), "login: ");
        assert!(console.shows("login:"));
        console.end_line(two);
        console.end_line(two);
        assert_eq!(
            console.find("login", 0),
            Some((
                1,
                &Line {
                    at: two,
                    text: "login: ".into()
                }
            ))
        );
        assert_eq!(console.lines().len(), 2);
    }
}
