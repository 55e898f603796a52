//! NVMe over Fabrics by the kernel's own interface: a write to
//! `/dev/nvme-fabrics` makes a controller (drivers/nvme/host/fabrics.c), an
//! ioctl asks it for the discovery log, sysfs shows and removes it.

mod admin;
mod connect;
mod error;
mod log_page;
mod options;
mod sysfs;
mod turn;

pub use connect::{ConnectError, Connected, Device, Fabrics, Kernel, Refusal};
pub use error::{classify, from_kernel_log};
pub use log_page::{
    DiscoveryEntry, ENTRY, LogHeader, LogPageError, MOST_ENTRIES, SubsystemKind, parse_entries,
};
pub use options::{Request, Supported};
pub use sysfs::{ControllerState, NvmeTree, SysController, SysNamespace};
