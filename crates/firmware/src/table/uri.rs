//! Where a discovery controller is: `nvme+tcp://192.0.2.1:8009/`.

use std::net::IpAddr;

use nvmeroot_plan::Port;

/// The port of discovery over TCP (NVM Express TCP Transport Specification).
const DISCOVERY_PORT: &str = "8009";

/// The address and port of a URI, or why it has none.
pub(super) fn portal(uri: &str) -> Result<(IpAddr, Port), &'static str> {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Err("it is no URI");
    };
    if !scheme.eq_ignore_ascii_case("nvme+tcp") {
        return Err("nvmeroot connects NVMe/TCP only");
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let authority = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or("its address has no end")?;
            (host, after.strip_prefix(':').unwrap_or_default())
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let address = host
        .parse()
        .map_err(|_| "it names a host, and the initramfs can't look up names")?;
    let port = match port {
        "" => DISCOVERY_PORT,
        port => port,
    };
    let port = port.parse().map_err(|_| "its port is none")?;
    Ok((address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_has_an_address_and_a_port_or_not() {
        let read = |uri| portal(uri).map(|(address, port)| format!("{address} {port}"));
        for (uri, expected) in [
            ("nvme+tcp://192.0.2.1:8010/", "192.0.2.1 8010"),
            ("nvme+tcp://192.0.2.1", "192.0.2.1 8009"),
            ("NVMe+TCP://u:p@192.0.2.1:8009/x?y", "192.0.2.1 8009"),
            ("nvme+tcp://[2001:db8::7]:4420/", "2001:db8::7 4420"),
            ("nvme+tcp://[2001:db8::7]", "2001:db8::7 8009"),
        ] {
            assert_eq!(read(uri).as_deref(), Ok(expected), "{uri}");
        }
        for (uri, why) in [
            ("192.0.2.1", "it is no URI"),
            ("nvme+rdma://192.0.2.1/", "nvmeroot connects NVMe/TCP only"),
            ("nvme+tcp://[2001:db8::7/", "its address has no end"),
            (
                "nvme+tcp://san.example/",
                "it names a host, and the initramfs can't look up names",
            ),
            ("nvme+tcp://192.0.2.1:0/", "its port is none"),
        ] {
            assert_eq!(read(uri), Err(why), "{uri}");
        }
    }
}
