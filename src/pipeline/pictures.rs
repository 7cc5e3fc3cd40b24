//! Pictures by their address, for providers that want the bytes. Fetching what a client names is a
//! way into this network, so it is off unless hosts are listed, goes through the client that calls
//! no address inside this network and follows no redirect, and takes pictures only.

use alfred_filters::prompt::Prompt;
use alfred_filters::translate::Pictures;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;

use crate::conf;
use crate::exchange::Forward;
use crate::gateway::Gateway;
use crate::outbound::{Outbound, OutboundError, Request, Trust};
use crate::refusal::Refusal;
use crate::routing::Plan;

/// The most pictures that are fetched for one request.
const MOST: usize = 16;

/// Fetches pictures as the configuration allows.
#[derive(Debug)]
pub struct Fetcher {
    settings: conf::Images,
    outbound: Outbound,
}

impl Fetcher {
    /// With Alfred's own client.
    #[must_use]
    pub fn new(settings: &conf::Images, outbound: &Outbound) -> Self {
        Self {
            settings: settings.clone(),
            outbound: outbound.clone(),
        }
    }
}

/// Fetches the pictures of a request that goes to a provider who wants their bytes.
///
/// # Errors
/// [`Refusal::BadRequest`] where a host is not listed or no picture came, [`Refusal::TooBusy`] where
/// there is no memory for them.
pub async fn fetch_pictures(gateway: &Gateway, forward: &mut Forward) -> Result<(), Refusal> {
    let Some(fetcher) = &gateway.pictures else {
        return Ok(());
    };
    if !wants_bytes(&forward.plan, &forward.prompt) {
        return Ok(());
    }
    // What cannot be read is refused in better words when it is translated.
    let urls = forward.prompt.picture_urls().unwrap_or_default();
    if urls.is_empty() {
        return Ok(());
    }
    if urls.len() > MOST {
        return Err(refused(&format!(
            "holds more than {MOST} addresses of pictures"
        )));
    }
    let share = fetcher.settings.max_bytes / u64::try_from(urls.len()).unwrap_or(1);
    let room = fetcher.settings.max_bytes.saturating_mul(2);
    if !forward.body.grow(room, gateway.config.body.in_flight_max) {
        return Err(Refusal::TooBusy);
    }
    let fetched = urls.iter().map(|url| fetcher.fetch(url, share));
    let mut pictures = Pictures::default();
    for (url, (media_type, base64)) in urls.iter().zip(try_join_all(fetched).await?) {
        pictures.add(url.clone(), media_type, base64);
    }
    forward.pictures = Some(pictures);
    Ok(())
}

fn wants_bytes(plan: &Plan, prompt: &Prompt) -> bool {
    plan.targets.iter().any(|target| {
        let spoken = target.provider.wants.dialect(prompt.surface());
        spoken.wants_picture_bytes()
    })
}

impl Fetcher {
    /// The media type of a picture and its bytes in base64.
    async fn fetch(&self, url: &str, most: u64) -> Result<(&'static str, String), Refusal> {
        let host = host_of(url).ok_or_else(|| refused("holds an address that is no URL"))?;
        if !self.settings.allows(&host) {
            return Err(refused(&format!(
                "holds a picture at {host}, from where none are fetched: send it in base64, or have the host \
                 listed under images.fetch_from"
            )));
        }
        let request = Request {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            ..Request::get(url.to_owned(), self.settings.timeout)
        };
        let reply = self.outbound.call(request, Trust::Foreign).await;
        let reply = reply.map_err(|error| refused(&why(&host, &error)))?;
        if reply.status != 200 {
            let status = reply.status;
            return Err(refused(&format!(
                "holds a picture that {host} answered with status {status} and not 200"
            )));
        }
        match media_type(&reply.body) {
            Some(media_type) => Ok((media_type, STANDARD.encode(&reply.body))),
            None => Err(refused(&format!(
                "holds an address at {host} where no picture is: png, jpeg, gif and webp are taken"
            ))),
        }
    }
}

fn why(host: &str, error: &OutboundError) -> String {
    format!("holds a picture at {host} that cannot be fetched: {error}")
}

fn refused(what: &str) -> Refusal {
    Refusal::BadRequest {
        message: format!("'messages' {what}."),
        param: Some("messages".to_owned()),
        code: "invalid_image_url",
    }
}

fn host_of(url: &str) -> Option<String> {
    let url: reqwest::Url = url.parse().ok()?;
    url.host_str().map(str::to_ascii_lowercase)
}

/// What the first bytes say that it is; the sender's word for it is not taken.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    Some(match bytes {
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => "image/png",
        _ if bytes.starts_with(b"\xff\xd8\xff") => "image/jpeg",
        _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => "image/gif",
        _ if webp => "image/webp",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_its_bytes_say() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(media_type(b"GIF89a"), Some("image/gif"));
        assert_eq!(media_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        for other in [
            &b""[..],
            b"<svg>",
            b"<html>",
            b"RIFF\0\0\0\0WAVE",
            b"%PDF-1.7",
        ] {
            assert_eq!(media_type(other), None);
        }
    }

    #[test]
    fn the_host_is_what_a_browser_would_call() {
        assert_eq!(
            host_of("https://Pics.Example.com:443/a?b#c").as_deref(),
            Some("pics.example.com")
        );
        assert_eq!(
            host_of("https://user@evil.example/").as_deref(),
            Some("evil.example")
        );
        assert_eq!(
            host_of("https://good.example\\@evil.example/").as_deref(),
            Some("good.example")
        );
        assert_eq!(host_of("https://2130706433/").as_deref(), Some("127.0.0.1"));
        assert_eq!(host_of("https://"), None);
    }
}
