//! What is common to sockets: options that no safe crate has, and waiting.
//!
//! The unsafe code is here because no safe crate gives `SO_ATTACH_FILTER` or
//! `SO_BINDTODEVICE`.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use nvmeroot_plan::InterfaceName;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Has the kernel pick among a socket's messages (`SO_ATTACH_FILTER`,
/// socket(7)); an empty filter picks all.
pub(crate) fn attach_filter(socket: impl AsFd, filter: &[libc::sock_filter]) -> io::Result<()> {
    if filter.is_empty() {
        return Ok(());
    }
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len())
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?,
        // The kernel reads it only, the field just isn't const.
        filter: filter.as_ptr().cast_mut(),
    };
    set_option(
        socket.as_fd(),
        libc::SO_ATTACH_FILTER,
        (&raw const program).cast(),
        size_of_val(&program),
    )
}

/// `value` points to `length` readable bytes that live through the call: only
/// the two callers here, with a local variable each.
fn set_option(
    fd: BorrowedFd<'_>,
    option: libc::c_int,
    value: *const libc::c_void,
    length: usize,
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(length)
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: see above; a sock_fprog's own pointer is a live slice of the
    // stated number of instructions.
    let result =
        unsafe { libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, value, length) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Binds a socket to a link (`SO_BINDTODEVICE`, `socket(7)`).
pub(crate) fn bind_to_link(socket: impl AsFd, link: &InterfaceName) -> io::Result<()> {
    let name = link.to_string();
    set_option(
        socket.as_fd(),
        libc::SO_BINDTODEVICE,
        name.as_ptr().cast(),
        name.len(),
    )
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Something may be readable.
    Ready,
    /// The time came.
    Time,
    /// The stop descriptor is readable.
    Stop,
}

/// Waits until one of `fds` or `stop` is readable, or until `until`.
pub(crate) fn wait(
    fds: &[BorrowedFd<'_>],
    stop: BorrowedFd<'_>,
    until: Instant,
) -> io::Result<Wake> {
    let mut polled = vec![PollFd::from_borrowed_fd(stop, PollFlags::IN)];
    polled.extend(
        fds.iter()
            .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)),
    );
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // A day at most; the loop waits again.
        let left = left.min(Duration::from_secs(86_400));
        let timeout = Timespec::try_from(left).unwrap_or_default();
        match poll(&mut polled, Some(&timeout)) {
            Ok(0) if Instant::now() >= until => return Ok(Wake::Time),
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) if !polled[0].revents().is_empty() => return Ok(Wake::Stop),
            Ok(_) => return Ok(Wake::Ready),
            Err(error) => return Err(error.into()),
        }
    }
}
