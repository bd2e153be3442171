//! The kept CustomResourceDefinitions are those of the types, and Kubernetes' own code judges them and what they let through.
//! `UPDATE_CRDS=1` rewrites them. `scripts/crd-validator` compiles that code where it is not kept from an earlier time.

use crd_schemas::{Kind, crds, parse_file};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HEAD: &str =
    "# Generated from the types of crd-schemas. To renew it: UPDATE_CRDS=1 cargo test -p crd-schemas --test crds\n";

#[test]
fn the_kept_definitions_are_those_of_the_types() {
    let mut known = BTreeSet::new();
    for (name, definition) in crds() {
        let text = yaml(&definition);
        let read: Value = serde_saphyr::from_str(&text).expect("what is written reads back");
        assert_eq!(read, definition, "{name}");
        let path = crate_folder().join("crds").join(&name);
        if std::env::var_os("UPDATE_CRDS").is_some() {
            fs::create_dir_all(crate_folder().join("crds")).expect("the folder is made");
            fs::write(&path, &text).expect("the definition is written");
        }
        assert!(fs::read_to_string(&path).unwrap_or_default() == text, "{name} is stale; run the tests with UPDATE_CRDS=1");
        known.insert(name);
    }
    let kept: BTreeSet<String> = files(&crate_folder().join("crds")).iter().map(|path| file_name(path)).collect();
    assert_eq!(kept, known, "a file in crds/ is no kind's");
}

#[test]
fn every_kind_has_names_of_its_own() {
    let mut names = BTreeSet::new();
    for (_, definition) in crds() {
        let said = &definition["spec"]["names"];
        for name in [&said["plural"], &said["singular"], &said["shortNames"][0]] {
            assert!(names.insert(name.as_str().expect("a name").to_owned()), "{name} is taken");
        }
    }
    assert_eq!(names.len(), 3 * Kind::ALL.len());
}

#[test]
fn kubernetes_accepts_the_definitions_and_every_good_manifest() {
    let texts: Vec<(PathBuf, String)> = good_files();
    let documents: usize = texts.iter().map(|(_, text)| parse_file("x.yaml", text.as_bytes()).documents.len()).sum();
    let verdicts = judged("good", texts.iter().map(|(_, text)| text.as_str()));
    assert_eq!(verdicts.len(), documents);
    for verdict in &verdicts {
        let path = &texts[verdict.file.parse::<usize>().expect("an index")].0;
        assert!(verdict.accepts(), "{}: {verdict:?}", path.display());
        // Kubernetes' rules for labels and annotations are narrower than ours; what people copy keeps to both.
        let shown = !path.components().any(|part| part.as_os_str() == "problems");
        assert!(!shown || verdict.metadata.is_empty(), "{}: {verdict:?}", path.display());
    }
}

#[test]
fn the_samples_use_every_field() {
    for (_, definition) in crds() {
        let kind = &definition["spec"]["names"]["kind"];
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let samples: Vec<Value> = samples().into_iter().filter(|sample| sample["kind"] == *kind).collect();
        assert_all_used(
            &schema["properties"]["spec"],
            &samples.iter().map(|sample| &sample["spec"]).collect::<Vec<_>>(),
            "/spec",
        );
    }
}

fn assert_all_used(schema: &Value, values: &[&Value], place: &str) {
    if let Some(items) = schema.get("items") {
        let items_of: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
        assert_all_used(items, &items_of, &format!("{place}/*"));
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let fields: Vec<&Value> = values.iter().filter_map(|value| value.get(name)).collect();
        assert!(!fields.is_empty(), "no sample in tests/crds has {place}/{name}; add one");
        assert_all_used(field, &fields, &format!("{place}/{name}"));
    }
}

/// Each sample with one value taken away, replaced or added at a time.
#[test]
fn kubernetes_accepts_what_the_decoder_accepts_and_refuses_most_of_the_rest() {
    let mutants: Vec<Mutant> = samples().iter().flat_map(mutants).collect();
    let text: Vec<String> = mutants.iter().map(|mutant| mutant.document.to_string()).collect();
    let verdicts = judged("mutants", [text.join("\n---\n").as_str()]);
    assert_eq!(verdicts.len(), mutants.len());
    let (mut right, mut wrong, mut missed) = (0, 0, Vec::new());
    for (verdict, Mutant { place, document }) in verdicts.iter().zip(&mutants) {
        if parse_file("x.yaml", document.to_string().as_bytes()).problems.is_empty() {
            right += 1;
            assert!(verdict.accepts(), "the decoder accepts {place}, Kubernetes does not: {verdict:?}\n{document}");
        } else if !place.ends_with(" is null") {
            // Kubernetes drops a null before it looks, so that it is the field left out.
            wrong += 1;
            if verdict.accepts() && verdict.metadata.is_empty() {
                missed.push(place);
            }
        }
    }
    println!("{right} right ones accepted; {} of {wrong} wrong ones refused", wrong - missed.len());
    assert!(missed.len() * 20 < wrong, "{} of {wrong} wrong manifests pass: {missed:#?}", missed.len());
}

