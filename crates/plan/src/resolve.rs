//! All fragments together: the boot plan.

use crate::merge::{Merged, merge};
use crate::{BootPlan, Fragment, Reach, Warning, judge, path, policy, precedence, reach, settings};

/// Resolves fragments, the weakest first: a later one's host identity
/// replaces an earlier one's, a later one's interface the earlier one of that
/// id. What is said of a host or a port fills in what controllers leave open.
///
/// Pure, so that the agent can run it again at boot with what only the boot knows. In
/// stages: merge what the fragments say, let the stronger source have its say of the
/// controllers, choose the routes, judge what the
/// path can't have, and last the rules of [`policy`](crate::policy), which
/// every runtime obeys. Nobody edits the plan afterwards.
pub fn resolve(fragments: Vec<Fragment>) -> BootPlan {
    let Merged {
        host,
        network,
        has_network,
        passed_over,
        mut storage,
        named,
        hosts,
        ports,
        notices,
        mut warnings,
        mut errors,
    } = merge(fragments);
    let (reach, reasons) = reach::reach(&storage.mounts, storage.controllers.len());
    warnings.extend(precedence::apply(&mut storage, &named, reach));
    let is_open = reach == Reach::Firmware && !named.is_at_boot;
    let settled = settings::apply(&mut storage, &hosts, &ports, host.as_ref(), is_open);
    warnings.extend(settled.warnings);
    errors.extend(settled.errors);
    let mut plan = BootPlan {
        reach,
        reasons,
        host,
        mounts: storage.mounts,
        controllers: storage.controllers,
        known_ports: settled.known_ports,
        requirements: Vec::new(),
        modules: Vec::new(),
        network,
        paths: Vec::new(),
        warnings,
        errors,
    };
    choose_routes(&mut plan);
    let sources = judge::Sources {
        has_network,
        is_at_boot: named.is_at_boot,
        passed_over,
        notices,
    };
    judge::judge(&mut plan, sources);
    policy::apply(&mut plan);
    plan
}

/// More pairs of a controller and an interface or rule than this are refused:
/// their number grows with a product, and no machine has as many.
const MOST_PAIRS: usize = 50_000_000;

fn choose_routes(plan: &mut BootPlan) {
    let interfaces = &plan.network.interfaces;
    let rules = interfaces.iter().map(|one| one.rules.len());
    let looked_at = interfaces.len().saturating_add(rules.sum());
    if plan.controllers.len().saturating_mul(looked_at) > MOST_PAIRS {
        let message = format!(
            "{} controllers and {} interfaces are more than can be looked through",
            plan.controllers.len(),
            interfaces.len()
        );
        plan.errors.push(Warning::general(message));
        return;
    }
    plan.paths = path::paths(&mut plan.controllers, &plan.network);
}

#[cfg(test)]
mod tests;
