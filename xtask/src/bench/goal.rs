//! Goals, and whether the numbers meet them.

use super::measure::table;

/// Which side of its limit a value must be on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// A goal and what was measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Goal {
    pub(super) what: String,
    pub(super) limit: Limit,
    pub(super) measured: f64,
}

impl Goal {
    /// A value that is no number meets nothing.
    pub(super) fn is_met(&self) -> bool {
        match self.limit {
            Limit::AtLeast(least) => self.measured >= least,
            Limit::AtMost(most) => self.measured <= most,
        }
    }

    fn wanted(&self) -> String {
        match self.limit {
            Limit::AtLeast(least) => format!("≥ {least}"),
            Limit::AtMost(most) => format!("≤ {most}"),
        }
    }
}

/// One row a goal.
pub(super) fn goals_table(goals: &[Goal]) -> String {
    let rows: Vec<Vec<String>> = goals
        .iter()
        .map(|goal| {
            let word = if goal.is_met() { "met" } else { "**not met**" };
            vec![
                goal.what.clone(),
                goal.wanted(),
                format!("{:.2}", goal.measured),
                word.to_owned(),
            ]
        })
        .collect();
    table(&["goal", "wanted", "measured", ""], &rows)
}

/// The goals that are not met, one text each.
pub(super) fn unmet(goals: &[Goal]) -> Vec<String> {
    goals
        .iter()
        .filter(|goal| !goal.is_met())
        .map(|goal| format!("{}: {:.2}, not {}", goal.what, goal.measured, goal.wanted()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_come_from_the_numbers() {
        let goal = |limit, measured| Goal {
            what: "g".to_owned(),
            limit,
            measured,
        };
        assert!(goal(Limit::AtLeast(3.0), 3.0).is_met());
        assert!(!goal(Limit::AtLeast(3.0), 2.99).is_met());
        assert!(goal(Limit::AtMost(1.5), 1.5).is_met());
        assert!(!goal(Limit::AtMost(1.5), f64::NAN).is_met());
        let goals = [
            goal(Limit::AtMost(0.5), 0.75),
            goal(Limit::AtMost(0.5), 0.25),
        ];
        assert_eq!(unmet(&goals), ["g: 0.75, not ≤ 0.5"]);
        assert_eq!(goals_table(&goals).matches("**not met**").count(), 1);
    }
}
