//! A step of virtual time: all machines wait, some go on, all wait again.
use std::time::{Duration, Instant};

use crate::clock::{Phase, Round, Time};
use crate::error::Error;
use crate::world::World;

/// What a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something happened.
    Moved,
    /// Nothing happens before the limit; it is that time now.
    Limit,
}

/// Waits until all machines wait. `moved`: when virtual time has last moved.
pub(crate) fn settle(world: &mut World, moved: Instant) -> Result<(), Error> {
    let watchdog = world.settings.watchdog;
    loop {
        let Some(busy) = world.clock.busy().next() else {
            break;
        };
        let waited = moved.elapsed();
        if waited >= watchdog {
            return Err(world.stuck(busy, waited));
        }
        world.poll((watchdog - waited).min(Duration::from_secs(1)))?;
    }
    while world.catch_up()? {}
    world.carry();
    world.now = world.now.max(world.clock.reached());
    world.hear();
    Ok(())
}

/// Lets those machines go on that may, up to `limit`.
pub(crate) fn step(world: &mut World, limit: Time) -> Result<Step, Error> {
    let turns = match world
        .clock
        .round(limit, |m| world.machines[m].agenda.first())
    {
        Round::Quiet => {
            world.now = world.now.max(limit);
            return Ok(Step::Limit);
        }
        Round::Turns(turns) => turns,
    };
    for turn in &turns {
        if world.machines[turn.machine].agenda.first() <= turn.at {
            world.deliver(turn.machine, turn.at)?;
        }
    }
    for turn in turns {
        let line = world.clock.line(turn.machine);
        if line.phase == Phase::Waiting && line.request <= turn.at {
            let next = world.machines[turn.machine].agenda.first();
            world.run(turn.machine, turn.at, turn.bound.min(next));
        }
    }
    Ok(Step::Moved)
}
