//! The clock of machines that run in virtual time.
//!
//! Conservative simulation: a frame takes a latency from card to card, so a machine may run ahead of the
//! others by that much. It goes in rounds: when all machines wait, those whose next event comes soon enough
//! are let go, each up to the time at which something could reach it; what they send meanwhile is kept until all
//! wait again. So nothing depends on which of them computes faster.
pub(crate) mod link;

/// Nanoseconds of the simulation.
pub(crate) type Time = u64;

/// Later than everything.
pub(crate) const NEVER: Time = u64::MAX >> 2;
/// A machine that nobody else limits comes back after this, so that conditions are looked at.
const SLICE: Time = 1_000_000;

/// What a machine does, as far as the clock knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    #[default]
    Off,
    /// It computes; also while it starts and ends.
    Running,
    /// It wants to be woken at [`Timeline::request`] or by an event.
    Waiting,
}

/// One machine's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Timeline {
    pub(crate) phase: Phase,
    /// As far as known: it has done nothing later than what this or `free` says.
    pub(crate) time: Time,
    /// It has done nothing at this time or later.
    pub(crate) free: Time,
    /// When it wants to go on.
    pub(crate) request: Time,
}

/// A machine's turn in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) machine: usize,
    /// When it goes on.
    pub(crate) at: Time,
    /// Before this nothing can reach it from others.
    pub(crate) bound: Time,
}

/// What comes next when all machines wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Round {
    /// Nothing happens before the limit.
    Quiet,
    /// These go on.
    Turns(Vec<Turn>),
}

/// All machines' times.
#[derive(Debug)]
pub(crate) struct Clock {
    lines: Vec<Timeline>,
    latency: Time,
}

impl Clock {
    /// `latency`: from card to card, at least 1.
    pub(crate) fn new(latency: Time) -> Self {
        Self {
            lines: Vec::new(),
            latency: latency.max(1),
        }
    }

    /// One machine more, which is off.
    pub(crate) fn add(&mut self) {
        self.lines.push(Timeline::default());
    }

    pub(crate) fn line(&self, machine: usize) -> &Timeline {
        &self.lines[machine]
    }

    pub(crate) fn power_on(&mut self, machine: usize, now: Time) {
        self.lines[machine] = Timeline {
            phase: Phase::Running,
            time: now,
            free: now,
            request: NEVER,
        };
    }

    pub(crate) fn power_off(&mut self, machine: usize) {
        self.lines[machine].phase = Phase::Off;
    }

    /// The machine wants to go on at this time.
    pub(crate) fn request(&mut self, machine: usize, at: Time) {
        self.lines[machine].request = at.min(NEVER);
    }

    pub(crate) fn wait(&mut self, machine: usize) {
        let line = &mut self.lines[machine];
        if line.phase == Phase::Running {
            line.phase = Phase::Waiting;
        }
    }

    /// The machine says how far it is. Not beyond `free`: others rely on that.
    pub(crate) fn update(&mut self, machine: usize, time: Time) {
        let line = &mut self.lines[machine];
        line.time = line.time.max(time.min(line.free));
    }

    /// The machine goes on at `at` and need not ask before `free`.
    pub(crate) fn run(&mut self, machine: usize, at: Time, free: Time) {
        self.lines[machine] = Timeline {
            phase: Phase::Running,
            time: at,
            free,
            request: NEVER,
        };
    }

    /// A running machine has sent something, or has something coming at `event`: until when it may go on now, if
    /// that has become earlier.
    pub(crate) fn shorten(&mut self, machine: usize, sent: bool, event: Time) -> Option<Time> {
        let line = &mut self.lines[machine];
        let answer = if sent {
            line.time + self.latency
        } else {
            NEVER
        };
        let free = answer.min(event);
        (line.phase == Phase::Running && free < line.free).then(|| {
            line.free = free;
            free
        })
    }

    /// The first time at which something may happen to this machine that it has not already passed.
    pub(crate) fn earliest(&self, machine: usize, at: Time) -> Time {
        let line = &self.lines[machine];
        if line.phase == Phase::Off {
            at
        } else {
            at.max(line.free)
        }
    }

    /// Machines that compute.
    pub(crate) fn busy(&self) -> impl Iterator<Item = usize> + '_ {
        self.lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.phase == Phase::Running)
            .map(|(n, _)| n)
    }

    /// The latest that any machine is known to have reached.
    pub(crate) fn reached(&self) -> Time {
        self.lines
            .iter()
            .filter(|line| line.phase != Phase::Off)
            .map(|line| line.time)
            .max()
            .unwrap_or(0)
    }

    /// What comes next, when all machines wait. `event`: the time of a machine's first event. Nothing is done at
    /// `limit` or later.
    pub(crate) fn round(&self, limit: Time, event: impl Fn(usize) -> Time) -> Round {
        let next: Vec<(usize, Time)> = (0..self.lines.len())
            .filter(|n| self.lines[*n].phase == Phase::Waiting)
            .map(|n| (n, self.lines[n].request.min(event(n))))
            .collect();
        let turns: Vec<Turn> = next
            .iter()
            .filter_map(|(machine, at)| {
                let others = next
                    .iter()
                    .filter(|(other, _)| other != machine)
                    .map(|(_, next)| *next)
                    .min();
                let bound = others
                    .unwrap_or(NEVER)
                    .saturating_add(self.latency)
                    .min(at.saturating_add(SLICE))
                    .min(limit);
                (*at < bound).then_some(Turn {
                    machine: *machine,
                    at: *at,
                    bound,
                })
            })
            .collect();
        if turns.is_empty() {
            Round::Quiet
        } else {
            Round::Turns(turns)
        }
    }
}

#[cfg(test)]
mod tests;
