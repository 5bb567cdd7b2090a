//! A load of HTTP on 4 kept-alive connections: `load <address> <seconds>`, with the requests on standard input,
//! each with its body if it has a content-length. Each connection sends them in turn, and each answer has to be a 200
//! with a JSON object. Prints answers per second. One file without dependencies, which rustc builds; in a
//! directory, as cargo takes benches/*.rs for benchmarks of the extension.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{array, env, thread};

const CONNECTIONS: usize = 4;

fn main() {
    let mut args = env::args().skip(1);
    let (Some(address), Some(seconds)) = (args.next(), args.next()) else {
        panic!("usage: load <address> <seconds>, with the requests on standard input");
    };
    let seconds = Duration::from_secs_f64(seconds.parse().expect("a number of seconds"));
    let requests = io::read_to_string(io::stdin()).expect("requests on standard input");
    let requests: Arc<[String]> = split_requests(&requests).collect();

    let start = Instant::now();
    let threads: [_; CONNECTIONS] = array::from_fn(|connection| {
        let (address, requests) = (address.clone(), requests.clone());
        thread::spawn(move || {
            let mut stream = TcpStream::connect(address).expect("a connection");
            stream.set_nodelay(true).expect("no delay");
            let (mut buffer, mut answers) = (vec![0; 1 << 20], 0);
            // Each starts elsewhere.
            let mut requests = requests.iter().cycle().skip(connection * requests.len() / CONNECTIONS);
            while start.elapsed() < seconds {
                let request = requests.next().expect("a request");
                stream.write_all(request.as_bytes()).expect("a request is sent");
                let answer = receive(&mut stream, &mut buffer);
                assert!(is_object(answer), "{request}{}", String::from_utf8_lossy(answer));
                answers += 1;
            }
            answers
        })
    });
    let answers: u32 = threads.into_iter().map(|thread| thread.join().expect("answers")).sum();
    println!("{}", f64::from(answers) / start.elapsed().as_secs_f64());
}

fn split_requests(mut rest: &str) -> impl Iterator<Item = String> {
    std::iter::from_fn(move || {
        let head = rest.find("\r\n\r\n")? + 4;
        let length = header(&rest[..head], "content-length").map_or(0, |length| length.parse().expect("a length"));
        let (request, behind) = rest.split_at(head + length);
        rest = behind;
        Some(request.to_owned())
    })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// One whole answer: head and body.
fn receive<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> &'a [u8] {
    let mut length = 0;
    loop {
        let more = stream.read(&mut buffer[length..]).expect("an answer");
        assert!(more > 0, "the connection was closed, or the answer is too long");
        length += more;
        if is_whole(&buffer[..length]) {
            return &buffer[..length];
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = split(answer) else { return false };
    match header(head, "content-length") {
        Some(length) => body.len() == length.parse().expect("a length"),
        None => body.ends_with(b"0\r\n\r\n"), // chunked
    }
}

fn is_object(answer: &[u8]) -> bool {
    let (head, body) = split(answer).expect("a whole answer");
    // A chunk's length is hexadecimal, so no brace comes before the body's own.
    head.starts_with("HTTP/1.1 200 ") && body.contains(&b'{')
}

/// Head and body, once the head is there.
fn split(answer: &[u8]) -> Option<(&str, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((str::from_utf8(&answer[..end]).expect("a head in ASCII"), &answer[end + 4..]))
}
