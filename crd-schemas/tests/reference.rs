//! The pages of the reference are those of the schemas: one for each kind, one for each type of step. `UPDATE_DOCS=1` rewrites them.

#[path = "reference/render.rs"]
mod render;
#[path = "reference/shape.rs"]
mod shape;

use crd_schemas::{Kind, parse_file, schemas};
use render::{Subject, page};
use serde_json::Value;
use shape::Schema;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where each kind and each type of step is told at length.
const MORE: [(&str, &str); 10] = [
    ("Workflow", "[Workflows](../../workflows.md)"),
    ("Schedule", "[Schedules](../../schedules.md)"),
    ("Agent", "[Targets](../../workflows.md#targets) and [Values](../../workflows.md#values---)"),
    ("AgentGroup", "[Targets](../../workflows.md#targets)"),
    ("AccessPolicy", "[Who comes in, and what they may do](../../identity.md)"),
    ("execute", "[`execute`: run a command](../../workflows.md#execute-run-a-command)"),
    ("prompt", "[`prompt`: ask a person](../../workflows.md#prompt-ask-a-person), [Prompts](../../executions.md#prompts)"),
    ("wait", "[`wait`: wait for a time](../../workflows.md#wait-wait-for-a-time)"),
    ("parse", "[`parse`: read an output](../../workflows.md#parse-read-an-output)"),
    ("route", "[`route`: choose where to go on](../../workflows.md#route-choose-where-to-go-on)"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn more(name: &str) -> &'static str {
    MORE.iter().find(|(of, _)| *of == name).map(|(_, more)| *more).unwrap_or_else(|| panic!("where is {name} told at length?"))
}

/// The example of a page: its place, and its text.
fn example(name: &str) -> (String, String) {
    let place = format!("examples/reference/{}.yaml", name.to_lowercase());
    let text = fs::read_to_string(root().join(&place)).unwrap_or_else(|error| panic!("{place}: {error}"));
    (place, text)
}

fn text<'a>(node: &'a Value, what: &str) -> &'a str {
    node["description"].as_str().unwrap_or_else(|| panic!("{what} has no description"))
}

/// A kind's page: what it is, its metadata, its `spec` and what lies below.
fn kind_page(kind: Kind, whole: &Value) -> String {
    let schema = Schema(whole);
    let name = kind.as_str();
    let (place, said) = example(name);
    let spec = schema.referred(&whole["properties"]["spec"]).expect("a spec");
    let tables = vec![("metadata".to_owned(), schema.definition("Metadata")), ("spec".to_owned(), schema.definition(spec))];
    page(&Subject { name, description: text(whole, name), tables, schema, example: (&place, said), more: more(name) })
}

/// The page of a type of step.
fn step_page(name: &str, step: &Value, whole: &Value) -> String {
    let (place, said) = example(name);
    let description = text(&step["properties"]["type"], name);
    let mut fields = step.clone();
    fields["description"] = Value::Null;
    let tables = vec![("Fields".to_owned(), &fields)];
    page(&Subject { name, description, tables, schema: Schema(whole), example: (&place, said), more: more(name) })
}

/// The kinds with their schemas.
fn kinds() -> Vec<(Kind, Value)> {
    let of = |kind: Kind| {
        let file = format!("{}.json", kind.as_str().to_lowercase());
        (kind, schemas().into_iter().find(|(name, _)| *name == file).expect("a schema for each kind").1)
    };
    Kind::ALL.map(of).into()
}

/// The types of steps, each with its form in the schema of workflows.
fn steps(workflow: &Value) -> Vec<(&str, &Value)> {
    let forms = workflow.pointer("/definitions/Step/oneOf").and_then(Value::as_array).expect("one form for each type");
    forms.iter().map(|form| (form["properties"]["type"]["const"].as_str().expect("a type"), form)).collect()
}

/// The list of all pages.
fn index(kinds: &[(Kind, Value)]) -> String {
    let mut page = String::from(
        "<!-- Made of the schemas by `UPDATE_DOCS=1 cargo test -p crd-schemas --test reference`. -->\n\n# Kinds and steps\n\n\
         Every field that a manifest may have, as the schemas say it: type, default, meaning, limits. The pages are made of the same \
         types as the decoder, the JSON Schemas (`crd-schemas/schemas/`, `GET /schemas/…`) and the Kubernetes definitions; a test fails \
         while they differ. What no single field can say (which of them go together, order, names) is told in \
         [Workflows](../workflows.md) and [Schedules](../schedules.md); each [problem](../problems.md) names the rule.\n\n\
         | kind | what it is |\n|---|---|\n",
    );
    for (kind, whole) in kinds {
        let name = kind.as_str();
        page.push_str(&format!("| [`{name}`](kinds/{}.md) | {} |\n", name.to_lowercase(), text(whole, name)));
    }
    page.push_str("\n| step | what it does |\n|---|---|\n");
    for (name, form) in steps(&kinds[0].1) {
        page.push_str(&format!("| [`{name}`](steps/{name}.md) | {} |\n", text(&form["properties"]["type"], name)));
    }
    page
}

