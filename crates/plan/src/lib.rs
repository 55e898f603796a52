//! The boot plan: what must be up before root can be mounted.
//!
//! Front-ends read their source and produce a [`Fragment`]; [`resolve`] turns
//! all fragments into one [`BootPlan`]; [`steps`] lays the plan out as the
//! ordered actions that a runtime carries out. This crate does no input or
//! output and knows no file format but the plan's own JSON form
//! ([`Document`]).

#![forbid(unsafe_code)]

mod address;
mod base64;
mod bond;
mod boot_plan;
mod bridge;
mod card;
mod connection_id;
mod dhcp;
mod document;
mod explain;
mod fragment;
mod glob;
mod host_name;
mod ipv6;
mod json;
mod judge;
mod layer;
mod link;
mod manager;
mod merge;
mod message;
mod mount;
mod name;
mod network;
mod network_file;
mod number;
mod nvme;
mod options;
mod origin;
mod path;
mod policy;
mod precedence;
mod reach;
mod remote;
mod resolve;
mod route;
mod secret;
mod settings;
mod severity;
mod sorted;
mod source;
mod stack;
mod step;
mod steps;
mod storage;
mod string_enum;
#[cfg(test)]
mod testing;
mod topology;

pub use address::InterfaceAddress;
pub use base64::base64;
pub use bond::{
    AdSelect, ArpAllTargets, ArpTargets, ArpValidate, Bond, BondMode, BondParameters, FailOverMac,
    LacpRate, PrimaryReselect, TransmitHashPolicy,
};
pub use boot_plan::{BootPlan, KnownPort, Requirement};
pub use bridge::{Bridge, BridgeParameters, BridgePort};
pub use card::Offloads;
pub use connection_id::ConnectionId;
pub use dhcp::{Dhcp4, Dhcp6};
pub use document::{Document, FORMAT_VERSION};
pub use explain::{Choice, Decided, ExplainedLink, ExplainedWay, Explanation, MOST_PASSED};
pub use fragment::{Authority, Fragment};
pub use glob::matches_glob;
pub use host_name::HostName;
pub use ipv6::{Ipv6AddressGeneration, Ipv6Settings, Ipv6Token, LinkLocal};
pub use layer::{Array, Layer, VolumeName};
pub use link::{ActivationMode, CardFacts, Dummy, Interface, LinkKind, Match, Vlan, Vrf};
pub use manager::{BOOT_DROP_IN, BOOT_NETWORK, BOOT_PROFILE, Manager};
pub use message::{mask, tidy, tidy_hint};
pub use mount::Mount;
pub use name::{DefinitionId, InterfaceName, MacAddress, NameError};
pub use network::Network;
pub use network_file::{NetworkFile, netplan_file};
pub use number::{
    Centiseconds, Ipv6Mtu, LearnPacketInterval, Milliseconds, Mtu, PathCost, PortPriority, VlanId,
};
pub use nvme::{ConnectionIdentity, Controller, HostId, HostIdentity, Nqn, Port, Transport};
pub use options::{CONNECT_OPTIONS, ConnectOption, ConnectOptions, OptionError, OptionKind};
pub use origin::{Origin, Warning};
pub use path::{ControllerPath, EgressInterface};
pub use policy::apply as apply_policy;
pub use reach::{Reach, Reason};
pub use resolve::resolve;
pub use route::{Destination, MAIN_TABLE, Route, RouteScope, RouteType, Rule};
pub use secret::{Secret, telling_secrets};
pub use settings::{HostSelector, HostSettings, PortSettings};
pub use severity::{InterfaceDiagnostic, Severity};
pub use sorted::{insert_by_key, inserted};
pub use step::{Action, NewLink, Portal, Step};
pub use steps::{Scope, steps};
pub use storage::{
    FilesystemType, GraphError, MountPoint, MountRequest, MountSource, Node, NodeRole, OtherRemote,
    Reference, StorageGraph,
};
