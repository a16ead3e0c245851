import dlt
from dlt.sources.rest_api import rest_api_source

source = rest_api_source({
    "client": {
        "base_url": "https://api.example.com",
        "auth": {
            "type": "api_key",
            "name": "api_key",
            "api_key": dlt.secrets["api_key"],
            "location": "header"
        }
    },
    "resource_defaults": {
        "primary_key": "id",
        "write_disposition": "merge"
    },
    "resources": [
        {
            "name": "projects",
            "endpoint": {
                "path": "/v1/projects",
                "data_selector": "data"
            }
        },
        {
            "name": "tasks",
            "endpoint": {
                "path": "/v1/projects/{parent_id}/tasks",
                "data_selector": "data"
            }
        },
        {
            "name": "time_records",
            "endpoint": {
                "path": "/v1/projects/{parent_id}/time",
                "data_selector": "data"
            }
        },
        {
            "name": "clients",
            "endpoint": {
                "path": "/v1/clients",
                "data_selector": "data"
            }
        },
        {
            "name": "time",
            "endpoint": {
                "path": "/v1/team/time",
                "data_selector": "data"
            }
        },
        {
            "name": "users",
            "endpoint": {
                "path": "/v1/team/users",
                "data_selector": "data"
            }
        }
    ]
})
