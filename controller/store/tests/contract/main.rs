//! The store's contract, one suite for every engine. A new engine is one line at the end of this file and one variant in
//! `bench.rs`; no test of the common list knows which engine it runs on. What only one engine has is tested in a list of its own.

mod agents;
mod audit;
mod backup;
mod bench;
mod definitions;
#[path = "mariadb.rs"]
mod mariadb_own;
mod opening;
mod output;
mod pauses;
mod planted;
#[path = "../../../tests/support/planted.rs"]
mod planted_runs;
mod prompts;
mod queues;
mod reads;
mod retention;
mod schedules;
mod schema;
mod server;
#[path = "../../src/test_database.rs"]
mod test_database;
mod tokens;
mod webhooks;
mod writer;

/// One `#[tokio::test]` for each test of the list.
macro_rules! contract {
    ($module:ident $engine:ident $($area:ident :: $test:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let name = concat!(stringify!($module), "::", stringify!($test));
            crate::$area::$test(crate::bench::Bench::new(crate::bench::Engine::$engine, name).await).await;
        }
    )* };
}

/// Runs every test of the list on one engine.
macro_rules! engine {
    ($module:ident, $engine:ident) => {
        mod $module {
            contract! { $module $engine
                opening::opening_again_takes_every_lease_with_a_higher_epoch
                opening::a_closed_store_has_given_its_leases_back
                opening::a_replaced_controller_writes_nothing_more
                opening::what_is_worth_trying_again_says_so
                opening::a_newer_schema_is_refused_and_left_alone
                opening::migrations_can_run_twice_and_side_by_side
                opening::what_was_written_is_there_after_a_restart
                opening::a_killed_process_leaves_whole_items_and_every_acknowledged_one
                opening::a_fact_is_put_once
                writer::a_stale_epoch_writes_nothing
                writer::a_lost_partition_fences_only_its_executions
                writer::of_256_items_only_the_stale_one_fails
                writer::one_workflow_has_one_holder_of_its_claim
                writer::claims_move_from_one_execution_to_another
                writer::a_released_claim_of_another_stays
                writer::numbers_are_unique_in_a_workflow_of_a_source
                writer::an_idempotency_key_starts_one_execution
                writer::items_that_contradict_themselves_are_refused
                writer::what_does_not_fit_is_refused_before_it_is_tried
                writer::large_documents_are_cut_into_statements
                writer::items_of_one_execution_keep_their_order
                writer::a_stale_row_never_wins
                writer::attempts_are_opened_and_closed_with_the_events
                writer::a_snapshot_is_written_once
                writer::a_closed_store_says_so
                reads::lists_are_paged_newest_first
                reads::an_execution_is_found_by_id_and_by_number
                reads::open_and_due_executions_are_found
                reads::one_bad_row_hides_no_other
                reads::what_is_open_is_counted_and_what_has_ended_is_found
                reads::a_bad_or_missing_event_fails_its_own_history_only
                definitions::a_plan_applies_whole_and_retired_ones_come_back
                definitions::only_one_of_two_plans_on_the_same_generation_applies
                definitions::a_plan_that_fails_half_way_changes_nothing
                definitions::large_files_are_applied_and_too_large_ones_refused
                definitions::sources_live_side_by_side
                definitions::what_a_newer_release_wrote_does_not_outlive_the_next_commit
                definitions::what_is_live_is_read_as_of_one_moment
                definitions::the_last_thousand_syncs_of_a_source_are_kept
                definitions::syncs_are_listed_newest_first
                schedules::a_schedule_goes_on_only_from_the_revision_that_was_read
                schedules::a_slot_fires_with_its_execution_or_not_at_all
                schedules::of_many_fires_only_the_overtaken_one_fails
                schedules::two_hundred_at_once_fire_a_slot_once
                schedules::a_settled_slot_is_not_settled_again
                schedules::a_replaced_controller_settles_nothing
                schedules::equal_slots_in_a_row_are_one_record
                schedules::the_newest_records_of_a_schedule_are_kept
                schedules::slots_are_listed_newest_first
                schedules::rows_that_contradict_themselves_are_refused
                prompts::a_prompt_is_opened_and_closed_with_the_events
                prompts::of_many_ends_of_one_prompt_one_counts
                prompts::of_256_items_only_the_one_whose_prompt_is_over_fails
                prompts::open_prompts_are_listed_oldest_first_and_history_newest_first
                prompts::prompts_that_contradict_themselves_are_refused
                prompts::one_bad_prompt_hides_no_other
                queues::a_place_in_a_queue_is_taken_once
                queues::a_place_is_released_and_the_turn_taken_at_once
                queues::a_killed_process_leaves_each_execution_its_place_or_its_turn
                reads::executions_are_searched_by_what_they_were_started_with
                pauses::a_pause_holds_until_it_expires_or_somebody_ends_it
                pauses::of_many_who_end_a_pause_one_has_ended_it
                pauses::pauses_that_contradict_themselves_are_refused
                pauses::absences_are_noted_and_old_ones_forgotten
                pauses::the_newest_ten_thousand_absences_are_read
                pauses::a_store_says_how_long_nobody_held_the_leases
                pauses::an_absence_that_was_not_noted_is_found_again
                pauses::a_second_try_at_the_leases_knows_what_the_first_one_found
                webhooks::the_last_webhook_of_each_source_is_kept
                tokens::of_fifty_agents_with_a_one_use_token_one_is_enrolled
                tokens::a_token_says_why_it_is_refused
                tokens::a_repeated_enrolment_costs_no_use
                tokens::a_revoked_name_is_enrolled_anew
                tokens::a_name_is_taken_over_by_the_token_that_was_made_for_it_alone
                agents::a_session_raises_the_epoch_once
                agents::a_sequence_that_went_back_is_quarantined
                agents::heartbeats_move_only_their_own_session
                agents::a_revoked_agent_starts_no_session
                audit::complete_rows_are_sealed_once_in_order
                audit::what_was_begun_and_not_ended_is_unknown
                audit::whatever_is_done_to_rows_is_found
                audit::rows_that_are_moved_or_removed_are_found
                audit::only_one_controller_seals
                audit::a_row_goes_with_its_item_or_not_at_all
                audit::rows_are_listed_newest_first_and_filtered
                backup::what_is_restored_is_what_was_there
                backup::whoever_wrote_before_a_restore_writes_no_more
                backup::half_a_restore_is_no_database
                backup::a_backup_of_an_earlier_schema_is_brought_up
                retention::a_removed_execution_leaves_nothing_behind
                retention::what_something_needs_is_not_removed
                retention::a_replaced_controller_removes_nothing
                retention::output_goes_before_its_execution
                retention::every_workflow_comes_up
                retention::an_audit_log_without_its_beginning_holds
                retention::what_is_over_for_long_goes
                retention::whoever_writes_does_not_wait_for_it
                output::pieces_come_back_in_order
                output::repeated_and_overlapping_pieces_change_nothing
                output::a_jump_is_a_gap
                output::head_and_tail_are_kept_and_the_middle_is_counted
                output::many_streams_at_once
                output::pieces_out_of_bounds_are_refused
            }
        }
    };
}

