//! Random sequences of calls, against a model of what they should do.
//!
//! The proxies listen on an address of their own within the loopback network (Linux has all of 127.0.0.0/8), so that no
//! other program takes their ports.

use super::{Reply, Server, with_toxics};
use proptest::prelude::*;
use std::collections::BTreeMap;

const NAMES: [&str; 3] = ["a", "b", "c"];
/// Below the ports that systems give out by themselves.
const FIRST_PORT: u16 = 21_000;

fn listen(slot: u16) -> String {
    let process = std::process::id();
    format!("127.{}.{}.1:{}", 64 + process % 64, process / 64 % 256, FIRST_PORT + slot)
}

fn upstream(index: u8) -> String {
    format!("127.0.0.1:{index}")
}

#[derive(Debug, Clone)]
struct New {
    name: usize,
    slot: u16,
    upstream: u8,
    enabled: bool,
}

#[derive(Debug, Clone)]
enum Call {
    Create(New),
    Update {
        name: usize,
        slot: Option<u16>,
        upstream: Option<u8>,
        enabled: Option<bool>,
        post: bool,
    },
    Delete(usize),
    Populate(Vec<New>),
    Reset,
    AddToxic {
        proxy: usize,
        toxic: usize,
        upstream: bool,
        latency: i64,
    },
    UpdateToxic {
        proxy: usize,
        toxic: usize,
        latency: Option<i64>,
        jitter: Option<i64>,
        toxicity: Option<u8>,
    },
    RemoveToxic {
        proxy: usize,
        toxic: usize,
    },
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let new = || {
        (0..3_usize, 0..3_u16, 0..2_u8, prop::bool::weighted(0.7))
            .prop_map(|(name, slot, upstream, enabled)| New { name, slot, upstream, enabled })
    };
    let change = (
        0..3_usize,
        prop::option::of(0..3_u16),
        prop::option::of(0..2_u8),
        prop::option::of(any::<bool>()),
        any::<bool>(),
    );
    // One in ten is negative, which is refused.
    let millis = || -10..90_i64;
    let toxic_change = (
        0..3_usize,
        0..2_usize,
        prop::option::of(millis()),
        prop::option::of(millis()),
        prop::option::of(0..3_u8),
    );
    let call = prop_oneof![
        4 => new().prop_map(Call::Create),
        3 => change.prop_map(|(name, slot, upstream, enabled, post)| {
            Call::Update { name, slot, upstream, enabled, post }
        }),
        1 => (0..3_usize).prop_map(Call::Delete),
        2 => prop::collection::vec(new(), 0..4).prop_map(Call::Populate),
        1 => Just(Call::Reset),
        4 => (0..3_usize, 0..2_usize, any::<bool>(), millis()).prop_map(|(proxy, toxic, upstream, latency)| {
            Call::AddToxic { proxy, toxic, upstream, latency }
        }),
        3 => toxic_change.prop_map(|(proxy, toxic, latency, jitter, toxicity)| {
            Call::UpdateToxic { proxy, toxic, latency, jitter, toxicity }
        }),
        1 => (0..3_usize, 0..2_usize).prop_map(|(proxy, toxic)| Call::RemoveToxic { proxy, toxic }),
    ];
    prop::collection::vec(call, 1..25)
}

#[derive(Debug, Clone)]
struct ModelToxic {
    name: &'static str,
    upstream: bool,
    latency: i64,
    jitter: i64,
    /// In halves.
    toxicity: u8,
}

impl ModelToxic {
    fn shown(&self) -> String {
        let Self { name, latency, jitter, .. } = self;
        let stream = if self.upstream { "upstream" } else { "downstream" };
        let toxicity = ["0", "0.5", "1"][usize::from(self.toxicity)];
        format!(
            "{{\"attributes\":{{\"latency\":{latency},\"jitter\":{jitter}}},\"name\":\"{name}\",\
             \"type\":\"latency\",\"stream\":\"{stream}\",\"toxicity\":{toxicity}}}"
        )
    }
}

#[derive(Debug, Clone)]
struct ModelProxy {
    slot: u16,
    upstream: u8,
    enabled: bool,
    toxics: Vec<ModelToxic>,
}

#[derive(Debug, Default)]
struct Model {
    proxies: BTreeMap<&'static str, ModelProxy>,
}

impl Model {
    fn shown(&self, name: &str) -> String {
        let proxy = &self.proxies[name];
        let (up, down): (Vec<_>, Vec<_>) = proxy.toxics.iter().partition(|toxic| toxic.upstream);
        let toxics: Vec<_> = up.into_iter().chain(down).map(ModelToxic::shown).collect();
        with_toxics(name, &listen(proxy.slot), &upstream(proxy.upstream), proxy.enabled, &toxics.join(","))
    }

