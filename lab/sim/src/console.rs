//! What a machine has said on its console.
use std::time::Duration;

/// Bytes of a line; what is longer is left out and counted at its end.
const LONGEST: usize = 64 << 10;
/// Bytes of all lines of a console; a last line counts what is left out after that.
const MOST: usize = 64 << 20;
/// What a line takes besides its text.
const LINE: usize = size_of::<Line>();
/// Bytes that wait to become part of a console.
const MOST_UNHEARD: usize = 16 << 20;

/// A machine's console (ttyS0), over all its starts. What exceeds its bounds (64 KiB a line, 64 MiB in all) is left out,
/// and a line says how much that was.
#[derive(Debug, Clone, Default)]
pub struct Console {
    lines: Vec<Line>,
    partial: Vec<u8>,
    /// Bytes of the partial line that are not in it.
    cut: usize,
    /// What the lines take.
    taken: usize,
    /// Bytes after the last line that has room; the line that counts them is there.
    left_out: usize,
}

/// What a machine has said and no console has heard yet.
#[derive(Debug, Default)]
pub(crate) struct Unheard {
    bytes: Vec<u8>,
    left_out: usize,
}

impl Unheard {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = MOST_UNHEARD.saturating_sub(self.bytes.len());
        let (kept, left_out) = bytes.split_at(room.min(bytes.len()));
        self.bytes.extend(kept);
        self.left_out += left_out.len();
    }
}

fn left_out(bytes: usize) -> String {
    format!("… {bytes} bytes left out")
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
        if !self.partial.is_empty() || self.cut > 0 {
            self.line(at);
        }
    }

    /// Takes what was said.
    pub(crate) fn hear(&mut self, at: Duration, unheard: &mut Unheard) {
        let Unheard { bytes, left_out } = std::mem::take(unheard);
        self.push(at, &bytes);
        self.cut += left_out;
    }

    fn push(&mut self, at: Duration, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.line(at);
            } else if self.partial.len() < LONGEST {
                self.partial.push(byte);
            } else {
                self.cut += 1;
            }
        }
    }

    /// The partial line is a whole one.
    fn line(&mut self, at: Duration) {
        let (line, cut) = (
            std::mem::take(&mut self.partial),
            std::mem::take(&mut self.cut),
        );
        if self.taken + line.len() + LINE > MOST || self.left_out > 0 {
            if self.left_out == 0 {
                self.lines.push(Line {
                    at,
                    text: String::new(),
                });
            }
            self.left_out += line.len() + cut + 1;
            if let Some(last) = self.lines.last_mut() {
                last.text = left_out(self.left_out);
            }
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let mut text = text.trim_end_matches('\r').to_owned();
        if cut > 0 {
            text += &left_out(cut);
        }
        self.taken += text.len() + LINE;
        self.lines.push(Line { at, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted() {
        let at = Duration::from_secs(1);
        let mut console = Console::default();
        console.push(at, &vec![b'x'; LONGEST + 5]);
        console.push(at, b"\nshort\n");
        let texts = |console: &Console| -> Vec<String> {
            console
                .lines()
                .iter()
                .map(|line| line.text.clone())
                .collect()
        };
        let long = "x".repeat(LONGEST) + "… 5 bytes left out";
        assert_eq!(texts(&console), [long, "short".to_owned()]);

        let mut unheard = Unheard::default();
        unheard.push(&vec![b'\n'; MOST_UNHEARD]);
        unheard.push(b"more");
        let mut console = Console::default();
        console.hear(at, &mut unheard);
        console.end_line(at);
        let kept = MOST / LINE;
        assert_eq!(console.lines().len(), kept + 1);
        let last = console.lines().last().map(|line| line.text.clone());
        let gone = MOST_UNHEARD - kept + "more".len() + 1;
        assert_eq!(last, Some(left_out(gone)));
        console.push(at, b"again\n");
        assert_eq!(console.lines().len(), kept + 1);
        assert!(console.shows(&left_out(gone + 6)));
    }

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
