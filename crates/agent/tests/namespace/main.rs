//! From the card to the route and the lease in network namespaces, against a
//! real kernel and a real dnsmasq: the whole program, and its DHCP clients
//! alone. NVMe itself is played: this needs no kernel module, and proves
//! nothing about NVMe. What stands in for it is called `Played…`; the real
//! thing is proven in virtual machines.
//!
//! Needs root, `ip` and `dnsmasq`; without them the tests are skipped with a
//! word, and fail where `CI=true`.

mod boot;
mod bridges;
mod cards;
mod client;
mod client4;
mod client6;
mod dhcp4;
mod firmware;
mod ifupdown;
mod ipv6;
mod net;
mod networkd;
mod reports;
mod servers;
mod statics;
mod ways;
