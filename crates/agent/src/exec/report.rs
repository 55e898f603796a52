//! What is missing and why, from the mount down to the layer.

use std::collections::BTreeSet;
use std::time::Instant;

use super::context::Context;
use super::goal::Goal;
use super::links::with_what_is_below;
use super::subject::Subject;
use crate::fault::{Fault, Layer};

/// One line for each need that is not met, and under it one for each thing
/// that stands in its way, the lowest layer first.
pub fn report(context: &Context, goal: &Goal) -> Vec<String> {
    let mut lines = Vec::new();
    for (need, mounts) in goal.unmet(&context.connected_to(), &context.tree) {
        let mounts: Vec<String> = mounts.iter().map(|m| format!("`{m}`")).collect();
        lines.push(format!("{} has no storage", mounts.join(", ")));
        let mut causes = BTreeSet::new();
        for controller in need.controllers() {
            causes.extend(in_the_way_of(context, *controller).into_iter().map(
                |(subject, fault)| {
                    let line = format!("{subject}: {fault}; {}", fault.hint);
                    (fault.layer, line)
                },
            ));
        }
        if causes.is_empty() {
            // Nothing failed; it only took longer than it was given.
            let late = context.limit() <= Instant::now();
            lines.push(if late {
                "  the time was too short; give more with `nvmeroot.deadline=SECONDS`".to_owned()
            } else {
                "  nothing stands in the way so far".to_owned()
            });
        }
        lines.extend(causes.into_iter().map(|(_, line)| format!("  {line}")));
    }
    lines
}

/// What keeps a controller of the plan from showing its namespaces. Where no
/// route leads to its portal, that is what keeps the interfaces down that
/// should.
fn in_the_way_of(context: &Context, controller: usize) -> Vec<(Subject, Fault)> {
    let faults = context.faults();
    let mut own: Vec<(Subject, Fault)> = faults
        .iter()
        .filter(|(subject, _)| match subject {
            Subject::Controller(index, _) => *index == controller,
            Subject::Target(target) => context.targets_of(controller).contains(target),
            _ => false,
        })
        .map(|(subject, fault)| (subject.clone(), fault.clone()))
        .collect();
    if own.iter().any(|(_, fault)| fault.layer == Layer::NoRoute) {
        let leads = context
            .plan
            .paths
            .iter()
            .filter(|p| p.controller == controller)
            .flat_map(|p| p.interfaces.iter().map(|l| &l.interface));
        let leads = with_what_is_below(&context.plan.network.interfaces, leads);
        let below: Vec<(Subject, Fault)> = faults
            .into_iter()
            .filter(|(subject, _)| match subject {
                Subject::Interface(name) | Subject::Setting(name, _) | Subject::Dhcp(name, _) => {
                    leads.contains(name)
                }
                _ => false,
            })
            .collect();
        if !below.is_empty() {
            own.retain(|(_, fault)| fault.layer != Layer::NoRoute);
            own.extend(below);
        }
    }
    own
}
