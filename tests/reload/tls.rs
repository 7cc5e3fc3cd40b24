//! Certificates are replaced under running connections.

use std::fs;

use rustls::version::TLS13;

use crate::place::Place;
use crate::support::{Authority, Gateway, H2, Upstream, chat, streaming};
use crate::world::{calm, config};

struct World {
    _mock: Upstream,
    folder: tempfile::TempDir,
    place: Place,
    yaml: String,
}

async fn start(authority: &Authority) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mock = Upstream::mock().await;
    let yaml = authority.write(folder.path()) + &config(&[mock.provider("p", &calm(""))], &[]);
    let place = Place::of(Gateway::start(&yaml).await);
    World {
        _mock: mock,
        folder,
        place,
        yaml,
    }
}

impl World {
    async fn trusts(&self, authority: &Authority) -> bool {
        let tls = authority
            .connect(self.place.gateway.addr, &["h2"], &[&TLS13])
            .await;
        tls.is_ok()
    }

    async fn h2(&self, authority: &Authority) -> H2 {
        let tls = authority
            .connect(self.place.gateway.addr, &["h2"], &[&TLS13])
            .await
            .unwrap();
        H2::over(tls, "https")
            .await
            .with_key(&self.place.gateway.key)
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_new_connections_while_old_ones_live_on() {
    let (old, new) = (Authority::new(), Authority::new());
    let world = start(&old).await;
    let mut before = world.h2(&old).await;
    let stream = before
        .begin(&streaming("p/stream?chunks=40&delay=50ms"), true)
        .await;
    new.write(world.folder.path());
    world.place.after("applied", 0.0).await;
    assert!(world.trusts(&new).await && !world.trusts(&old).await);
    let events = stream.answer().await.expect(200).events();
    assert_eq!(events.text().split_whitespace().count(), 40);
    before
        .chat(&chat("p/echo", serde_json::json!({})))
        .await
        .expect(200);
    world
        .h2(&new)
        .await
        .chat(&chat("p/echo", serde_json::json!({})))
        .await
        .expect(200);
    let changed = world.place.status().await["last_reload"]["changed"].clone();
    assert_eq!(changed, serde_json::json!(["the certificate"]));
}

#[tokio::test]
async fn a_bad_pair_keeps_the_old_one_and_says_why() {
    let (old, new) = (Authority::new(), Authority::new());
    let world = start(&old).await;
    let spare = tempfile::tempdir().unwrap();
    new.write(spare.path());
    let cert = world.folder.path().join("server.pem");
    let good = fs::read(&cert).unwrap();
    let other = fs::read(spare.path().join("server.pem")).unwrap();
    for (content, why) in [
        (other, "do not belong together"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n".to_vec(),
            "no certificate",
        ),
        (good[..good.len() / 2].to_vec(), "no certificate"),
        (Vec::new(), "no certificate"),
    ] {
        fs::write(&cert, content).unwrap();
        let answer = world.place.ask().await.expect(422).json();
        let problem = &answer["problems"][0];
        assert_eq!(
            (&problem["path"], &problem["line"]),
            (&"tls.cert".into(), &3.into()),
            "{answer:#}"
        );
        assert!(
            problem["message"].as_str().unwrap().contains(why),
            "{answer:#}"
        );
        assert!(world.trusts(&old).await, "{why}");
    }
    fs::remove_file(&cert).unwrap();
    world.place.ask().await.expect(422);
    assert!(world.trusts(&old).await);
    // The key was never touched; with its certificate back all is well, and nothing has changed.
    fs::write(&cert, &good).unwrap();
    let answer = world.place.ask().await.expect(200).json();
    assert_eq!(answer["result"], "unchanged");
    // Renewed one file after the other, as some tools do it: served once both are there.
    fs::write(&cert, fs::read(spare.path().join("server.pem")).unwrap()).unwrap();
    world.place.ask().await.expect(422);
    fs::copy(
        spare.path().join("server.key"),
        world.folder.path().join("server.key"),
    )
    .unwrap();
    world.place.ask().await.expect(200);
    assert!(world.trusts(&new).await);
}

#[tokio::test]
async fn the_pair_may_move_but_tls_may_not_be_switched_off() {
    let (old, new) = (Authority::new(), Authority::new());
    let world = start(&old).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let tls = new.write(elsewhere.path());
    let rest = world.yaml.split_once('\n').unwrap().1.to_owned();
    world.place.reload(&(tls + &rest), "applied").await;
    assert!(world.trusts(&new).await);
    world.place.reload(&rest, "refused").await;
    let tls_1_3 = new
        .write(elsewhere.path())
        .replace(" }", ", min_version: \"1.3\" }");
    world.place.write(&(tls_1_3 + &rest));
    let answer = world.place.ask().await.expect(422).json();
    assert_eq!(
        answer["problems"][0]["path"], "tls.min_version",
        "{answer:#}"
    );
    assert!(world.trusts(&new).await);
}