    fn all_shown(&self) -> String {
        let shown: Vec<_> =
            self.proxies.keys().map(|name| format!("\"{name}\":{}", self.shown(name))).collect();
        format!("{{{}}}", shown.join(","))
    }

    /// Why `name` cannot listen at `slot`.
    fn taken(&self, name: &str, slot: u16) -> Option<String> {
        let by_other =
            |(other, proxy): (&&str, &ModelProxy)| *other != name && proxy.enabled && proxy.slot == slot;
        let taken = self.proxies.iter().any(by_other);
        taken.then(|| format!("listen tcp {}: bind: address already in use", listen(slot)))
    }

    /// Makes or replaces a proxy without toxics, as long as its place is free.
    fn put(&mut self, new: &New) -> Result<(), String> {
        let name = NAMES[new.name];
        if let Some(taken) = self.taken(name, new.slot).filter(|_| new.enabled) {
            return Err(taken);
        }
        let New { slot, upstream, enabled, .. } = *new;
        self.proxies.insert(name, ModelProxy { slot, upstream, enabled, toxics: Vec::new() });
        Ok(())
    }

    fn expect(&mut self, call: &Call) -> Reply {
        let no_proxy = || Reply::error(404, "proxy not found");
        match call {
            Call::Create(new) if self.proxies.contains_key(NAMES[new.name]) => {
                Reply::error(409, "proxy already exists")
            }
            Call::Create(new) => match self.put(new) {
                Ok(()) => Reply::json(201, self.shown(NAMES[new.name])),
                Err(text) => Reply::error(500, &text),
            },
            Call::Update { name, slot, upstream, enabled, .. } => {
                let name = NAMES[*name];
                let Some(mut proxy) = self.proxies.get(name).cloned() else { return no_proxy() };
                proxy.slot = slot.unwrap_or(proxy.slot);
                proxy.upstream = upstream.unwrap_or(proxy.upstream);
                proxy.enabled = enabled.unwrap_or(proxy.enabled);
                if let Some(taken) = self.taken(name, proxy.slot).filter(|_| proxy.enabled) {
                    return Reply::error(500, &taken);
                }
                self.proxies.insert(name, proxy);
                Reply::json(200, self.shown(name))
            }
            Call::Delete(name) => match self.proxies.remove(NAMES[*name]) {
                Some(_) => Reply::empty(204),
                None => no_proxy(),
            },
            Call::Populate(list) => self.populate(list),
            Call::Reset => self.reset(),
            Call::AddToxic { proxy, toxic, upstream, latency } => {
                let Some(proxy) = self.proxies.get_mut(NAMES[*proxy]) else { return no_proxy() };
                let name = NAMES[*toxic];
                if proxy.toxics.iter().any(|toxic| toxic.name == name) {
                    return Reply::error(409, "toxic already exists");
                }
                if *latency < 0 {
                    return negative("latency", *latency);
                }
                let toxic =
                    ModelToxic { name, upstream: *upstream, latency: *latency, jitter: 0, toxicity: 2 };
                proxy.toxics.push(toxic.clone());
                Reply::json(200, toxic.shown())
            }
            Call::UpdateToxic { proxy, toxic, latency, jitter, toxicity } => {
                let Some(proxy) = self.proxies.get_mut(NAMES[*proxy]) else { return no_proxy() };
                let found = proxy.toxics.iter_mut().find(|known| known.name == NAMES[*toxic]);
                let Some(found) = found else { return Reply::error(404, "toxic not found") };
                for (name, value) in [("latency", latency), ("jitter", jitter)] {
                    if let Some(value @ ..0) = value {
                        return negative(name, *value);
                    }
                }
                found.latency = latency.unwrap_or(found.latency);
                found.jitter = jitter.unwrap_or(found.jitter);
                found.toxicity = toxicity.unwrap_or(found.toxicity);
                Reply::json(200, found.shown())
            }
            Call::RemoveToxic { proxy, toxic } => {
                let Some(proxy) = self.proxies.get_mut(NAMES[*proxy]) else { return no_proxy() };
                let before = proxy.toxics.len();
                proxy.toxics.retain(|known| known.name != NAMES[*toxic]);
                if proxy.toxics.len() < before {
                    Reply::empty(204)
                } else {
                    Reply::error(404, "toxic not found")
                }
            }
        }
    }

