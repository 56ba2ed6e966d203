//! The checks of the compliance suite for senders of remote write, and what shows each of them here.
//!
//! The suite (`github.com/prometheus/compliance/remotewrite`, folder `sender`, of 2026-02-23) starts a sender that scrapes a target of the suite.
//! Baton does not scrape: what such a target says is written by Baton's own catalogue and encoder instead.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const REQUESTS: &str = "tests/it/push/mod.rs";
const ENCODER: &str = "src/export/push/remote_write/tests/mod.rs";
const LOOP: &str = "src/export/push/tests/mod.rs";
const CLIENT: &str = "src/client/tests/mod.rs";
const REAL: &str = "tests/it/peers/push/histograms.rs";
const SAME: &str = "tests/it/peers/push/prometheus.rs";

/// File and name of the test that shows some checks.
const SHOWN: &[(&str, &str, &[&str])] = &[
    (
        REQUESTS,
        "a_request_is_one_of_the_protocol",
        &[
            "content_type_protobuf",
            "content_type_with_proto_param",
            "content_encoding_snappy",
            "version_header_present",
            "version_header_value",
            "user_agent_present",
            "snappy_block_format",
            "protobuf_parseable",
            "empty_string_at_index_zero",
            "string_deduplication",
            "labels_refs_valid_indices",
            "labels_refs_even_length",
            "label_lexicographic_ordering",
            "metric_name_label_present",
            "no_duplicate_label_names",
            "job_instance_labels_present",
            "start_timestamp_before_sample_timestamp",
            "multiple_series_per_request",
            "efficient_symbol_reuse",
            "metadata_help_text",
            "metadata_help_refs_valid",
            "metadata_batching",
            "samples_with_metadata",
        ],
    ),
    (
        REQUESTS,
        "times_of_a_series_only_grow_whatever_is_sent_again",
        &["timestamp_ordering_within_series"],
    ),
    (
        REQUESTS,
        "a_receiver_that_does_not_know_the_message_gets_the_same_points_in_the_other_one",
        &[
            "fallback_on_415_unsupported_media_type",
            "retry_with_different_version",
            "fallback_header_changes",
            "accept_success_after_fallback",
            "persistent_fallback_choice",
            "rw1_version_header",
            "rw1_content_type",
            "rw1_samples_encoding",
            "rw1_labels_encoding",
            "rw1_no_start_timestamp",
        ],
    ),
    (
        REQUESTS,
        "what_is_accepted_without_a_word_on_what_is_written_is_sent_as_version_1",
        &["handle_missing_written_headers", "handle_empty_response"],
    ),
    (
        REQUESTS,
        "what_a_retry_can_help_is_sent_again_and_nothing_else",
        &[
            "no_retry_on_400",
            "no_retry_on_401",
            "no_retry_on_404",
            "no_retry_on_413",
            "may_retry_on_429",
            "retry_on_500",
            "retry_on_502",
            "retry_on_503",
            "retry_on_504",
            "sender_continues_after_errors",
            "handle_large_error_body",
            "handle_large_error_response",
        ],
    ),
    (
        REQUESTS,
        "points_that_a_receiver_does_not_write_are_counted",
        &[
            "process_written_count_headers",
            "handle_partial_write_response",
            "handle_partial_write",
            "handle_204_no_content",
        ],
    ),
    (
        LOOP,
        "an_outage_loses_nothing_and_changes_no_order",
        &["handle_connection_refused", "handle_timeout"],
    ),
    (
        CLIENT,
        "waits_grow_to_a_limit_and_are_spread_around_their_middle",
        &[
            "exponential_backoff_on_retries",
            "backoff_required",
            "backoff_max_delay",
            "backoff_with_jitter",
        ],
    ),
    (
        ENCODER,
        "a_counter_has_its_labels_its_times_its_metadata_and_its_exemplar",
        &[
            "start_timestamp for counters",
            "metadata_type_counter",
            "metadata_unit",
            "exemplar_with_trace_id",
            "exemplar_value_valid",
            "exemplar_timestamp_valid",
            "exemplar_labels_valid_refs",
            "exemplar_labels_even_length",
            "samples_with_exemplars",
        ],
    ),
    (ENCODER, "a_gauge_has_no_start", &["metadata_type_gauge"]),
    (
        ENCODER,
        "a_histogram_is_pushed_in_the_forms_that_are_asked_for",
        &[
            "native_histogram_structure",
            "histogram_count_present",
            "histogram_sum_present",
            "histogram_buckets_ordered",
            "histogram_positive_buckets",
            "histogram_zero_bucket",
            "histogram_schema",
            "histogram_timestamp",
            "histogram_no_mixed_with_samples",
            "metadata_type_histogram",
            "start_timestamp for histograms",
            "complete_metric_family",
            "metadata_consistent_across_series",
            "exemplar_on_histogram",
        ],
    ),
    (
        ENCODER,
        "series_that_have_ended_get_stale_markers_in_all_their_forms",
        &["stale_marker"],
    ),
    (
        ENCODER,
        "a_series_keeps_its_shard_and_a_request_its_size",
        &[
            "batch_size_reasonable",
            "many_timeseries",
            "high_cardinality",
            "handles_varying_cardinality",
        ],
    ),
    (
        ENCODER,
        "remote_write_1_has_the_same_points_without_starts_and_symbols",
        &["rw1_symbol_table_not_used"],
    ),
    (
        ENCODER,
        "odd_values_and_texts_arrive_as_they_are",
        &[
            "float_value_encoding",
            "integer_value_encoding",
            "zero_value_encoding",
            "negative_value_encoding",
            "positive_infinity_encoding",
            "negative_infinity_encoding",
            "nan_encoding",
            "large_float_values",
            "small_float_values",
            "scientific_notation",
            "precision_preservation",
            "special_float_combinations",
            "unicode_in_label_values",
            "unicode_in_labels",
            "special_chars_in_label_values",
            "very_long_label_values",
            "huge_label_values",
            "label_values_may_be_empty",
            "value",
            "timestamp",
        ],
    ),
    (
        REAL,
        "every_form_of_a_histogram_arrives_as_such",
        &[
            "histogram_with_metadata_and_exemplars",
            "mixed_sample_and_histogram_families",
            "histogram_empty_buckets",
        ],
    ),
    (
        SAME,
        "a_scrape_remote_write_and_otlp_give_the_same_series",
        &[
            "multiple_metric_types",
            "mixed_labels_and_metadata",
            "real_world_scenario",
            "metric_name_format_valid",
            "label_name_format_valid",
            "label_names_not_empty",
            "samples",
        ],
    ),
];

