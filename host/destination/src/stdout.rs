//! Rows as lines on standard output, for the next program of a pipe.
//!
//! Lines leave at a commit, and cannot be taken back; nothing is remembered of them once the process is over.

use std::io::{self, Write};

use crate::checkpoint::{Change, Load, LoadStatus, State};
use crate::declared::Declared;
use crate::error::DestinationError;
use crate::rows;
use crate::table::{Rows, Table, Written};

/// What standard output is called in errors.
const NAME: &str = "standard output";

/// A stream that nobody reads twice.
pub struct Stdout {
    out: Box<dyn Write + Send>,
    state: State,
    /// The loads that are open, by resource.
    open: Vec<String>,
    // The open transaction.
    lines: Vec<u8>,
    changes: Vec<Change>,
}

impl std::fmt::Debug for Stdout {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stdout").field("waiting_bytes", &self.lines.len()).finish_non_exhaustive()
    }
}

impl Stdout {
    pub(crate) fn open() -> Self {
        Self::to(Box::new(io::stdout()))
    }

    fn to(out: Box<dyn Write + Send>) -> Self {
        Self { out, state: State::default(), open: Vec::new(), lines: Vec::new(), changes: Vec::new() }
    }

    pub(crate) fn state(&self) -> State {
        self.state.clone()
    }

    pub(crate) fn begin(&mut self, table: &Table, load: &Load) -> Result<(), DestinationError> {
        table.check(
            &table.resource,
            self.open.iter().map(|resource| (resource.as_str(), resource.as_str())),
        )?;
        self.open.push(table.resource.clone());
        self.changes.push(Change::Load(load.clone()));
        Ok(())
    }

    /// What has left is gone, so there is nothing to go on with.
    #[expect(clippy::unused_self, reason = "as every destination")]
    pub(crate) fn resume(&mut self, table: &Table, _: &Load) -> Result<(), DestinationError> {
        Err(DestinationError::not_begun(&table.resource))
    }

    pub(crate) fn write(
        &mut self,
        table: &Table,
        page: &Rows,
        changes: &[Change],
    ) -> Result<Written, DestinationError> {
        if !self.open.contains(&table.resource) {
            return Err(DestinationError::not_begun(&table.resource));
        }
        let declared = Declared::of(table);
        let lines = rows::lines(&table.resource, page)?;
        if !declared.is_empty() {
            for (row, line) in lines {
                declared
                    .check(line)
                    .map_err(|kind| DestinationError::data(&table.resource, Some(row), kind))?;
            }
        }
        self.lines.extend_from_slice(page.ndjson);
        if !page.ndjson.is_empty() && !page.ndjson.ends_with(b"\n") {
            self.lines.push(b'\n');
        }
        self.changes.extend_from_slice(changes);
        Ok(Written { rows: page.count, new_columns: Vec::new(), ..Written::default() })
    }

    pub(crate) fn record(&mut self, changes: &[Change]) {
        self.changes.extend_from_slice(changes);
    }

    pub(crate) fn finish(
        &mut self,
        table: &Table,
        load: &Load,
        changes: &[Change],
    ) -> Result<(), DestinationError> {
        let Some(at) = self.open.iter().position(|open| *open == table.resource) else {
            return Err(DestinationError::not_begun(&table.resource));
        };
        self.open.swap_remove(at);
        self.changes.extend_from_slice(changes);
        self.changes.push(Change::Load(Load { status: LoadStatus::Complete, ..load.clone() }));
        Ok(())
    }

    /// Sends what waits. After a failure nobody knows how much of it has arrived.
    pub(crate) fn commit(&mut self) -> Result<(), DestinationError> {
        let sent = self.out.write_all(&self.lines).and_then(|()| self.out.flush());
        sent.map_err(|cause| DestinationError::io(NAME.as_ref(), cause))?;
        self.lines.clear();
        for change in self.changes.drain(..) {
            self.state.apply(change);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::conformance::{load, page, table};
    use crate::table::Disposition;
    use crate::{Column, DataType};

    /// Tells of each write; a pipe whose reader is gone, once nobody listens.
    struct Pipe(Sender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_leave_at_a_commit() {
        let (sent, received) = channel();
        let mut to = Stdout::to(Box::new(Pipe(sent)));
        let tasks = table("tasks", Disposition::Append);
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        to.write(&tasks, &page("{\"id\":1.50}\n{\"id\":2}", "1"), &[]).unwrap();
        assert!(received.try_recv().is_err());
        to.commit().unwrap();
        assert_eq!(received.try_recv().unwrap(), b"{\"id\":1.50}\n{\"id\":2}\n");
        to.finish(&tasks, &load("tasks", "1"), &[]).unwrap();
        to.commit().unwrap();
        assert_eq!(to.state().loads["tasks"].status, LoadStatus::Complete);
        drop(received);
        to.begin(&tasks, &load("tasks", "2")).unwrap();
        to.write(&tasks, &page("{\"id\":3}\n", "2"), &[]).unwrap();
        let lost = to.commit().unwrap_err();
        assert!(lost.to_string().starts_with("standard output: "), "{lost}");
    }

    #[test]
    fn a_full_disk_behind_it() {
        let mut to = Stdout::to(Box::new(std::fs::File::options().write(true).open("/dev/full").unwrap()));
        let tasks = table("tasks", Disposition::Append);
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        to.write(&tasks, &page("{\"id\":1}\n", "1"), &[]).unwrap();
        let full = to.commit().unwrap_err();
        assert!(matches!(full, DestinationError::Full { .. }), "{full:?}");
    }

    #[test]
    fn a_page_is_sent_whole_or_not_at_all() {
        let (sent, received) = channel();
        let mut to = Stdout::to(Box::new(Pipe(sent)));
        let column = Column {
            name: "n".into(),
            data_type: Some(DataType::Bigint),
            nullable: false,
            ..Column::default()
        };
        let tasks = Table { columns: vec![column], ..table("tasks", Disposition::Append) };
        assert!(to.write(&tasks, &page("{\"id\":1,\"n\":1}\n", "1"), &[]).is_err());
        to.begin(&tasks, &load("tasks", "1")).unwrap();
        assert!(to.write(&tasks, &page("{\"id\":1,\"n\":1}\n{\"id\":2,\"n\":\"x\"}\n", "1"), &[]).is_err());
        to.commit().unwrap();
        assert_eq!(received.try_iter().flatten().count(), 0);
    }
}
