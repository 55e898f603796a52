//! Two machines' facts held against each other.

use super::expected::Expected;
use super::facts::{Difference, Facts};

/// What became of one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// How many facts the two have together.
    pub facts: usize,
    /// Differences that nobody expects.
    pub unexpected: Vec<Difference>,
    /// Differences that are expected, each with its place in the table.
    pub expected: Vec<(usize, Difference)>,
}

/// Compares the facts of the configuration `name`.
pub fn compare(name: &str, networkd: &Facts, agent: &Facts, table: &[Expected]) -> Comparison {
    let mut comparison = Comparison::default();
    let mut places: Vec<&String> = networkd.keys().chain(agent.keys()).collect();
    places.sort();
    places.dedup();
    comparison.facts = places.len();
    for place in places {
        let (left, right) = (networkd.get(place), agent.get(place));
        if left == right {
            continue;
        }
        let difference = Difference {
            place: place.clone(),
            networkd: left.cloned(),
            agent: right.cloned(),
        };
        match table.iter().position(|one| one.covers(name, &difference)) {
            Some(at) => comparison.expected.push((at, difference)),
            None => comparison.unexpected.push(difference),
        }
    }
    comparison
}

/// The expectations that did not come true in any of the configurations that
/// they are about, when one of these was compared.
pub fn unused<'a>(table: &'a [Expected], compared: &[(&str, &Comparison)]) -> Vec<&'a Expected> {
    table
        .iter()
        .enumerate()
        .filter(|(at, one)| {
            let mut about = compared.iter().filter(|(name, _)| one.is_about(name));
            !one.sometimes
                && about.clone().next().is_some()
                && !about.any(|(_, found)| found.expected.iter().any(|(used, _)| used == at))
        })
        .map(|(_, one)| one)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(all: &[(&str, &str)]) -> Facts {
        all.iter()
            .map(|(place, value)| ((*place).to_owned(), (*value).to_owned()))
            .collect()
    }

    const TABLE: &[Expected] = &[
        Expected {
            configurations: &["dhcp*"],
            place: "address *: valid_life_time",
            networkd: "some time",
            agent: "for ever",
            reason: "no end",
            sometimes: false,
        },
        Expected {
            configurations: &["*"],
            place: "route4 *",
            networkd: "*",
            agent: "-",
            reason: "none",
            sometimes: false,
        },
    ];

    #[test]
    fn expected_differences_are_told_from_the_others() {
        let networkd = facts(&[
            ("address ens3 10.77.0.100/24: valid_life_time", "some time"),
            ("link ens3: mtu", "9000"),
            ("link ens3: ifname", "ens3"),
        ]);
        let agent = facts(&[
            ("address ens3 10.77.0.100/24: valid_life_time", "for ever"),
            ("link ens3: mtu", "1500"),
            ("link ens3: ifname", "ens3"),
        ]);
        let found = compare("dhcp4", &networkd, &agent, TABLE);
        assert_eq!(found.facts, 3);
        assert_eq!(found.expected.len(), 1);
        assert_eq!(found.unexpected.len(), 1);
        assert_eq!(found.unexpected[0].agent.as_deref(), Some("1500"));
        // Elsewhere the same is not expected.
        let elsewhere = compare("static", &networkd, &agent, TABLE);
        assert_eq!(elsewhere.unexpected.len(), 2);
    }

    #[test]
    fn what_is_missing_is_a_difference_and_a_dash_expects_it() {
        let networkd = facts(&[("route4 default: metric", "0")]);
        let found = compare("x", &networkd, &Facts::new(), TABLE);
        assert_eq!(found.expected.len(), 1);
        let found = compare("x", &Facts::new(), &networkd, TABLE);
        assert_eq!(found.unexpected.len(), 1, "the other way round it is none");
    }

    #[test]
    fn an_expectation_that_no_longer_occurs_is_named() {
        let networkd = facts(&[("route4 default: metric", "0")]);
        let found = compare("x", &networkd, &Facts::new(), TABLE);
        assert_eq!(unused(TABLE, &[("x", &found)]), Vec::<&Expected>::new());
        let of_dhcp = unused(TABLE, &[("dhcp4", &found)]);
        assert_eq!(
            of_dhcp.len(),
            1,
            "nothing is known of it before a DHCP runs"
        );
        assert_eq!(of_dhcp[0].reason, "no end");
    }
}
