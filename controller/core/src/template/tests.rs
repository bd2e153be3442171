//! What is refused, with the mend; what a text becomes.

use super::*;

fn scope() -> Scope {
    Scope { params: vec!["x".into()], earlier_steps: vec!["check".into()], in_target: true }
}

#[test]
fn text_is_joined_with_values_and_values_are_not_looked_at() {
    let context = Context { params: [("x".to_owned(), "{{ params.x }} $(id)".to_owned())].into(), ..Context::default() };
    let template = Template::compile_text("a {{params.x}} b {{ \"{{.State}}\" }} }} {{ execution.number }}", &scope());
    let rendered = template.map(|template| template.render(&context));
    assert_eq!(rendered, Ok(Ok("a {{ params.x }} $(id) b {{.State}} }} 0".to_owned())));
}
