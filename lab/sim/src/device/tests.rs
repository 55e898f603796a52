//! Devices as a kernel meets them: its messages and its memory, friendly and hostile.
use std::fs::File;
use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use proptest::prelude::*;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::*;
use crate::card::TX;
use crate::entropy::Random;
use crate::overlay::Overlay;
use crate::spec::Mac;
use crate::vhost_user::Event;

/// Where the machine's memory lies, and how much.
const BASE: u64 = 0x10_0000;
const SIZE: usize = 0x1_0000;
const DESC: u64 = 0;
const AVAIL: u64 = 0x1000;
const USED: u64 = 0x2000;
const BUFFERS: u64 = 0x4000;
const NEXT: u16 = 1;
const WRITE: u16 = 2;
/// Entries of each ring.
const ENTRIES: u16 = 8;

/// A kernel with one ring.
struct Guest {
    device: Device,
    socket: UnixStream,
    memory: File,
    given: u16,
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

impl Guest {
    fn new(kind: Kind) -> Self {
        let (ours, socket) = UnixStream::pair().expect("a pair");
        let memory = File::from(
            rustix::fs::memfd_create("guest", rustix::fs::MemfdFlags::CLOEXEC).expect("memory"),
        );
        memory.set_len(SIZE as u64).expect("sized");
        let mut device = Device::new(kind, 3);
        let connection = Connection::new(ours, device.rings(), Duration::from_secs(10));
        device.connection = Some(connection.expect("connected"));
        Self {
            device,
            socket,
            memory,
            given: 0,
        }
    }

    /// A kernel that has set up this ring.
    fn with_ring(kind: Kind, ring: u32) -> Self {
        let mut guest = Self::new(kind);
        guest
            .tell(2, &(1u64 << 32 | 1 << 29 | 1 << 30).to_ne_bytes(), false)
            .expect("features");
        guest.share_memory();
        guest
            .tell(8, &words(&[ring, u32::from(ENTRIES)]), false)
            .expect("size");
        guest.tell(10, &words(&[ring, 0]), false).expect("base");
        let mut addresses = words(&[ring, 0]);
        for place in [DESC, USED, AVAIL, 0] {
            addresses.extend((BASE + place).to_ne_bytes());
        }
        guest.tell(9, &addresses, false).expect("addresses");
        let enabled = guest.tell(18, &words(&[ring, 1]), false).expect("enabled");
        assert_eq!(enabled, Some(Event::Kicked(ring as usize)));
        guest
    }

    fn share_memory(&mut self) {
        let mut table = words(&[1, 0]);
        for number in [BASE, SIZE as u64, BASE, 0] {
            table.extend(number.to_ne_bytes());
        }
        self.tell(5, &table, true).expect("memory");
    }

    /// Sends a message and has it read.
    fn tell(
        &mut self,
        request: u32,
        payload: &[u8],
        with_memory: bool,
    ) -> io::Result<Option<Event>> {
        let mut bytes = words(&[request, 1, payload.len() as u32]);
        bytes.extend(payload);
        self.send(&bytes, with_memory)
    }

    fn send(&mut self, bytes: &[u8], with_memory: bool) -> io::Result<Option<Event>> {
        let memory = self.memory.try_clone().expect("one more");
        self.send_with(bytes, with_memory.then_some(memory.as_fd()))
    }

    fn send_with(&mut self, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<Option<Event>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if let Some(fd) = &fd {
            assert!(control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(fd))));
        }
        sendmsg(
            &self.socket,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::empty(),
        )
        .expect("sent");
        let offer = self.device.offer(true);
        self.device
            .connection
            .as_mut()
            .expect("a connection")
            .message(&offer)
    }

    fn poke(&self, at: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, at).expect("written");
    }

    fn peek<const N: usize>(&self, at: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read_exact_at(&mut bytes, at).expect("read");
        bytes
    }

    fn describe(&self, number: u16, at: u64, len: usize, flags: u16, next: u16) {
        let mut bytes = (BASE + at).to_le_bytes().to_vec();
        bytes.extend((len as u32).to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend(next.to_le_bytes());
        self.poke(DESC + 16 * u64::from(number), &bytes);
    }

    /// Gives the device the chain that begins with this descriptor.
    fn give(&mut self, head: u16) {
        self.poke(
            AVAIL + 4 + 2 * u64::from(self.given % ENTRIES),
            &head.to_le_bytes(),
        );
        self.given += 1;
        self.poke(AVAIL + 2, &self.given.to_le_bytes());
    }

    fn used(&self) -> u16 {
        u16::from_le_bytes(self.peek(USED + 2))
    }

    /// Descriptor and length of an entry of the used ring.
    fn returned(&self, entry: u64) -> (u32, u32) {
        let at = USED + 4 + 8 * entry;
        (
            u32::from_le_bytes(self.peek(at)),
            u32::from_le_bytes(self.peek(at + 4)),
        )
    }
}

fn card() -> Kind {
    Kind::Card(Card::new(Mac([2, 0, 0, 0, 0, 1]), 1000, true))
}

