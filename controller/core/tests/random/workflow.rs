//! Random workflows, as text: every step type, conditions on everything that can be in scope, jumps forth and back. Where a
//! world is to be without faults, its workflow is *tame*: it fails only if a command or a person lets it.

use super::dice::Dice;

/// What the steps written so far are, for those that refer to them.
struct Writer<'a> {
    dice: &'a mut Dice,
    tame: bool,
    count: usize,
    /// By place: the type.
    kinds: Vec<&'static str>,
}

const HEAD: &str = "apiVersion: pulse.dev/v1
kind: Workflow
metadata: {name: random, labels: {team: infra}}
spec:
  params:
    - {name: level, type: int, min: 0, max: 9, default: 3}
    - {name: ratio, type: number, default: 0.5}
    - {name: fast, type: bool}
    - {name: mode, type: enum, values: [blue, green]}
    - {name: length, type: duration, default: 5s}
    - {name: place, type: agent, required: true}
    - {name: names, type: list, values: [x, y]}
    - {name: note, maxLength: 20, default: hello}
";

/// A workflow.
pub fn workflow(dice: &mut Dice, tame: bool) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(dice.pick(&["", "", "  concurrency: {policy: Queue}\n", "  concurrency: {policy: Allow}\n"]));
    text.push_str(match tame {
        true => dice.pick(&["", "  timeout: 30d\n"]),
        false => dice.pick(&["", "", "  timeout: 40m\n", "  timeout: 90s\n"]),
    });
    text.push_str("  steps:\n");
    let count = 1 + dice.below(8);
    let mut writer = Writer { dice, tame, count, kinds: Vec::new() };
    for place in 0..count {
        let step = writer.step(place);
        text.push_str(&step);
    }
    text
}

/// The words of a start.
pub fn start(dice: &mut Dice) -> String {
    let (level, ratio, fast) = (dice.below(10), dice.pick(&["0.25", "0.5", "1"]), dice.pick(&["true", "false"]));
    let (mode, place, names) = (dice.pick(&["blue", "green"]), dice.pick(&["a1", "a2", "a3"]), dice.pick(&["[]", "[\"x\"]"]));
    let by = dice.pick(&["", "", " by=schedule/nightly"]);
    format!("start level={level} ratio={ratio} fast={fast} mode={mode} length=5s place={place} names={names} note=hello{by}")
}

