//! Command lines as the suite's own programs have them: `--name=value` or `--name value`, with one dash or two.

use core::fmt::Display;
use core::str::FromStr;
use core::time::Duration;
use std::process::ExitCode;
use std::{env, fs, io};

use unwired_http2_rigs::Runtime;

/// The flags that a program was given. Each is taken by its name; what nobody took was a mistake.
#[derive(Debug)]
pub struct Flags(Vec<(String, String)>);

impl Flags {
    /// Reads `arguments`. A flag without a value is `true`.
    ///
    /// # Errors
    ///
    /// For an argument that belongs to no flag.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut flags: Vec<(String, String)> = Vec::new();
        let mut wants_value = false;
        for argument in arguments {
            match argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) {
                Some(flag) => {
                    let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
                    wants_value = name == flag;
                    flags.push((name.to_owned(), value.to_owned()));
                }
                None => match flags.last_mut().filter(|_| wants_value) {
                    Some((_, value)) => {
                        *value = argument;
                        wants_value = false;
                    }
                    None => return Err(format!("`{argument}` belongs to no flag")),
                },
            }
        }
        Ok(Self(flags))
    }

    /// The value of `--name`, if it was given; of several the last counts.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, String> {
        let mut taken = None;
        self.0.retain(|(flag, value)| {
            if flag == name {
                taken = Some(value.clone());
            }
            flag != name
        });
        let Some(value) = taken else { return Ok(None) };
        value.parse().map(Some).map_err(|error| format!("--{name}={value}: {error}"))
    }

    /// The value of `--name`, or `default`.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn take_or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> Result<T, String> {
        Ok(self.take(name)?.unwrap_or(default))
    }

    /// The value of `--name`, which is needed.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take), and when it was not given.
    pub fn need<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<T, String> {
        self.take(name)?.ok_or_else(|| format!("--{name} is needed"))
    }

    /// The file that `--name` names, which is needed `for_what`.
    ///
    /// # Errors
    ///
    /// When it was not given, and those of the system.
    pub fn file(&mut self, name: &str, for_what: &str) -> Result<Vec<u8>, String> {
        let path: String = self.take(name)?.ok_or_else(|| format!("{for_what} needs --{name}=FILE"))?;
        fs::read(&path).map_err(|error| format!("--{name}={path}: {error}"))
    }

    /// The value of `--name` in milliseconds, or `default`.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn millis(&mut self, name: &str, default: Duration) -> Result<Duration, String> {
        Ok(self.take(name)?.map_or(default, Duration::from_millis))
    }

    /// The value of `--name` in seconds, or `default`.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn seconds(&mut self, name: &str, default: Duration) -> Result<Duration, String> {
        Ok(self.take(name)?.map_or(default, Duration::from_secs))
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// For a flag that was not taken.
    pub fn done(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("there is no flag --{name}")),
        }
    }
}

/// Runs a program on the runtime that `--runtime` names: `read` takes the other flags, and `main` runs with them.
pub fn program<T, M>(
    usage: &str,
    read: impl FnOnce(&mut Flags) -> Result<T, String>,
    main: impl FnOnce(unwired::transport::RuntimeHandle, T) -> M,
) -> ExitCode
where
    M: Future<Output = io::Result<()>>,
{
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{usage}");
        return ExitCode::SUCCESS;
    }
    let parsed = Flags::parse(arguments).and_then(|mut flags| {
        let runtime = flags.take_or("runtime", Runtime::Tokio)?;
        let read = read(&mut flags)?;
        flags.done()?;
        Ok((runtime, read))
    });
    let (runtime, read) = match parsed {
        Ok(parsed) => parsed,
        Err(mistake) => {
            eprintln!("{mistake}\n\n{usage}");
            return ExitCode::from(2);
        }
    };
    match runtime.run(|handle| main(handle, read)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Flags;

    fn flags(line: &str) -> Flags {
        Flags::parse(line.split_whitespace().map(str::to_owned)).unwrap()
    }

    #[test]
    fn values_are_attached_or_follow_and_switches_have_none() {
        let mut flags = flags("--port=1 -server_host a --use_tls --port 2");
        assert_eq!(flags.take("port"), Ok(Some(2_u16)));
        assert_eq!(flags.need::<String>("server_host"), Ok("a".to_owned()));
        assert_eq!(flags.take_or("use_tls", false), Ok(true));
        assert_eq!(flags.take::<u16>("port"), Ok(None));
        assert_eq!(flags.done(), Ok(()));
    }

    #[test]
    fn mistakes_name_their_flag() {
        assert!(Flags::parse(["stray".to_owned()]).unwrap_err().contains("stray"));
        assert!(flags("--port=x").take::<u16>("port").unwrap_err().starts_with("--port=x: "));
        assert_eq!(flags("--prot=1").done(), Err("there is no flag --prot".to_owned()));
        assert_eq!(flags("").need::<u16>("port"), Err("--port is needed".to_owned()));
    }
}
