//! Every code of a refusal: with its statuses and what it means. The document and docs/problems.md are made of this table, and a
//! refusal that is not in it fails the tests.

/// A code of a refusal.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// The statuses that it comes with.
    pub statuses: &'static [u16],
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

const fn code(code: &'static str, statuses: &'static [u16], meaning: &'static str) -> Code {
    Code { code, statuses, meaning }
}

/// All of them, sorted.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    code("already_answered",      &[409], "Somebody has answered otherwise: `answer`, `answeredBy` and `answeredAt` say how."),
    code("already_running",       &[409], "The workflow's `concurrency` is `Forbid`, and `execution` (`name`) runs."),
    code("ambiguous_name",        &[409], "Several sources have the name: `sources` lists them; say `source`."),
    code("another_plan",          &[409], "The plan that is confirmed is not the one that is held."),
    code("attempt_not_unknown",   &[409], "It is known how the attempt ended, so there is nothing to settle."),
    code("bad_body",              &[400], "The body is not of the form that is wanted; `errors` says where."),
    code("bad_command",           &[422], "The command is wrong; `errors` has each problem, with its pointer within the request."),
    code("bad_concurrency_key",   &[422], "`concurrency.key` cannot be written with these parameters."),
    code("bad_header",            &[400], "A header is not of its form, or does not belong there."),
    code("bad_identity_header",   &[400], "A header that says who somebody is comes twice, or in another spelling."),
    code("bad_parameter",         &[400], "A parameter of the query or a field of the body is wrong; `errors` names it."),
    code("bad_params",            &[422], "Parameters of the workflow are wrong; `errors` names every one."),
    code("bad_path",              &[400], "The path is not written in its one form."),
    code("bad_retry",             &[422], "A retry from the failed step runs the same commit, another one runs from the start; a command by itself has no other."),
    code("bad_signature",         &[401], "The webhook's signature is absent or wrong."),
    code("bad_targets",           &[422], "No agent is left to run on, or a name is one that no agent ever had."),
    code("body_too_large",        &[413], "The body is larger than the bound."),
    code("body_too_slow",         &[408], "The body took too long to come."),
    code("cannot_be_stored",      &[422], "A value is longer than the store can hold."),
    code("cannot_retry",          &[422], "It cannot be retried so; `help` says how it can."),
    code("contended",             &[503], "Too many requests changed the same thing at once; ask again in a moment."),
    code("contradiction",         &[409], "Another person has said otherwise, or the agent proves otherwise."),
    code("csrf",                  &[403], "A browser's session changes something, and `X-Pulse-Csrf` is absent or wrong."),
    code("database_unavailable",  &[503], "The database does not answer; ask again in a moment."),
    code("encoded_body",          &[415], "The webhook's body is compressed."),
    code("enrolment_closed",      &[403], "`pulse-controller dev` has its one local agent, and no other enrols."),
    code("execution_over",        &[409], "The execution is over."),
    code("execution_removed",     &[410], "Retention has removed the execution; its number is not given again."),
    code("forbidden",             &[403], "It is known who you are, and you may not."),
    code("foreign_origin",        &[403], "A page of another origin asked."),
    code("head_moved",            &[409], "The source has moved on: `sync` says what was found."),
    code("head_refused",          &[409], "The source's newest commit has errors: `sync` has them."),
    code("idempotency_mismatch",  &[422], "The same `Idempotency-Key` came with another request."),
    code("internal",              &[500], "An error inside the controller; its log has more under the `X-Request-Id`."),
    code("invalid_manifests",     &[422], "The manifests have errors, so there is nothing to plan; `errors` has each, with file, line and column."),
    code("issuer_unreachable",    &[503], "The issuer of OpenID Connect cannot be asked."),
    code("name_taken",            &[403, 409], "The name is, or was, another's."),
    code("no_authority",          &[404], "The controller has no certificate authority of its own."),
    code("no_issuer",             &[404], "No issuer of OpenID Connect is configured."),
    code("no_random",             &[503], "The system has no random bytes to give."),
    code("no_source",             &[409], "No source is configured."),
    code("no_such_agent",         &[404], "There is no such agent."),
    code("no_such_attempt",       &[404, 422], "The execution has no such attempt."),
    code("no_such_download",      &[404], "The controller has no such file to give away."),
    code("no_such_execution",     &[404], "There is no such execution."),
    code("no_such_option",        &[422], "The question has no such option."),
    code("no_such_path",          &[404], "There is nothing at this path."),
    code("no_such_pause",         &[404], "There is no such pause."),
    code("no_such_prompt",        &[404], "There is no such question."),
    code("no_such_ref",           &[422], "The source has no branch, tag or commit of the name."),
    code("no_such_schedule",      &[404], "No schedule of the name is live."),
    code("no_such_schema",        &[404], "There is no such schema."),
    code("no_such_source",        &[404], "There is no such source."),
    code("no_such_step",          &[404], "The execution has no such step."),
    code("no_such_sync",          &[404], "There is no such sync, or it is kept no more."),
    code("no_such_token",         &[404], "There is no such token."),
    code("no_such_workflow",      &[404, 422], "No workflow of the name is live, or none in the source that is named."),
    code("not_held",              &[409], "The sync does not wait for a confirmation."),
    code("not_json",              &[415], "The body must be JSON, and its `Content-Type` must say so."),
    code("not_over",              &[409], "The execution is not over."),
    code("not_signed_in",         &[401], "What came back from the issuer does not hold; begin again."),
    code("not_yet_committed",     &[503], "It is not known yet whether the request was written; ask again with the same key."),
    code("nothing_failed",        &[409], "The execution succeeded, so there is nothing to retry."),
    code("overloaded",            &[429, 503], "Too many such requests are at work; ask again in a moment."),
    code("precondition_failed",   &[412], "The object is not in the state that `If-Match` names; read it again."),
    code("prompt_expired",        &[409], "Nobody answered in time: `answer` is the one that was taken, at `expiredAt`."),
    code("prompt_withdrawn",      &[409], "The question is withdrawn, because its step is over."),
    code("queue_full",            &[409], "The workflow's `concurrency` is `Queue`, and `maxQueued` executions wait already."),
    code("source_not_named",      &[422], "There are several sources; say `source`."),
    code("source_unreachable",    &[503], "The source cannot be read: `reason` says why."),
    code("standing_by",           &[503], "This controller is not the active one; ask again in a moment, or ask the active one."),
    code("stopping",              &[503], "The controller stops; ask again in a moment."),
    code("sync_interrupted",      &[500], "A look at the source ended without a result; the next one comes by itself."),
    code("too_many_pauses",       &[409], "1,000 pauses hold already."),
    code("too_many_requests",     &[429], "More requests came than are allowed; `Retry-After` says when the next one is."),
    code("unauthorized",          &[401], "A token is needed, or it is not valid."),
    code("uncompilable_workflow", &[422], "An older release accepted the workflow, and this one cannot run it."),
    code("unknown_targets",       &[409], "Nobody knows how attempts on `targets` ended; settle them, or say `includeUnknown`."),
    code("unreadable_body",       &[400], "The body could not be read to its end."),
    code("unreadable_history",    &[500], "The history of the execution cannot be read."),
    code("unreadable_row",        &[500], "What is stored cannot be read by this release."),
    code("webhooks_off",          &[404], "No secret for webhooks is set."),
    code("websocket_required",    &[426], "This is a WebSocket."),
    code("wrong_method",          &[405], "The path has no such method."),
];

/// What stands in the table of a code.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|one| one.code == code)
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn the_table_is_sorted_and_has_each_code_once() {
        assert!(CODES.is_sorted_by(|a, b| a.code < b.code));
        assert!(CODES.iter().all(|code| !code.statuses.is_empty() && code.meaning.ends_with('.')));
    }
}
