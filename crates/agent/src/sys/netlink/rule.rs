//! Routing rules (ip-rule(8)).

use nvmeroot_plan::{MAIN_TABLE, Rule};

use super::wire::{Request, family, flag, kind};
use super::{Netlink, NetlinkError};

/// linux/fib_rules.h.
const DESTINATION: u16 = 1;
const SOURCE: u16 = 2;
const PRIORITY: u16 = 6;
const MARK: u16 = 10;
const TABLE: u16 = 15;
const PROTOCOL: u16 = 21;
const LOOK_UP_TABLE: u8 = 1;

/// `RTPROT_STATIC`, as systemd-networkd marks its own: one without would be
/// taken away by it and set again.
const STATIC: u8 = 4;

impl Netlink {
    /// Sets a rule; one that is there already is no error.
    ///
    /// # Errors
    /// What the kernel refuses.
    pub fn add_rule(&mut self, new: &Rule) -> Result<(), NetlinkError> {
        let added = self.change(request(new), flag::CREATE | flag::EXCLUSIVE, || {
            format!(
                "can't set the routing rule for table {}",
                new.table.unwrap_or(MAIN_TABLE)
            )
        });
        match added {
            Err(e) if e.errno() == Some(rustix::io::Errno::EXIST) => Ok(()),
            other => other,
        }
    }
}

fn request(new: &Rule) -> Request {
    // All of them, so that one without a line below does not compile.
    let &Rule {
        from,
        to,
        table,
        priority,
        mark,
        type_of_service,
        origin: _,
    } = new;
    let table = table.unwrap_or(MAIN_TABLE);
    // `struct fib_rule_hdr`: family, destination's and source's prefix
    // lengths, type of service, table, two reserved, action, flags (u32).
    let fixed = [
        family(new.is_ipv6()),
        to.map_or(0, |net| net.prefix_len()),
        from.map_or(0, |net| net.prefix_len()),
        type_of_service.unwrap_or(0),
        u8::try_from(table).unwrap_or(0),
        0,
        0,
        LOOK_UP_TABLE,
        0,
        0,
        0,
        0,
    ];
    let mut request = Request::new(kind::NEW_RULE, &fixed);
    request.put_u32(TABLE, table);
    request.put(PROTOCOL, &[STATIC]);
    request.put_ip(SOURCE, from.map(|net| net.network()));
    request.put_ip(DESTINATION, to.map(|net| net.network()));
    request.put_u32(PRIORITY, priority);
    request.put_u32(MARK, mark);
    request
}

#[cfg(test)]
mod tests {
    use super::super::testing::{attributes, hex};
    use super::*;

    /// What iproute2 6.1 sends, but for the order, and the table's number in an
    /// attribute always.
    #[test]
    fn rules_are_what_ip_sends() {
        // ip rule add from 10.1.0.0/16 to 10.2.0.0/16 table 1000 priority 77 \
        //   fwmark 5 tos 0x10
        let rule: Rule = serde_json::from_str(
            r#"{"from": "10.1.0.0/16", "to": "10.2.0.0/16", "table": 1000, "priority": 77,
                "mark": 5, "type_of_service": 16, "origin": {"file": "test", "line": 1, "column": 1}}"#,
        )
        .expect("a rule");
        let sent = hex(request(&rule));
        assert_eq!(&sent[..24], "021010100000000100000000");
        let mut found = attributes(&sent[24..]);
        found.sort_by_key(|attribute| attribute[4..8].to_owned());
        assert_eq!(
            found,
            [
                "080001000a020000",
                "080002000a010000",
                "080006004d000000",
                "08000a0005000000",
                "08000f00e8030000",
                // `protocol static`, which is ours.
                "0500150004000000",
            ]
        );
    }
}
