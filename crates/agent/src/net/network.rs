//! What is known of the interfaces that lead to the storage.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nvmeroot_plan::InterfaceName;

use super::card::{Card, Wanted};
use super::link_table::LinkTable;
use crate::sys::events::Change;
use crate::sys::kmsg::Level;
use crate::sys::netlink::{Link, Netlink, NetlinkError, sysctl};
use crate::task::Context;

/// The interfaces of the plan that lead to the storage.
#[derive(Debug)]
pub struct Network {
    pub(super) context: Arc<Context>,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    links: LinkTable,
    /// How long the kernel waited for each link's neighbours before.
    neighbour_times: BTreeMap<String, String>,
}

impl Network {
    /// Nothing is brought up yet.
    pub fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            shared: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the links of the interfaces in a system whose network is up.
    ///
    /// # Errors
    /// When the kernel does not list the links.
    pub(crate) fn find_links(&self) -> Result<(), NetlinkError> {
        let links = Netlink::open()?.links()?;
        for interface in self.context.plan.storage_interfaces() {
            let links = links.iter().cloned();
            let cards = links.map(|link| Card::of(link, &self.context.paths));
            let wanted = Wanted {
                name: &interface.name,
                matching: interface.matching.as_ref(),
                renamed: interface.set_name,
            };
            if let Some(card) = wanted.find(cards) {
                self.found_link(&interface.name, &card.link);
            }
        }
        Ok(())
    }

    /// Runs `work` in a thread of its own. The program does not end before.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) {
        let network = Arc::clone(self);
        self.context.spawn(name, move || work(&network));
    }

    /// Packets get through over this link: it has carrier, and it is one of the
    /// interfaces that lead to a portal by the plan (`planned` is empty: any).
    pub(crate) fn is_usable(&self, link: &Link, planned: &[InterfaceName]) -> bool {
        let all = &self.context.plan.network.interfaces;
        let links = &self.lock().links;
        let is_planned =
            |name: &InterfaceName| name.as_str() == link.name || links.of(name) == Some(link.index);
        let planned = planned.is_empty() || planned.iter().any(is_planned);
        planned && link.carrier && !links.negotiates(all, link.index)
    }

    /// The link has carrier, and no bond below it still negotiates.
    pub(super) fn carries(&self, link: &Link) -> bool {
        self.is_usable(link, &[])
    }

    /// The interface is this link.
    pub(super) fn found_link(&self, interface: &InterfaceName, link: &Link) {
        self.context.recorder.interface(interface, &link.name);
        self.lock().links.found(interface, link.index);
        self.context.events.raise(Change::Own);
    }

    /// The index of the interface's link, when it has been found.
    pub(super) fn link_of(&self, interface: &InterfaceName) -> Option<u32> {
        self.lock().links.of(interface)
    }

    /// The link that connections over an interface are bound to: the interface's, else
    /// the one of that name.
    pub(crate) fn bound_link(
        &self,
        interface: &InterfaceName,
        netlink: &mut Netlink,
    ) -> Option<Link> {
        match self.link_of(interface) {
            Some(index) => netlink.link(index).ok()?,
            None => {
                let mut links = netlink.links().ok()?.into_iter();
                links.find(|link| link.name == interface.as_str())
            }
        }
    }

    /// All that has to come before others stand on the interface is done.
    pub(super) fn is_prepared(&self, interface: &InterfaceName) {
        self.lock().links.is_prepared(interface);
        self.context.events.raise(Change::Own);
    }

    /// The index of the interface's link, when others may be set on it.
    pub(super) fn prepared_link(&self, interface: &InterfaceName) -> Option<u32> {
        self.lock().links.prepared(interface)
    }

    /// The bond negotiates with the other side, or has ended that.
    pub(super) fn set_negotiating(&self, bond: &InterfaceName, negotiates: bool) {
        self.lock().links.set_negotiating(bond, negotiates);
        self.context.events.raise(Change::Own);
    }

    /// Sets one of a link's IPv6 settings, if it can be set.
    pub(super) fn try_ipv6(&self, link: &Link, key: &str, value: &str) {
        if let Err(e) = sysctl::set_ipv6(&self.context.paths, &link.name, key, value) {
            let text = format!("`{}`: can't set `{key}` to {value}: {e}", link.name);
            self.context.kmsg.say(Level::Debug, &text);
        }
    }

    /// Has the kernel ask for a link's neighbours more often while the machine
    /// boots.
    pub(super) fn ask_neighbours_every(&self, link: &Link, milliseconds: &str) {
        let set = sysctl::set_question_time(&self.context.paths, &link.name, milliseconds);
        if let Ok(before) = set {
            let times = &mut self.lock().neighbour_times;
            times.entry(link.name.clone()).or_insert(before);
        }
    }

    /// Takes back what was changed only while the machine boots.
    pub(super) fn restore(&self) {
        for (link, time) in std::mem::take(&mut self.lock().neighbour_times) {
            // A link that is gone needs nothing back.
            let _ = sysctl::set_question_time(&self.context.paths, &link, &time);
        }
    }
}