    fn populate(&mut self, list: &[New]) -> Reply {
        let mut made = Vec::new();
        let mut failure = None;
        for new in list {
            let known = self.proxies.get(NAMES[new.name]);
            let differs = known.is_none_or(|known| (known.slot, known.upstream) != (new.slot, new.upstream));
            if let Err(text) = if differs { self.put(new) } else { Ok(()) } {
                failure = Some(text);
                break;
            }
            made.push(NAMES[new.name]);
        }
        let shown: Vec<_> = made.iter().map(|name| self.shown(name)).collect();
        let shown = if shown.is_empty() { "null".to_owned() } else { format!("[{}]", shown.join(",")) };
        match failure {
            None => Reply::json(201, format!("{{\"proxies\":{shown}}}")),
            Some(text) => {
                Reply::json(500, format!("{{\"error\":\"{text}\",\"status\":500,\"proxies\":{shown}}}"))
            }
        }
    }

    fn reset(&mut self) -> Reply {
        let mut outcome = Reply::empty(204);
        for name in NAMES {
            let Some(slot) = self.proxies.get(name).map(|proxy| proxy.slot) else { continue };
            let taken = self.taken(name, slot);
            let Some(proxy) = self.proxies.get_mut(name) else { continue };
            match taken.filter(|_| !proxy.enabled) {
                Some(text) if outcome.status == 204 => outcome = Reply::error(500, &text),
                Some(_) => {}
                None => {
                    proxy.enabled = true;
                    proxy.toxics.clear();
                }
            }
        }
        outcome
    }
}

fn negative(name: &str, value: i64) -> Reply {
    Reply::error(400, &format!("bad request body: attribute {name} is {value}: it cannot be negative"))
}

/// An object of the fields that are given.
fn object(fields: &[(&str, Option<String>)]) -> String {
    let given: Vec<_> = fields
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("\"{name}\":{value}")))
        .collect();
    format!("{{{}}}", given.join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn body_of(new: &New) -> String {
    object(&[
        ("name", Some(quoted(NAMES[new.name]))),
        ("listen", Some(quoted(&listen(new.slot)))),
        ("upstream", Some(quoted(&upstream(new.upstream)))),
        ("enabled", (!new.enabled).then(|| "false".to_owned())),
    ])
}

fn send(server: &Server, call: &Call) -> Reply {
    match call {
        Call::Create(new) => server.send("POST /proxies", &body_of(new)),
        Call::Update { name, slot, upstream: leads_to, enabled, post } => {
            let body = object(&[
                ("listen", slot.map(|slot| quoted(&listen(slot)))),
                ("upstream", leads_to.map(|index| quoted(&upstream(index)))),
                ("enabled", enabled.map(|enabled| enabled.to_string())),
            ]);
            let method = if *post { "POST" } else { "PATCH" };
            server.send(&format!("{method} /proxies/{}", NAMES[*name]), &body)
        }
        Call::Delete(name) => server.send(&format!("DELETE /proxies/{}", NAMES[*name]), ""),
        Call::Populate(list) => {
            let list: Vec<_> = list.iter().map(body_of).collect();
            server.send("POST /populate", &format!("[{}]", list.join(",")))
        }
        Call::Reset => server.send("POST /reset", ""),
        Call::AddToxic { proxy, toxic, upstream, latency } => {
            let body = object(&[
                ("name", Some(quoted(NAMES[*toxic]))),
                ("type", Some(quoted("latency"))),
                ("stream", upstream.then(|| quoted("upstream"))),
                ("attributes", Some(object(&[("latency", Some(latency.to_string()))]))),
            ]);
            server.send(&format!("POST /proxies/{}/toxics", NAMES[*proxy]), &body)
        }
        Call::UpdateToxic { proxy, toxic, latency, jitter, toxicity } => {
            let attributes = object(&[
                ("latency", latency.map(|ms| ms.to_string())),
                ("jitter", jitter.map(|ms| ms.to_string())),
            ]);
            let toxicity = toxicity.map(|halves| (f64::from(halves) / 2.0).to_string());
            let body = object(&[("attributes", Some(attributes)), ("toxicity", toxicity)]);
            server.send(&format!("PATCH /proxies/{}/toxics/{}", NAMES[*proxy], NAMES[*toxic]), &body)
        }
        Call::RemoveToxic { proxy, toxic } => {
            server.send(&format!("DELETE /proxies/{}/toxics/{}", NAMES[*proxy], NAMES[*toxic]), "")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_does_what_the_model_does(calls in calls()) {
        let server = Server::start();
        let mut model = Model::default();
        for call in calls {
            let expected = model.expect(&call);
            prop_assert_eq!(send(&server, &call), expected, "{:?}", call);
            prop_assert_eq!(server.send("GET /proxies", ""), Reply::json(200, model.all_shown()), "{:?}", call);
        }
    }
}
