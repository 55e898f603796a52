//! Which portals are gone to first.
//!
//! The kernel makes one controller at a time, and a machine that boots has
//! better things to do with its processors than thirty connections to the
//! subsystem that it has already. So of several controllers that meet one
//! requirement, the first whose route works goes ahead; the others follow when it
//! fails, when it is slow, and all at once when root is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// After this time without success a second controller joins the first, then two
/// more, then four: thirty dead portals cost little more than one.
const STAGGER: Duration = Duration::from_millis(250);

/// A portal that answers has the kernel's attention, which others can't share:
/// only when that takes longer is it joined.
const WORK: Duration = Duration::from_secs(3);

/// How long the namespaces that a controller shows are given to turn out to be
/// what root needs.
const SETTLE: Duration = Duration::from_millis(500);

/// How far a controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing is wrong with it so far.
    Going,
    /// It is there; whether it is what root needs shows until then.
    There(Instant),
}

/// The controllers that were let go.
#[derive(Debug)]
struct Wave {
    /// Since when nothing has come of it; in the future while something may.
    since: Instant,
    going: BTreeMap<usize, Progress>,
}

impl Wave {
    fn busy(&self, now: Instant) -> usize {
        self.going
            .values()
            .filter(|p| match p {
                Progress::Going => true,
                Progress::There(until) => now < *until,
            })
            .count()
    }
}

/// The order of the plan's controllers.
#[derive(Debug, Default)]
pub(super) struct ConnectScheduler {
    /// Of each controller that something essential needs: which need.
    needs: BTreeMap<usize, usize>,
    /// By need; those that nothing essential is known to need come last.
    waves: BTreeMap<Option<usize>, Wave>,
    /// Those that were let go once are not held back again.
    gone: BTreeSet<usize>,
    all_may_go: bool,
}

impl ConnectScheduler {
    /// `needs` says of each controller that something essential needs which
    /// requirement it may meet, by number.
    pub(super) fn new(needs: BTreeMap<usize, usize>) -> Self {
        Self {
            needs,
            ..Self::default()
        }
    }

    /// Whether this controller may go to its portal now.
    ///
    /// # Errors
    /// When to ask again, unless something changes before.
    pub(super) fn may_go(&mut self, controller: usize, now: Instant) -> Result<(), Instant> {
        let need = self.needs.get(&controller).copied();
        let same = |key: &Option<usize>| need.is_none() || *key == need;
        let before = self.waves.iter().filter(|(key, _)| same(key));
        let busy: usize = before.clone().map(|(_, wave)| wave.busy(now)).sum();
        let since = before.map(|(_, wave)| wave.since).min().unwrap_or(now);
        let steps = now.saturating_duration_since(since).as_millis() / STAGGER.as_millis();
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let room = 1_usize.checked_shl(steps).unwrap_or(usize::MAX);
        if busy >= room && !self.all_may_go && !self.gone.contains(&controller) {
            return Err(since + STAGGER * (steps + 1));
        }
        self.gone.insert(controller);
        let wave = self.waves.entry(need).or_insert_with(|| Wave {
            since: now,
            going: BTreeMap::new(),
        });
        wave.going.insert(controller, Progress::Going);
        Ok(())
    }

    /// Its portal answers, and the kernel is at work on it.
    pub(super) fn is_at_work(&mut self, controller: usize, now: Instant) {
        for wave in self.waves.values_mut() {
            if wave.going.contains_key(&controller) {
                wave.since = now + WORK;
            }
        }
    }

    /// It failed for now: it holds no other back any more.
    pub(super) fn stumbled(&mut self, controller: usize, now: Instant) {
        for wave in self.waves.values_mut() {
            if wave.going.remove(&controller).is_some() {
                wave.since = wave.since.min(now);
            }
        }
    }

    /// It has shown its namespaces.
    pub(super) fn is_there(&mut self, controller: usize, now: Instant) {
        for wave in self.waves.values_mut() {
            if let Some(progress) = wave.going.get_mut(&controller) {
                *progress = Progress::There(now + SETTLE);
            }
        }
    }

