use core::str::FromStr;
use std::io;

use unwired::transport::RuntimeHandle;
use unwired_async_std::AsyncStd;
use unwired_blocking::Blocking;
use unwired_smol::Smol;
use unwired_tokio::Tokio;

/// An adapter, as the command line names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runtime {
    /// `tokio`
    Tokio,
    /// `async-std`
    AsyncStd,
    /// `smol`
    Smol,
    /// `blocking`: threads that wait.
    Blocking,
}

impl Runtime {
    /// Runs `main` to its end.
    ///
    /// # Errors
    ///
    /// Those of `main`, and of the system when the runtime does not start.
    pub fn run<M>(self, main: impl FnOnce(RuntimeHandle) -> M) -> io::Result<()>
    where
        M: Future<Output = io::Result<()>>,
    {
        match self {
            Self::Tokio => tokio::runtime::Runtime::new()?.block_on(async { main(Tokio::handle()).await }),
            Self::AsyncStd => async_std::task::block_on(main(AsyncStd::handle())),
            Self::Smol => smol::block_on(main(Smol::global().handle())),
            Self::Blocking => {
                let runtime = Blocking::new()?;
                runtime.block_on(main(runtime.handle()))
            }
        }
    }
}

impl FromStr for Runtime {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "tokio" => Ok(Self::Tokio),
            "async-std" => Ok(Self::AsyncStd),
            "smol" => Ok(Self::Smol),
            "blocking" => Ok(Self::Blocking),
            _ => Err(format!("there is no runtime `{name}`: it is tokio, async-std, smol or blocking")),
        }
    }
}
