//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use crate::attack::{self, Attack};
use crate::server::{self, Server};

pub(crate) const USAGE: &str = "\
usage: siege --addr HOST:PORT [--pid PID] [OPTIONS]
       siege [OPTIONS] -- COMMAND...

Plays known attacks on HTTP/2 and gRPC against a cleartext server of `helloworld.Greeter` on the loopback, beside a client
that does no harm, and prints a table of what became of them.

  --addr HOST:PORT   where the server listens; nobody but this machine is attacked
  --pid PID          its process, to see its memory
  -- COMMAND...      starts the server anew for each attack; it says `listening on HOST:PORT`
  --attack ID,ID     which attacks [default: all]
  --seconds N        how long each attack lasts [default: 5]
  --rounds N         how often each is played; figures are medians [default: 1]
  --rate N           calls of the neighbour in a second; 0 for as fast as it is answered [default: 1000]
  --strict           exit with 1 when the server broke a rule
  --list             say what each attack is, and which ones are not played";

/// What is asked for.
pub(crate) struct Options {
    pub(crate) target: Target,
    pub(crate) attacks: Vec<&'static Attack>,
    pub(crate) length: Duration,
    pub(crate) rounds: u32,
    pub(crate) rate: u32,
    pub(crate) strict: bool,
}

/// Whom to attack.
pub(crate) enum Target {
    Running(SocketAddr, Option<u32>),
    Command(Vec<String>),
}

impl Target {
    /// The server, started where it has to be.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn server(&self) -> Result<Server, String> {
        match self {
            Self::Running(address, pid) => Ok(Server::at(*address, *pid)),
            Self::Command(command) => Server::start(command),
        }
    }
}

/// What the command line says.
pub(crate) enum Asked {
    Siege(Options),
    List,
    Help,
}

/// How long an attack may last, in seconds.
const LENGTHS: std::ops::RangeInclusive<f64> = 0.1..=600.0;

/// Reads the command line.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let (mut address, mut pid, mut command) = (None, None, None);
    let mut options = Options {
        target: Target::Command(Vec::new()),
        attacks: attack::all().collect(),
        length: Duration::from_secs(5),
        rounds: 1,
        rate: 1000,
        strict: false,
    };
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{option}` needs a value"));
        match &*option {
            "--addr" => address = Some(server::loopback(&value()?)?),
            "--pid" => pid = Some(number(&option, &value()?)?),
            "--attack" => options.attacks = attacks(&value()?)?,
            "--seconds" => {
                let seconds: f64 = number(&option, &value()?)?;
                if !LENGTHS.contains(&seconds) {
                    let (least, most) = (LENGTHS.start(), LENGTHS.end());
                    return Err(format!("an attack lasts {least} to {most} seconds"));
                }
                options.length = Duration::from_secs_f64(seconds);
            }
            "--rounds" => options.rounds = number::<u32>(&option, &value()?)?.max(1),
            "--rate" => options.rate = number(&option, &value()?)?,
            "--strict" => options.strict = true,
            "--list" => return Ok(Asked::List),
            "--help" | "-h" => return Ok(Asked::Help),
            "--" => {
                command = Some(arguments.by_ref().collect());
            }
            _ => return Err(format!("there is no option `{option}`")),
        }
    }
    options.target = match (address, command) {
        (Some(address), None) => Target::Running(address, pid),
        (None, Some(command)) => Target::Command(command),
        (None, None) => return Err("whom to attack? Give --addr HOST:PORT, or -- COMMAND...".to_owned()),
        (Some(_), Some(_)) => return Err("give either --addr or a command, not both".to_owned()),
    };
    Ok(Asked::Siege(options))
}

fn number<T: std::str::FromStr>(option: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{option}` needs a number, not `{value}`"))
}

fn attacks(ids: &str) -> Result<Vec<&'static Attack>, String> {
    if ids == "all" {
        return Ok(attack::all().collect());
    }
    ids.split(',')
        .map(|id| {
            if let Some((id, why)) = attack::NOT_PLAYED.iter().find(|(known, _)| *known == id) {
                return Err(format!("{id} is not played here: {why}"));
            }
            attack::all()
                .find(|attack| attack.id == id)
                .ok_or_else(|| format!("there is no attack `{id}`: --list names them"))
        })
        .collect()
}
