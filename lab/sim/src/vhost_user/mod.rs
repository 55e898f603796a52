//! The part of vhost-user that the kernel's `virtio_uml` driver speaks: one device's connection.
//!
//! The crates `vhost` and `vhost-user-backend` can't be used for this: their back-end side sends neither
//! `CONFIG_CHANGE_MSG` nor `VRING_CALL`, and refuses kicks in band.
mod message;

use std::fs::File;
use std::io::{self, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use vm_memory::{FileOffset, GuestAddress, GuestMemoryMmap};

use self::message::{HEAD, Region, Request};
use crate::ring::Ring;

/// Feature bits of every device: `VIRTIO_F_VERSION_1`, `VIRTIO_RING_F_EVENT_IDX`, `VIRTIO_RING_F_INDIRECT_DESC`.
pub(crate) const BASE_FEATURES: u64 = 1 << 32 | 1 << 29 | 1 << 28;
const F_EVENT_IDX: u64 = 1 << 29;
/// `VHOST_USER_F_PROTOCOL_FEATURES`
const F_PROTOCOL: u64 = 1 << 30;
const P_REPLY_ACK: u64 = 1 << 3;
const P_BACKEND_CHANNEL: u64 = 1 << 5;
const P_CONFIG: u64 = 1 << 9;
const P_INBAND: u64 = 1 << 14;
const KICK: u32 = 35;
const CONFIG_CHANGED: u32 = 2;
const CALL: u32 = 4;
/// No configuration space is larger.
const LARGEST_CONFIG: usize = 256;

/// What a device offers when it is asked.
pub(crate) struct Offer {
    pub(crate) features: u64,
    /// The configuration space.
    pub(crate) config: Vec<u8>,
    /// Kicks and calls as messages that are answered: how virtual time wants them. Not in real time: the
    /// kernel waits for an answer with a spinlock held.
    pub(crate) in_band: bool,
}

/// What the owner of a connection has to do after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A ring has a new descriptor for kicks.
    NewKick(usize),
    /// A ring may be used from now on, or has been kicked out of band.
    Kicked(usize),
    /// A ring was kicked in band: [`Connection::answer_kick`] when that has been dealt with.
    KickedInBand(usize),
    /// The configuration space was read.
    ConfigRead,
}

/// A device's connection with the kernel of its machine.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: UnixStream,
    /// Through which the device asks.
    channel: Option<UnixStream>,
    protocol: u64,
    event_idx: bool,
    memory: Option<GuestMemoryMmap>,
    regions: Vec<Region>,
    rings: Vec<Ring>,
}

