//! A hub on this machine that serves `owner/model` and behaves as a test wants it to. Nothing here asserts.
#![allow(dead_code, reason = "not every test program needs every behaviour")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

/// What the hub does with a request for a file it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Serves it.
    Whole,
    /// Breaks off in the middle of every body.
    BreaksOff,
    /// Sends half of the weights, and the rest once the gate is open.
    Gated,
    /// Sends all of a file whatever part was asked for.
    IgnoresRanges,
    /// Announces another sha256 than that of the body.
    WrongSha256,
    /// Names its files so that they would be written elsewhere.
    EvilNames,
    /// Sends people elsewhere without saying where.
    RedirectsNowhere,
    /// Is no hub but a page.
    Page,
    /// Refuses.
    Status(u16),
    /// Says nothing.
    Silent,
}

/// A hub that serves until its test ends.
pub(crate) struct Hub {
    pub(crate) endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    files: Vec<(&'static str, Vec<u8>)>,
    behaviour: Behaviour,
    /// File name and first byte of every request for more than one byte.
    requests: Mutex<Vec<(String, usize)>>,
    is_open: Mutex<bool>,
    changed: Condvar,
}

impl Hub {
    pub(crate) fn start(files: Vec<(&'static str, Vec<u8>)>, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            files,
            behaviour,
            requests: Mutex::default(),
            is_open: Mutex::new(false),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&own);
                // A client that goes away in the middle is what some tests are about.
                std::thread::spawn(move || shared.answer(stream));
            }
        });
        Self { endpoint, shared }
    }

    /// Requests so far, each a file's name and the first byte asked for; probes for the size are left out.
    pub(crate) fn requests(&self) -> Vec<(String, usize)> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until somebody asked for a file.
    pub(crate) fn wait_for(&self, file: &str) {
        let requests = self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let missing =
            |requests: &mut Vec<(String, usize)>| !requests.iter().any(|(name, _)| name == file);
        drop(self.shared.changed.wait_while(requests, missing));
    }

    pub(crate) fn open_gate(&self) {
        *self.shared.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> Option<()> {
        let (path, from, to) = request(&stream)?;
        let end = |stream: &mut TcpStream, status: &str, more: &str| {
            let head = format!(
                "HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).ok()
        };
        match self.behaviour {
            Behaviour::Status(code) => return end(&mut stream, &format!("{code} No"), ""),
            Behaviour::RedirectsNowhere => {
                return end(&mut stream, "302 Found", "etag: \"x\"\r\nx-repo-commit: c\r\n");
            }
            Behaviour::Page => return end(&mut stream, "200 OK", ""),
            Behaviour::Silent => {
                self.pass_gate();
                return None;
            }
            _ => {}
        }
        let name = path.strip_prefix("/owner/model/resolve/main/").unwrap_or_default();
        let Some((name, body)) = self.files.iter().find(|(known, _)| *known == name) else {
            return end(&mut stream, "404 Not Found", "");
        };
        let is_probe = to == 1;
        if !is_probe {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(((*name).to_owned(), from));
            self.changed.notify_all();
        }
        if from >= body.len() {
            return end(&mut stream, "416 Range Not Satisfiable", "");
        }
        let whole = self.behaviour == Behaviour::IgnoresRanges && !is_probe;
        let part = if whole { &body[..] } else { &body[from..to.min(body.len())] };
        let etag = match self.behaviour {
            Behaviour::EvilNames => "../../../../evil".to_owned(),
            Behaviour::WrongSha256 => "0".repeat(64),
            _ => name.replace('.', "_"),
        };
        let status = if whole { "200 OK" } else { "206 Partial Content" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\netag: \"{etag}\"\r\nx-repo-commit: c0ffee\r\nConnection: close\r\n\r\n",
            part.len(),
            from + part.len() - 1,
            body.len(),
        );
        stream.write_all(head.as_bytes()).ok()?;
        let (first, rest) = part.split_at(part.len() / 2);
        stream.write_all(first).and_then(|()| stream.flush()).ok()?;
        match self.behaviour {
            Behaviour::BreaksOff if part.len() > 1 => return None,
            Behaviour::Gated if name.ends_with(".safetensors") && !is_probe => self.pass_gate(),
            _ => {}
        }
        stream.write_all(rest).ok()
    }

    fn pass_gate(&self) {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(is_open, |is_open| !*is_open));
    }
}

/// Path, first byte and end of a request.
fn request(stream: &TcpStream) -> Option<(String, usize, usize)> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut path, mut from, mut to, mut line) = (String::new(), 0, usize::MAX, String::new());
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next()?.to_owned();
        }
        if let Some((_, range)) = line.to_lowercase().split_once("range: bytes=") {
            let (first, last) = range.trim().split_once('-')?;
            from = first.parse().ok()?;
            to = last.parse().map_or(usize::MAX, |last: usize| last + 1);
        }
        line.clear();
    }
    Some((path, from, to))
}
