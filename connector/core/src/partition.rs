//! Partitions: what a child resource needs of one parent row, taken from the row's bytes and written as text.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use crate::contract::{ChildPartitions, Fault, Notice, PageRequest, Partition};
use crate::incremental::{Sent, VALUES};
use crate::json::{Found, Item, Kind, Wanted, decode_string, find};
use crate::plan::{Child, Piece, Resource, Taken};
use crate::rows::{RowError, push_without_breaks};
use crate::template::Format;

/// A partition's data, read back. All values are JSON text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bindings {
    /// For placeholders, in the order of the resource's bindings.
    pub(crate) bound: Vec<String>,
    /// For the keys that each row is given.
    pub(crate) added: Vec<String>,
    /// What is asked for, by the cursor.
    pub(crate) sent: Sent,
}

impl Bindings {
    /// What a request is filled with.
    pub(crate) fn of_request(resource: &Resource, request: &PageRequest) -> Result<Self, Fault> {
        let mut bindings = Self::of(resource, request.partition.as_ref())?;
        if let Some(incremental) = &resource.incremental {
            bindings.sent = incremental.sent(request)?;
        }
        Ok(bindings)
    }

    /// The bindings of a partition: none for a resource without a parent.
    fn of(resource: &Resource, partition: Option<&Partition>) -> Result<Self, Fault> {
        let name = &resource.name;
        match (resource.bound, partition) {
            (None, None) => Ok(Self::default()),
            (Some(bound), Some(partition)) => Self::parse(&partition.data)
                .filter(|bindings| {
                    bindings.bound.len() == bound && bindings.added.len() == resource.added.len()
                })
                .ok_or_else(|| {
                    Fault::Other(format!("the partition of `{name}` is not one that this config opens"))
                }),
            (None, Some(_)) => {
                Err(Fault::Other(format!("`{name}` has no parent, but a partition came with the request")))
            }
            (Some(_), None) => {
                Err(Fault::Other(format!("`{name}` has a parent, but no partition came with the request")))
            }
        }
    }

    fn parse(data: &str) -> Option<Self> {
        let mut lists: BTreeMap<String, Vec<Box<RawValue>>> = serde_json::from_str(data).ok()?;
        let mut take = |key: &str| {
            lists
                .remove(key)
                .unwrap_or_default()
                .into_iter()
                .map(|raw| raw.get().to_owned())
                .collect::<Vec<_>>()
        };
        Some(Self { bound: take("bind"), added: take("add"), ..Self::default() })
    }

    /// The partition: its key is the list of bound values alone.
    fn partition(&self) -> Partition {
        let key = format!("[{}]", self.bound.join(","));
        let data = format!("{{\"bind\":{key},\"add\":[{}]}}", self.added.join(","));
        Partition { key, data }
    }

    /// A bound value as it is sent: as its format says, else a string's text, a number or boolean as JSON writes them.
    ///
    /// # Errors
    /// A value that is not there, or not of the format's type.
    fn text(&self, index: usize, format: Option<&Format>) -> Result<String, Fault> {
        let json = self.bound.get(index).ok_or_else(lacking)?;
        match format {
            Some(format) => format.write(json).map_err(|what| {
                let format = &format.written;
                Fault::Other(format!(
                    "the parent's value is {what}, which the format `{format}` cannot write"
                ))
            }),
            None => plain(json).ok_or_else(lacking),
        }
    }

    /// What a piece puts into a text.
    ///
    /// # Errors
    /// A value that is not there, or not of the format's type.
    pub(crate) fn text_of(&self, piece: &Piece) -> Result<String, Fault> {
        let (value, format) = match piece {
            Piece::Text(text) => return Ok(text.clone()),
            Piece::Bound(index, format) => return self.text(*index, format.as_ref()),
            Piece::Incremental(value, format) => (value, format),
        };
        // A plan lets only such stand in a text that have one.
        let json = self.sent.json(*value).ok_or_else(lacking)?;
        match format {
            Some(format) => format.write(json).map_err(|what| {
                let name = VALUES.iter().find(|(_, other)| other == value).map_or("", |(name, _)| *name);
                let format = &format.written;
                Fault::Other(format!(
                    "`{{incremental.{name}}}` is {what}, which the format `{format}` cannot write"
                ))
            }),
            None => plain(json).ok_or_else(lacking),
        }
    }
}

fn lacking() -> Fault {
    Fault::Other("the partition lacks a value".to_owned())
}

/// A string's text, any other scalar as JSON writes it.
fn plain(json: &str) -> Option<String> {
    match json.as_bytes().first() {
        Some(b'"') => decode_string(json.as_bytes()).map(|text| text.into_owned()),
        _ => Some(json.to_owned()),
    }
}

