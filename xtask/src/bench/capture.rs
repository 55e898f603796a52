//! How long a DHCP server took, seen on the host's cable.
//!
//! QEMU writes the capture in the classic pcap form
//! (draft-ietf-opsawg-pcap): a head of 24 bytes, then per frame 16 bytes
//! (seconds, microseconds, length kept, length sent) and the frame.

use anyhow::{Context, Result, bail};

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;

/// A DHCPv4 message (RFC 2132, section 9.6) on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Message {
    /// Seconds.
    at: f64,
    kind: u8,
}

/// The server's part of the first lease, in seconds: from the first DISCOVER to
/// the first OFFER, and from the REQUEST before the first ACK to that ACK.
pub(super) fn server_time(pcap: &[u8]) -> Result<f64> {
    let messages: Vec<Message> = frames(pcap)?
        .into_iter()
        .filter_map(|(at, frame)| {
            Some(Message {
                at,
                kind: dhcp_kind(frame)?,
            })
        })
        .collect();
    let first = |kind: u8| messages.iter().position(|m| m.kind == kind);
    let at = |index: usize| messages[index].at;
    let discover = first(DISCOVER).context("no DHCPDISCOVER on the cable")?;
    let offer = first(OFFER).context("no DHCPOFFER on the cable")?;
    let ack = first(ACK).context("no DHCPACK on the cable")?;
    let request = messages[..ack]
        .iter()
        .rposition(|m| m.kind == REQUEST)
        .context("no DHCPREQUEST before the DHCPACK on the cable")?;
    Ok(at(offer) - at(discover) + at(ack) - at(request))
}

/// The frames of a capture with their times.
fn frames(pcap: &[u8]) -> Result<Vec<(f64, &[u8])>> {
    let word = |bytes: &[u8], at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    if word(pcap, 0) != Some(0xa1b2_c3d4) {
        bail!("the capture is none, or of a machine with another order of bytes");
    }
    let mut frames = Vec::new();
    let mut rest = pcap.get(24..).unwrap_or_default();
    // The last frame is cut where the machine ended.
    while let (Some(seconds), Some(micros), Some(kept)) =
        (word(rest, 0), word(rest, 4), word(rest, 8))
        && let Some(frame) = rest.get(16..16 + kept as usize)
    {
        frames.push((f64::from(seconds) + f64::from(micros) / 1e6, frame));
        rest = &rest[16 + kept as usize..];
    }
    Ok(frames)
}

/// The kind of the DHCPv4 message in an Ethernet frame, if there is one.
fn dhcp_kind(frame: &[u8]) -> Option<u8> {
    const IPV4: [u8; 2] = [0x08, 0x00];
    const UDP: u8 = 17;
    if frame.get(12..14)? != IPV4 {
        return None;
    }
    let packet = &frame[14..];
    let head = usize::from(packet.first()? & 0xf) * 4;
    if *packet.get(9)? != UDP {
        return None;
    }
    let datagram = packet.get(head..)?;
    let port = |at: usize| {
        Some(u16::from_be_bytes(
            datagram.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    if !matches!((port(0)?, port(2)?), (67 | 68, 67 | 68)) {
        return None;
    }
    // RFC 2131, section 2: 236 bytes, the cookie, then the options.
    let mut options = datagram.get(8 + 236 + 4..)?;
    loop {
        match *options.first()? {
            0 => options = &options[1..],
            255 => return None,
            53 => return options.get(2).copied(),
            _ => options = options.get(2 + usize::from(*options.get(1)?)..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8) -> Vec<u8> {
        let mut frame = vec![0; 14 + 20 + 8 + 240];
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        frame[14] = 0x45;
        frame[14 + 9] = 17;
        frame[34..38].copy_from_slice(&[0, 68, 0, 67]);
        // Another option and padding come first.
        frame.extend([0, 61, 2, 9, 9, 53, 1, kind, 255]);
        frame
    }

    fn capture(messages: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
        let mut pcap = vec![0; 24];
        pcap[..4].copy_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
        for (seconds, micros, frame) in messages {
            let length = u32::try_from(frame.len()).unwrap();
            for word in [*seconds, *micros, length, length] {
                pcap.extend(word.to_le_bytes());
            }
            pcap.extend(frame);
        }
        pcap
    }

    #[test]
    fn the_servers_part_is_its_two_answers() {
        let pcap = capture(&[
            (1, 0, vec![0xff; 60]),
            (1, 0, frame(DISCOVER)),
            (2, 0, frame(DISCOVER)),
            (4, 0, frame(OFFER)),
            (4, 900_000, frame(REQUEST)),
            (5, 0, frame(REQUEST)),
            (5, 250_000, frame(ACK)),
        ]);
        assert!((server_time(&pcap).unwrap() - 3.25).abs() < 1e-6);
    }

    #[test]
    fn what_is_missing_is_named() {
        let pcap = capture(&[(1, 0, frame(DISCOVER))]);
        let error = server_time(&pcap).unwrap_err();
        assert!(error.to_string().contains("DHCPOFFER"), "{error}");
        let error = server_time(b"x").unwrap_err();
        assert!(error.to_string().contains("capture"), "{error}");
    }

    #[test]
    fn a_cut_capture_keeps_its_whole_frames() {
        let pcap = capture(&[(1, 0, frame(OFFER)), (2, 0, frame(ACK))]);
        assert_eq!(frames(&pcap[..pcap.len() - 1]).unwrap().len(), 1);
    }
}
