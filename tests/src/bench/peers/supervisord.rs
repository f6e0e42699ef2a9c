//! supervisord: one Python process. A program with `startsecs=0` is running as soon as it is spawned.

use std::{fmt::Write as _, io::Write, os::unix::net::UnixStream, process::Command};

use super::{Failure, Job, Kind, Pending};

/// supervisord.
pub(super) struct Supervisord;

const SOCKET: &str = "rpc";

impl Kind for Supervisord {
    fn name(&self) -> &'static str {
        "supervisord"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["supervisord"]
    }

    fn prepare(&self, job: &Job) -> Result<(), Failure> {
        let folder = job.folder().display();
        let mut text = format!(
            "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\nloglevel=error\nminfds=8000\n\
             pidfile={folder}/pid\nchildlogdir={folder}\n\
             [unix_http_server]\nfile={folder}/{SOCKET}\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        );
        for (index, name) in job.indices().zip(job.names()) {
            let (command, auto) = (job.command_line(index), !job.asked());
            let _ = write!(
                text,
                "[program:{name}]\ncommand={command}\nautostart={auto}\nstartsecs=0\nautorestart=true\nstartretries=1000000\n\
                 stdout_logfile=NONE\nstderr_logfile=NONE\n"
            );
        }
        job.write("supervisord.conf", &text)
    }

    fn command(&self, job: &Job) -> Result<Command, Failure> {
        let mut command = job.program("supervisord")?;
        command.arg("-n").arg("-c").arg(job.path("supervisord.conf"));
        Ok(command)
    }

    fn answers(&self, job: &Job) -> bool {
        call(job, "supervisor.getState", "").and_then(Pending::finish).is_ok()
    }

    fn start(&self, job: &Job) -> Result<Pending, Failure> {
        call(job, "supervisor.startAllProcesses", NO_WAIT)
    }

    fn stop(&self, job: &Job) -> Result<Pending, Failure> {
        call(job, "supervisor.stopAllProcesses", NO_WAIT)
    }
}

const NO_WAIT: &str = "<param><value><boolean>0</boolean></value></param>";

fn call(job: &Job, method: &str, parameters: &str) -> Result<Pending, Failure> {
    let body = format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>"
    );
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let connected = UnixStream::connect(job.path(SOCKET)).and_then(|mut stream| {
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        Ok(stream)
    });
    connected.map(Pending::Reply).map_err(Failure::io("supervisord cannot be asked"))
}