/// The partitions that `rows` open for each child of `resource`, whose own bindings are `own`.
///
/// # Errors
/// A row that lacks what a child needs: it would be lost for that child.
pub(crate) fn open(
    resource: &Resource,
    body: &[u8],
    rows: &[Item],
    own: &Bindings,
) -> Result<(Vec<ChildPartitions>, Vec<Notice>), RowError> {
    let mut opened: Vec<ChildPartitions> = resource
        .children
        .iter()
        .map(|child| ChildPartitions { name: child.name.clone(), partitions: Vec::new() })
        .collect();
    let mut seen: Vec<HashSet<String>> = vec![HashSet::new(); resource.children.len()];
    let mut repeated = 0usize;
    for (index, row) in rows.iter().enumerate().filter(|_| !resource.children.is_empty()) {
        let error = |message| RowError { index, message };
        if row.kind != Kind::Object {
            return Err(error(format!(
                "is {}, and other resources hang on the fields of a row",
                row.kind.noun()
            )));
        }
        let bytes = row.span.of(body);
        let found = find(bytes, &resource.row_fields).map_err(|fault| error(fault.to_string()))?;
        let lists = resource.children.iter().zip(&mut opened).zip(&mut seen);
        for ((child, list), seen) in lists {
            for bindings in bindings(child, bytes, &found, own).map_err(error)? {
                let partition = bindings.partition();
                if seen.insert(partition.key.clone()) {
                    list.partitions.push(partition);
                } else {
                    repeated += 1;
                }
            }
        }
    }
    opened.retain(|list| !list.partitions.is_empty());
    let notice = (repeated > 0).then(|| Notice {
        code: "partition-repeated",
        message: format!(
            "{repeated} rows of `{}` bind what an earlier row of the page binds; each is read once",
            resource.name
        ),
        hint: None,
        settles: Vec::new(),
    });
    Ok((opened, notice.into_iter().collect()))
}

/// What a row binds for a child: once, or once for each item of the list that the child goes through.
fn bindings(child: &Child, row: &[u8], found: &Found, own: &Bindings) -> Result<Vec<Bindings>, String> {
    let list = child.bind.iter().find_map(|(taken, _)| match taken {
        Taken::Each { slot, name, .. } => Some((*slot, name)),
        _ => None,
    });
    let Some((slot, name)) = list else { return Ok(vec![binding(child, row, found, own, None)?]) };
    let list = found.value(slot).ok_or_else(|| lacks(child, name))?;
    match list.kind {
        Kind::Null => return Ok(Vec::new()),
        Kind::Array => {}
        other => return Err(format!("has {}, and `{name}` of `{}` wants a list", other.noun(), child.name)),
    }
    let mut items = Wanted::new();
    items.add_items(&[]);
    let list = list.span.of(row);
    let found_items = find(list, &items).map_err(|fault| fault.to_string())?.items;
    found_items.iter().map(|item| binding(child, row, found, own, Some(item.span.of(list)))).collect()
}

fn lacks(child: &Child, name: &str) -> String {
    format!("has no `{name}`, which `{}` needs", child.name)
}

fn binding(
    child: &Child,
    row: &[u8],
    found: &Found,
    own: &Bindings,
    item: Option<&[u8]>,
) -> Result<Bindings, String> {
    let text = |found: Option<Item>, bytes: &[u8], name: &str| -> Result<String, String> {
        let found = found.ok_or_else(|| lacks(child, name))?;
        let mut text = Vec::with_capacity(found.span.len());
        push_without_breaks(&mut text, found.span.of(bytes), found.line_breaks);
        // The walk has refused what is not UTF-8.
        Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let take = |taken: &Taken| -> Result<String, String> {
        match taken {
            // [`Bindings::of`] has counted them.
            Taken::Bound(index) => Ok(own.bound.get(*index).cloned().unwrap_or_else(|| "null".to_owned())),
            Taken::Added(index) => Ok(own.added.get(*index).cloned().unwrap_or_else(|| "null".to_owned())),
            Taken::Row { slot, name } => text(found.value(*slot), row, name),
            Taken::Each { item: wanted, name, .. } => {
                let item = item.unwrap_or_default();
                let found = find(item, wanted).map_err(|fault| fault.to_string())?;
                text(found.value(0), item, name)
            }
        }
    };
    let bind = |(taken, whole): &(Taken, bool)| {
        let name = match taken {
            Taken::Row { name, .. } | Taken::Each { name, .. } => name,
            Taken::Bound(_) | Taken::Added(_) => "binding",
        };
        value(&take(taken)?, *whole).map_err(|what| {
            let each = match what {
                "a list" => format!(" (`{name}[*]` asks once for each item)"),
                _ => String::new(),
            };
            format!(
                "has a `{name}` that is {what}, which cannot stand in a request of `{}`{each}",
                child.name
            )
        })
    };
    Ok(Bindings {
        bound: child.bind.iter().map(bind).collect::<Result<_, _>>()?,
        added: child.add.iter().map(take).collect::<Result<_, _>>()?,
        ..Bindings::default()
    })
}

/// A value that can stand in a request, in one spelling: strings are written anew, numbers stay as they came. Null, lists
/// and objects can stand only where a `whole` value does.
fn value(json: &str, whole: bool) -> Result<String, &'static str> {
    match Kind::of(json.bytes().next()) {
        Kind::String => {
            let text = decode_string(json.as_bytes()).ok_or("text with half a surrogate pair")?;
            Ok(serde_json::Value::from(text).to_string())
        }
        Kind::Number | Kind::Bool => Ok(json.to_owned()),
        _ if whole => Ok(json.to_owned()),
        other => Err(other.noun()),
    }
}