/// Checks without a counterpart, and why.
const ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "the target decides names, labels, times and texts, and Baton has no target: its catalogue does",
        &[
            "empty_scrape",
            "very_long_metric_name",
            "very_long_label_names",
            "metric_name_with_colons",
            "reserved_label_prefix",
            "many_labels_per_series",
            "high_cardinality_labels",
            "zero_timestamp",
            "future_timestamp",
            "metadata_help_with_newlines",
            "metadata_help_with_special_chars",
            "metadata_empty_help_allowed",
            "histogram_large_counts",
            "exemplar_custom_labels",
            "exemplar_with_span_id",
            "multiple_exemplars_per_series",
        ],
    ),
    ("Baton has no summaries", &["metadata_type_summary"]),
    (
        "Baton measures nothing that is negative",
        &["histogram_negative_buckets"],
    ),
    (
        "1.0 with native histograms is what Prometheus sends too, and metadata are optional in 1.0",
        &["rw1_no_native_histograms", "rw1_metadata_handling"],
    ),
    (
        "the body of an answer is not read, and so not logged: it may echo what was sent",
        &[
            "log_error_messages_verbatim",
            "ignore_response_body_on_success",
            "handle_malformed_response",
            "handle_200_ok",
            "handle_invalid_status_code",
        ],
    ),
    (
        "the check of the configuration and the resolver have tests of their own",
        &["dns_resolution_failure", "invalid_url_scheme"],
    ),
];

#[test]
fn every_check_of_the_compliance_suite_is_shown_by_a_test_or_says_why_not() {
    let mut checks = BTreeSet::new();
    for (file, test, shown) in SHOWN {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(&file).expect("a file");
        assert!(
            text.contains(&format!("fn {test}(")),
            "{}: {test}",
            file.display()
        );
        for check in *shown {
            assert!(checks.insert(*check), "{check} is there twice");
        }
    }
    for check in ELSEWHERE.iter().flat_map(|(_, checks)| *checks) {
        assert!(checks.insert(check), "{check} is there twice");
    }
}
