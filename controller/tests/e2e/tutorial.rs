//! The tutorial, `docs/tutorial.md`: its files are written and its commands run as the page has them, and they say what it shows.

use crate::harness::{Scene, agent_program, free_port, pulse};
use crate::pages::{Block, Page};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

/// Where the page has the controller listen.
const ADDRESS: &str = "127.0.0.1:8080";
/// Begins what a block of commands writes.
const MARK: &str = "@@ block";

/// Whether a block is a command that the test runs.
fn is_run(block: &Block) -> bool {
    block.info == "sh" && !block.before.starts_with("<!-- not run")
}

/// The file that a block of YAML is to be saved as.
fn saved_as(block: &Block) -> Option<&str> {
    let (_, rest) = block.before.rsplit_once("Save this as `").filter(|_| block.info == "yaml")?;
    rest.split('`').next()
}

/// With which code the block's one command ends, where that is not 0.
fn exit_code(block: &Block) -> Option<&str> {
    block.text.split_once("# exits ").map(|(_, code)| code.split_whitespace().next().unwrap_or(""))
}

/// One script for the whole page, for one shell, as one terminal would be.
fn script(blocks: &[Block], address: &str) -> String {
    let mut script = String::from("set -e\n");
    for (index, block) in blocks.iter().enumerate() {
        if let Some(file) = saved_as(block) {
            write!(script, "cat > {file} <<'END OF FILE'\n{}END OF FILE\n", block.text).unwrap();
        } else if is_run(block) {
            writeln!(script, "echo '{MARK} {index}'").unwrap();
            match exit_code(block) {
                None => script.push_str(&block.text),
                Some(code) => {
                    let text = &block.text;
                    writeln!(
                        script,
                        "set +e\n{text}code=$?\nset -e\n[ $code = {code} ] || {{ echo \"exit code $code\"; exit 99; }}"
                    )
                    .unwrap();
                }
            }
        }
    }
    script.replace(ADDRESS, address)
}

/// Whether a line says what the page shows: alike but for white space, `…` standing for anything.
fn shows(line: &str, shown: &str) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut rest, shown) = (squeeze(line), squeeze(shown));
    for piece in shown.split('…').map(str::trim) {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after.to_owned();
    }
    true
}

/// Every line that the page shows below a block of commands was written by it.
fn assert_shown(blocks: &[Block], said: &str) {
    let mut compared = 0;
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.info == "text") {
        let commands = (0..index).rev().find(|before| is_run(&blocks[*before])).expect("commands before what they say");
        let part = said.split(&format!("{MARK} {commands}\n")).nth(1).unwrap_or_else(|| panic!("no block {commands}: {said}"));
        let part = part.split(MARK).next().unwrap_or("");
        for shown in block.text.lines() {
            let found = part.lines().any(|line| shows(line, shown));
            assert!(found, "docs/tutorial.md:{}: nothing says `{shown}`:\n{part}", block.line);
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} lines were compared");
}

#[test]
fn the_tutorial_runs_as_it_is_written() {
    let scene = Scene::new("tutorial: as it is written");
    let programs = scene.path("bin");
    fs::create_dir(&programs).unwrap();
    for program in [env!("CARGO_BIN_EXE_pulse-controller").into(), agent_program(), pulse()] {
        symlink(&program, programs.join(program.file_name().unwrap())).unwrap();
    }
    let blocks = Page::at("docs/tutorial.md").blocks();
    assert_eq!(blocks.iter().filter(|block| block.info == "sh" && !is_run(block)).count(), 1, "only the build is not run");
    assert_eq!(blocks.iter().filter(|block| block.info == "yaml" && saved_as(block).is_none()).count(), 0, "each file is saved");
    let address = format!("127.0.0.1:{}", free_port());
    fs::write(scene.path("tutorial.sh"), script(&blocks, &address)).unwrap();
    let mut shell = Command::new("timeout");
    shell.args(["120", "bash", "tutorial.sh"]).current_dir(scene.root()).env_clear();
    shell.env("PATH", format!("{}:/usr/bin:/bin", programs.display())).env("HOME", scene.root()).env("PULSE_LISTEN", &address);
    let log = fs::File::create(scene.path("tutorial.log")).unwrap();
    let status = shell.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).status().unwrap();
    let said = fs::read_to_string(scene.path("tutorial.log")).unwrap();
    assert!(status.success(), "{status}: {said}");
    assert_shown(&blocks, &said);
}
