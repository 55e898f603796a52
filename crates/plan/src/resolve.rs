//! All fragments together: the boot plan.

use crate::merge::merge;
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
    let mut merged = merge(fragments);
    let storage = &mut merged.storage;
    let (reach, reasons) = reach::reach(&storage.mounts, storage.controllers.len());
    let superseded = precedence::apply(storage, &merged.named, reach);
    merged.warnings.extend(superseded);
    let is_open = reach == Reach::Firmware && !merged.named.is_at_boot;
    let host = merged.host.as_ref();
    let settled = settings::apply(storage, &merged.hosts, &merged.ports, host, is_open);
    merged.warnings.extend(settled.warnings);
    merged.errors.extend(settled.errors);
    let mut plan = BootPlan {
        reach,
        reasons,
        host: merged.host,
        mounts: merged.storage.mounts,
        controllers: merged.storage.controllers,
        known_ports: settled.known_ports,
        requirements: Vec::new(),
        modules: Vec::new(),
        network: merged.network,
        paths: Vec::new(),
        warnings: merged.warnings,
        errors: merged.errors,
    };
    choose_routes(&mut plan);
    let sources = judge::Sources {
        has_network: merged.has_network,
        is_at_boot: merged.named.is_at_boot,
        passed_over: merged.passed_over,
        notices: merged.notices,
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
