use super::*;
use crate::testing::{controller, ethernet, initramfs_plan};

fn text(plan: &BootPlan) -> String {
    commands_text(plan).expect("commands")
}

fn route(to: &str, via: Option<&str>) -> Route {
    let mut route = Route::new(to.parse().expect("a destination"), Origin::whole("test"));
    route.via = via.map(|v| v.parse().expect("an address"));
    route
}

/// What `ip route add …` becomes for one route of `ens3`.
fn route_line(route: Route) -> String {
    let mut ens3 = ethernet("ens3");
    ens3.routes.push(route);
    let plan = initramfs_plan(vec![ens3], vec![]);
    let text = text(&plan);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("ip link set ens3 up"));
    let line = lines.next().expect("a route").to_owned();
    assert_eq!(lines.next(), None);
    line
}

#[test]
fn the_originals_commands_in_the_originals_order() {
    let mut first = ethernet("ens3");
    first.addresses = vec![address("10.0.0.5/24"), address("2001:db8::5/64")];
    first.routes = vec![
        route("default", Some("10.0.0.1")),
        route("10.20.0.0/16", Some("10.0.0.2")),
        route("default", Some("2001:db8::1")),
    ];
    let mut both = ethernet("ens4");
    both.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    both.dhcp6 = Some(nvmeroot_plan::Dhcp6::default());
    let mut four = ethernet("ens5");
    four.dhcp4 = Some(nvmeroot_plan::Dhcp4::default());
    four.addresses = vec![address("192.0.2.9/32")];
    let mut six = ethernet("ens6");
    six.dhcp6 = Some(nvmeroot_plan::Dhcp6::default());
    let plan = initramfs_plan(
        vec![first, both, four, six],
        vec![
            controller("10.0.0.9", "4420"),
            controller("2001:db8::9", "8009"),
        ],
    );
    assert_eq!(
        text(&plan),
        "\
ip address add 10.0.0.5/24 dev ens3
ip address add 2001:db8::5/64 dev ens3
ip link set ens3 up
ip route add default via 10.0.0.1
ip route add 10.20.0.0/16 via 10.0.0.2
ip route add default via 2001:db8::1
dhcpcd ens4
ip address add 192.0.2.9/32 dev ens5
dhcpcd -4 ens5
dhcpcd -6 ens6
nvme connect-all --transport tcp --traddr 10.0.0.9 --trsvcid 4420 --ctrl-loss-tmo -1
nvme connect-all --transport tcp --traddr 2001:db8::9 --trsvcid 8009 --ctrl-loss-tmo -1
"
    );
}

fn address(text: &str) -> InterfaceAddress {
    InterfaceAddress::new(text.parse().expect("an address"))
}

#[test]
fn commands_know_phase_and_origin() {
    let plan = initramfs_plan(vec![ethernet("ens3")], vec![controller("10.0.0.9", "4420")]);
    let found: Vec<(Phase, String)> = commands(&plan)
        .into_iter()
        .map(|c| (c.phase, c.origin.to_string()))
        .collect();
    assert_eq!(
        found,
        [
            (Phase::Network, "network".to_owned()),
            (Phase::Nvme, "storage".to_owned())
        ]
    );
}

/// The original leaves `onlink` out and the gateway is refused: "Nexthop has
/// invalid gateway".
#[test]
fn fault_corrected_an_on_link_route_names_its_device_and_says_so() {
    let mut on_link = route("default", Some("10.9.0.1"));
    on_link.on_link = true;
    assert_eq!(
        route_line(on_link),
        "ip route add default via 10.9.0.1 dev ens3 onlink"
    );
}

/// The original prints `ip route add TO`, which no kernel accepts.
#[test]
fn fault_corrected_a_route_without_a_gateway_names_its_device() {
    assert_eq!(
        route_line(route("10.7.0.0/16", None)),
        "ip route add 10.7.0.0/16 dev ens3"
    );
    let mut on_link = route("10.7.0.1", None);
    on_link.on_link = true;
    assert_eq!(route_line(on_link), "ip route add 10.7.0.1 dev ens3");
}

/// The original prints `via fe80::1` alone, and every link has that network.
#[test]
fn fault_corrected_a_link_local_gateway_names_its_device() {
    assert_eq!(
        route_line(route("default", Some("fe80::1"))),
        "ip route add default via fe80::1 dev ens3"
    );
    assert_eq!(
        route_line(route("default", Some("169.254.0.1"))),
        "ip route add default via 169.254.0.1 dev ens3"
    );
}