engine!(sqlite, Sqlite);
engine!(mariadb, MariaDb);

/// SQLite's own: the folder's lock, and a file that holds what no server would take.
mod sqlite_alone {
    contract! { sqlite_alone Sqlite
        opening::a_second_store_on_the_same_folder_is_refused
        reads::text_that_is_no_text_hides_no_other_row
    }
}

/// What compares them; it makes the other one's database itself.
mod both_engines {
    contract! { both_engines MariaDb
        schema::both_engines_have_the_same_schema
    }
}

/// MariaDB's own: several controllers, locks, broken connections, a server that dies.
mod mariadb_alone {
    contract! { mariadb_alone MariaDb
        mariadb_own::a_second_controller_stands_by_and_takes_over
        mariadb_own::the_leases_of_the_dead_are_taken_at_once
        mariadb_own::leases_expire_and_one_of_two_takes_them_over
        mariadb_own::a_deadlock_is_tried_again
        mariadb_own::a_lock_that_comes_too_late_is_waited_for_again
        mariadb_own::a_connection_killed_in_a_batch_costs_nothing
        mariadb_own::a_server_that_dies_forgets_nothing_that_was_answered
        mariadb_own::a_read_only_server_is_said_to_be_and_recovers
        mariadb_own::a_server_that_cannot_log_its_writes_is_refused
        mariadb_own::every_new_connection_is_checked
    }
}
