//! A way to a server on which a commit gets lost: going there, or its answer coming back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::spawn;

/// For PostgreSQL: breaks off the connection over which the `nth` commit goes, from 1.
pub(crate) fn losing_a_commit(server: u16, nth: usize, done: bool) -> u16 {
    losing(server, |sent| sent.windows(6).any(|word| word == b"COMMIT"), nth, done)
}

/// Breaks off the connection over which the `nth` of what `is_it` goes, from 1: before the server has it, or, if it is to be
/// `done`, after that. Whatever else comes is handed on. The answer is the port of loopback to connect to.
pub(crate) fn losing(
    server: u16,
    is_it: impl Fn(&[u8]) -> bool + Copy + Send + 'static,
    nth: usize,
    done: bool,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let commits = Arc::new(AtomicUsize::new(0));
    spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
            let (mut client_out, mut server_in) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let (commits, lost) = (commits.clone(), Arc::new(AtomicBool::new(false)));
            let answer_is_lost = lost.clone();
            spawn(move || {
                hand_on(&server, &mut client_out, |_| !answer_is_lost.load(Ordering::SeqCst));
            });
            spawn(move || {
                hand_on(&client, &mut server_in, |sent| {
                    let is_lost = is_it(sent) && commits.fetch_add(1, Ordering::SeqCst) + 1 == nth;
                    lost.fetch_or(is_lost, Ordering::SeqCst);
                    !is_lost || done
                });
            });
        }
    });
    port
}

/// Until `goes` says no, or one of them ends; both are closed then.
fn hand_on(mut from: &TcpStream, to: &mut TcpStream, mut goes: impl FnMut(&[u8]) -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !goes(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
