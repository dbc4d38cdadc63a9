//! The command line of the example programs: the same on every runtime.
//!
//! ```no_run
//! let options = unwired_examples::options::ROUTE_GUIDE_SERVER.from_command_line();
//! println!("asked to listen on {}", options.listen);
//! ```

use std::ffi::OsString;
use std::fmt::{Display, Write as _};
use std::io;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{self, ExitCode};

use unwired::server::Bound;

pub use tls::Tls;

mod tls;

/// One of the example programs and what it can be told.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    name: &'static str,
    about: &'static str,
    flags: &'static [Flag],
}

/// What the user asked for, or the default where nothing was asked. A program reads the fields of its own flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--addr` of a server: where to listen.
    pub listen: SocketAddr,
    /// `--addr` of a client: whom to call, as `http://HOST:PORT`.
    pub target: String,
    /// `--name`: whom to greet.
    pub name: String,
    /// `--db`: the file of places to use instead of the embedded list.
    pub db: Option<PathBuf>,
    /// `--input`: the file to read instead of the standard input.
    pub input: Option<PathBuf>,
    /// `--tls-…`: what TLS is made of.
    pub tls: Tls,
}

/// Why a program ends before it has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The user asked for help: the text goes to standard output, and all is well.
    Help(String),
    /// The user asked for something that is not there: one line for standard error.
    Misuse(String),
}

#[derive(Clone, Copy, Debug)]
enum Flag {
    Listen,
    Target,
    Name,
    Db,
    Input,
    TlsCert,
    TlsKey,
    /// Who signs clients.
    TlsClients,
    /// Who signs servers.
    TlsServers,
    TlsName,
}

/// What every server can be told besides.
const OF_SERVERS: &[Flag] = &[Flag::TlsCert, Flag::TlsKey, Flag::TlsClients];

/// What every client can be told besides.
const OF_CLIENTS: &[Flag] = &[Flag::TlsServers, Flag::TlsName, Flag::TlsCert, Flag::TlsKey];

/// Measures distances.
pub const DISPLACEMENT_SERVER: Program =
    Program { name: "displacement_server", about: "Measures distances in a plane.", flags: &[Flag::Listen] };

/// Has distances measured.
pub const DISPLACEMENT_CLIENT: Program = Program {
    name: "displacement_client",
    about: "Has a displacement and a path measured.",
    flags: &[Flag::Target],
};

/// Answers greetings.
pub const HELLO_SERVER: Program = Program {
    name: "hello_server",
    about: "Answers greetings, in each of the four kinds of method.",
    flags: &[Flag::Listen],
};

/// Sends greetings.
pub const HELLO_CLIENT: Program = Program {
    name: "hello_client",
    about: "Sends greetings, in each of the four kinds of method.",
    flags: &[Flag::Target, Flag::Name],
};

/// Receives features.
pub const FEED_SERVER: Program =
    Program { name: "feed_server", about: "Receives features of a map, one by one.", flags: &[Flag::Listen] };

/// Sends features.
pub const FEED_CLIENT: Program = Program {
    name: "feed_client",
    about: "Sends the feature of each line to a server, one after the other.",
    flags: &[Flag::Target, Flag::Input],
};

/// Serves the greeter.
pub const GREETER_SERVER: Program =
    Program { name: "greeter_server", about: "Serves the greeter.", flags: &[Flag::Listen] };

/// Calls the greeter.
pub const GREETER_CLIENT: Program = Program {
    name: "greeter_client",
    about: "Asks a greeter for both of its greetings.",
    flags: &[Flag::Target, Flag::Name],
};

/// Serves the greeter behind interceptors.
pub const TOKEN_SERVER: Program = Program {
    name: "token_server",
    about: "Greets whoever has a token, and says how long each call took.",
    flags: &[Flag::Listen],
};

/// Calls the greeter behind interceptors.
pub const TOKEN_CLIENT: Program = Program {
    name: "token_client",
    about: "Asks for a greeting, without a token and with one.",
    flags: &[Flag::Target, Flag::Name],
};

/// Serves a store of items.
pub const INVENTORY_SERVER: Program = Program {
    name: "inventory_server",
    about: "Greets, and keeps a store of items.",
    flags: &[Flag::Listen],
};

/// Calls a store of items.
pub const INVENTORY_CLIENT: Program = Program {
    name: "inventory_client",
    about: "Brings items to a store, and looks for others.",
    flags: &[Flag::Target, Flag::Name],
};

/// Serves the route guide.
pub const ROUTE_GUIDE_SERVER: Program = Program {
    name: "route_guide_server",
    about: "Serves the route guide.",
    flags: &[Flag::Listen, Flag::Db],
};

/// Calls the route guide.
pub const ROUTE_GUIDE_CLIENT: Program = Program {
    name: "route_guide_client",
    about: "Calls all four methods of a route guide.",
    flags: &[Flag::Target],
};

impl Options {
    /// Says on standard output where the server has come to listen.
    ///
    /// # Errors
    /// When it has not: where, and why.
    pub fn listening(&self, bound: io::Result<Bound>) -> Result<Bound, String> {
        let bound = bound.map_err(|error| error.to_string())?;
        let address = bound.local_address().map_err(|error| error.to_string())?;
        println!("listening on {address}");
        Ok(bound)
    }
}

