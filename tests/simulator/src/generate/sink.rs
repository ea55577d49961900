//! Where generated rows go: one set of column builders per table.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int16Array, Int32Array, Int64Array, new_null_array};
use arrow::datatypes::DataType;
use lookback_schemas::registry;

use crate::build::{Cell, ColumnBuilder};
use crate::cluster::Cluster;
use crate::types::SourceType;

/// Rows per chunk of a generated table: a reader filters only the chunks that are partly visible.
const CHUNK_ROWS: usize = 8192;

/// The rows of one table. Columns that are not written are 0 if they are integers and NULL otherwise.
pub(super) struct Sink {
    table: &'static str,
    /// The written columns, in the order in which cells are pushed: position in the table and builder.
    written: Vec<(usize, ColumnBuilder)>,
    types: Vec<SourceType>,
    visible_at: Vec<i64>,
}

impl Sink {
    /// A sink for rows that give values to these columns, separated by blanks.
    pub(super) fn new(table: &'static str, columns: &str) -> Self {
        let specs = registry().table(table).map_or(&[][..], |t| t.columns.as_slice());
        let types: Vec<_> =
            specs.iter().map(|c| SourceType::parse(&c.redshift_type).unwrap_or(SourceType::Text)).collect();
        let written = columns
            .split_whitespace()
            .filter_map(|name| specs.iter().position(|c| c.name == name))
            .map(|at| (at, ColumnBuilder::new(types[at])))
            .collect::<Vec<_>>();
        debug_assert_eq!(written.len(), columns.split_whitespace().count(), "{table}: {columns}");
        Self { table, written, types, visible_at: Vec::new() }
    }

