//! The host's identity: one pair, the same in the tree and in what the agent is told.

use nvmeroot_plan::{HostIdentity, Reach};

use super::finding::{Finding, Topic};
use super::subject::Subject;
use crate::{Failure, identity};

/// Compares the tree's pair with the plan's.
pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let configure = &subject.configure;
    let missing = |what: String| {
        Finding::fault(Topic::IdentityMissing, what)
            .because("the host needs both to connect, always the same")
            .mend(format!(
                "{configure}, with `--hostnqn NQN --hostid UUID` or `--host-from /etc/nvme`"
            ))
    };
    let of_tree = match identity::of_tree(subject.root) {
        Ok(pair) => pair,
        Err(Failure::Input(errors)) => {
            let said = errors.errors.into_iter().map(|one| one.message);
            findings.extend(said.map(missing));
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    match (&of_tree, &subject.plan.host) {
        // The firmware's table has it.
        (_, None) if subject.plan.reach == Reach::Firmware => {}
        (None, _) => {
            let what = "the root tree has neither `etc/nvme/hostnqn` nor `etc/nvme/hostid`";
            findings.push(missing(what.to_owned()));
        }
        (Some(_), None) => findings.push(missing("the plan names no host".to_owned())),
        (Some(own), Some(planned)) if own != planned => {
            findings.push(other(own, planned).mend(configure));
        }
        (Some(_), Some(_)) => {}
    }
    Ok(())
}

fn other(own: &HostIdentity, planned: &HostIdentity) -> Finding {
    let what = match (own.nqn == planned.nqn, own.id == planned.id) {
        (false, _) => format!(
            "`etc/nvme/hostnqn` is `{}`, and the plan's host is `{}`",
            own.nqn, planned.nqn
        ),
        (true, _) => format!(
            "`etc/nvme/hostid` is `{}`, and the plan's is `{}`",
            own.id, planned.id
        ),
    };
    Finding::fault(Topic::IdentityOther, what).because(
        "a drive admits hosts by name: it refuses the other one, and the kernel refuses one name with two identifiers",
    )
}
