//! One file from the hub into a staging folder: watched, so that a hub that falls silent is noticed, and checked by length and,
//! where the hub names it, sha256. What is half there stays for the next attempt; what does not check out is removed.

use crate::model_store::{
    OnProgress, StoreProgress, StoreSettings,
    fetch::{digest, hub, reach, room},
    settings::PROXIES,
};
use hf_hub::api::{
    Progress,
    sync::{Api, ApiError, ApiRepo},
};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Component, Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
};

/// What is fetched from where to where.
pub(super) struct Transfer<'a> {
    pub(super) settings: &'a StoreSettings,
    pub(super) repository: &'a str,
    /// A hub cache of its own, which nobody reads but the transfer.
    pub(super) staging: PathBuf,
    pub(super) progress: OnProgress<'a>,
}

/// A file that is whole in the staging folder.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) path: PathBuf,
    pub(super) etag: String,
    pub(super) commit: String,
}

/// Why a file did not arrive.
#[derive(Debug)]
pub(super) enum Problem {
    /// The hub has no such file.
    Absent,
    /// It came, but not as the hub described it; a second attempt starts from nothing.
    Garbled(String),
    /// Anything else, in words.
    Failed(String),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent => f.write_str("the hub has no such file"),
            Self::Garbled(problem) | Self::Failed(problem) => f.write_str(problem),
        }
    }
}

enum Event {
    Bytes { done: u64, total: u64 },
    Ended(Result<Arrived, Problem>),
}

impl Transfer<'_> {
    /// Fetches one file of the repository.
    pub(super) fn fetch(&self, file: &str) -> Result<Arrived, Problem> {
        match self.attempt(file) {
            Err(Problem::Garbled(_)) => self.attempt(file),
            other => other,
        }
    }

    fn attempt(&self, file: &str) -> Result<Arrived, Problem> {
        let api = hub::api(self.settings, &self.staging).map_err(Problem::Failed)?;
        let repository = api.model(self.repository.to_owned());
        reach::hub_answers(&repository, self.settings).map_err(Problem::Failed)?;
        let cache = hf_hub::Cache::new(self.staging.clone()).model(self.repository.to_owned());
        let (events, heard) = channel();
        let name = file.to_owned();
        let has_proxy = self.settings.has_proxy;
        // The library has no time limits, so it runs on a thread that can be left behind.
        std::thread::Builder::new()
            .name("limpid-transfer".to_owned())
            .spawn(move || {
                let told = events.clone();
                let run = AssertUnwindSafe(|| {
                    transfer(&api, &repository, &cache, &name, &told, has_proxy)
                });
                let result = catch_unwind(run).unwrap_or_else(|_| {
                    Err(Problem::Failed(
                        "the hub's answer makes no sense; is HF_ENDPOINT right?".to_owned(),
                    ))
                });
                // Nobody listens any more where the wait was given up.
                let _ = events.send(Event::Ended(result));
            })
            .map_err(|e| Problem::Failed(format!("no thread for the transfer: {e}")))?;
        loop {
            match heard.recv_timeout(self.settings.patience) {
                Ok(Event::Bytes { done, total }) => (self.progress)(StoreProgress {
                    stage: "fetching",
                    done_bytes: done,
                    total_bytes: Some(total),
                }),
                Ok(Event::Ended(result)) => return result,
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = self.settings.patience.as_secs();
                    return Err(Problem::Failed(format!(
                        "the hub sent nothing for {seconds} seconds; try again, it goes on from there"
                    )));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Problem::Failed("the transfer ended without a word".to_owned()));
                }
            }
        }
    }
}

/// hf-hub's progress, as ours.
struct Told {
    events: Sender<Event>,
    done: u64,
    total: u64,
}

impl Progress for Told {
    fn init(&mut self, size: usize, _: &str) {
        (self.done, self.total) = (0, size as u64);
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        let _ = self.events.send(Event::Bytes { done: self.done, total: self.total });
    }

    fn finish(&mut self) {}
}