fn disk() -> (tempfile::NamedTempFile, Kind) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&[7; 8192]).expect("written");
    let overlay = Overlay::open(file.path()).expect("opened");
    (file, Kind::Disk(Disk::new(overlay, false, 5)))
}

#[test]
fn a_card_takes_a_frame_from_two_buffers() {
    let mut guest = Guest::with_ring(card(), TX as u32);
    let frame: Vec<u8> = (0..60).collect();
    guest.describe(0, BUFFERS, 12, NEXT, 1);
    guest.describe(1, BUFFERS + 100, 60, 0, 0);
    guest.poke(BUFFERS + 100, &frame);
    guest.give(0);
    assert_eq!(guest.device.kicked(TX).frames, vec![frame]);
    assert_eq!((guest.used(), guest.returned(0)), (1, (0, 0)));
}

#[test]
fn a_card_gives_one_frame_in_as_many_buffers_as_it_takes() {
    let mut guest = Guest::with_ring(card(), 0);
    for number in 0..4 {
        guest.describe(number, BUFFERS + 0x100 * u64::from(number), 32, WRITE, 0);
    }
    guest.give(2);
    guest.give(1);
    let frame: Vec<u8> = (0..60).collect();
    let Kind::Card(card) = &mut guest.device.kind else {
        panic!("a card")
    };
    card.receive(frame.clone());
    // 72 bytes, and room for 64: nothing is taken.
    assert!(!guest.device.refill());
    assert_eq!(guest.used(), 0);
    assert!(guest.device.kicked(0).refill);
    guest.give(3);
    assert!(guest.device.refill());
    assert_eq!(guest.used(), 3);
    assert_eq!(
        [guest.returned(0), guest.returned(1), guest.returned(2)],
        [(2, 32), (1, 32), (3, 8)]
    );
    let header: [u8; 12] = guest.peek(BUFFERS + 0x200);
    assert_eq!(header, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
    let mut got = guest.peek::<20>(BUFFERS + 0x20c).to_vec();
    got.extend(guest.peek::<32>(BUFFERS + 0x100));
    got.extend(guest.peek::<8>(BUFFERS + 0x300));
    assert_eq!(got, frame);
}

#[test]
fn a_card_loses_what_waits_with_its_carrier_only() {
    let mut card = Card::new(Mac([2, 0, 0, 0, 0, 1]), 1000, true);
    card.receive(vec![0; 60]);
    assert!(!card.set_carrier(true));
    assert!(card.starved());
    assert!(card.set_carrier(false));
    assert!(!card.starved());
    card.receive(vec![0; 60]);
    assert_eq!(card.missed(), 2);
    card.set_carrier(true);
    for _ in 0..2050 {
        card.receive(vec![0; 60]);
    }
    assert_eq!(card.missed(), 4);
}

#[test]
fn a_disk_reads_and_refuses_what_lies_beyond_its_end() {
    let (_file, kind) = disk();
    let mut guest = Guest::with_ring(kind, 0);
    for (number, sector, status) in [(0u16, 15u64, 0u8), (3, 16, 1)] {
        guest.poke(
            BUFFERS,
            &[&words(&[0, 0])[..], &sector.to_le_bytes()].concat(),
        );
        guest.poke(BUFFERS + 0x400, &[0xee]);
        guest.describe(number, BUFFERS, 16, NEXT, number + 1);
        guest.describe(number + 1, BUFFERS + 0x200, 512, NEXT | WRITE, number + 2);
        guest.describe(number + 2, BUFFERS + 0x400, 1, WRITE, 0);
        guest.give(number);
        guest.device.kicked(0);
        assert_eq!(guest.peek(BUFFERS + 0x400), [status], "sector {sector}");
        assert_eq!(
            guest.peek(BUFFERS + 0x200),
            if status == 0 { [7; 512] } else { [0; 512] }
        );
    }
}

#[test]
fn a_disk_refuses_more_zeroes_than_it_offers() {
    // More sectors than are offered for one order, on a disk that has them.
    let file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file().set_len(4 << 30).expect("sized");
    let overlay = Overlay::open(file.path()).expect("opened");
    let mut guest = Guest::with_ring(Kind::Disk(Disk::new(overlay, false, 5)), 0);
    let segment = |count: u32| [&[0; 8][..], &words(&[count, 0])].concat();
    let orders = [
        (segment(8), 0),
        (segment((1 << 22) + 1), 1),
        ([segment(8), segment(8)].concat(), 1),
        (segment(8)[..8].to_vec(), 1),
    ];
    for (order, status) in orders {
        guest.poke(BUFFERS, &[&words(&[13, 0, 0, 0]), &order[..]].concat());
        guest.poke(BUFFERS + 0x400, &[0xee]);
        guest.describe(0, BUFFERS, 16 + order.len(), NEXT, 1);
        guest.describe(1, BUFFERS + 0x400, 1, WRITE, 0);
        guest.give(0);
        guest.device.kicked(0);
        assert_eq!(guest.peek(BUFFERS + 0x400), [status], "{order:?}");
    }
}

#[test]
fn a_ring_that_the_driver_let_go_of_is_not_touched() {
    let mut guest = Guest::with_ring(card(), TX as u32);
    guest.describe(0, BUFFERS, 80, 0, 0);
    guest.give(0);
    guest
        .tell(18, &words(&[TX as u32, 0]), false)
        .expect("disabled");
    assert_eq!(guest.device.kicked(TX).frames, Vec::<Vec<u8>>::new());
    assert_eq!(guest.used(), 0);
}

#[test]
fn a_kernel_that_does_not_answer_on_the_back_end_channel_is_not_awaited_for_ever() {
    let mut guest = Guest::new(card());
    let (ours, _theirs) = UnixStream::pair().expect("a pair");
    // VHOST_USER_SET_BACKEND_REQ_FD
    guest
        .send_with(&words(&[21, 1, 0]), Some(ours.as_fd()))
        .expect("taken");
    // The same socket as the device's.
    let patience = Some(Duration::from_secs(10));
    assert_eq!(ours.read_timeout().expect("asked"), patience);
    assert_eq!(ours.write_timeout().expect("asked"), patience);
}

#[test]
fn a_kick_that_is_not_there_is_not_awaited() {
    let mut guest = Guest::new(card());
    let kick = rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).expect("made");
    // VHOST_USER_SET_VRING_KICK
    let message = [&words(&[12, 1, 8])[..], &0u64.to_ne_bytes()].concat();
    let event = guest
        .send_with(&message, Some(kick.as_fd()))
        .expect("taken");
    assert_eq!(event, Some(Event::NewKick(0)));
    let ours = guest.device.connection.as_ref().and_then(|c| c.kick(0));
    let read = rustix::io::read(ours.expect("a kick"), &mut [0; 8]);
    assert_eq!(read, Err(rustix::io::Errno::AGAIN));
}

