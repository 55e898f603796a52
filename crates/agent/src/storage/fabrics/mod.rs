//! NVMe over Fabrics by the kernel's own interface: a write to
//! `/dev/nvme-fabrics` makes a controller (drivers/nvme/host/fabrics.c), sysfs
//! shows and removes it. What a discovery portal offers is asked over a socket
//! of our own, or of a controller that is made for it by an ioctl.

mod admin;
mod connect;
mod connect_lock;
mod connection;
mod error;
mod options;
mod sysfs;
mod tcp;

pub use connect::{Connected, Device, Fabrics, Kernel, Refusal};
pub use connection::open;
pub use error::{classify, from_kernel_log};
pub use nvmeroot_fabrics::log_page::{Offered, SubsystemKind};
pub use options::{Request, Supported};
pub use sysfs::{NvmeTree, SysController};
