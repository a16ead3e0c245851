//! The keys themselves.

use super::Default::{Json, None, Required};
use super::Shape::{Any, Bool, Count, Either, List, Map, Number, Scalar, Section as Of, Text, Union, Words};
use super::{Default, Row, Section, Shape};

const fn row(key: &'static str, shape: Shape, default: Default, says: &'static str) -> Row {
    Row { key, shape, default, says }
}

const fn kind(tag: &'static [&'static str], says: &'static str) -> Row {
    row("type", Words(tag), Required, says)
}

/// Paginators by name; the others have an option that must be written.
const SHORT_PAGINATORS: &[&str] = &[
    "auto",
    "single_page",
    "page_number",
    "cursor",
    "header_cursor",
    "json_link",
    "json_response",
    "header_link",
];
const PAGINATOR: Shape = Union("paginator", SHORT_PAGINATORS);
const AUTH: Shape = Union("auth", &[]);
const NAMES: Shape = Either(&[Text, List(&Text)]);
const PARAM: Shape = Either(&[Scalar, List(&Scalar), Of("resolve"), Of("incremental_param")]);
const FORM_VALUE: Shape = Either(&[Scalar, List(&Scalar)]);
const FORM: Shape = Either(&[Map(&FORM_VALUE), List(&List(&FORM_VALUE))]);
const COLUMNS: Shape = Either(&[Map(&Of("column")), List(&Of("listed_column"))]);
const MODE: Shape = Words(&["evolve", "freeze", "discard_row", "discard_value"]);
const STEPS: Shape = List(&Of("step"));
const DATA_TYPES: &[&str] =
    &["text", "double", "bool", "timestamp", "bigint", "binary", "json", "decimal", "wei", "date", "time"];

const DATA_TYPE: Row = row("data_type", Words(DATA_TYPES), None, "the type, in dlt's words");
const PRECISION: Row = row(
    "precision",
    Number,
    None,
    "of a decimal: digits in all; without one 38, and 18 of them behind the point",
);
const SCALE: Row = row("scale", Number, None, "of a decimal: digits behind the point");
const TIMEZONE: Row = row(
    "timezone",
    Bool,
    Json("true"),
    "of a timestamp: a moment, in UTC; false: a time without a zone, as it stands in the row",
);
const NULLABLE: Row = row("nullable", Bool, Json("true"), "whether a row may lack it or have null there");
const PRIMARY_KEY: Row = row("primary_key", Bool, Json("false"), "whether it is a part of the key");
const MERGE_KEY: Row = row("merge_key", Bool, Json("false"), "whether it is a part of the merge key");
const DEDUP_SORT: Row = row(
    "dedup_sort",
    Words(&["asc", "desc"]),
    None,
    "under merge, of rows that share a primary key the one with the least (`asc`) or greatest stays",
);
const HARD_DELETE: Row = row(
    "hard_delete",
    Bool,
    Json("false"),
    "under merge, a row that has anything in it but null, false and 0 is deleted",
);
const DESCRIPTION: Row = row("description", Text, None, "for who reads the config");

const CURSOR_PATH: Row = row("cursor_path", Text, Required, "a JSONPath: where a row says how new it is");
const INITIAL_VALUE: Row = row("initial_value", Scalar, None, "where the first run starts");
const LAST_VALUE_FUNC: Row =
    row("last_value_func", Words(&["max", "min"]), Json("\"max\""), "which end of the cursor is the newest");
const LAG: Row =
    row("lag", Number, None, "starts that much earlier: seconds for times, days for dates, else its unit");
const ROW_ORDER: Row = row(
    "row_order",
    Words(&["asc", "desc"]),
    None,
    "the order of the API's rows: reading stops where a range ends",
);
const RANGE_START: Row = row(
    "range_start",
    Words(&["closed", "open"]),
    Json("\"closed\""),
    "whether a row at the start is wanted",
);
const RANGE_END: Row =
    row("range_end", Words(&["open", "closed"]), Json("\"open\""), "whether a row at the end is wanted");
const ON_MISSING: Row = row(
    "on_cursor_value_missing",
    Words(&["raise", "include", "exclude"]),
    Json("\"raise\""),
    "what becomes of a row without a cursor",
);
const TIES: Row = row(
    "primary_key",
    NAMES,
    None,
    "what tells rows of one cursor apart; the resource's, else the whole row",
);
const CONVERT: Row = row("convert", Text, None, "what a bound becomes before it is sent, in jq");
const SCHEDULERS: Row = row("allow_external_schedulers", Bool, None, "does nothing here");

