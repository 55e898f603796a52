//! Which troubles began and ended, and what was counted meanwhile.

use std::time::Duration;

use machinesim::wire::Counts;

use crate::effect::Effect;
use crate::machine::{Who, World};
use crate::trouble::{Direction, What};

/// Troubles, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Effects(Vec<Noted>);

#[derive(Debug)]
struct Noted {
    what: What,
    felt: bool,
    from: Duration,
    /// Up to `from`.
    before: Option<Counts>,
    over: Option<(Duration, Option<Counts>)>,
}

impl Effects {
    /// `what` is about to happen.
    pub(super) fn begin(&mut self, what: What, felt: bool, world: &dyn World, cables: usize) {
        self.0.push(Noted {
            before: counted(&what, world, cables),
            from: world.now(),
            over: None,
            what,
            felt,
        });
    }

    /// What `end` ends is about to be over.
    pub(super) fn end(&mut self, end: &What, world: &dyn World, cables: usize) {
        let mut ended = self
            .0
            .iter_mut()
            .filter(|one| one.over.is_none() && ends(end, &one.what));
        let close = |one: &mut Noted| {
            one.over = Some((world.now(), counted(&one.what, world, cables)));
        };
        match end {
            // One of several that are alike.
            What::Over(..) => ended.next().iter_mut().for_each(|one| close(one)),
            _ => ended.for_each(close),
        }
    }

    /// All of them, what lasts counted up to now; `seconds` makes a time one since the host
    /// was switched on.
    pub(super) fn all(
        &self,
        world: &dyn World,
        cables: usize,
        seconds: impl Fn(Duration) -> Option<f64>,
    ) -> Vec<Effect> {
        let noted = self.0.iter().enumerate();
        let effects = noted.filter_map(|(number, one)| {
            let (to, after) = match one.over {
                Some((to, after)) => (Some(to), after),
                None => (None, counted(&one.what, world, cables)),
            };
            let others = self
                .0
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != number);
            Some(Effect {
                what: one.what.clone(),
                felt: one.felt,
                from: seconds(one.from)?,
                to: to.and_then(&seconds),
                alone: !others.into_iter().any(|(_, other)| one.meets(other)),
                met: after
                    .zip(one.before)
                    .map(|(after, before)| after.since(before)),
            })
        });
        effects.collect()
    }
}

impl Noted {
    /// Both were at the same time and in the same place.
    fn meets(&self, other: &Noted) -> bool {
        let begins_in = |one: &Noted, other: &Noted| {
            one.from >= other.from && other.over.is_none_or(|(to, _)| one.from <= to)
        };
        let apart =
            matches!((&self.what, &other.what), (What::Cut(one), What::Cut(other)) if one != other);
        !apart && (begins_in(self, other) || begins_in(other, self))
    }
}

fn ends(end: &What, what: &What) -> bool {
    match (end, what) {
        (What::StartTarget, What::KillTarget) => true,
        (What::Mend(card), What::Cut(cut)) => card == cut,
        (What::Over(there, over), What::Wire(here, faults)) => there == here && over == faults,
        _ => false,
    }
}

/// What was counted up to now of the frames that `what` concerns.
fn counted(what: &What, world: &dyn World, cables: usize) -> Option<Counts> {
    let all = 0..cables;
    let both = [Who::Host, Who::Target];
    let (cables, senders): (_, &[Who]) = match what {
        What::Cut(card) => (*card..card + 1, &both),
        What::Wire(Direction::From(Who::Host), _) => (all.clone(), &both[..1]),
        What::Wire(Direction::From(Who::Target), _) => (all.clone(), &both[1..]),
        // It sends nothing; what it misses comes from the host.
        What::KillTarget => (all.clone(), &both[..1]),
        _ => (all.clone(), &both),
    };
    let mut sum = Counts::default();
    for cable in cables {
        for who in senders {
            sum += world.frames(cable, *who)?;
        }
    }
    if *what == What::KillTarget {
        sum.missed = 0;
        for cable in all {
            sum.missed += world.frames(cable, Who::Target)?.missed;
        }
    }
    Some(sum)
}
