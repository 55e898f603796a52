//! Machines whose firmware leaves boot tables (NBFT): cases × releases × generators, each
//! booted twice.

mod case;
mod cases;
mod rivals;
mod tables;

use super::Scenario;
use crate::host_spec::{Generator, Release};
use case::Case;

pub use rivals::{Rival, WAYS, rivals};

/// Releases and generators.
const HOSTS: [(Release, Generator); 4] = [
    (Release::Trixie, Generator::InitramfsTools),
    (Release::Sid, Generator::Dracut),
    (Release::Sid, Generator::InitramfsTools),
    (Release::Trixie, Generator::Dracut),
];

/// What the usual run of the lab tries.
pub(super) fn all() -> Vec<Scenario> {
    rivals::stand_in().into_iter().collect()
}

/// Each case in each way.
pub fn every() -> Vec<Scenario> {
    let cases = cases::all();
    let of = |case: &Case| HOSTS.map(|(release, generator)| case.scenario(release, generator));
    cases.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_machines_have_the_golden_image() {
        let hosts: Vec<_> = every()
            .into_iter()
            .filter(|one| one.name.starts_with("nbft-golden-") && one.name.ends_with("sid-dracut"))
            .collect();
        let [one, two] = &hosts[..] else {
            panic!("{} machines", hosts.len());
        };
        assert_eq!(one.host, two.host);
        assert_ne!(one.wiring.firmware, two.wiring.firmware);
        assert_ne!(one.wiring.unit, two.wiring.unit);
    }
}
