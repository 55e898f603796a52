//! What goes wrong while machines run, and when: data, so that tables and chance can
//! make it.

use std::fmt;
use std::time::Duration;

use machinesim::wire;

use crate::machine::Who;

/// Something that goes wrong, or is set right again.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// When it happens.
    pub when: When,
    /// What happens.
    pub what: What,
    /// What is wrong on a wire must be met by a frame: else a run that passes has shown
    /// nothing.
    pub felt: bool,
}

/// A moment of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// So long after the host was switched on for the first time; what is at 0 happens
    /// before its first frame.
    On(Duration),
    /// So long after a line of the host's console contained the text for the first
    /// time.
    Says(&'static str, Duration),
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The target loses power.
    KillTarget,
    /// The target is switched on again.
    StartTarget,
    /// The cable of a card of the host is cut.
    Cut(usize),
    /// It is mended.
    Mend(usize),
    /// What is wrong on every cable from now on, in the place of what was before.
    /// Simulated machines have such cables.
    Wire(Direction, wire::Faults),
    /// That is over: what began before it and lasts longer is wrong again.
    Over(Direction, wire::Faults),
    /// The target carries out a shell command.
    Command(&'static str),
}

/// Which frames meet faults on a cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// All.
    Both,
    /// What that machine sends.
    From(Who),
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Direction::Both => f.write_str("all frames"),
            Direction::From(who) => write!(f, "frames from the {who}"),
        }
    }
}

impl Trouble {
    /// At that time after switching on.
    pub fn at(seconds: u64, what: What) -> Trouble {
        Trouble {
            when: When::On(Duration::from_secs(seconds)),
            what,
            felt: true,
        }
    }

    /// So many seconds after the host said `text`.
    pub fn after(text: &'static str, seconds: u64, what: What) -> Trouble {
        Trouble {
            when: When::Says(text, Duration::from_secs(seconds)),
            what,
            felt: true,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            When::On(time) => write!(f, "at {time:?}: {:?}", self.what),
            When::Says(text, time) => write!(f, "{time:?} after `{text}`: {:?}", self.what),
        }
    }
}

/// Trouble that lies ahead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda(Vec<Trouble>);

impl Agenda {
    pub(crate) fn new(trouble: Vec<Trouble>) -> Agenda {
        Agenda(trouble)
    }

    /// What has not happened.
    pub(crate) fn ahead(&self) -> &[Trouble] {
        &self.0
    }

    /// The texts that are waited for.
    pub(crate) fn texts(&self) -> Vec<&'static str> {
        let texts = self.0.iter().filter_map(|trouble| match trouble.when {
            When::Says(text, _) => Some(text),
            When::On(_) => None,
        });
        texts.collect()
    }

    /// A text was said so long after the host was switched on.
    pub(crate) fn said(&mut self, text: &str, at: Duration) {
        for trouble in &mut self.0 {
            if let When::Says(awaited, after) = trouble.when
                && awaited == text
            {
                trouble.when = When::On(at + after);
            }
        }
    }

    /// When the next one is due, since the host was switched on.
    pub(crate) fn next(&self) -> Option<Duration> {
        let times = self.0.iter().filter_map(|trouble| match trouble.when {
            When::On(at) => Some(at),
            When::Says(..) => None,
        });
        times.min()
    }

    /// Takes what is due, in the order of time, and of the agenda.
    pub(crate) fn take(&mut self, now: Duration) -> Vec<Trouble> {
        let due = |trouble: &Trouble| matches!(trouble.when, When::On(at) if at <= now);
        let (mut due, ahead): (Vec<_>, Vec<_>) = self.0.drain(..).partition(due);
        self.0 = ahead;
        due.sort_by_key(|trouble| match trouble.when {
            When::On(at) => at,
            When::Says(..) => Duration::MAX,
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_due_comes_in_the_order_of_time() {
        let mut agenda = Agenda::new(vec![
            Trouble::at(9, What::Mend(0)),
            Trouble::after("up", 2, What::KillTarget),
            Trouble::at(3, What::Cut(0)),
            Trouble::at(3, What::Cut(1)),
        ]);
        assert_eq!(agenda.next(), Some(seconds(3)));
        assert_eq!(agenda.texts(), ["up"]);
        let mut take = |at| {
            let due = agenda.take(seconds(at)).into_iter();
            due.map(|trouble| trouble.what).collect::<Vec<_>>()
        };
        assert_eq!(take(2), []);
        assert_eq!(take(3), [What::Cut(0), What::Cut(1)]);
        agenda.said("up", seconds(4));
        assert_eq!(agenda.next(), Some(seconds(6)));
        let due = agenda.take(seconds(20)).into_iter();
        let due: Vec<What> = due.map(|trouble| trouble.what).collect();
        assert_eq!(due, [What::KillTarget, What::Mend(0)]);
        assert_eq!(agenda.ahead(), []);
    }
}
