//! A step of real time: what is due, then what the machines say until something else is due.
use std::time::Duration;

use crate::clock::Time;
use crate::error::Error;
use crate::world::{World, nanos};

/// Conditions are looked at so often even if no machine says anything.
const LONGEST: Duration = Duration::from_millis(100);

/// Does what is due.
pub(crate) fn settle(world: &mut World) -> Result<(), Error> {
    world.now = nanos(world.began.elapsed());
    let now = world.now;
    world.catch_up()?;
    world.carry();
    for m in 0..world.machines.len() {
        while world.machines[m].agenda.first() <= now {
            world.deliver(m, now)?;
        }
    }
    world.hear();
    Ok(())
}

/// Waits for the machines, until `limit` at most.
pub(crate) fn step(world: &mut World, limit: Time) -> Result<(), Error> {
    let next = limit.min(world.first_due());
    let timeout = Duration::from_nanos(next.saturating_sub(nanos(world.began.elapsed())));
    world.poll(timeout.min(LONGEST))
}
