//! Results, and refusals with their mend.

use super::*;

fn scope() -> Scope {
    Scope { params: vec!["x".into()], earlier_steps: vec!["check".into(), "my-step".into()], in_target: false }
}

#[test]
fn a_comparison_has_a_result() {
    let context = Context { params: [("x".to_owned(), "Yes".to_owned())].into(), ..Context::default() };
    for (text, result) in [("params.x == \"Yes\"", true), ("params.x != \"Yes\"", false), ("execution.number == 0", true)] {
        let expression = Expression::compile(text, &scope()).expect(text);
        assert_eq!(expression.evaluate(&context), Ok(result), "{text}");
    }
}