struct Mutant {
    place: String,
    document: Value,
}

fn mutants(sample: &Value) -> Vec<Mutant> {
    let others = json!([null, true, 5, -1, 1.5, "", " ", "a b", "90", "2h", [], {}, [""], [5], {"x": 5}]);
    let mut found = Vec::new();
    for place in places(sample, String::new()) {
        for other in others.as_array().into_iter().flatten() {
            found.push(changed(sample, &place, &format!("{place} is {other}"), |value| *value = other.clone()));
        }
        found.push(changed(sample, &place, &format!("{place}/zzz"), |value| match value {
            Value::Object(fields) => drop(fields.insert("zzz".into(), json!("x"))),
            Value::Array(items) => items.extend(items.first().cloned()),
            _ => *value = json!("zzz"),
        }));
        let (parent, name) = place.rsplit_once('/').expect("a pointer");
        found.push(changed(sample, parent, &format!("without {place}"), |value| match value {
            Value::Object(fields) => drop(fields.remove(name)),
            Value::Array(items) => drop(items.remove(name.parse().expect("an index"))),
            _ => panic!("{place} has no parent"),
        }));
    }
    found
}

fn changed(sample: &Value, pointer: &str, place: &str, change: impl FnOnce(&mut Value)) -> Mutant {
    let mut document = sample.clone();
    change(document.pointer_mut(pointer).expect("a value"));
    Mutant { place: format!("{}{place}", sample["kind"].as_str().expect("a kind")), document }
}

/// The pointers of every value inside. Keys of maps hold no `~`; one with a `/` is left alone.
fn places(value: &Value, at: String) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), field)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    let inner = inner.into_iter().filter(|(name, _)| !name.contains('/'));
    inner.flat_map(|(name, field)| [vec![format!("{at}/{name}")], places(field, format!("{at}/{name}"))].concat()).collect()
}

/// What the validator says of one object.
#[derive(Debug, Deserialize)]
struct Verdict {
    file: String,
    schema: Vec<String>,
    pruned: Vec<String>,
    metadata: Vec<String>,
}

impl Verdict {
    /// Whether the schema lets it through, `kubectl`'s strictness about unknown fields included.
    fn accepts(&self) -> bool {
        self.schema.is_empty() && self.pruned.is_empty()
    }
}

/// What Kubernetes says of the documents of each text; that it accepts every definition comes first. `test` names a folder.
fn judged<'a>(test: &str, texts: impl IntoIterator<Item = &'a str>) -> Vec<Verdict> {
    let definitions = fresh_folder(&format!("{test}-definitions"));
    for (name, definition) in crds() {
        fs::write(definitions.join(name), yaml(&definition)).expect("the definition is written");
    }
    let objects = fresh_folder(&format!("{test}-objects"));
    for (index, text) in texts.into_iter().enumerate() {
        fs::write(objects.join(format!("{index:06}")), text).expect("the file is written");
    }
    let output = Command::new(validator()).args([definitions, objects]).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(line).collect();
    let (definitions, objects): (Vec<Value>, Vec<Value>) =
        lines.into_iter().partition(|line| line["kind"] == "CustomResourceDefinition");
    assert_eq!(definitions.len(), Kind::ALL.len());
    for definition in definitions {
        assert_eq!(definition["schema"], json!([]), "{definition}");
    }
    objects.into_iter().map(|object| serde_json::from_value(object).expect("a verdict")).collect()
}

fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder of an earlier run is removed");
    }
    fs::create_dir_all(&folder).expect("the folder is made");
    folder
}

fn yaml(definition: &Value) -> String {
    HEAD.to_owned() + &serde_saphyr::to_string(definition).expect("YAML")
}

fn line(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("a line of JSON")
}

/// The program, made first where it is not there.
fn validator() -> PathBuf {
    let script = crate_folder().join("../scripts/crd-validator");
    let output = Command::new(script).stderr(Stdio::inherit()).output().expect("the script starts");
    assert!(output.status.success(), "scripts/crd-validator says above what is missing");
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
}

/// The manifests of tests/crds.
fn samples() -> Vec<Value> {
    let texts = files(&crate_folder().join("tests/crds")).into_iter().map(|path| fs::read_to_string(path).expect("a text"));
    texts.flat_map(|text| serde_saphyr::from_multiple::<Value>(&text).expect("YAML")).collect()
}

/// Every file of the samples, of the examples and of the decoder's tests in which the decoder finds nothing wrong.
fn good_files() -> Vec<(PathBuf, String)> {
    let folders = ["tests/crds", "tests/problems", "../examples"].map(|folder| crate_folder().join(folder));
    let mut good = Vec::new();
    for path in folders.iter().flat_map(|folder| files(folder)).filter(|path| path.extension().is_some_and(|end| end == "yaml")) {
        let bytes = fs::read(&path).expect("a file");
        let parsed = parse_file("x.yaml", &bytes);
        if parsed.problems.is_empty() && !parsed.documents.is_empty() {
            good.push((path, String::from_utf8(bytes).expect("text")));
        }
    }
    good
}

/// The files of a folder and of those in it, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
fn crate_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
