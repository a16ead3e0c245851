//! What the rows say: deterministic, of mixed types, with texts that need escaping.

use std::fmt::{Result, Write as _};

use crate::calendar::{day, instant};
use crate::options::Options;
use crate::tables::Table;

/// The `id` of the first project.
pub(crate) const FIRST_PROJECT: usize = 101;
const FIRST_TASK: usize = 20_001;
const FIRST_CLIENT: usize = 301;
const FIRST_USER: usize = 11;

/// Writes the row of a table at a place, an object, without its closing brace.
pub(crate) fn row(options: &Options, table: Table, out: &mut String, i: usize) {
    // Writing to a String cannot fail.
    let _ = match table {
        Table::Projects => project(options, out, i),
        Table::Tasks => task(options, out, i),
        Table::TimeEntries => time(options, out, i, 500_001),
        Table::TeamTime => time(options, out, i, 900_001),
        Table::Expenses => expense(options, out, i),
        Table::Clients => client(out, i),
        Table::Users => user(out, i),
        Table::Resources => resource(out, i),
    };
}

fn project(options: &Options, out: &mut String, i: usize) -> Result {
    let (id, client, name) = (FIRST_PROJECT + i, client_id(options, i), pick(i, &PLACES));
    let (budget, owner, person) = (nullable(i % 4 == 3, 40 + i * 12), FIRST_USER + i % 8, pick(i, &PEOPLE));
    let (status, created, updated) = (pick(i, &["active", "paused", "done"]), day(i * 3), instant(i * 977));
    write!(
        out,
        r#"{{"id":{id},"client_id":{client},"name":"{name} \"{id}\"","code":"P-{i:04}","status":"{status}","billable":{},"budget_hours":{budget},"rate":{}.5,"owner":{{"id":{owner},"name":"{person}"}},"tags":["field","north-{}"],"description":"Survey of the {name}\nPhase {}","start_date":"{created}","created_at":"{created}T08:00:00Z","updated_at":"{updated}""#,
        i.is_multiple_of(2),
        60 + i % 40,
        i % 5,
        i % 3 + 1,
    )
}

fn task(options: &Options, out: &mut String, i: usize) -> Result {
    let (id, project) = (FIRST_TASK + i, FIRST_PROJECT + i / options.tasks_per_project.max(1));
    let (status, done) = (pick(i, &["open", "in progress", "done"]), i % 3 == 2);
    let (estimate, user) = (nullable(i % 6 == 5, i % 16 + 1), nullable(i % 7 == 6, FIRST_USER + i % 8));
    let (created, finished) = (instant(i * 61), if done { quoted(&instant(i * 61 + 900)) } else { null() });
    write!(
        out,
        r#"{{"id":{id},"project_id":{project},"name":"{}","position":{},"status":"{status}","done":{done},"estimate_hours":{estimate},"progress":{}.25,"assignee_id":{user},"labels":["{}"],"meta":{{"source":"import","row":{i}}},"notes":"see C:\\plans\\{i}.txt","created_at":"{created}","finished_at":{finished}"#,
        pick(i, &["Count waders", "Ring birds", "Write \\\"report\\\"", "Plan tides", "Repair nets"]),
        i % options.tasks_per_project.max(1) + 1,
        i % 90,
        pick(i, &["spring", "autumn", "winter"]),
    )
}

fn time(options: &Options, out: &mut String, i: usize, first_id: usize) -> Result {
    let (projects, each) = (options.projects.max(1), options.tasks_per_project.max(1));
    let project = i % projects;
    let (id, task) = (first_id + i, FIRST_TASK + project * each + i / projects % each);
    let (start, seconds) = (i * 7, 300 + i * 37 % 7_200);
    let (running, person) = (i % 50 == 49, pick(i, &PEOPLE));
    let end = if running { null() } else { quoted(&instant(start + seconds / 60)) };
    write!(
        out,
        r#"{{"id":{id},"project_id":{},"task_id":{task},"customer":"{}","user":{{"id":{},"name":"{person}"}},"start_time":"{}","end_time":{end},"duration":{seconds},"hours":{}.{:02},"billable":{},"status":"{}","rate":{},"notes":"{}","tags":[{}],"created_at":"{}""#,
        FIRST_PROJECT + project,
        pick(i, &CUSTOMERS),
        FIRST_USER + i % 8,
        instant(start),
        seconds / 3_600,
        seconds % 3_600 / 36,
        i.is_multiple_of(2),
        pick(i, &["approved", "open", "invoiced"]),
        nullable(i % 5 == 4, 40 + i % 60),
        pick(
            i,
            &["tide was late", "two lines\\nof notes", "said \\\"later\\\"", "\\u00e9t\\u00e9 \u{2600}", ""]
        ),
        pick(i, &["", "\"field\"", "\"field\",\"rain\""]),
        instant(start + 60),
    )
}

