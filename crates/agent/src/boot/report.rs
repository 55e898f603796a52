//! What is missing and why, from the mount down to the network card.

use std::collections::BTreeSet;

use nvmeroot_plan::Requirement;
use nvmeroot_record::{Failure, FailureKind};

use crate::net::with_what_is_below;
use crate::storage::Storage;
use crate::task::{Context, FailureScope};

/// Causes that are listed for one requirement. A broken discovery log may lead to
/// hundreds; the record has them all.
const MOST_CAUSES: usize = 16;

/// One line for each requirement that is not met in time, which says `what` its mounts
/// suffer, and under it one for each thing that stands in its way, the lowest layer first.
pub(super) fn report(
    context: &Context,
    storage: &Storage,
    unmet: &[&Requirement],
    what: &str,
) -> Vec<String> {
    let mut lines = Vec::new();
    for requirement in unmet {
        let mounts: Vec<String> = requirement
            .mounts
            .iter()
            .map(|m| format!("`{m}`"))
            .collect();
        lines.push(format!("{} {what}", mounts.join(", ")));
        let mut causes = BTreeSet::new();
        for controller in &requirement.any_of {
            let its = causes_of(context, storage, *controller);
            causes.extend(its.into_iter().map(|(scope, failure)| {
                let line = format!("{scope}: {failure}; {}", failure.hint);
                (failure.kind, line)
            }));
        }
        if causes.is_empty() {
            // Nothing failed; it only took longer than it was given.
            let late = "  the time was too short; give more with `nvmeroot.deadline=SECONDS`";
            lines.push(late.to_owned());
        }
        let more = causes.len().saturating_sub(MOST_CAUSES);
        let causes = causes.into_iter().take(MOST_CAUSES);
        lines.extend(causes.map(|(_, line)| format!("  {line}")));
        if more > 0 {
            lines.push(format!("  and {more} more; see /run/nvmeroot/boot.json"));
        }
    }
    lines
}

/// What keeps a controller of the plan from showing its namespaces. Where no
/// route leads to its portal, that is what keeps the interfaces down that should.
fn causes_of(
    context: &Context,
    storage: &Storage,
    controller: usize,
) -> Vec<(FailureScope, Failure)> {
    let failures = context.failures();
    let is_its = |scope: &FailureScope| match scope {
        FailureScope::Discovery(index, _) => *index == controller,
        FailureScope::Controller(address) => storage.leads_to(controller, address),
        FailureScope::Interface(_) | FailureScope::Step(..) => false,
    };
    let (mut own, others): (Vec<_>, Vec<_>) =
        failures.into_iter().partition(|(scope, _)| is_its(scope));
    if own.iter().any(|(_, f)| f.kind == FailureKind::NoRoute) {
        let paths = context.plan.paths.iter();
        let paths = paths.filter(|p| p.controller == controller);
        let leads = paths.flat_map(|p| p.interfaces.iter().map(|l| &l.interface));
        let leads = with_what_is_below(&context.plan.network.interfaces, leads);
        let is_below =
            |scope: &FailureScope| scope.interface().is_some_and(|name| leads.contains(name));
        let mut below = others;
        below.retain(|(scope, _)| is_below(scope));
        if !below.is_empty() {
            own.retain(|(_, failure)| failure.kind != FailureKind::NoRoute);
            own.extend(below);
        }
    }
    own
}
