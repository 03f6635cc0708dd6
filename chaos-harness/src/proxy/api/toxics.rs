//! The calls on toxics.

use super::answer::{Outcome, Refusal, json, no_content};
use super::attributes;
use super::json::{Place, Raw, float32, names, quote};
use super::proxies::find;
use crate::proxy::{Route, Stream, Table, ToxicSpec, Toxicity};
use hyper::StatusCode;
use std::time::Duration;

/// `GET /proxies/{proxy}/toxics`
pub(super) fn list(table: &Table, proxy: &str) -> Outcome {
    Ok(json(StatusCode::OK, print_all(&find(table, proxy)?)))
}

/// `GET /proxies/{proxy}/toxics/{toxic}`
pub(super) fn show(table: &Table, proxy: &str, toxic: &str) -> Outcome {
    let spec = find(table, proxy)?.toxic(toxic).ok_or_else(Refusal::no_toxic)?;
    Ok(json(StatusCode::OK, print(&spec)))
}

/// `POST /proxies/{proxy}/toxics`
pub(super) fn create(table: &Table, proxy: &str, body: &[u8]) -> Outcome {
    let route = find(table, proxy)?;
    let body = Raw::first(body)?;
    let mut fields = Fields::default();
    fields.read_new(body)?;
    let spelling = fields.stream.unwrap_or_else(|| "downstream".to_owned());
    let stream = match spelling.to_lowercase().as_str() {
        "upstream" => Stream::Upstream,
        "downstream" => Stream::Downstream,
        _ => {
            let text = "stream was invalid, can be either upstream or downstream";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
        }
    };
    let kind = fields.kind.unwrap_or_default();
    let name = fields.name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("{kind}_{spelling}"));
    let invalid_type = || Refusal::new(StatusCode::BAD_REQUEST, "invalid toxic type");
    let mut toxic = attributes::of_type(&kind).ok_or_else(invalid_type)?;
    if route.toxic(&name).is_some() {
        return Err(Refusal::new(StatusCode::CONFLICT, "toxic already exists"));
    }
    for attributes in fields.attributes {
        toxic = attributes::read(toxic, attributes)?;
    }
    let mut spec = ToxicSpec::new(name, toxic, stream);
    spec.toxicity = fields.toxicity.unwrap_or(Toxicity::ALL);
    spec.slice = fields.slice;
    spec.spelling = (spelling != stream.name()).then_some(spelling);
    let shown = print(&spec);
    route.add(spec)?;
    Ok(json(StatusCode::OK, shown))
}

/// `PATCH /proxies/{proxy}/toxics/{toxic}`
pub(super) fn update(table: &Table, proxy: &str, toxic: &str, body: &[u8]) -> Outcome {
    let route = find(table, proxy)?;
    let mut spec = route.toxic(toxic).ok_or_else(Refusal::no_toxic)?;
    read_changes(&mut spec, Raw::first(body)?)?;
    let shown = print(&spec);
    route.update(spec)?;
    Ok(json(StatusCode::OK, shown))
}

/// `DELETE /proxies/{proxy}/toxics/{toxic}`
pub(super) fn delete(table: &Table, proxy: &str, toxic: &str) -> Outcome {
    find(table, proxy)?.remove(toxic)?;
    Ok(no_content())
}

/// The fields of a toxic that a body names.
#[derive(Default)]
struct Fields<'a> {
    name: Option<String>,
    kind: Option<String>,
    stream: Option<String>,
    toxicity: Option<Toxicity>,
    slice: Option<Duration>,
    /// Read once the type is known. More than one where the key is repeated: all count.
    attributes: Vec<Raw<'a>>,
}

impl<'a> Fields<'a> {
    /// Takes over what `object` says of a new toxic.
    fn read_new(&mut self, object: Raw<'a>) -> Result<(), Refusal> {
        const HOLDER: &str = "ToxicWrapper";
        let Some(members) = object.object(Place::BODY, "toxics.ToxicWrapper")? else { return Ok(()) };
        for (key, value) in members {
            let place = |name| Place::field(HOLDER, name);
            if names(&key, "attributes") {
                let _ = value.object(place("attributes"), "toxics.NoopToxic")?;
                self.attributes.push(value);
            } else if names(&key, "name") {
                self.name = value.string(place("name"))?.or(self.name.take());
            } else if names(&key, "type") {
                self.kind = value.string(place("type"))?.or(self.kind.take());
            } else if names(&key, "stream") {
                self.stream = value.string(place("stream"))?.or(self.stream.take());
            } else if names(&key, "toxicity") {
                self.toxicity = read_toxicity(value, HOLDER)?.or(self.toxicity);
            } else if names(&key, "slice") {
                self.slice = read_slice(value, HOLDER)?.or(self.slice);
            }
        }
        Ok(())
    }
}

/// Takes over what `object` changes of `spec`. Its name, type and stream stay.
fn read_changes(spec: &mut ToxicSpec, object: Raw<'_>) -> Result<(), Refusal> {
    const WANTED: &str = concat!(
        "struct { Attributes interface {} \"json:\\\"attributes\\\"\"; ",
        "Toxicity float32 \"json:\\\"toxicity\\\"\" }"
    );
    let Some(members) = object.object(Place::BODY, WANTED)? else { return Ok(()) };
    for (key, value) in members {
        if names(&key, "attributes") {
            spec.toxic = attributes::read(spec.toxic, value)?;
        } else if names(&key, "toxicity") {
            spec.toxicity = read_toxicity(value, "")?.unwrap_or(spec.toxicity);
        } else if names(&key, "slice") {
            spec.slice = read_slice(value, "")?.or(spec.slice);
        }
    }
    Ok(())
}

fn read_toxicity(value: Raw<'_>, holder: &'static str) -> Result<Option<Toxicity>, Refusal> {
    Ok(value.float32(Place::field(holder, "toxicity"))?.map(Toxicity::new))
}

fn read_slice(value: Raw<'_>, holder: &'static str) -> Result<Option<Duration>, Refusal> {
    value.integer(Place::field(holder, "slice"), "int64")?.map(slice).transpose()
}

fn slice(millis: i64) -> Result<Duration, Refusal> {
    match u64::try_from(millis) {
        Ok(millis @ 1..) => attributes::duration("slice", millis, attributes::NANOS_PER_MILLI),
        _ => Err(Refusal::bad_body(format!("slice is {millis}: it must be at least 1 (ms)"))),
    }
}

/// The toxics of `route` as an array: those upstream come first, each stream's in the order in which they were added.
pub(super) fn print_all(route: &Route) -> String {
    let (upstream, downstream): (Vec<_>, Vec<_>) =
        route.toxics().into_iter().partition(|spec| spec.stream == Stream::Upstream);
    let shown: Vec<_> = upstream.iter().chain(&downstream).map(print).collect();
    format!("[{}]", shown.join(","))
}

fn print(spec: &ToxicSpec) -> String {
    let attributes: Vec<_> =
        attributes::values(&spec.toxic).iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    let slice = spec.slice.map(|slice| format!(",\"slice\":{}", attributes::millis(slice)));
    format!(
        "{{\"attributes\":{{{}}},\"name\":{},\"type\":{},\"stream\":{},\"toxicity\":{}{}}}",
        attributes.join(","),
        quote(&spec.name),
        quote(spec.toxic.kind()),
        quote(spec.spelling.as_deref().unwrap_or_else(|| spec.stream.name())),
        float32(spec.toxicity.get()),
        slice.unwrap_or_default(),
    )
}
