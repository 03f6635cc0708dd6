//! Whether the experiments inject every fault that the library has, as the library itself lists them.

use chaos_harness::fault::InstanceFault;
use chaos_harness::proxy::Toxic;
use chaos_harness::{Fault, FaultKind};
use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::Value;

/// The families of faults that are looked into here.
const FAMILIES: [&str; 2] = ["Toxic", "Instance"];

/// Those of the catalogue that are not among these.
pub(crate) fn missing(faults: &[Fault]) -> Vec<&'static str> {
    let used: Vec<_> = faults.iter().map(|fault| kind(&fault.kind)).collect();
    let families = variants::<FaultKind>().iter().filter(|family| !FAMILIES.contains(family));
    let kinds = variants::<Toxic>().iter().chain(variants::<InstanceFault>());
    families.chain(kinds.filter(|kind| !used.iter().any(|used| used == *kind))).copied().collect()
}

fn kind(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Toxic { toxic, .. } => variant(toxic),
        FaultKind::Instance(fault) => variant(fault),
        other => variant(other),
    }
}

/// The name of this variant.
fn variant(of: &impl Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(fields)) => fields.into_iter().next().map(|(name, _)| name).unwrap_or_default(),
        _ => String::new(),
    }
}

/// The names of all variants: no match could list them, for the catalogue may grow.
fn variants<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut variants: &[&str] = &[];
    // It fails always: nothing is read but what the type would take.
    drop(T::deserialize(Variants(&mut variants)));
    variants
}

/// Says nothing, and takes down what it is asked for.
struct Variants<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Variants<'_> {
    type Error = Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(Error::custom("there is no value"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("it is no enumeration"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
