//! Changes are noticed without a signal, however the file was changed, and only once it is whole.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::json;

use crate::parrot::{Parrot, says};
use crate::place::Place;
use crate::support::{Authority, Gateway, Shell, Upstream, chat, free_port, ms, until};
use crate::world::{calm, config};

struct World {
    mock: Parrot,
    place: Place,
}

impl World {
    async fn start() -> Self {
        let mock = Parrot::new().await;
        let place = Place::start(&Self::yaml(&mock, "begin")).await;
        Self { mock, place }
    }

    fn yaml(mock: &Parrot, words: &str) -> String {
        config(&[mock.provider("p", &calm(""))], &[]) + &says("p", words, 0)
    }

    fn text(&self, words: &str) -> String {
        self.place.text(&Self::yaml(&self.mock, words))
    }

    async fn answer(&self) -> String {
        let answer = self.place.gateway.chat(&chat("m", json!({}))).await;
        let json = answer.expect(200).json();
        json["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn says(&self, words: &str) {
        until(words, || async { self.answer().await == words }).await;
    }
}

#[tokio::test]
async fn a_file_that_is_written_renamed_over_or_removed_and_made_again_is_read() {
    let world = World::start().await;
    let file = world.place.file();
    fs::write(&file, world.text("written")).unwrap();
    world.says("written").await;
    // As editors save: a new file takes the place of the old one.
    let new = file.with_extension("tmp");
    fs::write(&new, world.text("renamed")).unwrap();
    fs::rename(&new, &file).unwrap();
    world.says("renamed").await;
    let refused = world.place.count("refused").await;
    fs::remove_file(&file).unwrap();
    world.place.after("refused", refused).await;
    assert_eq!(world.answer().await, "renamed", "the old world serves on");
    assert!(world.place.gateway.log().contains("there is no such file"));
    fs::write(&file, world.text("again")).unwrap();
    world.says("again").await;
}

#[tokio::test]
async fn a_config_map_of_kubernetes_is_followed_from_version_to_version() {
    let world = World::start().await;
    let folder = world.place.gateway.folder();
    // The layout of a mounted ConfigMap: the file is a link into `..data`, itself a link that is swapped.
    let publish = |version: &str| {
        let data = folder.join(format!("..{version}"));
        fs::create_dir(&data).unwrap();
        fs::write(data.join("alfred.yaml"), world.text(version)).unwrap();
        symlink(format!("..{version}"), folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    publish("v1");
    symlink("..data/alfred.yaml", folder.join("link")).unwrap();
    fs::rename(folder.join("link"), world.place.file()).unwrap();
    world.says("v1").await;
    for (version, old) in [("v2", "..v1"), ("v3", "..v2"), ("v4", "..v3")] {
        publish(version);
        fs::remove_dir_all(folder.join(old)).unwrap();
        world.says(version).await;
    }
    assert_eq!(world.place.count("refused").await, 0.0);
}

#[tokio::test]
async fn a_file_that_is_still_being_written_is_not_read() {
    let world = World::start().await;
    let whole = world.text("whole");
    let applied = world.place.count("applied").await;
    for end in (0..10).map(|part| whole.len() * part / 10) {
        fs::write(world.place.file(), &whole[..end]).unwrap();
        tokio::time::sleep(ms(120)).await;
    }
    fs::write(world.place.file(), &whole).unwrap();
    world.says("whole").await;
    assert_eq!(world.place.count("applied").await, applied + 1.0);
    assert_eq!(world.place.count("refused").await, 0.0);
}

#[tokio::test]
async fn a_secret_in_a_file_of_its_own_is_read_again_when_that_file_changes() {
    let mock = Upstream::mock().await;
    let secrets = tempfile::tempdir().unwrap();
    let secret = secrets.path().join("key");
    fs::write(&secret, "bad-key\n").unwrap();
    let more = calm(&format!("keys: [\"file:{}\"]", secret.display()));
    let place = Place::start(&config(&[mock.provider("p", &more)], &[])).await;
    let body = chat("p/auth?key=good-key", json!({}));
    let ask = || place.gateway.chat(&body);
    assert_ne!(ask().await.status, 200);
    fs::write(&secret, "good-key\n").unwrap();
    place.after("applied", 0.0).await;
    ask().await.expect(200);
    fs::remove_file(&secret).unwrap();
    place.after("refused", 0.0).await;
    ask().await.expect(200);
    let told = place.status().await["last_reload"]["problems"].clone();
    assert_eq!(told[0]["path"], "providers.p.keys.0", "{told:#}");
    // It comes back as it was: nothing to apply, and nothing to complain about any more.
    fs::write(&secret, "good-key\n").unwrap();
    place.after("unchanged", 0.0).await;
    assert_eq!(place.status().await["last_reload"]["problems"], json!([]));
    assert!(!place.gateway.log().contains("bad-key"));
}

#[tokio::test]
async fn a_file_that_is_only_touched_is_no_news() {
    let world = World::start().await;
    let before = world.place.status().await;
    for _ in 0..3 {
        fs::write(world.place.file(), world.text("begin")).unwrap();
        tokio::time::sleep(ms(700)).await;
    }
    assert_eq!(world.place.status().await, before);
    let bad = world.place.text("providers: { p: { kind: nothing } }\n");
    fs::write(world.place.file(), &bad).unwrap();
    world.place.after("refused", 0.0).await;
    fs::write(world.place.file(), &bad).unwrap();
    tokio::time::sleep(ms(1500)).await;
    assert_eq!(world.place.count("refused").await, 1.0, "told once");
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read_again_and_that_is_said() {
    let mut shell = Shell::new();
    let (gateway, telemetry) = shell.choose_ports();
    let mut running = shell.start(&["run"]);
    running.ready(telemetry).await;
    // A file that appears later belongs to the next start: it would move the data and the ports.
    shell.write("conf/alfred.yaml", "providers: { p: { kind: ollama } }\n");
    running.signal("HUP");
    until("the refusal", || async {
        running.err().contains("without a configuration file")
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(
        !running.err().contains("serves; changed"),
        "{}",
        running.err()
    );
    let key = shell.read("data/first-key");
    let mut client = crate::support::H1::connect(gateway)
        .await
        .with_key(key.trim());
    client.chat(&chat("mock/echo", json!({}))).await.expect(200);
}

#[tokio::test]
async fn variables_are_those_of_the_start() {
    let mock = Parrot::new().await;
    let yaml = |words: &str| {
        let says = says("p", words, 0);
        config(&[mock.provider("p", &calm(""))], &[]) + &says
    };
    let gateway = Gateway::start_with(&yaml("${WORDS}"), &[("WORDS", "hello")]).await;
    let place = Place::of(gateway);
    place.reload(&yaml("${WORDS} again"), "applied").await;
    let answer = place.gateway.chat(&chat("m", json!({}))).await.expect(200);
    assert_eq!(
        answer.json()["choices"][0]["message"]["content"],
        "hello again"
    );
    place.reload(&yaml("${NOT_THERE}"), "refused").await;
    assert!(place.gateway.log().contains("NOT_THERE"));
}

#[tokio::test]
async fn a_configuration_from_a_pipe_is_read_once_and_never_taken_for_an_empty_file() {
    let shell = Shell::new();
    let (gateway, telemetry, admin) = (free_port(), free_port(), free_port());
    let yaml = format!(
        "listen: {{ gateway: \"127.0.0.1:{gateway}\", telemetry: \"127.0.0.1:{telemetry}\", admin: \"127.0.0.1:{admin}\" }}\n\
         models: {{ hello: {{ targets: [ mock/echo ] }} }}\n"
    );
    // What can be read once serves one command; a token is made by another.
    fs::write(shell.path().join("again.yaml"), &yaml).unwrap();
    let pipe = shell.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let writing = std::thread::spawn(move || fs::write(pipe, yaml).unwrap());
    let mut running = shell.start(&["run", "--config", "pipe"]);
    running
        .ready(SocketAddr::from(([127, 0, 0, 1], telemetry)))
        .await;
    writing.join().unwrap();
    running.signal("HUP");
    until("the refusal", || async {
        running.err().contains("read only once")
    })
    .await;
    tokio::time::sleep(ms(1200)).await;
    let admin = SocketAddr::from(([127, 0, 0, 1], admin));
    shell.run(&["keys", "create", "--name", "t", "--config", "again.yaml"]);
    let said = shell.run(&[
        "tokens",
        "create",
        "--name",
        "t",
        "--user",
        "owner@default.invalid",
        "--config",
        "again.yaml",
    ]);
    let token = said
        .out
        .split_whitespace()
        .find(|word| word.starts_with("at_"))
        .unwrap_or_else(|| panic!("{said:?}"));
    let mut client = crate::support::H1::connect(admin).await;
    let head = format!(
        "GET /v1/config HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    client.send(head).await;
    let told = client.answer().await.expect(200).json();
    assert!(told["config"]["models"]["hello"].is_object(), "{told:#}");
}

#[tokio::test]
async fn authorities_in_a_file_are_read_again_when_that_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Authority::new(), Authority::new());
    first.write(folder.path());
    let ca = folder.path().join("ca.pem");
    let yaml = format!("egress: {{ ca_file: {} }}\n", ca.display());
    let place = Place::start(&yaml).await;
    let spare = tempfile::tempdir().unwrap();
    second.write(spare.path());
    fs::copy(spare.path().join("ca.pem"), &ca).unwrap();
    place.after("applied", 0.0).await;
    fs::write(&ca, "no authority at all").unwrap();
    let told = place.ask().await.expect(422).json();
    assert_eq!(told["problems"][0]["path"], "egress.ca_file", "{told:#}");
    first.write(folder.path());
    assert_eq!(place.ask().await.expect(200).json()["result"], "applied");
    assert_eq!(place.ask().await.expect(200).json()["result"], "unchanged");
}
