//! What goes by the rows that a read did not bring, and so needs reads that bring all.

use super::parents::Link;
use crate::config::{ResourceConfig, Strategy};
use crate::diagnostic::Problems;

/// Refuses it of resources that are read from a watermark on, or below one that is.
pub(super) fn check(resources: &[ResourceConfig], links: &[Link], problems: &mut Problems) {
    for (at, resource) in resources.iter().enumerate() {
        let line = std::iter::successors(Some(at), |at| links.get(*at)?.parent).take(resources.len());
        let mut line = line.filter_map(|at| resources.get(at));
        let Some(incremental) = line.find(|resource| resource.endpoint.incremental.is_some()) else {
            continue;
        };
        let what = format!("`{}` is read from where the last run ended", incremental.name.value);
        if let Some(absent) = &resource.delete_absent {
            let message = format!("{what}: rows that a run does not bring are not gone");
            problems.hint(&absent.pointer, message, "leave `delete_absent` out, or `incremental`");
        }
        let keyless = resource.primary_key.is_empty() && resource.merge_key.is_empty();
        if let Some(strategy) = resource.strategy.as_ref().filter(|_| keyless)
            && matches!(strategy.value, Strategy::Scd2(_))
        {
            let message = format!("{what}: which versions have ended can be told by a key alone");
            problems.hint(&strategy.pointer, message, "\"merge_key\": \"id\"");
        }
    }
}
