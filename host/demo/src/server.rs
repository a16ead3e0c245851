//! The server: its threads, its log, its faults and the routes that tests add.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::api::Api;
use crate::connection;
use crate::fault::{Action, Fault, Faults};
use crate::options::Options;
use crate::pattern;
use crate::reply::{Ending, Reply};
use crate::request::Request;
use crate::wire::{Next, Stop};

/// Answers the requests of a route that a test has added.
pub type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A server that runs until it is dropped, which ends its threads and connections too.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// Starts a server on 127.0.0.1. Fails where the port is taken, or no thread can be started.
pub fn start(options: Options) -> io::Result<Server> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
    let address = listener.local_addr()?;
    let mut faults = Faults::default();
    options.faults.iter().cloned().for_each(|fault| faults.add(fault));
    let shared = Arc::new(Shared {
        api: Api::new(&options),
        faults: Mutex::new(faults),
        routes: Mutex::default(),
        log: Mutex::default(),
        started: Instant::now(),
        stop: Stop::default(),
        live: Mutex::default(),
    });
    let for_thread = Arc::clone(&shared);
    let accepting = thread::Builder::new()
        .name("demo-accept".to_owned())
        .spawn(move || accept(&listener, &for_thread))?;
    Ok(Server { address, shared, accepting: Some(accepting) })
}

impl Server {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far, in the order in which they were read. What could not be read as a request is not here.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).entries.clone()
    }

    /// How many requests there were so far whose path fits `pattern`, see [`Fault::path`].
    pub fn count(&self, pattern: &str) -> usize {
        lock(&self.shared.log).entries.iter().filter(|request| pattern::fits(pattern, &request.path)).count()
    }

    /// Forgets the requests so far. Their numbers are not given again.
    pub fn clear_log(&self) {
        lock(&self.shared.log).entries.clear();
    }

    /// Adds a fault; where several are due, the one that was added first is played.
    pub fn add_fault(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Takes all faults away, also those of the options.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Has the paths that fit `pattern` (see [`Fault::path`]) answered by `handler`, for every method and without
    /// asking for the key. It takes the place of the API's own route, and of one set before for the same pattern;
    /// otherwise the route that was set first wins.
    pub fn set_route(&self, pattern: &str, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        let handler: Handler = Arc::new(handler);
        let mut routes = lock(&self.shared.routes);
        match routes.iter_mut().find(|(known, _)| known == pattern) {
            Some((_, old)) => *old = handler,
            None => routes.push((pattern.to_owned(), handler)),
        }
    }

    /// Answers the n-th request to `pattern` by the n-th of `replies`, and all further ones by the last. With no
    /// replies at all: 404.
    pub fn script(&self, pattern: &str, replies: Vec<Reply>) {
        let next = AtomicUsize::new(0);
        self.set_route(pattern, move |_| {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let reply = replies.get(turn).or(replies.last());
            reply.cloned().unwrap_or_else(|| Reply::status(404))
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.ring();
        // Wakes the thread that waits in `accept`.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| woken) {
            let _ = accepting.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What the threads of a server share.
pub(crate) struct Shared {
    api: Api,
    faults: Mutex<Faults>,
    routes: Mutex<Vec<(String, Handler)>>,
    log: Mutex<Log>,
    started: Instant,
    pub(crate) stop: Stop,
    /// Connections by their number, to be shut down when the server stops.
    live: Mutex<HashMap<u64, TcpStream>>,
}

#[derive(Default)]
struct Log {
    entries: Vec<Request>,
    last_number: u64,
}

impl Shared {
    /// Writes a request down and finds its answer.
    pub(crate) fn respond(&self, mut request: Request) -> Reply {
        request.at = self.started.elapsed();
        let action = {
            // One lock after the other's inside, so that requests are numbered and counted in one order.
            let mut log = lock(&self.log);
            log.last_number += 1;
            request.number = log.last_number;
            log.entries.push(request.clone());
            lock(&self.faults).meet(&request)
        };
        let mut reply = self.find(&request, action.as_ref());
        if let Some(echo) = &self.api.echo {
            reply = echo.show(reply);
        }
        if let Some(action) = &action {
            reply = action.spoil_reply(reply);
        }
        if matches!(reply.ending, Ending::Whole | Ending::Cut { .. }) {
            let mut log = lock(&self.log);
            // Not there any more where the log was cleared meanwhile.
            if let Some(entry) = log.entries.iter_mut().rev().find(|entry| entry.number == request.number) {
                entry.status = Some(reply.status);
            }
        }
        reply
    }

    fn find(&self, request: &Request, action: Option<&Action>) -> Reply {
        if let Some(reply) = action.and_then(Action::replacement) {
            return reply;
        }
        let routes = lock(&self.routes);
        let handler = routes.iter().find(|(pattern, _)| pattern::fits(pattern, &request.path));
        let handler = handler.map(|(_, handler)| Arc::clone(handler));
        drop(routes);
        let is_page = handler.is_none() && self.api.has_list(&request.path);
        let reply = match handler {
            Some(handler) => handler(request),
            None => self.api.answer(request, action),
        };
        match action {
            Some(action) if action.is_of_pages() && !(is_page && reply.status == 200) => {
                Reply::error(500, "fault", &format!("{action:?} cannot be played on {}", request.target))
            }
            _ => reply,
        }
    }
}

/// Takes connections until the server stops, then ends them.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for connection in 1.. {
        let accepted = listener.accept();
        if shared.stop.is_rung() {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        // Without file handles or threads to spare, the peer sees a closed connection.
        match accepted.and_then(|(stream, _)| serve(stream, connection, shared)) {
            Ok(thread) => threads.push(thread),
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
    for stream in lock(&shared.live).values() {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn serve(stream: TcpStream, connection: u64, shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    lock(&shared.live).insert(connection, stream.try_clone()?);
    thread::Builder::new().name(format!("demo-{connection}")).spawn(move || {
        let _entry = LiveEntry { connection, shared: &shared };
        if let Ok(Next::Reset) = connection::serve(&stream, connection, &shared) {
            // With no time to linger, closing the last handle resets the connection.
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    })
}

/// Takes a connection off the list when its thread ends, also by a panic in a test's handler.
struct LiveEntry<'a> {
    connection: u64,
    shared: &'a Shared,
}

impl Drop for LiveEntry<'_> {
    fn drop(&mut self) {
        lock(&self.shared.live).remove(&self.connection);
    }
}

/// A panic in a test's handler must not make every later request fail too.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
