//! Captures: what was sent on a segment, as a pcap file.
