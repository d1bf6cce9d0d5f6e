//! Reads frames in front of the LSP framework and passes on only those it can digest.
//!
//! The framework's decoder ends its input at the first frame that it cannot decode (and, for a body that is not UTF-8, would never
//! move past it), so one bad frame would end the session. Here a bad frame is dropped with a log line, and a frame larger than
//! [`MAX_FRAME`] is skipped without being held. A forwarder reads its client's frames with the same rules.
//! What must not live here: what a message means.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// Largest body that is held, bytes: a document of 10 MiB in which every character is escaped.
pub(crate) const MAX_FRAME: u64 = 64 << 20;
/// Longest header line that is held, bytes.
const MAX_HEADER: u64 = 4096;

/// Copies good frames from `input` to `output` until either ends, then ends the output.
pub(crate) async fn guard<I: AsyncRead + Unpin, O: AsyncWrite + Unpin>(input: I, mut output: O) {
    pass(input, &mut output).await;
    let _ = output.shutdown().await;
}

async fn pass<I: AsyncRead + Unpin, O: AsyncWrite + Unpin>(input: I, output: &mut O) {
    let mut input = BufReader::new(input);
    while let Some(body) = next_message(&mut input).await {
        if write_message(output, &body).await.is_err() {
            return;
        }
    }
}

/// The next message that the framework is sure to read; none at the end of the stream.
pub async fn next_message<I: AsyncRead + Unpin>(input: &mut BufReader<I>) -> Option<Vec<u8>> {
    loop {
        match next_body(input).await {
            Ok(Some(body)) => match digestible(&body) {
                Some(message) => return Some(message),
                None => tracing::warn!(
                    bytes = body.len(),
                    "dropped a frame that is not a JSON-RPC message"
                ),
            },
            Ok(None) => return None,
            Err(error) => {
                tracing::warn!(%error, "the client's stream broke off");
                return None;
            }
        }
    }
}

/// Writes a message as one frame.
///
/// # Errors
/// Of the stream.
pub async fn write_message<O: AsyncWrite + Unpin>(
    output: &mut O,
    body: &[u8],
) -> std::io::Result<()> {
    output.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await?;
    output.write_all(body).await?;
    output.flush().await
}

/// The next body, whatever it is; none at the end of the stream.
///
/// # Errors
/// Of the stream.
pub async fn next_body<I: AsyncRead + Unpin>(
    input: &mut BufReader<I>,
) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        let Some(length) = next_length(input).await? else { return Ok(None) };
        if length > MAX_FRAME {
            tracing::warn!(bytes = length, "skipped a frame that is too large");
            tokio::io::copy(&mut input.take(length), &mut tokio::io::sink()).await?;
            continue;
        }
        // Grown as bytes arrive: a length alone reserves nothing.
        let mut body = Vec::new();
        let read = input.take(length).read_to_end(&mut body).await?;
        return Ok((read as u64 == length).then_some(body));
    }
}

/// Reads headers to their blank line; lines that are no header are skipped, which resynchronises after garbage.
async fn next_length<I: AsyncRead + Unpin>(
    input: &mut BufReader<I>,
) -> std::io::Result<Option<u64>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if (&mut *input).take(MAX_HEADER).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            if length.is_some() {
                return Ok(length);
            }
        } else if let Some(found) = content_length(line) {
            length = Some(found);
        }
    }
}

/// The length in a header line. Garbage may stand before the name where a frame broke off, so the name is looked for anywhere.
fn content_length(line: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"content-length:";
    let at = line.windows(NAME.len()).rposition(|window| window.eq_ignore_ascii_case(NAME))?;
    std::str::from_utf8(line[at + NAME.len()..].trim_ascii()).ok()?.parse().ok()
}

/// The message as the framework is sure to read it; none when it is no JSON-RPC message.
fn digestible(body: &[u8]) -> Option<Vec<u8>> {
    let parsed = serde_json::from_slice(body)
        .or_else(|_| serde_json::from_slice(&without_lone_surrogates(body)));
    let Ok(Value::Object(mut message)) = parsed else { return None };
    let id_is_plain = match message.get("id") {
        None => true,
        Some(Value::String(_)) => true,
        Some(Value::Number(id)) => id.is_i64(),
        Some(_) => false,
    };
    let is_call =
        matches!(message.get("method"), Some(Value::String(method)) if !method.is_empty());
    let is_reply = message.contains_key("id")
        && match message.get("error") {
            None => message.contains_key("result"),
            Some(Value::Object(error)) => {
                error.get("code").is_some_and(Value::is_i64)
                    && error.get("message").is_some_and(Value::is_string)
            }
            Some(_) => false,
        };
    if !id_is_plain || is_call == is_reply {
        return None;
    }
    if is_call {
        // Anything else in a call makes the framework take it for a reply, or fail.
        message.retain(|key, _| matches!(key.as_str(), "id" | "method" | "params"));
        if message.get("params").is_some_and(Value::is_null) {
            message.remove("params");
        }
        // The framework drops what begins with `$/`, which LSP allows of notifications; a request is owed an answer.
        if message.contains_key("id")
            && let Some(Value::String(method)) = message.get_mut("method")
            && method.starts_with("$/")
        {
            method.insert_str(0, "request:");
        }
    }
    message.insert("jsonrpc".into(), Value::String("2.0".into()));
    serde_json::to_vec(&message).ok()
}