impl Flag {
    /// Name, value, explanation.
    const fn texts(self) -> [&'static str; 3] {
        match self {
            Self::Listen => {
                ["--addr", "ADDR:PORT", "where to listen; port 0 takes a free one [default: [::]:50051]"]
            }
            Self::Target => [
                "--addr",
                "http://HOST:PORT",
                "whom to call, by TLS with https:// [default: http://localhost:50051]",
            ],
            Self::Name => ["--name", "NAME", "whom to greet [default: you]"],
            Self::Db => ["--db", "FILE", "JSON list of places to use instead of the embedded one"],
            Self::TlsCert => ["--tls-cert", "FILE", "PEM of the certificates to show, the own one first"],
            Self::TlsKey => ["--tls-key", "FILE", "PEM of the key of --tls-cert"],
            Self::TlsClients => {
                ["--tls-ca", "FILE", "PEM of the issuers that a client must have a certificate of"]
            }
            Self::TlsServers => {
                ["--tls-ca", "FILE", "PEM of the issuers to trust [default: those of the system]"]
            }
            Self::TlsName => ["--tls-name", "NAME", "the name in the server's certificate [default: HOST]"],
            Self::Input => ["--input", "FILE", "JSON lines to send [default: the standard input]"],
        }
    }
}

impl Program {
    /// The options of this process. Prints the help, or what is wrong with the command line, and exits when there is nothing to
    /// run: with 0 after help, with 2 after a misuse.
    pub fn from_command_line(&self) -> Options {
        match self.parse(std::env::args_os().skip(1)) {
            Ok(options) => options,
            Err(Stop::Help(text)) => {
                print!("{text}");
                process::exit(0)
            }
            Err(Stop::Misuse(line)) => {
                eprintln!("{}: {line}", self.name);
                process::exit(2)
            }
        }
    }

    /// The exit code of what the program did; an error is told in one line on standard error.
    pub fn ended(&self, result: Result<(), impl Display>) -> ExitCode {
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }

