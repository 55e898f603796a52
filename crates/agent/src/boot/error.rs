//! Why the program can't even begin.

use nvmeroot_plan::FORMAT_VERSION;

use crate::sys::netlink;

/// Why `run` can't even begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("can't read the plan `{path}`: {source}")]
    Read {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the plan `{path}` can't be read: {source}; run `nvmeroot configure` again and regenerate the initramfs"
    )]
    Parse {
        path: std::path::PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "the plan `{path}` has version {version}, this program reads {FORMAT_VERSION}; run `nvmeroot configure` again and regenerate the initramfs"
    )]
    Version {
        path: std::path::PathBuf,
        version: u32,
    },
    #[error("{0}")]
    Netlink(#[from] netlink::NetlinkError),
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        source: std::io::Error,
    },
}

pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> StartError {
    move |source| StartError::Io { what, source }
}