/// The body with every escaped half of a surrogate pair replaced by U+FFFD, which is one UTF-16 unit too, so that positions stay.
/// JavaScript writes such halves for text that is not well-formed; refusing the frame would lose an edit without a word.
fn without_lone_surrogates(body: &[u8]) -> Vec<u8> {
    let unit = |at: usize| {
        let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        let (replace, length) = match unit(at) {
            Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => (false, 12),
            Some(0xD800..=0xDFFF) => (true, 6),
            Some(_) => (false, 6),
            // An escaped backslash must not lend itself to the `u` after it.
            None if body[at] == b'\\' => (false, 2),
            None => (false, 1),
        };
        let end = (at + length).min(body.len());
        out.extend_from_slice(if replace { b"\\ufffd" } else { &body[at..end] });
        at = end;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{digestible, guard};
    use tower_lsp::{LanguageServer, LspService, Server, jsonrpc::Result, ls_types as lsp};

    struct Bare;

    impl LanguageServer for Bare {
        async fn initialize(&self, _: lsp::InitializeParams) -> Result<lsp::InitializeResult> {
            Ok(lsp::InitializeResult::default())
        }

        async fn shutdown(&self) -> Result<()> {
            Ok(())
        }
    }

    /// Why the guard is here. When this fails, the framework has learnt to go on, and the guard may go.
    #[tokio::test]
    async fn the_framework_alone_ends_at_the_first_bad_frame() {
        let initialize =
            br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#;
        for bad in
            [frame(b"\xff\xfe"), frame(b"{"), frame(b"[]"), b"Content-Length: x\r\n\r\n".to_vec()]
        {
            let input = [bad.as_slice(), &frame(initialize)].concat();
            let mut output = Vec::new();
            let (service, socket) = LspService::new(|_| Bare);
            Server::new(input.as_slice(), &mut output, socket).serve(service).await;
            assert!(!String::from_utf8_lossy(&output).contains("capabilities"));
            let out = passed(&input).await;
            assert!(out.contains("initialize"));
        }
    }

    async fn passed(input: &[u8]) -> String {
        let mut output = Vec::new();
        guard(input, &mut output).await;
        String::from_utf8(output).unwrap()
    }

    fn frame(body: &[u8]) -> Vec<u8> {
        [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    const GOOD: &[u8] = br#"{"jsonrpc":"2.0","method":"exit"}"#;

    #[tokio::test]
    async fn a_good_frame_passes_after_any_garbage() {
        let bad: &[&[u8]] = &[
            b"garbage\r\n",
            b"\r\n\r\n\n",
            b"Content-Length: -5\r\n\r\n",
            b"Content-Length: 99999999999999999999999\r\n\r\n",
            &frame(b"\xff\xfe"),
            &frame(b"{"),
            &frame(b"[]"),
            &frame(b"null"),
            &frame(br#"{"jsonrpc":"2.0","id":{},"method":"x"}"#),
            &frame(&[b"[".repeat(100_000), b"]".repeat(100_000)].concat()),
            &frame(b""),
        ];
        for garbage in bad {
            let out = passed(&[garbage, frame(GOOD).as_slice()].concat()).await;
            assert!(out.contains("exit"), "{:?}", String::from_utf8_lossy(garbage));
        }
    }

    #[tokio::test]
    async fn a_cut_frame_ends_the_stream() {
        let whole = frame(GOOD);
        for at in 0..whole.len() {
            assert_eq!(passed(&whole[..at]).await, "");
        }
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        let text = |escaped: &str| {
            let body = digestible(format!(r#"{{"method":"x","params":["{escaped}"]}}"#).as_bytes())
                .unwrap();
            let message: serde_json::Value = serde_json::from_slice(&body).unwrap();
            message["params"][0].as_str().unwrap().to_owned()
        };
        assert_eq!(text(r"a\ud83db"), "a\u{fffd}b");
        assert_eq!(text(r"\ude00\ud83d\ude00\ud83d"), "\u{fffd}😀\u{fffd}");
        assert_eq!(text(r"\\ud83d\ud800"), "\\ud83d\u{fffd}");
    }

    #[test]
    fn a_request_that_may_be_dropped_as_a_notification_is_renamed() {
        let method = |body: &[u8]| {
            let body: serde_json::Value =
                serde_json::from_slice(&digestible(body).unwrap()).unwrap();
            body["method"].clone()
        };
        assert_eq!(method(br#"{"id":1,"method":"$/x"}"#), "request:$/x");
        assert_eq!(method(br#"{"method":"$/cancelRequest","params":{"id":1}}"#), "$/cancelRequest");
    }

    #[test]
    fn messages_are_calls_or_replies() {
        assert!(digestible(br#"{"method":"x","id":1,"params":null}"#).is_some());
        assert!(digestible(br#"{"id":1,"result":null}"#).is_some());
        assert!(digestible(br#"{"id":1,"error":{"code":1,"message":"m"}}"#).is_some());
        assert!(digestible(br#"{"id":1,"error":3}"#).is_none());
        assert!(digestible(br#"{"id":1.5,"method":"x"}"#).is_none());
        assert!(digestible(br#"{"id":1}"#).is_none());
    }
}