    /// Adds a row; its cells are in the order of the columns of this sink.
    pub(super) fn push(&mut self, visible_at: i64, cells: &[Cell<'_>]) {
        debug_assert_eq!(cells.len(), self.written.len(), "{}", self.table);
        for ((_, builder), cell) in self.written.iter_mut().zip(cells) {
            if !builder.append(*cell) {
                debug_assert!(false, "{}: {cell:?}", self.table);
                builder.append(Cell::Null);
            }
        }
        self.visible_at.push(visible_at);
    }

    /// Moves the rows into the cluster.
    pub(super) fn pour(mut self, cluster: &Cluster) {
        let rows = self.visible_at.len();
        if rows == 0 {
            return;
        }
        let mut arrays: Vec<ArrayRef> = self
            .types
            .iter()
            .map(|t| match t.arrow() {
                DataType::Int16 => Arc::new(Int16Array::from(vec![0; rows])) as ArrayRef,
                DataType::Int32 => Arc::new(Int32Array::from(vec![0; rows])),
                DataType::Int64 => Arc::new(Int64Array::from(vec![0; rows])),
                other => new_null_array(&other, rows),
            })
            .collect();
        for (at, builder) in &mut self.written {
            arrays[*at] = builder.finish();
        }
        let mut state = cluster.0.state();
        let Some(table) = state.tables.get_mut(self.table) else { return };
        for start in (0..rows).step_by(CHUNK_ROWS) {
            let length = CHUNK_ROWS.min(rows - start);
            let slices = arrays.iter().map(|a| a.slice(start, length)).collect();
            let appended = table.append(slices, self.visible_at[start..start + length].to_vec());
            debug_assert!(appended.is_ok(), "{}: {appended:?}", self.table);
        }
    }
}

/// Every table that a history has rows in.
pub(super) struct Sinks {
    pub(super) query: Sink,
    pub(super) querytext: Sink,
    pub(super) wlm_query: Sink,
    pub(super) explain: Sink,
    pub(super) plan_info: Sink,
    pub(super) stream_segs: Sink,
    pub(super) query_metrics: Sink,
    pub(super) alert: Sink,
    pub(super) error: Sink,
    pub(super) wlm_error: Sink,
    pub(super) wlm_rule_action: Sink,
    pub(super) scan: Sink,
    pub(super) hash: Sink,
    pub(super) hashjoin: Sink,
    pub(super) aggr: Sink,
    pub(super) sort: Sink,
    pub(super) dist: Sink,
    pub(super) bcast: Sink,
    pub(super) nestloop: Sink,
    pub(super) window: Sink,
    pub(super) unique: Sink,
    pub(super) limit: Sink,
    pub(super) returned: Sink,
    pub(super) insert: Sink,
    pub(super) delete: Sink,
    pub(super) save: Sink,
    pub(super) ddltext: Sink,
    pub(super) utilitytext: Sink,
    pub(super) load_commits: Sink,
    pub(super) load_errors: Sink,
    pub(super) loaderror_detail: Sink,
    pub(super) unload_log: Sink,
    pub(super) s3client: Sink,
    pub(super) commit_stats: Sink,
    pub(super) vacuum: Sink,
    pub(super) analyze: Sink,
    pub(super) connection_log: Sink,
    pub(super) sessions: Sink,
    pub(super) userlog: Sink,
    pub(super) tr_conflict: Sink,
    pub(super) undone: Sink,
    pub(super) disk_full_diag: Sink,
}

/// What every step table begins with.
const STEP: &str = "userid query slice segment step starttime endtime tasknum rows";

fn step(table: &'static str, more: &str) -> Sink {
    Sink::new(table, &format!("{STEP} {more}"))
}

impl Sinks {
    pub(super) fn new() -> Self {
        const TEXT: &str = "userid xid pid label starttime endtime sequence text";
        Self {
            query: Sink::new("stl_query", "userid query label xid pid database querytxt starttime endtime aborted"),
            querytext: Sink::new("stl_querytext", "userid xid pid query sequence text"),
            wlm_query: Sink::new(
                "stl_wlm_query",
                "userid xid task query service_class slot_count service_class_start_time queue_start_time queue_end_time \
                 total_queue_time exec_start_time exec_end_time total_exec_time service_class_end_time final_state \
                 est_peak_mem query_priority service_class_name",
            ),
            explain: Sink::new("stl_explain", "userid query nodeid parentid plannode info"),
            plan_info: Sink::new(
                "stl_plan_info",
                "userid query nodeid segment step locus plannode startupcost totalcost rows bytes",
            ),
            stream_segs: Sink::new("stl_stream_segs", "userid query stream segment"),
            query_metrics: Sink::new(
                "stl_query_metrics",
                "userid service_class query segment step_type starttime slices max_rows rows max_cpu_time cpu_time \
                 max_blocks_read blocks_read max_run_time run_time max_blocks_to_disk blocks_to_disk step \
                 max_query_scan_size query_scan_size query_priority query_queue_time service_class_name",
            ),
            alert: Sink::new(
                "stl_alert_event_log",
                "userid query slice segment step pid xid event solution event_time",
            ),
            error: Sink::new("stl_error", "userid process recordtime pid errcode file linenum context error"),
            wlm_error: Sink::new("stl_wlm_error", "userid recordtime pid error_string"),
            wlm_rule_action: Sink::new(
                "stl_wlm_rule_action",
                "userid query service_class rule action recordtime action_value service_class_name",
            ),
            scan: step(
                "stl_scan",
                "bytes fetches type tbl is_rrscan is_delayed_scan rows_pre_filter rows_pre_user_filter perm_table_name \
                 is_rlf_scan runtime_filtering is_vectorized_scan",
            ),
            hash: step("stl_hash", "bytes slots occupied maxlength tbl is_diskbased workmem num_parts est_rows"),
            hashjoin: step("stl_hashjoin", "tbl num_parts join_type hash_looped switched_parts"),
            aggr: step("stl_aggr", "bytes slots occupied maxlength tbl is_diskbased workmem type"),
            sort: step("stl_sort", "bytes tbl is_diskbased workmem"),
            dist: step("stl_dist", "bytes packets"),
            bcast: step("stl_bcast", "bytes packets"),
            nestloop: step("stl_nestloop", "tbl"),
            window: step("stl_window", "is_diskbased workmem"),
            unique: step("stl_unique", "type is_diskbased slots workmem bytes"),
            limit: step("stl_limit", ""),
            returned: step("stl_return", "bytes packets"),
            insert: step("stl_insert", "tbl inserted_mega_value"),
            delete: step("stl_delete", "tbl"),
            save: step("stl_save", "bytes tbl is_diskbased workmem"),
            ddltext: Sink::new("stl_ddltext", TEXT),
            utilitytext: Sink::new("stl_utilitytext", TEXT),
            load_commits: Sink::new(
                "stl_load_commits",
                "userid query slice name filename byte_offset lines_scanned errors curtime status file_format",
            ),
            load_errors: Sink::new(
                "stl_load_errors",
                "userid slice tbl starttime session query filename line_number colname type col_length position raw_line \
                 raw_field_value err_code err_reason",
            ),
            loaderror_detail: Sink::new(
                "stl_loaderror_detail",
                "userid slice session query filename line_number field colname value is_null type col_length",
            ),
            unload_log: Sink::new(
                "stl_unload_log",
                "userid query slice pid path start_time end_time line_count transfer_size file_format",
            ),
            s3client: Sink::new(
                "stl_s3client",
                "userid query slice recordtime pid http_method bucket key transfer_size data_size start_time end_time \
                 transfer_time retries",
            ),
            commit_stats: Sink::new(
                "stl_commit_stats",
                "xid node startqueue startwork endflush endstage endlocal startglobal endtime queuelen permblocks newblocks \
                 dirtyblocks headers numxids oldestxid",
            ),
            vacuum: Sink::new(
                "stl_vacuum",
                "userid xid table_id status rows sortedrows blocks max_merge_partitions eventtime",
            ),
            analyze: Sink::new(
                "stl_analyze",
                "userid xid database table_id status rows modified_rows threshold_percent is_auto starttime endtime \
                 prevtime is_background schema_name table_name",
            ),
            connection_log: Sink::new(
                "stl_connection_log",
                "event recordtime remotehost remoteport pid dbname username authmethod duration sslversion sslcipher \
                 application_name os_version driver_version",
            ),
            sessions: Sink::new(
                "stl_sessions",
                "userid starttime endtime process user_name db_name timeout_sec timed_out",
            ),
            userlog: Sink::new(
                "stl_userlog",
                "userid username oldusername action usecreatedb usesuper usecatupd valuntil pid xid recordtime",
            ),
            tr_conflict: Sink::new("stl_tr_conflict", "xact_id process_id xact_start_ts abort_time table_id"),
            undone: Sink::new("stl_undone", "userid xact_id xact_id_undone undo_start_ts undo_end_ts table_id"),
            disk_full_diag: Sink::new("stl_disk_full_diag", "currenttime node_num query_id temp_blocks"),
        }
    }

    /// Moves all rows into the cluster.
    pub(super) fn pour(self, cluster: &Cluster) {
        let all = [
            self.query,
            self.querytext,
            self.wlm_query,
            self.explain,
            self.plan_info,
            self.stream_segs,
            self.query_metrics,
            self.alert,
            self.error,
            self.wlm_error,
            self.wlm_rule_action,
            self.scan,
            self.hash,
            self.hashjoin,
            self.aggr,
            self.sort,
            self.dist,
            self.bcast,
            self.nestloop,
            self.window,
            self.unique,
            self.limit,
            self.returned,
            self.insert,
            self.delete,
            self.save,
            self.ddltext,
            self.utilitytext,
            self.load_commits,
            self.load_errors,
            self.loaderror_detail,
            self.unload_log,
            self.s3client,
            self.commit_stats,
            self.vacuum,
            self.analyze,
            self.connection_log,
            self.sessions,
            self.userlog,
            self.tr_conflict,
            self.undone,
            self.disk_full_diag,
        ];
        for sink in all {
            sink.pour(cluster);
        }
    }
}