    /// Root is there: the others may come.
    pub(super) fn release_all(&mut self) {
        self.all_may_go = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Controllers 0 to 3 lead to the same thing, 4 to another, the rest to
    /// nothing essential.
    fn order() -> ConnectScheduler {
        ConnectScheduler {
            needs: [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1)].into(),
            ..ConnectScheduler::default()
        }
    }

    fn going(
        order: &mut ConnectScheduler,
        controllers: std::ops::Range<usize>,
        now: Instant,
    ) -> Vec<usize> {
        controllers
            .filter(|c| order.may_go(*c, now).is_ok())
            .collect()
    }

    #[test]
    fn the_first_way_to_each_need_goes_at_once_and_alone() {
        let (mut order, now) = (order(), Instant::now());
        assert_eq!(going(&mut order, 0..40, now), [0, 4]);
        assert_eq!(order.may_go(1, now), Err(now + STAGGER));
        order.is_there(0, now);
        assert_eq!(going(&mut order, 1..4, now), Vec::<usize>::new());
        order.release_all();
        assert_eq!(going(&mut order, 1..40, now).len(), 39);
    }

    #[test]
    fn who_stumbles_keeps_nobody_back() {
        let (mut order, now) = (order(), Instant::now());
        assert_eq!(going(&mut order, 0..4, now), [0]);
        order.stumbled(0, now);
        assert_eq!(going(&mut order, 1..4, now), [1]);
        assert_eq!(order.may_go(0, now), Ok(()), "it was let go before");
    }

    #[test]
    fn who_is_at_work_is_not_joined_for_being_slow() {
        let (mut order, now) = (order(), Instant::now());
        assert_eq!(going(&mut order, 0..4, now), [0]);
        order.is_at_work(0, now);
        assert_eq!(
            going(&mut order, 1..4, now + STAGGER * 4),
            Vec::<usize>::new()
        );
        assert_eq!(order.may_go(1, now), Err(now + WORK + STAGGER));
        assert_eq!(going(&mut order, 1..4, now + WORK + STAGGER), [1]);
        order.stumbled(0, now + WORK + STAGGER);
        assert_eq!(order.may_go(2, now + WORK + STAGGER), Ok(()));
    }

    #[test]
    fn thirty_silent_portals_cost_little_more_than_one() {
        let mut order = ConnectScheduler {
            needs: (0..32).map(|c| (c, 0)).collect(),
            ..ConnectScheduler::default()
        };
        let start = Instant::now();
        let mut gone = 0;
        let counts: Vec<usize> = (0..=5)
            .map(|step| {
                gone += going(&mut order, gone..32, start + STAGGER * step).len();
                gone
            })
            .collect();
        assert_eq!(counts, [1, 2, 4, 8, 16, 32]);
    }

    #[test]
    fn who_is_kept_back_asks_again_when_there_is_room() {
        let (mut order, start) = (order(), Instant::now());
        assert_eq!(going(&mut order, 0..4, start), [0]);
        let (soon, then) = (start + STAGGER / 2, start + STAGGER);
        assert_eq!(order.may_go(1, soon), Err(then));
        assert_eq!(order.may_go(1, then), Ok(()));
        assert_eq!(order.may_go(2, then), Err(start + STAGGER * 2));
    }

    #[test]
    fn ways_that_nothing_is_known_to_need_go_when_nobody_else_does() {
        let (mut order, now) = (order(), Instant::now());
        assert_eq!(going(&mut order, 5..8, now), [5]);
        // A need is not kept back by them.
        assert_eq!(going(&mut order, 0..5, now), [0, 4]);
    }

    #[test]
    fn what_is_there_and_not_enough_makes_room() {
        let (mut order, now) = (order(), Instant::now());
        assert_eq!(going(&mut order, 0..1, now), [0]);
        order.is_there(0, now);
        assert_eq!(going(&mut order, 1..4, now + SETTLE), [1, 2, 3]);
    }

    #[test]
    fn what_is_there_is_given_its_time_and_no_more() {
        let (mut order, now) = (order(), Instant::now());
        assert_eq!(going(&mut order, 0..1, now), [0]);
        order.is_at_work(0, now);
        order.is_there(0, now);
        let before = now + SETTLE - Duration::from_millis(1);
        assert_eq!(order.may_go(1, before), Err(now + WORK + STAGGER));
        assert_eq!(going(&mut order, 1..4, now + SETTLE), [1]);
    }
}
