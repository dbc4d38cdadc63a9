/// Makes a test of each scenario, which `$run` (`crate::…`) runs: a function that takes an
/// `impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>`. Those that hold over each transport become one test for each
/// of the `$transport`s, which are variants of [`Transport`](crate::Transport).
#[macro_export]
macro_rules! suite {
    ($run:path, [$($transport:ident),*]) => {
        $crate::scenarios!({ $crate::tests } [$run, [$($transport),*]]);
    };
    ($run:path) => {
        $crate::suite!($run, [Tcp, Tls, Unix, Memory, Intercepted]);
    };
}

/// What there is: gives it to the macro `$then`, behind its `$arguments`.
#[doc(hidden)]
#[macro_export]
macro_rules! scenarios {
    ({ $($then:tt)* } [$($arguments:tt)*]) => {
        $($then)*! {
            [$($arguments)*]
            admission: once [
                calls_beyond_what_a_server_takes_wait_or_are_refused,
                a_call_that_waits_for_its_turn_ends_at_its_deadline,
                a_method_has_a_deadline_of_its_own,
            ];
            compression: plain [
                messages_are_compressed_where_both_sides_want_it,
                a_stream_is_compressed_message_by_message,
            ];
            connections: once [
                no_server_is_one_clear_line,
                a_server_that_is_none_is_found_out,
                a_silent_server_is_given_up_in_time,
                a_channel_comes_back_with_its_server,
                a_server_that_comes_late_is_found,
                a_lost_connection_ends_its_calls_and_the_next_one_connects_again,
                calls_wait_while_a_channel_connects,
                connections_over_the_limit_wait_to_be_accepted,
                connections_that_say_nothing_hold_few_places,
                a_connection_that_is_ended_for_an_abuse_is_counted_when_it_is_over,
                a_connection_of_great_age_is_replaced_without_a_failed_call,
                a_deadline_holds_while_the_socket_takes_nothing,
                calls_outlive_their_channel_and_servers_their_future,
            ];
            counting: each [
                a_channel_counts_what_its_connections_do,
                a_server_counts_what_its_connections_do,
            ];
            draining: each [
                a_drain_lets_calls_end_and_takes_no_new_ones,
                a_drain_lets_every_kind_of_call_end,
                a_drain_ends_when_its_time_is_over,
            ];
            dropping: call [
                a_call_of_each_kind_is_dropped_at_every_await,
                a_channel_is_dropped_at_every_await_of_its_first_call,
            ];
            endings: call [
                a_deadline_may_pass_at_any_moment,
                a_handler_knows_the_time_that_is_left,
                a_refusal_stops_an_upload_without_end,
                a_deadline_holds_in_every_kind_and_drops_the_handler,
                a_dropped_call_cancels_its_handler_in_every_kind,
                a_panic_ends_its_call_and_no_other,
                messages_over_a_limit_end_their_call,
                the_server_has_a_deadline_of_its_own,
                a_call_whose_time_is_up_before_it_begins_is_not_made,
            ];
            interceptors: call [
                interceptors_see_calls_of_all_kinds_in_order,
                interceptors_change_metadata_messages_and_ends,
                an_interceptor_answers_in_place_of_what_is_behind_it,
                a_deadline_holds_over_interceptors,
                a_token_is_checked_and_its_owner_known_to_the_handler,
                credentials_are_shown_where_nobody_reads_along,
                what_interceptors_leave_out_is_a_clear_failure,
            ];
            kinds: call [
                every_kind_of_call,
                a_status_comes_with_its_message_and_metadata_in_every_kind,
                what_is_not_there_is_unimplemented,
                an_empty_stream_is_answered_by_an_empty_stream,
            ];
            load: call [
                a_thousand_calls_at_once,
                a_thousand_conversations_at_once,
                messages_of_ten_mebibytes,
                many_small_messages_and_a_slow_reader,
                who_does_not_read_holds_up_nobody_else,
            ];
            metadata: call [
                metadata_goes_both_ways_before_during_and_after,
                metadata_comes_beside_an_error_in_every_kind,
            ];
            proxy: once [a_call_on_behalf_of_another_ends_with_it];
            retry: once [a_refused_call_is_made_again_once];
            services: once [
                health_is_checked_listed_and_watched,
                reflection_answers_both_versions,
                an_error_carries_its_details,
            ];
            spawning: once [a_handler_runs_in_the_task_of_its_connection_or_in_its_own];
            tls: once [
                each_fault_is_one_clear_line_on_both_sides_and_the_server_goes_on,
                handlers_see_the_certificate_of_their_client,
                a_certificate_is_replaced_while_the_server_runs,
                a_handshake_that_does_not_go_on_holds_up_nobody,
            ];
            turns: each [
                calls_over_the_limit_of_streams_have_their_turn_in_order,
                a_call_is_dropped_while_it_waits_for_its_turn,
            ];
        }
    };
}

/// Makes tests, as [`suite!`] does, of what adapters must do that have the system's sockets.
#[macro_export]
macro_rules! sockets {
    ($run:path) => {
        $crate::socket_scenarios!({ $crate::tests } [$run, []]);
    };
}