fn transfer(
    api: &Api,
    repository: &ApiRepo,
    staging: &hf_hub::CacheRepo,
    file: &str,
    events: &Sender<Event>,
    has_proxy: bool,
) -> Result<Arrived, Problem> {
    let metadata = api.metadata(&repository.url(file)).map_err(|e| {
        if has_proxy && is_unanswered(&e) { no_proxy(&e) } else { problem_of(&e, file, None) }
    })?;
    let (etag, commit, size) =
        (metadata.etag().to_owned(), metadata.commit_hash().to_owned(), metadata.size() as u64);
    for (what, name, depth) in [("etag", &etag, 2), ("x-repo-commit", &commit, 1)] {
        if !stays_inside(name, depth) {
            return Err(Problem::Failed(format!(
                "{file}: the hub's {what} {name:?} is no name of a file; is HF_ENDPOINT right?"
            )));
        }
    }
    let blob = staging.blob_path(&etag);
    let part = blob.with_extension("part");
    let folder = blob.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .map_err(|e| Problem::Failed(format!("{}: {e}", folder.display())))?;
    let arrived = Arrived { path: blob.clone(), etag: etag.clone(), commit };
    // A fetch that was killed after its last byte has left the whole file.
    if blob.is_file() && check(&blob, size, &etag).is_ok() {
        return Ok(arrived);
    }
    let there = part.metadata().map_or(0, |metadata| metadata.len());
    if there >= size {
        let _ = fs::remove_file(&part);
    } else {
        room::require(folder, size - there)
            .map_err(|problem| Problem::Failed(format!("{file}: {problem}")))?;
    }
    // The library's own pointers are of no use here, and one that leads nowhere stops it.
    let _ = fs::remove_dir_all(staging.pointer_path(&arrived.commit));
    let told = Told { events: events.clone(), done: 0, total: size };
    if let Err(error) = repository.download_with_progress(file, told) {
        if is_full(&error) {
            let _ = fs::remove_file(&part);
        }
        return Err(problem_of(&error, file, Some((folder, size))));
    }
    check(&blob, size, &etag).map_err(|problem| {
        let _ = fs::remove_file(&blob);
        Problem::Garbled(format!("{file}: {problem}"))
    })?;
    Ok(arrived)
}

/// Whether a name of the hub's, used as a path, stays in the folder it is joined to, no deeper than `depth` (a weak etag has a
/// slash in it).
fn stays_inside(name: &str, depth: usize) -> bool {
    let parts: Vec<Component<'_>> = Path::new(name).components().collect();
    (1..=depth).contains(&parts.len())
        && parts.iter().all(|part| matches!(part, Component::Normal(_)))
}

/// Whether a file is as long as the hub said and, where its etag is a sha256, is that file.
fn check(path: &Path, size: u64, etag: &str) -> Result<(), String> {
    let named = |e: std::io::Error| format!("{}: {e}", path.display());
    let len = path.metadata().map_err(named)?.len();
    if len != size {
        return Err(format!("{len} bytes came where the hub announced {size}; try again"));
    }
    if etag.len() == 64 && etag.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let sha256 = digest::of_file(path).map_err(named)?;
        if !sha256.eq_ignore_ascii_case(etag) {
            return Err(format!(
                "what came has sha256 {sha256} where the hub announced {etag}; try again"
            ));
        }
    }
    Ok(())
}

fn is_full(error: &ApiError) -> bool {
    match error {
        ApiError::IoError(error) => room::is_full(error),
        ApiError::TooManyRetries(error) => is_full(error),
        _ => false,
    }
}

/// Whether nobody answered the request at all.
fn is_unanswered(error: &ApiError) -> bool {
    matches!(error, ApiError::RequestError(_)) && !error.to_string().contains("status: ")
}

/// Nobody answered, and it is a proxy that was asked.
fn no_proxy(error: &ApiError) -> Problem {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    Problem::Failed(format!(
        "no answer through the proxy ({}): {first}; is the proxy right, and is there a network?",
        PROXIES.join(", ")
    ))
}

/// The library's error in words; `to` is where it was writing, and how many bytes.
fn problem_of(error: &ApiError, file: &str, to: Option<(&Path, u64)>) -> Problem {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    // The client's own error type is not ours to name; what it says about the status is stable.
    let has_status = |code: u16| first.contains(&format!("status: {code}"));
    if has_status(404) {
        return Problem::Absent;
    }
    if has_status(401) || has_status(403) {
        return Problem::Failed(format!(
            "{file}: {first}; the name is wrong, or the model wants HF_TOKEN and its terms accepted on the hub"
        ));
    }
    Problem::Failed(match (error, to) {
        (ApiError::IoError(error), Some((folder, size))) if room::is_full(error) => {
            format!("{file}: {}", room::written(folder, error, size))
        }
        (
            ApiError::MissingHeader(_) | ApiError::InvalidHeader(_) | ApiError::ParseIntError(_),
            _,
        ) => {
            format!("{file}: {first}, so this is no hub; is HF_ENDPOINT right?")
        }
        (_, Some(_)) => format!("{file}: {first}; try again, it goes on from there"),
        (_, None) => format!("{file}: {first}; try again later"),
    })
}
