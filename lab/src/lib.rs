//! The lab: machines, simulated or emulated, that boot from a real NVMe/TCP target.
//!
//! A *target* (kernel nvmet over TCP, dnsmasq) exports a drive; a *host* made
//! of a Debian tree, configured by `nvmeroot configure`, boots from it across
//! a network, watches itself, and reports. [`scenario`] says what is
//! tried and what must hold; [`run_all`] tries it. [`Lab`] is for other uses of
//! the same parts: a demonstration, a measurement.

pub mod archive;
mod axes;
mod bond;
mod boot;
mod cache;
mod command;
pub mod differential;
mod effect;
mod error;
mod firmware;
mod guest;
mod host;
mod host_spec;
mod installed;
mod kernel;
mod lab;
mod live;
mod machine;
mod marks;
mod outcome;
mod overlay;
mod platform;
mod ramdisk;
mod reason;
mod record;
mod report;
pub mod requirements;
mod run;
pub mod scenario;
mod schedule;
mod session;
mod stack;
mod target;
mod tree;
pub mod trouble;
mod under;

pub use boot::{Boot, Phase, boot};
pub use effect::Effect;
pub use error::{Error, Result};
pub use firmware::Firmware;
pub use host::HostImage;
pub use host_spec::{
    Generator, HOST_ID, HOST_NQN, HostKind, HostSpec, Manager, PackageStory, Release, TreeFile,
    Under,
};
pub use lab::{FIRST_SLOT, Lab, Wiring};
pub use machine::{Clock, Kind, Line, Need, Processors, SEED, Way, Who};
pub use marks::Marks;
pub use record::{Record, RecordedError, RecordedStep};
pub use report::{Address, Controller, Heartbeat, Mount, Process, Report, Route, Stall};
pub use run::{Verdict, run};
pub use schedule::{Job, parallel, run_all};
pub use session::{Session, switch_on};
pub use target::{Portal, SECOND_SUBSYSTEM, SUBSYSTEM, TargetNetwork, TargetSpec};
