//! Each failure names its layer when the deadline comes.

use std::time::Duration;

use nvmeroot_plan::{Dhcp4, Interface};

use crate::boot::{NQN, Played, address, interface, plan};
use crate::net::{Net, skip};

/// More than what each layer needs to be found out.
const SHORT: Duration = Duration::from_millis(1200);

/// The report of a boot that fails, in a network that `prepare` makes.
fn report(prepare: impl FnOnce(&Net), interface: Interface, played: Played) -> String {
    let mut net = Net::new();
    prepare(&net);
    net.boot(plan(interface, "10.9.0.1", Some(NQN)), played, SHORT)
        .report()
}

fn statics() -> Interface {
    interface(|i| i.addresses = vec![address("10.9.0.9/24")])
}

fn listening(net: &Net) {
    net.plug_in();
    net.listen("10.9.0.1:4420");
}

/// A test of that name, whose report holds that text.
macro_rules! reports {
    ($($name:ident: $said:literal, $prepare:expr, $interface:expr, $played:expr;)*) => {$(
        #[test]
        fn $name() {
            if skip(stringify!($name)) {
                return;
            }
            let report = report($prepare, $interface, $played);
            assert!(report.contains($said), "{report}");
        }
    )*};
}

reports! {
    no_card: "`eth9`: no such card: no network card is named `eth9`",
        Net::plug_in, interface(|i| i.name = "eth9".parse().expect("a name")), Played::default();
    no_carrier: "`c`: no carrier: `c` is up and has no carrier",
        |_| {}, statics(), Played::default();
    no_lease: "`c` dhcp4: no lease: no DHCP server answered on `c`",
        Net::plug_in, interface(|i| i.dhcp4 = Some(Dhcp4::default())), Played::default();
    no_route: "no route: no route leads to `10.9.0.1:4420` yet",
        Net::plug_in, interface(|i| i.addresses = vec![address("10.8.0.9/24")]), Played::default();
    refused: "connection refused: `10.9.0.1:4420` refused the connection",
        Net::plug_in, statics(), Played::default();
    wrong_nqn: "wrong NQN: `10.9.0.1:4420` knows no subsystem",
        listening, statics(), Played {
            refuses: Some("nvme nvme0: Connect Invalid Data Parameter, subsysnqn \"x\""),
            ..Played::default()
        };
    no_namespace: "no namespace: `nqn.2024-01.example:root` is connected",
        listening, statics(), Played { empty: true, ..Played::default() };
    unfinished: "timeout: connecting to `nqn.2024-01.example:root` has not ended yet",
        listening, statics(), Played { slow: Duration::from_secs(3), ..Played::default() };
    timeout: "timeout: `10.9.0.1:4420` does not answer",
        |net| {
            net.plug_in();
            net.on_target("route add blackhole 10.9.0.9/32");
        }, statics(), Played::default();
}