#[test]
fn a_ring_outside_the_memory_is_refused() {
    let mut guest = Guest::new(card());
    guest.share_memory();
    let mut addresses = words(&[0, 0]);
    for place in [BASE, BASE + SIZE as u64, BASE, 0] {
        addresses.extend(place.to_ne_bytes());
    }
    let refused = guest.tell(9, &addresses, false).expect_err("outside");
    assert_eq!(refused.to_string(), "address outside the memory");
    let refused = guest
        .tell(8, &words(&[7, 8]), false)
        .expect_err("no such ring");
    assert_eq!(refused.to_string(), "ring 7");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever lies in a ring: no panic, no endless loop, and an end to what is read and written.
    #[test]
    fn no_memory_harms_a_device(seed: u64, which in 0usize..4, tame in any::<bool>()) {
        let (_file, disk) = disk();
        let port = Port::default();
        let kind = [card(), disk, Kind::Port(port), Kind::Entropy(Entropy { random: Random::new(1) })]
            .into_iter()
            .nth(which)
            .expect("a kind");
        let rings = if which == 0 || which == 2 { 2 } else { 1 };
        let mut random = Random::new(seed);
        for ring in 0..rings {
            let kind = match (&kind, ring) {
                (Kind::Card(_), _) => card(),
                (Kind::Disk(_), _) => self::disk().1,
                (Kind::Port(_), _) => Kind::Port(Port::default()),
                (Kind::Entropy(_), _) => Kind::Entropy(Entropy { random: Random::new(1) }),
            };
            let mut guest = Guest::with_ring(kind, ring);
            for _ in 0..20 {
                let noise: Vec<u8> = (0..64).flat_map(|_| random.next().to_le_bytes()).collect();
                guest.poke(random.next() % 0x3000, &noise);
                if tame {
                    // Descriptors that make some sense get further.
                    for number in 0..ENTRIES {
                        let r = random.next();
                        let (at, len) = (BUFFERS + r % 0xc000, (r >> 16) as usize % 0x800);
                        guest.describe(number, at, len, (r >> 40) as u16 & 7, (r >> 48) as u16 % ENTRIES);
                    }
                    guest.give(random.next() as u16 % ENTRIES);
                }
                let kicked = guest.device.kicked(ring as usize);
                prop_assert!(kicked.frames.len() <= 256);
                match &mut guest.device.kind {
                    Kind::Card(card) => card.receive(vec![1; random.next() as usize % 2000]),
                    Kind::Port(port) => port.push(&[b'x'; 100]),
                    _ => {}
                }
                guest.device.refill();
            }
        }
    }

    /// Whatever is said: an error at worst.
    #[test]
    fn no_message_harms_a_device(messages in proptest::collection::vec(
        (0u32..40, proptest::collection::vec(any::<u8>(), 0..80), any::<bool>()), 1..20
    )) {
        let mut guest = Guest::new(card());
        guest.share_memory();
        for (request, payload, with_memory) in messages {
            if guest.tell(request, &payload, with_memory).is_err() {
                // What the world does then.
                guest.device.disconnect();
                return Ok(());
            }
            for ring in 0..2 {
                guest.device.kicked(ring);
            }
            guest.device.refill();
        }
    }
}
