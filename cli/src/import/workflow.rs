//! A workflow's `spec`.

use super::flow::Flow;
use super::input::Definition;
use super::note::Notes;
use super::params::Params;
use super::steps::Reader;
use super::yaml::Yaml;
use super::{Built, Options};
use serde_json::Value;

/// Most steps of a workflow.
const MAX_STEPS: usize = 1000;

/// Builds it; nothing where a step could not be built at all.
pub fn build(definition: &Definition, options: Options<'_>, notes: &mut Notes) -> Option<Built> {
    let place = &definition.place;
    let Some(Value::Array(old)) = definition.body.get("steps") else {
        return notes.error(
            &place.field("steps"),
            "the definition has no list of steps",
            "write `\"steps\": [{\"type\": \"execute\", …}]`",
        );
    };
    if old.is_empty() || old.len() > MAX_STEPS {
        return notes.error(
            &place.field("steps"),
            format!("there are {} steps", old.len()),
            format!("a workflow has 1 to {MAX_STEPS}"),
        );
    }
    let flow = Flow::of(old);
    let mut params = Params::read(definition.body.get("params").unwrap_or(&Value::Null), place, notes);
    let start = notes.0.len();
    let (mut steps, mut places) = (Vec::new(), Vec::new());
    for (index, step) in old.iter().enumerate() {
        let mut reader = Reader::new(&flow, old, index, options.unit, place, &mut params, notes);
        let (at, built) = (reader.place.clone(), reader.step(step));
        places.push(at);
        steps.push(built);
    }
    let steps: Option<Vec<Yaml>> = steps.into_iter().collect();
    let items = steps?.into_iter().enumerate().map(|(index, step)| (notes.comments(start, Some(index + 1)), step)).collect();
    let mut spec = Vec::new();
    if let Some(description) = &definition.description {
        spec.push(("description".to_owned(), Yaml::text(description)));
    }
    spec.extend(params.yaml().map(|params| ("params".to_owned(), params)));
    spec.push(("steps".to_owned(), Yaml::Items(items)));
    Some(Built { spec, steps: places })
}
