//! Medians, and how sure they are.

/// The value below which the share `q` of the values lies.
pub(crate) fn quantile(values: &[f64], q: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= q <= 1")]
    let rank = (last as f64 * q).round() as usize;
    values.get(rank).copied().unwrap_or(f64::NAN)
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => f64::NAN,
        (count, middle) if count % 2 == 1 => values[middle],
        (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// An interval that holds the true median with a probability of at least 95 %, whatever the distribution, or all the
/// values where they are too few for that.
pub(crate) fn interval(values: &[f64]) -> (f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let count = values.len();
    // How many of the values lie below the median is binomial with a half: cut off 2.5 % at either end.
    let mut probability = 0.5_f64.powf(count as f64);
    let (mut below, mut cut) = (probability, 0);
    while below <= 0.025 && cut < count / 2 {
        cut += 1;
        probability *= (count + 1 - cut) as f64 / cut as f64;
        below += probability;
    }
    let first = cut.saturating_sub(1);
    match (values.get(first), values.get(count.saturating_sub(1 + first))) {
        (Some(low), Some(high)) => (*low, *high),
        _ => (f64::NAN, f64::NAN),
    }
}
