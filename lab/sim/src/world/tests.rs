//! Machines that never run: what their kernels would say comes from the test.
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::*;
use crate::spec::{CardSpec, Kernel, Mac, MachineSpec, SegmentId};
use crate::vhost_user::Connection;

const PATIENCE: Duration = Duration::from_secs(10);
const CARD: usize = 0;

/// A world with one machine that has a card.
fn world(dir: &tempfile::TempDir, memory_mib: u32) -> World {
    let kernel = Kernel {
        linux: "/nonexistent/linux".into(),
        entropy_shim: None,
    };
    let mut world = World::new(Settings::new(dir.path(), kernel)).expect("a world");
    let spec = MachineSpec {
        name: "m1".to_owned(),
        initrd: "/nonexistent/initrd".into(),
        cmdline: String::new(),
        memory_mib,
        cards: vec![CardSpec {
            mac: Mac([2, 0, 0, 0, 0, 1]),
            slot: 3,
            segment: SegmentId(0),
            carrier: true,
            speed_mbit: 1000,
        }],
        disks: Vec::new(),
        processor: None,
    };
    let machine = Machine::new(spec, 0, &world.settings).expect("a machine");
    world.machines.push(machine);
    world.clock.add();
    world
}

/// Has its card connected; the machine's end.
fn connect(world: &mut World) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let source = Source::Device(CARD);
    world.poller.watch(&ours, 0, source).expect("watched");
    let connection = Connection::new(ours, 2, PATIENCE).expect("connected");
    world.machines[0].devices[CARD].connection = Some(connection);
    theirs
}

/// `VHOST_USER_SET_VRING_KICK` of ring 0.
fn kick_by(theirs: &UnixStream, fd: BorrowedFd<'_>) {
    let head = [12u32, 1, 8].map(u32::to_ne_bytes).concat();
    let message = [head, 0u64.to_ne_bytes().to_vec()].concat();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(&fd))));
    sendmsg(
        theirs,
        &[IoSlice::new(&message)],
        &mut control,
        SendFlags::empty(),
    )
    .expect("sent");
}

fn is_connected(world: &World) -> bool {
    world.machines[0].devices[CARD].connection.is_some()
}

#[test]
fn a_kick_that_epoll_refuses_costs_the_machine_its_device() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world = world(&dir, 64);
    let theirs = connect(&mut world);
    let eventfd = rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).expect("made");
    kick_by(&theirs, eventfd.as_fd());
    world.poll(PATIENCE).expect("heard");
    assert!(is_connected(&world));
    // Files are always ready, so epoll has no use for them (EPERM).
    let file = tempfile::tempfile().expect("a file");
    let refused = world
        .poller
        .watch(&file, 0, Source::Kick(CARD, 0))
        .expect_err("refused");
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    kick_by(&theirs, file.as_fd());
    world.poll(PATIENCE).expect("the others go on");
    assert!(!is_connected(&world));
}

#[test]
fn a_machine_that_finds_no_room_is_not_started() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world = world(&dir, u32::MAX);
    let error = world.start(0).expect_err("4 PiB");
    let Error::Room {
        name,
        needed,
        left,
        path,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((name.as_str(), *needed), ("m1", u64::from(u32::MAX)));
    assert!(left < needed);
    assert_eq!(path, world.scratch.path());
    assert!(
        error.to_string().contains("hint: make it larger"),
        "{error}"
    );
    assert_eq!(world.machines[0].state, State::Off);
}