fn expense(options: &Options, out: &mut String, i: usize) -> Result {
    let (id, project, created) = (70_001 + i, FIRST_PROJECT + i % options.projects.max(1), instant(i * 301));
    let (receipt, paid) =
        (nullable(i.is_multiple_of(3), 880_000 + i), if i % 4 == 3 { null() } else { quoted(&day(i)) });
    write!(
        out,
        r#"{{"id":{id},"project_id":{project},"user_id":{},"category":"{}","description":"{} / no. {i}","amount":{}.{:02},"currency":"{}","billable":{},"status":"{}","receipt_id":{receipt},"spent_on":"{}","paid_on":{paid},"lines":[{{"text":"{}","amount":{}}}],"created_at":"{created}""#,
        FIRST_USER + i % 8,
        pick(i, &["travel", "food", "equipment"]),
        pick(i, &["Train", "Ferry \u{1f6a2}", "Rope, 10\\\"", "Tea & cake"]),
        i * 13 % 400 + 3,
        i * 7 % 100,
        pick(i, &["EUR", "GBP", "SEK"]),
        i.is_multiple_of(3),
        pick(i, &["open", "approved", "paid"]),
        day(i),
        pick(i, &["one way", "return"]),
        i * 13 % 400,
    )
}

fn client_id(options: &Options, i: usize) -> usize {
    FIRST_CLIENT + i % options.clients.max(1)
}

fn client(out: &mut String, i: usize) -> Result {
    let (id, name, city) = (FIRST_CLIENT + i, pick(i, &CUSTOMERS), pick(i, &PLACES));
    write!(
        out,
        r#"{{"id":{id},"name":"{name}","status":"{}","vat_id":{},"address":{{"street":"Quay {i}","city":"{city}","country":"{}"}},"contacts":[{{"name":"{}","email":"office{i}@example.com"}}],"discount":0.{:02},"archived":{},"created_at":"{}","updated_at":"{}""#,
        pick(i, &["active", "former"]),
        if i % 3 == 2 { null() } else { quoted(&format!("XX{:09}", i * 7_919)) },
        pick(i, &["NL", "DE", "SE"]),
        pick(i, &PEOPLE),
        i % 30,
        i % 9 == 8,
        instant(i * 17),
        instant(i * 1_999),
    )
}

fn user(out: &mut String, i: usize) -> Result {
    let (id, name) = (FIRST_USER + i, pick(i, &PEOPLE));
    write!(
        out,
        r#"{{"id":{id},"name":"{name}","email":"user{i}@example.com","role":"{}","active":{},"capacity_hours":{}.5,"time_zone":"Europe/{}","team":{{"id":{},"name":"Team {}"}},"skills":["{}","ringing"],"last_login_at":{},"created_at":"{}""#,
        pick(i, &["member", "lead", "admin"]),
        i % 6 != 5,
        30 + i % 10,
        pick(i, &["Amsterdam", "Berlin", "Stockholm"]),
        i % 3 + 1,
        pick(i, &["Mud", "Sand", "Edge"]),
        pick(i, &["boats", "maps", "optics"]),
        if i % 4 == 1 { null() } else { quoted(&instant(i * 501)) },
        instant(i * 29),
    )
}

fn resource(out: &mut String, i: usize) -> Result {
    let (id, created) = (40_001 + i, instant(i * 43));
    write!(
        out,
        r#"{{"id":{id},"name":"{} {i}","value":{}.{:03},"status":"{}","enabled":{},"parent_id":{},"priority":{},"unit":"{}","attributes":{{"colour":"{}","size":{}}},"history":[{},{},{}],"comment":"line one\nline \"two\" of {i}","owner":"{}","created_at":"{created}","updated_at":"{}""#,
        pick(i, &PLACES),
        i * 31 % 1_000,
        i * 7 % 1_000,
        pick(i, &["new", "active", "retired"]),
        i.is_multiple_of(2),
        nullable(i.is_multiple_of(3), 40_000 + i),
        i % 5,
        pick(i, &["km", "kg", "\u{b0}C"]),
        pick(i, &["grey", "white"]),
        i % 12,
        i,
        i + 1,
        i + 2,
        pick(i, &PEOPLE),
        instant(i * 43 + 5),
    )
}

/// Already escaped for JSON, as are all texts here.
const PEOPLE: [&str; 8] = ["Ana", "Bo \\\"B\\\" Lind", "Chi", "Do\u{17e}a", "Eva", "Fay", "Gus", "Hal"];
const PLACES: [&str; 5] = ["Harbour", "Dunes", "\u{d6}resund", "Salt marsh", "Long beach"];
const CUSTOMERS: [&str; 6] =
    ["Tide & Co.", "\u{10c}\u{e1}p s.r.o.", "O'Brien", "\\\"Edge\\\" Ltd", "Sand/Silt", "\u{6d77}\u{6ee8}"];

fn pick<'a, const N: usize>(i: usize, from: &[&'a str; N]) -> &'a str {
    from[i % N]
}

fn null() -> String {
    "null".to_owned()
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn nullable(is_null: bool, number: usize) -> String {
    if is_null { null() } else { number.to_string() }
}
