//! What the root tree's `etc/nvme/config.json` and `discovery.conf` say of
//! root's portal.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use common::{HOSTNQN, ProgramOutput, furnish, nvmeroot, run, stand_in, write};

const SECRET: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
const UMASK: &str = "etc/initramfs-tools/conf.d/nvmeroot";

struct Scene {
    work: tempfile::TempDir,
}

impl Scene {
    /// A root tree whose `config.json` gives root's portal these keys.
    fn new(keys: &str) -> Self {
        let work = common::work();
        let scene = Self { work };
        furnish(&scene.path("root"));
        let input = include_bytes!("golden/initramfs_static/input/curtin.yaml");
        write(&scene.path("curtin.yaml"), input, 0o644);
        write(&scene.path("nvmeroot-agent"), &stand_in(), 0o755);
        let config = format!(
            "[{{\"hostnqn\": \"{HOSTNQN}\", \"subsystems\": [{{\"nqn\": \"nqn.2024-01.com.example:root\", \"ports\": [\n\
             {{\"transport\": \"tcp\", \"traddr\": \"192.0.2.10\", \"trsvcid\": \"4420\",\n\
             {keys}}}]}}]}}]\n"
        );
        write(
            &scene.path("root/etc/nvme/config.json"),
            config.as_bytes(),
            0o600,
        );
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    fn run(&self, arguments: &str) -> ProgramOutput {
        let mut command = nvmeroot();
        command.current_dir(self.work.path());
        command.args(arguments.split(' '));
        run(command.args(["--curtin", "curtin.yaml", "--root", "root"]))
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path("root").join(path)).expect(path)
    }
}

fn secret(more: &str) -> String {
    format!("\"dhchap_key\": \"{SECRET}\"{more}")
}

#[test]
fn a_plan_takes_over_what_is_said_and_tells_no_secret() {
    let scene = Scene::new(&secret(", \"ctrl_loss_tmo\": 900"));
    let conf =
        "--transport=tcp --traddr=192.0.2.10 --trsvcid=4420 --ctrl-loss-tmo=7 --keep-alive-tmo=9\n";
    write(
        &scene.path("root/etc/nvme/discovery.conf"),
        conf.as_bytes(),
        0o644,
    );
    let said = scene.run("plan --format json");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let plan: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let controller = &plan["controllers"][0];
    assert_eq!(controller["nqn"], "nqn.2024-01.com.example:root");
    assert_eq!(
        controller["options"],
        serde_json::json!({
            "ctrl_loss_tmo": 900,
            "keep_alive_tmo": 9,
            "dhchap_secret": "(secret)"
        })
    );
    let text = scene.run("plan");
    assert!(
        text.stdout
            .contains("    the host authenticates by DH-HMAC-CHAP (secret)\n"),
        "{}",
        text.stdout
    );
    let commands = scene.run("plan --format commands");
    assert!(
        commands.stdout.ends_with(
            "nvme connect --transport tcp --traddr 192.0.2.10 --trsvcid 4420 --nqn nqn.2024-01.com.example:root --keep-alive-tmo 9 --ctrl-loss-tmo 900\n"
        ),
        "{}",
        commands.stdout
    );
    for said in [said, text, commands] {
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(!all.contains("DHHC"), "{all}");
    }
}

#[test]
fn the_agent_s_plan_holds_the_secret_for_root_alone() {
    let scene = Scene::new(&secret(""));
    let said = scene.run("configure --runtime agent --agent nvmeroot-agent");
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    assert!(!said.stdout.contains("DHHC"), "{}", said.stdout);
    assert!(scene.text("etc/nvmeroot/plan.json").contains(SECRET));
    let meta = scene.path("root/etc/nvmeroot/plan.json").metadata();
    assert_eq!(meta.expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(scene.text(UMASK).ends_with("\nUMASK=0077\n"));

    let without = Scene::new("\"ctrl_loss_tmo\": 900");
    let said = without.run("configure --runtime agent --agent nvmeroot-agent");
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    assert!(!without.path("root").join(UMASK).exists());
}

#[test]
fn the_scripts_hold_no_secret_and_carry_the_file() {
    let scene = Scene::new(&secret(""));
    let said = scene.run("configure --runtime scripts");
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));
    assert!(
        !scene
            .text("etc/curtin-nvme-over-tcp/connect-nvme")
            .contains("DHHC")
    );
    assert!(scene.text(UMASK).ends_with("\nUMASK=0077\n"));
    let hook = scene.text("etc/initramfs-tools/hooks/curtin-nvme-over-tcp");
    assert!(hook.contains("file /etc/nvme/config.json"), "{hook}");
}

#[test]
fn what_is_wrong_at_root_s_portal_stops_the_work_with_its_place() {
    let scene = Scene::new(&format!(
        "\"dhchap_key\": \"{}\"",
        &SECRET[..SECRET.len() - 3]
    ));
    let said = scene.run("plan");
    assert_eq!((said.status, said.stdout.as_str()), (Some(2), ""));
    assert_eq!(
        said.stderr,
        "error: this is no secret of DH-HMAC-CHAP: it does not end with a colon\n  \
         --> etc/nvme/config.json:3:15 `[0].subsystems[0].ports[0].dhchap_key`\n"
    );
    let said = Scene::new("\"tls\": true").run("plan");
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr
            .starts_with("error: `tls` asks for TLS, which is not carried out yet\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_file_that_is_no_json_is_named() {
    let scene = Scene::new("}");
    let said = scene.run("plan");
    assert_eq!(said.status, Some(2));
    assert!(
        said.stderr.starts_with(
            "error: this is no JSON: key must be a string\n  --> etc/nvme/config.json:3:1\n"
        ),
        "{}",
        said.stderr
    );
}

#[test]
fn the_settings_of_another_host_are_not_taken() {
    let scene = Scene::new(&secret(""));
    let nqn = "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-000000000001";
    let said = scene.run(&format!(
        "configure --runtime agent --agent nvmeroot-agent --hostnqn {nqn} --hostid 00000000-0000-4000-8000-000000000001"
    ));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(
        said.stderr.starts_with(&format!(
            "warning: this is for the host `{HOSTNQN}`, and this host is `{nqn}` with the id `00000000-0000-4000-8000-000000000001`, so it does not count\n"
        )),
        "{}",
        said.stderr
    );
    assert!(!scene.text("etc/nvmeroot/plan.json").contains("DHHC"));
}

/// Which host it is, the firmware's table says at boot.
#[test]
fn with_a_remote_kernel_the_settings_of_all_hosts_are_for_the_boot() {
    let scene = Scene::new(&secret(""));
    let curtin = std::fs::read_to_string(scene.path("curtin.yaml")).expect("a file");
    let remote = curtin.lines().filter(|line| !line.contains("boot"));
    let remote: String = remote.map(|line| format!("{line}\n")).collect();
    write(&scene.path("curtin.yaml"), remote.as_bytes(), 0o644);
    let said = scene.run(
        "configure --runtime agent --agent nvmeroot-agent --hostnqn nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-000000000001 --hostid 00000000-0000-4000-8000-000000000001",
    );
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let plan: serde_json::Value =
        serde_json::from_str(&scene.text("etc/nvmeroot/plan.json")).expect("JSON");
    assert_eq!(plan["reach"], "firmware");
    assert!(plan["fragments"].to_string().contains(SECRET));
    let warning = "with the id `00000000-0000-4000-8000-000000000001`; it counts where the firmware's table says at boot that it is that host\n";
    assert!(said.stderr.contains(warning), "{}", said.stderr);
    assert!(scene.text(UMASK).ends_with("\nUMASK=0077\n"));
}
