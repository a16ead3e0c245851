//! Tables that dlt has loaded, found and taken over as a pipeline's own.

use std::collections::BTreeMap;

use sanderling_columns::Schema;

use super::ledger::{self, Begun};
use super::looking::Looking;
use super::session::Scalar;
use super::{Sql, sort};
use crate::checkpoint::{Change, Load, LoadStatus};
use crate::dlt::{self, DltPipeline};
use crate::error::DestinationError;
use crate::table::Table;

impl Looking {
    /// What dlt's pipelines have left, each as of its latest run.
    pub(crate) fn left_by_dlt(mut self) -> Result<Vec<DltPipeline>, DestinationError> {
        let states = self.texts(dlt::STATES, ["pipeline_name", "state"], "version, created_at")?;
        let schemas: BTreeMap<String, String> = self
            .texts(dlt::SCHEMAS, ["schema_name", "schema"], "version, inserted_at")?
            .into_iter()
            .collect();
        // Of several versions the last counts.
        let latest: BTreeMap<String, String> = states.into_iter().collect();
        let read = |(name, state): (&String, &String)| dlt::pipeline(name, state, &schemas);
        latest.iter().map(read).collect::<Result<_, _>>().map_err(|error| DestinationError::Corrupt {
            path: self.place.name.clone(),
            reason: error.to_string(),
        })
    }

    /// Two columns of text of a table that need not be there, the greatest of `order` last.
    fn texts(
        &mut self,
        table: &str,
        [first, second]: [&str; 2],
        order: &str,
    ) -> Result<Vec<(String, String)>, DestinationError> {
        let name = self.named(table);
        if self.session.columns(&name).map_err(|error| self.failed(error))?.is_none() {
            return Ok(Vec::new());
        }
        let table = self.dialect().table(&name);
        let sql = format!("SELECT {first}, {second} FROM {table} ORDER BY {order}");
        let rows = self.session.query(&[&name], &sql, &[]).map_err(|error| self.failed(error))?;
        let texts = rows.into_iter().filter_map(|row| match <[Scalar; 2]>::try_from(row) {
            Ok([Scalar::Text(first), Scalar::Text(second)]) => Some((first, second)),
            _ => None,
        });
        Ok(texts.collect())
    }
}

impl Sql {
    /// Takes over the tables of a resource, which have the columns of `schema`, as what `load` has loaded. Returns the rows of
    /// the resource's own table; none if that is not there.
    pub(crate) fn adopt(
        &mut self,
        table: &Table,
        schema: Schema,
        load: &Load,
    ) -> Result<Option<u64>, DestinationError> {
        self.check(table)?;
        self.lock(table)?;
        let rows = self.atomically(|this| {
            if let Some(other) =
                ledger::loaded_by(&mut this.session, this.schema.as_deref(), &this.pipeline, &table.name)
                    .map_err(|error| sort(&this.place, error))?
            {
                return Err(DestinationError::NotOurs {
                    name: format!("table `{}` in {}", table.name, this.place),
                    reason: format!("the pipeline `{other}` loads it"),
                });
            }
            for of in &schema.tables {
                let name = this.named(&of.name);
                let columns = this.known.columns(&mut this.session, &name);
                let Some(columns) = columns.map_err(|error| sort(&this.place, error))? else {
                    if of.parent.is_none() {
                        return Ok(None);
                    }
                    // It is made again when it is needed.
                    continue;
                };
                if let Some(lacking) = of.columns.iter().find(|column| !columns.contains_key(&column.name)) {
                    let reason = format!(
                        "table `{}` lacks column `{}`, which dlt's own record of it has",
                        of.name, lacking.name
                    );
                    return Err(DestinationError::Corrupt { path: this.place.name.clone(), reason });
                }
            }
            let name = this.named(&table.name);
            let sql = format!("SELECT count(*) FROM {}", this.session.dialect().table(&name));
            let counted = this.session.query(&[&name], &sql, &[]);
            let counted = counted.map_err(|error| sort(&this.place, error))?;
            Ok(Some(match counted.first().and_then(|row| row.first()) {
                Some(Scalar::Int(rows)) => rows.unsigned_abs(),
                _ => 0,
            }))
        })?;
        let Some(rows) = rows else { return Ok(None) };
        let note = self.notes.entry(table.resource.clone()).or_default();
        note.begun = Some(Begun {
            load_id: load.load_id.clone(),
            way: table.way().name().to_owned(),
            table: table.name.clone(),
            rows: 0,
        });
        note.schema = schema;
        self.remember(&[Change::Load(Load { rows, status: LoadStatus::Complete, ..load.clone() })]);
        Ok(Some(rows))
    }
}