const STOP_AFTER_EMPTY: Row =
    row("stop_after_empty_page", Bool, Json("true"), "whether a page without rows is the end");
const HAS_MORE: Row = row("has_more_path", Text, None, "where an answer says whether more follows");
const BODY_PATH: &str = "the same in a JSON body: names with dots between them";

const TOKEN_URL: Row = row("access_token_url", Text, Required, "where it is asked for");
const FIRST_TOKEN: Row = row("access_token", Text, None, "a token to begin with");
const TOKEN_DATA: Row =
    row("access_token_request_data", FORM, None, "more fields of the form: `scope`, `audience`");
const SCOPES: Row = row("scopes", NAMES, None, "what the token is for: the field `scope`");
const LIFETIME: Row = row(
    "default_token_expiration",
    Count,
    Json("3600"),
    "seconds that a token is good for where the answer does not say",
);
const SECRETS_PLACE: Row = row(
    "token_endpoint_auth_method",
    Words(&["client_secret_post", "client_secret_basic"]),
    Json("\"client_secret_post\""),
    "whether the secret is sent in the form or in a Basic header",
);

/// Every section, in the order of the reference.
pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "config",
        title: "The config",
        rows: &[
            row("client", Of("client"), Required, "what all requests have in common"),
            row("resource_defaults", Of("resource"), None, "a resource without its name, merged into each"),
            row(
                "resources",
                Either(&[
                    List(&Either(&[Text, Of("named_resource")])),
                    Map(&Either(&[Text, Of("resource")])),
                ]),
                Required,
                "names, paths or objects; or a map from names to paths or objects",
            ),
        ],
    },
    Section {
        name: "client",
        title: "`client`",
        rows: &[
            row("base_url", Text, Required, "where requests go; an endpoint's path is put behind it"),
            row("headers", Map(&Text), None, "what every request carries; no placeholders"),
            row("auth", AUTH, None, "who asks"),
            row("paginator", PAGINATOR, Json("\"auto\""), "how the pages hang together"),
        ],
    },
    Section {
        name: "resource",
        title: "A resource",
        rows: &[
            row("endpoint", Either(&[Text, Of("endpoint")]), None, "the request; a text is its path"),
            row("primary_key", NAMES, None, "the column, or columns, that tell rows apart"),
            row(
                "merge_key",
                NAMES,
                None,
                "the column, or columns, by which rows belong together: under merge a group gives way as a whole",
            ),
            row(
                "write_disposition",
                Either(&[Words(&["append", "replace", "merge"]), Of("write_disposition")]),
                Json("\"append\""),
                "what becomes of the rows that are there",
            ),
            row(
                "delete_absent",
                Either(&[Bool, Words(&["mark"]), Of("delete_absent")]),
                Json("false"),
                "under merge by a primary key, whether rows that a whole read did not bring are deleted, or marked",
            ),
            row("columns", COLUMNS, None, "what is known of columns, by their names in the output"),
            row("selected", Bool, Json("true"), "whether its rows are written; a parent may be read only"),
            row("parallelized", Bool, None, "not needed: pages are read side by side anyway"),
            row(
                "include_from_parent",
                List(&Text),
                None,
                "fields of the parent's row, added as `_PARENT_FIELD`",
            ),
            row("processing_steps", STEPS, None, "what is done to each row, in order, before anything else"),
            row("drop", NAMES, None, "fields that the output lacks; paths go through lists"),
            row("keep", NAMES, None, "fields that the output has, and no others"),
            row("rename", Map(&Text), None, "new names of fields, applied last"),
            row("error_handler", Of("error_handler"), None, "the endpoint's, written here"),
            row(
                "total",
                Words(&["exact", "estimate", "ignore"]),
                Json("\"exact\""),
                "what the API's totals are worth",
            ),
            row("table_name", Text, None, "the table in a database, where it is not the resource's name"),
            row(
                "max_table_nesting",
                Count,
                None,
                "how deep lists become tables of their own, and objects columns; 0: nested values are JSON",
            ),
            row(
                "schema_contract",
                Either(&[MODE, Map(&MODE)]),
                Json("\"evolve\""),
                "what becomes of new tables, new columns and values of another type, once a load was finished: of all, or each of `tables`, `columns` and `data_type`",
            ),
        ],
    },
    Section {
        name: "write_disposition",
        title: "A write disposition",
        rows: &[
            row(
                "disposition",
                Words(&["append", "replace", "merge"]),
                Required,
                "the same as the word alone",
            ),
            row(
                "strategy",
                Words(&["delete-insert", "upsert", "insert-only", "scd2"]),
                Json("\"delete-insert\""),
                "of merge: `upsert` goes by the primary key alone, `insert-only` leaves rows alone that are there, `scd2` keeps former versions of rows",
            ),
            row(
                "deduplicated",
                Bool,
                None,
                "of merge; not needed: keys that come twice are looked for anyway",
            ),
            row(
                "validity_column_names",
                List(&Text),
                Json("[\"_valid_from\", \"_valid_to\"]"),
                "of `scd2`: the two columns that say from when to when a version held",
            ),
            row(
                "active_record_timestamp",
                Text,
                None,
                "of `scd2`: what stands for the end of versions that still hold, in the place of null",
            ),
            row(
                "boundary_timestamp",
                Text,
                None,
                "of `scd2`: when new versions begin and former ones end; the time of the run where it is not written",
            ),
            row(
                "row_version_column_name",
                Text,
                None,
                "of `scd2`: the field that tells versions of a row apart; all of the row where it is not written",
            ),
        ],
    },
    Section {
        name: "delete_absent",
        title: "`delete_absent`",
        rows: &[
            row(
                "mark",
                Bool,
                Json("false"),
                "whether they stay, with the time at which they were missed in `_deleted_at`",
            ),
            row(
                "max_percent",
                Count,
                Json("5"),
                "of a hundred rows of the table, how many may go in one run; it is refused where it would be more",
            ),
        ],
    },
    Section {
        name: "endpoint",
        title: "An endpoint",
        rows: &[
            row(
                "path",
                Text,
                None,
                "behind the base URL, or a whole URL; the resource's name where it is not written",
            ),
            row(
                "method",
                Words(&["GET", "POST"]),
                Json("\"GET\""),
                "a POST is taken for a read, and is sent again when it fails",
            ),
            row(
                "params",
                Map(&PARAM),
                None,
                "query parameters; a list is sent as one for each item, null is not sent",
            ),
            row("headers", Map(&Text), None, "beside the client's, over those of the same name"),
            row("json", Map(&Any), None, "a JSON body"),
            row(
                "data",
                Either(&[Text, Map(&FORM_VALUE), List(&List(&FORM_VALUE))]),
                None,
                "a form (an object, or a list of pairs), or a body as it stands",
            ),
            row("auth", AUTH, None, "in the place of the client's"),
            row(
                "data_selector",
                Text,
                None,
                "a JSONPath to the rows; guessed, and said, where it is not written",
            ),
            row("paginator", PAGINATOR, None, "in the place of the client's"),
            row("error_handler", Of("error_handler"), None, "which answers are asked for again"),
            row(
                "response_actions",
                List(&Of("response_action")),
                None,
                "what is done about answers; the first that fits counts, before the status does",
            ),
            row(
                "empty_ok",
                Bool,
                Json("false"),
                "whether an answer in which the selector finds nothing is an empty page",
            ),
            row("incremental", Of("incremental"), None, "reads from where the last run ended"),
        ],
    },
    Section {
        name: "incremental",
        title: "`incremental`",
        rows: &[
            CURSOR_PATH,
            INITIAL_VALUE,
            row("end_value", Scalar, None, "where it ends; then each run reads the whole range anew"),
            row("start_param", Text, None, "the parameter that the start is sent as"),
            row("end_param", Text, None, "the parameter that the end is sent as"),
            LAST_VALUE_FUNC,
            LAG,
            ROW_ORDER,
            RANGE_START,
            RANGE_END,
            ON_MISSING,
            TIES,
            CONVERT,
            SCHEDULERS,
        ],
    },
    Section {
        name: "error_handler",
        title: "`error_handler`",
        rows: &[
            row(
                "retry_on_status_codes",
                List(&Count),
                Json("[429, 500, 502, 503, 504]"),
                "statuses that may pass when asked again",
            ),
            row("max_retries", Count, Json("3"), "how often a page is asked for again"),
            row("backoff_factor", Number, Json("2.0"), "seconds before the first of them, doubled each time"),
        ],
    },
    Section {
        name: "response_action",
        title: "A response action",
        rows: &[
            row("status_code", Either(&[Count, Text]), None, "the status of an answer"),
            row("content", Text, None, "what its body contains; beside a status, both must hold"),
            row(
                "action",
                Words(&["ignore", "retry", "fail"]),
                Required,
                "end there with the rows so far; ask again; or fail",
            ),
            row("message", Text, None, "for `fail`: what is told"),
        ],
    },
    Section {
        name: "step",
        title: "A processing step",
        rows: &[
            row("filter", Text, None, "jq: keeps a row where it says neither false nor null"),
            row("map", Text, None, "jq: its one value takes the row's place"),
            row("yield_map", Text, None, "jq: all of its values take the row's place, also none"),
            row("rename", Map(&Text), None, "new names of fields"),
            row("drop", NAMES, None, "fields to take away; paths go through lists"),
            row("keep", NAMES, None, "fields to leave, and no others"),
        ],
    },
    Section {
        name: "resolve",
        title: "A parameter of type `resolve`",
        rows: &[
            kind(&["resolve"], "dlt's older way to bind a placeholder of the path"),
            row("resource", Text, Required, "the parent"),
            row("field", Text, Required, "a field of its rows"),
        ],
    },
    Section {
        name: "incremental_param",
        title: "A parameter of type `incremental`",
        rows: &[
            kind(&["incremental"], "the start is sent as this parameter"),
            CURSOR_PATH,
            INITIAL_VALUE,
            LAST_VALUE_FUNC,
            LAG,
            ROW_ORDER,
            RANGE_START,
            RANGE_END,
            ON_MISSING,
            TIES,
            CONVERT,
            SCHEDULERS,
        ],
    },
    Section {
        name: "column",
        title: "A column",
        rows: &[
            DATA_TYPE,
            PRECISION,
            SCALE,
            TIMEZONE,
            NULLABLE,
            PRIMARY_KEY,
            MERGE_KEY,
            DEDUP_SORT,
            HARD_DELETE,
            DESCRIPTION,
        ],
    },
    Section {
        name: "bearer",
        title: "Auth of type `bearer`",
        rows: &[
            row("type", Words(&["bearer"]), Json("\"bearer\""), "`Authorization: Bearer …`"),
            row("token", Text, Required, "the token"),
        ],
    },
    Section {
        name: "api_key",
        title: "Auth of type `api_key`",
        rows: &[
            kind(&["api_key"], "a key by itself"),
            row("api_key", Text, Required, "the key"),
            row("name", Text, Json("\"Authorization\""), "the name of the header or parameter"),
            row(
                "location",
                Words(&["header", "query", "param", "cookie"]),
                Json("\"header\""),
                "where it stands; `param` is `query`",
            ),
        ],
    },
    Section {
        name: "http_basic",
        title: "Auth of type `http_basic`",
        rows: &[
            kind(&["http_basic"], "`Authorization: Basic …`"),
            row("username", Text, Required, "the user's name"),
            row("password", Text, Required, "the password; it may be empty"),
        ],
    },
    Section {
        name: "oauth2_client_credentials",
        title: "Auth of type `oauth2_client_credentials`",
        rows: &[
            kind(&["oauth2_client_credentials"], "a token that is asked for (RFC 6749, 4.4)"),
            TOKEN_URL,
            row("client_id", Text, Required, "who asks"),
            row("client_secret", Text, Required, "the secret"),
            FIRST_TOKEN,
            TOKEN_DATA,
            SCOPES,
            LIFETIME,
            SECRETS_PLACE,
        ],
    },
    Section {
        name: "oauth2_jwt_bearer",
        title: "Auth of type `oauth2_jwt_bearer`",
        rows: &[
            kind(&["oauth2_jwt_bearer"], "a token for an assertion that is signed (RFC 7523)"),
            TOKEN_URL,
            row("assertion", Text, Required, "the assertion: a secret of the kind `jwt`"),
            row("client_id", Text, None, "who asks, where the assertion does not say so"),
            row("client_secret", Text, None, "the secret, of a client that has one"),
            FIRST_TOKEN,
            TOKEN_DATA,
            SCOPES,
            LIFETIME,
            SECRETS_PLACE,
        ],
    },
    Section {
        name: "oauth2_refresh_token",
        title: "Auth of type `oauth2_refresh_token`",
        rows: &[
            kind(&["oauth2_refresh_token"], "a token for what came with an earlier one (RFC 6749, 6)"),
            TOKEN_URL,
            row("client_id", Text, Required, "who asks"),
            row("client_secret", Text, None, "the secret, of a client that has one"),
            row(
                "refresh_token",
                Text,
                Required,
                "what came with an earlier token; one that replaces it is kept",
            ),
            FIRST_TOKEN,
            TOKEN_DATA,
            SCOPES,
            LIFETIME,
            SECRETS_PLACE,
        ],
    },
    Section {
        name: "session_token",
        title: "Auth of type `session_token`",
        rows: &[
            kind(&["session_token"], "a token that a login brings"),
            row("path", Text, Required, "what is asked for: below the base URL, or a whole URL"),
            row("method", Words(&["POST", "GET"]), Json("\"POST\""), "how"),
            row("headers", Map(&Text), None, "headers of the login"),
            row("json", Map(&Any), None, "its body as JSON"),
            row("data", FORM, None, "its body as a form"),
            row("token_path", Text, None, "where the answer holds the token: a path of plain names"),
            row("token_header", Text, None, "or the header that does"),
            row(
                "location",
                Words(&["header", "query", "param", "cookie"]),
                Json("\"header\""),
                "where requests carry it; `param` is `query`",
            ),
            row("name", Text, Json("\"Authorization\""), "the name of the header, parameter or cookie"),
            row("prefix", Text, None, "what stands before it in a header: `Bearer ` in `Authorization`"),
            LIFETIME,
        ],
    },
    Section {
        name: "offset",
        title: "A paginator of type `offset`",
        rows: &[
            kind(&["offset"], "rows are counted"),
            row("limit", Count, Required, "rows of a page"),
            row("offset", Count, Json("0"), "where to begin"),
            row("offset_param", Text, Json("\"offset\""), "the parameter with the offset"),
            row("offset_body_path", Text, None, BODY_PATH),
            row("limit_param", Text, Json("\"limit\""), "the parameter with the limit"),
            row("limit_body_path", Text, None, BODY_PATH),
            row(
                "total_path",
                Text,
                Json("\"total\""),
                "where an answer says how many rows there are; null for nowhere",
            ),
            row("maximum_offset", Count, None, "no page begins here or beyond"),
            STOP_AFTER_EMPTY,
            HAS_MORE,
        ],
    },
    Section {
        name: "page_number",
        title: "A paginator of type `page_number`",
        rows: &[
            kind(&["page_number"], "pages are counted"),
            row("base_page", Count, Json("0"), "the number of the first page"),
            row("page", Count, None, "where to begin; `base_page` where it is not written"),
            row("page_param", Text, Json("\"page\""), "the parameter with the number"),
            row("page_body_path", Text, None, BODY_PATH),
            row(
                "total_path",
                Text,
                Json("\"total\""),
                "where an answer says how many pages there are; null for nowhere",
            ),
            row("maximum_page", Count, None, "no page of this number or beyond is read"),
            STOP_AFTER_EMPTY,
            HAS_MORE,
        ],
    },
    Section {
        name: "cursor",
        title: "A paginator of type `cursor`",
        rows: &[
            kind(&["cursor"], "each answer names the next page"),
            row("cursor_path", Text, Json("\"cursors.next\""), "where it does"),
            row("cursor_param", Text, Json("\"cursor\""), "the parameter that takes the cursor"),
            row("cursor_body_path", Text, None, BODY_PATH),
            row("stop_after_empty_page", Bool, Json("false"), "whether a page without rows is the end"),
            HAS_MORE,
        ],
    },
    Section {
        name: "header_cursor",
        title: "A paginator of type `header_cursor`",
        rows: &[
            kind(&["header_cursor"], "a header of each answer names the next page"),
            row("cursor_key", Text, Json("\"next\""), "the header"),
            row("cursor_param", Text, Json("\"cursor\""), "the parameter that takes the cursor"),
        ],
    },
    Section {
        name: "json_link",
        title: "A paginator of type `json_link`",
        rows: &[
            kind(
                &["json_link", "json_response"],
                "each answer links to the next page; `json_response` is its older name",
            ),
            row("next_url_path", Text, Json("\"next\""), "where the link stands"),
        ],
    },
    Section {
        name: "header_link",
        title: "A paginator of type `header_link`",
        rows: &[
            kind(&["header_link"], "a `Link` header leads to the next page (RFC 8288)"),
            row("links_next_key", Text, Json("\"next\""), "the relation to follow"),
        ],
    },
    Section {
        name: "single_page",
        title: "A paginator of type `single_page`",
        rows: &[kind(&["single_page"], "one page is all")],
    },
    Section {
        name: "auto",
        title: "A paginator of type `auto`",
        rows: &[kind(&["auto"], "the first answer shows which it is, and that is said")],
    },
];

/// The sections that a union is made of.
pub(super) fn members(union: &str) -> &'static [&'static str] {
    match union {
        "auth" => &[
            "bearer",
            "api_key",
            "http_basic",
            "oauth2_client_credentials",
            "oauth2_jwt_bearer",
            "oauth2_refresh_token",
            "session_token",
        ],
        _ => &[
            "offset",
            "page_number",
            "cursor",
            "header_cursor",
            "json_link",
            "header_link",
            "single_page",
            "auto",
        ],
    }
}

/// Sections that are another one with its name in it: what a list needs.
pub(super) const NAMED: [(&str, &str); 2] = [("named_resource", "resource"), ("listed_column", "column")];
