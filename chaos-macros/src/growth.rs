//! Whether a ladder grows, as far as its literals tell.

use crate::errors::Errors;
use crate::fault::Fault;
use crate::literal::Quantity;
use crate::magnitude::{Amount, Target};
use crate::stage::{Scope, Stage, Step};
use crate::suggest;
use crate::value::Value;
use proc_macro2::Span;

/// The whole, in parts per million.
const WHOLE: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SizeOf {
    Share,
    Instances,
}

/// How much a stage touches.
#[derive(Debug, Clone, Copy)]
struct Size {
    of: SizeOf,
    amount: u64,
    span: Span,
    /// Whether the stage also says how strong a fault is: then it may touch as much as the one before it.
    is_of_magnitude: bool,
}

impl SizeOf {
    fn show(self, amount: u64) -> String {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "parts per million, at most a million of them")]
            Self::Share => format!("{}%", amount as f64 / 10_000.0),
            Self::Instances if amount == 1 => "1 instance".to_owned(),
            Self::Instances => format!("{amount} instances"),
        }
    }
}

/// What can be compared where it is a literal: instances with instances, shares with shares.
fn size(step: &Step) -> Option<Size> {
    let Stage { scope, magnitudes, .. } = match step {
        Step::Stage(stage) => stage,
        Step::Ladder(target, _) => {
            let span = target.fault.span();
            return Some(Size { of: SizeOf::Share, amount: WHOLE, span, is_of_magnitude: true });
        }
    };
    let is_of_magnitude = !magnitudes.is_empty();
    match scope {
        Some(Scope::Share { value: Value::Quantity { quantity: Quantity::PartsPerMillion(ppm), span } }) => {
            Some(Size { of: SizeOf::Share, amount: u64::from(*ppm), span: *span, is_of_magnitude })
        }
        Some(Scope::Instances { count, .. }) => {
            let amount = count.to_string().parse().ok()?;
            Some(Size { of: SizeOf::Instances, amount, span: count.span(), is_of_magnitude })
        }
        // It touches everything.
        None => {
            let (target, _) = magnitudes.first()?;
            Some(Size { of: SizeOf::Share, amount: WHOLE, span: target.fault.span(), is_of_magnitude })
        }
        Some(Scope::Share { .. } | Scope::Expr(_)) => None,
    }
}

/// Reports each stage that is not larger than the one of its kind before it, or at which a fault is weaker, and each that
/// touches nothing.
pub(crate) fn check(steps: &[Step], errors: &mut Errors) {
    for kind in [SizeOf::Share, SizeOf::Instances] {
        let mut largest: Option<Size> = None;
        for size in steps.iter().filter_map(size).filter(|size| size.of == kind) {
            let Size { amount, span, is_of_magnitude, .. } = size;
            match largest {
                _ if amount == 0 => {
                    errors.push(span, format!("a stage of `{}` touches nothing", kind.show(0)));
                }
                Some(before) if amount == before.amount && (is_of_magnitude || before.is_of_magnitude) => {}
                Some(before) if amount <= before.amount => {
                    errors.push(span, not_growing(&kind.show(amount), &kind.show(before.amount)));
                }
                _ => {}
            }
            largest = largest.filter(|before| before.amount > amount).or(Some(size));
        }
    }
    let mut said: Vec<(&Target, &Amount)> = Vec::new();
    for step in steps {
        for (index, (target, amount)) in magnitudes(step).into_iter().enumerate() {
            // Between those of one list nothing else can grow.
            let must_grow = index > 0 && matches!(step, Step::Ladder(..));
            let before = said.iter().rev().find(|(other, _)| is_same(target, other));
            if let Some((_, before)) = before {
                check_magnitude(target, amount, before, must_grow, errors);
            }
            said.push((target, amount));
        }
    }
}

fn magnitudes(step: &Step) -> Vec<(&Target, &Amount)> {
    match step {
        Step::Stage(stage) => stage.magnitudes.iter().map(|(target, amount)| (target, amount)).collect(),
        Step::Ladder(target, amounts) => amounts.iter().map(|amount| (target, amount)).collect(),
    }
}

/// Reports each fault whose magnitude is said, and that is not injected. Where it or its service may be misspelt, that is
/// rustc's to say; where something else than a fault of the catalogue is injected, it is known when trials are listed.
pub(crate) fn check_injected(steps: &[Step], injected: &[Fault], errors: &mut Errors) {
    let calls: Option<Vec<_>> = injected.iter().map(Fault::call).collect();
    let Some(calls) = calls else { return };
    let mut told: Vec<&Target> = Vec::new();
    for (target, _) in steps.iter().flat_map(magnitudes) {
        let on_service: Vec<_> = calls.iter().filter(|(_, service)| *service == &target.service).collect();
        let is_injected = on_service.iter().any(|(fault, _)| *fault == &target.fault);
        if is_injected
            || on_service.is_empty()
            || !target.is_known()
            || told.iter().any(|it| is_same(it, target))
        {
            continue;
        }
        told.push(target);
        let Target { fault, service } = target;
        let others: Vec<_> = on_service.iter().map(|(fault, _)| fault.to_string()).collect();
        let others = suggest::quoted(others.iter().map(String::as_str));
        errors.push(
            fault.span(),
            format!(
                "no `{fault}` is injected into `{service}`, only {others}: write `inject({fault}({service}, ...))` as well, or \
                 stages for what is injected"
            ),
        );
    }
}

fn is_same(target: &Target, other: &Target) -> bool {
    target.fault == other.fault && target.service == other.service
}

fn check_magnitude(target: &Target, amount: &Amount, before: &Amount, must_grow: bool, errors: &mut Errors) {
    let (Some(now), Some(then)) = (comparable(&amount.value), comparable(&before.value)) else { return };
    // What is said in another unit is a type mismatch.
    if now.0 != then.0 {
        return;
    }
    let less = target.less_is_stronger();
    let is_weaker = if less { now.1 > then.1 } else { now.1 < then.1 };
    if is_weaker || must_grow && now.1 == then.1 {
        let why = if less && is_weaker {
            format!(", and `{}` is stronger with less", target.fault)
        } else {
            String::new()
        };
        errors.push(amount.value.span(), not_growing(&amount.text, &before.text) + &why);
    }
}

/// An amount of some unit, where it is a literal.
fn comparable(value: &Value) -> Option<(&'static str, u64)> {
    match value {
        Value::Quantity { quantity, .. } => Some(match *quantity {
            Quantity::Nanoseconds(amount) => ("time", amount),
            Quantity::PartsPerMillion(amount) => ("share", amount.into()),
            Quantity::PerThousandSeconds(amount) => ("rate", amount),
            Quantity::Bytes(amount) => ("bytes", amount),
            Quantity::BytesPerSecond(amount) => ("byte rate", amount),
            Quantity::Factor(amount) => ("factor", amount),
        }),
        Value::Number { number } => Some(("number", number.to_string().replace('_', "").parse().ok()?)),
        Value::Relative { .. } | Value::Expr(_) => None,
    }
}

fn not_growing(now: &str, before: &str) -> String {
    format!("stages must grow, but `{now}` comes after `{before}`")
}
