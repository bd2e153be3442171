//! Every rule of a selection.

use super::*;

/// Labels by name, and who is revoked.
struct Few(BTreeMap<AgentName, (BTreeMap<String, String>, bool)>);

impl Agents for Few {
    fn find(&self, name: &AgentName) -> Option<KnownAgent<'_>> {
        self.0.get_key_value(name).map(|(name, (labels, revoked))| KnownAgent { name, labels, revoked: *revoked })
    }
    fn all(&self) -> impl Iterator<Item = KnownAgent<'_>> {
        self.0.iter().map(|(name, (labels, revoked))| KnownAgent { name, labels, revoked: *revoked })
    }
}

type Groups = BTreeMap<String, crd_schemas::manifest::AgentGroupSpec>;

fn inventory() -> (Few, Groups) {
    let agent = |name: &str, labels: &[(&str, &str)], revoked| {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        (name.parse().expect("a valid name"), (labels, revoked))
    };
    let group = |agents: &[&str], selector: Option<&str>| crd_schemas::manifest::AgentGroupSpec {
        agents: agents.iter().map(|name| (*name).to_owned()).collect(),
        selector: selector.map(str::to_owned),
    };
    let agents = [
        agent("web-2", &[("role", "web"), ("env", "prod")], false),
        agent("web-1", &[("role", "web"), ("env", "dev")], false),
        agent("db-1", &[("role", "db"), ("self/os", "linux")], false),
        agent("old", &[("role", "web")], true),
    ];
    let groups = [
        ("webs".to_owned(), group(&[], Some("role=web"))),
        ("mixed".to_owned(), group(&["db-1", "old"], Some("env=dev"))),
        ("ghosts".to_owned(), group(&["nobody"], None)),
    ];
    (Few(agents.into()), groups.into())
}

fn select(items: &[&str], limit: Option<&str>) -> String {
    let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
    let (agents, groups) = inventory();
    match resolve(&items, limit, &Inventory { agents: &agents, groups: &groups }) {
        Ok(names) => names.iter().map(AgentName::as_str).collect::<Vec<_>>().join(" "),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn items_are_or_and_commas_are_and() {
    for (items, limit, selected) in [
        (&["all"][..], None, "db-1 web-1 web-2"),
        (&["web-2", "db-1", "web-2"], None, "db-1 web-2"),
        (&["webs"], None, "web-1 web-2"),
        (&["mixed"], None, "db-1 web-1"),
        (&["role=web,env!=dev"], None, "web-2"),
        (&["role=web, env!=dev", "self/os=linux"], None, "db-1 web-2"),
        (&["role!=web"], None, "db-1"),
        (&["role==db"], None, "db-1"),
        (&["all"], Some("role=web"), "web-1 web-2"),
        (&["all"], Some("web-1"), "web-1"),
    ] {
        assert_eq!(select(items, limit), selected, "{items:?} {limit:?}");
    }
}

#[test]
fn nothing_is_never_everything() {
    let said: Vec<String> = [
        (&[][..], None),
        (&["role=cache"], None),
        (&["nobody"], None),
        (&["ghosts"], None),
        (&["old"], None),
        (&["web-1"], Some("db-1")),
        (&["all"], Some("nobody")),
        (&[""], None),
        (&["Web 1"], None),
        (&["role=web,"], None),
        (&["=web"], None),
        (&["role=a b"], None),
        (&["all,role=web"], None),
        (&["{{ params.host }}"], None),
        (&["web-{{ params.host }}"], None),
        (&["{{ execution.id }}"], None),
        (&["all"], Some("{{ params.host }}")),
    ]
    .iter()
    .map(|(items, limit)| format!("{items:?} {limit:?}: {}", select(items, *limit)))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn an_item_prints_as_it_is_read() {
    for text in ["all", "web-1", "role=web,env!=dev", "{{ params.host }}"] {
        assert_eq!(text.parse::<TargetItem>().map(|item| item.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn a_parameter_stands_for_one_agent_and_never_for_more() {
    let params = |value: &str| BTreeMap::from([("host".to_owned(), value.to_owned())]);
    let (agents, groups) = inventory();
    let inventory = Inventory { agents: &agents, groups: &groups };
    let items = ["db-1", "{{ params.host }}", "{{params.host}}", "role=web"].map(str::to_owned);
    let replaced = with_params(&items, &params("web-1"), &inventory);
    assert_eq!(replaced, Ok(["db-1", "web-1", "web-1", "role=web"].map(str::to_owned).into()));
    let mut said = Vec::new();
    for value in ["all", "webs", "role=web", "", "{{ params.host }}"] {
        said.push(with_params(&items, &params(value), &inventory).expect_err(value).to_string());
    }
    said.push(with_params(&items, &BTreeMap::new(), &inventory).expect_err("no value").to_string());
    insta::assert_snapshot!(said.join("\n"));
}
