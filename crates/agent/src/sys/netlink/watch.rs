//! Watches the kernel for changes: links, addresses, routes (rtnetlink(7)),
//! devices (uevents), and what udev made of them.

use std::io;
use std::sync::Arc;

use libc::{MSG_DONTWAIT, sock_filter};
use netlink_sys::protocols::{NETLINK_KOBJECT_UEVENT, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use rustix::event::{PollFd, PollFlags, poll};

use super::{NetlinkError, failed, filter};
use crate::sys::events::{Change, Events};
use crate::sys::socket::attach_filter;
use crate::sys::{spawn, uevent};

/// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR,
/// RTMGRP_IPV6_ROUTE (linux/rtnetlink.h).
const ROUTE_GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// The kernel's own uevents, and udev's after its rules: by then the links
/// under /dev/disk are there.
const DEVICE_GROUPS: u32 = 0x1 | 0x2;

/// Starts a thread that raises `events` whenever the kernel tells of a change
/// that may matter. Once this returns no change is missed.
///
/// # Errors
/// When the kernel has no such sockets.
pub fn watch(events: &Arc<Events>) -> Result<(), NetlinkError> {
    let open = |protocol, groups, filter: &[sock_filter]| -> io::Result<Socket> {
        let mut socket = Socket::new(protocol)?;
        // Without it we only wake more often.
        let _ = attach_filter(&socket, filter);
        socket.bind(&SocketAddr::new(0, groups))?;
        // Room for a storm of events; when it overflows all the same, the
        // error raises the events like a message.
        let _ = socket.set_rx_buf_sz(1024_u32 * 1024);
        Ok(socket)
    };
    let failed = || failed(|| "can't watch the kernel's network and devices".to_owned());
    let routes = open(NETLINK_ROUTE, ROUTE_GROUPS, &[]).map_err(failed())?;
    let devices =
        open(NETLINK_KOBJECT_UEVENT, DEVICE_GROUPS, &filter::devices()).map_err(failed())?;
    let events = Arc::clone(events);
    spawn("watch", move || run(&routes, &devices, &events)).map_err(failed())?;
    Ok(())
}

fn run(routes: &Socket, devices: &Socket, events: &Events) {
    let mut buffer = Vec::with_capacity(64 * 1024);
    while !events.is_stopping() {
        match wait(routes, devices) {
            Ok((route, device)) => {
                // All that has come by now is one reason to look.
                if route && drain(routes, &mut buffer, |_| true) {
                    events.raise(Change::Network);
                }
                if device && drain(devices, &mut buffer, matters) {
                    events.raise(Change::Devices);
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            // Nothing to wait on any more; the deadlines still hold.
            Err(_) => return,
        }
    }
}

/// Reads what is there; true if any of it is news.
fn drain(socket: &Socket, buffer: &mut Vec<u8>, is_news: impl Fn(&[u8]) -> bool) -> bool {
    let mut news = false;
    // Bounded: a storm must not keep the others from being told.
    for _ in 0..256 {
        buffer.clear();
        match socket.recv(buffer, MSG_DONTWAIT) {
            Ok(_) => news |= is_news(buffer),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            // Messages were lost (`ENOBUFS`): look at everything again.
            Err(_) => return true,
        }
    }
    news
}

/// Where the kernel can't filter, we do.
fn matters(message: &[u8]) -> bool {
    // udev's messages have a header of their own.
    uevent::devpath(message).is_none_or(|path| path.starts_with(filter::NVME))
}

fn wait(routes: &Socket, devices: &Socket) -> Result<(bool, bool), rustix::io::Errno> {
    let mut ready = [
        PollFd::new(routes, PollFlags::IN),
        PollFd::new(devices, PollFlags::IN),
    ];
    poll(&mut ready, None)?;
    Ok((
        !ready[0].revents().is_empty(),
        !ready[1].revents().is_empty(),
    ))
}