/// As [`scenarios!`], of sockets.
#[doc(hidden)]
#[macro_export]
macro_rules! socket_scenarios {
    ({ $($then:tt)* } [$($arguments:tt)*]) => {
        $($then)*! {
            [$($arguments)*]
            sockets: once [
                bytes_go_both_ways_and_an_end_is_read,
                a_reader_waits_for_what_comes_after_a_short_read,
                a_writer_waits_for_its_reader,
                the_unspecified_address_takes_ipv4_and_ipv6,
                an_address_that_is_taken_is_said_to_be,
                memory_is_no_address_of_a_socket,
                a_server_is_found_by_the_name_of_its_host,
            ];
            #[cfg(unix)]
            socket_files: once [
                a_socket_in_the_file_system_carries_bytes,
                a_path_that_nobody_listens_at_is_one_clear_line,
                a_socket_that_nobody_listens_at_is_replaced_and_goes_with_its_server,
                a_socket_that_somebody_listens_at_stays,
                a_handler_sees_whose_process_calls_it,
            ];
        }
    };
}

/// Makes a test of each scenario that is about calls, whatever carries them: the scenarios of [`suite!`] that hold over each
/// transport, but for those that are about connections of our own. `$run` is as there; `$mounting`, a static, says what
/// carries them.
#[macro_export]
macro_rules! calls {
    ($run:path, $mounting:path) => {
        $crate::scenarios!({ $crate::calls_of } [$run, $mounting]);
    };
}

/// The tests of [`calls!`].
#[doc(hidden)]
#[macro_export]
macro_rules! calls_of {
    ($arguments:tt $($topic:ident: $how:ident $scenarios:tt;)*) => {
        $($crate::call_of!($how $topic $scenarios $arguments);)*
    };
}

/// The tests of one topic, if it is about calls.
#[doc(hidden)]
#[macro_export]
macro_rules! call_of {
    (call $topic:ident [$($scenario:ident),* $(,)?] [$run:path, $mounting:path]) => {
        mod $topic {
            $(
                #[test]
                fn $scenario() {
                    let transport = $crate::Transport::Mounted(&$mounting);
                    $run(|rt| $crate::boxed::$topic::$scenario(rt, transport));
                }
            )*
        }
    };
    (plain $($rest:tt)*) => {
        $crate::call_of!(call $($rest)*);
    };
    ($($other:tt)*) => {};
}

/// The tests of [`suite!`] and of [`sockets!`].
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ([$run:path, $transports:tt] $($(#[$cfg:meta])* $topic:ident: $how:ident [$($scenario:ident),* $(,)?];)*) => {
        $(
            $(#[$cfg])*
            mod $topic {
                $($crate::$how!($run, $transports, $topic::$scenario);)*
            }
        )*
    };
}

/// One test of one scenario.
#[doc(hidden)]
#[macro_export]
macro_rules! once {
    ($run:path, $transports:tt, $topic:ident::$scenario:ident) => {
        #[test]
        fn $scenario() {
            $run($crate::boxed::$topic::$scenario);
        }
    };
}

/// One test of one scenario, over TCP: it looks at what goes over the wire.
#[doc(hidden)]
#[macro_export]
macro_rules! plain {
    ($run:path, $transports:tt, $topic:ident::$scenario:ident) => {
        #[test]
        fn $scenario() {
            $run(|rt| $crate::boxed::$topic::$scenario(rt, $crate::Transport::Tcp));
        }
    };
}

/// As [`each!`], of a scenario that is about calls alone; see [`calls!`].
#[doc(hidden)]
#[macro_export]
macro_rules! call {
    ($($scenario:tt)*) => {
        $crate::each!($($scenario)*);
    };
}

/// One test of one scenario for each transport.
#[doc(hidden)]
#[macro_export]
macro_rules! each {
    ($run:path, [$($transport:ident),*], $topic:ident::$scenario:ident) => {
        mod $scenario {
            $($crate::over!($run, $transport, $topic::$scenario);)*
        }
    };
}

/// One test of one scenario over one transport.
#[doc(hidden)]
#[macro_export]
macro_rules! over {
    ($run:path, Tcp, $topic:ident::$scenario:ident) => {
        #[test]
        fn over_tcp() {
            $run(|rt| $crate::boxed::$topic::$scenario(rt, $crate::Transport::Tcp));
        }
    };
    ($run:path, Tls, $topic:ident::$scenario:ident) => {
        #[test]
        fn over_tls() {
            $run(|rt| $crate::boxed::$topic::$scenario(rt, $crate::Transport::Tls));
        }
    };
    ($run:path, Unix, $topic:ident::$scenario:ident) => {
        #[cfg(unix)]
        #[test]
        fn over_unix_sockets() {
            $run(|rt| $crate::boxed::$topic::$scenario(rt, $crate::Transport::Unix));
        }
    };
    ($run:path, Memory, $topic:ident::$scenario:ident) => {
        #[test]
        fn in_memory() {
            $run(|rt| $crate::boxed::$topic::$scenario(rt, $crate::Transport::Memory));
        }
    };
    ($run:path, Intercepted, $topic:ident::$scenario:ident) => {
        #[test]
        fn through_interceptors() {
            $run(|rt| $crate::boxed::$topic::$scenario(rt, $crate::Transport::Intercepted));
        }
    };
}
