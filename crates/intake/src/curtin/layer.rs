//! What an action puts together from others: a volume group, an array, an encrypted
//! volume.

use nvmeroot_plan::{Layer, VolumeName, Warning};

use super::item::Item;
use super::value::scalar;
use crate::array;
use crate::diagnostic::Report;
use crate::yaml::pyyaml::{Integer, Value};
use crate::yaml::{Mapping, Node as YamlNode};

/// The layer that an action of this type makes.
pub(super) fn read(report: &mut Report, type_name: &str, item: Item<'_, '_>) -> Option<Layer> {
    Some(match type_name {
        "lvm_volgroup" => Layer::VolumeGroup {
            name: name(report, item, "name"),
        },
        "raid" => Layer::Array {
            name: name(report, item, "name"),
            can_miss: can_miss(item.mapping),
        },
        "dm_crypt" => {
            // `dm_crypt_handler` in curtin/commands/block_meta.py.
            let key = item.get("dm_name").map_or("id", |_| "dm_name");
            Layer::Encrypted {
                name: name(report, item, key),
            }
        }
        _ => return None,
    })
}

fn name(report: &mut Report, item: Item<'_, '_>, key: &str) -> Option<VolumeName> {
    let node = item.get(key)?;
    let text = node.text()?;
    match text.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let warning = Warning::at(node.origin(&item.path.key(key)), error.to_string());
            let hint = "with another name the initramfs looks for this one alone; now it puts together all that it finds";
            report.warn(warning.with_hint(hint));
            None
        }
    }
}

/// How many of its devices an array can do without.
fn can_miss(mapping: Mapping<'_>) -> usize {
    let devices = mapping.get("devices").and_then(YamlNode::as_sequence);
    let devices = devices.map_or(0, |list| list.iter().count());
    let level = match mapping.get("raidlevel").and_then(scalar) {
        Some(Value::Integer(Integer {
            value: Some(value), ..
        })) => value.to_string(),
        Some(Value::Text(text)) => text.to_owned(),
        _ => return 0,
    };
    array::can_miss(&level, devices)
}

#[cfg(test)]
mod tests {
    use nvmeroot_plan::{Layer, Mount, resolve};

    fn root_on(actions: &str) -> (Mount, Vec<String>) {
        let mut text = "storage:\n  version: 1\n  config:\n".to_owned();
        for n in 0..4 {
            text.push_str(&format!(
                "  - {{id: c{n}, type: nvme_controller, transport: tcp, tcp_addr: 10.0.0.{n}, tcp_port: 4420}}
  - {{id: d{n}, type: disk, nvme_controller: c{n}}}\n"
            ));
        }
        text.push_str(actions);
        text.push_str(
            "\n  - {id: f, type: format, fstype: ext4, volume: top}
  - {id: m, type: mount, device: f, path: /, options: _netdev}\n",
        );
        let fragment = super::super::read("c", text)
            .expect("a configuration")
            .fragment;
        let warnings = fragment.warnings.iter().map(|one| one.message.clone());
        let warnings = warnings.collect();
        let mut plan = resolve(vec![fragment]);
        (plan.mounts.remove(0), warnings)
    }

    #[test]
    fn a_stack_is_what_its_actions_put_together() {
        let (root, _) = root_on(
            "  - {id: md, type: raid, name: md0, raidlevel: 1, devices: [d0, d1]}
  - {id: dm, type: dm_crypt, volume: md, dm_name: luks, key: x}
  - {id: vg, type: lvm_volgroup, name: ubuntu-vg, devices: [dm]}
  - {id: top, type: lvm_partition, volgroup: vg, name: root}",
        );
        let named = |name: &str| name.parse().ok();
        assert_eq!(
            root.layers,
            [
                Layer::VolumeGroup {
                    name: named("ubuntu-vg")
                },
                Layer::Array {
                    name: named("md0"),
                    can_miss: 1
                },
                Layer::Encrypted {
                    name: named("luks")
                },
            ]
        );
        assert_eq!(root.arrays.len(), 1);
        assert_eq!(root.arrays[0].members, [[0], [1]]);
    }

    #[test]
    fn the_level_says_how_many_members_an_array_can_miss() {
        for (level, can_miss) in [
            ("1", 3),
            ("raid1", 3),
            ("mirror", 3),
            ("'1'", 3),
            ("5", 1),
            ("raid4", 1),
            ("raid10", 1),
            ("6", 2),
            ("raid6", 2),
            ("0", 0),
            ("raid0", 0),
            ("stripe", 0),
            ("linear", 0),
            ("container", 0),
            ("none", 0),
            ("[1]", 0),
        ] {
            let (root, _) = root_on(&format!(
                "  - {{id: top, type: raid, raidlevel: {level}, devices: [d0, d1, d2, d3]}}"
            ));
            assert_eq!(
                root.layers,
                [Layer::Array {
                    name: None,
                    can_miss
                }],
                "{level}"
            );
            assert_eq!(root.arrays.len(), usize::from(can_miss > 0), "{level}");
        }
    }

    #[test]
    fn a_name_that_no_table_takes_is_told_and_left_out() {
        let (root, warnings) =
            root_on("  - {id: top, type: dm_crypt, volume: d0, dm_name: a b, key: x}");
        assert_eq!(root.layers, [Layer::Encrypted { name: None }]);
        let told = |one: &String| one.starts_with("`a b` is no name of a volume");
        assert!(warnings.iter().any(told), "{warnings:?}");
        let (root, _) = root_on("  - {id: top, type: dm_crypt, volume: d0, key: x}");
        let name = "top".parse().ok();
        assert_eq!(root.layers, [Layer::Encrypted { name }]);
    }
}
