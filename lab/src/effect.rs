//! What came of a trouble: what the cables counted while it lasted. A fault that touches
//! nothing would let a run pass because nothing went wrong.

use std::fmt;

use machinesim::wire::{Counts, Faults, Share, Which};

use crate::trouble::What;

/// A trouble from its beginning to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What began.
    pub what: What,
    /// It must have touched something, however short it was.
    pub felt: bool,
    /// When it began, in seconds since the host was switched on.
    pub from: f64,
    /// When it was over; `None` where it lasted.
    pub to: Option<f64>,
    /// Nothing else was wrong meanwhile.
    pub alone: bool,
    /// What was counted meanwhile of the frames that it concerns; `None` where cables
    /// count nothing.
    pub met: Option<Counts>,
}

/// So many frames are traffic enough for a trouble that no frame escapes. What a machine
/// sends at the very beginning or end may escape it.
const TRAFFIC: f64 = 10.0;
/// So many frames must be expected to meet a trouble that takes some: that none does is
/// then less likely than 1 in 10^13.
const CHANCE: f64 = 30.0;
/// By then a machine has its cards, in seconds.
const PROBED: f64 = 10.0;

impl Effect {
    /// What did not happen and should have.
    pub fn lacks(&self) -> Vec<String> {
        let Some(met) = self.met else {
            return Vec::new();
        };
        let lasted = self.to.map_or(f64::INFINITY, |to| to - self.from);
        let traffic = met.sent.saturating_sub(met.cut) as f64;
        let sure = |expected: f64, enough: f64| self.felt || (self.alone && expected >= enough);
        match &self.what {
            What::KillTarget if met.missed == 0 && sure(traffic, TRAFFIC) => {
                vec!["the target missed no frame".to_owned()]
            }
            What::Cut(_) if met.cut + met.dark == 0 && sure(lasted, PROBED) => {
                vec!["no frame was lost, and the host did not see it".to_owned()]
            }
            What::Wire(_, faults) => {
                let lacking =
                    |kind: &&Kind| kind.met < kind.least && sure(kind.share * traffic, kind.enough);
                let kinds = kinds(faults, met);
                kinds.iter().filter(lacking).map(Kind::lack).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Nothing reaches the host meanwhile, or nothing comes from it. (Several cables are
    /// several troubles.)
    pub fn is_total(&self) -> bool {
        match &self.what {
            What::KillTarget => true,
            What::Wire(_, faults) => faults.loss == Share::ALL,
            _ => false,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {:.1} s ", self.from)?;
        match self.to {
            Some(to) => write!(f, "to {to:.1} s: ")?,
            None => f.write_str("on: ")?,
        }
        match &self.what {
            What::KillTarget => f.write_str("the target has no power"),
            What::Cut(card) => write!(f, "the cable of card {card} is out"),
            What::Wire(direction, faults) => {
                let kinds = kinds(faults, Counts::default());
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
                write!(f, "{direction}: {}", kinds.join(", "))
            }
            what => write!(f, "{what:?}"),
        }?;
        let Some(met) = self.met else {
            return Ok(());
        };
        let counts = [
            ("sent", met.sent),
            ("lost", met.lost),
            ("filtered", met.filtered),
            ("too big", met.too_big),
            ("damaged", met.corrupted),
            ("held up", met.slowed),
            ("late", met.delayed),
            ("overtaken", met.held_back),
            ("duplicated", met.duplicated),
            ("reset", met.reset),
            ("cut off", met.cut),
            ("missed", met.missed),
        ];
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        write!(f, " ({})", counts.join(", "))
    }
}

/// One thing that is wrong on a wire.
struct Kind {
    met: u64,
    /// So many must have met it.
    least: u64,
    /// The part of all frames that meets it; 0 where that depends on what they are.
    share: f64,
    enough: f64,
    name: &'static str,
}

impl Kind {
    fn lack(&self) -> String {
        match self.least {
            1 => format!("no frame was {}", self.name),
            least => format!("{} frames were {}, not {least}", self.met, self.name),
        }
    }
}

/// What is wrong, and how many frames met it.
fn kinds(faults: &Faults, met: Counts) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut kind = |wrong: bool, met, least, share, name| {
        let enough = if share < 1.0 { CHANCE } else { TRAFFIC };
        if wrong {
            kinds.push(Kind {
                met,
                least,
                share,
                enough,
                name,
            });
        }
    };
    let dropped = faults.filters.iter().map(|filter| match filter.which {
        Which::First(count) => count,
        _ => 1,
    });
    // What one filter drops no other does.
    let dropped = dropped.sum();
    kind(dropped > 0, met.filtered, dropped, 0.0, "filtered");
    kind(faults.mtu.is_some(), met.too_big, 1, 0.0, "too big");
    kind(faults.reset.is_some(), met.reset, 1, 0.0, "reset");
    let mut share = |share: Share, met, name| {
        kind(share > Share::NONE, met, 1, share.part(), name);
    };
    share(faults.loss, met.lost, "lost");
    share(faults.corrupt, met.corrupted, "damaged");
    let overtaken = faults.reorder.map_or(Share::NONE, |reorder| reorder.share);
    share(overtaken, met.held_back, "overtaken");
    share(faults.duplicate, met.duplicated, "duplicated");
    let late = !(faults.delay + faults.jitter).is_zero();
    kind(late, met.delayed, 1, 1.0, "late");
    kind(faults.bandwidth.is_some(), met.slowed, 1, 1.0, "held up");
    kinds
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use machinesim::wire::{Filter, Kind as Frame};

    use super::*;
    use crate::trouble::Direction;

    fn effect(what: What, felt: bool, met: Counts) -> Effect {
        Effect {
            what,
            felt,
            from: 10.0,
            to: Some(40.0),
            alone: true,
            met: Some(met),
        }
    }

    fn wire(faults: Faults) -> What {
        What::Wire(Direction::Both, faults)
    }

    fn sent(sent: u64) -> Counts {
        Counts {
            sent,
            ..Counts::default()
        }
    }

    #[test]
    fn each_trouble_must_have_touched_something() {
        let filter = |which| {
            wire(Faults::filter(Filter {
                kind: Frame::ARP,
                which,
            }))
        };
        let once = Counts {
            filtered: 1,
            ..sent(9)
        };
        for (what, met, lack) in [
            (What::KillTarget, sent(500), "the target missed no frame"),
            (
                What::Cut(0),
                sent(0),
                "no frame was lost, and the host did not see it",
            ),
            (
                wire(Faults::loss(Share::percent(1))),
                sent(9),
                "no frame was lost",
            ),
            (
                wire(Faults::delay(Duration::from_millis(1))),
                sent(0),
                "no frame was late",
            ),
            (filter(Which::All), sent(9), "no frame was filtered"),
            (
                filter(Which::First(3)),
                once,
                "1 frames were filtered, not 3",
            ),
        ] {
            assert_eq!(effect(what, true, met).lacks(), [lack]);
        }
        let fine = [
            effect(filter(Which::Every(3)), true, once),
            effect(
                What::KillTarget,
                true,
                Counts {
                    missed: 1,
                    ..sent(9)
                },
            ),
            effect(What::Cut(0), true, Counts { dark: 1, ..sent(0) }),
        ];
        for effect in fine {
            assert_eq!(effect.lacks(), [] as [String; 0], "{effect}");
        }
    }

    #[test]
    fn what_is_drawn_by_lot_needs_traffic() {
        let lost = |percent| wire(Faults::loss(Share::percent(percent)));
        let large = wire(Faults {
            mtu: Some(1400),
            ..Faults::default()
        });
        for (what, frames, lacks) in [
            (lost(100), 9, false),
            (lost(100), 10, true),
            (lost(1), 2999, false),
            (lost(1), 3000, true),
            // Perhaps none was large.
            (large, 9000, false),
            (What::KillTarget, 9, false),
            (What::KillTarget, 10, true),
        ] {
            let effect = effect(what, false, sent(frames));
            assert_eq!(!effect.lacks().is_empty(), lacks, "{effect}");
        }
        let mut crowded = effect(lost(100), false, sent(500));
        crowded.alone = false;
        assert_eq!(crowded.lacks(), [] as [String; 0]);
        let silent = Counts {
            cut: 500,
            ..sent(500)
        };
        assert_eq!(effect(lost(100), false, silent).lacks(), [] as [String; 0]);
        let unseen = effect(lost(100), true, sent(0));
        assert_eq!(
            Effect {
                met: None,
                ..unseen
            }
            .lacks(),
            [] as [String; 0]
        );
    }

    #[test]
    fn a_trouble_is_told_with_what_came_of_it() {
        let lost = Counts { lost: 2, ..sent(9) };
        let mut effect = effect(wire(Faults::loss(Share::percent(1))), true, lost);
        assert_eq!(
            effect.to_string(),
            "from 10.0 s to 40.0 s: all frames: lost (9 sent, 2 lost)"
        );
        effect.what = What::Cut(1);
        effect.to = None;
        assert_eq!(
            effect.to_string(),
            "from 10.0 s on: the cable of card 1 is out (9 sent, 2 lost)"
        );
    }
}