    /// Reads `arguments`, without the name of the program. A flag takes its value from the next argument or after a `=`; of a flag
    /// given twice the last counts.
    ///
    /// # Errors
    /// [`Stop`] when the user wants help or is mistaken.
    pub fn parse(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<Options, Stop> {
        let mut options = Options {
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 50051)),
            target: "http://localhost:50051".to_owned(),
            name: "you".to_owned(),
            db: None,
            input: None,
            tls: Tls::default(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let argument = self.text(argument)?;
            if argument == "--help" || argument == "-h" {
                return Err(Stop::Help(self.help()));
            }
            let (name, attached) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(OsString::from(value))),
                None => (argument.as_str(), None),
            };
            let Some(flag) = self.flags().find(|flag| flag.texts()[0] == name) else {
                return Err(self.misuse(&format!("there is no option `{name}`")));
            };
            let Some(value) = attached.or_else(|| arguments.next()) else {
                let [name, value, _] = flag.texts();
                return Err(self.misuse(&format!("`{name}` needs a value: {name} {value}")));
            };
            match flag {
                Flag::Listen => options.listen = self.address(&self.text(value)?)?,
                Flag::Target => options.target = self.text(value)?,
                Flag::Name => options.name = self.text(value)?,
                Flag::TlsName => options.tls.name = Some(self.text(value)?),
                // A path need not be UTF-8.
                Flag::Db => options.db = Some(PathBuf::from(value)),
                Flag::Input => options.input = Some(PathBuf::from(value)),
                Flag::TlsCert => options.tls.cert = Some(PathBuf::from(value)),
                Flag::TlsKey => options.tls.key = Some(PathBuf::from(value)),
                Flag::TlsClients | Flag::TlsServers => options.tls.ca = Some(PathBuf::from(value)),
            }
        }
        match options.tls.lack(self.is_server()) {
            Some(what) => Err(self.misuse(what)),
            None => Ok(options),
        }
    }

    fn is_server(&self) -> bool {
        self.flags.iter().any(|flag| matches!(flag, Flag::Listen))
    }

    fn flags(&self) -> impl Iterator<Item = Flag> {
        let besides = if self.is_server() { OF_SERVERS } else { OF_CLIENTS };
        self.flags.iter().chain(besides).copied()
    }

    /// A host name stands for the first of its addresses.
    fn address(&self, value: &str) -> Result<SocketAddr, Stop> {
        let first = value.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        first.ok_or_else(|| self.misuse(&format!("`{value}` is no address to listen on: --addr ADDR:PORT")))
    }

    fn text(&self, argument: OsString) -> Result<String, Stop> {
        argument
            .into_string()
            .map_err(|argument| self.misuse(&format!("`{}` is not valid UTF-8", argument.display())))
    }

    fn misuse(&self, what: &str) -> Stop {
        Stop::Misuse(format!("{what} (`{} --help` lists the options)", self.name))
    }

    fn help(&self) -> String {
        let mut text = format!("{}\n\nUsage: {} [OPTIONS]\n\nOptions:\n", self.about, self.name);
        let help = ["--help", "", "print this and exit"];
        for [name, value, explanation] in self.flags().map(Flag::texts).chain([help]) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {:<26}{explanation}", format!("{name} {value}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(program: Program, arguments: &[&str]) -> Result<Options, Stop> {
        program.parse(arguments.iter().map(OsString::from))
    }

    fn misuse(program: Program, arguments: &[&str]) -> String {
        match parse(program, arguments) {
            Err(Stop::Misuse(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults() {
        let server = parse(ROUTE_GUIDE_SERVER, &[]).unwrap();
        assert_eq!((server.listen.to_string().as_str(), server.db), ("[::]:50051", None));
        let client = parse(GREETER_CLIENT, &[]).unwrap();
        assert_eq!((client.target.as_str(), client.name.as_str()), ("http://localhost:50051", "you"));
    }

    #[test]
    fn values_follow_or_are_attached_and_the_last_counts() {
        let options =
            parse(GREETER_CLIENT, &["--name=a=b", "--addr", "http://x:1", "--addr", "http://y:2"]).unwrap();
        assert_eq!((options.target.as_str(), options.name.as_str()), ("http://y:2", "a=b"));
        let options = parse(ROUTE_GUIDE_SERVER, &["--db", "a file.json", "--addr=127.0.0.1:0"]).unwrap();
        assert_eq!(
            (options.listen.to_string().as_str(), options.db),
            ("127.0.0.1:0", Some("a file.json".into()))
        );
    }

    #[test]
    fn mistakes_are_one_clear_line() {
        assert_eq!(
            misuse(GREETER_SERVER, &["--db", "x"]),
            "there is no option `--db` (`greeter_server --help` lists the options)"
        );
        assert_eq!(
            misuse(GREETER_CLIENT, &["--name"]),
            "`--name` needs a value: --name NAME (`greeter_client --help` lists the options)"
        );
        assert_eq!(
            misuse(GREETER_SERVER, &["--addr", "50051"]),
            "`50051` is no address to listen on: --addr ADDR:PORT (`greeter_server --help` lists the options)"
        );
        assert!(misuse(GREETER_CLIENT, &["stray"]).starts_with("there is no option `stray`"));
    }

    #[test]
    fn help_lists_the_program_s_own_options() {
        let Err(Stop::Help(text)) = parse(ROUTE_GUIDE_SERVER, &["--addr", "[::1]:1", "--help"]) else {
            panic!("no help");
        };
        assert_eq!(
            text,
            "Serves the route guide.\n\nUsage: route_guide_server [OPTIONS]\n\nOptions:\n  \
             --addr ADDR:PORT          where to listen; port 0 takes a free one [default: [::]:50051]\n  \
             --db FILE                 JSON list of places to use instead of the embedded one\n  \
             --tls-cert FILE           PEM of the certificates to show, the own one first\n  \
             --tls-key FILE            PEM of the key of --tls-cert\n  \
             --tls-ca FILE             PEM of the issuers that a client must have a certificate of\n  \
             --help                    print this and exit\n"
        );
    }

    #[test]
    fn tls_by_halves_is_a_mistake() {
        for (program, arguments, lack) in [
            (GREETER_SERVER, &["--tls-cert", "x"][..], "`--tls-cert` needs `--tls-key` as well"),
            (GREETER_CLIENT, &["--tls-key", "x"], "`--tls-key` needs `--tls-cert` as well"),
            (GREETER_SERVER, &["--tls-ca", "x"], "`--tls-ca` needs `--tls-cert` and `--tls-key` as well"),
            (GREETER_SERVER, &["--tls-name", "x"], "there is no option `--tls-name`"),
        ] {
            let line = misuse(program, arguments);
            assert!(line.starts_with(lack), "{line}");
        }
        let options = parse(GREETER_CLIENT, &["--tls-ca", "a", "--tls-name", "n"]).unwrap();
        let (ca, name) = (Some("a".into()), Some("n".to_owned()));
        assert_eq!(options.tls, Tls { ca, name, ..Tls::default() });
    }

    #[test]
    fn a_file_of_tls_that_cannot_be_used_is_named() {
        let server = |chain: &str| {
            let options = parse(GREETER_SERVER, &["--tls-cert", chain, "--tls-key", "Cargo.toml"]).unwrap();
            options.secure_server(unwired::Server::builder()).unwrap_err()
        };
        assert!(server("no/such.pem").starts_with("cannot read no/such.pem: "), "{}", server("no/such.pem"));
        assert!(
            server("Cargo.toml").starts_with("`--tls-cert` cannot be used: "),
            "{}",
            server("Cargo.toml")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_utf_8() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(vec![0x66, 0xff]);
        let options = ROUTE_GUIDE_SERVER.parse([OsString::from("--db"), odd.clone()]).unwrap();
        assert_eq!(options.db, Some(PathBuf::from(odd.clone())));
        assert!(matches!(GREETER_CLIENT.parse([OsString::from("--name"), odd]), Err(Stop::Misuse(_))));
    }
}
