//! Pictures by their address before a provider that takes bytes only: fetched where the configuration
//! lists their host, refused everywhere else, and never from inside this network.

use serde_json::{Value, json};

use crate::support::{Authority, ConnectProxy, Do, Gateway, Scripted};
use crate::world::post;

/// As much of a picture as anybody looks at.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand then some";
const PNG_BASE64: &str = "iVBORw0KGgphbmQgdGhlbiBzb21l";

fn reply(status: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Bedrock, which answers every question alike, and a server of pictures behind the proxy on the way out.
struct World {
    aws: Scripted,
    gateway: Gateway,
    proxy: ConnectProxy,
    heads: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start(images: &str, picture: Vec<u8>) -> Self {
        let authority = Authority::new();
        let folder = tempfile::tempdir().unwrap();
        authority.write(folder.path());
        let (place, heads) = authority.serve(picture).await;
        let proxy = ConnectProxy::to(place, "200 OK").await;
        let said = json!({"output": {"message": {"role": "assistant", "content": [{"text": "a cat"}]}},
            "stopReason": "end_turn", "usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}});
        let aws = Scripted::new(vec![Do::json(&said); 3]).await;
        let yaml = format!(
            "egress: {{ proxy: \"http://{}\", ca_file: {} }}\n{images}\n\
             providers:\n  \
             aws: {{ kind: bedrock, region: eu-west-1, keys: [k], endpoints: [\"http://{}\"] }}\n",
            proxy.addr,
            folder.path().join("ca.pem").display(),
            aws.addr
        );
        let gateway = Gateway::start(&yaml).await;
        Self {
            aws,
            gateway,
            proxy,
            heads,
            _folder: folder,
        }
    }

    async fn ask(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = post(&self.gateway, path, &body).await;
        (answer.status, answer.json())
    }

    async fn chat(&self, url: &str) -> (u16, Value) {
        let body = json!({"model": "aws/some", "messages": [{"role": "user", "content": [
            {"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": url}}]}]});
        self.ask("/v1/chat/completions", body).await
    }

    fn picture_sent(&self) -> Value {
        let body: Value = serde_json::from_slice(&self.aws.received()[0].body).unwrap();
        body.pointer("/messages/0/content/1/image").unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_a_listed_host_reaches_the_model_as_bytes() {
    let world = World::start("images: { fetch_from: [\"*.test\"] }", reply("200 OK", PNG)).await;
    let (status, said) = world.chat("https://alfred.test/cat.png?size=1").await;
    assert_eq!(status, 200, "{said:#}");
    let expected = json!({"format": "png", "source": {"bytes": PNG_BASE64}});
    assert_eq!(world.picture_sent(), expected);
    let head = world.heads.lock().unwrap()[0].to_ascii_lowercase();
    assert!(head.starts_with("get /cat.png?size=1 "), "{head}");
    // Nothing of the caller's goes there.
    assert!(
        !head.contains("authorization")
            && !head.contains("cookie")
            && !head.contains(&world.gateway.key)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claude_client_in_the_result_of_a_tool_too() {
    let world = World::start(
        "images: { fetch_from: [alfred.test] }",
        reply("200 OK", PNG),
    )
    .await;
    let picture =
        json!({"type": "image", "source": {"type": "url", "url": "https://alfred.test/a.png"}});
    let body = json!({"model": "aws/some", "max_tokens": 9, "messages": [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "see", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [picture.clone()]}, picture]}],
        "tools": [{"name": "see", "input_schema": {"type": "object"}}]});
    let (status, said) = world.ask("/v1/messages", body).await;
    assert_eq!(status, 200, "{said:#}");
    let sent: Value = serde_json::from_slice(&world.aws.received()[0].body).unwrap();
    let text = sent.to_string();
    assert_eq!(text.matches(PNG_BASE64).count(), 2, "{sent:#}");
    assert_eq!(
        world.heads.lock().unwrap().len(),
        1,
        "the same address is asked once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_listed_is_not_called() {
    let world = World::start(
        "images: { fetch_from: [alfred.test] }",
        reply("200 OK", PNG),
    )
    .await;
    for (url, why) in [
        ("https://other.test/a.png", "images.fetch_from"),
        (
            "https://alfred.test.evil.example/a.png",
            "images.fetch_from",
        ),
        ("https://user@evil.example/a.png", "images.fetch_from"),
        ("http://alfred.test/a.png", "https://"),
        ("https://alfred.test:x/a.png", "no URL"),
    ] {
        let (status, said) = world.chat(url).await;
        assert_eq!(status, 400, "{url}: {said:#}");
        assert_eq!(said["error"]["code"], "invalid_image_url", "{url}");
        let message = said["error"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{url}: {message}");
    }
    assert!(world.proxy.heads().is_empty() && world.aws.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn not_even_any_host_is_one_of_this_network() {
    let world = World::start("images: { fetch_from: [\"*\"] }", reply("200 OK", PNG)).await;
    for url in [
        "https://127.0.0.1/a.png",
        "https://localhost/a.png",
        "https://[::1]/a.png",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/a.png",
        "https://2130706433/a.png",
        "https://[::ffff:192.168.0.1]/a.png",
    ] {
        let (status, said) = world.chat(url).await;
        assert_eq!(
            (status, &said["error"]["code"]),
            (400, &json!("invalid_image_url")),
            "{url}: {said:#}"
        );
    }
    assert!(world.proxy.heads().is_empty() && world.aws.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_or_too_large_or_a_redirect_is_refused() {
    let images = "images: { fetch_from: [alfred.test], max_bytes: 64 }";
    let redirect =
        b"HTTP/1.1 302 Found\r\nlocation: https://alfred.test/b\r\ncontent-length: 0\r\n\r\n";
    for (answer, why) in [
        (reply("200 OK", b"<html>no picture</html>"), "no picture"),
        (
            reply("200 OK", &[PNG, &[0; 64]].concat()),
            "longer than 64 bytes",
        ),
        (reply("404 Not Found", b""), "404"),
        (redirect.to_vec(), "302"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\ncut".to_vec(),
            "cannot be fetched",
        ),
    ] {
        let world = World::start(images, answer).await;
        let (status, said) = world.chat("https://alfred.test/a.png").await;
        assert_eq!(status, 400, "{why}: {said:#}");
        let message = said["error"]["message"].as_str().unwrap();
        assert!(message.contains(why), "{why}: {message}");
        assert!(world.aws.received().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_nothing_is_fetched() {
    let world = World::start("", reply("200 OK", PNG)).await;
    let (status, said) = world.chat("https://alfred.test/a.png").await;
    assert_eq!(status, 400, "{said:#}");
    assert_eq!(said["error"]["code"], "unsupported_parameter");
    assert!(world.proxy.heads().is_empty() && world.aws.received().is_empty());
}
