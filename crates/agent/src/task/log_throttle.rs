//! Which failures are logged, and when.
//!
//! Cards, carriers, leases and routes take their time on every boot, and a line
//! about each would make every healthy boot look sick. A boot that is stuck is
//! to say why all the same, and one that is stuck in a thousand places is to say
//! so readably.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nvmeroot_record::FailureKind;

use super::failure_scope::FailureScope;

/// Grace period before conditions are logged that are normal during boot.
const QUIET: Duration = Duration::from_secs(10);

/// After this time a failure that is still there is logged again.
const REMINDER: Duration = Duration::from_secs(60);

/// Failures of one kind that are logged within [`REMINDER`]. A broken discovery
/// log may lead to hundreds of portals.
const MOST_OF_A_KIND: usize = 16;

/// Since when something is blocked, and what was logged of it.
#[derive(Debug, Default)]
pub(super) struct LogThrottle {
    blocked: BTreeMap<FailureScope, Blocked>,
    /// When failures of each kind were logged last, at most
    /// [`MOST_OF_A_KIND`].
    recent: BTreeMap<FailureKind, Vec<Instant>>,
}

#[derive(Debug)]
struct Blocked {
    since: Instant,
    logged: BTreeMap<FailureKind, Instant>,
}

impl LogThrottle {
    /// A failure of this kind blocks `scope`; returns whether to log it now.
    pub(super) fn should_log(
        &mut self,
        scope: &FailureScope,
        kind: FailureKind,
        now: Instant,
    ) -> bool {
        let blocked = self
            .blocked
            .entry(scope.clone())
            .or_insert_with(|| Blocked {
                since: now,
                logged: BTreeMap::new(),
            });
        if is_normal(kind) && now < blocked.since + QUIET {
            return false;
        }
        let last = blocked.logged.get(&kind);
        if last.is_some_and(|logged| now < *logged + REMINDER) {
            return false;
        }
        blocked.logged.insert(kind, now);
        let recent = self.recent.entry(kind).or_default();
        recent.retain(|logged| now < *logged + REMINDER);
        let few = recent.len() < MOST_OF_A_KIND;
        if few {
            recent.push(now);
        }
        few
    }

    /// When to ask again if nothing changes.
    pub(super) fn next(&self, scope: &FailureScope, kind: FailureKind, now: Instant) -> Instant {
        let Some(blocked) = self.blocked.get(scope) else {
            return now + QUIET;
        };
        match blocked.logged.get(&kind) {
            Some(logged) => *logged + REMINDER,
            None => blocked.since + QUIET,
        }
    }

    /// Nothing blocks `scope` any more.
    pub(super) fn forget(&mut self, scope: &FailureScope) {
        self.blocked.remove(scope);
    }
}

/// On most boots this ends by itself.
fn is_normal(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::NoCard
            | FailureKind::NoCarrier
            | FailureKind::NoLease
            | FailureKind::Network
            | FailureKind::NoRoute
            | FailureKind::Timeout
            | FailureKind::Kernel
            | FailureKind::NoNamespace
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(number: usize) -> FailureScope {
        let name = format!("eth{number}");
        FailureScope::Interface(name.parse().expect("a name"))
    }

    #[test]
    fn a_healthy_boot_is_quiet_and_a_stuck_one_is_logged_seldom() {
        let scope = interface(0);
        let mut throttle = LogThrottle::default();
        let start = Instant::now();
        let mut logged_at = |kind, seconds: &[u64]| -> Vec<u64> {
            let at = |s: u64| start + Duration::from_secs(s);
            let mut seconds = seconds.to_vec();
            seconds.retain(|s| throttle.should_log(&scope, kind, at(*s)));
            seconds
        };
        let all: Vec<u64> = (0..180).collect();
        assert_eq!(logged_at(FailureKind::NoCarrier, &all), [10, 70, 130]);
        // Another kind of the same scope is news, though not every time.
        assert_eq!(
            logged_at(FailureKind::NoRoute, &[180, 181, 239, 240]),
            [180, 240]
        );
        // What no waiting mends is logged at once.
        assert_eq!(logged_at(FailureKind::WrongNqn, &[240, 241]), [240]);
        throttle.forget(&scope);
        let later = start + Duration::from_secs(300);
        assert!(!throttle.should_log(&scope, FailureKind::NoCarrier, later));
        assert_eq!(
            throttle.next(&scope, FailureKind::NoCarrier, later),
            later + QUIET
        );
    }

    #[test]
    fn of_hundreds_with_the_same_failure_a_few_are_logged() {
        let mut throttle = LogThrottle::default();
        let start = Instant::now();
        let mut count = |kind, at: Instant| {
            (0..500)
                .filter(|number| throttle.should_log(&interface(*number), kind, at))
                .count()
        };
        assert_eq!(count(FailureKind::Refused, start), MOST_OF_A_KIND);
        assert_eq!(count(FailureKind::WrongNqn, start), MOST_OF_A_KIND);
        assert_eq!(
            count(FailureKind::Refused, start + REMINDER),
            MOST_OF_A_KIND
        );
    }
}