/// Every page of the reference by its place.
fn pages() -> BTreeMap<String, String> {
    let kinds = kinds();
    let mut pages = BTreeMap::from([("docs/reference/index.md".to_owned(), index(&kinds))]);
    for (kind, whole) in &kinds {
        pages.insert(format!("docs/reference/kinds/{}.md", kind.as_str().to_lowercase()), kind_page(*kind, whole));
    }
    for (name, form) in steps(&kinds[0].1) {
        pages.insert(format!("docs/reference/steps/{name}.md"), step_page(name, form, &kinds[0].1));
    }
    pages
}

#[test]
fn the_pages_of_the_reference_are_those_of_the_schemas() {
    for (place, text) in pages() {
        let path = root().join(&place);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
            fs::write(&path, &text).expect("the page is written");
        }
        assert!(fs::read_to_string(&path).unwrap_or_default() == text, "{place} is stale; run the tests with UPDATE_DOCS=1");
    }
}

#[test]
fn every_field_says_what_it_means() {
    let mut count = 0;
    for (kind, whole) in kinds() {
        let definitions = whole["definitions"].as_object().expect("definitions");
        let forms = definitions.values().flat_map(|node| {
            let steps = node["oneOf"].as_array().into_iter().flatten().filter(|form| form["properties"].get("id").is_some());
            steps.chain(std::iter::once(node)).collect::<Vec<_>>()
        });
        for (name, field) in forms.flat_map(|form| form["properties"].as_object().into_iter().flatten()) {
            let said = field["description"].as_str().unwrap_or("");
            assert!(said.len() > 5, "{kind}: `{name}` does not say what it means: {field}");
            count += 1;
        }
    }
    assert!(count > 80, "only {count} fields were found: this test looks for them in the wrong way");
}

#[test]
fn every_example_shows_what_its_page_is_about() {
    for (kind, _) in kinds() {
        let (place, text) = example(kind.as_str());
        let parsed = parse_file(&place, text.as_bytes());
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        assert!(parsed.documents.iter().any(|document| document.manifest.kind() == kind), "{place} has no {kind}");
    }
    let workflow = kinds().remove(0).1;
    for (name, _) in steps(&workflow) {
        let (place, text) = example(name);
        assert!(text.contains(&format!("type: {name}\n")), "{place} has no step of the type {name}");
    }
}

/// A field that the pages at length do not know is one that nobody finds.
#[test]
fn the_pages_at_length_name_every_field() {
    let page = |name: &str| fs::read_to_string(root().join("docs").join(name)).expect("a page");
    let (workflows, schedules, identity) = (page("workflows.md"), page("schedules.md"), page("identity.md"));
    let all = kinds();
    let whole = |kind: Kind| &all.iter().find(|(of, _)| *of == kind).expect("a kind").1;
    let fields = |node: &Value| node["properties"].as_object().expect("fields").keys().cloned().collect::<Vec<_>>();
    let workflow = Schema(whole(Kind::Workflow));
    let mut wanted: Vec<(&str, String)> =
        steps(whole(Kind::Workflow)).iter().flat_map(|(_, form)| fields(form)).map(|name| (workflows.as_str(), name)).collect();
    for part in ["Param", "Concurrency", "RouteCase", "Retry", "WorkflowSpec"] {
        wanted.extend(fields(workflow.definition(part)).into_iter().map(|name| (workflows.as_str(), name)));
    }
    let of_agents = Schema(whole(Kind::Agent)).definition("AgentSpec");
    wanted.extend(fields(of_agents).into_iter().map(|name| (workflows.as_str(), name)));
    // The fields of a command are told with the step.
    let scheduled = fields(Schema(whole(Kind::Schedule)).definition("ScheduleSpec"));
    let of_command = fields(steps(whole(Kind::Workflow))[0].1);
    wanted.extend(scheduled.into_iter().filter(|name| !of_command.contains(name)).map(|name| (schedules.as_str(), name)));
    let of_policies = Schema(whole(Kind::AccessPolicy)).definition("AccessPolicySpec");
    wanted.extend(fields(of_policies).into_iter().map(|name| (identity.as_str(), name)));
    assert!(wanted.len() > 80, "only {} fields were found", wanted.len());
    for (page, name) in wanted {
        let forms = [format!("`{name}`"), format!("{name}: "), format!("{name}:\n"), format!("`{name}, "), format!("`{name}:")];
        assert!(
            forms.iter().any(|form| page.contains(form)),
            "`{name}` stands nowhere in the page that begins with {}",
            &page[..30]
        );
    }
}
