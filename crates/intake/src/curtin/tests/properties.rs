use proptest::prelude::*;

use super::read;

/// A valid configuration, one action a line, for mutations to start from.
const SEED: &str = "\
storage:
  version: 2
  config:
  - {id: c, type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.1, tcp_port: 4420}
  - {id: d, type: disk, nvme_controller: c}
  - {id: p, type: partition, device: d}
  - {id: vg, type: lvm_volgroup, devices: [p]}
  - {id: lv, type: lvm_partition, volgroup: vg}
  - {id: f, type: format, volume: lv, fstype: ext4}
  - {id: m, type: mount, device: f, path: /, options: 'defaults,_netdev'}
  - {id: z, type: zpool, pool: z, vdevs: [p], mountpoint: /srv}
  - {id: y, type: zfs, pool: z, volume: /y, properties: {mountpoint: /y}}
write_files:
  etc_netplan_installer: {path: etc/netplan/x.yaml, permissions: '0600', content: 'network: {}'}
";

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read("t", &bytes).map_err(|error| error.into_diagnostics().to_string());
    }

    /// Every word of a good configuration replaced by one that is likely to
    /// hurt: whatever is said about it has a place inside the text.
    #[test]
    fn a_bad_word_is_reported_inside_the_text(
        word in 0..200_usize,
        with in prop::sample::select(vec![
            "", "~", "[]", "{}", "[a]", "{a: b}", "-1", "70000", "0x10", "on", "é", "c", "''",
            "'a b'", "12:34", "2024-01-01", "!!int x", "\"\\e[0m\"", "/", "../x", "p", "m",
        ]),
    ) {
        let words: Vec<(usize, &str)> = SEED
            .match_indices(|c: char| c.is_ascii_alphanumeric())
            .filter(|(at, _)| {
                !SEED[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_./".contains(c))
            })
            .collect();
        let at = words[word % words.len()].0;
        let end = SEED[at..]
            .find(|c: char| !(c.is_ascii_alphanumeric() || "_./".contains(c)))
            .map_or(SEED.len(), |length| at + length);
        let text = format!("{}{with}{}", &SEED[..at], &SEED[end..]);
        let origins: Vec<_> = match read("t", &text) {
            Ok(input) => input.fragment.warnings.into_iter().filter_map(|w| w.origin).collect(),
            Err(error) => {
                let found = error.into_diagnostics();
                prop_assert!(!found.shown.is_empty());
                found.shown.into_iter().map(|fault| fault.origin).collect()
            }
        };
        for origin in origins {
            let line = text.lines().nth(origin.line as usize - 1);
            prop_assert!(
                line.is_some_and(|line| origin.column as usize <= line.chars().count() + 1),
                "{origin} in\n{text}"
            );
        }
    }

    /// Wherever a bad port stands, its place is the one that is named.
    #[test]
    fn a_bad_port_is_found_where_it_is(
        before in 0..30_usize,
        lead in "[é ]{0,10}",
        port in prop_oneof![65_536..=99_999_i64, -9..=0_i64],
    ) {
        let mut text = String::from("config:\n");
        for n in 0..before {
            text.push_str(&format!("- {{id: d{n}, type: disk}}\n"));
        }
        let head = format!(
            "- {{name: '{lead}', type: nvme_controller, transport: tcp, tcp_addr: '::1', tcp_port: "
        );
        text.push_str(&format!("{head}{port}}}\n"));
        let found = read("t", &text).expect_err("a bad port").into_diagnostics();
        let origin = &found.shown[0].origin;
        prop_assert_eq!(
            (origin.line as usize, origin.column as usize),
            (before + 2, head.chars().count() + 1)
        );
        let key = format!("config[{before}].tcp_port");
        prop_assert_eq!(origin.key.as_deref(), Some(key.as_str()));
    }

    /// A mount is found remote however deep the stack under it is and in
    /// whatever order the actions come.
    #[test]
    fn order_and_depth_make_no_difference(
        depth in 1..40_usize,
        order in any::<prop::sample::Index>(),
        remote in any::<bool>(),
    ) {
        let transport = if remote { "tcp" } else { "pcie" };
        let mut actions = vec![
            format!("- {{id: c, type: nvme_controller, transport: {transport}, tcp_addr: 10.0.0.1, tcp_port: 4420}}\n"),
            "- {id: n0, type: disk, nvme_controller: c}\n".to_owned(),
        ];
        for n in 1..depth {
            let below = n - 1;
            actions.push(match n % 4 {
                0 => format!("- {{id: n{n}, type: partition, device: n{below}}}\n"),
                1 => format!("- {{id: n{n}, type: dm_crypt, volume: n{below}}}\n"),
                2 => format!("- {{id: n{n}, type: raid, devices: [n{below}]}}\n"),
                _ => format!("- {{id: n{n}, type: bcache, backing_device: n{below}}}\n"),
            });
        }
        actions.push(format!("- {{id: m, type: mount, device: n{}, path: /}}\n", depth - 1));
        let turn = order.index(actions.len());
        actions.rotate_left(turn);
        let text = format!("config:\n{}", actions.concat());
        let plan = nvmeroot_plan::resolve(vec![read("t", &text).expect("good").fragment]);
        prop_assert_eq!(plan.mounts[0].controllers.len(), usize::from(remote));
    }
}