/// The original passes `10.1.2.3/8` on, and the kernel refuses it.
#[test]
fn fault_corrected_host_bits_of_a_destination_are_cleared() {
    assert_eq!(
        route_line(route("10.1.2.3/8", Some("10.0.0.1"))),
        "ip route add 10.0.0.0/8 via 10.0.0.1"
    );
    assert_eq!(
        route_line(route("10.1.2.3", Some("10.0.0.1"))),
        "ip route add 10.1.2.3 via 10.0.0.1"
    );
}

/// The original drops all of these without a word.
#[test]
fn fault_corrected_what_else_a_route_says_is_said() {
    let mut full = route("default", Some("10.0.0.1"));
    full.metric = Some(50);
    full.table = Some(1001);
    full.from = Some("10.0.0.5".parse().expect("an address"));
    full.scope = Some(nvmeroot_plan::RouteScope::Global);
    full.mtu = Some(1400);
    full.advertised_mss = Some(1360);
    full.congestion_window = Some(20);
    full.advertised_receive_window = Some(30);
    assert_eq!(
        route_line(full),
        "ip route add default via 10.0.0.1 metric 50 table 1001 src 10.0.0.5 scope global \
         mtu 1400 advmss 1360 initcwnd 20 initrwnd 30"
    );
    let mut blackhole = route("10.66.0.0/16", None);
    blackhole.kind = RouteType::Blackhole;
    assert_eq!(route_line(blackhole), "ip route add blackhole 10.66.0.0/16");
    let mut local = route("10.66.0.0/16", None);
    local.kind = RouteType::Local;
    assert_eq!(
        route_line(local),
        "ip route add local 10.66.0.0/16 dev ens3"
    );
    assert_eq!(
        route_line(route("10.5.0.0/16", Some("2001:db8::1"))),
        "ip route add 10.5.0.0/16 via inet6 2001:db8::1"
    );
}

/// The original drops MTU, label and lifetime without a word.
#[test]
fn fault_corrected_what_else_an_interface_says_is_said() {
    let mut ens3 = ethernet("ens3");
    ens3.mtu = Some(9000.try_into().expect("an MTU"));
    let mut labelled = address("10.0.0.5/24");
    labelled.label = Some("ens3:nvme".to_owned());
    let mut foreign = address("10.0.0.6/24");
    foreign.label = Some("nvme".to_owned());
    foreign.deprecated = true;
    ens3.addresses = vec![labelled, foreign];
    assert_eq!(
        text(&initramfs_plan(vec![ens3], vec![])),
        "\
ip link set ens3 mtu 9000
ip address add 10.0.0.5/24 dev ens3 label ens3:nvme
ip address add 10.0.0.6/24 dev ens3 preferred_lft 0
ip link set ens3 up
"
    );
}

#[test]
fn a_known_subsystem_is_connected_itself_with_its_options() {
    let mut known = controller("10.0.0.9", "4420");
    known.nqn = Some("nqn.2014-08.org.example:root".parse().expect("an NQN"));
    known.options.ctrl_loss_tmo = Some(-1);
    known.options.fast_io_fail_tmo = Some(5);
    known.options.host_iface = Some("ens3".parse().expect("a name"));
    known.options.hdr_digest = true;
    assert_eq!(
        text(&initramfs_plan(vec![], vec![known])),
        "nvme connect --transport tcp --traddr 10.0.0.9 --trsvcid 4420 \
         --nqn nqn.2014-08.org.example:root --host-iface ens3 --ctrl-loss-tmo -1 \
         --fast_io_fail_tmo 5 --hdr-digest\n"
    );
}

#[test]
fn outside_the_initramfs_there_are_no_commands() {
    let mut plan = initramfs_plan(vec![ethernet("ens3")], vec![controller("10.0.0.9", "4420")]);
    plan.reach = nvmeroot_plan::Reach::Userspace;
    assert_eq!(text(&plan), "");
}

#[test]
fn a_nul_byte_is_refused_with_its_place() {
    assert_eq!(
        quote("a\0b", &Origin::at("netplan", 3, 5)),
        Err(RenderError::Nul {
            word: "a\\u{0}b".to_owned(),
            origin: Origin::at("netplan", 3, 5),
        })
    );
}
