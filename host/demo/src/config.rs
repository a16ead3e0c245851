//! The source config that reads the demo.

/// A config in YAML that reads everything the demo offers at `base_url`. The key is a reference, `${secrets.api_key}`.
pub fn demo_config(base_url: &str) -> String {
    format!(
        r#"# Reads the demo API: six resources, of which `tasks` is read project by project.
name: demo
client:
  base_url: {base_url}
  auth:
    type: api_key
    name: api_key
    api_key: "${{secrets.api_key}}"
    location: query
resource_defaults:
  primary_key: id
  write_disposition: merge
  endpoint:
    data_selector: data
    paginator:
      type: offset
      limit: 100
resources:
  projects: /v1/projects
  tasks: /v1/projects/{{parent_id}}/tasks
  time_entries: /v1/time_entries
  expenses: /v1/expenses
  clients: /v1/clients
  users: /v1/users
"#
    )
}
