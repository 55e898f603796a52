use std::fs;
use std::os::unix::fs::PermissionsExt;

use nvmeroot_plan::{
    Destination, Dhcp4, Dhcp6, InterfaceAddress, LinkKind, Match, Origin, Route, Vlan,
};

use super::*;

fn card(id: &str) -> Interface {
    let name = id.parse().expect("a name");
    let id = id.parse().expect("an id");
    Interface::new(id, name, LinkKind::Ethernet, Origin::whole("test"))
}

/// As the firmware's table has it.
fn of_table() -> Interface {
    let mut route = Route::new(Destination::Default, Origin::whole("NBFT"));
    route.via = "192.0.2.254".parse().ok();
    route.metric = Some(100);
    Interface {
        matching: Some(Match {
            macaddress: "52:54:00:00:00:01".parse().ok(),
            ..Match::default()
        }),
        addresses: vec![InterfaceAddress::new(
            "192.0.2.20/24".parse().expect("an address"),
        )],
        routes: vec![route],
        name_servers: vec!["192.0.2.53".parse().expect("an address")],
        ..card("nbft1")
    }
}

fn leased() -> Interface {
    Interface {
        addresses: Vec::new(),
        routes: Vec::new(),
        name_servers: Vec::new(),
        dhcp4: Some(Dhcp4 {
            identifier_mac: true,
            ..Dhcp4::default()
        }),
        dhcp6: Some(Dhcp6 {
            link_layer_iaid: Some(1),
            ..Dhcp6::default()
        }),
        ..of_table()
    }
}

fn ens3() -> Link {
    Link {
        index: 3,
        name: "ens3".to_owned(),
        mac: "52:54:00:00:00:01".parse().ok(),
        permanent_mac: None,
        mtu: 1500,
        up: true,
        carrier: true,
        ethernet: true,
        kind: None,
        master: None,
        aggregated: true,
    }
}

struct Run(tempfile::TempDir);

impl Run {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn paths(&self) -> Paths {
        Paths::under(self.0.path())
    }

