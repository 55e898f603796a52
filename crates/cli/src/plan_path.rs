//! The path as a tree: from the mount point down to the port.

use std::fmt;

use nvmeroot_plan::{BootPlan, Choice, Explanation, Interface, LinkKind, Mount, Origin};

/// At most so many of anything that there may be thousands of.
pub(crate) const MOST: usize = 12;

/// Interfaces that stand on one another are followed so far down.
pub(crate) const DEEPEST: usize = 16;

/// A line with all that stands below it.
struct Branch {
    text: String,
    origin: Option<Origin>,
    below: Vec<Branch>,
}

/// Shows the path; nothing where the plan has none.
pub(crate) struct PathTree(Vec<Branch>);

impl PathTree {
    pub(crate) fn new(plan: &BootPlan) -> Self {
        let told = plan.explain();
        if told.ways.is_empty() {
            return Self(Vec::new());
        }
        let mut grower = Grower {
            plan,
            told: &told,
            shown: vec![false; plan.controllers.len()],
            shown_links: vec![false; told.links.len()],
        };
        let remote = plan.mounts.iter().filter(|m| !m.controllers.is_empty());
        let mut roots = bounded(remote, |mount| grower.mount(mount));
        let idle: Vec<usize> = (0..grower.shown.len())
            .filter(|c| !grower.shown[*c])
            .filter(|c| plan.mounts.iter().all(|m| !m.controllers.contains(c)))
            .collect();
        roots.extend(bounded(idle.into_iter(), |c| grower.controller(c)));
        Self(roots)
    }
}

impl fmt::Display for PathTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(f, "\npath")?;
        for root in &self.0 {
            writeln!(f, "  {}", root.line())?;
            root.show_below(f, "  ")?;
        }
        Ok(())
    }
}

/// Branches of the first ones, and one that counts the others.
fn bounded<T>(mut all: impl Iterator<Item = T>, mut grow: impl FnMut(T) -> Branch) -> Vec<Branch> {
    let mut branches: Vec<Branch> = all.by_ref().take(MOST).map(&mut grow).collect();
    let more = all.count();
    if more > 0 {
        branches.push(Branch::leaf(format!("and {more} more"), None));
    }
    branches
}

struct Grower<'a> {
    plan: &'a BootPlan,
    told: &'a Explanation,
    /// The controllers that are in the tree already.
    shown: Vec<bool>,
    /// The interfaces that are.
    shown_links: Vec<bool>,
}

impl Grower<'_> {
    fn mount(&mut self, mount: &Mount) -> Branch {
        Branch {
            text: mount.path.to_string(),
            origin: Some(mount.origin.clone()),
            below: bounded(mount.controllers.iter(), |c| self.controller(*c)),
        }
    }

    fn controller(&mut self, index: usize) -> Branch {
        let controller = &self.plan.controllers[index];
        let text = format!("controller {}", controller.portal());
        if std::mem::replace(&mut self.shown[index], true) {
            return Branch::leaf(format!("{text}, as above"), None);
        }
        let way = &self.told.ways[index];
        let mut below = Vec::new();
        if let Some(rule) = &way.rule {
            below.push(Branch::leaf(rule.why.clone(), Some(rule.origin.clone())));
        }
        if let Some(demand) = &way.demand {
            below.push(Branch::leaf(format!("the connection is {demand}"), None));
        }
        if way.chosen.is_empty() {
            below.push(Branch::leaf("no interface leads there".to_owned(), None));
        }
        below.extend(bounded(way.chosen.iter(), |choice| self.choice(choice)));
        for passed in &way.passed {
            let name = self.name(passed.interface);
            let text = format!("not {} over {name}: {}", passed.route, passed.why);
            below.push(Branch::leaf(text, Some(passed.origin.clone())));
        }
        if way.more_passed > 0 {
            let text = format!("and not {} more", way.more_passed);
            below.push(Branch::leaf(text, None));
        }
        Branch {
            text,
            origin: Some(controller.origin.clone()),
            below,
        }
    }

    fn choice(&mut self, choice: &Choice) -> Branch {
        Branch {
            text: format!("over {}: {}", self.name(choice.interface), choice.why),
            origin: Some(choice.origin.clone()),
            below: choice.link.map(|l| self.link(l, 0)).into_iter().collect(),
        }
    }

    fn link(&mut self, place: usize, depth: usize) -> Branch {
        let link = &self.told.links[place];
        let interface = &self.plan.network.interfaces[link.interface];
        let text = format!("{}, {}", interface.name, kind(interface));
        let again = std::mem::replace(&mut self.shown_links[place], true);
        if again && !link.needs.is_empty() {
            return Branch::leaf(format!("{text}, as above"), None);
        }
        let below = if depth < DEEPEST {
            bounded(link.needs.iter(), |l| self.link(*l, depth + 1))
        } else {
            Vec::new()
        };
        Branch {
            text,
            origin: Some(interface.origin.clone()),
            below,
        }
    }

    fn name(&self, at: usize) -> &str {
        self.plan.network.interfaces[at].name.as_str()
    }
}

impl Branch {
    fn leaf(text: String, origin: Option<Origin>) -> Self {
        Self {
            text,
            origin,
            below: Vec::new(),
        }
    }

    fn line(&self) -> String {
        match &self.origin {
            Some(origin) => format!("{}  ({})", self.text, place(origin)),
            None => self.text.clone(),
        }
    }

    fn show_below(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        for (n, branch) in self.below.iter().enumerate() {
            let (arm, room) = if n + 1 == self.below.len() {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            writeln!(f, "{indent}{arm}{}", branch.line())?;
            branch.show_below(f, &format!("{indent}{room}"))?;
        }
        Ok(())
    }
}

/// File and line; of a source without lines what of it.
pub(crate) fn place(origin: &Origin) -> String {
    if origin.line == 0 {
        return origin.to_string();
    }
    format!("{}:{}", origin.file, origin.line)
}

/// What kind of link it is, with what tells it from others of its kind.
pub(crate) fn kind(interface: &Interface) -> String {
    match &interface.kind {
        LinkKind::Ethernet => "card".to_owned(),
        LinkKind::Vlan { vlan } => format!("VLAN {} on {}", vlan.id, vlan.link),
        LinkKind::Bond { bond } => {
            let mode = bond.parameters.mode.map(|mode| format!(" {mode}"));
            format!("bond{}", mode.unwrap_or_default())
        }
        LinkKind::Bridge { .. } => "bridge".to_owned(),
        LinkKind::Vrf { vrf } => format!("VRF with table {}", vrf.table),
        LinkKind::Dummy(_) => "dummy device".to_owned(),
        LinkKind::Foreign { section } => format!("one of `{section}`"),
        _ => "other".to_owned(),
    }
}
