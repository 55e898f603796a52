//! What a machine is made of, whatever runs it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::who::Who;
use crate::firmware::Firmware;

/// What a machine is made of.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) who: Who,
    pub(crate) memory_mib: u32,
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
    pub(crate) cmdline: String,
    /// In the order of the cables that they hang on.
    pub(crate) cards: Vec<Card>,
    /// Raw images; what the machine writes is dropped when it ends.
    pub(crate) drives: Vec<PathBuf>,
    pub(crate) second_port: SecondPort,
    /// See [`Wiring::capture`](crate::Wiring::capture).
    pub(crate) capture: bool,
    pub(crate) processors: Processors,
    /// What its firmware leaves; `None` for one that leaves nothing and never will.
    pub(crate) firmware: Option<Firmware>,
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) mac: String,
    /// Gives the card its name: slot 3 becomes `ens3`.
    pub(crate) slot: u8,
    /// Whether it is there from the start, or comes by [`World::plug_card`].
    ///
    /// [`World::plug_card`]: super::World::plug_card
    pub(crate) plugged: bool,
}

/// What the second serial port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondPort {
    /// The machine writes its report there.
    Report,
    /// The machine reads commands there.
    Commands,
}

/// What a host computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processors {
    /// So many, each as fast as this machine emulates it. One emulates best, and
    /// most that is tried here does not depend on it; a server has more.
    Emulated(u8),
    /// One, whose clock counts instructions, a thousand million a second, and goes
    /// on as ours does while the host waits (`-icount`, docs/devel/tcg-icount.rst in
    /// QEMU's source). How long anything takes then depends neither on how fast
    /// this machine emulates nor on what else it does.
    Counted,
    /// Of this machine's own, one for each simulated machine: the first for the host,
    /// the second for the target.
    Pinned,
}

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

/// The text of a line as a reader sees it: no escape sequences, no carriage
/// returns, and bytes that are not UTF-8 replaced.
pub(crate) fn plain(bytes: &[u8]) -> String {
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
}
