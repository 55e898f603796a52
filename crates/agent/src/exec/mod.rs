//! Carries the plan's steps out: each interface and each controller on its
//! own, in parallel, again and again until the goal is reached or the time is
//! up.
//!
//! Every thread works for itself and tells the others only that something
//! changed; whether an interface, a route or a namespace is there, the kernel
//! is asked. A controller is connected as soon as the kernel has a way to its
//! portal, whatever else is still under way.
//!
//! From the bottom up: `subject` names what the work is about; `links`, `targets`,
//! `offers`, `order`, `patience` and `goal` are what is known, and know no thread;
//! `context` holds it for all threads, and `waiting` is how they wait, retry and
//! complain; `interface` and `portal` are the threads, one of each interface (whose
//! steps stand in `worker`, `layer`, `aggregation`, `lease`, `link_local`, `ready`) and
//! of each controller (`discovery`, `target`, `path`); `keep` and `report` are the end.

mod aggregation;
mod client;
mod context;
mod discovery;
mod drivers;
mod filesystems;
mod goal;
mod interface;
mod keep;
mod layer;
mod lease;
mod link_local;
mod links;
mod offers;
mod order;
mod path;
mod patience;
mod pool;
mod portal;
mod ready;
mod report;
mod subject;
mod target;
mod targets;
mod waiting;
mod worker;

pub use context::Context;
pub use goal::{ConnectedTo, Goal, NamespaceId, Need, RootDevice};
pub use report::report;

use std::collections::BTreeMap;
use std::sync::Arc;

use nvmeroot_plan::{Action, InterfaceName, Scope, Step, steps};

use crate::card::{self, Card};
use crate::events::{News, Woken};
use crate::kmsg::Level;
use crate::mount;
use crate::netlink::{Netlink, NetlinkError};

/// How the work on the goal ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that the essential mounts need is there.
    Done,
    /// It is not, and the time is up: what is missing and why, a line each.
    Failed(Vec<String>),
    /// The program was told to stop before.
    Stopped,
}

/// Starts all threads.
pub fn start(context: &Arc<Context>) {
    context.spawn("modules", |context| {
        context.fabrics.prepare();
        filesystems::load_in_time(context);
    });
    context.spawn("drivers", |context| drivers::load(&context.places));
    let (interfaces, controllers) = sort(steps(&context.plan, Scope::Path));
    for interface in context.plan.storage_interfaces() {
        let actions = interfaces.get(&interface.name).cloned().unwrap_or_default();
        let interface = interface.clone();
        let name = interface.name.to_string();
        context.spawn(&name, move |context| {
            interface::run(context, &interface, &actions);
        });
    }
    for index in controllers {
        if !context.is_first_to_name(index) {
            continue;
        }
        portal::begin(context, index);
    }
}

/// Starts on the controllers that are not there, in a system whose network is
/// up, or will be without us.
///
/// # Errors
/// When the kernel does not list the links.
pub fn start_missing(context: &Arc<Context>) -> Result<(), NetlinkError> {
    let mut netlink = Netlink::open()?;
    for interface in context.plan.storage_interfaces() {
        let links = netlink.links()?.into_iter();
        let cards = links.map(|link| Card::of(link, &context.places));
        if let Some(card) = card::find(interface, cards) {
            context.is_link(&interface.name, card.link.index);
        }
    }
    context.root_is_mounted();
    let there = context.tree.controllers();
    let (_, controllers) = sort(steps(&context.plan, Scope::Path));
    for index in controllers {
        let wanted = &context.plan.controllers[index];
        let is_there = there.iter().any(|found| {
            found.traddr == Some(wanted.traddr) && found.trsvcid == Some(wanted.trsvcid.get())
        });
        if !is_there && context.is_first_to_name(index) {
            portal::begin(context, index);
        }
    }
    Ok(())
}

/// The steps by interface, each one's in order, and the controllers.
fn sort(steps: Vec<Step>) -> (BTreeMap<InterfaceName, Vec<Action>>, Vec<usize>) {
    let mut interfaces: BTreeMap<InterfaceName, Vec<Action>> = BTreeMap::new();
    let mut controllers = Vec::new();
    for step in steps {
        if let Action::Connect { controller, .. } = &step.action {
            controllers.push(*controller);
        }
        let Some(interface) = step.action.interface().cloned() else {
            continue;
        };
        interfaces.entry(interface).or_default().push(step.action);
    }
    (interfaces, controllers)
}

/// Leaves the network so that it lasts until the running system has taken it
/// over. To be called at the end.
pub fn leave(context: &Context) {
    context.give_back();
    keep::keep(context);
}

/// Waits until the goal is reached, the time is up, or the program is told to
/// stop.
pub fn wait_for_goal(context: &Context, goal: &Goal) -> Verdict {
    loop {
        let seen = context.events.seen();
        let connected = context.connected_to();
        if goal.unmet(&connected, &context.tree).is_empty() {
            context.let_all_go();
            return Verdict::Done;
        }
        let news = [News::Devices, News::Own];
        match context.events.wait_past(seen, &news, context.limit()) {
            Woken::Changed => {}
            Woken::Stopping => return Verdict::Stopped,
            Woken::TimedOut => return Verdict::Failed(report(context, goal)),
        }
    }
}

/// Sees that root is mounted, beside what else is done.
pub fn watch_for_root(context: &Arc<Context>) {
    let watcher = Arc::clone(context);
    let spawned = std::thread::Builder::new()
        .name("mount".to_owned())
        .stack_size(crate::STACK)
        .spawn(move || {
            if mount::wait_for_root(&watcher.places, watcher.events.stop_fd()) {
                watcher.recorder.mounted();
                watcher.root_is_mounted();
            }
        });
    // Without it the other paths come later.
    if let Err(e) = spawned {
        let text = format!("no thread to see that root is mounted: {e}");
        context.kmsg.say(Level::Warning, &text);
    }
}

/// Waits until nobody has anything to do any more, or the program is told to
/// stop. What is missing then is put into the record.
pub fn wait_for_the_rest(context: &Context) {
    loop {
        let seen = context.events.seen();
        if context.is_idle() {
            break;
        }
        let limit = context.limit();
        if context.events.wait_past(seen, &[News::Own], limit) == Woken::Stopping {
            break;
        }
    }
    context.recorder.missing(context.missing());
}
