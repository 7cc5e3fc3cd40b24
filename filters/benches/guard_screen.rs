//! What a screen costs. The promises: a clean chunk of 30 bytes at most 2 us, with
//! nothing allocated; the scanners' own cost comes on top of `bare`.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]
#![allow(
    missing_docs,
    reason = "criterion's macro writes an undocumented function"
)]

use std::hint::black_box;
use std::sync::Arc;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Desk, Form, Screen, Task, whole};
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::{Confidence, Entity, Kind};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const CHUNK: &str = "quick brown fox, and 42 hens. ";

fn policies() -> [(&'static str, Policy); 2] {
    let made = |scanners: Vec<Arc<dyn Scan>>| {
        let actions = vec![(Select::All, Action::MaskReversible, Confidence::MEDIUM)];
        Policy::new(Spec {
            scanners,
            actions,
            ..Spec::default()
        })
        .unwrap()
    };
    let kinds: Vec<Entity> = Entity::defaults().collect();
    let real: Vec<Arc<dyn Scan>> = vec![Arc::new(Pii::new(&kinds)), Arc::new(Secrets::new())];
    [("bare", made(Vec::new())), ("real", made(real))]
}

fn chunks(c: &mut Criterion) {
    let mut group = c.benchmark_group("guard_screen");
    for (name, policy) in policies() {
        for (form, task) in [
            (Form::Text, Task::Mask),
            (Form::Text, Task::Answer),
            (Form::Text, Task::Unmask),
            (Form::Json, Task::Answer),
        ] {
            let mut vault = Vault::new([7; 32]);
            vault.placeholder(Kind::Pii(Entity::Email), "ann@x.org");
            let mut report = Report::default();
            let mut screen = Screen::new(form, task);
            let mut out = String::with_capacity(4096);
            let mut desk = Desk {
                policy: &policy,
                vault: &mut vault,
                report: &mut report,
            };
            screen.push(&mut desk, "{\"text\":\"", &mut out).unwrap();
            group.throughput(Throughput::Bytes(CHUNK.len() as u64));
            group.bench_function(format!("{name}/{form:?}/{task:?}/chunk_of_30"), |b| {
                b.iter(|| {
                    out.clear();
                    screen.push(&mut desk, black_box(CHUNK), &mut out).unwrap();
                });
            });
        }
        let text = CHUNK.repeat(70);
        let mut vault = Vault::new([7; 32]);
        let mut report = Report::default();
        let mut desk = Desk {
            policy: &policy,
            vault: &mut vault,
            report: &mut report,
        };
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("{name}/whole_of_2_KB"), |b| {
            b.iter(|| whole(Form::Text, Task::Mask, &mut desk, black_box(&text)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, chunks);
criterion_main!(benches);
