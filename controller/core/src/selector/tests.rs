//! Every rule of a selection.

use super::*;

fn inventory() -> Inventory {
    let agent = |name: &str, labels: &[(&str, &str)], revoked| KnownAgent {
        name: name.parse().expect("a valid name"),
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        revoked,
    };
    let group = |agents: &[&str], selector: Option<&str>| crd_schemas::manifest::AgentGroupSpec {
        agents: agents.iter().map(|name| (*name).to_owned()).collect(),
        selector: selector.map(str::to_owned),
    };
    Inventory {
        agents: vec![
            agent("web-2", &[("role", "web"), ("env", "prod")], false),
            agent("web-1", &[("role", "web"), ("env", "dev")], false),
            agent("db-1", &[("role", "db"), ("self/os", "linux")], false),
            agent("old", &[("role", "web")], true),
        ],
        groups: [
            ("webs".to_owned(), group(&[], Some("role=web"))),
            ("mixed".to_owned(), group(&["db-1", "old"], Some("env=dev"))),
            ("ghosts".to_owned(), group(&["nobody"], None)),
        ]
        .into(),
    }
}

fn select(items: &[&str], limit: Option<&str>) -> String {
    let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
    match resolve(&items, limit, &inventory()) {
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
    ]
    .iter()
    .map(|(items, limit)| format!("{items:?} {limit:?}: {}", select(items, *limit)))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn an_item_prints_as_it_is_read() {
    for text in ["all", "web-1", "role=web,env!=dev"] {
        assert_eq!(text.parse::<TargetItem>().map(|item| item.to_string()), Ok(text.to_owned()));
    }
}
