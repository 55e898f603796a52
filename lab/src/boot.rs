//! One boot with its phases told as they come: for a demonstration, for a
//! measurement.

use std::time::Instant;

use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::machine::Way;
use crate::marks::Marks;
use crate::scenario::{Outcome, Scenario};
use crate::session::{SHELLS, Session};

/// A phase of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The images are there.
    Images,
    /// The target serves the drive.
    TargetReady,
    /// The host's kernel runs.
    Kernel,
    /// The initramfs begins its init-premount scripts.
    Premount,
    /// The network is up.
    Network,
    /// The drive is connected.
    Namespace,
    /// Root is mounted.
    Root,
    /// The running system has taken over.
    Systemd,
    /// The host is up.
    Marker,
    /// The host has reported and is off again.
    PowerOff,
}

/// How a boot went.
#[derive(Debug, Clone)]
pub struct Boot {
    /// From the first step to the images being there, in seconds.
    pub images: f64,
    /// From switching the target on to its serving, in seconds.
    pub target_ready: f64,
    /// Everything else, to be judged by [`Scenario::judge`].
    pub outcome: Outcome,
}

/// Boots the host of `scenario` from its target; `progress` is told each phase
/// when it is reached, with the seconds since the phase's machine was switched
/// on (for [`Phase::Images`]: since the call).
///
/// # Errors
/// As [`Session::prepare`], [`Session::start_target`] and [`Session::finish`].
pub fn boot(
    lab: &Lab,
    scenario: &Scenario,
    way: Way,
    progress: &dyn Fn(Phase, f64),
) -> Result<Boot> {
    let began = Instant::now();
    let mut session = scenario.prepare(lab, way)?;
    let images = began.elapsed().as_secs_f64();
    progress(Phase::Images, images);
    let began = session.now();
    session.start_target()?;
    let target_ready = session.now().saturating_sub(began).as_secs_f64();
    progress(Phase::TargetReady, target_ready);
    session.start_host()?;
    watch(&mut session, scenario, progress)?;
    let (report, power_off) = session.finish(&scenario.end)?;
    if let Some(seconds) = power_off {
        progress(Phase::PowerOff, seconds);
    }
    Ok(Boot {
        images,
        target_ready,
        outcome: session.outcome(report, power_off),
    })
}

fn watch(session: &mut Session, scenario: &Scenario, progress: &dyn Fn(Phase, f64)) -> Result<()> {
    let within = scenario.end.within();
    let until = session.now() + within;
    let mut told = Vec::new();
    loop {
        let lines = session.host_console();
        let marks = Marks::of(&lines);
        for (phase, at) in phases(&marks) {
            if let Some(at) = at
                && !told.contains(&phase)
            {
                told.push(phase);
                progress(phase, at);
            }
        }
        // Its end comes before the bound where the boot fails.
        let has_shell = |text: &str| SHELLS.iter().any(|shell| text.contains(shell));
        let gave_up = || lines.iter().any(|line| has_shell(&line.text));
        let left = until.saturating_sub(session.now());
        if marks.marker.is_some() || gave_up() || left.is_zero() {
            return Ok(());
        }
        match session.host_says_more(left) {
            Ok(()) | Err(Error::Timeout { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

fn phases(marks: &Marks) -> [(Phase, Option<f64>); 7] {
    [
        (Phase::Kernel, marks.kernel),
        (Phase::Premount, marks.premount),
        (Phase::Network, marks.network),
        // Until root is mounted another path may still come.
        (Phase::Namespace, marks.root.and(marks.namespace)),
        (Phase::Root, marks.root),
        (Phase::Systemd, marks.systemd),
        (Phase::Marker, marks.marker),
    ]
}
