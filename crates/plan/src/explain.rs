//! Why each controller is reached as it is.

use serde::{Deserialize, Serialize};

use crate::json::is_default;
use crate::path::{Egress, EgressReason, RejectedRoute, Router, rejected_routes, why};
use crate::topology::Topology;
use crate::{BootPlan, ConnectOptions, MAIN_TABLE, Origin};

/// Why each controller is reached as it is: flat lists that refer to one
/// another, and to the plan, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// One for each of the plan's controllers, in its order.
    pub ways: Vec<ExplainedWay>,
    /// The interfaces that lead to a controller and all that these need, in
    /// bring-up order, each once.
    pub links: Vec<ExplainedLink>,
}

/// How one controller is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedWay {
    /// Index into the plan's controllers.
    pub controller: usize,
    /// What was chosen; several where they are equal, or where only the boot
    /// will tell. In bring-up order.
    pub chosen: Vec<Choice>,
    /// What leads there too and was not chosen, [`MOST_PASSED`] at most.
    pub passed: Vec<Choice>,
    /// How many more were not chosen.
    #[serde(default, skip_serializing_if = "is_default")]
    pub more_passed: usize,
    /// The routing rule of the input that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Decided>,
    /// What the connection must be bound to or come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<String>,
}

/// Something that leads to a controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Index into the plan's interfaces.
    pub interface: usize,
    /// Index into [`Explanation::links`], of what was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<usize>,
    /// The route in a few words: destination and gateway, or what brings one.
    pub route: String,
    /// One clause: why it leads there, or why it was not chosen.
    pub why: String,
    /// Where it is said.
    pub origin: Origin,
}

/// A part of the input that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// One clause.
    pub why: String,
    /// Where it is said.
    pub origin: Origin,
}

/// An interface of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedLink {
    /// Index into the plan's interfaces.
    pub interface: usize,
    /// What it stands on or is held by: indexes into [`Explanation::links`],
    /// all less than its own but for its VRF.
    pub needs: Vec<usize>,
}

/// How much of what was not chosen is told of each controller.
pub const MOST_PASSED: usize = 8;

impl BootPlan {
    /// Explains the way to each controller. Decides anew, as [`crate::resolve`]
    /// did.
    pub fn explain(&self) -> Explanation {
        // What can't be looked through has no paths either.
        if self.paths.is_empty() {
            return Explanation::default();
        }
        let topology = Topology::new(&self.network);
        let router = Router::new(&self.network, &topology);
        let mut ways = Vec::with_capacity(self.controllers.len());
        for (index, controller) in self.controllers.iter().enumerate() {
            let decision = router.decide(controller);
            let (others, more_passed) =
                rejected_routes(&router, &decision, controller, MOST_PASSED);
            let leads = decision.leads.iter();
            let others = others.into_iter();
            ways.push(ExplainedWay {
                controller: index,
                chosen: leads.map(|way| chosen(&router, *way)).collect(),
                passed: others.map(|one| passed(&router, one)).collect(),
                more_passed,
                rule: decision.rule.map(|place| decided(&topology, place)),
                demand: demand(&controller.options),
            });
        }
        let links = links(&topology, &mut ways);
        Explanation { ways, links }
    }
}

fn chosen(router: &Router<'_>, way: Egress) -> Choice {
    let (why, origin) = why(router, way);
    Choice {
        interface: way.at,
        link: None,
        route: match way.because {
            EgressReason::Entry(entry) => router.shown(entry),
            EgressReason::Boot(_) | EgressReason::Named => "known at boot".to_owned(),
        },
        why,
        origin: origin.clone(),
    }
}

fn passed(router: &Router<'_>, one: RejectedRoute) -> Choice {
    Choice {
        interface: one.entry.at,
        link: None,
        route: router.shown(one.entry),
        why: one.why,
        origin: router.origin(one.entry).clone(),
    }
}

/// By the rule at `place`: that of its interface, and its own there.
fn decided(topology: &Topology<'_>, place: (usize, usize)) -> Decided {
    let (at, place) = place;
    let rule = &topology.interfaces[at].rules[place];
    let asks = [("from", rule.from), ("to", rule.to)];
    let asks: String = asks
        .iter()
        .filter_map(|(word, net)| Some(format!("{word} `{}` ", (*net)?)))
        .collect();
    let table = rule.table.unwrap_or(MAIN_TABLE);
    Decided {
        why: format!("the rule {asks}looks into table {table}"),
        origin: rule.origin.clone(),
    }
}

fn demand(options: &ConnectOptions) -> Option<String> {
    match (&options.host_iface, options.host_traddr) {
        (Some(name), Some(from)) => Some(format!("bound to `{name}`, from `{from}`")),
        (Some(name), None) => Some(format!("bound to `{name}`")),
        (None, Some(from)) => Some(format!("from `{from}`")),
        (None, None) => None,
    }
}

/// The interfaces of the path; the choices are told their places.
fn links(topology: &Topology<'_>, ways: &mut [ExplainedWay]) -> Vec<ExplainedLink> {
    let leads = ways.iter().flat_map(|way| &way.chosen);
    let needed = topology.needed_by(leads.map(|choice| choice.interface));
    let mut places = vec![None; needed.len()];
    let on_path = needed.iter().enumerate().filter(|(_, needed)| **needed);
    let on_path: Vec<usize> = on_path.map(|(at, _)| at).collect();
    for (place, at) in on_path.iter().enumerate() {
        places[*at] = Some(place);
    }
    for choice in ways.iter_mut().flat_map(|way| &mut way.chosen) {
        choice.link = places[choice.interface];
    }
    let link = |at: usize| {
        // In a circle nothing stands on what comes later.
        let below = topology.below(at).iter().filter(|other| **other < at);
        let needs = below.copied().chain(topology.vrf(at));
        ExplainedLink {
            interface: at,
            needs: needs.filter_map(|other| places[other]).collect(),
        }
    };
    on_path.into_iter().map(link).collect()
}

#[cfg(test)]
mod tests;