fn bad(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

impl Connection {
    /// `patience`: a kernel that stops in the middle of a message for so long is gone.
    pub(crate) fn new(socket: UnixStream, rings: usize, patience: Duration) -> io::Result<Self> {
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        Ok(Self {
            socket,
            channel: None,
            protocol: 0,
            event_idx: false,
            memory: None,
            regions: Vec::new(),
            rings: (0..rings).map(|_| Ring::new()).collect(),
        })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The descriptor on which the machine kicks a ring out of band.
    pub(crate) fn kick(&self, ring: usize) -> Option<&File> {
        self.rings.get(ring)?.kick()
    }

    /// A ring that may be used, and the memory it lies in.
    pub(crate) fn ring(&mut self, ring: usize) -> Option<(&mut Ring, &GuestMemoryMmap)> {
        let ring = self.rings.get_mut(ring)?;
        ring.usable().then_some(())?;
        Some((ring, self.memory.as_ref()?))
    }

    fn ring_of(&mut self, ring: usize) -> io::Result<&mut Ring> {
        self.rings
            .get_mut(ring)
            .ok_or_else(|| bad(format!("ring {ring}")))
    }

    fn in_band(&self) -> bool {
        self.protocol & P_INBAND != 0
    }

    fn translate(&self, user: u64) -> io::Result<GuestAddress> {
        let holds = |region: &&Region| user >= region.user && user - region.user < region.size;
        let region = self
            .regions
            .iter()
            .find(holds)
            .ok_or_else(|| bad("address outside the memory"))?;
        (user - region.user)
            .checked_add(region.guest)
            .map(GuestAddress)
            .ok_or_else(|| bad("address too large"))
    }

    fn reply(&mut self, request: u32, payload: &[u8]) -> io::Result<()> {
        self.socket.write_all(&message::reply(request, payload))
    }

    /// Reads the next message's head; None: there is nothing to read.
    fn read_head(&mut self) -> io::Result<Option<(message::Head, Vec<File>)>> {
        let mut bytes = [0; HEAD];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = match recvmsg(
            &self.socket,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            flags,
        ) {
            Err(e) if e == rustix::io::Errno::AGAIN || e == rustix::io::Errno::INTR => {
                return Ok(None);
            }
            received => received?,
        };
        let mut files = Vec::new();
        for item in control.drain() {
            if let RecvAncillaryMessage::ScmRights(fds) = item {
                files.extend(fds.map(File::from));
            }
        }
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.socket.read_exact(&mut bytes[received.bytes..])?;
        Ok(Some((message::head(&bytes).map_err(bad)?, files)))
    }

    /// Reads and answers one message.
    pub(crate) fn message(&mut self, offer: &Offer) -> io::Result<Option<Event>> {
        let Some((head, mut files)) = self.read_head()? else {
            return Ok(None);
        };
        let mut bytes = vec![0; head.size];
        self.socket.read_exact(&mut bytes)?;
        let mut event = None;
        let mut answered = false;
        match message::body(head.request, &bytes).map_err(bad)? {
            Request::GetFeatures => {
                self.reply(head.request, &(offer.features | F_PROTOCOL).to_ne_bytes())?;
                answered = true;
            }
            Request::SetFeatures(features) => {
                self.event_idx = features & F_EVENT_IDX != 0;
                for ring in &mut self.rings {
                    ring.set_event_idx(self.event_idx);
                }
            }
            Request::SetMemory(regions) => self.map(regions, files)?,
            Request::SetSize { ring, size } => self.ring_of(ring)?.set_size(size).map_err(bad)?,
            Request::SetAddresses {
                ring,
                desc,
                used,
                avail,
            } => {
                let (desc, used, avail) = (
                    self.translate(desc)?,
                    self.translate(used)?,
                    self.translate(avail)?,
                );
                self.ring_of(ring)?
                    .set_addresses(desc, used, avail)
                    .map_err(bad)?;
            }
            Request::SetBase { ring, base } => self.ring_of(ring)?.set_base(base),
            Request::SetKick { ring } => {
                let kick = files.pop();
                self.ring_of(ring)?.set_kick(kick)?;
                event = Some(Event::NewKick(ring));
            }
            Request::SetCall { ring } => {
                let call = files.pop().map(|f| UnixStream::from(OwnedFd::from(f)));
                self.ring_of(ring)?.set_call(call)?;
            }
            Request::GetProtocolFeatures => {
                let in_band = if offer.in_band {
                    P_INBAND | P_REPLY_ACK
                } else {
                    0
                };
                self.reply(
                    head.request,
                    &(P_BACKEND_CHANNEL | P_CONFIG | in_band).to_ne_bytes(),
                )?;
                answered = true;
            }
            Request::SetProtocolFeatures(features) => self.protocol = features,
            Request::Enable { ring, on } => {
                self.ring_of(ring)?.enable(on);
                event = on.then_some(Event::Kicked(ring));
            }
            Request::SetBackendChannel => {
                let channel = UnixStream::from(OwnedFd::from(
                    files.pop().ok_or_else(|| bad("no descriptor"))?,
                ));
                channel.set_read_timeout(self.socket.read_timeout()?)?;
                channel.set_write_timeout(self.socket.write_timeout()?)?;
                self.channel = Some(channel);
            }
            Request::GetConfig { offset, size } => {
                if offset.saturating_add(size) > LARGEST_CONFIG || bytes.len() < 12 {
                    return Err(bad("configuration space too large"));
                }
                let mut payload = bytes[..12].to_vec();
                payload.extend(
                    (offset..offset + size).map(|at| offer.config.get(at).copied().unwrap_or(0)),
                );
                self.reply(head.request, &payload)?;
                answered = true;
                event = Some(Event::ConfigRead);
            }
            Request::Kick { ring } => event = Some(Event::KickedInBand(ring)),
            Request::SetOwner | Request::SetConfig => {}
        }
        if head.need_reply && !answered && head.request != KICK {
            self.reply(head.request, &0u64.to_ne_bytes())?;
        }
        Ok(event)
    }

    /// Answers a kick in band: the machine goes on.
    pub(crate) fn answer_kick(&mut self) -> io::Result<()> {
        self.reply(KICK, &0u64.to_ne_bytes())
    }

    fn map(&mut self, regions: Vec<Region>, files: Vec<File>) -> io::Result<()> {
        self.memory = None;
        self.regions.clear();
        if regions.len() != files.len() {
            return Err(bad("memory without descriptors"));
        }
        let ranges: Vec<_> = std::iter::zip(&regions, files)
            .map(|(region, file)| {
                let size = usize::try_from(region.size).map_err(bad)?;
                Ok((
                    GuestAddress(region.guest),
                    size,
                    Some(FileOffset::new(file, region.offset)),
                ))
            })
            .collect::<io::Result<_>>()?;
        self.memory = Some(GuestMemoryMmap::from_ranges_with_files(ranges).map_err(bad)?);
        self.regions = regions;
        Ok(())
    }

    /// Interrupts the machine for this ring. True: it answers, see [`acknowledged`](Self::acknowledged).
    pub(crate) fn call(&mut self, ring: usize) -> io::Result<bool> {
        if self.in_band() {
            let index = u32::try_from(ring).map_err(bad)?;
            return self.ask(CALL, true, &[index.to_ne_bytes(), [0; 4]].concat());
        }
        self.ring_of(ring)?.call()?;
        Ok(false)
    }

    /// Tells the machine that the configuration space has changed. True: it answers.
    pub(crate) fn config_changed(&mut self) -> io::Result<bool> {
        let answered = self.in_band();
        self.ask(CONFIG_CHANGED, answered, &[])
    }

    fn ask(&mut self, request: u32, need_reply: bool, payload: &[u8]) -> io::Result<bool> {
        let Some(channel) = &mut self.channel else {
            return Ok(false);
        };
        channel.write_all(&message::ask(request, need_reply, payload))?;
        Ok(need_reply)
    }

    /// Where the answer to a request of ours comes.
    pub(crate) fn channel(&self) -> Option<BorrowedFd<'_>> {
        self.channel.as_ref().map(AsFd::as_fd)
    }

    /// Reads the answer to a request of ours.
    pub(crate) fn acknowledged(&mut self) -> io::Result<()> {
        let mut bytes = [0; HEAD + 8];
        self.channel
            .as_mut()
            .ok_or_else(|| bad("no channel"))?
            .read_exact(&mut bytes)
    }
}