impl Writer<'_> {
    fn step(&mut self, place: usize) -> String {
        let kind = match place {
            0 => self.dice.pick(&["execute", "execute", "execute", "prompt", "wait"]),
            _ => self.dice.pick(&["execute", "execute", "execute", "prompt", "prompt", "wait", "parse", "route"]),
        };
        // The first step can be read by others; a `parse` needs one that ran a command.
        let kind = if kind == "parse" && !self.kinds.contains(&"execute") { "execute" } else { kind };
        let mut text = format!("    - id: s{place}\n      type: {kind}\n");
        text.push_str(&match kind {
            "execute" => self.execute(place),
            "prompt" => self.prompt(place),
            "wait" => self.wait(),
            "parse" => self.parse(),
            _ => self.route(place),
        });
        let mut refers = kind == "parse" || kind == "route";
        if place > 0 && self.dice.once_in(4) {
            text.push_str(&format!("      when: {}\n", self.condition()));
            refers = true;
        }
        if self.dice.once_in(6)
            && let Some(goto) = self.goto(place, false)
        {
            text.push_str(&format!("      goto: {goto}\n"));
        }
        if (self.tame && refers) || self.dice.once_in(3) {
            text.push_str("      continueOnError: true\n");
        }
        self.kinds.push(kind);
        text
    }

    fn execute(&mut self, place: usize) -> String {
        let earlier = self.places("execute");
        let mut text = String::new();
        let targets = match self.dice.below(8) {
            0 => "[a1, a2]".to_owned(),
            1 => "[a3]".to_owned(),
            2 => "[\"{{ params.place }}\"]".to_owned(),
            3 if !earlier.is_empty() => {
                let from = earlier[self.dice.below(earlier.len())];
                format!("{{from: s{from}, result: {}}}", self.dice.pick(&["succeeded", "failed"]))
            }
            _ => "[all]".to_owned(),
        };
        text.push_str(&format!("      targets: {targets}\n"));
        let reboots = self.dice.once_in(8);
        let mut command = if reboots { "reboot" } else { self.dice.pick(&["uptime", "print kv", "print json"]) }.to_owned();
        match self.dice.below(8) {
            0 => command.push_str(" {{ params.note }}"),
            1 if place > 0 && !self.tame => {
                let other = self.dice.below(place);
                match self.kinds[other] {
                    "execute" => command.push_str(&format!(" {{{{ steps.s{other}.stdout }}}}")),
                    "prompt" => command.push_str(&format!(" {{{{ steps.s{other}.answer }}}}")),
                    _ => command.push_str(&format!(" {{{{ steps.s{other}.status }}}}")),
                }
            }
            2 if !self.tame => command.push_str(" {{ agent.labels.role }}"),
            3 if !self.tame && self.kinds.contains(&"parse") => command.push_str(" {{ state.pct }}"),
            _ => {}
        }
        text.push_str(&format!("      command: '{command}'\n      timeout: 1m\n      killGrace: 5s\n"));
        if reboots {
            text.push_str("      expectDisconnect: true\n");
        }
        text.push_str(&format!("      maxParallel: {}\n      maxFailures: {}\n", 1 + self.dice.below(4), self.dice.below(3)));
        for line in ["idempotent: true", "onUnknown: fail", "onUnknown: wait", "retry: {attempts: 3, backoff: 2s}"] {
            if self.dice.once_in(3) && !(line.starts_with("onUnknown") && text.contains("onUnknown")) {
                text.push_str(&format!("      {line}\n"));
            }
        }
        text.push_str(self.dice.pick(&["", "      onOffline: skip\n", "      onOffline: wait 5m\n"]));
        text
    }

    fn prompt(&mut self, place: usize) -> String {
        let mut text = String::from("      message: ");
        text.push_str(match self.tame || !self.kinds.contains(&"parse") {
            true => self.dice.pick(&["Go on?\n", "\"{{ params.note }}, go on?\"\n"]),
            false => self.dice.pick(&["Go on?\n", "\"{{ state.pct }} percent, go on?\"\n"]),
        });
        let leads = |goto: Option<String>| goto.map_or_else(String::new, |goto| format!(", goto: {goto}"));
        let (yes, no) = (leads(self.goto(place, true)), leads(self.goto(place, true)));
        text.push_str(&format!("      options: [{{value: \"Yes\"{yes}}}, {{value: \"No\"{no}}}, Maybe]\n"));
        text.push_str(match self.tame {
            true => self.dice.pick(&["", "      timeout: 10m\n      onTimeout: {answer: Maybe}\n"]),
            false => self.dice.pick(&[
                "",
                "      timeout: 10m\n",
                "      timeout: 3m\n      onTimeout: {answer: \"No\"}\n",
                "      timeout: 1h\n      onTimeout: {answer: Maybe}\n",
                "      timeout: 20s\n      onTimeout: fail\n",
            ]),
        });
        text
    }

    fn wait(&mut self) -> String {
        let choices = [
            "      duration: 10s\n",
            "      duration: 15m\n",
            "      until: \"02:00\"\n",
            "      until: \"00:30\"\n      timeZone: Europe/Berlin\n",
            "      until: \"1970-01-01T00:05:00Z\"\n",
        ];
        let wrong = "      until: \"{{ params.note }}\"\n";
        if !self.tame && self.dice.once_in(8) { wrong.to_owned() } else { self.dice.pick(&choices).to_owned() }
    }

    fn parse(&mut self) -> String {
        let from = self.places("execute");
        let mut text = String::new();
        if self.dice.once_in(2) {
            text.push_str(&format!("      from: s{}\n", from[self.dice.below(from.len())]));
        }
        text.push_str(self.dice.pick(&["", "", "      into: found\n"]));
        text.push_str(self.dice.pick(&[
            "",
            "      format: keyvalue\n",
            "      format: json\n",
            "      format: regex\n      pattern: '(?<pct>\\d+)'\n",
        ]));
        text.push_str(self.dice.pick(&["", "      each: true\n", "      each: true\n", "      agent: a1\n"]));
        text
    }

    fn route(&mut self, place: usize) -> String {
        let mut text = String::from("      routes:\n");
        for _ in 0..1 + self.dice.below(3) {
            let goto = self.goto(place, true).map_or_else(String::new, |goto| format!(", goto: {goto}"));
            text.push_str(&format!("        - {{if: {}{goto}, label: one}}\n", self.condition()));
        }
        if self.dice.once_in(2) {
            let goto = self.goto(place, false).map_or_else(String::new, |goto| format!(", goto: {goto}"));
            text.push_str(&format!("        - {{default: true{goto}}}\n"));
        }
        text
    }

    /// Where a jump leads; back only where that is not certain to go round for ever, or rarely.
    fn goto(&mut self, place: usize, may_return: bool) -> Option<String> {
        let back = !self.tame && if may_return { self.dice.once_in(4) } else { self.dice.once_in(40) };
        if back {
            return Some(format!("s{}", self.dice.below(place + 1)));
        }
        match self.dice.below(4) {
            0 => Some("end".to_owned()),
            1 if place + 1 < self.count => Some(format!("s{}", place + 1 + self.dice.below(self.count - place - 1))),
            _ => None,
        }
    }

    fn places(&self, kind: &str) -> Vec<usize> {
        (0..self.kinds.len()).filter(|place| self.kinds[*place] == kind).collect()
    }

    /// In single quotes, as a value in YAML.
    fn condition(&mut self) -> String {
        let other = self.dice.below(self.kinds.len());
        let own = match (self.dice.below(3), self.kinds[other]) {
            (0, "execute") => format!("steps.s{other}.agents[\"a1\"].exitCode == 0"),
            (_, "prompt") => format!("steps.s{other}.answer == \"{}\"", self.dice.pick(&["Yes", "No"])),
            (1, "execute") => format!("steps.s{other}.agents.contains(\"a2\")"),
            _ => format!("steps.s{other}.status == \"{}\"", self.dice.pick(&["succeeded", "failed", "skipped"])),
        };
        let parsed = self.kinds.contains(&"parse");
        let chosen = match self.dice.below(10) {
            0 => "params.level > 4".to_owned(),
            1 => "params.fast".to_owned(),
            2 => "params.mode == \"blue\" && params.ratio < 0.7".to_owned(),
            3 => "\"x\" in params.names".to_owned(),
            4 if parsed => "\"pct\" in state && int(state.pct) > 50".to_owned(),
            5 if parsed => "int(state.pct) > 50".to_owned(),
            _ => own,
        };
        format!("'{chosen}'")
    }
}
