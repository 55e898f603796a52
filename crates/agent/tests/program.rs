//! The program as a process: a second one beside the first, one after a crash,
//! and signals. Each test runs in a mount and network namespace of its own,
//! where `/run` and `/etc` are empty; that needs root and `unshare`.

use std::process::{Command, Stdio};

use nvmeroot_plan::FORMAT_VERSION;

/// Root on a portal that no card leads to: `run` works until it is stopped.
const PLAN: &str = r#"{
  "version": VERSION, "steps": [],
  "reach": "initramfs", "reasons": [], "host": null,
  "mounts": [{"path": "/", "essential": true, "controllers": [0], "origin": ORIGIN}],
  "controllers": [{"transport": "tcp", "traddr": "192.0.2.1", "trsvcid": "4420", "origin": ORIGIN}],
  "network": {"interfaces": []}, "paths": [], "warnings": [],
  "requirements": [{"any_of": [0], "mounts": ["/"]}]
}"#;

/// `agent` is the program, `$run` its directory.
const PRELUDE: &str = r#"
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc
mount --bind /dev/null /dev/kmsg
mkdir /etc/nvmeroot
cat >/etc/nvmeroot/plan.json
agent=$1 run=/run/nvmeroot
up() {
    n=0
    until "$agent" --version >/dev/null && [ -S $run/agent.sock ] && [ -s $run/boot.json ]; do
        n=$((n + 1)); [ $n -lt 200 ] || exit 9
        sleep 0.05
    done
}
"#;

/// What the script prints; `None` where it can't run here.
fn run(test: &str, script: &str) -> Option<String> {
    let able = rustix::process::geteuid().is_root()
        && Command::new("unshare")
            .args(["-mn", "true"])
            .status()
            .is_ok_and(|s| s.success());
    if !able {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{test} can't run: not root, or no `unshare`"
        );
        eprintln!("{test} is skipped: not root, or no `unshare`");
        return None;
    }
    let origin = r#"{"file": "test", "line": 0, "column": 0}"#;
    let plan = PLAN
        .replace("ORIGIN", origin)
        .replace("VERSION", &FORMAT_VERSION.to_string());
    let mut child = Command::new("unshare")
        .args(["-mn", "sh", "-c", &format!("{PRELUDE}{script}"), "sh"])
        .arg(env!("CARGO_BIN_EXE_nvmeroot-agent"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`unshare` runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, plan.as_bytes()).expect("the plan");
    drop(stdin);
    let out = child.wait_with_output().expect("its output");
    Some(String::from_utf8(out.stdout).expect("text"))
}

#[test]
fn a_second_run_waits_for_the_first_ones_result() {
    let script = r#"
"$agent" run & first=$!
up
"$agent" run & second=$!
sleep 0.5
kill -0 $first && kill -0 $second && echo both work
"$agent" wait 2>/dev/null & waiter=$!
sleep 0.2
"$agent" stop; echo stop $?
wait $first; echo first $?
wait $second; echo second $?
wait $waiter; echo waiter $?
cat $run/failed
grep -c '"end"' $run/boot.json >/dev/null && echo record ends
"#;
    if let Some(said) = run("second run", script) {
        assert_eq!(
            said,
            "both work\nstop 0\nfirst 1\nsecond 1\nwaiter 1\nfailed\nstopped\nrecord ends\n"
        );
    }
}

#[test]
fn a_second_run_takes_over_when_the_first_one_dies() {
    let script = r#"
"$agent" run & first=$!
up
"$agent" run & second=$!
sleep 0.3
rm $run/boot.json
kill -KILL $first; wait $first 2>/dev/null
up
kill -0 $second && echo the second works
kill -TERM $second; wait $second; echo second $?
"#;
    if let Some(said) = run("takeover", script) {
        assert_eq!(said, "the second works\nsecond 1\n");
    }
}

#[test]
fn what_a_crash_left_behind_misleads_nobody() {
    let script = r#"
"$agent" run & first=$!
up
kill -KILL $first; wait $first 2>/dev/null
echo done >$run/done
rm $run/boot.json
"$agent" run & again=$!
up
"$agent" wait 2>$run/said & waiter=$!
sleep 0.3
kill -0 $waiter && echo still waiting
kill -INT $again; wait $again; echo again $?
wait $waiter; echo waiter $?
cat $run/said; ls $run
"#;
    if let Some(said) = run("crash", script) {
        assert_eq!(
            said,
            "still waiting\nagain 1\nwaiter 1\nnvmeroot: stopped\nagent.lock\nagent.sock\nboot.json\nfailed\nsaid\n"
        );
    }
}

#[test]
fn a_later_run_keeps_the_record_of_the_one_before() {
    let script = r#"
"$agent" run & first=$!
up
"$agent" stop; wait $first
grep -o '"outcome": "[a-z]*"' $run/boot.json
"$agent" run & again=$!
until [ -e $run/boot.former.json ]; do sleep 0.05; done
up
grep -o '"outcome": "[a-z]*"' $run/boot.former.json $run/boot.json
kill -TERM $again; wait $again
"#;
    if let Some(said) = run("later run", script) {
        assert_eq!(
            said,
            "\"outcome\": \"failed\"\n\
             /run/nvmeroot/boot.former.json:\"outcome\": \"failed\"\n\
             /run/nvmeroot/boot.json:\"outcome\": \"running\"\n"
        );
    }
}

#[test]
fn signals_are_as_good_as_stop() {
    for signal in ["TERM", "INT"] {
        let script = format!(
            r#"
"$agent" run & first=$!
up
kill -{signal} $first; wait $first; echo exit $?
grep -o '"outcome": "[a-z]*"' $run/boot.json
cat $run/failed
"#
        );
        if let Some(said) = run("signals", &script) {
            assert_eq!(
                said, "exit 1\n\"outcome\": \"failed\"\nfailed\nstopped\n",
                "{signal}"
            );
        }
    }
}

#[test]
fn a_plan_of_another_version_is_refused_before_it_gets_into_an_image() {
    let script = r#"
"$agent" reads; echo reads $?
sed -i 's/"version": [0-9]*/"version": 9999/' /etc/nvmeroot/plan.json
"$agent" reads 2>&1; echo reads $?
"#;
    if let Some(said) = run("reads", script) {
        let expected = format!(
            "reads 0\nnvmeroot: the plan `/etc/nvmeroot/plan.json` has version 9999, this program reads {FORMAT_VERSION}; run `nvmeroot configure` again and regenerate the initramfs\nreads 1\n"
        );
        assert_eq!(said, expected);
    }
}
