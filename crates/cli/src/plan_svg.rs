//! The path as a drawing: mount points, controllers, routes, interfaces, and
//! what these stand on, from left to right.

use nvmeroot_plan::{BootPlan, Choice, Explanation, Origin};

use crate::plan_path::{DEEPEST, MOST, kind, place};

mod canvas;

use self::canvas::{Canvas, NodeId, NodeStyle};

/// The drawing, an SVG document.
pub(crate) fn drawing(plan: &BootPlan) -> String {
    let told = plan.explain();
    let mut draft = Draft {
        plan,
        told: &told,
        canvas: Canvas::default(),
        links: vec![None; told.links.len()],
        depths: depths(&told),
    };
    let mut controllers: Vec<Option<NodeId>> = vec![None; told.ways.len()];
    // Only the controllers that a drawn mount lies on, then the others.
    let remote = || plan.mounts.iter().filter(|m| !m.controllers.is_empty());
    let mut drawn = 0;
    for mount in remote().take(MOST) {
        let title = mount.path.to_string();
        let origin = Some(&mount.origin);
        let node = draft.node(0, NodeStyle::Mount, title, "mounted here", origin);
        for &index in &mount.controllers {
            let Some(slot) = controllers.get_mut(index) else {
                continue;
            };
            if slot.is_none() && drawn < MOST {
                drawn += 1;
                *slot = Some(draft.controller(index));
            }
            if let Some(to) = *slot {
                draft.canvas.edge(node, to, false);
            }
        }
    }
    for (index, slot) in controllers.iter_mut().enumerate() {
        if slot.is_none() && drawn < MOST {
            drawn += 1;
            *slot = Some(draft.controller(index));
        }
    }
    let mounts = remote().count().saturating_sub(MOST);
    draft.more(0, mounts);
    draft.more(1, told.ways.len() - drawn);
    draft.canvas.finish(&[
        "mount point",
        "controller",
        "route",
        "interface",
        "stands on",
    ])
}

/// The column of each link: one further right than all that need it.
fn depths(told: &Explanation) -> Vec<usize> {
    let mut depths = vec![0; told.links.len()];
    // What is needed comes before, but for a VRF: that goes right of what it
    // holds, once.
    for at in (0..told.links.len()).rev() {
        for &other in &told.links[at].needs {
            depths[other] = depths[other].max(depths[at] + 1);
        }
    }
    depths
}

struct Draft<'a> {
    plan: &'a BootPlan,
    told: &'a Explanation,
    canvas: Canvas,
    links: Vec<Option<NodeId>>,
    depths: Vec<usize>,
}

impl Draft<'_> {
    fn node(
        &mut self,
        column: usize,
        style: NodeStyle,
        title: String,
        below: &str,
        origin: Option<&Origin>,
    ) -> NodeId {
        let mut lines = vec![title, below.to_owned()];
        lines.extend(origin.map(spot));
        lines.retain(|line| !line.is_empty());
        self.canvas.node(column, style, &lines)
    }

    fn more(&mut self, column: usize, count: usize) {
        if count > 0 {
            let title = format!("and {count} more");
            self.node(column, NodeStyle::Rejected, title, "", None);
        }
    }

    fn controller(&mut self, index: usize) -> NodeId {
        let controller = &self.plan.controllers[index];
        let way = &self.told.ways[index];
        let mut lines = vec![controller.portal(), spot(&controller.origin)];
        if let Some(rule) = &way.rule {
            lines.push(rule.why.replace('`', ""));
            lines.push(spot(&rule.origin));
        }
        lines.extend(way.demand.iter().map(|demand| demand.replace('`', "")));
        let node = self.canvas.node(1, NodeStyle::Controller, &lines);
        for choice in way.chosen.iter().take(MOST) {
            let route = self.choice(choice, NodeStyle::Route, "");
            self.canvas.edge(node, route, false);
            if let Some(link) = choice.link {
                let link = self.link(link);
                self.canvas.edge(route, link, false);
            }
        }
        let unshown = way.chosen.len().saturating_sub(MOST);
        self.more(2, unshown);
        if way.chosen.is_empty() {
            let title = "no interface leads there".to_owned();
            let none = self.node(2, NodeStyle::Missing, title, "", None);
            self.canvas.edge(node, none, true);
        }
        let most = 3;
        for choice in way.passed.iter().take(most) {
            let name = &self.plan.network.interfaces[choice.interface].name;
            let passed = self.choice(choice, NodeStyle::Rejected, &format!(" over {name}"));
            self.canvas.edge(node, passed, true);
        }
        let more = way.passed.len().saturating_sub(most) + way.more_passed;
        if more > 0 {
            let title = format!("and not {more} more");
            let others = self.node(2, NodeStyle::Rejected, title, "", None);
            self.canvas.edge(node, others, true);
        }
        node
    }

    fn choice(&mut self, choice: &Choice, style: NodeStyle, over: &str) -> NodeId {
        let refused = match style {
            NodeStyle::Rejected => "not ",
            _ => "",
        };
        let title = format!("{refused}{}{over}", choice.route);
        let why = choice.why.replace('`', "");
        self.node(2, style, title, &why, Some(&choice.origin))
    }

    fn link(&mut self, place: usize) -> NodeId {
        if let Some(node) = self.links[place] {
            return node;
        }
        let link = &self.told.links[place];
        let interface = &self.plan.network.interfaces[link.interface];
        let column = 3 + self.depths[place];
        let title = interface.name.to_string();
        let kind = kind(interface).replace('`', "");
        let origin = Some(&interface.origin);
        let node = self.node(column, NodeStyle::Link, title, &kind, origin);
        self.links[place] = Some(node);
        if self.depths[place] >= DEEPEST {
            return node;
        }
        for &other in link.needs.iter().take(MOST) {
            let other = self.link(other);
            self.canvas.edge(node, other, false);
        }
        self.more(column + 1, link.needs.len().saturating_sub(MOST));
        node
    }
}

/// File and line, without the directories: the line must not be cut off.
fn spot(origin: &Origin) -> String {
    let whole = place(origin);
    let name = whole.rsplit('/').next().unwrap_or(&whole);
    name.to_owned()
}
