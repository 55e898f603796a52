use proptest::prelude::*;

use super::*;
use crate::agenda::Agenda;
use crate::entropy::Random;

const LATENCY: Time = 50_000;

fn waiting(clock: &mut Clock, machine: usize, at: Time) {
    clock.request(machine, at);
    clock.wait(machine);
}

/// Machines that were switched on at 0 and want to go on at these times.
fn clock(requests: &[Time]) -> Clock {
    let mut clock = Clock::new(LATENCY);
    for (machine, request) in requests.iter().enumerate() {
        clock.add();
        clock.power_on(machine, 0);
        waiting(&mut clock, machine, *request);
    }
    clock
}

fn turn(machine: usize, at: Time, bound: Time) -> Turn {
    Turn { machine, at, bound }
}

#[test]
fn a_machine_alone_comes_back_after_a_slice() {
    let clock = clock(&[5_000]);
    assert_eq!(
        clock.round(NEVER, |_| NEVER),
        Round::Turns(vec![turn(0, 5_000, 5_000 + SLICE)])
    );
}

#[test]
fn no_machine_says_that_it_is_further_than_it_may() {
    let mut clock = clock(&[10_000, 30_000]);
    clock.run(0, 10_000, 80_000);
    clock.update(0, 20_000);
    assert_eq!(clock.line(0).time, 20_000);
    clock.update(0, Time::MAX);
    assert_eq!((clock.line(0).time, clock.reached()), (80_000, 80_000));
}

#[test]
fn one_may_run_ahead_of_the_other_by_the_latency() {
    let clock = clock(&[10_000, 30_000]);
    let expected = vec![turn(0, 10_000, 80_000), turn(1, 30_000, 60_000)];
    assert_eq!(clock.round(NEVER, |_| NEVER), Round::Turns(expected));
}

#[test]
fn one_that_is_too_far_waits() {
    let clock = clock(&[10_000, 60_000]);
    assert_eq!(
        clock.round(NEVER, |_| NEVER),
        Round::Turns(vec![turn(0, 10_000, 110_000)])
    );
}

#[test]
fn an_event_wakes_a_machine_before_it_asked_to() {
    let clock = clock(&[NEVER, NEVER]);
    let event = |machine| if machine == 1 { 7_000 } else { NEVER };
    assert_eq!(
        clock.round(NEVER, event),
        Round::Turns(vec![turn(1, 7_000, 7_000 + SLICE)])
    );
}

#[test]
fn nothing_is_done_at_the_limit_or_later() {
    let clock = clock(&[10_000, 30_000]);
    assert_eq!(
        clock.round(20_000, |_| NEVER),
        Round::Turns(vec![turn(0, 10_000, 20_000)])
    );
    assert_eq!(clock.round(10_000, |_| NEVER), Round::Quiet);
}

#[test]
fn one_that_is_off_hinders_nobody() {
    let mut clock = clock(&[10_000, 30_000]);
    clock.power_off(0);
    assert_eq!(
        clock.round(NEVER, |_| NEVER),
        Round::Turns(vec![turn(1, 30_000, 30_000 + SLICE)])
    );
}

#[test]
fn who_has_sent_stops_before_an_answer() {
    let mut clock = clock(&[10_000]);
    clock.run(0, 10_000, 1_010_000);
    clock.update(0, 20_000);
    assert_eq!(clock.shorten(0, false, NEVER), None);
    assert_eq!(clock.shorten(0, true, NEVER), Some(70_000));
    assert_eq!(clock.shorten(0, true, NEVER), None);
    assert_eq!(clock.shorten(0, false, 40_000), Some(40_000));
    waiting(&mut clock, 0, 90_000);
    assert_eq!(clock.earliest(0, 1), 40_000);
    assert_eq!(clock.earliest(0, 50_000), 50_000);
}

/// Machines that do something at random times, and sometimes send to the next one. `order`: who of those that
/// may go on computes faster. What happened: when, to whom, what.
fn simulate(machines: usize, seed: u64, mut order: Random) -> Vec<(Time, usize, &'static str)> {
    let mut clock = clock(&vec![0; machines]);
    let mut agendas: Vec<Agenda<()>> = (0..machines).map(|_| Agenda::default()).collect();
    let mut scripts: Vec<Random> = (0..machines as u64)
        .map(|n| Random::new(seed ^ n << 32))
        .collect();
    let mut local = vec![0; machines];
    let mut happened = Vec::new();
    while happened.len() < 500 {
        let Round::Turns(mut turns) = clock.round(NEVER, |m| agendas[m].first()) else {
            panic!("nothing happens")
        };
        for turn in &turns {
            let delivered = std::iter::from_fn(|| agendas[turn.machine].take(turn.at)).count();
            if delivered > 0 {
                // An interrupt: the machine wants to see to it at once.
                clock.request(turn.machine, turn.at);
                happened.push((turn.at, turn.machine, "heard"));
            }
        }
        if order.next().is_multiple_of(2) {
            turns.reverse();
        }
        let mut outbox = Vec::new();
        let mut done = Vec::new();
        for Turn {
            machine: m,
            at,
            bound,
        } in turns
        {
            if clock.line(m).request > at {
                continue;
            }
            assert!(
                at >= local[m],
                "machine {m} goes back from {} to {at}",
                local[m]
            );
            clock.run(m, at, bound.min(agendas[m].first()));
            let mut now = at;
            loop {
                let random = scripts[m].next();
                if random.is_multiple_of(3) {
                    clock.update(m, now);
                    outbox.push((now, m));
                    clock.shorten(m, true, agendas[m].first());
                }
                done.push((now, m, "did"));
                let next = now + 1 + (random >> 8) % (LATENCY * 2);
                if next >= clock.line(m).free {
                    clock.request(m, next);
                    clock.wait(m);
                    break;
                }
                now = next;
            }
            local[m] = now;
        }
        done.sort_unstable();
        happened.extend(done);
        outbox.sort_unstable();
        for (at, from) in outbox {
            let to = (from + 1) % machines;
            let at = at + LATENCY;
            assert!(at > local[to], "a frame reaches machine {to} in its past");
            assert_eq!(clock.earliest(to, at), at, "a frame comes late");
            agendas[to].add(at, ());
        }
    }
    happened
}

proptest! {
    #[test]
    fn nothing_depends_on_who_computes_faster(machines in 2usize..5, seed: u64, order: u64) {
        let one = simulate(machines, seed, Random::new(order));
        let other = simulate(machines, seed, Random::new(!order));
        prop_assert_eq!(one, other);
    }
}
