//! A fake target for tests: it answers as one, and is none. Its bytes are made
//! here and not by the code that is tested.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use nvmeroot_fabrics::answers::{data, initialized, response};

/// What the fake does.
#[derive(Clone, Debug, Default)]
pub(super) struct Fake {
    /// The first answer, instead of the right one.
    pub(super) first: Option<Vec<u8>>,
    /// How Connect ends: result and status.
    pub(super) connect: (u64, u16),
    /// The log, whole; the generation grows by one with each look at the
    /// header, so often.
    pub(super) log: Vec<u8>,
    pub(super) changes: u8,
    /// It never says that it is ready.
    pub(super) never_ready: bool,
    /// It answers the second of the two questions about its readiness first.
    pub(super) backwards: bool,
    /// It takes the connection and says nothing.
    pub(super) silent: bool,
}

impl Fake {
    /// Serves one host after the other.
    pub(super) fn serve(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = listener.local_addr().expect("its address");
        thread::spawn(move || {
            for host in listener.incoming().flatten() {
                // How the host leaves is its own affair.
                let _ = self.clone().answer(host);
            }
        });
        at
    }

    fn answer(mut self, mut host: TcpStream) -> io::Result<()> {
        let mut pdu = read(&mut host)?;
        assert_eq!((pdu[0], pdu.len()), (0, 128), "the first is ICReq");
        if self.silent {
            return host.read(&mut [0]).map(drop);
        }
        host.write_all(&self.first.clone().unwrap_or_else(initialized))?;
        let mut late = None;
        loop {
            pdu = read(&mut host)?;
            assert_eq!((pdu[0], pdu[2]), (4, 72), "all others are commands");
            let command = u16::from_le_bytes([pdu[10], pdu[11]]);
            let (result, status) = match (pdu[8], pdu[12]) {
                (0x7f, 1) => self.connect,
                (0x7f, 4) => (u64::from(!self.never_ready && late.is_none()), 0),
                (0x7f, 0) if self.backwards => {
                    late = Some(response(command, 0, 0));
                    continue;
                }
                (0x7f, _) => (0, 0),
                _ => {
                    self.send_log(&mut host, command, &pdu)?;
                    (0, 0)
                }
            };
            host.write_all(&response(command, result, status))?;
            if let Some(late) = late.take() {
                host.write_all(&late)?;
            }
        }
    }

    fn send_log(&mut self, host: &mut TcpStream, command: u16, pdu: &[u8]) -> io::Result<()> {
        let length = u32::from_le_bytes(pdu[40..44].try_into().expect("four"));
        let offset = u64::from_le_bytes(pdu[56..64].try_into().expect("eight"));
        if offset == 0 && self.changes > 0 {
            self.changes -= 1;
            self.log[0] += 1;
        }
        let start = usize::try_from(offset).expect("small");
        let end = start + usize::try_from(length).expect("small");
        let mut part = self.log.clone();
        part.resize(part.len().max(end), 0xee);
        // In two pieces, as a target may.
        let (first, second) = part[start..end].split_at(100);
        host.write_all(&data(command, 0, first, 0))?;
        host.write_all(&data(command, 100, second, 4))
    }
}

fn read(host: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut pdu = vec![0; 8];
    host.read_exact(&mut pdu)?;
    let length = u32::from_le_bytes(pdu[4..8].try_into().expect("four"));
    pdu.resize(usize::try_from(length).expect("small"), 0);
    host.read_exact(&mut pdu[8..])?;
    Ok(pdu)
}