    fn text(&self, path: &str) -> String {
        let path = self.0.path().join("run").join(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }
}

fn by_networkd(one: &Interface, installed: Option<&Interface>, path: &str) -> String {
    let run = Run::new();
    let link = ens3();
    let new = New {
        interface: one,
        link: &link,
        installed,
    };
    networkd::tell(&run.paths(), new).expect("told");
    let text = run.text(path);
    let head = "# Root's network, as the boot has set it up.\n";
    text.strip_prefix(head).expect("the head").to_owned()
}

#[test]
fn networkd_gets_a_file_for_a_link_that_it_has_none_for() {
    let path = "systemd/network/05-nvmeroot-ens3.network";
    assert_eq!(
        by_networkd(&of_table(), None, path),
        "\
[Match]
Name=ens3

[Network]
KeepConfiguration=yes
DHCP=no
IPv6AcceptRA=no
DNS=192.0.2.53
Address=192.0.2.20/24

[Route]
Gateway=192.0.2.254
Metric=100
"
    );
    assert_eq!(
        by_networkd(&leased(), None, path),
        "\
[Match]
Name=ens3

[Network]
KeepConfiguration=yes
DHCP=yes
IPv6AcceptRA=yes

[DHCPv4]
RouteMetric=100
ClientIdentifier=mac

[DHCPv6]
DUIDType=link-layer
IAID=1
"
    );
}

#[test]
fn the_installed_file_goes_on_saying_what_else_there_is() {
    let path = "systemd/network/10-netplan-lan%2F1.network.d/nvmeroot-boot.conf";
    let installed = Interface {
        id: "lan/1".parse().expect("an id"),
        dhcp6: Some(Dhcp6::default()),
        ..card("ens3")
    };
    assert_eq!(
        by_networkd(&of_table(), Some(&installed), path),
        "\
[Network]
KeepConfiguration=yes
DNS=192.0.2.53
Address=192.0.2.20/24

[Route]
Gateway=192.0.2.254
Metric=100
"
    );
    // networkd reads no drop-in of netplan's on a host that has its own files.
    let native = Interface {
        native: true,
        ..installed.clone()
    };
    let mut kept = of_table();
    kept.routes[0].table = Some(100);
    let whole = "systemd/network/05-nvmeroot-ens3.network";
    let text = by_networkd(&kept, Some(&native), whole);
    assert!(text.starts_with("[Match]\nName=ens3\n"), "{text}");
    assert!(text.ends_with("Metric=100\nTable=100\n"), "{text}");
    // It goes on reading one of its own that is for this link alone.
    let alone = Interface {
        networkd_file: Some("20-wired.network".parse().expect("a name")),
        ..native
    };
    let beside = "systemd/network/20-wired.network.d/nvmeroot-boot.conf";
    let text = by_networkd(&kept, Some(&alone), beside);
    assert!(
        text.starts_with("[Network]\nKeepConfiguration=yes\n"),
        "{text}"
    );
    // The same way by another table is another one.
    let same = of_table();
    let text = by_networkd(
        &kept,
        Some(&same),
        "systemd/network/10-netplan-nbft1.network.d/nvmeroot-boot.conf",
    );
    assert!(text.contains("Table=100"), "{text}");
    let mut has_all = of_table();
    (has_all.id, has_all.name_servers) = (installed.id.clone(), Vec::new());
    let mut more = of_table();
    more.accept_ra = Some(true);
    assert_eq!(
        by_networkd(&more, Some(&has_all), path),
        "[Network]\nKeepConfiguration=yes\nIPv6AcceptRA=yes\nDNS=192.0.2.53\n"
    );
    let mut four = leased();
    four.dhcp6 = None;
    assert_eq!(
        by_networkd(&four, Some(&installed), path),
        "\
[Network]
KeepConfiguration=yes
DHCP=yes

[DHCPv4]
RouteMetric=100
ClientIdentifier=mac
"
    );
}

#[test]
fn an_installed_interface_is_known_by_its_link() {
    let run = Run::new();
    let (one, link) = (of_table(), ens3());
    let by_mac = Interface {
        matching: one.matching.clone(),
        ..card("lan")
    };
    for (all, expected) in [
        (vec![one.clone(), card("ens3")], Some("ens3")),
        (vec![one.clone(), by_mac], Some("lan")),
        (vec![one.clone(), card("ens4")], None),
    ] {
        let installed = |other: &Interface| other.name.as_str() != "nbft1";
        let new = New::of(&one, &link, &all, installed, &run.paths());
        let found = new.installed.map(|one| one.id.as_str());
        assert_eq!(found, expected);
    }
}

/// `nm_keyfile_read` in NetworkManager's src/libnm-core-impl/nm-keyfile.c.
#[test]
fn network_manager_gets_a_profile_that_is_up() {
    let run = Run::new();
    let link = ens3();
    let one = of_table();
    let new = New {
        interface: &one,
        link: &link,
        installed: None,
    };
    assert!(network_manager::tell(&run.paths(), new, None).expect("told"));
    let path = "NetworkManager/system-connections/nvmeroot-ens3.nmconnection";
    let uuid = nvmeroot_plan::ConnectionId::of(&one.id);
    assert_eq!(
        run.text(path),
        format!(
            "\
[connection]
id=nvmeroot-ens3
uuid={uuid}
type=ethernet
interface-name=ens3
autoconnect-priority=999

[ipv4]
method=manual
address1=192.0.2.20/24
route1=0.0.0.0/0,192.0.2.254,100
dns=192.0.2.53;

[ipv6]
method=link-local
"
        )
    );
    let file = run.0.path().join("run").join(path);
    let mode = fs::metadata(file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        run.text("NetworkManager/devices/3"),
        format!("[device]\nmanaged=true\nconnection-uuid={uuid}\n")
    );
    let settings = run.text("NetworkManager/conf.d/nvmeroot-ens3.conf");
    assert!(settings.contains("match-device=interface-name:=ens3\nmanaged=1\nignore-carrier=yes"));
}

#[test]
fn a_vlan_s_profile_names_the_link_below() {
    let run = Run::new();
    let mut link = ens3();
    link.name = "nbft1.7".to_owned();
    let one = Interface {
        kind: LinkKind::Vlan {
            vlan: Vlan {
                id: 7.try_into().expect("an id"),
                link: "nbft1".parse().expect("an id"),
            },
        },
        matching: None,
        ..leased()
    };
    let new = New {
        interface: &one,
        link: &link,
        installed: None,
    };
    assert!(network_manager::tell(&run.paths(), new, Some("ens3")).expect("told"));
    let text = run.text("NetworkManager/system-connections/nvmeroot-nbft1.7.nmconnection");
    assert!(text.contains("\n[vlan]\nparent=ens3\nid=7\n"), "{text}");
    assert!(
        text.contains(
            "[ipv4]\nmethod=auto\nroute-metric=100\ndhcp-timeout=2147483647\ndhcp-client-id=mac\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("[ipv6]\nmethod=auto\ndhcp-timeout=2147483647\ndhcp-duid=ll\ndhcp-iaid=1\n"),
        "{text}"
    );
    assert!(!network_manager::tell(&run.paths(), new, None).expect("told"));
}

#[test]
fn network_manager_keeps_a_route_in_its_table() {
    let (run, link, mut one) = (Run::new(), ens3(), of_table());
    (one.routes[0].table, one.routes[0].on_link) = (Some(100), true);
    let new = New {
        interface: &one,
        link: &link,
        installed: None,
    };
    assert!(network_manager::tell(&run.paths(), new, None).expect("told"));
    let text = run.text("NetworkManager/system-connections/nvmeroot-ens3.nmconnection");
    assert!(
        text.contains("\nroute1_options=onlink=true,table=100\n"),
        "{text}"
    );
}
