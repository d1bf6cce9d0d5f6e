//! Whether the hub can be reached at all, asked before the library asks. No transfer happens here.

use crate::model_store::StoreSettings;
use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

/// How long the hub may take to accept a connection before another source is tried.
const HUB_CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// Says early that the hub cannot be reached: the library itself waits for as long as the system does. Behind a proxy it is
/// the proxy that connects, so nothing is asked here.
pub(super) fn hub_answers(
    repository: &hf_hub::api::sync::ApiRepo,
    settings: &StoreSettings,
) -> Result<(), String> {
    if settings.has_proxy {
        return Ok(());
    }
    let url = repository.url("");
    let (scheme, rest) = url.split_once("://").ok_or_else(|| {
        format!("HF_ENDPOINT: {url:.64?} does not start with http:// or https://")
    })?;
    let host = rest.split('/').next().unwrap_or_default();
    let port = if scheme == "http" { 80 } else { 443 };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = if has_port { host.to_owned() } else { format!("{host}:{port}") };
    let addresses = host
        .to_socket_addrs()
        .map_err(|e| format!("cannot find {host}: {e}; is there a network?"))?;
    let mut last = format!("{host} has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, HUB_CONNECTS_WITHIN) {
            Ok(_) => return Ok(()),
            Err(e) => last = format!("cannot reach {host}: {e}; is there a network?"),
        }
    }
    Err(last)
}
